"""Sentences from numbers: plain text that says what was seen and how sure it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ..labels import ACTION_UNITS
from ..types import Face

SURE = 0.5  # score below which the best expression is not named alone
LISTED = 0.05  # share of the time below which an expression is not worth a mention
_MOVED = 1.0  # intensity from which a movement is named: FACS letter A
_SIDED = 1.0  # difference of intensity from which one side is called stronger

MOVEMENTS = {
    "AU01": "inner brows raised",
    "AU02": "outer brows raised",
    "AU04": "brows lowered",
    "AU05": "upper lids raised",
    "AU06": "cheeks raised",
    "AU07": "lids tightened",
    "AU09": "nose wrinkled",
    "AU10": "upper lip raised",
    "AU12": "lip corners pulled up",
    "AU14": "lip corners pulled in",
    "AU15": "lip corners pulled down",
    "AU17": "chin raised",
    "AU18": "lips puckered",
    "AU20": "lips stretched",
    "AU22": "lips funnelled",
    "AU23": "lips tightened",
    "AU24": "lips pressed together",
    "AU25": "lips parted",
    "AU26": "jaw dropped",
    "AU27": "mouth stretched open",
    "AU28": "lips sucked in",
    "AU43": "eyes closed",
    "AU45": "a blink",
}
_STATUS = {
    "not_visible": "not visible",
    "too_small": "too small",
    "cut_off": "cut off by the edge of the picture",
    "profile": "profile",
    "blurred": "blurred",
    "": "no expression",
}


# numbers --------------------------------------------------------------------------------------------------------------
def clock(seconds: float) -> str:
    """A moment of a video.

    Example:
        >>> clock(7.42), clock(83), clock(3723.5)
        ('0:07.4', '1:23.0', '1:02:03.5')
    """
    tenths = round(10 * max(seconds, 0.0))
    minutes, rest = divmod(tenths, 600)
    hours, minutes = divmod(minutes, 60)
    head = f"{hours}:{minutes:02d}" if hours else str(minutes)
    return f"{head}:{rest // 10:02d}.{rest % 10}"


def length(seconds: float) -> str:
    """A time that passed.

    Example:
        >>> length(19.58), length(192), length(7260), length(0.042)
        ('19.6 s', '3 min 12 s', '2 h 1 min', '0.04 s')
    """
    if seconds < 59.95:
        return f"{seconds:.2f} s" if seconds < 0.95 else f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s" if whole % 60 else f"{whole // 60} min"
    minutes = round(seconds / 60)
    return f"{minutes // 60} h {minutes % 60} min" if minutes % 60 else f"{minutes // 60} h"


def percent(share: float) -> str:
    """A share; a small one never reads as none, a large one never as all.

    Example:
        >>> percent(0.62), percent(0.002), percent(0.999), percent(1)
        ('62 %', 'less than 1 %', 'more than 99 %', '100 %')
    """
    if 0 < share < 0.01:
        return "less than 1 %"
    if 0.99 < share < 1:
        return "more than 99 %"
    return f"{100 * share:.0f} %"


def counted(count: int, noun: str) -> str:
    """A number of things.

    Example:
        >>> counted(1, "face"), counted(12480, "frame")
        ('one face', '12,480 frames')
    """
    return f"one {noun}" if count == 1 else f"{count:,} {noun}s" if count else f"no {noun}"


def listed(parts: Sequence[str]) -> str:
    """Things in a row.

    Example:
        >>> listed(["a"]), listed(["a", "b"]), listed(["a", "b", "c"])
        ('a', 'a and b', 'a, b and c')
    """
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}" if parts else ""


def capital(text: str) -> str:
    """The text with a capital letter at its start; the rest as it is."""
    return text[:1].upper() + text[1:]


def status_words(status: str) -> str:
    """A status of FACE_STATUS in words.

    Example:
        >>> status_words("too_small")
        'too small'
    """
    return _STATUS.get(status, status.replace("_", " "))


# one face -------------------------------------------------------------------------------------------------------------
def leading(scores: Mapping[str, float]) -> str | None:
    """The best expression, or the two it lies between when it scores less than 0.5; None where it could not be told.

    Example:
        >>> leading({"neutral": 0.09, "happiness": 0.91}), leading({"neutral": 0.41, "sadness": 0.33, "anger": 0.26})
        ('happiness 0.91', 'unclear between neutral 0.41 and sadness 0.33')
    """
    best = reading(scores)
    if best is None:
        return None
    if len(best) == 1:
        return f"{best[0]} {scores[best[0]]:.2f}"
    return f"unclear between {best[0]} {scores[best[0]]:.2f} and {best[1]} {scores[best[1]]:.2f}"


def reading(scores: Mapping[str, float]) -> tuple[str, ...] | None:
    """The best expression alone, or the best two when it scores less than 0.5; None where it could not be told."""
    if not scores or any(value != value for value in scores.values()):
        return None
    order = sorted(scores, key=lambda name: -scores[name])
    return (order[0],) if scores[order[0]] >= SURE or len(order) == 1 else (order[0], order[1])


def movements(face: Face, most: int = 3) -> list[str]:
    """The strongest movements of a face in words, each with its action unit and intensity, strongest first.

    Movements below intensity 1 (FACS letter A) are left out, and so is what could not be told.
    """
    intensity = face.intensity
    if intensity is None:
        return []
    presence = face.units or {}
    present = [
        name for name in ACTION_UNITS
        if intensity[name] >= _MOVED and not presence.get(name, 1.0) < SURE  # NaN compares false: it is not absence
    ]  # fmt: skip
    present.sort(key=lambda name: -intensity[name])
    if "AU43" in present and "AU45" in present:
        present.remove("AU45")  # closed eyes and a blink are one thing in a single picture
    return [f"{MOVEMENTS[n]} ({n} {intensity[n]:.1f}{_side(intensity, n)})" for n in present[:most]]


def _side(intensity: Mapping[str, float], unit: str) -> str:
    left, right = intensity.get(unit + "L"), intensity.get(unit + "R")
    if left is None or right is None or not abs(left - right) >= _SIDED:
        return ""
    return f", stronger on the {'left' if left > right else 'right'}"


def sentence(face: Face) -> str:
    """What one face shows, in one line.

    Example:
        >>> import numpy as np
        >>> from mien.labels import FER_7, UNITS
        >>> from mien.types import Faces, Scores
        >>> scores = np.array([[0, 0, 0, 0.91, 0, 0, 0.09]])
        >>> intensity = np.zeros((1, len(UNITS)))
        >>> intensity[0, [UNITS.index("AU12"), UNITS.index("AU12L"), UNITS.index("AU12R")]] = 3.8
        >>> faces = Faces(np.array([[0, 0, 9, 9]]), np.ones(1), expression=Scores(scores, FER_7), intensity=intensity)
        >>> sentence(faces[0])
        'happiness 0.91: lip corners pulled up (AU12 3.8)'
    """
    status = face.status or "ok"
    moves = movements(face)
    lead = leading(face.expression or {})
    if lead is None:
        if face.expression is not None or status in ("not_visible", "too_small"):
            return f"could not be read ({status_words('' if status == 'ok' else status)})"
        text = ", ".join(moves) or "a face"
    else:
        text = f"{lead}: {', '.join(moves)}" if moves else lead
    return text if status == "ok" else f"{text}; less certain: {status_words(status)}"


# one face over time ---------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Seen:
    """The numbers that :func:`track_words` speaks of.

    Args:
        name: how the face is called ("face 3").
        seconds: how long it was seen.
        shares: share of the readable time for each expression that scored 0.5 or more.
        unclear: share of the readable time in which none did.
        between: the two expressions between which it was unclear most of that time.
        strongest: expression other than neutral, time and score of its highest score.
        unread: share of the frames that could not be read, by status.
        doubtful: share of the frames that were read in spite of a status that is not "ok", by status.
    """

    name: str
    seconds: float
    shares: Mapping[str, float] = field(default_factory=dict)
    unclear: float = 0.0
    between: tuple[str, str] | None = None
    strongest: tuple[str, float, float] | None = None
    unread: Mapping[str, float] = field(default_factory=dict)
    doubtful: Mapping[str, float] = field(default_factory=dict)


def track_words(seen: Seen, subject: str = "It") -> str:
    """What a face showed over time.

    Example:
        >>> seen = Seen("face 0", 19.6, {"neutral": 0.62, "happiness": 0.31}, 0.07, ("neutral", "sadness"),
        ...             ("happiness", 7.4, 0.97), {"too_small": 0.04})
        >>> for line in track_words(seen).split(". "):
        ...     print(line)
        It shows mostly neutral (62 % of the time), then happiness (31 %), strongest at 0:07.4
        For 7 % of the time it is unclear, mostly between neutral and sadness
        In 4 % of the frames the face could not be read (too small).
    """
    found = [_shown(seen, subject)] if seen.shares or seen.unclear else []
    if seen.shares and 0.01 <= seen.unclear < SURE:
        found.append(f"For {percent(seen.unclear)} of the time it is unclear{_between(seen, ', mostly')}.")
    if seen.unread:
        share = percent(sum(seen.unread.values()))
        found.append(f"In {share} of the frames the face could not be read ({_reasons(seen.unread)}).")
    if seen.doubtful:
        share = percent(sum(seen.doubtful.values()))
        found.append(f"In {share} of the frames the reading is less certain ({_reasons(seen.doubtful)}).")
    return " ".join(found)


def _between(seen: Seen, mostly: str) -> str:
    return f"{mostly} between {seen.between[0]} and {seen.between[1]}" if seen.between else ""


def _shown(seen: Seen, subject: str) -> str:
    order = sorted(seen.shares, key=lambda name: -seen.shares[name])
    if not order or seen.unclear >= SURE:
        time = f" for {percent(seen.unclear)} of the time" if order else ""
        rest = f"; clear was {listed([f'{n} ({percent(seen.shares[n])})' for n in order[:3]])}" if order else ""
        return f"{subject} has an unclear expression{time}{_between(seen, ', mostly')}{rest}."
    main = [name for name in order if seen.shares[name] >= LISTED][:3] or order[:1]
    first = seen.shares[main[0]]
    if first >= 0.95:
        text = f"{subject} shows {main[0]} nearly all the time ({percent(first)}){_peak(seen, main[0], ', ')}"
    else:
        parts = [_part(seen, name, main) for name in main]
        if first < SURE:
            text = f"{subject} shows {listed(parts)}"
        else:
            text = f"{subject} shows mostly {parts[0]}" + (f", then {listed(parts[1:])}" if parts[1:] else "")
    if seen.strongest and seen.strongest[0] not in main and seen.shares.get(seen.strongest[0], 0) > 0:
        text += f", and briefly {seen.strongest[0]} at {clock(seen.strongest[1])}"
    return text + "."


def _part(seen: Seen, name: str, main: Sequence[str]) -> str:
    """An expression with its share; the time at which it is strongest stands behind the last one, within the others."""
    share = percent(seen.shares[name]) + (" of the time" if name == main[0] else "")
    return f"{name} ({share}){_peak(seen, name, ', ')}" if name == main[-1] else f"{name} ({share}{_peak(seen, name, ', ')})"


def _peak(seen: Seen, name: str, before: str) -> str:
    return f"{before}strongest at {clock(seen.strongest[1])}" if seen.strongest and seen.strongest[0] == name else ""


def _reasons(shares: Mapping[str, float]) -> str:
    order = sorted(shares, key=lambda name: -shares[name])
    if len(order) == 1:
        return status_words(order[0])
    return ", ".join(f"{status_words(name)} {percent(shares[name])}" for name in order)


# whole sources --------------------------------------------------------------------------------------------------------
def video_lines(seconds: float, tracks: Sequence[Seen], empty: float, at_once: int, others: int = 0) -> list[str]:
    """What was seen in a video: one line about all of it, then, where there are several faces, one about each of them.

    Args:
        seconds: length of what was read.
        tracks: the faces, the one seen longest first; at most six get a line.
        empty: share of the frames without a face.
        at_once: most faces in one frame.
        others: faces that are counted but not described.

    Example:
        >>> video_lines(20.0, [Seen("face 0", 19.6, {"neutral": 0.98, "happiness": 0.02})], 0.02, 1)
        ['One face was followed for 19.6 s. It shows neutral nearly all the time (98 %). 2 % of the frames have no face.']
    """
    count = len(tracks) + others
    if not count:
        return [f"No face was found in {length(seconds)} of video."]
    nobody = f"{capital(percent(empty))} of the frames have no face." if empty > 0 else ""
    if count == 1 and tracks:
        parts = [f"One face was followed for {length(tracks[0].seconds)}.", track_words(tracks[0]), nobody]
        return [" ".join(part for part in parts if part)]
    once = "never more than one at once" if at_once == 1 else f"up to {at_once} at once"
    head = f"{capital(counted(count, 'face'))} were followed in {length(seconds)} of video, {once}."
    lines = [f"{head} {nobody}".strip()]
    for seen in tracks[:6]:
        who = f"{capital(seen.name)}, seen for {length(seen.seconds)},"
        lines.append(_shown(seen, who) if seen.shares or seen.unclear else f"{who} could not be read.")
    if count > 6:
        lines.append(f"{count - 6:,} more {'face was' if count == 7 else 'faces were'} seen for a shorter time.")
    return lines


@dataclass(frozen=True)
class PhotoCounts:
    """The numbers that :func:`photos_words` speaks of.

    Args:
        read: photos that were read.
        unreadable: photos that could not be read.
        without: photos in which no face was found.
        faces: all faces.
        shown: number of faces by expression; "unclear" for those whose best score is below 0.5.
        unread: number of faces that could not be read, by status.
    """

    read: int
    unreadable: int = 0
    without: int = 0
    faces: int = 0
    shown: Mapping[str, int] = field(default_factory=dict)
    unread: Mapping[str, int] = field(default_factory=dict)


def photos_words(counts: PhotoCounts) -> str:
    """What was seen in photos.

    Example:
        >>> photos_words(PhotoCounts(12, 1, 0, 31, {"happiness": 17, "neutral": 9, "unclear": 3}, {"too_small": 2}))
        '12 photos were read, one could not be. 31 faces: 17 happiness, 9 neutral, 3 unclear; 2 too small to read.'
        >>> photos_words(PhotoCounts(1, 0, 1))
        'One photo was read. No face was found in it.'
    """
    found = [_read(counts)]
    if counts.without and not counts.faces:
        found.append(f"No face was found in {'it' if counts.read == 1 else 'them'}.")
    elif counts.without:
        found.append(f"In {'one' if counts.without == 1 else f'{counts.without:,}'} of them no face was found.")
    if counts.faces:
        order = sorted(counts.shown, key=lambda name: (name == "unclear", -counts.shown[name]))
        text = ", ".join(f"{counts.shown[name]:,} {name}" for name in order)
        gone = ", ".join(f"{count:,} {_to_read(status)}" for status, count in counts.unread.items())
        tail = "; ".join(part for part in (text, gone) if part)
        found.append(capital(counted(counts.faces, "face")) + (f": {tail}." if tail else "."))
    return " ".join(found)


def _read(counts: PhotoCounts) -> str:
    if not counts.read:
        return f"{capital(counted(counts.unreadable, 'file'))} could not be read."
    text = f"{capital(counted(counts.read, 'photo'))} {'was' if counts.read == 1 else 'were'} read"
    if counts.unreadable:
        text += f", {'one' if counts.unreadable == 1 else f'{counts.unreadable:,}'} could not be"
    return text + "."


def _to_read(status: str) -> str:
    return "too small to read" if status == "too_small" else f"could not be read ({status_words(status)})"
