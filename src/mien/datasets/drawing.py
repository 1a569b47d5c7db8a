"""Drawn pictures and made-up lists, for tiny data sets with the layout of the real ones."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import cv2
import numpy as np

from ..media.image import write_image
from ..media.rgb import RGB

# the grey of the background tells the class, so that a test sees whether a picture has kept its label
SHADES = {
    "neutral": 20, "happiness": 40, "surprise": 60, "sadness": 80, "anger": 100, "disgust": 120, "fear": 140, "contempt": 160,
    "anxiety": 180, "helplessness": 200, "disappointment": 220, "other": 230, "others": 230, "repression": 210, "positive": 50,
    "negative": 110,
}  # fmt: skip


def face(rng: np.random.Generator, name: str = "", size: int = 48) -> RGB:
    """A drawn face, (size, size, 3) uint8 RGB: never twice the same, with the background of :data:`SHADES` for its class.

    Args:
        rng: where chance comes from.
        name: an expression; other words get a background of 10.
        size: side in pixels.
    """
    image = np.full((size, size, 3), SHADES.get(name, 10), np.uint8)
    skin = tuple(int(v) for v in rng.integers((150, 100, 80), (250, 200, 180)))
    middle = tuple(int(v) for v in size / 2 + rng.uniform(-0.06, 0.06, 2) * size)
    cv2.ellipse(image, middle, (int(size * 0.3), int(size * 0.38)), float(rng.uniform(-15, 15)), 0, 360, skin, -1)
    for side in (-1, 1):
        eye = (middle[0] + side * int(size * 0.12), middle[1] - int(size * 0.1))
        cv2.circle(image, eye, max(1, int(size * rng.uniform(0.03, 0.07))), (30, 30, 60), -1)
    bend = {"happiness": 0.1, "positive": 0.1, "sadness": -0.1, "anger": -0.06}.get(name, 0.0) + rng.uniform(-0.02, 0.02)
    x = np.linspace(-0.14, 0.14, 9) * size
    y = size * (0.2 + bend * (1 - (x / (0.14 * size)) ** 2))
    mouth = np.stack([middle[0] + x, middle[1] + y], 1).round().astype(np.int32)
    cv2.polylines(image, [mouth], False, (160, 30, 30), max(1, size // 24))
    spots = rng.integers(0, size, (size // 4, 2))
    image[spots[:, 0], spots[:, 1]] //= 2
    image[:4, :4] = SHADES.get(name, 10)
    return image


def picture(path: Path, rng: np.random.Generator, name: str = "", size: int = 48) -> None:
    """Draw a face into a file; its folders are made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_image(path, face(rng, name, size), quality=95)


def clip(folder: Path, names: Iterable[str], rng: np.random.Generator, name: str = "") -> None:
    """Draw the frames of a clip, one file for each of the names."""
    for file in names:
        picture(folder / file, rng, name)


def video(path: Path, rng: np.random.Generator, name: str = "", frames: int = 3) -> None:
    """Draw a short video, 48 x 48 pixels at 25 frames a second; .avi is written as Motion JPEG, other kinds as H.264."""
    path.parent.mkdir(parents=True, exist_ok=True)
    drawn = [face(rng, name) for _ in range(frames)]
    if path.suffix == ".avi":
        old = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 25, (48, 48))
        for image in drawn:
            old.write(np.ascontiguousarray(image[..., ::-1]))
        old.release()
        return
    from ..media.video import VideoWriter

    with VideoWriter(path, (48, 48), rate=25) as writer:
        for number, image in enumerate(drawn):
            writer.write(image, number / 25)


def lines(path: Path, content: Iterable[Sequence[object] | str], delimiter: str = " ") -> None:
    """Write a text list, one line for each row; its folders are made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    texts = (row if isinstance(row, str) else delimiter.join(str(cell) for cell in row) for row in content)
    path.write_text("".join(f"{text}\n" for text in texts), "utf-8")
