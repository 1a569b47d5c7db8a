"""The section of a report for photos."""

from __future__ import annotations

from ..media.draw import colour_of
from .charts import expression_class
from .collect import MAX_FACES, Photo, PhotoFace
from .html import image, prose, table, tag, text
from .sources import Sources
from .words import capital, counted, listed, reading, status_words


def photos_section(sources: Sources) -> str:
    """All photos: the first ones in full, then a table; nothing where there are none."""
    if not sources.entries:
        return ""
    content = tag("h2", "Photos" if sources.photos.read > 1 else "Photo", id="photos-title")
    content += "".join(_article(photo) for photo in sources.entries)
    if sources.rows:
        rows = [(photo.name, str(photo.faces), _tally(photo)) for photo in sources.rows]
        content += tag("div", table("More photos", ("file", "faces", "what they show"), rows), class_="card")
    missing = sources.photos.read - len(sources.entries) - len(sources.rows)
    if missing > 0:
        content += tag("p", f"{missing:,} more photos are counted in the summary and not listed here.")
    return tag("section", content, id="photos", aria_labelledby="photos-title")


def _tally(photo: Photo) -> str:
    parts = [f"{count} {name}" for name, count in photo.shown.most_common()]
    parts += [f"{count} not read ({status_words(status)})" for status, count in photo.unread.items()]
    return ", ".join(parts) if parts else "no face was found" if not photo.faces else "no expression was read"


def _article(photo: Photo) -> str:
    tally = _tally(photo)
    content = tag("h3", text(photo.name) + f" <small>{prose(counted(photo.faces, 'face'))}</small>")
    many = len(photo.entries) > 4 or photo.poster is None
    if photo.poster is not None:
        alt = f"The photo with {counted(photo.faces, 'face')} marked: {tally}"
        content += tag("figure", image(photo.poster, alt), class_="poster-photo")
    if photo.entries:
        items = "".join(_face(face, photo.faces > 1) for face in photo.entries)
        content += tag("ul", items, class_="faces many" if many else "faces")
    elif not photo.faces:
        content += tag("p", "No face was found.", class_="meta")
    if photo.faces > MAX_FACES:
        content += tag("p", f"The {MAX_FACES} largest of {photo.faces:,} faces are shown.", class_="meta")
    return tag("article", content, class_="card photo plain" if photo.poster is None or many else "card photo")


def _face(face: PhotoFace, numbered: bool) -> str:
    best = reading(face.scores)
    title = "Could not be read" if best is None else capital(best[0]) if len(best) == 1 else f"Unclear: {listed(best)}"
    if best is None and not face.scores:
        title = f"Face {face.number}"
    chip = ""
    if numbered:
        chip = f'<span class="chip" style="--c:rgb{colour_of(face.number)}"><span class="skip">Face </span>{face.number}</span>'
    picture = "<span></span>" if face.picture is None else image(face.picture, f"Face {face.number}: {face.words}")
    bars = ""
    if best is not None:
        order = sorted(face.scores, key=lambda name: -face.scores[name])[:3]
        bars = tag("dl", "".join(_bar(name, face.scores[name], list(face.scores).index(name)) for name in order), class_="bars")
    doubt = f"Less certain: {status_words(face.status)}." if best is not None and face.status != "ok" else ""
    if best is None and face.scores:
        doubt = f"{capital(status_words('' if face.status == 'ok' else face.status))}."
    words = " ".join(part for part in (f"{capital(face.moves)}." if face.moves else "", doubt) if part)
    return tag("li", picture + tag("div", tag("h4", chip + prose(title)) + bars + tag("p", prose(words))))


def _bar(name: str, score: float, index: int) -> str:
    fill = f'<i class="{expression_class(name, index)}" style="width:{100 * score:.1f}%"></i>'
    return f'<dt>{text(name)}</dt><dd class="track" aria-hidden="true">{fill}</dd><dd>{score:.2f}</dd>'
