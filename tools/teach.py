"""Label faces with the teachers: YuNet boxes, the 478 points, blendshapes and presence of MediaPipe, an identity embedding.

    python tools/teach.py --data DATA --out WORK [--jobs 2]

DATA holds the folders fairface, lfw, fer2013plus, scenes and teachers. WORK gets one .npz of labels for each source, in
pixels of its pictures; nothing of it belongs in the repository. About 20 minutes on two cores.

Labels of a face are the mean over the teacher's standard crop and four jittered ones, which takes the teacher's own
noise down; ``mesh_once`` keeps the standard crop alone: a student is measured against that one.
"""

from __future__ import annotations

import argparse
import csv
import io
import json
import zipfile
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import onnxruntime as ort

from mien.geometry import align


class Teachers:
    """The teacher networks, one thread each."""

    def __init__(self, data: Path) -> None:
        folder = data / "teachers"
        options = ort.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1

        def session(name: str) -> ort.InferenceSession:
            return ort.InferenceSession(str(folder / name), options, providers=["CPUExecutionProvider"])

        cv2.setNumThreads(1)
        self.yunet = cv2.FaceDetectorYN.create(str(folder / "yunet/yunet_n_dynamic.onnx"), "", (320, 320), 0.5, 0.3, 5000)
        self.mesh_net = session("mediapipe/face_landmarks_detector.onnx")
        self.blend_net = session("mediapipe/face_blendshapes.onnx")
        self.identity_net = session("embedding/MobileFaceNet_128.onnx")
        meta = json.loads((folder / "mediapipe/blendshape_meta.json").read_text())
        self.subset, self.names = meta["landmark_subset"], meta["blendshape_names"]

    def detect(self, image: np.ndarray, threshold: float = 0.5) -> np.ndarray:
        """(n, 15) x y w h, five points, score, best first. ``image`` is RGB."""
        self.yunet.setInputSize(image.shape[1::-1])
        self.yunet.setScoreThreshold(threshold)
        found = self.yunet.detect(np.ascontiguousarray(image[..., ::-1]))[1]
        return np.zeros((0, 15), np.float32) if found is None else found[np.argsort(-found[:, 14])]

    def mesh(self, image: np.ndarray, transform: np.ndarray) -> tuple[np.ndarray, float, float]:
        """Mesh (478, 3) in pixels of ``image``, presence and tongue-out as probabilities. ``transform``: to a 256 px crop."""
        crop = cv2.warpAffine(image, transform, (256, 256), flags=cv2.INTER_LINEAR)
        points, presence, tongue = self.mesh_net.run(None, {"input_12": crop[None].astype(np.float32) / 255})
        points = align.apply(align.invert(transform[None]), points.reshape(1, 478, 3))[0]
        return points, sigmoid(presence), float(np.clip(tongue.ravel()[0], 0, 1))  # the second is a probability already

    def blendshapes(self, mesh: np.ndarray) -> np.ndarray:
        """The teacher's 52 scores from a mesh in pixels."""
        points = np.ascontiguousarray(mesh[None, self.subset, :2], np.float32)
        return self.blend_net.run(None, {"serving_default_input_points:0": points})[0]

    def embed(self, image: np.ndarray, points: np.ndarray) -> np.ndarray:
        """128-d unit embedding from five points."""
        crop = cv2.warpAffine(image, align.umeyama(points, ARCFACE), (112, 112)).astype(np.float32) / 255
        x = (crop - [0.485, 0.456, 0.406]) / [0.229, 0.224, 0.225]
        value = self.identity_net.run(None, {"input0": x.transpose(2, 0, 1)[None].astype(np.float32)})[0][0]
        return value / np.linalg.norm(value)


ARCFACE = np.array(
    [[38.2946, 51.6963], [73.5318, 51.5014], [56.0252, 71.7366], [41.5493, 92.3655], [70.7299, 92.2041]], np.float32
)


def sigmoid(value: np.ndarray) -> float:
    return float(1 / (1 + np.exp(-np.float64(value).ravel()[0])))


def standard_crop(box: np.ndarray, points: np.ndarray, jitter: np.ndarray | None = None) -> np.ndarray:
    """The teacher's crop: a square of 1.5 times the box, turned by the eye line. ``jitter``: log scale, dx, dy, angle."""
    j = np.zeros(4) if jitter is None else jitter
    side = 1.5 * max(box[2], box[3])
    centre = box[:2] + box[2:4] / 2 + side * j[1:3]
    angle = float(align.eye_angle(points[0], points[1])) + j[3]
    return align.square_crop(centre[None], np.array([side * np.exp(j[0])]), np.array([angle]), 256)[0]


def label(teachers: Teachers, image: np.ndarray, rng: np.random.Generator, repeats: int = 4) -> dict | None:
    """Everything the teachers say about the largest face of a picture; None where YuNet finds none."""
    pad = int(0.25 * max(image.shape[:2]))
    padded = cv2.copyMakeBorder(image, pad, pad, pad, pad, cv2.BORDER_CONSTANT)
    found = teachers.detect(padded)
    if not len(found):
        return None
    face = found[np.argmax(found[:, 2] * found[:, 3])]
    box, points = face[:4].copy(), face[4:14].reshape(5, 2).copy()
    once, presence, tongue = teachers.mesh(padded, standard_crop(box, points))
    meshes = [once]
    for _ in range(repeats if presence > 0.2 else 0):
        jitter = rng.normal(0, [0.06, 0.03, 0.03, 0.12])
        meshes.append(teachers.mesh(padded, standard_crop(box, points, jitter))[0])
    mesh = np.mean(meshes, 0)
    shift = np.array([pad, pad, 0])
    return {
        "size": image.shape[0],
        "mesh": mesh - shift,
        "mesh_once": once - shift,
        "spread": float(np.std(meshes, 0)[:, :2].mean() / max(eye_distance(mesh), 1e-6)),
        "presence": presence,
        "tongue": tongue,
        "blendshapes": teachers.blendshapes(once),
        "blendshapes_mean": teachers.blendshapes(mesh),
        "box": box - [pad, pad, 0, 0],
        "points": points - pad,
        "score": face[14],
        "embedding": teachers.embed(padded, points),
    }


def eye_distance(mesh: np.ndarray) -> float:
    """Distance of the outer eye corners (points 33 and 263), pixels."""
    return float(np.linalg.norm(mesh[33, :2] - mesh[263, :2]))


def pictures(data: Path, source: str) -> list[tuple[str, bytes]]:
    """Names and encoded pictures of a source, in a fixed order."""
    if source == "fer2013plus":
        rows = csv.DictReader(io.StringIO((data / source / "labels.csv").read_text()))
        tiles = {p.stem: cv2.imread(str(p), 0) for p in sorted((data / source / "tiles").glob("*.jpg"))}
        out = []
        for row in rows:
            r, c = divmod(int(row["slot"]), 32)
            face = tiles[f"{int(row['tile']):03d}"][r * 48 : r * 48 + 48, c * 48 : c * 48 + 48]
            big = cv2.resize(face, (192, 192), interpolation=cv2.INTER_CUBIC)
            out.append((row["row"], cv2.imencode(".png", big)[1].tobytes()))
        return out
    archives = {
        "fairface": ["fairface/images.zip", "fairface/images_128.zip"],
        "lfw": ["lfw/images.zip"],
        "scenes": ["scenes/images.zip"],
    }
    out = []
    for name in archives[source]:
        with zipfile.ZipFile(data / name) as archive:
            out += [(Path(n).name, archive.read(n)) for n in sorted(archive.namelist()) if n.lower().endswith((".jpg", ".jpeg"))]
    return out


def decode(blob: bytes) -> np.ndarray:
    return cv2.cvtColor(cv2.imdecode(np.frombuffer(blob, np.uint8), cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)


def work(job: tuple[Path, str, int, int]) -> tuple[list, list]:
    """One share of a source."""
    data, source, share, shares = job
    teachers, names, rows = Teachers(data), [], []
    for i, (name, blob) in enumerate(pictures(data, source)):
        if i % shares != share:
            continue
        row = label(teachers, decode(blob), np.random.default_rng([7, i]), 1 if source == "fer2013plus" else 4)
        names.append((i, name))
        rows.append(row)
    return names, rows


def backgrounds(data: Path, out: Path, count: int = 6000) -> None:
    """Crops of scenes with the teacher's presence: what a mesh network must call no face."""
    teachers, rng = Teachers(data), np.random.default_rng(11)
    blobs = pictures(data, "scenes")
    chips, presence = [], []
    for i in range(count):
        image = decode(blobs[i % len(blobs)][1])
        side = np.exp(rng.uniform(np.log(24), np.log(200)))
        centre = rng.uniform([0, 0], image.shape[1::-1])
        transform = align.square_crop(centre[None], np.array([side]), rng.uniform(-0.6, 0.6, 1), 256)[0]
        presence.append(teachers.mesh(image, transform)[1])
        chips.append(cv2.resize(cv2.warpAffine(image, transform, (256, 256)), (160, 160), interpolation=cv2.INTER_AREA))
    np.savez(out / "backgrounds.npz", chips=np.stack(chips), presence=np.float32(presence))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--sources", nargs="+", default=["fairface", "lfw", "fer2013plus", "backgrounds"])
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    for source in args.sources:
        if source == "backgrounds":
            backgrounds(args.data, args.out)
            continue
        with ProcessPoolExecutor(args.jobs) as pool:
            parts = list(pool.map(work, [(args.data, source, k, args.jobs) for k in range(args.jobs)]))
        pairs = sorted(((n, r) for p in parts for n, r in zip(*p) if r is not None), key=lambda pair: pair[0][0])
        total = sum(len(p[0]) for p in parts)
        columns = {key: np.asarray([r[key] for _, r in pairs], np.float32) for key in pairs[0][1]}
        np.savez(args.out / f"{source}.npz", files=np.array([n[1] for n, _ in pairs]), **columns)
        print(f"{source}: {len(pairs)} of {total} pictures have a face", flush=True)


if __name__ == "__main__":
    main()
