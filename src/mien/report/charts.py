"""Lanes of a timeline: charts that stretch to any width, with their words in HTML so that they stay readable.

A lane is an SVG picture that is stretched (its lines keep their width), with names, scales and ranges as text around it.
What could not be told is a gap. Lines differ by their dashes and areas carry their names, so that no colour is needed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..labels import ACTION_UNITS, FERPLUS_8
from .html import prose, tag, text
from .series import Curve
from .words import clock, percent

FloatArray = NDArray[np.float32]
WIDE, HIGH = 1200, 200  # units of every lane's SVG
_STEPS = (0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 43200, 86400)
_COLUMNS = 120  # of the grid on which room for names is looked for


@dataclass(frozen=True)
class Axis:
    """The time axis that all lanes of a video share.

    Args:
        start: seconds at the left edge.
        end: seconds at the right edge.
        step: seconds between two analysed frames.
    """

    start: float
    end: float
    step: float

    def x(self, time: NDArray[np.float64]) -> NDArray[np.float64]:
        """Places in the SVG, 0 to WIDE."""
        return np.clip((time - self.start) / max(self.end - self.start, 1e-9), 0, 1) * WIDE

    def share(self, time: float) -> float:
        """Place of a time in percent of the width."""
        return float(self.x(np.array([time]))[0]) * 100 / WIDE

    def ticks(self) -> list[float]:
        """At most seven round times.

        Example:
            >>> Axis(0, 19.6, 0.04).ticks()
            [0.0, 5.0, 10.0, 15.0]
        """
        span = self.end - self.start
        step = next((s for s in _STEPS if span / s <= 6), span / 4 or 1.0)
        first = int(np.ceil(self.start / step - 1e-6))
        return [float(round(i * step, 3)) for i in range(first, first + 8) if i * step <= self.end + 1e-6]


@dataclass(frozen=True)
class Lane:
    """One lane: its name, its picture, what stands beside it, and the same in words for those who cannot see it."""

    name: str
    svg: str
    words: str
    side: str = ""
    note: str = ""
    height: int = 60
    scale: tuple[tuple[float, str], ...] = ()  # percent from the top, text
    over: str = ""  # HTML on top of the picture

    def render(self, axis: Axis) -> str:
        """The figure."""
        places = [round(axis.share(t) * WIDE / 100) for t in axis.ticks()]
        grid = "".join(f'<line x1="{x}" x2="{x}" y1="0" y2="{HIGH}" class="grid"/>' for x in places)
        picture = (
            f'<svg role="img" aria-label="{text(self.words)}" viewBox="0 0 {WIDE} {HIGH}" preserveAspectRatio="none">'
            f"{grid}{self.svg}</svg>"
        )
        scale = "".join(f'<span class="scale" style="top:{y:.0f}%">{text(label)}</span>' for y, label in self.scale)
        note = f"<small>{prose(self.note)}</small>" if self.note else ""
        caption = tag("figcaption", prose(self.name) + note)
        plot = tag("div", picture + scale + self.over, class_="plot", style=f"height:{self.height}px")
        short = "" if self.side.startswith("<ul") else " short"
        return tag("figure", caption + plot + tag("div", self.side, class_="side"), class_=f"lane{short}")


def time_axis(axis: Axis) -> str:
    """The times under the lanes."""
    marks = []
    for time in axis.ticks():
        words = clock(time)
        place = axis.share(time)
        edge = " first" if place < 3 else " last" if place > 97 else ""
        marks.append(f'<span class="tick{edge}" style="left:{place:.2f}%">{words[:-2] if words.endswith(".0") else words}</span>')
    return tag("div", f'<span></span><div class="ticks">{"".join(marks)}</div><span></span>', class_="axis", aria_hidden="true")


# paths ----------------------------------------------------------------------------------------------------------------
def _xy(curve: Curve, part: slice, values: FloatArray, axis: Axis) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Times and values of a run, drawn out by half a step at both ends so that a lone point can be seen."""
    half = max(curve.width, axis.step, (axis.end - axis.start) / WIDE) / 2
    time = curve.time[part]
    y = values[part].astype(np.float64)
    return axis.x(np.concatenate([[time[0] - half], time, [time[-1] + half]])), np.concatenate([y[:1], y, y[-1:]])


def _points(x: NDArray[np.float64], y: NDArray[np.float64]) -> str:
    return " ".join(f"{a} {b}" for a, b in zip(np.rint(x).astype(int).tolist(), np.rint(y).astype(int).tolist()))


def _line(curve: Curve, values: FloatArray, axis: Axis, low: float, high: float) -> str:
    """The path of a line between low and high, broken at gaps."""
    parts = []
    for part in curve.parts(values, axis.step):
        x, y = _xy(curve, part, values, axis)
        parts.append("M" + _points(x, HIGH * (1 - np.clip((y - low) / (high - low), 0, 1))))
    return "".join(parts)


def _area(curve: Curve, below: FloatArray, above: FloatArray, axis: Axis) -> str:
    """The path of the area between two lines in [0, 1], broken at gaps."""
    parts = []
    for part in curve.parts(below + above, axis.step):
        x, y = _xy(curve, part, above, axis)
        _, base = _xy(curve, part, below, axis)
        parts.append(f"M{_points(x, HIGH * (1 - y))} {_points(x[::-1], HIGH * (1 - base[::-1]))}Z")
    return "".join(parts)


def unread_bands(curve: Curve, values: FloatArray, axis: Axis) -> str:
    """Hatched bands where the face was there but could not be read."""
    gone = np.isnan(values.reshape(len(values), -1)).any(1)
    marked = np.where(gone, 0.0, np.nan).astype(np.float32)
    bands = []
    for part in curve.parts(marked, axis.step):
        x = _xy(curve, part, marked, axis)[0] * 100 / WIDE
        bands.append(f'<i class="unread" style="left:{x[0]:.2f}%;width:{max(x[-1] - x[0], 0.15):.2f}%"></i>')
    return "".join(bands)


# lanes ----------------------------------------------------------------------------------------------------------------
def expression_class(label: str, index: int) -> str:
    """The style class of an expression; a name that is not known gets one of its own by its place."""
    return f"x-{label}" if label in FERPLUS_8 else f"x-{index % 4}"


def expression_lane(curve: Curve, labels: Sequence[str], shares: Mapping[str, float], words: str, axis: Axis) -> Lane:
    """Scores of all expressions, stacked, the most shown one at the bottom.

    Args:
        curve: the first channels are those of the labels.
        labels: the expressions.
        shares: share of the readable time of each.
        words: what it shows, for those who cannot see it.
        axis: of time.
    """
    values = np.clip(curve.mean[:, : len(labels)], 0, 1)
    with np.errstate(invalid="ignore"):
        values = values / np.maximum(values.sum(1, keepdims=True), 1e-6)
    weight = np.nan_to_num(values).mean(0) if len(values) else np.zeros(len(labels))
    order = sorted(range(len(labels)), key=lambda i: (-weight[i], i))
    below = np.zeros(len(values), np.float32)
    paths, tags, legend = [], [], []
    for i in order:
        above = below + values[:, i]
        name, share = labels[i], percent(shares.get(labels[i], 0.0))
        style = expression_class(name, i)
        title = f"<title>{text(name)}, {share} of the time</title>"
        paths.append(f'<path class="{style}" d="{_area(curve, below, above, axis)}">{title}</path>')
        tags.append(_name_tag(curve, below, above, axis, name))
        if shares.get(name, 0) > 0 or np.nan_to_num(values[:, i]).max(initial=0) >= 0.1:
            legend.append(f'<li><i class="key {style}"></i>{text(name)} <b>{prose(share)}</b></li>')
        below = above
    note = "scores stacked to 1, and for which share of the time each one is 0.5 or more"
    over = unread_bands(curve, values, axis) + "".join(tags)
    return Lane(
        "Expression", "".join(paths), words, f"<ul>{''.join(reversed(legend))}</ul>", note, 150, ((0, "1"), (100, "0")), over
    )


def _name_tag(curve: Curve, below: FloatArray, above: FloatArray, axis: Axis, name: str) -> str:
    """The name of an area where it is thick for long enough to hold it; nothing where it is not."""
    centres = axis.start + (np.arange(_COLUMNS) + 0.5) / _COLUMNS * (axis.end - axis.start)
    if not len(curve.time):
        return ""
    nearest = np.abs(curve.time[:, None] - centres).argmin(0)
    near = np.abs(curve.time[nearest] - centres) <= max(2.5 * max(curve.width, axis.step), (axis.end - axis.start) / _COLUMNS)
    thick = np.where(near & ~np.isnan(above[nearest]), above[nearest] - below[nearest], 0)
    for columns, size in ((24, ""), (12, " wide")):  # of the width: enough on a phone, enough on a large screen only
        # the area must hold the name in a straight line: what all columns have in common is what counts
        low = np.lib.stride_tricks.sliding_window_view(np.where(thick > 0, below[nearest], 1.0), columns).max(1)
        high = np.lib.stride_tricks.sliding_window_view(np.where(thick > 0, above[nearest], 0.0), columns).min(1)
        room = high - low
        if room.max() >= 0.16:
            # the middle of where there is about as much room as anywhere
            places = np.flatnonzero(room >= 0.9 * room.max())
            best = int(places[np.abs(places - np.median(places)).argmin()])
            left, top = (best + columns / 2) * 100 / _COLUMNS, 100 * (1 - (low[best] + high[best]) / 2)
            return f'<span class="name{size}" style="left:{left:.1f}%;top:{top:.1f}%">{text(name)}</span>'
    return ""


def unit_lane(curve: Curve, channel: int, unit: str, peak: float, peak_time: float, axis: Axis) -> Lane:
    """Intensity 0-5 of one action unit: the area is the mean, the line above it the highest value."""
    mean, high = curve.mean[:, channel], curve.high[:, channel]
    area = _area(curve, np.zeros_like(mean), np.clip(mean / 5, 0, 1), axis)
    words = f"{ACTION_UNITS[unit][0]}: highest {peak:.1f} of 5 at {clock(peak_time)}"
    dot = f'<i class="dot" style="left:{axis.share(peak_time):.2f}%;top:{100 * (1 - min(peak / 5, 1)):.1f}%"></i>'
    svg = f'<path class="unit" d="{area}"/><path class="line thin" d="{_line(curve, high, axis, 0, 5)}"/>'
    side = f"<b>{peak:.1f}</b> at {clock(peak_time)}"
    over = unread_bands(curve, mean, axis) + dot
    return Lane(f"{unit} {ACTION_UNITS[unit][0]}", svg, f"{unit} {words}", side, "", 38, ((0, "5"),), over)


@dataclass(frozen=True)
class Strand:
    """A line of a lane: its name and its channel."""

    name: str
    channel: int


def line_lane(
    curve: Curve, strands: Sequence[Strand], axis: Axis, title: tuple[str, str], limits: tuple[float, float], degrees: bool
) -> Lane | None:
    """Several lines in one lane, told apart by their dashes; None where none of them could be told.

    Args:
        curve: the series.
        strands: at most three lines.
        axis: of time.
        title: name and note of the lane.
        limits: the least range shown; it grows to what there is.
        degrees: values are radians, to be shown in degrees.
    """
    factor = 180 / np.pi if degrees else 1.0
    values = [np.asarray(curve.mean[:, s.channel] * factor, np.float32) for s in strands]
    if all(np.isnan(v).all() for v in values):
        return None
    step = 15.0 if degrees else 0.5
    low = min(limits[0], step * np.floor(min(np.nanmin(v) for v in values if not np.isnan(v).all()) / step))
    high = max(limits[1], step * np.ceil(max(np.nanmax(v) for v in values if not np.isnan(v).all()) / step))
    unit = "°" if degrees else ""
    zero = HIGH * (1 - (0 - low) / (high - low))
    paths = [f'<line x1="0" x2="{WIDE}" y1="{zero:.0f}" y2="{zero:.0f}" class="zero"/>']
    keys, words = [], []
    for i, (strand, value) in enumerate(zip(strands, values)):
        paths.append(f'<path class="line l{i}" d="{_line(curve, value, axis, low, high)}"/>')
        if np.isnan(value).all():
            continue
        span = f"{_number(float(np.nanmin(value)), degrees)}{unit} to {_number(float(np.nanmax(value)), degrees)}{unit}"
        sample = f'<svg class="sample" viewBox="0 0 26 8" aria-hidden="true"><path class="line l{i}" d="M0 4H26"/></svg>'
        keys.append(f"<li>{sample}{text(strand.name)} <b>{span}</b></li>")
        words.append(f"{strand.name} {span}")
    scale = ((0, f"{_number(high, degrees)}{unit}"), (zero * 100 / HIGH, "0"), (100, f"{_number(low, degrees)}{unit}"))
    over = unread_bands(curve, np.stack(values, 1), axis)
    spoken = f"{title[0]}: {', '.join(words)}"
    return Lane(title[0], "".join(paths), spoken, f"<ul>{''.join(keys)}</ul>", title[1], 84, scale, over)


def _number(value: float, degrees: bool) -> str:
    """A number with a true minus sign.

    Example:
        >>> _number(-12.4, True), _number(-0.02, True), _number(0.51, False)
        ('−12', '0', '0.5')
    """
    shown = f"{value:.0f}" if degrees else f"{value:.1f}"
    return shown.replace("-", "−") if float(shown) else shown.lstrip("-")


def quality_lane(curve: Curve, channel: int, axis: Axis) -> Lane | None:
    """How well the face could be read, 0 to 1, with its gaps; None where it was not measured."""
    mean = np.clip(curve.mean[:, channel], 0, 1)
    if np.isnan(mean).all():
        return None
    middle = float(np.nanmean(mean))
    words = f"Quality: {middle:.2f} on average"
    svg = f'<path class="quality" d="{_area(curve, np.zeros_like(mean), mean, axis)}"/>'
    return Lane("Quality", svg, words, f"<b>{middle:.2f}</b> on average", "", 30, ((0, "1"),), "")
