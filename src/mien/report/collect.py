"""What a report keeps of the frames that pass by: numbers of constant size, and a few small pictures."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from ..labels import ACTION_UNITS, UNITS
from ..types import Face, Faces, Frame
from .pictures import Still, open_eyes, portrait, poster
from .series import Curve, Series
from .words import SURE, Seen, movements, reading, sentence

FloatArray = NDArray[np.float32]

MAX_SERIES = 24  # tracks of a video that keep their time series; beyond that the shortest past one gives its own up
FIRST = 1 / 30  # seconds that the first frame of a video counts for, as long as nobody knows better
MAX_FACES = 30  # faces of one photo that are described
BOTH_SIDES = tuple(ACTION_UNITS)
_UNIT_PLACES = [UNITS.index(name) for name in BOTH_SIDES]
# the channels of a series behind those of the expression
REST = (*BOTH_SIDES, "valence", "arousal", "pose_pitch", "pose_yaw", "pose_roll", "gaze_pitch", "gaze_yaw", "quality")


# one photo ------------------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class PhotoFace:
    """One face of a photo: number, sentence, its movements alone, status, scores and chip."""

    number: int
    words: str
    moves: str
    status: str
    scores: dict[str, float]
    picture: Still | None


@dataclass
class Photo:
    """A photo: how many faces show what, and the first of them in full."""

    name: str
    status: str
    faces: int = 0
    shown: Counter[str] = field(default_factory=Counter)
    unread: Counter[str] = field(default_factory=Counter)
    entries: list[PhotoFace] = field(default_factory=list)
    poster: Still | None = None


def count_faces(frame: Frame, shown: Counter[str], unread: Counter[str]) -> None:
    """Count the faces of a frame by what they show; "unclear" and a status stand for the others."""
    for face in frame.faces:
        best = reading(face.expression or {})
        if best is not None:
            shown[best[0] if len(best) == 1 else "unclear"] += 1
        elif face.expression is not None:
            unread[_status(face)] += 1


def photo_of(frame: Frame, full: bool, with_poster: bool) -> Photo:
    """What is kept of a photo.

    Args:
        frame: the photo.
        full: keep sentences and chips of its faces.
        with_poster: keep the annotated picture.
    """
    photo = Photo(frame.source, frame.status, len(frame.faces))
    count_faces(frame, photo.shown, photo.unread)
    if full:
        # the largest faces first where there are too many
        size = (frame.faces.boxes[:, 2:] - frame.faces.boxes[:, :2]).prod(1)
        for i in sorted(np.argsort(-size, kind="stable")[:MAX_FACES].tolist()):
            face = frame.faces[i]
            words = sentence(face)
            chip = portrait(frame, i, words) if frame.image is not None and not np.isnan(face.box).any() else None
            photo.entries.append(
                PhotoFace(i, words, ", ".join(movements(face)), face.status or "ok", face.expression or {}, chip)
            )
    if with_poster and frame.image is not None and len(frame.faces):
        photo.poster = poster(frame, "", 0.0, bars=False)  # the page has them beside it
    return photo


def _status(face: Face) -> str:
    return "" if face.status in (None, "ok") else str(face.status)


# one face over time ---------------------------------------------------------------------------------------------------
class TrackRecord:
    """What is kept of one face of a video.

    Args:
        number: of its track.
        time: seconds at which it was first seen.
        labels: names of its expressions.
    """

    def __init__(self, number: int, time: float, labels: tuple[str, ...]) -> None:
        self.number, self.labels = number, labels
        self.channels = labels + REST
        self.first = self.last = time
        self.frames = 0
        self.seconds = 0.0  # as far as known: the length of the first frame of a video is not
        self.readable = 0.0  # seconds in which the expression could be told
        self.shown: defaultdict[str, float] = defaultdict(float)  # seconds by expression, where clear
        self.between: defaultdict[tuple[str, str], float] = defaultdict(float)  # seconds where unclear
        self.unread: Counter[str] = Counter()  # frames by status
        self.doubtful: Counter[str] = Counter()
        self.series: Series | None = Series(len(self.channels), time)
        self.total = np.zeros(len(self.channels))
        self.weight = np.zeros(len(self.channels))
        self.peak = np.full(len(self.channels), -np.inf, np.float32)
        self.peak_time = np.full(len(self.channels), np.nan)
        self.pictures: dict[str, Still] = {}  # "" is the best quality, others the best of an expression

    @property
    def name(self) -> str:
        """How the face is called."""
        return f"face {self.number}" if self.number >= 0 else f"face {-1 - self.number} without a track"

    def add(self, frame: Frame, index: int, values: FloatArray, seconds: float | None) -> None:
        """Take the face's values (channels,) of one frame that stands for so many seconds; None where that is not known yet."""
        face: Face = frame.faces[index]
        time = frame.time
        self.frames += 1
        self.last = max(self.last, time)
        self.seconds += seconds or 0.0
        weight = FIRST if seconds is None else seconds
        known = ~np.isnan(values)
        self.total[known] += weight * values[known]
        self.weight[known] += weight
        higher = known & (values > self.peak)
        self.peak[higher] = values[higher]
        self.peak_time[higher] = time
        if self.series is not None:
            self.series.add(time, values)
        scores = values[: len(self.labels)]
        status = _status(face)
        if self.labels and not known[: len(self.labels)].all():
            self.unread[status] += 1
            return
        if status:
            self.doubtful[status] += 1
        if self.labels:
            self._count(scores, weight)
        if self.series is not None and frame.image is not None and not np.isnan(face.box).any():
            self._picture(frame, face, scores)

    def _count(self, scores: FloatArray, weight: float) -> None:
        order = np.argsort(-scores, kind="stable")
        first = self.labels[order[0]]
        self.readable += weight
        if scores[order[0]] >= SURE or len(order) == 1:
            self.shown[first] += weight
        else:
            second = self.labels[order[1]]
            self.between[(first, second) if order[0] < order[1] else (second, first)] += weight

    def _picture(self, frame: Frame, face: Face, scores: FloatArray) -> None:
        """Keep the chip if it is clearly better than the one kept so far."""
        quality = face.quality if face.quality is not None and face.quality == face.quality else face.confidence
        eyes = float(open_eyes(face.faces)[face.index])
        wanted = {"": float(quality) * eyes}
        if len(scores) and scores.max() >= SURE:
            # an expression is best seen where it is strong and sharp
            wanted[self.labels[int(scores.argmax())]] = float(scores.max()) * min(1.0, 0.5 + float(quality)) * eyes
        better = [slot for slot, score in wanted.items() if slot not in self.pictures or score > self.pictures[slot].score + 0.03]
        if better:
            chip = portrait(frame, face.index, sentence(face))
            for slot in better:
                self.pictures[slot] = Still(chip.data, chip.width, chip.height, chip.words, wanted[slot], frame.time)

    def chosen(self) -> list[tuple[str, Still]]:
        """At most three chips with what each was chosen for: the best quality, then the most shown expressions."""
        found = [("best quality", self.pictures[""])] if "" in self.pictures else []
        times = {picture.time for _, picture in found}
        slots = [slot for slot in self.pictures if slot and self.pictures[slot].time not in times]
        slots.sort(key=lambda slot: (slot == "neutral", -self.pictures[slot].score))
        return found + [(f"most {_adjective(slot)}", self.pictures[slot]) for slot in slots[: 3 - len(found)]]

    def curve(self) -> Curve | None:
        """The time series; None if it was given up."""
        return None if self.series is None else self.series.curve()

    def mean(self) -> FloatArray:
        """(channels,) mean over time; NaN where nothing could be told."""
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.asarray(np.where(self.weight > 0, self.total / self.weight, np.nan), np.float32)

    def strongest_units(self, most: int = 6, least: float = 0.5) -> list[str]:
        """The action units with the highest intensity, strongest first; closed eyes stand for blinks too."""
        start = len(self.labels)
        peaks = dict(zip(BOTH_SIDES, self.peak[start : start + len(BOTH_SIDES)]))
        order = sorted((n for n in BOTH_SIDES if peaks[n] >= least), key=lambda n: -float(peaks[n]))
        if "AU43" in order and "AU45" in order:
            order.remove("AU43")  # over time the blink is the one that says more
        return order[:most]

    def seen(self, step: float, from_start: bool) -> Seen:
        """The numbers for the sentences; ``step`` is the length of a frame, missing so far of a face seen from the start."""
        readable = max(self.readable, 1e-12)
        strong = [i for i, name in enumerate(self.labels) if name != "neutral" and name in self.shown]
        best = max(strong, key=lambda i: float(self.peak[i])) if strong else None
        return Seen(
            name=self.name,
            seconds=self.seconds + (step if from_start else 0.0),
            shares={name: weight / readable for name, weight in self.shown.items()},
            unclear=sum(self.between.values()) / readable,
            between=max(self.between, key=lambda pair: self.between[pair]) if self.between else None,
            strongest=None if best is None else (self.labels[best], float(self.peak_time[best]), float(self.peak[best])),
            unread={status: count / self.frames for status, count in self.unread.items()},
            doubtful={status: count / self.frames for status, count in self.doubtful.items()},
        )


def _adjective(label: str) -> str:
    return {
        "happiness": "happy", "surprise": "surprised", "sadness": "sad", "anger": "angry", "disgust": "disgusted",
        "fear": "fearful", "contempt": "contemptuous",
    }.get(label, label)  # fmt: skip


# one source -----------------------------------------------------------------------------------------------------------
class VideoRecord:
    """What is kept of one video.

    Args:
        name: of the source.
        detailed: keep time series and pictures, or numbers alone.
    """

    def __init__(self, name: str, detailed: bool) -> None:
        self.name, self.detailed = name, detailed
        self.frames = 0
        self.status: Counter[str] = Counter()
        self.reasons: list[tuple[float, str]] = []  # of damaged parts
        self.first = self.last = 0.0
        self.tracks: dict[int, TrackRecord] = {}
        self.others = 0  # tracks that were dropped from memory
        self.at_once = 0
        self.poster: Still | None = None

    @property
    def step(self) -> float:
        """Mean seconds between two analysed frames."""
        return (self.last - self.first) / (self.frames - 1) if self.frames > 1 else 0.0

    @property
    def seconds(self) -> float:
        """Seconds of what was read."""
        return self.last - self.first + self.step

    def add(self, frame: Frame) -> None:
        """Take the next frame."""
        status = "no_face" if frame.status == "ok" and not len(frame.faces) else frame.status
        self.status[status] += 1
        if status in ("damaged", "unreadable"):
            if len(self.reasons) < 20:
                self.reasons.append((frame.time, frame.reason))
            return
        passed = max(0.0, frame.time - self.last) if self.frames else None
        if passed is not None and self.frames > 8:
            passed = min(passed, 10 * self.step)  # a hole in a damaged file is not time that was seen
        if not self.frames:
            self.first = frame.time
        self.frames += 1
        self.last = max(self.last, frame.time) if self.frames > 1 else frame.time
        self.at_once = max(self.at_once, len(frame.faces))
        if not len(frame.faces):
            return
        labels, values = channel_values(frame.faces)
        for i, number in enumerate(_numbers(frame.faces)):
            self._track(number, frame.time, labels).add(frame, i, values[i], passed)
        self._poster(frame)

    def _track(self, number: int, time: float, labels: tuple[str, ...]) -> TrackRecord:
        found = self.tracks.get(number)
        if found is None:
            found = self.tracks[number] = TrackRecord(number, time, labels)
            if not self.detailed:
                found.series = None
            self._make_room(time)
        elif found.labels != labels:
            raise InputError(
                f"{self.name}: face {number} with {len(labels)} expressions after {len(found.labels)}",
                "the same label set in every frame of a source",
                "analyse the source with one model",
            )
        return found

    def _make_room(self, time: float) -> None:
        """Give up what was seen least: first time series and pictures, then whole tracks."""
        with_series = [t for t in self.tracks.values() if t.series is not None]
        if len(with_series) > MAX_SERIES:
            least = min(with_series[:-1], key=lambda t: (time - t.last < 2.0, t.frames))
            least.series, least.pictures = None, {}
        if len(self.tracks) > 20 * MAX_SERIES:
            least = min(list(self.tracks.values())[:-1], key=lambda t: (time - t.last < 2.0, t.frames))
            del self.tracks[least.number]
            self.others += 1

    def _poster(self, frame: Frame) -> None:
        if frame.image is None or not self.detailed:
            return
        faces, scores = frame.faces, frame.faces.expression
        quality = np.nan_to_num(faces.confidence if faces.quality is None else faces.quality) * open_eyes(faces)
        lively = np.zeros(1) if scores is None or "neutral" not in scores.labels else np.nan_to_num(1 - scores["neutral"])
        score = float(quality.sum()) + 0.5 * float(lively.max())
        if self.poster is None or score > self.poster.score + 0.1 * max(1.0, self.poster.score):
            self.poster = poster(frame, "", score, bars=True)

    def ordered(self) -> list[TrackRecord]:
        """The tracks, the one seen longest first."""
        return sorted(self.tracks.values(), key=lambda t: (-t.frames, t.number))

    def facts(self, tracks: list[TrackRecord]) -> list[Seen]:
        """The numbers of tracks for the sentences."""
        return [t.seen(self.step, t.first <= self.first) for t in tracks]


def channel_values(faces: Faces) -> tuple[tuple[str, ...], FloatArray]:
    """Names of the expressions, and the channels of all faces (n, expressions + REST); NaN where nothing is known."""
    count = len(faces)
    labels = () if faces.expression is None else faces.expression.labels.names
    parts: list[FloatArray] = [] if faces.expression is None else [faces.expression.values]
    units = None if faces.intensity is None else faces.intensity[:, _UNIT_PLACES]
    for value, width in ((units, len(BOTH_SIDES)), (faces.affect, 2), (faces.pose, 3), (faces.gaze, 2)):
        parts.append(np.full((count, width), np.nan, np.float32) if value is None else value)
    parts.append(np.full((count, 1), np.nan, np.float32) if faces.quality is None else faces.quality[:, None])
    return labels, np.concatenate(parts, 1)


def _numbers(faces: Faces) -> Iterator[int]:
    """Numbers of the tracks; faces without one are told apart by their place in the frame."""
    track = faces.track
    for i in range(len(faces)):
        if track is None:
            yield i
        else:  # a number of its own beside those of the tracks
            yield int(track[i]) if track[i] >= 0 else -1 - i
