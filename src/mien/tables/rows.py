"""From frames to columns: this is on the path of every video frame, so it does as little as it can per frame."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from ..labels import ARKIT_52, FERPLUS_8, UNITS, LabelSet
from ..types import Faces, FloatArray, Frame, Scores
from .schema import LANDMARKS, MESH_POINTS, Column, columns

Columns = dict[str, NDArray[Any]]


def _tall(values: FloatArray) -> FloatArray:
    return values[:, None]


def _flat(values: FloatArray) -> FloatArray:
    return values.reshape(len(values), -1)


def _five(values: FloatArray) -> FloatArray | None:
    # sets of other sizes have no names in the schema
    return _flat(values) if values.shape[1] == len(LANDMARKS) else None


def _same(values: FloatArray) -> FloatArray:
    return values


def _scores(scores: Scores) -> FloatArray:
    return scores.values


def _writable(text: str) -> str:
    r"""A file name that is not valid UTF-8 holds surrogates, which no file takes: they become \udc..  escapes."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


REASONS = {
    "not_visible": "the mesh finds no face there",
    "too_small": "the face has too few pixels to be read",
    "cut_off": "the border of the picture cuts the face",
    "profile": "the face is turned away too far",
    "blurred": "the face is not sharp",
}
# field of Faces, how many columns, how its value becomes (n, columns)
_Field = tuple[str, int, Callable[[Any], FloatArray | None]]


class Rows:
    """Collects frames and gives them back as columns.

    A frame without faces gives one row that holds only what is known of the frame.

    Args:
        mesh: keep the 478 mesh points.
        embedding: length of the embedding to keep; 0 keeps none.
    """

    def __init__(self, mesh: bool = False, embedding: int = 0) -> None:
        self.schema: tuple[Column, ...] = columns(mesh, embedding)
        self._embedding = embedding
        self._positions: dict[LabelSet, list[int]] = {}
        fields: list[_Field] = [
            ("confidence", 1, _tall),
            ("boxes", 4, _same),
            ("quality", 1, _tall),
            ("presence", 1, _tall),
            ("pose", 3, _same),
            ("gaze", 2, _same),
            ("landmarks", 2 * len(LANDMARKS), _five),
            ("units", len(UNITS), _scores),
            ("intensity", len(UNITS), _same),
            ("expression", len(FERPLUS_8), self._expression),
            ("affect", 2, _same),
            ("blendshapes", len(ARKIT_52), _scores),
        ]
        if mesh:
            fields.append(("mesh", 3 * MESH_POINTS, _flat))
        if embedding:
            fields.append(("embedding", embedding, self._embedded))
        self._fields: list[tuple[str, slice, Callable[[Any], FloatArray | None]]] = []
        start = 0
        for name, width, change in fields:
            self._fields.append((name, slice(start, start + width), change))
            start += width
        self._width = start
        self.clear()

    def clear(self) -> None:
        """Forget the rows."""
        self._values: list[FloatArray] = []
        self._text: dict[str, list[str | None]] = {n: [] for n in ("source", "status", "reason", "expression")}
        self._whole: dict[str, list[int]] = {n: [] for n in ("frame", "face", "track")}
        self._time: list[float] = []

    def __len__(self) -> int:
        return len(self._time)

    def add(self, frame: Frame) -> None:
        """Append the rows of one frame.

        Raises:
            InputError: the expression has labels without a column, or the embedding has another length.
        """
        faces = frame.faces
        count = len(faces)
        values = self._matrix(faces)  # first, because it can raise: a frame is taken whole or not at all
        text, whole = self._text, self._whole
        if count == 0:
            count = 1
            status: list[str] = ["no_face" if frame.status == "ok" else frame.status]
            best: list[str | None] = [None]
            whole["face"].append(-1)
            whole["track"].append(-1)
        else:
            status = [frame.status] * count if faces.status is None else faces.status.tolist()
            best = [None] * count if faces.expression is None else faces.expression.top()
            whole["face"].extend(range(count))
            whole["track"].extend([-1] * count if faces.track is None else faces.track.tolist())
        text["status"].extend(status)
        text["expression"].extend(best)
        text["source"].extend([_writable(frame.source)] * count)
        whole_frame = _writable(frame.reason)
        text["reason"].extend([whole_frame or REASONS.get(word, "") for word in status])
        whole["frame"].extend([frame.index] * count)
        self._time.extend([frame.time] * count)
        self._values.append(values)

    def columns(self) -> Columns:
        """The rows so far, one array for each column of the schema; -1 stands for no face and no track."""
        values = np.concatenate(self._values) if self._values else np.zeros((0, self._width), np.float32)
        # one copy makes every column contiguous, which arrow and the rounding want
        numbers = iter(np.ascontiguousarray(values.T))
        found: Columns = {}
        for column in self.schema:
            if column.type == "string":
                found[column.name] = np.array(self._text[column.name], object)
            elif column.type == "int":
                found[column.name] = np.array(self._whole[column.name], np.int64)
            elif column.name == "time":
                found[column.name] = np.array(self._time, np.float64)
            else:
                found[column.name] = next(numbers)
        return found

    def _matrix(self, faces: Faces) -> FloatArray:
        matrix = np.full((max(len(faces), 1), self._width), np.nan, np.float32)
        if len(faces):
            for name, place, change in self._fields:
                value = getattr(faces, name)
                if value is not None:
                    part = change(value)
                    if part is not None:
                        matrix[:, place] = part
        return matrix

    def _expression(self, scores: Scores) -> FloatArray:
        if scores.labels == FERPLUS_8:
            return scores.values
        found = self._positions.get(scores.labels)
        if found is None:
            strange = [n for n in scores.labels if n not in FERPLUS_8]
            if strange:
                raise InputError(
                    f"expression label set {scores.labels.name!r} holds {', '.join(strange)}",
                    f"names of {FERPLUS_8.name!r}, which are the columns of the table",
                    "map the scores to that set first",
                )
            found = self._positions[scores.labels] = FERPLUS_8.positions(scores.labels.names)
        part = np.full((len(scores), len(FERPLUS_8)), np.nan, np.float32)
        part[:, found] = scores.values
        return part

    def _embedded(self, values: FloatArray) -> FloatArray:
        if values.shape[1] != self._embedding:
            raise InputError(
                f"an embedding of length {values.shape[1]}",
                f"{self._embedding}, as the table was opened",
                f"open it with embedding={values.shape[1]}",
            )
        return values
