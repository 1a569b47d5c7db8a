"""The demonstration behind `make demo`: one real photograph, and a clip made from it by camera moves.

python examples/demo.py [FOLDER]
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import cv2
import numpy as np

import mien
from mien.media.image import read_image
from mien.media.writer import VideoWriter
from mien.run import Request, run

MEDIA = Path(__file__).resolve().parent / "media"


def camera_moves(photo: np.ndarray, path: Path, seconds: float = 4.0, rate: int = 25, size: tuple[int, int] = (640, 480)) -> None:
    """A clip in which a camera zooms, pans and tilts over a photograph; it has no sound."""
    width, height = size
    with VideoWriter(path, size, rate) as writer:
        for i in range(int(seconds * rate)):
            t = i / (seconds * rate)
            zoom = 1.5 + 0.6 * np.sin(2 * np.pi * t)
            angle = 0.25 * np.sin(4 * np.pi * t)
            centre = np.array([222 + 40 * np.cos(2 * np.pi * t), 135 + 25 * np.sin(2 * np.pi * t)])
            linear = zoom * np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
            matrix = np.concatenate([linear, (np.array([width, height]) / 2 - linear @ centre)[:, None]], 1)
            writer.write(cv2.warpAffine(photo, matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE), i / rate)


def main() -> int:
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "demo-out")
    folder.mkdir(parents=True, exist_ok=True)
    photo, clip = MEDIA / "astronaut.jpg", folder / "camera-moves.mp4"
    camera_moves(read_image(photo), clip)

    start = time.perf_counter()
    table = mien.analyze(photo).table()
    smile, seconds = table["AU12_intensity"][0], time.perf_counter() - start
    print(f"{photo.name}: {table['expression'][0]}, smile AU12 {smile:.1f} of 5 ({seconds:.2f} s)")

    code = run(Request([str(photo), str(clip)], folder, "csv", True, True, False, False, False, {"threads": None}))
    print(f"open {folder / 'report.html'} in a browser")
    return code


if __name__ == "__main__":
    sys.exit(main())
