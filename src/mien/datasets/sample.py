"""Samples of data sets: a picture or a clip that is read when it is asked for, and what is known of it."""

from __future__ import annotations

import importlib
import logging
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from ..labels import LabelSet
from ..media.image import read_image
from ..media.rgb import RGB
from . import source as _card_of
from .cards import SourceCard

log = logging.getLogger(__name__)

FloatArray = NDArray[np.float32]
# a file, or what gives (h, w, 3) uint8 RGB when called
Picture = Path | Callable[[], RGB]


@dataclass(frozen=True)
class Category:
    """One class of a label set.

    Raises:
        InputError: the index lies outside the set.

    Example:
        >>> from mien.labels import FER_7
        >>> Category(3, FER_7).name
        'happiness'
    """

    index: int
    labels: LabelSet

    def __post_init__(self) -> None:
        if not 0 <= self.index < len(self.labels):
            raise InputError(f"class {self.index} of {self.labels.name!r}", f"0 to {len(self.labels) - 1}")

    @property
    def name(self) -> str:
        """The name of the class."""
        return self.labels.names[self.index]


@dataclass(frozen=True, eq=False)
class Values:
    """One number for each name of a label set, or a row of them for each of n faces or t frames; NaN where none was given.

    Args:
        values: (classes,) or (n, classes).
        labels: the label set.

    Raises:
        InputError: the last axis does not fit the label set.

    Example:
        >>> from mien.labels import FER_7
        >>> votes = Values(np.array([8, 0, 0, 0, 1, 0, 1]), FER_7)
        >>> float(votes["anger"]), round(float(votes.shares()["anger"]), 2)
        (8.0, 0.8)
    """

    values: FloatArray
    labels: LabelSet

    def __post_init__(self) -> None:
        values = np.asarray(self.values, np.float32)
        if values.ndim not in (1, 2) or values.shape[-1] != len(self.labels):
            n = len(self.labels)
            raise InputError(f"values of {self.labels.name!r} have shape {values.shape}", f"({n},) or (n, {n})")
        object.__setattr__(self, "values", values)

    def __getitem__(self, label: str) -> FloatArray:
        """The value of one name, of shape () or (n,); an unknown name lists the nearest ones."""
        return self.values[..., self.labels.index(label)]

    @property
    def known(self) -> NDArray[np.bool_]:
        """Where a value was given, of the shape of ``values``: the mask of a loss."""
        return ~np.isnan(self.values)

    def shares(self) -> Values:
        """Votes as a distribution that sums to 1; NaN where nobody voted."""
        total = np.nansum(self.values, -1, keepdims=True)
        return Values(np.where(total > 0, self.values / np.where(total > 0, total, 1), np.nan), self.labels)


@dataclass(frozen=True)
class Frames:
    """The frames of a clip: pictures in order of time, or a part of a video file.

    Args:
        paths: one picture for each frame.
        video: a video file instead of pictures.
        first: number of the first frame of the video, from 0.
        stop: number of the frame after the last one; None to its end.
        apex: which frame of the clip shows the expression at its strongest, from 0; None where that is not said.
    """

    paths: tuple[Path, ...] = ()
    video: Path | None = None
    first: int = 0
    stop: int | None = None
    apex: int | None = None

    def __post_init__(self) -> None:
        if (self.video is None) == (not self.paths):
            raise InputError(f"a clip of {len(self.paths)} pictures and video {self.video}", "pictures or a video, one of them")

    def __iter__(self) -> Iterator[RGB]:
        """The frames, each (h, w, 3) uint8 RGB, decoded as they are asked for."""
        return (image for _, image in self.numbered())

    def numbered(self) -> Iterator[tuple[int, RGB]]:
        """The frames with their numbers, from 0 at the first frame of the clip: the row of labels that are given by frame.

        A damaged frame of a video is left out, and its number with it.

        Raises:
            InputError: a picture or the video cannot be read.
        """
        if self.video is None:
            yield from ((number, read_image(path)) for number, path in enumerate(self.paths))
            return
        from ..media.video import read_video

        for frame in read_video(self.video, name=str(self.video)):
            if self.stop is not None and frame.index >= self.stop:
                return
            if frame.status == "unreadable":
                raise InputError(f"{self.video.name}: {frame.reason}", "a video that can be read", "get the file anew")
            if frame.image is None:
                log.warning("%s: %s", self.video, frame.reason)
            elif frame.index >= self.first:
                yield frame.index - self.first, frame.image


# field -> shape; None is any length
_SHAPES: dict[str, tuple[int | None, ...]] = {
    "affect": (2,),
    "boxes": (None, 4),
    "landmarks": (None, 2),
    "visible": (None,),
    "pose": (3,),
}


@dataclass(frozen=True, eq=False)
class Truth:
    """What the data set says of a sample. A label that it does not have is None, a part of one that is missing is NaN.

    Args:
        expression: the expression.
        votes: how many raters chose each class.
        affect: (2,) valence and arousal in [-1, 1].
        units: presence of action units, 0 or 1; (classes,), or (t, classes) for a clip.
        intensity: intensity of action units, 0 to 5; shape as units.
        boxes: (n, 4) x1 y1 x2 y2 in pixels of the picture.
        box_values: (n, classes) what is noted of each box, in the codes of the data set.
        landmarks: (k, 2) pixels of the picture, in the order of the data set; pixel centres are whole numbers, from 0.
        visible: (k,) whether a landmark can be seen.
        pose: (3,) pitch yaw roll in radians; signs in :mod:`mien.geometry.pose`.
        age: years.
        age_range, gender, race: as judged by the raters of the data set.
        attributes: yes (1) or no (0) for each attribute.

    Raises:
        InputError: an array has another shape.
    """

    expression: Category | None = None
    votes: Values | None = None
    affect: FloatArray | None = None
    units: Values | None = None
    intensity: Values | None = None
    boxes: FloatArray | None = None
    box_values: Values | None = None
    landmarks: FloatArray | None = None
    visible: NDArray[np.bool_] | None = None
    pose: FloatArray | None = None
    age: float | None = None
    age_range: Category | None = None
    gender: Category | None = None
    race: Category | None = None
    attributes: Values | None = None

    def __post_init__(self) -> None:
        for name, shape in _SHAPES.items():
            value = getattr(self, name)
            if value is None:
                continue
            value = np.asarray(value, np.bool_ if name == "visible" else np.float32)
            if value.ndim != len(shape) or any(want not in (None, got) for want, got in zip(shape, value.shape)):
                wanted = ", ".join("n" if n is None else str(n) for n in shape)
                raise InputError(f"Truth.{name} has shape {value.shape}", f"({wanted})")
            object.__setattr__(self, name, value)

    @property
    def known(self) -> tuple[str, ...]:
        """Names of the labels that are there."""
        return tuple(item.name for item in fields(self) if getattr(self, item.name) is not None)

    @property
    def box(self) -> FloatArray | None:
        """(4,) the only box; None where there is none or more than one."""
        return self.boxes[0] if self.boxes is not None and len(self.boxes) == 1 else None


@dataclass(frozen=True, eq=False)
class Sample:
    """One sample: a picture or a clip, with what is known of it and what it belongs to.

    Args:
        id: its name, unique within the data set.
        image: the picture: a file, or what gives it when called; None for a clip.
        frames: the clip; None for a picture.
        truth: the labels.
        subject: who is seen; None where the data set does not say.
        clip: the recording that it was cut from.
        session: what several clips share: a film, a scene, a sitting.
    """

    id: str
    image: Picture | None = None
    frames: Frames | None = None
    truth: Truth = Truth()
    subject: str | None = None
    clip: str | None = None
    session: str | None = None

    def read(self) -> RGB:
        """The picture, (h, w, 3) uint8 RGB; of a clip its first frame.

        Raises:
            InputError: the picture cannot be read, or there is none.
        """
        if isinstance(self.image, Path):
            return read_image(self.image)
        if self.image is not None:
            return self.image()
        for frame in self.frames or ():
            return frame
        raise InputError(f"{self.id} has no picture", "a picture or a clip with frames")


@dataclass(frozen=True)
class Pair:
    """Two pictures or templates to be compared.

    Args:
        first, second: ids of samples or templates.
        same: whether both show the same person.
        fold: number of the fold, from 0; None where there are none.
    """

    first: str
    second: str
    same: bool
    fold: int | None = None


class Source(Protocol):
    """Anything that gives samples of a split."""

    @property
    def card(self) -> SourceCard:
        """What is known of the data set."""

    def samples(self, split: str) -> Iterator[Sample]:
        """The samples of one split, in the order of the data set."""


class Folder:
    """A data set on disk.

    Args:
        name: name of the data set, as for :func:`mien.datasets.source`.
        root: the folder in which its files lie.
        options: what its own ``read`` takes besides root and split, such as ``fold=1``.
    """

    def __init__(self, name: str, root: str | os.PathLike[str], **options: Any) -> None:
        self._card, self._root, self._options = _card_of(name), Path(root), options

    @property
    def card(self) -> SourceCard:
        """What is known of the data set."""
        return self._card

    @property
    def root(self) -> Path:
        """The folder in which its files lie."""
        return self._root

    def with_options(self, **options: Any) -> Folder:
        """The same data set with further options of its ``read``."""
        return Folder(self._card.name, self._root, **self._options | options)

    def samples(self, split: str) -> Iterator[Sample]:
        """The samples of one split, in the order of the data set.

        Raises:
            InputError: a file is missing or wrong, or there is no such split.
        """
        samples: Iterator[Sample] = importlib.import_module(self._card.module).read(self._root, split, **self._options)
        return samples
