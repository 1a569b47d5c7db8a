"""Colours for the ICT-FaceKit head, which comes without textures: an atlas painted from where each texel lies on the head.

The atlas is one picture in linear RGB: the face tile, the tile of the back of the head, one eye, and a palette. Every mask is
a function of the neutral position in centimetres, so brows, lips and wrinkles stick to the mesh and move with it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial import cKDTree

from rasterise import rasterise

FloatArray = NDArray[np.float32]
Colour = tuple[float, float, float]
Window = tuple[slice, slice]

FACE, BACK, EYE = 512, 256, 112  # sides of the tiles in texels
SHAPE = (FACE, FACE + BACK)  # of the atlas
EYE_AT = (FACE, BACK)  # x, y of the eye tile
EYE_SPAN = 1.3  # radians from the axis of the eye to the border of its tile
PALETTE = {  # cells under the eye tile: linear RGB
    "mouth": (0.16, 0.035, 0.03),
    "teeth": (0.62, 0.56, 0.44),
    "gums": (0.30, 0.09, 0.08),
    "socket": (0.30, 0.14, 0.11),
    "tongue": (0.40, 0.15, 0.14),
}
_CELL, _CELL_Y = 16, BACK + EYE
_ROOM = 200  # texels by which the shared noise may be shifted
_SEED = 5  # of the noise that all looks share; each takes its own piece of it
_MARKS = {"brow": 0.8, "brow_width": 0.45, "redness": 0.4, "mottle": 0.5, "lashes": 0.7, "hair": 0.8, "pupil": 0.4}
_MARKS["neckline"] = -13.0
# azimuth from the front in degrees -> height of an ordinary hairline on the neutral head, cm
_HAIRLINE = (
    (0, 25, 45, 58, 66, 76, 90, 105, 125, 180),
    (11.0, 11.2, 10.2, 8.2, 5.0, 2.5, 4.0, -0.5, -4.5, -6.0),
)


@dataclass(frozen=True)
class Look:
    """Colours (linear RGB) and marks of a person.

    Args:
        skin: albedo of the skin, in [0, 1].
        lips: albedo of the lips.
        hair: albedo of the hair; brows and beard take it too.
        iris: albedo of the iris.
        cloth: albedo of the clothes.
        marks: amounts by name; a missing one is 0. In [0, 1]: brow (density), beard, redness, mottle, lashes, wrinkles, age,
            shade (of the lids), pupil (share of the iris). In centimetres: hair (thickness), hairline (shift up, above 6 is
            bald), long (length of the hair beside the face), brow_width, brow_lift, neckline (height where clothes begin).
        seed: of the noise.
    """

    skin: Colour = (0.45, 0.29, 0.22)
    lips: Colour = (0.33, 0.15, 0.13)
    hair: Colour = (0.03, 0.02, 0.015)
    iris: Colour = (0.10, 0.06, 0.03)
    cloth: Colour = (0.1, 0.12, 0.2)
    marks: Mapping[str, float] = field(default_factory=lambda: dict(_MARKS))
    seed: int = 0

    def mark(self, name: str) -> float:
        """The amount of a mark, 0 where it is not given."""
        return float(self.marks.get(name, 0.0))

    @property
    def bald(self) -> bool:
        """Whether no hair grows on the scalp."""
        return self.mark("hairline") > 6


def skin_albedo(melanin: float, blood: float = 0.0) -> Colour:
    """Albedo of skin, linear RGB: light skin darkened by an exponential law of absorption.

    Args:
        melanin: 0 very light to 2.8 very dark.
        blood: about -1 pale to 1 red.
    """
    absorbed = np.exp(-melanin * np.array([0.70, 0.95, 1.10]) - blood * np.array([0.0, 0.12, 0.08]))
    red, green, blue = np.array([0.64, 0.45, 0.36]) * absorbed
    return float(red), float(green), float(blue)


def scalp_distance(position: FloatArray) -> FloatArray:
    """Signed distance in cm of neutral positions (..., 3) to an ordinary hairline, positive where hair grows. -> (...)"""
    x, y, z = np.moveaxis(position, -1, 0)
    return (y - np.interp(np.degrees(np.arctan2(np.abs(x), z + 1.0)), *_HAIRLINE)).astype(np.float32)


def palette_texel(name: str) -> tuple[float, float]:
    """Middle of a palette cell in the atlas, x y."""
    return FACE + _CELL * (list(PALETTE).index(name) + 0.5) - 0.5, _CELL_Y + _CELL / 2 - 0.5


def eye_texel(offset: FloatArray) -> FloatArray:
    """Where directions from the centre of an eye that looks ahead lie in the atlas. (n, 3) -> (n, 2)"""
    angle = np.arctan2(np.hypot(offset[:, 0], offset[:, 1]), offset[:, 2])
    around = np.arctan2(-offset[:, 1], offset[:, 0])
    radius = np.minimum(angle / EYE_SPAN, 1) * (EYE - 1) / 2
    middle = np.array(EYE_AT, np.float32) + (EYE - 1) / 2
    return (middle + radius[:, None] * np.stack([np.cos(around), np.sin(around)], 1)).astype(np.float32)


def noise(rng: np.random.Generator, shape: tuple[int, int], cells: float) -> FloatArray:
    """Smooth noise of about unit variance with ``cells`` waves over the longer side."""
    rows, columns = (max(int(side * cells / max(shape)), 2) + 2 for side in shape)
    return cv2.resize(rng.standard_normal((rows, columns), np.float32), shape[::-1], interpolation=cv2.INTER_CUBIC) * 1.3


def ramp(value: FloatArray, low: float, high: float) -> FloatArray:
    """0 at ``low``, 1 at ``high``, smooth in between."""
    t = np.clip((value - low) / (high - low), 0, 1)
    return t * t * (3 - 2 * t)


def bump(distance: FloatArray, width: float) -> FloatArray:
    """1 at distance 0, falling off like a Gaussian."""
    return np.exp(-((distance / width) ** 2))


def curve(points: FloatArray, closed: bool = False, steps: int = 12) -> FloatArray:
    """A Catmull-Rom curve through points. (k, c) -> (n, c)"""
    ends = (points[-1:], points[:2]) if closed else (points[:1], points[-1:])
    ring = np.concatenate([ends[0], points, ends[1]])
    t = np.linspace(0, 1, steps, endpoint=False)[:, None]
    out = []
    for a, b, c, d in zip(ring, ring[1:], ring[2:], ring[3:]):
        out.append(0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3))
    return np.concatenate(out if closed else [*out, points[-1:]]).astype(np.float32)


@dataclass(frozen=True, eq=False)
class Patch:
    """A mask in [0, 1] and the window of the atlas outside which it is 0."""

    window: Window
    mask: FloatArray

    @staticmethod
    def of(mask: FloatArray) -> Patch:
        rows, columns = (np.flatnonzero((mask > 0.004).any(axis)) for axis in (1, 0))
        window = slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1)
        return Patch(window, np.ascontiguousarray(mask[window], np.float32))


class Canvas:
    """Where each texel of the atlas lies on the neutral head, and the masks that follow from it; made once for a head.

    Args:
        texel: (s, 2) x y in the atlas of each vertex.
        neutral: (s, 3) its neutral position, cm.
        triangles: (t, 3) those of the face and of the back of the head.
        landmarks: (68, 3) neutral positions.
        rims: (k, 3) neutral positions along the rims of the eyes.
    """

    def __init__(
        self, texel: FloatArray, neutral: FloatArray, triangles: NDArray[np.int32], landmarks: FloatArray, rims: FloatArray
    ) -> None:
        points = np.concatenate([texel, np.ones((len(texel), 1), np.float32)], 1)
        hits = rasterise(points, triangles, SHAPE, cull=False)
        flat, empty = np.zeros((SHAPE[0] * SHAPE[1], 3), np.float32), np.ones(SHAPE, bool)
        flat[hits.pixel] = hits.interpolate(neutral, triangles)
        empty.ravel()[hits.pixel] = False
        # texels beside the seams take the nearest position, so that bilinear sampling never mixes in black
        near = ndimage.distance_transform_edt(empty, return_distances=False, return_indices=True)
        self.position = flat.reshape(*SHAPE, 3)[near[0], near[1]]
        self.landmarks = landmarks
        self._last: tuple[str, FloatArray] | None = None
        self._tree, self._texel = cKDTree(neutral), texel
        rng = np.random.default_rng(_SEED)
        room = (SHAPE[0] + _ROOM, SHAPE[1] + _ROOM)
        self.grain = np.stack([noise(rng, room, cells) for cells in (18, 57, 165, 330)])
        x, y, z = np.moveaxis(self.position, -1, 0)
        self._masks(x, y, z)
        self.lines = {name: Patch.of(value) for name, value in self._wrinkles(np.abs(x), y, z).items()}
        self.rim, self.lid = self._around_eyes(rims)
        strands = cv2.GaussianBlur(noise(rng, (1024, 1024), 500), (1, 61), 0)
        around = np.stack([np.arctan2(x, z + 1.0) * 160 + 512, y * 14 + 300], -1).astype(np.float32)
        self.strands = cv2.remap(strands / strands.std(), around, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP)

    def painted(self, look: Look, wrinkles: Mapping[str, float]) -> FloatArray:
        """The atlas of a look; the last one is kept, for series of pictures of one person. Not to be written to."""
        key = repr((look, sorted(wrinkles.items())))
        if self._last is None or self._last[0] != key:
            self._last = key, paint(self, look, wrinkles)
        return self._last[1]

    def place(self, points: FloatArray) -> FloatArray:
        """Where points on the neutral face lie in the atlas. (k, 3) -> (k, 2)"""
        distance, index = self._tree.query(points, k=3)
        weight = 1 / np.maximum(distance, 1e-3) ** 2
        return np.einsum("kn,knc->kc", weight / weight.sum(1, keepdims=True), self._texel[index]).astype(np.float32)

    def _masks(self, x: FloatArray, y: FloatArray, z: FloatArray) -> None:
        """Lips, where skin is redder, where a beard grows, the scalp, the neck."""
        row, column = np.mgrid[: SHAPE[0], : SHAPE[1]].astype(np.float32) / FACE
        side = np.minimum(column, np.abs(1 - column))  # the ears lie at the left and right border of the face tile
        ear = ramp(-side, -0.12, -0.08) * ramp(-np.abs(row - 0.48), -0.17, -0.14) * (column <= 1)
        lips = np.zeros(SHAPE, np.uint8)
        outline = self.place(curve(self.landmarks[48:60], closed=True))
        cv2.fillPoly(lips, [np.round(outline * 16).astype(np.int32)], (255,), cv2.LINE_AA, 4)
        lips = cv2.GaussianBlur(lips, (0, 0), 1.6).astype(np.float32) / 255
        cheek = bump(np.abs(x) - 4.7, 2.0) * bump(y + 0.3, 1.7) * (z > 4)
        nose, chin = (bump(np.linalg.norm(self.position - self.landmarks[k], axis=-1), w) for k, w in ((30, 1.5), (8, 2.0)))
        jaw = ramp(0.45 * (np.abs(x) - 2.2) - 2.7 - y, -0.5, 0.9) * ramp(np.abs(x), 1.5, 2.6)
        moustache = ramp(-y, 1.3, 1.8) * ramp(-np.abs(x), -3.3, -2.3)
        throat = ramp(y, -11.5, -8.5) * ramp(z, 1.5, 3.5)
        self.lips = Patch.of(lips)
        self.red = (cheek + 0.8 * nose + 0.4 * chin + 0.7 * ear).astype(np.float32)
        self.beard = Patch.of(np.maximum(jaw, moustache) * throat * (1 - lips) * (1 - ear))
        self.scalp = scalp_distance(self.position) - 6 * ear.astype(np.float32)
        # 0.15 z: necklines lie higher at the nape
        self.height = (y - 0.15 * z).astype(np.float32)
        self.neck, self.top = Patch.of((y < -8.5).astype(np.float32)), Patch.of((self.scalp > -3.5).astype(np.float32))

    def _wrinkles(self, x: FloatArray, y: FloatArray, z: FloatArray) -> dict[str, FloatArray]:
        """Wrinkles by place, each 0 to about 1; ``x`` is the distance from the middle."""
        wave = 0.25 * self.grain[0][: SHAPE[0], : SHAPE[1]] + 0.1 * self.grain[1][: SHAPE[0], : SHAPE[1]]
        forehead = np.maximum(np.sin((y + 0.06 * x**1.5 + wave) * 5.2), 0) ** 3
        forehead *= ramp(y, 6.8, 7.6) * ramp(-y, -10.8, -9.8) * ramp(-x, -5, -3)
        outer_x, outer_y = x - 4.7, y - 3.3
        crow = np.maximum(np.sin(np.arctan2(outer_y, outer_x) * 9 + wave), 0) ** 3
        lines = {
            "forehead": forehead,
            "glabella": bump(x - 0.62 - 0.04 * (y - 6) + 0.06 * wave, 0.13) * bump(y - 6.2, 1.0),
            "nose": np.maximum(np.sin((y + 0.3 * x + wave) * 7), 0) ** 2 * bump(y - 3.6, 1.0) * bump(x, 1.1),
            "crow": crow * bump(np.hypot(outer_x, outer_y) - 1.2, 0.7) * ramp(outer_x, 0, 0.4),
            "fold": self._near([(1.75, -0.1, 10.2), (2.35, -1.1, 10.1), (3.0, -2.3, 9.9), (3.35, -3.6, 9.5)], 0.22),
            "bag": self._near([(2.1, 2.5, 9.4), (2.9, 2.05, 9.6), (3.7, 2.1, 9.3), (4.4, 2.6, 8.7)], 0.16),
            "chin": ramp(self.grain[2][: SHAPE[0], : SHAPE[1]], 0, 2) * bump(y + 6.0, 0.9) * bump(x, 1.3),
        }
        return {name: cv2.GaussianBlur((value * ramp(z, 4, 6)).astype(np.float32), (0, 0), 0.9) for name, value in lines.items()}

    def _near(self, points: list[Colour], width: float) -> FloatArray:
        """A soft line through points of the person's left side and their mirror image."""
        folded = np.abs(self.position.reshape(-1, 3)) * [1, 0, 0] + self.position.reshape(-1, 3) * [0, 1, 1]
        distance, _ = cKDTree(curve(np.array(points))).query(folded, distance_upper_bound=4 * width)
        return bump(np.minimum(distance, 4 * width).reshape(SHAPE), width)

    def _around_eyes(self, rims: FloatArray) -> tuple[Patch, Patch]:
        """Roots of the lashes (fainter below the eye), and the lids that make-up and tiredness darken."""
        distance, index = cKDTree(rims).query(self.position.reshape(-1, 3), distance_upper_bound=3.0)
        nearest = rims[np.minimum(index, len(rims) - 1)].reshape(*SHAPE, 3)
        distance = np.minimum(distance, 3).reshape(SHAPE)
        upper = ramp(self.position[..., 1] - nearest[..., 1], -0.03, 0.06)
        lash = bump(distance, 0.13) * (0.25 + 0.75 * upper)
        lid = bump(distance - 0.45, 0.4) * upper + 0.5 * bump(distance - 0.6, 0.5) * (1 - upper)
        return Patch.of(lash), Patch.of(lid)


def paint(canvas: Canvas, look: Look, wrinkles: Mapping[str, float] | None = None) -> FloatArray:
    """The atlas of a look: (h, w, 3) linear RGB float32.

    Args:
        canvas: of the head.
        look: colours and marks.
        wrinkles: depth in [0, 1] by place: forehead, glabella, nose, crow, fold, bag, chin.
    """
    rng = np.random.default_rng([look.seed, 1])
    y, x = rng.integers(0, _ROOM, 2)
    grain = canvas.grain[:, y : y + SHAPE[0], x : x + SHAPE[1]]
    planes = _skin(canvas, look, wrinkles or {}, grain)
    fine = np.clip(1 + 0.3 * grain[3], 0.4, 2)
    for patch, tone in ((canvas.rim, 0.35 + 0.6 * look.mark("lashes")), (canvas.lid, 0.4 * look.mark("shade"))):
        for plane, depth in zip(planes, (0.85, 1.0, 1.0)):
            plane[patch.window] *= np.exp(-1.55 * depth * tone * patch.mask)
    _blend(planes, canvas.lips, look.lips, 1 + 0.07 * grain[2] + 0.05 * grain[3])
    if look.mark("beard") > 0:
        some = look.mark("beard") * (1.0 + 0.25 * grain[2] + 0.35 * grain[3])[canvas.beard.window]
        _blend(planes, Patch(canvas.beard.window, canvas.beard.mask * np.clip(some, 0, 0.93)), look.hair, fine)
    if not look.bald:
        _blend(planes, _hair(canvas, look, grain), look.hair, fine)
    _blend(planes, _brows(canvas, look, rng), look.hair, fine)
    neck = canvas.neck.window
    cloth = ramp(-canvas.height[neck], -look.mark("neckline"), -look.mark("neckline") + 0.15)
    _blend(planes, Patch(neck, cloth), look.cloth, 1 + 0.08 * grain[3])
    atlas = cv2.merge([np.clip(plane, 0.002, 1) for plane in planes])
    atlas[EYE_AT[1] : EYE_AT[1] + EYE, EYE_AT[0] : EYE_AT[0] + EYE] = _eyeball(look, rng)
    for k, colour in enumerate(PALETTE.values()):
        columns = slice(FACE + _CELL * k, FACE + _CELL * (k + 1))
        atlas[_CELL_Y : _CELL_Y + _CELL, columns] = np.array(colour, np.float32) * np.exp(rng.normal(0, 0.12))
    return atlas


def _skin(canvas: Canvas, look: Look, wrinkles: Mapping[str, float], grain: FloatArray) -> list[FloatArray]:
    """Skin with mottling, flush and wrinkles, one plane for each colour."""
    tone = grain[0] + grain[1] + 0.7 * grain[2] + 0.6 * grain[3]
    tone *= 0.05 * look.mark("mottle")
    for name, patch in canvas.lines.items():
        depth = min(look.mark("wrinkles") * float(wrinkles.get(name, 0)) + 0.45 * look.mark("age"), 1.2)
        if depth > 0.01:
            tone[patch.window] -= 0.55 * depth * patch.mask
    flush, hue = look.mark("redness") * canvas.red, look.mark("mottle") * grain[1]
    planes = []
    for value, red, shift in zip(look.skin, (0.04, -0.32, -0.25), (0.0, 0.02, -0.03)):
        plane = cv2.exp(tone + red * flush + shift * hue if shift else tone + red * flush)
        plane *= np.float32(value)
        planes.append(plane)
    return planes


def _blend(planes: list[FloatArray], patch: Patch, colour: Colour, shade: FloatArray) -> None:
    """Lay a shaded colour over the window of a patch, in place."""
    window = patch.window
    cover = patch.mask * shade[window]
    keep = 1 - patch.mask
    for plane, value in zip(planes, colour):
        plane[window] *= keep
        plane[window] += np.float32(value) * cover


def _hair(canvas: Canvas, look: Look, grain: FloatArray) -> Patch:
    window = canvas.top.window
    streak, y = canvas.strands[window], canvas.position[window][..., 1]
    inside = canvas.scalp[window] - look.mark("hairline") * ramp(y, 3, 9) + 0.35 * grain[0][window] + 0.36 * streak
    return Patch(window, (ramp(inside, -0.3, 0.7) * np.clip(0.95 + 0.07 * streak, 0, 1)).astype(np.float32))


def _brows(canvas: Canvas, look: Look, rng: np.random.Generator) -> Patch:
    """Both brows as short strokes of hair, drawn at twice the size of the atlas."""
    big = np.zeros((FACE // 2, 2 * FACE), np.uint8)  # the upper quarter of the face tile holds the brows
    width, lift = look.mark("brow_width"), look.mark("brow_lift")
    bend = rng.normal(0, 0.08, 3)
    for outward, points in ((-1, canvas.landmarks[17:22]), (1, canvas.landmarks[26:21:-1])):
        line = curve(points + np.array([0, lift - 0.12, 0], np.float32))  # from the tail to the head of the brow
        t = rng.beta(1.25, 1.1, int(60 + 240 * look.mark("brow")))
        root = np.stack([np.interp(t, np.linspace(0, 1, len(line)), line[:, k]) for k in range(3)], 1)
        half = width * np.interp(t, [0, 0.25, 0.8, 1], [0.15, 0.7, 1.0, 0.75])
        across = rng.uniform(-1, 1, len(t))
        root[:, 1] += across * half + np.interp(t, [0, 0.5, 1], bend)
        angle = np.interp(t, [0, 0.6, 1], [-0.5, 0.35, 1.2]) - 0.5 * across * (1 - t) + rng.normal(0, 0.15, len(t))
        length = rng.uniform(0.35, 0.75, len(t))
        tip = root + np.stack([outward * length * np.cos(angle), 0.8 * length * np.sin(angle), np.zeros(len(t))], 1)
        strokes = np.stack([canvas.place(root), canvas.place(tip)], 1)
        cv2.polylines(big, list(np.round((strokes * 2 + 0.5) * 16).astype(np.int32)), False, (255,), 1, cv2.LINE_AA, 4)
    small = cv2.resize(big, (FACE, FACE // 4), interpolation=cv2.INTER_AREA).astype(np.float32) / 255
    mask = np.clip(0.75 * small + 0.8 * cv2.GaussianBlur(small, (0, 0), 3.0), 0, 0.95) * (0.35 + 0.65 * look.mark("brow"))
    return Patch((slice(0, FACE // 4), slice(0, FACE)), mask.astype(np.float32))


def _eyeball(look: Look, rng: np.random.Generator) -> FloatArray:
    """Sclera, iris and pupil by the angle from the axis of the eye. -> (EYE, EYE, 3)"""
    y, x = (np.mgrid[:EYE, :EYE].astype(np.float32) - (EYE - 1) / 2) / ((EYE - 1) / 2)
    radius, angle = np.hypot(x, y) * EYE_SPAN, np.arctan2(y, x)
    share = radius / (0.375 + rng.normal(0, 0.008))
    rays = np.interp(angle, np.linspace(-np.pi, np.pi, 121), ndimage.uniform_filter1d(rng.standard_normal(121), 2, mode="wrap"))
    pupil = look.mark("pupil")
    bright = np.exp(0.25 * rays * ramp(share, 0.2, 0.5) + 0.35 * bump(share - pupil - 0.15, 0.15))
    bright *= 1 - 0.75 * ramp(share, 0.8, 0.98)
    iris = (
        0.006 + (np.array(look.iris, np.float32) * bright[..., None] - 0.006) * ramp(share, pupil - 0.05, pupil + 0.05)[..., None]
    )
    white = np.array([0.56, 0.51, 0.48], np.float32) * (1 - 0.30 * ramp(radius, 0.45, 1.0))[..., None]
    white = white * np.exp(-ramp(radius, 0.5, 1.1)[..., None] * np.array([0, 0.25, 0.25], np.float32))
    inside = ramp(-share, -1.06, -0.94)[..., None]
    return (inside * iris + (1 - inside) * white).astype(np.float32)
