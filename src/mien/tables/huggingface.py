"""Hugging Face: lists of ``{"label", "score"}``, best first, as the image-classification pipeline gives them.

The labels are those of :data:`mien.labels.FERPLUS_8`, all eight, scores in 0..1 that sum to 1. Nothing else is carried: no box,
no frame, no time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..errors import unknown_name
from ..labels import FERPLUS_8
from .foreign import best
from .table import Table

# what other models call the same expression
_SYNONYMS = {
    "angry": "anger",
    "disgusted": "disgust",
    "fearful": "fear",
    "happy": "happiness",
    "sad": "sadness",
    "surprised": "surprise",
}


def to_hf(table: Table) -> list[list[dict[str, Any]]]:
    """One list for each row of the table; an empty list where there is no face or the expression could not be told.

    Example:
        >>> table = Table.from_columns({"face": [0, -1], "expression_fear": [0.3, float("nan")]})
        >>> to_hf(table)
        [[{'label': 'fear', 'score': 0.3}], []]
    """
    found = []
    columns = [table[f"expression_{name}"].astype(np.float64).round(4).tolist() for name in FERPLUS_8]
    for scores in zip(*columns):
        told = [{"label": name, "score": score} for name, score in zip(FERPLUS_8, scores) if score == score]
        found.append(sorted(told, key=lambda entry: -entry["score"]))
    return found


def from_hf(results: Sequence[Sequence[Mapping[str, Any]]], source: str = "") -> Table:
    """A table from the results of an image-classification pipeline, one list for each picture; the pictures become frames.

    "happy", "sad" and the like are taken for the names of FERPLUS_8; an expression that a model does not know is NaN.

    Raises:
        InputError: a label is none of the eight expressions.

    Example:
        >>> from_hf([[{"label": "Happy", "score": 0.9}, {"label": "neutral", "score": 0.1}]])["expression"]
        array(['happiness'], dtype=object)
    """
    scores = np.full((len(results), len(FERPLUS_8)), np.nan)
    for i, entries in enumerate(results):
        for entry in entries:
            label = str(entry["label"]).lower()
            label = _SYNONYMS.get(label, label)
            if label not in FERPLUS_8:
                raise unknown_name("expression", str(entry["label"]), FERPLUS_8.names)
            scores[i, FERPLUS_8.index(label)] = entry["score"]
    told = ~np.isnan(scores).all(axis=1)
    data: dict[str, Any] = {f"expression_{name}": scores[:, i] for i, name in enumerate(FERPLUS_8)}
    top = best(np.nan_to_num(scores, nan=-1.0), FERPLUS_8.names)
    top[~told] = None
    data["expression"] = top
    data |= {"source": [source] * len(results), "frame": np.arange(len(results)), "time": np.zeros(len(results))}
    data |= {"face": np.where(told, 0, -1), "status": np.where(told, "ok", "no_face")}
    return Table.from_columns(data, {"read_from": "Hugging Face"})
