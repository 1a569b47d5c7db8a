"""All sources of a report: which frames belong to a photo, which to a video, and what is kept of each."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from ..media.sniff import by_name
from ..types import Frame
from .collect import Photo, VideoRecord, count_faces, photo_of
from .words import PhotoCounts, clock

MAX_PHOTOS = 200  # photos with faces, sentences and chips
MAX_POSTERS = 40  # of them with the annotated picture
MAX_ROWS = 2000  # photos that get a line in a table after that
MAX_VIDEOS = 20  # videos with time series and pictures
MAX_UNREADABLE = 500
_REMEDY = "open it in a viewer; get the file again if that fails too"


@dataclass(frozen=True)
class Unreadable:
    """A file that could not be read, or not to its end: what is wrong and what to do."""

    name: str
    reason: str
    remedy: str


def explained(frame: Frame, seconds: float | None) -> Unreadable:
    """Split the reason of a frame, as :class:`mien.errors.InputError` writes it, into what is wrong and what to do.

    Args:
        frame: one whose status is "unreadable" or "damaged".
        seconds: where reading ended; None where nothing was read.
    """
    parts = [part.strip() for part in frame.reason.split("; ") if part.strip()]
    name = frame.source or "a source without a name"
    reason, rest = (parts[0], parts[1:]) if parts else ("it could not be read", [])
    for start in (f"{name}: ", f"{name!r}: "):
        reason = reason.removeprefix(start)  # the name has its own column
    wanted = [part for part in rest if part.startswith("wanted ")]
    remedy = "; ".join(part for part in rest if part not in wanted)
    if not remedy:
        remedy = f"use {wanted[0].removeprefix('wanted ')}" if wanted else _REMEDY
    if seconds is not None:
        reason += f" (read up to {clock(seconds)})"
    return Unreadable(name, reason, remedy)


class Sources:
    """Sorts frames into photos and videos.

    The first frame of a source is taken for a photo; a second one with a later time makes a video of it.
    """

    def __init__(self) -> None:
        self.photos = PhotoTotals()
        self.entries: list[Photo] = []  # photos in full
        self.rows: list[Photo] = []  # photos with a line each
        self.detailed: list[VideoRecord] = []
        self.more: list[VideoRecord] = []
        self.unreadable: list[Unreadable] = []
        self.unlisted = 0
        self.videos_unreadable = 0
        self._open: dict[str, VideoRecord] = {}
        self._waiting: Frame | None = None  # the first frame of what may become a video

    @property
    def count(self) -> int:
        """How many sources there are."""
        return self.photos.read + len(self.detailed) + len(self.more) + len(self.unreadable) + self.unlisted

    def add(self, frame: Frame) -> None:
        """Take the next frame."""
        video = self._open.get(frame.source)
        if video is not None and frame.time >= video.last and (frame.index > 0 or frame.status == "damaged"):
            self._into(video, frame)
            return
        waiting = self._waiting
        if waiting is not None and waiting.source == frame.source and frame.index > waiting.index:
            self._waiting = None
            video = self._video(frame.source)
            self._into(video, waiting)
            self._into(video, frame)
            return
        self.settle()
        if frame.status in ("unreadable", "damaged"):
            self._lost(explained(frame, None))
            if by_name(frame.source) == "video":
                self.videos_unreadable += 1
            else:
                self.photos.unreadable += 1
        elif frame.index > 0 or frame.time > 0:
            self._into(self._video(frame.source), frame)
        else:
            self._waiting = frame

    def settle(self) -> None:
        """Take the frame that waits for a second one as a photo."""
        frame, self._waiting = self._waiting, None
        if frame is None:
            return
        totals = self.photos
        totals.read += 1
        totals.faces += len(frame.faces)
        totals.without += not len(frame.faces)
        count_faces(frame, totals.shown, totals.unread)
        full = len(self.entries) < MAX_PHOTOS
        if full:
            self.entries.append(photo_of(frame, True, len(self.entries) < MAX_POSTERS))
        elif len(self.rows) < MAX_ROWS:
            self.rows.append(photo_of(frame, False, False))

    def photo_counts(self) -> PhotoCounts:
        """The numbers of all photos for the sentences."""
        t = self.photos
        return PhotoCounts(t.read, t.unreadable, t.without, t.faces, t.shown, t.unread)

    def _video(self, name: str) -> VideoRecord:
        detailed = len(self.detailed) < MAX_VIDEOS
        found = self._open[name] = VideoRecord(name, detailed)
        (self.detailed if detailed else self.more).append(found)
        return found

    def _into(self, video: VideoRecord, frame: Frame) -> None:
        if frame.status in ("unreadable", "damaged"):
            self.videos_unreadable += 1
            self._lost(explained(frame, video.last if video.frames else None))
        video.add(frame)

    def _lost(self, entry: Unreadable) -> None:
        if len(self.unreadable) < MAX_UNREADABLE:
            self.unreadable.append(entry)
        else:
            self.unlisted += 1


class PhotoTotals:
    """Numbers of all photos together."""

    def __init__(self) -> None:
        self.read = self.unreadable = self.without = self.faces = 0
        self.shown: Counter[str] = Counter()
        self.unread: Counter[str] = Counter()
