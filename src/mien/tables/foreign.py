"""What the formats of other tools share: seven expressions instead of eight, and faces numbered within their frame."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..labels import FER_7
from .table import Table

# a column of another tool: its name, its values, digits after the point (None for text and whole numbers)
Parts = list[tuple[str, NDArray[Any], int | None]]


def seven(table: Table) -> NDArray[np.float64]:
    """(rows, 7) scores in the order of ``FER_7`` that sum to 1 where they could be told.

    Contempt is taken out and the other seven are divided by their sum: the scores given that it is none of contempt. A face
    on which contempt was best shows its second best expression then. Nothing is left of a face that is contempt alone: NaN.
    """
    values = np.stack([table[f"expression_{name}"] for name in FER_7], axis=1).astype(np.float64)
    total = values.sum(axis=1, keepdims=True)
    # without contempt (or with none told) the scores stay as they are: no rounding creeps in
    scale = np.where(table["expression_contempt"][:, None] > 0, total, 1.0)
    found: NDArray[np.float64] = np.divide(values, scale, out=np.full_like(values, np.nan), where=scale > 0)
    return found


def from_seven(values: NDArray[Any]) -> dict[str, NDArray[Any]]:
    """The columns of the schema for (rows, 7) scores in the order of ``FER_7``; contempt could not be told."""
    scores = np.asarray(values, np.float64)
    found: dict[str, NDArray[Any]] = {f"expression_{name}": scores[:, i] for i, name in enumerate(FER_7)}
    found["expression"] = best(scores, FER_7.names)
    return found


def best(scores: NDArray[Any], names: Sequence[str]) -> NDArray[Any]:
    """(rows,) the name of the best score; None where one could not be told."""
    told = ~np.isnan(scores).any(axis=1)
    top = np.where(told[:, None], scores, 0).argmax(axis=1)
    return np.array([names[i] if t else None for i, t in zip(top, told)], object)


def number_faces(keys: Sequence[NDArray[Any]], seen: NDArray[Any]) -> NDArray[np.int64]:
    """(rows,) the number of the face within its frame, in the order of the rows; -1 where no face was seen.

    Args:
        keys: what tells frames apart, (rows,) each: source and number of the frame.
        seen: (rows,) bool.
    """
    count: dict[tuple[Any, ...], int] = {}
    found = np.full(len(seen), -1, np.int64)
    for i, (key, face) in enumerate(zip(zip(*(k.tolist() for k in keys)), seen.tolist())):
        if face:
            found[i] = count.get(key, 0)
            count[key] = count.get(key, 0) + 1
    return found
