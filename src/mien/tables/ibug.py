"""The 68 landmarks of the iBUG 300-W scheme, which OpenFace and py-feat write."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .foreign import Parts
from .schema import MESH_POINTS
from .table import Table

POINTS = 68

# The mesh vertex nearest to each landmark. The two schemes differ: the jaw line of the mesh follows the outline of the face
# in 3D, that of iBUG the visible contour, and the brow points lie on the upper edge of the brow.
_VERTICES = """
127 234 93 58 172 136 149 148 152 377 378 365 397 288 323 454 356
70 63 105 66 107 336 296 334 293 300
168 197 5 4 98 97 2 326 327
33 160 158 133 153 144 362 385 387 263 373 380
61 39 37 0 267 269 291 405 314 17 84 181 78 81 13 311 308 402 14 178
"""
MESH_68 = tuple(int(i) for i in _VERTICES.split())

# landmark of the schema -> the iBUG points of which it is the mean; left and right of the person
_FIVE = {
    "right_eye": range(36, 42),
    "left_eye": range(42, 48),
    "nose": range(30, 31),
    "mouth_right": range(48, 49),
    "mouth_left": range(54, 55),
}


def has_mesh(table: Table) -> bool:
    """Whether the table holds the mesh."""
    return "mesh_0_x" in table


def from_mesh(table: Table) -> Parts:
    """``x_0 .. x_67 y_0 .. y_67`` out of the mesh; none when the table has no mesh."""
    if not has_mesh(table):
        return []
    return [(f"{axis}_{i}", table[f"mesh_{vertex}_{axis}"], 2) for axis in "xy" for i, vertex in enumerate(MESH_68)]


def five(data: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """The five landmarks of the schema out of ``x_0 .. x_67 y_0 .. y_67``; none when a point is missing."""
    if any(f"{axis}_{i}" not in data for axis in "xy" for i in range(POINTS)):
        return {}
    return {
        f"landmark_{name}_{axis}": np.mean([data[f"{axis}_{i}"] for i in points], axis=0)
        for name, points in _FIVE.items()
        for axis in "xy"
    }


def mesh_columns(data: Mapping[str, NDArray[Any]], pattern: str) -> dict[str, NDArray[Any]]:
    """The mesh columns of the schema out of a tool's columns; none when one is missing.

    Args:
        data: the tool's columns.
        pattern: their names with ``{axis}`` and ``{i}``.
    """
    names = {f"mesh_{i}_{axis}": pattern.format(axis=axis, i=i) for i in range(MESH_POINTS) for axis in "xyz"}
    if any(theirs not in data for theirs in names.values()):
        return {}
    return {ours: data[theirs] for ours, theirs in names.items()}
