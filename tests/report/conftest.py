"""Frames of made-up people, for the tests of the report."""

from __future__ import annotations

from collections.abc import Callable
from html.parser import HTMLParser
from typing import Any

import numpy as np
import pytest

from mien.labels import FERPLUS_8, UNITS
from mien.runtime.models import face_data
from mien.types import Faces, Frame, Scores

MakeFaces = Callable[..., Faces]
MakeFrame = Callable[..., Frame]


@pytest.fixture
def make_faces() -> MakeFaces:
    """A function that makes faces: one for each dict of expression scores, or None for a face that could not be read."""

    def make(*expressions: dict[str, float] | None, **changes: Any) -> Faces:
        count = len(expressions)
        mesh = np.empty((count, 478, 3), np.float32)
        scores = np.zeros((count, 8), np.float32)
        points = face_data()["canonical"]
        for i, expression in enumerate(expressions):
            mesh[i] = 5 * points + [60 + 110 * i, 60, 0]
            if expression is None:
                scores[i] = np.nan
            else:
                scores[i, [FERPLUS_8.index(name) for name in expression]] = list(expression.values())
                scores[i, 0] += 1 - scores[i].sum()
        intensity = np.zeros((count, len(UNITS)), np.float32)
        values: dict[str, Any] = {
            "boxes": np.concatenate([mesh[:, :, :2].min(1), mesh[:, :, :2].max(1)], 1),
            "confidence": np.ones(count),
            "mesh": mesh,
            "pose": np.zeros((count, 3)),
            "gaze": np.zeros((count, 2)),
            "expression": Scores(scores, FERPLUS_8),
            "intensity": intensity,
            "affect": np.zeros((count, 2)),
            "track": np.arange(count),
            "quality": np.full(count, 0.8),
            "status": np.array(["ok" if e is not None else "too_small" for e in expressions], "U16"),
        }
        return Faces(**(values | changes))

    return make


@pytest.fixture
def make_frame(make_faces: MakeFaces) -> MakeFrame:
    """A function that makes a frame of a 25 Hz video, or a photo where the number is 0."""

    def make(
        index: int, *expressions: dict[str, float] | None, source: str = "film.mp4", picture: bool = False, **changes: Any
    ) -> Frame:
        faces = make_faces(*expressions, **changes) if expressions else Faces.none()
        image = np.full((130, 120 + 110 * len(expressions), 3), 90, np.uint8) if picture else None
        return Frame(image, index / 25, index, faces, source, "ok" if expressions else "no_face")

    return make


VOID = {"meta", "img", "br", "hr", "link", "input"}


class Document(HTMLParser):
    """A page taken apart; raises on tags that are not closed or closed in the wrong order."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.stack: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.inside: list[tuple[tuple[str, ...], str]] = []
        self.feed(page)
        self.close()
        assert not self.stack, f"not closed: {self.stack}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert len({name for name, _ in attrs}) == len(attrs), f"an attribute twice in {tag}: {attrs}"
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.stack.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert "svg" in self.stack, f"<{tag}/> outside of an SVG"
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.stack, f"</{tag}> without a beginning"
        assert self.stack[-1] == tag, f"</{tag}> closes {self.stack[-1]}"
        self.stack.pop()

    def handle_data(self, data: str) -> None:
        if data.strip():
            self.inside.append((tuple(self.stack), data))

    def text(self, tag: str | None = None) -> str:
        """What can be read, in the order of the page, a space between elements; of one kind of element if one is named."""
        parts = [
            data for stack, data in self.inside
            if not {"style", "script"} & set(stack) and (tag is None or tag in stack)
        ]  # fmt: skip
        return " ".join(" ".join(parts).split())

    def all(self, tag: str) -> list[dict[str, str | None]]:
        """The attributes of every element of that kind."""
        return [attrs for name, attrs in self.elements if name == tag]


@pytest.fixture
def parse() -> Callable[[str], Document]:
    """A function that takes a page apart."""
    return Document
