"""Stages put together: one picture, one video, any source."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .errors import InputError
from .labels import ARKIT_52
from .media.prefetch import ahead
from .media.source import Item
from .media.source import frames as decode
from .runtime.models import card, runner
from .stages import Stage
from .stages.detect import Detect
from .stages.expression import Expression
from .stages.mesh import Mesh
from .stages.pose import Pose
from .stages.quality import Quality
from .stages.shapes import Blendshapes
from .stages.smooth import Smooth
from .stages.track import Follow
from .stages.units import Units
from .types import Faces, Frame, Scores

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Options:
    """How a source is analysed.

    Args:
        every: look at every n-th frame of a video.
        start: seconds from which a video is read.
        end: seconds at which reading stops; None reads to the end.
        max_faces: keep the largest faces only; None keeps all.
        threshold: lowest confidence of the detector, in [0, 1].
        smooth: smooth the values of each track over time (One-Euro).
        threads: threads of each network.
    """

    every: int = 1
    start: float = 0.0
    end: float | None = None
    max_faces: int | None = None
    threshold: float | None = None
    smooth: bool = False
    threads: int = 1

    def __post_init__(self) -> None:
        if self.max_faces is not None and self.max_faces < 1:
            raise InputError(f"max_faces is {self.max_faces}", "1 or more, or None for all faces")
        if self.threshold is not None and not 0 < self.threshold < 1:
            raise InputError(f"threshold is {self.threshold}", "a number between 0 and 1")
        for name, value in (("start", self.start), ("end", self.end)):
            if value is not None and not np.isfinite(value):
                raise InputError(f"{name} is {value}", "seconds")
        if self.threads < 1:
            raise InputError(f"threads is {self.threads}", "1 or more")


def check(stages: Iterable[Stage], given: Iterable[str] = ()) -> None:
    """Whether each stage finds what it needs.

    Raises:
        InputError: a stage needs a field that nothing before it adds.
    """
    known = set(given)
    for stage in stages:
        missing = stage.needs - known
        if missing:
            raise InputError(
                f"stage {type(stage).__name__} needs {', '.join(sorted(missing))}",
                f"a stage before it that adds it (known there: {', '.join(sorted(known)) or 'nothing'})",
            )
        known |= stage.adds


class Image:
    """Pipeline for single pictures: all scales, turned pictures, two fits of the mesh."""

    def __init__(self, options: Options = Options()) -> None:
        self.options = options
        self.detect = Detect(runner("detector", options.threads), threshold=_threshold(options))
        self.mesh = Mesh(runner("mesh", options.threads), turned=True)
        self.readers = _readers(options, video=False)
        check([self.detect, self.mesh, *self.readers])

    def __call__(self, frame: Frame) -> Frame:
        """The frame with all its faces read."""
        if frame.image is None:
            return frame
        faces = self.detect.find(frame.image)
        if self.options.max_faces is not None:
            size = (faces.boxes[:, 2:] - faces.boxes[:, :2]).prod(1)
            faces = faces[np.sort(np.argsort(-size, kind="stable")[: self.options.max_faces])]
        if not len(faces):
            faces = whole_picture(frame.image)
            if not len(faces) or self.mesh.fit(frame.image, faces).presence[0] < SURE:
                return replace(frame, faces=Faces.none(), status="no_face", reason="no face was found")
        fit = self.mesh.fit(frame.image, faces)
        faces = faces.with_(mesh=fit.mesh, presence=fit.presence, blendshapes=_tongue(fit.tongue))
        return _read(self.readers, replace(frame, faces=faces))


SURE = 0.8  # presence from which a small picture is taken as one face cut close


def whole_picture(image: NDArray[np.uint8]) -> Faces:
    """A box over all of a small, nearly square picture: data sets of faces are cut so close that a detector sees none."""
    height, width = image.shape[:2]
    if max(height, width) > 160 or not 0.6 < width / height < 1.7:
        return Faces.none()
    at = np.array([[0.3, 0.4], [0.7, 0.4], [0.5, 0.6], [0.35, 0.8], [0.65, 0.8]], np.float32) * [width, height]
    box = np.array([[0, 0, width - 1, height - 1]], np.float32)
    return Faces(box, np.full(1, SURE, np.float32), at[None])


class Video:
    """Pipeline for the frames of one video, in order; keeps what it knows of the people between them."""

    def __init__(self, options: Options = Options()) -> None:
        self.options = options
        # down to 0.4 of the size: faces that are smaller still are too small to be read in a video
        detect = Detect(runner("detector", options.threads), _threshold(options), finest=0.4, turned=False, min_side=16)
        self.follow = Follow(detect, Mesh(runner("mesh", options.threads)), max_faces=options.max_faces)
        self.readers = _readers(options, video=True)
        if options.smooth:
            self.readers.append(Smooth())
        check(self.readers, given=("boxes", "landmarks", "mesh", "presence", "track"))

    def __call__(self, frame: Frame) -> Frame:
        """The frame with all its faces read and numbered."""
        if frame.image is None:
            return frame
        faces, tongue = self.follow(frame.image, frame.time)
        if not len(faces):
            return replace(frame, faces=faces, status="no_face", reason="no face was found")
        return _read(self.readers, replace(frame, faces=faces.with_(blendshapes=_tongue(tongue))))


def _readers(options: Options, video: bool) -> list[Stage]:
    temperature = float(card("expression").more["temperature"])
    return [
        Pose(),
        Blendshapes(runner("shapes", options.threads)),
        Units(video),
        Expression(runner("expression", options.threads), temperature, mirrored=not video),
        Quality(),
    ]


def _threshold(options: Options) -> float:
    return options.threshold if options.threshold is not None else float(card("detector").more["threshold"])


def _tongue(tongue: Any) -> Scores:
    values = np.full((len(tongue), len(ARKIT_52)), np.nan, np.float32)
    values[:, ARKIT_52.index("tongueOut")] = tongue
    return Scores(values, ARKIT_52)


def _read(stages: list[Stage], frame: Frame) -> Frame:
    frames = [frame]
    for stage in stages:
        frames = stage(frames)
    return frames[0]


def settings(options: Options) -> dict[str, Any]:
    """What a table says about how it was made."""
    from . import __version__

    networks = {name: card(name).sha256[:12] for name in ("detector", "mesh", "shapes", "expression")}
    out: dict[str, Any] = {
        "mien": __version__,
        "networks": networks,
        "every": options.every,
        "start": options.start,
        "end": options.end,
    }
    out |= {"max_faces": options.max_faces, "threshold": _threshold(options)}
    return out | (Smooth().settings if options.smooth else {"smoothing": "off"})


def analyze_items(found: Iterable[Item], options: Options) -> Iterator[tuple[Item, Frame]]:
    """Analyse items one after the other; a picture or video that cannot be read gives a frame that says so."""
    decoded = _decoded(found, options)
    if options.threads > 1:
        decoded = ahead(decoded)
    image: Image | None = None
    video: Video | None = None
    current: Item | None = None
    for item, frame in decoded:
        if item.kind == "image":
            image = image or Image(options)
            yield item, image(frame)
            continue
        if item is not current or video is None:
            current, video = item, Video(options)  # afresh: a track number belongs to one video
        yield item, video(frame)


def _decoded(found: Iterable[Item], options: Options) -> Iterator[tuple[Item, Frame]]:
    for item in found:
        for frame in decode(item, start=options.start, end=options.end, every=options.every):
            yield item, frame


def threads_default() -> int:
    """Threads used unless said otherwise: the cores of the machine, four at most; more do not help nets this small."""
    return max(1, min(4, os.cpu_count() or 1))


__all__ = ["Faces", "Image", "Options", "Video", "analyze_items", "check", "settings"]
