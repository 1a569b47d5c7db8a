"""The section of a report for one video: its faces, each with portraits, lanes of time and numbers."""

from __future__ import annotations

import math

from ..labels import ACTION_UNITS
from ..media.draw import colour_of
from .charts import Axis, Lane, Strand, expression_lane, line_lane, quality_lane, time_axis, unit_lane
from .collect import BOTH_SIDES, TrackRecord, VideoRecord
from .html import image, prose, table, tag, text
from .pictures import Still
from .series import Curve
from .words import Seen, capital, clock, counted, length, percent, track_words

MAX_TRACKS = 12  # faces of one video that are shown in full
_STRANDS = (("pitch", "pose_pitch"), ("yaw", "pose_yaw"), ("roll", "pose_roll"))


def video_section(video: VideoRecord, anchor: str, alone: bool) -> str:
    """The section of one video; one that is alone on its page, with one face, does not repeat the summary."""
    tracks = video.ordered()
    full = [t for t in tracks if t.series is not None][:MAX_TRACKS]
    others = [t for t in tracks if t not in full]
    content = tag("h2", text(video.name), id=f"{anchor}-title") + tag("p", prose(_meta(video)), class_="meta")
    poster = _poster(video)
    if len(full) == 1:  # its portraits find room beside the poster
        content += _track(video, full[0], poster, brief=alone and len(tracks) == 1)
    else:
        content += poster + "".join(_track(video, track) for track in full)
    if others:
        seen = [(t, video.facts([t])[0]) for t in others]
        rows = [(capital(s.name), clock(t.first), length(s.seconds), track_words(s)) for t, s in seen]
        content += table("Faces that are not shown in full", ("face", "from", "seen for", "what it shows"), rows)
    if video.others:
        content += tag("p", f"{capital(counted(video.others, 'more face'))} only passed by and are counted, not listed.")
    return tag("section", content, id=anchor, class_="card video", aria_labelledby=f"{anchor}-title")


def _meta(video: VideoRecord) -> str:
    parts = [f"{length(video.seconds)}", counted(video.frames, "frame") + " looked at"]
    if video.step > 0:
        parts.append(f"{1 / video.step:.3g} a second")
    faces = len(video.tracks) + video.others
    parts.append(counted(faces, "face"))
    if video.status["no_face"]:
        parts.append(f"no face in {percent(video.status['no_face'] / video.frames)} of the frames")
    return ", ".join(parts)


def _poster(video: VideoRecord) -> str:
    if video.poster is None:
        return ""
    at = clock(video.poster.time)
    caption = tag("figcaption", f"The frame at {at}, as it was read.")
    return tag("figure", image(video.poster, f"The frame at {at} with its faces marked") + caption, class_="poster")


def _track(video: VideoRecord, track: TrackRecord, poster: str = "", brief: bool = False) -> str:
    seen = video.facts([track])[0]
    chip = f'<span class="chip" style="--c:rgb{colour_of(track.number)}" aria-hidden="true">{max(track.number, 0)}</span>'
    words = f"Seen for {length(seen.seconds)}, from {clock(track.first)} to {clock(track.last)}."
    content = tag("h3", chip + text(capital(seen.name))) + tag("p", prose(words if brief else f"{words} {track_words(seen)}"))
    thumbs = "".join(_thumb(seen.name, why, picture) for why, picture in track.chosen())
    if thumbs or poster:
        content += tag("div", poster + tag("div", thumbs, class_="thumbs"), class_="duo")
    curve = track.curve()
    if curve is not None and len(curve.time) > 1:
        axis = Axis(video.first, max(video.last, video.first + 1e-3), video.step)
        lanes = "".join(lane.render(axis) for lane in lanes_of(track, curve, seen, axis))
        content += tag("div", lanes + time_axis(axis), class_="lanes", data_start=f"{axis.start:.3f}", data_end=f"{axis.end:.3f}")
    content += tag("details", tag("summary", f"Numbers of {seen.name}") + _numbers(track, seen))
    return tag("article", content, class_="face", aria_label=capital(seen.name))


def _thumb(name: str, why: str, picture: Still) -> str:
    lead = picture.words.partition(":")[0]  # the movements are told by the lanes
    caption = f"<b>{text(capital(why))}</b>{clock(picture.time)}, {prose(lead)}"
    alt = f"{capital(name)} at {clock(picture.time)}: {picture.words}"
    return tag("figure", image(picture, alt) + tag("figcaption", caption), class_="thumb")


def lanes_of(track: TrackRecord, curve: Curve, seen: Seen, axis: Axis) -> list[Lane]:
    """The lanes of a face, from the expression to the quality; those of which nothing is known are left out."""
    place = {name: i for i, name in enumerate(track.channels)}
    lanes: list[Lane | None] = []
    if track.labels and track.readable > 0:
        lanes.append(expression_lane(curve, track.labels, seen.shares, f"Expression over time. {track_words(seen)}", axis))
    for unit in track.strongest_units():
        channel = place[unit]
        lanes.append(unit_lane(curve, channel, unit, float(track.peak[channel]), float(track.peak_time[channel]), axis))
    affect = [Strand("valence", place["valence"]), Strand("arousal", place["arousal"])]
    lanes.append(line_lane(curve, affect, axis, ("Valence, arousal", "derived from the expression"), (-1.0, 1.0), degrees=False))
    head = [Strand(name, place[channel]) for name, channel in _STRANDS]
    lanes.append(line_lane(curve, head, axis, ("Head pose", "up, right, clockwise are above 0"), (-15.0, 15.0), degrees=True))
    gaze = [Strand("pitch", place["gaze_pitch"]), Strand("yaw", place["gaze_yaw"])]
    lanes.append(line_lane(curve, gaze, axis, ("Gaze", "up and right are above 0"), (-15.0, 15.0), degrees=True))
    lanes.append(quality_lane(curve, place["quality"], axis))
    return [lane for lane in lanes if lane is not None]


def _numbers(track: TrackRecord, seen: Seen) -> str:
    """The tables behind the lanes."""
    mean = track.mean()
    place = {name: i for i, name in enumerate(track.channels)}

    def row(name: str, title: str, digits: int) -> list[str]:
        i = place[name]
        if not track.weight[i]:
            return [title, "could not be told", "", ""]
        return [title, f"{mean[i]:.{digits}f}", f"{track.peak[i]:.{digits}f}", clock(float(track.peak_time[i]))]

    found = ""
    if track.labels:
        rows = [[*row(n, n, 2), percent(seen.shares.get(n, 0.0))] for n in track.labels]
        found += table(f"Expression of {seen.name}", ("expression", "mean", "highest", "at", "share of the time"), rows)
    if any(track.weight[place[n]] for n in BOTH_SIDES):
        rows = [row(n, f"{n} {ACTION_UNITS[n][0]}", 1) for n in BOTH_SIDES]
        found += table(f"Action units of {seen.name}, intensity 0 to 5", ("unit", "mean", "highest", "at"), rows)
    if track.series is not None:
        angles = [n for n in track.channels if n.startswith(("pose", "gaze")) and track.weight[place[n]]]
        curve = track.series.curve()
        rows = []
        for name in angles:
            low, high = curve.low[:, place[name]], curve.high[:, place[name]]
            known = ~(low != low)
            span = (float(low[known].min()), float(mean[place[name]]), float(high[known].max()))
            shown = (f"{math.degrees(value):.0f}".replace("-", "−") for value in span)
            rows.append([name.replace("pose", "head").replace("_", " "), *shown])
        if rows:
            found += table(f"Head and gaze of {seen.name}, degrees", ("angle", "lowest", "mean", "highest"), rows)
    return found
