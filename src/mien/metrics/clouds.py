"""How near a reconstruction comes to what was recorded: point clouds, and pictures of which a part was hidden.

Source of D1 and D2: Tian, Ochimizu, Feng, Cohen and Vetro (2017), "Geometric distortion metrics for point cloud compression",
ICIP, and the common test conditions of MPEG. Clouds are (n, 3) in one unit, in any order, at least one point each; another shape
or a coordinate that is no finite number raises InputError. Pictures are (h, w, 3) uint8 RGB.
"""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import InputError
from .inputs import Flags, Floats, Ints, known, numbers

Picture = NDArray[np.uint8]
_BLOCK = 128  # points compared at once with as many others


def _cloud(name: str, points: ArrayLike) -> Floats:
    array = known(name, numbers(name, points, 2))
    if array.shape[1] != 3 or not len(array):
        raise InputError(f"{name} has shape {array.shape}", "(n, 3), at least one point")
    return array


def _blocks(points: Floats) -> list[Ints]:
    """Positions of the points in boxes of few, halved at the median of the longer side."""
    waiting, found = [np.arange(len(points))], []
    while waiting:
        own = waiting.pop()
        if len(own) <= _BLOCK:
            found.append(own)
            continue
        axis = int(np.argmax(np.ptp(points[own], 0)))
        half = len(own) // 2
        order = np.argpartition(points[own, axis], half)
        waiting += [own[order[:half]], own[order[half:]]]
    return found


def nearest(points: ArrayLike, target: ArrayLike, count: int = 1) -> tuple[Floats, Ints]:
    """The nearest points of another cloud, exactly; of points equally near any may come.

    Boxes of points are compared with boxes of the target, the nearest first, until none can hold a nearer point.

    Args:
        points: (n, 3).
        target: (m, 3).
        count: how many neighbours, 1 to m.

    Returns:
        (n, count) squared distances, smallest first, and (n, count) positions in ``target``.

    Raises:
        InputError: a cloud is wrong, or there are fewer than ``count`` points.

    Example:
        >>> squared, place = nearest([[0, 0, 0]], [[5, 0, 0], [0, 2, 0]])
        >>> float(squared[0, 0]), int(place[0, 0])
        (4.0, 1)
    """
    a, b = _cloud("points", points), _cloud("target", target)
    if not 1 <= count <= len(b):
        raise InputError(f"count is {count}", f"1 to {len(b)}")
    blocks = _blocks(b)
    low, high = (np.array([f(b[own], 0) for own in blocks]) for f in (np.min, np.max))
    squared, place = np.empty((len(a), count)), np.empty((len(a), count), np.int64)
    for rows in _blocks(a):
        some = a[rows]
        gap = np.maximum(np.maximum(low - some.max(0), some.min(0) - high), 0)
        bound = (gap**2).sum(1)
        best, who = np.full((len(rows), count), np.inf), np.zeros((len(rows), count), np.int64)
        for k in np.argsort(bound, kind="stable"):
            if bound[k] > best[:, -1].max():
                break
            own = blocks[k]
            # differences, not products: equal points are at distance 0
            far = np.concatenate([best, ((some[:, None] - b[own][None]) ** 2).sum(2)], 1)
            names = np.concatenate([who, np.broadcast_to(own, (len(rows), len(own)))], 1)
            order = np.argsort(far, axis=1, kind="stable")[:, :count]
            best, who = np.take_along_axis(far, order, 1), np.take_along_axis(names, order, 1)
        squared[rows], place[rows] = best, who
    return squared, place


def normals(points: ArrayLike, count: int = 12) -> Floats:
    """(n, 3) unit normals of a cloud: the direction in which a point and its nearest neighbours spread least.

    Source: Hoppe et al. (1992), "Surface reconstruction from unorganized points". The sign is open.

    Args:
        points: (n, 3).
        count: neighbours, the point itself among them; at least 3.

    Raises:
        InputError: a cloud of fewer points, or ``count`` below 3.
    """
    cloud = _cloud("points", points)
    if count < 3:
        raise InputError(f"count is {count}", "3 or more neighbours")
    _, place = nearest(cloud, cloud, count)
    around = cloud[place] - cloud[place].mean(1, keepdims=True)
    # eigenvalues come in rising order
    return np.linalg.eigh(np.einsum("nki,nkj->nij", around, around))[1][:, :, 0]


def to_points(points: ArrayLike, target: ArrayLike) -> float:
    """e(A -> B) of D1: the mean over a in A of min_b ||a - b||^2, in squared units.

    Example:
        >>> to_points([[0, 0, 0], [1, 0, 0]], [[0, 0, 0]])
        0.5
    """
    return float(nearest(points, target)[0].mean())


def to_planes(points: ArrayLike, target: ArrayLike, directions: ArrayLike) -> float:
    """e(A -> B) of D2: the mean over a in A of ((a - b) . n_b)^2 with b the nearest point of B, in squared units.

    Args:
        points: (n, 3) A.
        target: (m, 3) B.
        directions: (m, 3) unit normals of B, as recorded or from :func:`normals`.

    Raises:
        InputError: a cloud is wrong, or there is not one normal of length 1 for each point of the target.

    Example:
        >>> to_planes([[3, 4, 2]], [[0, 0, 0]], [[0, 0, 1]])
        4.0
    """
    a, b = _cloud("points", points), _cloud("target", target)
    n = known("directions", numbers("directions", directions, 2))
    if n.shape != b.shape or np.any(np.abs(np.linalg.norm(n, axis=1) - 1) > 1e-3):
        raise InputError(f"directions of shape {n.shape}", f"{b.shape}, one unit vector for each point of the target")
    place = nearest(a, b)[1][:, 0]
    return float((((a - b[place]) * n[place]).sum(1) ** 2).mean())


def peak(points: ArrayLike) -> float:
    """The longest side of the box around a cloud: what geometry is measured against where it has no bit depth."""
    return float(np.ptp(_cloud("points", points), 0).max())


def _decibel(error: float, largest: float) -> float:
    if not largest > 0:
        raise InputError(f"peak is {largest:g}", "a number above 0", "give 2^bits - 1, or the side of the recorded cloud")
    return math.inf if error == 0 else 10 * math.log10(3 * largest**2 / error)


def d1_psnr(points: ArrayLike, target: ArrayLike, largest: float) -> float:
    """Point-to-point PSNR in dB: 10 log10(3 p^2 / max(e(A -> B), e(B -> A))); infinite for equal clouds.

    Args:
        points: (n, 3).
        target: (m, 3).
        largest: p, such as :func:`peak` of the recorded cloud, or 2^bits - 1 for whole coordinates.

    Raises:
        InputError: a cloud is wrong or the peak not above 0.

    Example:
        >>> round(d1_psnr([[0, 0, 0]], [[1, 0, 0]], 10), 3)  # 10 log10 300
        24.771
    """
    return _decibel(max(to_points(points, target), to_points(target, points)), largest)


def d2_psnr(
    points: ArrayLike, target: ArrayLike, largest: float, own: ArrayLike | None = None, other: ArrayLike | None = None
) -> float:
    """Point-to-plane PSNR in dB: as :func:`d1_psnr` with the errors along the normals.

    Args:
        points: (n, 3).
        target: (m, 3).
        largest: p.
        own: (n, 3) normals of ``points``; None estimates them.
        other: (m, 3) normals of ``target``; None estimates them.

    Raises:
        InputError: a cloud is wrong, too small for normals, or the peak not above 0.
    """
    mine = normals(points) if own is None else own
    theirs = normals(target) if other is None else other
    return _decibel(max(to_planes(points, target, theirs), to_planes(target, points, mine)), largest)


def chamfer(points: ArrayLike, target: ArrayLike) -> float:
    """Chamfer distance in squared units: e(A -> B) + e(B -> A), means of squared distances.

    Source: Fan, Su and Guibas (2017), "A point set generation network", arXiv:1612.00603, with means in place of sums, so that
    the number of points does not count.

    Example:
        >>> chamfer([[0, 0, 0], [1, 0, 0]], [[0, 0, 0]])
        0.5
    """
    return to_points(points, target) + to_points(target, points)


def hausdorff(points: ArrayLike, target: ArrayLike) -> float:
    """Hausdorff distance, in the unit of the clouds: the farthest that a point of either lies from the other.

    Example:
        >>> hausdorff([[0, 0, 0], [3, 0, 0]], [[0, 0, 0]])
        3.0
    """
    return math.sqrt(max(float(nearest(points, target)[0].max()), float(nearest(target, points)[0].max())))


# Pictures -------------------------------------------------------------------------------------------------------------
def _alike(first: Picture, second: Picture) -> None:
    if (
        first.shape != second.shape
        or first.ndim != 3
        or first.shape[2] != 3
        or first.dtype != np.uint8
        or second.dtype != np.uint8
    ):
        raise InputError(f"{first.dtype} {first.shape} and {second.dtype} {second.shape}", "two (h, w, 3) uint8 of one size")


def psnr(first: Picture, second: Picture, mask: Flags | None = None) -> float:
    """PSNR of pictures in dB: 10 log10(255^2 / mean squared difference); infinite for equal pixels.

    Where all that differs lies under the mask, the PSNR under it is at most that of the whole picture.

    Args:
        first, second: (h, w, 3) uint8.
        mask: (h, w) the pixels that count, such as those that were hidden; None takes all.

    Raises:
        InputError: pictures that do not go together, or a mask of another size or without a pixel.

    Example:
        >>> round(psnr(np.zeros((2, 2, 3), np.uint8), np.full((2, 2, 3), 51, np.uint8)), 3)  # 20 log10 5
        13.979
    """
    _alike(first, second)
    chosen = np.ones(first.shape[:2], np.bool_) if mask is None else mask
    if chosen.shape != first.shape[:2] or not chosen.any():
        raise InputError(f"a mask {chosen.shape} with {int(chosen.sum())} pixels", f"{first.shape[:2]}, at least one pixel")
    error = float(((first[chosen].astype(np.float64) - second[chosen]) ** 2).mean())
    return math.inf if error == 0 else 10 * math.log10(255**2 / error)


def ssim(first: Picture, second: Picture) -> float:
    """Mean structural similarity of the grey pictures, at most 1.

    ((2 m_x m_y + c1) (2 s_xy + c2)) / ((m_x^2 + m_y^2 + c1) (s_x^2 + s_y^2 + c2)) with c1 = (0.01 255)^2, c2 = (0.03 255)^2,
    means and variances weighted by a Gaussian of deviation 1.5 over 11 x 11 pixels, at all places where that lies in the picture.
    Source: Wang, Bovik, Sheikh and Simoncelli (2004), "Image quality assessment", Eq. 13 to 17.

    Raises:
        InputError: pictures that do not go together, or fewer than 11 pixels in height or width.
    """
    _alike(first, second)
    if min(first.shape[:2]) < 11:
        raise InputError(f"pictures of {first.shape[:2]}", "11 pixels or more in height and width")
    x, y = (cv2.cvtColor(image, cv2.COLOR_RGB2GRAY).astype(np.float64) for image in (first, second))

    def mean(values: Floats) -> Floats:
        return np.asarray(cv2.GaussianBlur(values, (11, 11), 1.5)[5:-5, 5:-5], np.float64)

    a, b = mean(x), mean(y)
    xx, yy, xy = mean(x * x) - a * a, mean(y * y) - b * b, mean(x * y) - a * b
    c, d = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    return float(((2 * a * b + c) * (2 * xy + d) / ((a * a + b * b + c) * (xx + yy + d))).mean())
