"""Pieces of HTML: escaped text, tags, tables, pictures."""

from __future__ import annotations

import base64
import html
import re
from collections.abc import Iterable, Sequence

from .pictures import Still

_ODD = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
_UNIT = re.compile(r"(?<=\d) (?=(?:%|s|min|h)\b|%)")


def text(value: object) -> str:
    """Any text, made safe to stand in HTML, between tags as well as in a quoted attribute.

    Characters that no browser shows, or that turn the direction of writing, are shown as numbers.

    Example:
        >>> text('<script>"x"</script>.jpg')
        '&lt;script&gt;&quot;x&quot;&lt;/script&gt;.jpg'
    """
    # names of files can hold bytes that are no text at all; they come as lone surrogates
    plain = str(value).encode("utf-8", "backslashreplace").decode("utf-8")
    return html.escape(_ODD.sub(lambda found: f"\\x{ord(found[0]):02x}", plain), quote=True)


def prose(value: str) -> str:
    """A sentence made safe; a number stays on one line with its unit.

    Example:
        >>> prose("62 % of the time").split(" ")[0] == "62" + chr(0xA0) + "%"
        True
    """
    return text(_UNIT.sub("\u00a0", value))


def tag(name: str, content: str = "", **attributes: object) -> str:
    """An element around content that is HTML already; a trailing underscore of an attribute's name is cut off.

    Example:
        >>> tag("p", "one &amp; two", class_="lead", id=None)
        '<p class="lead">one &amp; two</p>'
    """
    given = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{text(value)}"' for key, value in attributes.items() if value is not None
    )
    return f"<{name}{given}>{content}</{name}>"


def table(caption: str, head: Sequence[str], rows: Iterable[Sequence[str]], class_: str | None = None) -> str:
    """A table of plain text with its caption; the first cell of a row is its heading."""
    top = "".join(tag("th", prose(cell), scope="col") for cell in head)
    body = [
        tag("tr", tag("th", prose(row[0]), scope="row") + "".join(tag("td", prose(cell)) for cell in row[1:])) for row in rows
    ]
    inner = f"<caption>{prose(caption)}</caption><thead><tr>{top}</tr></thead><tbody>{''.join(body)}</tbody>"
    # wide tables scroll by themselves; a keyboard reaches what can be scrolled
    return tag("div", tag("table", inner, class_=class_), class_="scroll", tabindex="0", role="region", aria_label=caption)


def image(picture: Still, alt: str, class_: str | None = None) -> str:
    """A picture that lies in the page itself."""
    data = base64.b64encode(picture.data).decode("ascii")
    size = f'width="{picture.width}" height="{picture.height}"'
    name = f' class="{text(class_)}"' if class_ else ""
    return f'<img{name} {size} decoding="async" alt="{text(alt)}" src="data:image/jpeg;base64,{data}">'
