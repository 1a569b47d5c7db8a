"""Where in a face an action unit shows: ellipses around landmarks, and the units that belong to an expression.

Source: Belharbi et al., "Guided Interpretable Facial Expression Recognition via Spatial Action Unit Cues", arXiv:2402.00281,
figure 2 and its codebook: the units of an expression become filled ellipses around 68 landmarks, each map is softened on a grid
of 28 x 28, and the maps of several units are joined by their maximum and stretched to [0, 1]. Lengths given there in pixels
count for pictures of 256 pixels, and grow and shrink with the picture here. Places of AU14, AU18, AU22, AU28, AU43 and AU45,
which the paper does not need, follow the same rule; the rim around the eyes is ours.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import InputError, unknown_name
from ..runtime.models import face_data
from ..stages.crops import FER2013
from ..tables.ibug import MESH_68
from .regions import stretch

FloatArray = NDArray[np.float32]
GRID = 28  # cells on which a map is softened

_CODE = {
    "happiness": "AU06 AU12 AU25",
    "surprise": "AU01 AU02 AU05 AU26 AU27",
    "fear": "AU01 AU02 AU04 AU05 AU20 AU25 AU26 AU27",
    "anger": "AU04 AU05 AU07 AU10 AU17 AU23 AU24 AU25 AU26",
    "disgust": "AU05 AU09 AU16 AU17 AU25 AU26",
    "sadness": "AU01 AU04 AU06 AU15 AU17",
}
Codebook = Mapping[str, tuple[str, ...]]
CODEBOOKS: Mapping[str, Codebook] = MappingProxyType(
    {
        name: MappingProxyType({expression: tuple(units.split()) for expression, units in words.items()})
        # the paper's figure draws AU10 for disgust where the authors' figures were made with AU05
        for name, words in {"code": _CODE, "figure": _CODE | {"disgust": "AU09 AU10 AU16 AU17 AU25 AU26"}}.items()
    }
)
"""Units of each expression: as the published figures were made ("code"), and as the paper draws them ("figure")."""


@dataclass(frozen=True)
class Spot:
    """One ellipse: its centre is the middle of the box around some of the 68 landmarks, counted from 0.

    Args:
        x: landmarks that give the box its left and right.
        y: landmarks that give it its top and bottom; empty for the same.
        width: half axis across, as a share of the width of the picture.
        height: half axis down, as a share of the height of the picture.
        spans: whether half the box is added to the half axes.
        lower: how far the centre is moved down, as a share of the height of the picture.
    """

    x: tuple[int, ...]
    y: tuple[int, ...] = ()
    width: float = 20 / 256
    height: float = 20 / 256
    spans: bool = False
    lower: float = 0.0

    def place(self, landmarks: FloatArray, height: int, width: int) -> tuple[float, float, float, float]:
        """Centre and half axes in pixels: x, y, across, down."""
        across, down = landmarks[list(self.x), 0], landmarks[list(self.y or self.x), 1]
        half = [float(np.ptp(v)) / 2 if self.spans else 0.0 for v in (across, down)]
        middle = [float(v.max() + v.min()) / 2 for v in (across, down)]
        return middle[0], middle[1] + self.lower * height, half[0] + self.width * width, half[1] + self.height * height


def _pair(
    right: tuple[int, ...],
    left: tuple[int, ...],
    width: float = 20 / 256,
    height: float = 20 / 256,
    spans: bool = False,
    lower: float = 0.0,
) -> tuple[Spot, Spot]:
    return Spot(right, (), width, height, spans, lower), Spot(left, (), width, height, spans, lower)


_RIGHT_EYE, _LEFT_EYE, _RIM = tuple(range(36, 42)), tuple(range(42, 48)), 5 / 256
_CORNERS = _pair((48,), (54,))
_MOUTH = (Spot((48, 54), (51, 57), 0.0, 0.0, spans=True),)
_EYES = _pair(_RIGHT_EYE, _LEFT_EYE, width=_RIM, height=_RIM, spans=True)
SPOTS: Mapping[str, tuple[Spot, ...]] = MappingProxyType(
    {
        "AU01": _pair((20,), (23,), width=1 / 8, height=1 / 10),
        "AU02": _pair((18,), (25,), width=1 / 8, height=1 / 10),
        "AU04": (Spot((19, 24), (), 0.0, 1 / 10, spans=True),),
        "AU05": _EYES,
        "AU06": _pair((41,), (46,), width=1 / 10, height=1 / 10, lower=1 / 6),
        "AU07": _pair(_RIGHT_EYE, _LEFT_EYE, width=_RIM, height=_RIM + 10 / 256, spans=True),
        "AU09": (Spot((31,), (29,)), Spot((35,), (29,))),
        "AU10": (Spot((48,), (50,)), Spot((54,), (52,))),
        "AU12": _CORNERS,
        "AU14": _CORNERS,
        "AU15": _CORNERS,
        "AU16": _pair((59,), (55,)),
        # the authors take 59 for 57 here and 50 for 54 in AU20, which makes the map lopsided
        "AU17": (Spot((57, 8)),),
        "AU18": _MOUTH,
        "AU20": (Spot((48, 6)), Spot((54, 10))),
        "AU22": _MOUTH,
        "AU23": _MOUTH,
        "AU24": _MOUTH,
        "AU25": (Spot((51,), (), 25 / 256, 10 / 256), Spot((57,), (), 25 / 256, 10 / 256)),
        "AU26": _MOUTH,
        "AU27": _MOUTH,
        "AU28": _MOUTH,
        "AU43": _EYES,
        "AU45": _EYES,
    }
)
"""Where each unit is drawn."""


def landmarks_of(mesh: ArrayLike) -> FloatArray:
    """The 68 landmarks of the iBUG scheme out of a mesh: the nearest vertex of each. (478, 2 or 3) -> (68, 2)"""
    points = np.asarray(mesh, np.float32)
    if points.shape not in ((478, 2), (478, 3)):
        raise InputError(f"a mesh of shape {points.shape}", "(478, 2) or (478, 3)")
    return points[list(MESH_68), :2]


@cache
def _template() -> FloatArray:
    face = face_data()
    # both halves alike, so that one template serves a picture and its mirror image
    twin = face["canonical"][face["mirror"]] * np.array([-1, 1, 1], np.float32)
    points = ((face["canonical"] + twin) / 2)[:, :2]
    low, high = points.min(0), points.max(0)
    points = (points - (low + high) / 2) / float((high - low).max()) * FER2013[2] + np.array([0.5, FER2013[1]])
    return landmarks_of(points)


def template(height: int, width: int) -> FloatArray:
    """The landmarks of the mean face as it lies in the pictures of FER2013, in the middle and symmetric. -> (68, 2) pixels"""
    return np.asarray(_template() * np.array([width, height], np.float32) - 0.5, np.float32)


def unit_map(unit: str, landmarks: ArrayLike, height: int, width: int) -> FloatArray:
    """Where one action unit shows.

    Args:
        unit: one of :data:`SPOTS`, such as "AU12".
        landmarks: (68, 2) pixels in the order of iBUG 300-W.
        height: of the picture, pixels.
        width: of the picture, pixels.

    Returns:
        (height, width) float32 in [0, 1].

    Raises:
        InputError: an unknown unit, or not 68 landmarks.

    Example:
        >>> smile = unit_map("AU12", template(64, 64), 64, 64)
        >>> smile.shape, bool(smile[:32].max() < smile[32:].max() > 0.9)
        ((64, 64), True)
    """
    if unit not in SPOTS:
        raise unknown_name("action unit with a place", unit, SPOTS)
    points = np.asarray(landmarks, np.float32)
    if points.shape != (68, 2) or not np.isfinite(points).all():
        raise InputError(f"landmarks of shape {points.shape}", "(68, 2) finite pixels")
    y, x = np.mgrid[:height, :width]
    drawn = np.zeros((height, width), np.float32)
    for spot in SPOTS[unit]:
        centre_x, centre_y, across, down = spot.place(points, height, width)
        inside = ((x - centre_x) / max(across, 0.5)) ** 2 + ((y - centre_y) / max(down, 0.5)) ** 2 <= 1
        drawn[inside] = 1
    few = cv2.resize(drawn, (GRID, GRID), interpolation=cv2.INTER_AREA if min(height, width) > GRID else cv2.INTER_LINEAR)
    soft = cv2.blur(np.asarray(few), (3, 3))
    return np.asarray(cv2.resize(soft, (width, height), interpolation=cv2.INTER_LINEAR), np.float32)


def joined(units: Iterable[str], landmarks: ArrayLike, height: int, width: int) -> FloatArray:
    """The maps of several units, joined by their maximum and stretched to [0, 1]; all 0 without units."""
    maps = [unit_map(unit, landmarks, height, width) for unit in units]
    return stretch(np.max(maps, 0)) if maps else np.zeros((height, width), np.float32)


def class_maps(names: Iterable[str], landmarks: ArrayLike, height: int, width: int, codebook: str = "code") -> FloatArray:
    """A map for each class of a label set; all 0 for those without units (neutral, contempt). -> (classes, height, width)

    Raises:
        InputError: no such codebook, or not 68 landmarks.
    """
    if codebook not in CODEBOOKS:
        raise unknown_name("codebook", codebook, CODEBOOKS)
    book = CODEBOOKS[codebook]
    return np.stack([joined(book.get(name, ()), landmarks, height, width) for name in names])


def agreement(maps: ArrayLike, wanted: ArrayLike) -> FloatArray:
    """How far maps of attention lie where the units are: the cosine of each pair, over all pixels.

    A map with values below 0 is first moved up to 0. The cosine is not that of correlation: a map with one value everywhere
    reaches :func:`constant_agreement`, about one half, so a figure says something only beside that one.

    Args:
        maps: (n, h', w'); enlarged or shrunk bilinearly.
        wanted: (n, h, w), 0 or above.

    Returns:
        (n,) in [0, 1]; NaN where either map is 0 everywhere.

    Example:
        >>> agreement([[[2.0, 0.0]]], [[[1.0, 0.0]]]).tolist(), agreement([[[0.0, 3.0]]], [[[1.0, 0.0]]]).tolist()
        ([1.0], [0.0])
    """
    given, target = np.asarray(maps, np.float32), np.asarray(wanted, np.float64)
    if given.ndim != 3 or target.ndim != 3 or len(given) != len(target):
        raise InputError(f"maps {given.shape} for {target.shape}", "(n, h', w') and (n, h, w)")
    size = (target.shape[2], target.shape[1])
    sized = np.stack([cv2.resize(row, size, interpolation=cv2.INTER_LINEAR) for row in given]).astype(np.float64)
    sized -= np.minimum(sized.min((1, 2), keepdims=True), 0)
    norms = np.sqrt((sized**2).sum((1, 2)) * (target**2).sum((1, 2)))
    out = np.full(len(given), np.nan, np.float32)
    np.divide((sized * target).sum((1, 2)), norms, out=out, where=norms > 0, casting="unsafe")
    return out


def constant_agreement(wanted: ArrayLike) -> FloatArray:
    """The cosine that a map with one value everywhere reaches: mean / root of the mean square. (n, h, w) -> (n,)

    Example:
        >>> constant_agreement([[[1.0, 0.0, 0.0, 0.0]]]).tolist()
        [0.5]
    """
    target = np.asarray(wanted, np.float64)
    return agreement(np.ones_like(target), target)
