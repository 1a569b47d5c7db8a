"""The page: what was seen first, then what could not be read, then every source, then how to read it."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from .. import __version__
from ..files import PACKAGE
from ..labels import ACTION_UNITS
from .collect import VideoRecord
from .html import prose, table, tag, text
from .photos import photos_section
from .sources import Sources
from .videos import video_section
from .words import MOVEMENTS, capital, photos_words, video_lines

MAX_SUMMARIES = 12  # videos that are spoken of at the top


def page(title: str, sources: Sources, settings: Mapping[str, Any]) -> str:
    """The whole HTML document."""
    sections = [_unreadable(sources)]
    alone = sources.count == 1  # then the summary has said it all
    sections += [video_section(video, f"video-{i}", alone) for i, video in enumerate(sources.detailed)]
    sections += [_more_videos(sources), photos_section(sources), _how_to_read(), _made(settings)]
    here = PACKAGE / "report"
    # nothing may be loaded from anywhere: the browser is told to refuse it
    policy = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'"
    head = (
        '<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
        f'<meta name="generator" content="mien {text(__version__)}">'
        f"<title>{text(title)}</title><style>{(here / 'style.css').read_text('utf-8')}</style>"
    )
    body = (
        '<a class="skip" href="#content">Skip to the content</a>'
        f"<header><h1>{text(title)}</h1>{_summary(sources)}{_contents(sources)}</header>"
        f'<main id="content">{"".join(sections)}</main>'
        f"<script>{(here / 'cursor.js').read_text('utf-8')}</script>"
    )
    return f'<!DOCTYPE html>\n<html lang="en"><head>{head}</head><body>{body}</body></html>\n'


def _summary(sources: Sources) -> str:
    videos = [*sources.detailed, *sources.more]
    several = sources.count > 1
    blocks = [_video_summary(video, several) for video in videos[:MAX_SUMMARIES]]
    if len(videos) > MAX_SUMMARIES:
        blocks.append(f"<p>{len(videos) - MAX_SUMMARIES:,} more videos are listed below.</p>")
    if sources.photos.read or (sources.photos.unreadable and not blocks):
        blocks.append(tag("p", prose(photos_words(sources.photo_counts()))))
    lost = len(sources.unreadable) + sources.unlisted
    if lost and sources.videos_unreadable:
        what = "One source" if lost == 1 else f"{lost:,} sources"
        blocks.append(f'<p>{what} could not be read in full: <a href="#unreadable">see why</a>.</p>')
    return tag("div", "".join(blocks) or "<p>Nothing was given to look at.</p>", class_="summary")


def _video_summary(video: VideoRecord, named: bool) -> str:
    empty = video.status["no_face"] / max(video.frames, 1)
    lines = video_lines(video.seconds, video.facts(video.ordered()), empty, video.at_once, video.others)
    name = f"<b>{text(video.name)}</b>: " if named else ""
    rest = tag("ul", "".join(tag("li", prose(line)) for line in lines[1:])) if lines[1:] else ""
    return tag("p", name + prose(lines[0])) + rest


def _contents(sources: Sources) -> str:
    """Links to the sections, where there are several."""
    links = [(f"video-{i}", video.name) for i, video in enumerate(sources.detailed)]
    if sources.photos.read:
        links.append(("photos", "Photos"))
    if sources.unreadable:
        links.insert(0, ("unreadable", "Could not be read"))
    if len(links) < 2:
        return ""
    links.append(("how-to-read", "How to read this"))
    items = "".join(f'<li><a href="#{target}">{text(name)}</a></li>' for target, name in links)
    return f'<nav aria-label="Sections"><ul>{items}</ul></nav>'


def _unreadable(sources: Sources) -> str:
    if not sources.unreadable:
        return ""
    items = "".join(
        tag("li", f"<b>{text(e.name)}</b> {prose(capital(e.reason))}. <span>What to do: {prose(e.remedy)}.</span>")
        for e in sources.unreadable
    )
    content = tag("h2", "Could not be read", id="unreadable-title") + tag("ul", items, class_="lost")
    if sources.unlisted:
        content += tag("p", f"And {sources.unlisted:,} more.")
    return tag("section", content, id="unreadable", class_="card warn", aria_labelledby="unreadable-title")


def _more_videos(sources: Sources) -> str:
    if not sources.more:
        return ""
    rows = []
    for video in sources.more:
        lines = video_lines(video.seconds, video.facts(video.ordered()), 0.0, video.at_once, video.others)
        rows.append((video.name, " ".join(lines[:3])))
    content = tag("h2", "More videos", id="more-title") + table("Videos without details", ("file", "what was seen"), rows)
    return tag("section", content, class_="card", aria_labelledby="more-title")


_READ = (
    "<b>An expression is what a face shows, not what a person feels.</b> A smile can be polite, tense or happy; a neutral face"
    " can hide anything. Nothing here says what someone thinks, feels or intends, and nothing should be decided about a person"
    " because of it.",
    "<b>A score is not a certainty.</b> Scores of the expressions add up to 1. Where the best one is below 0.5, the page says"
    " between which two it is unclear. How often such scores are right is written in the cards of the networks.",
    "<b>Action units</b> are movements of the face, after the Facial Action Coding System. Intensity goes from 0 (absent) to 5;"
    " 1 to 5 stand for the letters A to E.",
    "<b>Valence and arousal</b> are derived from the expression: they can say no more than it does.",
    "<b>Head pose and gaze</b> are angles as the camera sees them. Pitch is up, yaw is to the right of the picture, roll is"
    " clockwise in the picture. Gaze is where the eyes point, with an error of several degrees.",
    "<b>Gaps are gaps.</b> Hatched: the face was there but could not be read. Empty: it was not found. Neither counts as zero,"
    " and shares of the time are shares of the time that could be read. In long videos each point is the mean of several frames.",
    "<b>It can fail</b> with small, blurred, covered or turned faces, hard light, make-up and drawings, and more often for groups"
    " of people that were rare in the training pictures. The same face number means the same track, not a proven identity.",
    "<b>This page holds pictures of faces.</b> Treat it with the same care as the pictures themselves.",
)  # fmt: skip


def _how_to_read() -> str:
    rows = [(unit, name, MOVEMENTS[unit]) for unit, (name, _) in ACTION_UNITS.items()]
    glossary = table("Action units that are read here", ("unit", "name", "what moves"), rows)
    content = tag("h2", "How to read this", id="how-title")
    content += tag("div", "".join(f"<p>{line}</p>" for line in _READ), class_="columns")
    content += tag("details", tag("summary", "All action units") + glossary)
    return tag("section", content, id="how-to-read", class_="card", aria_labelledby="how-title")


def _made(settings: Mapping[str, Any]) -> str:
    rows = "".join(f"<dt>{text(name)}</dt><dd>{text(value)}</dd>" for name, value in _flat(settings))
    content = tag("h2", "How it was made", id="made-title")
    content += tag("p", f"Made on {time.strftime('%Y-%m-%d %H:%M')} with mien {text(__version__)}.", class_="meta")
    if rows:
        content += tag("dl", rows, class_="settings")
    return tag("section", content, class_="card", aria_labelledby="made-title")


def _flat(settings: Mapping[str, Any], before: str = "") -> list[tuple[str, str]]:
    """Settings as lines; those inside others get both names."""
    found: list[tuple[str, str]] = []
    for key, value in settings.items():
        name = f"{before}{capital(str(key)) if not before else key}".replace("_", " ")
        if isinstance(value, Mapping):
            found += _flat(value, f"{name}: ")
        else:
            found.append((name, "not set" if value is None else str(value)))
    return found
