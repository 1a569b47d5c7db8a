"""Results: numpy only, frozen, validated once.

A value that could not be told is NaN (an empty cell in a table), never 0. A field that no stage has filled is None.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .labels import ARKIT_52, UNITS, LabelSet

FloatArray = NDArray[np.float32]

# per face, worst first: the first one that applies is written
FACE_STATUS = ("ok", "not_visible", "too_small", "cut_off", "profile", "blurred")
# per frame: "ok" has faces, "no_face" was read and has none, the others could not be read
FRAME_STATUS = ("ok", "no_face", "unreadable", "damaged")


@dataclass(frozen=True, eq=False)
class Scores:
    """Scores of n faces for the classes of a label set.

    Args:
        values: (n, classes) float32 in [0, 1], or NaN where it could not be told.
        labels: the label set; its length is the number of classes.

    Raises:
        ValueError: the shape does not fit the label set, or a value lies outside [0, 1].

    Example:
        >>> from mien.labels import FER_7
        >>> scores = Scores(np.eye(7, dtype=np.float32)[:1], FER_7)
        >>> scores.top(), round(float(scores["anger"][0]), 2)
        (['anger'], 1.0)
    """

    values: FloatArray
    labels: LabelSet

    def __post_init__(self) -> None:
        values = np.asarray(self.values, np.float32)
        if values.ndim != 2 or values.shape[1] != len(self.labels):
            raise ValueError(
                f"Scores.values has shape {values.shape}; label set {self.labels.name!r} needs (n, {len(self.labels)})"
            )
        # NaN compares false, so it passes; a small overshoot of float32 arithmetic is forgiven, more is a bug
        if np.any((values < -1e-5) | (values > 1 + 1e-5)):
            raise ValueError(
                f"Scores.values of {self.labels.name!r} lie in [{np.nanmin(values):.4g}, {np.nanmax(values):.4g}]; wanted [0, 1]"
            )
        object.__setattr__(self, "values", np.clip(values, 0, 1))

    def __len__(self) -> int:
        return len(self.values)

    def __getitem__(self, label: str) -> FloatArray:
        """The (n,) column of one label; an unknown label lists the nearest ones."""
        return self.values[:, self.labels.index(label)]

    def top(self) -> list[str | None]:
        """The best label of each row; None where the row could not be told."""
        return [None if np.isnan(row).any() else self.labels.names[int(row.argmax())] for row in self.values]

    def to(self, labels: LabelSet) -> Scores:
        """The same scores in another order of the same names.

        Raises:
            ValueError: the two sets do not hold the same names (renaming or dropping is never silent).
        """
        if set(labels.names) != set(self.labels.names):
            missing = sorted(set(labels.names) ^ set(self.labels.names))
            raise ValueError(
                f"label set {self.labels.name!r} cannot be reordered to {labels.name!r}: they differ in {', '.join(missing)}"
            )
        return Scores(self.values[:, self.labels.positions(labels.names)], labels)

    def row(self, index: int) -> dict[str, float]:
        """One row as a dict from label to score."""
        return {name: float(value) for name, value in zip(self.labels.names, self.values[index])}

    def take(self, index: Any) -> Scores:
        """The rows of an index array, mask or slice."""
        return Scores(self.values[index], self.labels)


# name -> shape after n; None in a shape is any length
_SHAPES: dict[str, tuple[int | None, ...]] = {
    "boxes": (4,),
    "confidence": (),
    "landmarks": (None, 2),
    "mesh": (478, 3),
    "presence": (),
    "pose": (3,),
    "gaze": (2,),
    "intensity": (len(UNITS),),
    "affect": (2,),
    "embedding": (None,),
    "track": (),
    "quality": (),
    "status": (),
}
_DTYPES: dict[str, np.dtype[Any]] = {"track": np.dtype(np.int64), "status": np.dtype("U16")}
_SCORES = ("expression", "units", "blendshapes")


@dataclass(frozen=True, eq=False)
class Faces:
    """All faces of one frame as a structure of arrays; ``faces[i]`` is one face, ``faces[mask]`` is fewer faces.

    Args:
        boxes: (n, 4) x1 y1 x2 y2 in pixels of the whole frame.
        confidence: (n,) detector score in [0, 1].
        landmarks: (n, k, 2) pixels; k = 5 are right eye, left eye, nose tip, right and left mouth corner (of the person).
        mesh: (n, 478, 3) x y in pixels of the frame, z in the same unit, smaller is nearer to the camera.
        presence: (n,) probability in [0, 1] that a face is where the mesh was fitted.
        pose: (n, 3) pitch yaw roll in radians; signs in :mod:`mien.geometry.pose`.
        gaze: (n, 2) pitch yaw of the line of sight in the camera frame, radians, same signs as pose.
        expression: scores of the visible expression, rows sum to 1.
        units: FACS action units, presence in [0, 1], label set "facs-23".
        intensity: (n, 53) FACS intensity 0-5 in the order of ``units.labels`` (0 absent, 1-5 are the letters A-E).
        blendshapes: ARKit blendshapes, label set "arkit-52".
        affect: (n, 2) valence arousal in [-1, 1].
        embedding: (n, d) identity embedding; only on request.
        track: (n,) number of the person's track within one source; -1 where none was given.
        quality: (n,) in [0, 1].
        status: (n,) one of FACE_STATUS.

    Raises:
        ValueError: a field has the wrong shape or length; the message names field, got and wanted.
    """

    boxes: FloatArray
    confidence: FloatArray
    landmarks: FloatArray | None = None
    mesh: FloatArray | None = None
    presence: FloatArray | None = None
    pose: FloatArray | None = None
    gaze: FloatArray | None = None
    expression: Scores | None = None
    units: Scores | None = None
    intensity: FloatArray | None = None
    blendshapes: Scores | None = None
    affect: FloatArray | None = None
    embedding: FloatArray | None = None
    track: NDArray[np.int64] | None = None
    quality: FloatArray | None = None
    status: NDArray[np.str_] | None = None

    def __post_init__(self) -> None:
        count = len(self.boxes)
        for name, shape in _SHAPES.items():
            value = getattr(self, name)
            if value is None:
                continue
            value = np.asarray(value, _DTYPES.get(name, np.dtype(np.float32)))
            fits = value.ndim == len(shape) + 1 and all(want in (None, got) for want, got in zip(shape, value.shape[1:]))
            if not fits or len(value) != count:
                wanted = ", ".join(["n" if count == len(value) else str(count), *("k" if s is None else str(s) for s in shape)])
                raise ValueError(f"Faces.{name} has shape {value.shape}; wanted ({wanted})")
            object.__setattr__(self, name, value)
        for name in _SCORES:
            value = getattr(self, name)
            if value is not None and len(value) != count:
                raise ValueError(f"Faces.{name} has {len(value)} rows; wanted {count}, one for each box")
        self._check_labels()

    def _check_labels(self) -> None:
        for name, labels in (("units", UNITS), ("blendshapes", ARKIT_52)):
            value = getattr(self, name)
            if value is not None and value.labels != labels:
                raise ValueError(f"Faces.{name} has label set {value.labels.name!r}; wanted {labels.name!r}")

    @staticmethod
    def none() -> Faces:
        """No face at all."""
        return Faces(np.zeros((0, 4), np.float32), np.zeros(0, np.float32))

    def __len__(self) -> int:
        return len(self.boxes)

    def __iter__(self) -> Iterator[Face]:
        return (Face(self, i) for i in range(len(self)))

    def __getitem__(self, index: Any) -> Any:
        """``faces[3]`` is a Face; a slice, mask or index array gives Faces."""
        if isinstance(index, (int, np.integer)):
            if not -len(self) <= index < len(self):
                raise IndexError(f"face {index} of {len(self)}")
            return Face(self, int(index) % len(self))
        return self.take(index)

    def take(self, index: Any) -> Faces:
        """The faces of an index array, mask or slice, with every field."""
        values: dict[str, Any] = {}
        for item in fields(self):
            value = getattr(self, item.name)
            if value is not None:
                values[item.name] = value.take(index) if isinstance(value, Scores) else value[index]
        return Faces(**values)

    def with_(self, **changes: Any) -> Faces:
        """A copy with some fields replaced, validated again."""
        return replace(self, **changes)

    @staticmethod
    def merge(parts: Sequence[Faces]) -> Faces:
        """Faces of several results one after the other; a field must be there in all of them or in none.

        Raises:
            ValueError: a field is filled in one part and None in another.
        """
        parts = [p for p in parts if len(p)] or list(parts[:1])
        if not parts:
            return Faces.none()
        values: dict[str, Any] = {}
        for item in fields(Faces):
            column = [getattr(p, item.name) for p in parts]
            if all(c is None for c in column):
                continue
            if any(c is None for c in column):
                raise ValueError(f"Faces.merge: {item.name} is filled in some parts and missing in others")
            if isinstance(column[0], Scores):
                values[item.name] = Scores(np.concatenate([c.values for c in column]), column[0].labels)
            else:
                values[item.name] = np.concatenate(column)
        return Faces(**values)


@dataclass(frozen=True)
class Face:
    """One face of a :class:`Faces`: the same names, without the leading axis. A name that does not exist is an error."""

    faces: Faces = field(repr=False)
    index: int

    def _get(self, name: str) -> Any:
        value = getattr(self.faces, name)
        return None if value is None else value[self.index]

    def _row(self, name: str) -> dict[str, float] | None:
        scores = getattr(self.faces, name)
        return None if scores is None else scores.row(self.index)

    @property
    def box(self) -> FloatArray:
        """(4,) x1 y1 x2 y2 in pixels."""
        return self.faces.boxes[self.index]

    @property
    def confidence(self) -> float:
        """Detector score in [0, 1]."""
        return float(self.faces.confidence[self.index])

    @property
    def landmarks(self) -> FloatArray | None:
        """(k, 2) pixels."""
        return self._get("landmarks")

    @property
    def mesh(self) -> FloatArray | None:
        """(478, 3) pixels."""
        return self._get("mesh")

    @property
    def pose(self) -> FloatArray | None:
        """(3,) pitch yaw roll, radians."""
        return self._get("pose")

    @property
    def gaze(self) -> FloatArray | None:
        """(2,) pitch yaw, radians; NaN where the eyes cannot be seen."""
        return self._get("gaze")

    @property
    def expression(self) -> dict[str, float] | None:
        """Score by expression."""
        return self._row("expression")

    @property
    def top(self) -> str | None:
        """The best expression; None where it could not be told."""
        scores = self.faces.expression
        return None if scores is None else scores.take([self.index]).top()[0]

    @property
    def units(self) -> dict[str, float] | None:
        """Presence in [0, 1] by action unit."""
        return self._row("units")

    @property
    def intensity(self) -> dict[str, float] | None:
        """Intensity 0-5 by action unit."""
        value = self._get("intensity")
        return None if value is None else {name: float(v) for name, v in zip(UNITS.names, value)}

    @property
    def blendshapes(self) -> dict[str, float] | None:
        """Score in [0, 1] by ARKit name."""
        return self._row("blendshapes")

    @property
    def affect(self) -> FloatArray | None:
        """(2,) valence arousal in [-1, 1]."""
        return self._get("affect")

    @property
    def track(self) -> int | None:
        """Number of the track; None in a picture."""
        value = self._get("track")
        return None if value is None or value < 0 else int(value)

    @property
    def quality(self) -> float | None:
        """Quality in [0, 1]."""
        value = self._get("quality")
        return None if value is None else float(value)

    @property
    def status(self) -> str | None:
        """One of FACE_STATUS."""
        value = self._get("status")
        return None if value is None else str(value)


@dataclass(frozen=True, eq=False)
class Frame:
    """One picture, or one frame of a video, with its faces.

    Args:
        image: (h, w, 3) uint8 RGB, or None where it was not read or not kept.
        time: seconds from the start of the source; 0 for a picture.
        index: number of the frame in its source, from 0.
        faces: the faces.
        source: name of the source, as the user gave it.
        status: one of FRAME_STATUS.
        reason: why the status is not "ok", in words.
    """

    image: NDArray[np.uint8] | None
    time: float
    index: int
    faces: Faces
    source: str = ""
    status: str = "ok"
    reason: str = ""

    def __post_init__(self) -> None:
        if self.status not in FRAME_STATUS:
            raise ValueError(f"Frame.status is {self.status!r}; wanted one of {', '.join(FRAME_STATUS)}")


@dataclass(frozen=True, eq=False)
class Track:
    """One face over the t frames in which it was seen."""

    id: int
    time: NDArray[np.float64]
    faces: Faces
