"""Pictures with known faces for the detector: faces pasted on scenes, mosaics, single large faces, scenes alone.

A face comes with its box and five points; a region that a teacher is unsure of is given too, to be left out of the loss.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from mien.geometry import align, boxes
from teach import Teachers, decode, pictures
from train_mesh import part_of

SMALLEST = 10  # pixels: a smaller face is left out of the loss
POINTS = [33, 263, 1, 61, 291]  # mesh points nearest to the five points


@dataclass
class Source:
    """Pictures of one face each, with what the teachers say in pixels of the picture."""

    images: list[np.ndarray]
    boxes: np.ndarray  # (n, 4) x1 y1 x2 y2 by YuNet
    points: np.ndarray  # (n, 5, 2)
    mesh: np.ndarray  # (n, 478, 2)
    trusted: np.ndarray  # (n,) the mesh can be used


@dataclass
class Scene:
    """A picture that is not of one face: what YuNet is sure of, and where it is not."""

    image: np.ndarray
    boxes: np.ndarray
    points: np.ndarray
    unsure: np.ndarray


def face_source(data: Path, work: Path, part: str, names: tuple[str, ...] = ("fairface", "lfw")) -> Source:
    images, columns = [], []
    for name in names:
        table, blobs = np.load(work / f"{name}.npz"), dict(pictures(data, name))
        chosen = np.flatnonzero(np.array([part_of(name, f) == part for f in table["files"]]) & (table["score"] > 0.75))
        images += [decode(blobs[table["files"][i]]) for i in chosen]
        box = table["box"][chosen]
        box[:, 2:] += box[:, :2]
        columns.append((box, table["points"][chosen], table["mesh"][chosen][..., :2], (table["presence"] > 0.6)[chosen]))
    return Source(images, *[np.concatenate(c) for c in zip(*columns)])


def scene_part(name: str) -> str:
    """val, test or train, from a hash of the name."""
    value = int(hashlib.sha256(name.encode()).hexdigest()[:8], 16) / 16**8
    return "test" if value < 0.15 else "val" if value < 0.25 else "train"


def scenes(data: Path, part: str) -> list[Scene]:
    """Scenes of one part with YuNet's faces, found at one and two times their size."""
    teachers, out = Teachers(data), []
    for name, blob in pictures(data, "scenes"):
        if scene_part(name) != part:
            continue
        image = decode(blob)
        found = []
        for scale in (1.0, 2.0):
            big = cv2.resize(image, None, fx=scale, fy=scale)
            rows = teachers.detect(big, 0.3)
            rows[:, :14] /= scale
            found.append(rows)
        rows = np.concatenate(found)
        box = np.concatenate([rows[:, :2], rows[:, :2] + rows[:, 2:4]], 1)
        rows, box = (a[boxes.nms(box, rows[:, 14], 0.4)] for a in (rows, box)) if len(rows) else (rows, box)
        sure = rows[:, 14] >= 0.8
        out.append(Scene(image, box[sure], rows[sure, 4:14].reshape(-1, 5, 2), box[~sure]))
    return out


def grow_relation(source: Source) -> np.ndarray:
    """Median offset of YuNet's box from the box of the upright mesh: (4,) in mesh widths and heights."""
    mesh_box = boxes.from_points(source.mesh)
    size = np.tile(mesh_box[:, 2:] - mesh_box[:, :2], 2)
    upright = np.abs(align.eye_angle(source.points[:, 0], source.points[:, 1])) < 0.15
    return np.median(((source.boxes - mesh_box) / size)[source.trusted & upright], 0)


class Composer:
    """Draws training pictures of a given size; one Generator decides everything."""

    def __init__(self, faces: Source, backgrounds: list[Scene], size: int = 320) -> None:
        self.faces, self.scenes, self.size = faces, backgrounds, size
        self.grow = grow_relation(faces)
        self.empty = [s for s in backgrounds if not len(s.boxes) and not len(s.unsure)]

    def draw(self, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """-> picture (s, s, 3) uint8, boxes (n, 4), points (n, 5, 2), unsure boxes (m, 4)."""
        kind = rng.choice(4, p=[0.55, 0.15, 0.12, 0.18])
        picture, box, point, unsure = [self.pasted, self.mosaic, self.large, self.scene][kind](rng)
        if rng.random() < 0.5:
            picture, box, point, unsure = mirror(picture, box, point, unsure)
        return photometric(picture, rng), box, point, unsure

    def scene(self, rng: np.random.Generator) -> tuple[np.ndarray, ...]:
        """A scene, scaled and cropped; its own faces keep YuNet's boxes."""
        scene = self.scenes[rng.integers(len(self.scenes))]
        height, width = scene.image.shape[:2]
        scale = self.size / min(height, width) * np.exp(rng.uniform(-0.3, 0.7))
        offset = (np.array([width, height]) * scale - self.size) * rng.random(2)
        matrix = np.float32([[scale, 0, -offset[0]], [0, scale, -offset[1]]])
        picture = cv2.warpAffine(scene.image, matrix, (self.size, self.size), flags=cv2.INTER_AREA, borderMode=cv2.BORDER_REFLECT)
        box, unsure = scene.boxes * scale - np.tile(offset, 2), scene.unsure * scale - np.tile(offset, 2)
        outside = boxes.inside_share(box, self.size, self.size) < 0.5 if len(box) else np.zeros(0, bool)
        # a reflected border would show faces that nobody labelled
        if scale * min(height, width) < self.size and (len(box) or len(unsure)):
            return self.scene(rng)
        return picture, box[~outside], (scene.points * scale - offset)[~outside], np.concatenate([unsure, box[outside]])

    def pasted(self, rng: np.random.Generator) -> tuple[np.ndarray, ...]:
        """Up to a dozen faces of all sizes and turns on a scene."""
        picture, box, point, unsure = self.scene(rng)
        box, point, taken = list(box), list(point), [*box, *unsure]
        for _ in range(int(rng.choice([1, 2, 3, 5, 8, 14]))):
            side = np.exp(rng.uniform(np.log(9), np.log(0.85 * self.size)))
            centre = rng.uniform(-0.1 * side, self.size + 0.1 * side, 2)
            guess = np.concatenate([centre - 0.6 * side, centre + 0.6 * side])[None]
            if len(taken) and boxes.intersection(guess, np.array(taken)).max() > 0:
                continue
            placed = self.paste(picture, side, centre, rng)
            if placed is None:
                continue
            taken.append(guess[0])
            (box if placed[2] else taken).append(placed[0])
            if placed[2]:
                point.append(placed[1])
            else:
                unsure = np.concatenate([unsure, placed[0][None]])
        return picture, np.array(box).reshape(-1, 4), np.array(point).reshape(-1, 5, 2), unsure

    def paste(self, picture: np.ndarray, side: float, centre: np.ndarray, rng: np.random.Generator):
        """Lay one face into the picture. -> its box, points and whether enough of it shows."""
        i = rng.integers(len(self.faces.images))
        image, trusted = self.faces.images[i], self.faces.trusted[i]
        angle = float(align.eye_angle(self.faces.points[i, 0], self.faces.points[i, 1]))
        turn = rng.choice([rng.normal(0, 0.2), rng.uniform(-1.6, 1.6), rng.uniform(-np.pi, np.pi)], p=[0.7, 0.15, 0.15])
        turn = turn if trusted else rng.normal(0, 0.1)
        old = self.faces.boxes[i]
        ratio = side / max(old[2:] - old[:2])
        if ratio > 3:  # a small picture blown up says nothing
            return None
        matrix = similarity((old[:2] + old[2:]) / 2, centre, ratio, turn)
        new_box = self.moved_box(i, matrix, turn, abs(turn + angle) > 0.5)
        mask = paste_mask(image.shape[:2], self.faces.mesh[i] if trusted else None, rng)
        blend(picture, image, mask, matrix)
        if max(new_box[2:] - new_box[:2]) < SMALLEST:
            return new_box, None, False
        share = boxes.inside_share(new_box[None], self.size, self.size)[0]
        points = align.apply(matrix[None], self.faces.points[i][None])[0]
        return new_box, points, share > 0.6

    def moved_box(self, i: int, matrix: np.ndarray, turn: float, turned: bool) -> np.ndarray:
        if not turned:
            old = self.faces.boxes[i]
            middle = align.apply(matrix[None], ((old[:2] + old[2:]) / 2)[None, None])[0, 0]
            half = (old[2:] - old[:2]) / 2 * np.hypot(matrix[0, 0], matrix[1, 0])
            return np.concatenate([middle - half, middle + half])
        mesh_box = boxes.from_points(align.apply(matrix[None], self.faces.mesh[i][None])[0])
        size = np.tile(mesh_box[2:] - mesh_box[:2], 2)
        even = np.array([-1, -1, 1, 1]) * np.abs(self.grow).mean() * np.sign(self.grow[2:].mean() - self.grow[:2].mean())
        return mesh_box + even * size

    def mosaic(self, rng: np.random.Generator) -> tuple[np.ndarray, ...]:
        """Cells with a face each, or none: seams that say nothing about faces."""
        picture = np.zeros((self.size, self.size, 3), np.uint8)
        cells = int(rng.choice([1, 2, 3, 4, 6, 8]))
        cell = -(-self.size // cells)
        box, point = [], []
        for row in range(cells):
            for column in range(cells):
                corner = np.array([column, row]) * cell
                view = picture[corner[1] : corner[1] + cell, corner[0] : corner[0] + cell]
                if rng.random() < 0.25:
                    tile = self.empty[rng.integers(len(self.empty))].image
                    view[:] = cv2.resize(tile, view.shape[1::-1], interpolation=cv2.INTER_AREA)
                    continue
                i = rng.integers(len(self.faces.images))
                image = self.faces.images[i]
                scale = cell / image.shape[0]
                view[:] = cv2.resize(image, (cell, cell), interpolation=cv2.INTER_AREA)[: view.shape[0], : view.shape[1]]
                moved = self.faces.boxes[i] * scale + np.tile(corner, 2)
                box.append(moved)
                point.append(self.faces.points[i] * scale + corner)
        found, points = np.array(box).reshape(-1, 4), np.array(point).reshape(-1, 5, 2)
        shown = (
            (boxes.inside_share(found, self.size, self.size) > 0.6) & (boxes.side(found) >= SMALLEST)
            if len(found)
            else np.zeros(0, bool)
        )
        return picture, found[shown], points[shown], found[~shown]

    def large(self, rng: np.random.Generator) -> tuple[np.ndarray, ...]:
        """One picture of a face over the whole frame, its border drawn out or over a scene."""
        picture = self.scene(rng)[0] if rng.random() < 0.3 else np.zeros((self.size, self.size, 3), np.uint8)
        picture = self.empty[rng.integers(len(self.empty))].image if picture.any() else picture
        picture = cv2.resize(picture, (self.size, self.size))
        side = self.size * rng.uniform(0.45, 0.98)
        placed = self.paste(picture, side, self.size / 2 + rng.normal(0, 0.06 * self.size, 2), rng)
        none = np.zeros((0, 4))
        if placed is None:
            return picture, none, np.zeros((0, 5, 2)), none
        if not placed[2]:
            return picture, none, np.zeros((0, 5, 2)), placed[0][None]
        return picture, placed[0][None], placed[1][None], none


def similarity(source: np.ndarray, target: np.ndarray, scale: float, turn: float) -> np.ndarray:
    linear = scale * np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    return np.concatenate([linear, (target - linear @ source)[:, None]], 1).astype(np.float32)


def paste_mask(shape: tuple[int, int], mesh: np.ndarray | None, rng: np.random.Generator) -> np.ndarray:
    """What of the source picture is laid over: all of it, with or without a soft edge, or the head alone."""
    height, width = shape
    kind = rng.choice(3, p=[0.35, 0.3, 0.35])
    if kind == 0:
        return np.full(shape, 255, np.uint8)
    mask = np.zeros(shape, np.uint8)
    if kind == 1 or mesh is None:
        edge = int(rng.uniform(0.02, 0.1) * width)
        mask[edge : height - edge, edge : width - edge] = 255
        return cv2.GaussianBlur(mask, (0, 0), max(edge / 2, 0.5))
    middle = mesh.mean(0) - [0, 0.12 * np.ptp(mesh[:, 1])]
    axes = np.ptp(mesh, 0) / 2 * rng.uniform(1.05, 1.35, 2) * [1, 1.15]
    cv2.ellipse(mask, (middle * 8).astype(int).tolist(), (axes * 8).astype(int).tolist(), 0, 0, 360, 255, -1, cv2.LINE_AA, 3)
    return cv2.GaussianBlur(mask, (0, 0), float(rng.uniform(0.5, 0.05 * width)))


def blend(picture: np.ndarray, image: np.ndarray, mask: np.ndarray, matrix: np.ndarray) -> None:
    """Warp picture and mask together and mix them in place, inside the part that they touch."""
    height, width = image.shape[:2]
    corners = align.apply(matrix[None], np.float32([[[0, 0], [width, 0], [0, height], [width, height]]]))[0]
    low = np.clip(np.floor(corners.min(0)) - 1, 0, picture.shape[1::-1]).astype(int)
    high = np.clip(np.ceil(corners.max(0)) + 1, 0, picture.shape[1::-1]).astype(int)
    if (high - low).min() < 2:
        return
    factor = int(0.75 / np.hypot(matrix[0, 0], matrix[1, 0]))
    if factor >= 2:
        small = (max(width // factor, 1), max(height // factor, 1))
        ratio = np.array([width, height]) / small
        image, mask = (cv2.resize(a, small, interpolation=cv2.INTER_AREA) for a in (image, mask))
        matrix = np.concatenate([matrix[:, :2] * ratio, (matrix[:, :2] @ (0.5 * ratio - 0.5) + matrix[:, 2])[:, None]], 1)
    local = matrix.astype(np.float32).copy()
    local[:, 2] -= low
    size = tuple(int(v) for v in high - low)
    patch = cv2.warpAffine(image, local, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    share = cv2.warpAffine(mask, local, size, flags=cv2.INTER_LINEAR)[..., None].astype(np.float32) / 255
    view = picture[low[1] : high[1], low[0] : high[0]]
    view[:] = (patch * share + view * (1 - share)).astype(np.uint8)


def mirror(picture: np.ndarray, box: np.ndarray, point: np.ndarray, unsure: np.ndarray) -> tuple[np.ndarray, ...]:
    last = picture.shape[1] - 1
    flip = lambda b: np.stack([last - b[:, 2], b[:, 1], last - b[:, 0], b[:, 3]], 1) if len(b) else b  # noqa: E731
    point = point.copy()
    point[..., 0] = last - point[..., 0]
    return np.ascontiguousarray(picture[:, ::-1]), flip(box), point[:, [1, 0, 2, 4, 3]], flip(unsure)


def photometric(picture: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Tone, colour, blur, noise and compression of the whole picture."""
    from train_mesh import tone_curves

    if rng.random() < 0.2:
        picture = cv2.cvtColor(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    if rng.random() < 0.8:
        picture = cv2.LUT(picture, tone_curves(rng, float(picture.mean())))
    if rng.random() < 0.2:
        picture = cv2.GaussianBlur(picture, (0, 0), float(rng.uniform(0.4, 1.6)))
    if rng.random() < 0.2:
        cv2.setRNGSeed(int(rng.integers(1 << 31)))
        noise = np.empty(picture.shape, np.int16)
        cv2.randn(noise, (0, 0, 0), (float(rng.uniform(2, 12)),) * 3)
        picture = cv2.add(picture, noise, dtype=cv2.CV_8U)
    if rng.random() < 0.3:
        blob = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(25, 90))])[1]
        picture = cv2.imdecode(blob, cv2.IMREAD_COLOR)
    return picture
