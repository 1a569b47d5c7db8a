"""How long `mien.analyze` takes, per stage and from end to end, and how much memory; beside it the teachers' networks.

    python benchmarks/analyze.py [FILE ...] [--teachers FOLDER] [--frames 300] [--memory 10000] [--out RESULT.json]

One thread, on the demonstration clip and on any file given. With --teachers (a folder with yunet/ and mediapipe/ ONNX
files) YuNet at 320 px, the MediaPipe mesh and its blendshape network run on the same frames in the same run, through the same
onnxruntime, turn and turn about with ours: their times hold the three networks alone, ours everything from the file to
the rows. Times are noisy: the ratio within one run is the figure.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
import onnxruntime

import mien
from mien.media.image import read_image
from mien.media.source import frames, items
from mien.pipelines import Image, Options, Video, threads_default
from mien.tables.writer import open_writer
from mien.types import Frame

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "examples"))


def spread(times: list[float]) -> dict[str, float]:
    """Median, quartiles and count, milliseconds."""
    low, median, high = np.percentile(np.array(times) * 1000, [25, 50, 75])
    return {
        "median_ms": round(float(median), 3),
        "q25_ms": round(float(low), 3),
        "q75_ms": round(float(high), 3),
        "n": len(times),
    }


class Timed:
    """A callable that keeps the time of each call; seconds spent in timed parts inside it are not counted twice."""

    def __init__(self, inner: Callable, book: list[float]) -> None:
        self.inner, self.book = inner, book

    def __call__(self, *values: object, **named: object) -> object:
        start = time.perf_counter()
        out = self.inner(*values, **named)
        self.book.append(time.perf_counter() - start)
        return out


def timed_video(books: dict[str, list[float]]) -> Video:
    """A video pipeline whose parts keep their times."""
    video = Video(Options())
    for name, owner, method in (
        ("detect", video.follow.detect, "find"),
        ("mesh", video.follow.mesh, "fit_crops"),
    ):
        setattr(owner, method, Timed(getattr(owner, method), books.setdefault(name, [])))
    video.follow = Timed(video.follow, books.setdefault("track, with detect and mesh", []))
    video.readers = [Timed(stage, books.setdefault(type(stage).__name__.lower(), [])) for stage in video.readers]
    return video


class Teachers:
    """YuNet at 320 px, the MediaPipe mesh at 256 px and its blendshapes, one thread, networks alone."""

    def __init__(self, folder: Path) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        files = ("yunet/yunet_n_dynamic.onnx", "mediapipe/face_landmarks_detector.onnx", "mediapipe/face_blendshapes.onnx")
        rng = np.random.default_rng(0)
        shapes = ((1, 3, 320, 320), (1, 256, 256, 3), (1, 146, 2))
        self.runs = []
        for name, shape in zip(files, shapes):
            session = onnxruntime.InferenceSession(str(folder / name), options, providers=["CPUExecutionProvider"])
            self.runs.append((session, {session.get_inputs()[0].name: rng.random(shape, np.float32)}))

    def __call__(self) -> None:
        for session, inputs in self.runs:
            session.run(None, inputs)


def measure_video(path: Path, count: int, teachers: Teachers | None) -> dict[str, object]:
    """End to end: decode, every output, rows to a CSV file; frame by frame against the teachers."""
    books: dict[str, list[float]] = {}
    plain, decode, rows, theirs = [], [], [], []
    faces = 0
    with tempfile.TemporaryDirectory() as folder, open_writer(Path(folder) / "faces.csv") as writer:
        video = timed_video(books)
        source = looped(path, count + 20)
        for k in range(count + 20):
            a = time.perf_counter()
            frame = next(source)
            b = time.perf_counter()
            frame = video(frame)
            c = time.perf_counter()
            writer.write(frame)
            d = time.perf_counter()
            if teachers is not None:
                teachers()
            e = time.perf_counter()
            if k >= 20:  # the first frames warm the caches
                plain.append(d - a)
                decode.append(b - a)
                rows.append(d - c)
                theirs.append(e - d)
                faces += len(frame.faces)
    out: dict[str, object] = {
        "file": path.name,
        "frames": count,
        "faces_per_frame": faces / count,
        "end_to_end": spread(plain),
        "decode": spread(decode),
    }
    out["stages"] = {name: spread(times) for name, times in books.items()}
    out["rows"] = spread(rows)
    if teachers is not None:
        out["teachers_networks_alone"] = spread(theirs)
        ratios = np.array(theirs) / np.array(plain)
        out["teachers_over_ours"] = {
            "of_medians": round(float(np.median(theirs) / np.median(plain)), 3),
            "median_of_pairs": round(float(np.median(ratios)), 3),
        }
    return out


def looped(path: Path, count: int) -> Iterator[Frame]:
    """Frames of a video played again and again, with a clock that goes on."""
    index, offset = 0, 0.0
    while index < count:
        last = 0.0
        for frame in frames(next(iter(items(path)))):
            if frame.image is None:
                continue
            yield Frame(frame.image, offset + frame.time, index, frame.faces, frame.source)
            index, last = index + 1, frame.time
        offset += last + 0.04


def measure_photo(path: Path, repeats: int = 15) -> dict[str, object]:
    """Decode and read one picture, networks loaded: with one thread, and with as many as the command line takes by itself."""
    out: dict[str, object] = {"file": path.name}
    for threads in sorted({1, threads_default()}):
        cv2.setNumThreads(threads)
        image, times, count = Image(Options(threads=threads)), [], 0
        for k in range(repeats + 2):
            start = time.perf_counter()
            for frame in frames(next(iter(items(path)))):
                count = len(image(frame).faces)
            if k >= 2:
                times.append(time.perf_counter() - start)
        out |= {"faces": count, f"end_to_end_{threads}_threads": spread(times)}
    cv2.setNumThreads(1)
    return out


def first_row(path: Path, repeats: int = 5) -> dict[str, object]:
    """From the start of a process to its first row, through the command line."""
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        command = [sys.executable, "-m", "mien.cli", "analyze", str(path), "--json", "--threads", "1"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            line = process.stdout.readline()
            times.append(time.perf_counter() - start)
            process.stdout.read()
        if not line.startswith("{"):
            raise RuntimeError(f"no row came: {line!r}")
    return spread(times)


def memory(path: Path, count: int) -> dict[str, float]:
    """Resident memory after 500 frames and at the end of a run of ``count`` frames, MiB."""
    video, marks = Video(Options()), {}
    with tempfile.TemporaryDirectory() as folder, open_writer(Path(folder) / "faces.csv") as writer:
        for k, frame in enumerate(looped(path, count), 1):
            writer.write(video(frame))
            if k in (500, count):
                marks[k] = resident()
            if k >= count:
                break
    return {
        "after_500": marks[500],
        f"after_{count}": marks[count],
        "growth_percent": round(100 * (marks[count] / marks[500] - 1), 2),
    }


def resident() -> float:
    """Resident memory of this process now, MiB; its peak where the system does not tell."""
    try:
        with open("/proc/self/status") as status:
            return next(int(line.split()[1]) for line in status if line.startswith("VmRSS")) / 1024
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def demo_clip(folder: Path) -> Path:
    from demo import camera_moves

    path = folder / "camera-moves.mp4"
    camera_moves(read_image(ROOT / "examples/media/astronaut.jpg"), path)
    return path


def group(folder: Path, count: int = 25) -> Path:
    """One photo with ``count`` faces: the portrait's head in a five by five grid."""
    head = read_image(ROOT / "examples/media/astronaut.jpg")[20:276, 96:352]
    side = int(np.ceil(count**0.5))
    tiles = [cv2.resize(head, (300, 300), interpolation=cv2.INTER_AREA) for _ in range(side * side)]
    picture = np.concatenate([np.concatenate(tiles[k * side : (k + 1) * side], 1) for k in range(side)])
    path = folder / f"{count}-faces.jpg"
    cv2.imwrite(str(path), picture[..., ::-1])
    return path


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="*", type=Path)
    parser.add_argument("--teachers", type=Path)
    parser.add_argument("--frames", type=int, default=300)
    parser.add_argument("--memory", type=int, default=0, help="frames of the memory run; 0 leaves it out")
    parser.add_argument("--out", type=Path)
    args = parser.parse_args()
    cv2.setNumThreads(1)
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    teachers = Teachers(args.teachers) if args.teachers else None
    result: dict[str, object] = {
        "mien": mien.__version__,
        "date": time.strftime("%Y-%m-%d"),
        "commit": commit(),
        "machine": machine(),
    }
    with tempfile.TemporaryDirectory() as folder:
        clip, photo, many = demo_clip(Path(folder)), ROOT / "examples/media/astronaut.jpg", group(Path(folder))
        result["videos"], result["photos"] = [], []
        for path in [clip, photo, many, *args.files]:
            if next(iter(items(path))).kind == "image":
                result["photos"].append(measure_photo(path))
            else:
                result["videos"].append(measure_video(path, args.frames, teachers))
        result["first_row_of_a_photo"] = first_row(photo)
        if args.memory:
            result["memory_mib"] = memory(clip, args.memory)
    text = json.dumps(result, indent=1)
    print(text)
    if args.out:
        args.out.write_text(text + "\n")


def commit() -> str:
    done = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True)
    return done.stdout.strip()


def machine() -> dict[str, object]:
    return {
        "processor": platform.processor() or platform.machine(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "onnxruntime": onnxruntime.__version__,
        "threads": 1,
    }


if __name__ == "__main__":
    main()
