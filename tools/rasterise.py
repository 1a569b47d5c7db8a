"""A software rasteriser in numpy: triangles in, one hit for every covered pixel out.

Most triangles of a face mesh cover a handful of pixels. So triangles are sorted into classes by the size of their pixel box,
all boxes of one class are tested against their three edges at once, and a z-buffer (``np.maximum.at``) keeps the
nearest hit of every pixel. Pixel centres lie at whole coordinates, x to the right and y down, as in OpenCV.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

FloatArray = NDArray[np.float32]
IntArray = NDArray[np.int32]
Parts = tuple[NDArray[Any], ...]

_CLASSES = (1, 2, 3, 4, 5, 6, 8, 11, 16, 24, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192)
_CHUNK = 1 << 21  # pixel tests held in memory at a time
_EDGE = 1e-5  # a centre this little outside still hits: two neighbours may both claim an edge, none leaves a gap


@dataclass(frozen=True, eq=False)
class Hits:
    """Where triangles cover pixel centres; n hits.

    Args:
        pixel: (n,) y * width + x.
        triangle: (n,) row of the triangle.
        weights: (n, 3) barycentric weights on the surface (perspective-correct), sum 1.
        depth: (n,) in the unit of the depth that came in.
    """

    pixel: NDArray[np.int64]
    triangle: NDArray[np.int64]
    weights: FloatArray
    depth: FloatArray

    def take(self, index: NDArray[Any]) -> Hits:
        """The hits of an index array or mask."""
        return Hits(self.pixel[index], self.triangle[index], self.weights[index], self.depth[index])

    def interpolate(self, values: FloatArray, triangles: IntArray) -> FloatArray:
        """Values of the vertices (v, c) at the hits. -> (n, c)"""
        corners = triangles.take(self.triangle, 0)
        out = values.take(corners[:, 0], 0) * self.weights[:, :1]
        for k in (1, 2):
            out += values.take(corners[:, k], 0) * self.weights[:, k : k + 1]
        return out


def triangulate(faces: IntArray) -> IntArray:
    """Quads (n, 4), -1 in the last column for a triangle, as triangles (m, 3) with the same winding."""
    quads = faces[faces[:, 3] >= 0]
    return np.concatenate([faces[:, :3], quads[:, [0, 2, 3]]]).astype(np.int32)


def front(points: FloatArray, triangles: IntArray) -> NDArray[np.bool_]:
    """Which triangles turn their front to the camera: corners counter-clockwise in the picture. (v, 2 or 3), (t, 3)"""
    x, y = (np.ascontiguousarray(points[:, k]).take(triangles.T) for k in range(2))
    return (x[1] - x[0]) * (y[2] - y[0]) - (y[1] - y[0]) * (x[2] - x[0]) < 0


def all_hits(points: FloatArray, triangles: IntArray, shape: tuple[int, int]) -> Hits:
    """Every hit of every triangle, hidden or not, front or back.

    Args:
        points: (v, 3) x y in pixels and the depth along the optical axis, > 0 in front of the camera.
        triangles: (t, 3); one with a corner at depth <= 0 is left out.
        shape: height, width of the picture.
    """
    return _finish(_screen_hits(points, triangles, shape), points, triangles)


def rasterise(
    points: FloatArray, triangles: IntArray, shape: tuple[int, int], cull: bool = True, rows: NDArray[np.int64] | None = None
) -> Hits:
    """The visible surface: one hit for every covered pixel, in the order of the pixels.

    Args:
        points: (v, 3) x y in pixels and depth > 0.
        triangles: (t, 3), counter-clockwise in the picture where the front is seen.
        shape: height, width of the picture.
        cull: leave out triangles seen from behind.
        rows: use these triangles alone; the hits still count all of them.
    """
    rows = np.arange(len(triangles)) if rows is None else rows
    if cull:
        rows = rows[front(points, triangles.take(rows, 0))]
    seen = triangles.take(rows, 0)
    raw = _screen_hits(points, seen, shape)
    pixel, inverse = raw[0], raw[4]
    buffer = np.zeros(shape[0] * shape[1], np.float32)
    np.maximum.at(buffer, pixel, inverse)
    winner = np.full(len(buffer), -1, np.int64)
    won = np.flatnonzero(inverse == buffer.take(pixel))
    winner[pixel.take(won)] = won
    hits = _finish(tuple(part.take(winner[winner >= 0]) for part in raw), points, seen)
    return replace(hits, triangle=rows.take(hits.triangle))


def _finish(raw: Parts, points: FloatArray, triangles: IntArray) -> Hits:
    """Weights on the screen turn into weights on the surface: each is multiplied by its corner's 1 / depth."""
    pixel, triangle, first, second, inverse = raw
    depth = 1 / inverse
    corners = np.ascontiguousarray(points[:, 2]).take(triangles.take(triangle, 0))
    weights = np.stack([1 - first - second, first, second], 1) * depth[:, None] / corners
    return Hits(pixel, triangle, weights, depth)


def _screen_hits(points: FloatArray, triangles: IntArray, shape: tuple[int, int]) -> Parts:
    """Pixel, triangle, second and third weight on the screen and 1 / depth of every hit."""
    height, width = shape
    x, y, z = (np.ascontiguousarray(points[:, k]).take(triangles.T) for k in range(3))  # (3, t) each
    x0, y0 = (np.maximum(np.ceil(np.minimum(np.minimum(v[0], v[1]), v[2]) - 1e-4), 0) for v in (x, y))
    x1, y1 = (np.floor(np.maximum(np.maximum(v[0], v[1]), v[2]) + 1e-4) for v in (x, y))
    x1, y1 = np.minimum(x1, width - 1), np.minimum(y1, height - 1)
    area = (x[1] - x[0]) * (y[2] - y[0]) - (y[1] - y[0]) * (x[2] - x[0])
    keep = np.flatnonzero((x1 >= x0) & (y1 >= y0) & (np.minimum(np.minimum(z[0], z[1]), z[2]) > 0) & (area != 0))
    x, y, z = (v.take(keep, 1) for v in (x, y, z))
    x0, y0, x1, y1, area = (v.take(keep) for v in (x0, y0, x1, y1, area))
    slopes = np.stack([y[2] - y[0], x[0] - x[2], y[0] - y[1], x[1] - x[0]]) / area
    dx, dy = x0 - x[0], y0 - y[0]
    planes = np.stack([*slopes, slopes[0] * dx + slopes[1] * dy, slopes[2] * dx + slopes[3] * dy, x1 - x0, y1 - y0])
    inverse = 1 / z
    origin = y0.astype(np.int32) * width + x0.astype(np.int32)
    kind = np.searchsorted(_CLASSES, np.maximum(x1 - x0, y1 - y0) + 1)
    order = np.argsort(kind.astype(np.int8), kind="stable")
    parts = []
    for rows, side in zip(np.split(order, np.cumsum(np.bincount(kind, minlength=len(_CLASSES)))[:-1]), _CLASSES):
        step = max(1, _CHUNK // (side * side))
        for at in range(0, len(rows), step):
            some = rows[at : at + step]
            row, cell_x, cell_y, first, second = _test(planes.take(some, 1), side)
            row = some.take(row)
            a, b, c = (v.take(row) for v in inverse)
            depth = a + first * (b - a) + second * (c - a)
            parts.append((origin.take(row) + cell_y * width + cell_x, keep.take(row), first, second, depth))
    if not parts:
        return (*(np.zeros(0, np.int32),) * 2, *(np.zeros(0, np.float32),) * 3)
    return tuple(np.concatenate(part) for part in zip(*parts))


def _test(planes: FloatArray, side: int) -> Parts:
    """Row, x and y in the box, second and third weight of the centres inside triangles whose boxes fit in side x side."""
    step = np.arange(side, dtype=np.float32)
    x_slope, y_slope, x_slope2, y_slope2, start, start2, last_x, last_y = planes[:, :, None]
    first = (x_slope * step + start)[:, None, :] + (y_slope * step)[:, :, None]
    second = (x_slope2 * step + start2)[:, None, :] + (y_slope2 * step)[:, :, None]
    inside = np.minimum(np.minimum(first, second), 1 - first - second) >= -_EDGE
    inside &= (step <= last_y)[:, :, None] & (step <= last_x)[:, None, :]
    flat = np.flatnonzero(inside)
    row = flat // (side * side)
    cell = flat - row * (side * side)
    y = cell // side
    return row, (cell - y * side).astype(np.int32), y.astype(np.int32), first.take(flat), second.take(flat)


class Surface:
    """What the triangles alone say about a mesh: which triangles and which vertices meet at each of ``count`` vertices."""

    def __init__(self, triangles: IntArray, count: int) -> None:
        self.triangles = triangles
        rows = triangles.T.ravel()
        ones = np.ones(len(rows), np.float32)
        self._around = sparse.csr_matrix((ones, (rows, np.tile(np.arange(len(triangles)), 3))), (count, len(triangles)))
        edges = sparse.csr_matrix(
            (np.ones(3 * len(triangles), np.float32), (rows, np.roll(triangles, 1, 1).T.ravel())), (count, count)
        )
        edges = ((edges + edges.T) > 0).astype(np.float32)
        self._mean = (sparse.diags(1 / np.maximum(np.asarray(edges.sum(1)).ravel(), 1)) @ edges).tocsr().astype(np.float32)

    def normals(self, vertices: FloatArray) -> FloatArray:
        """Unit normals, weighted by the area of the triangles around each vertex. (v, 3) -> (v, 3)"""
        a, b, c = (vertices[self.triangles[:, k]] for k in range(3))
        out = self._around @ np.cross(b - a, c - a)
        return out / np.maximum(np.linalg.norm(out, axis=1, keepdims=True), 1e-12)

    def smooth(self, values: FloatArray) -> FloatArray:
        """The mean over each vertex's neighbours. (v, c) -> (v, c)"""
        return self._mean @ values
