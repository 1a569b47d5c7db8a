"""The page: well-formed, in itself complete, escaped, readable without colours and without eyes."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mien.errors import InputError
from mien.labels import UNITS
from mien.report import Report, write_report
from mien.report.html import tag, text
from mien.types import Faces, Frame

MakeFrame = Callable[..., Frame]
Parse = Callable[[str], Any]
NEUTRAL, HAPPY = {"neutral": 1.0}, {"happiness": 0.9}


def unreadable(name: str, reason: str) -> Frame:
    return Frame(None, 0, 0, Faces.none(), name, "unreadable", reason)


@pytest.fixture
def page(make_frame: MakeFrame) -> str:
    """A page with everything on it: a video with two faces and gaps, photos, broken files."""
    report = Report("Everything", {"mien": "0.1.0", "networks": {"mesh": "a1b2c3"}, "end": None})
    for i in range(200):
        intensity = np.zeros((2, len(UNITS)), np.float32)
        intensity[0, UNITS.index("AU12")] = 3.8 if i == 110 else 2.0
        first = None if 40 <= i < 60 else HAPPY if i > 100 else NEUTRAL
        gaze = np.full((2, 2), np.nan if i < 30 else 0.2)
        faces = make_frame(i, first, HAPPY, picture=i % 50 == 0, intensity=intensity, gaze=gaze)
        if 120 <= i < 150:
            faces = Frame(None, faces.time, i, faces.faces.take([0]), faces.source)
        report.add(faces)
    report.add(make_frame(0, HAPPY, None, source="a.jpg", picture=True))
    report.add(make_frame(0, source="wall.jpg"))
    report.add(unreadable("b.jpg", "b.jpg: 0 bytes; wanted a picture; copy it again"))
    return report.html()


def test_the_page_is_well_formed(page: str, parse: Parse) -> None:
    document = parse(page)
    assert page.startswith('<!DOCTYPE html>\n<html lang="en">')
    ids = [attrs["id"] for _, attrs in document.elements if "id" in attrs]
    assert len(ids) == len(set(ids))
    targets = [str(a["href"])[1:] for a in document.all("a")]
    assert set(targets) <= set(ids)
    labelled = [attrs["aria-labelledby"] for _, attrs in document.elements if "aria-labelledby" in attrs]
    assert set(labelled) <= set(ids)


def test_nothing_comes_from_outside(page: str, parse: Parse) -> None:
    document = parse(page)
    rest = re.sub(r"data:image/jpeg;base64,[A-Za-z0-9+/=]+", "", page)
    assert not re.search(r"https?:|//[a-z]|@import|url\(", rest)
    assert not document.all("link")
    assert not document.all("iframe")
    assert all("src" not in attrs for attrs in document.all("script"))
    for picture in document.all("img"):
        head, data = str(picture["src"]).split(",")
        assert head == "data:image/jpeg;base64"
        assert base64.b64decode(data)[:2] == b"\xff\xd8"
    policy = next(m["content"] for m in document.all("meta") if m.get("http-equiv") == "Content-Security-Policy")
    assert str(policy).startswith("default-src 'none'")


def test_the_page_can_be_read_without_script_colour_or_eyes(page: str, parse: Parse) -> None:
    document = parse(page)
    assert all(picture["alt"] for picture in document.all("img"))
    for chart in document.all("svg"):
        assert chart.get("aria-label") or chart.get("aria-hidden") == "true"
    assert len(document.all("table")) == len(document.all("caption")) > 0
    levels = [int(name[1]) for name, _ in document.elements if re.fullmatch("h[1-6]", name)]
    assert levels.count(1) == 1
    assert all(b <= a + 1 for a, b in pairwise(levels))
    dashes = re.findall(r"\.(l\d) \{[^}]*stroke-dasharray: ([^;]+);", page)
    assert len({dash for _, dash in dashes}) == 2  # and l0 is drawn through


def test_the_parts_come_in_order(page: str, parse: Parse) -> None:
    headings = [data.strip() for stack, data in parse(page).inside if stack[-1] in ("h1", "h2")]
    assert headings == ["Everything", "Could not be read", "film.mp4", "Photos", "How to read this", "How it was made"]


def test_the_numbers_are_on_the_page(page: str, parse: Parse) -> None:
    words = parse(page).text()
    assert "2 faces were followed in 8.0 s of video, up to 2 at once." in words
    assert "Face 0, seen for 8.0 s, shows happiness" in words or "Face 0, seen for 8.0 s, shows mostly happiness" in words
    assert "In 10 % of the frames the face could not be read (too small)." in words
    assert "3.8 at 0:04.4" in words
    assert "2 photos were read, one could not be. In one of them no face was found." in words
    assert "2 faces: 1 happiness; 1 too small to read." in words
    assert "What to do: copy it again." in words
    assert "expression is what a face shows, not what a person feels" in words
    assert "derived from the expression" in words
    assert "Networks: mesh a1b2c3" in words
    assert "End not set" in words


def lane(frames: list[Frame], name: str) -> str:
    """The HTML of one lane."""
    report = Report()
    for frame in frames:
        report.add(frame)
    return next(part for part in report.html().split("<figure") if f"<figcaption>{name}" in part)


def test_angles_are_drawn_in_degrees_and_upwards(make_frame: MakeFrame) -> None:
    pose = np.radians([[20.0, -40.0, 0.0]])
    found = lane([make_frame(i, HAPPY, pose=pose * i / 99) for i in range(100)], "Head pose")
    assert "pitch <b>0° to 20°</b>" in found
    assert "yaw <b>−40° to 0°</b>" in found

    def ends(name: str) -> tuple[int, int]:
        path = re.search(rf'class="line {name}" d="([^"]*)"', found)
        assert path is not None
        heights = [int(y) for y in re.findall(r"\d+ (\d+)", path[1])]
        return heights[0], heights[-1]

    up, down = ends("l0"), ends("l1")
    assert up[1] < up[0]  # y of an SVG points down
    assert down[1] > down[0]


def test_valence_and_arousal_say_where_they_come_from(make_frame: MakeFrame) -> None:
    found = lane([make_frame(i, HAPPY, affect=np.array([[0.6, 0.3]])) for i in range(50)], "Valence")
    assert "<small>derived from the expression</small>" in found
    assert "valence <b>0.6 to 0.6</b>" in found


def test_expressions_are_named_in_their_areas(make_frame: MakeFrame) -> None:
    found = lane([make_frame(i, HAPPY if i < 50 else NEUTRAL) for i in range(100)], "Expression")
    names = dict(re.findall(r'class="name" style="left:([\d.]+)%;top:[\d.]+%">(\w+)<', found))
    places = {name: float(left) for left, name in names.items()}
    assert places["happiness"] < 50 < places["neutral"]
    assert "happiness <b>50\u00a0%</b>" in found


def test_gaps_are_gaps(make_frame: MakeFrame) -> None:
    whole = lane([make_frame(i, HAPPY) for i in range(100)], "Head pose")
    nan = np.full((1, 3), np.nan)
    broken = lane([make_frame(i, HAPPY, **({"pose": nan} if 40 <= i < 60 else {})) for i in range(100)], "Head pose")
    path = re.search(r'class="line l0" d="([^"]*)"', whole)
    gap = re.search(r'class="line l0" d="([^"]*)"', broken)
    assert path is not None
    assert gap is not None
    assert path[1].count("M") == 1
    assert gap[1].count("M") == 2
    places = [int(x) for x in re.findall(r"[M ](\d+) \d+", gap[1])]
    assert not [x for x in places if 0.42 * 1200 < x < 0.58 * 1200]
    assert "nan" not in broken.lower()
    assert 'class="unread"' in broken
    assert 'class="unread"' not in whole


def test_no_number_stands_for_what_could_not_be_told(make_frame: MakeFrame, parse: Parse) -> None:
    nothing = {
        "pose": np.full((1, 3), np.nan), "gaze": np.full((1, 2), np.nan), "affect": np.full((1, 2), np.nan),
        "intensity": np.full((1, len(UNITS)), np.nan), "quality": np.full(1, np.nan),
    }  # fmt: skip
    report = Report()
    for i in range(50):
        report.add(make_frame(i, None, **nothing))
    html = report.html()
    words = parse(html).text()
    assert "nan" not in re.findall(r"[a-z]+", words.lower())
    assert not re.search(r"\bnan\b", html)
    assert "could not be told" in words
    assert 'class="line l0"' not in html


def test_names_are_escaped(make_frame: MakeFrame, parse: Parse) -> None:
    name = '<script>alert("x")</script>&amp;.jpg'
    report = Report("<b>title</b>", {"<i>key</i>": "<u>value</u>"})
    report.add(make_frame(0, HAPPY, source=name, picture=True))
    report.add(unreadable("<img src=x onerror=alert(1)>.jpg", "<img src=x onerror=alert(1)>.jpg: <b>broken</b>; do <i>this</i>"))
    for i in range(5):
        report.add(make_frame(i, HAPPY, source="<video onplay=alert(1)>.mp4", picture=True))
    html = report.html()
    document = parse(html)
    assert len(document.all("script")) == 1
    assert "alert(" not in "".join(data for stack, data in document.inside if "script" in stack)
    assert not document.all("video")
    assert not document.all("u")
    assert not [attrs for _, attrs in document.elements if any(key.startswith("on") for key in attrs)]
    words = document.text()
    assert name in words
    assert "<b>title</b>" in words
    assert "<b>broken</b>" in words


def test_odd_names_can_be_written(make_frame: MakeFrame, tmp_path: Path) -> None:
    report = Report()
    report.add(make_frame(0, HAPPY, source="bad\udcff\u202egpj.\x07exe"))
    report.write(tmp_path / "report.html")
    written = (tmp_path / "report.html").read_text("utf-8")
    assert "bad\\udcff\\x202egpj.\\x07exe" in written


def test_a_tag_quotes_its_attributes() -> None:
    assert tag("p", "a", title='"><script>') == '<p title="&quot;&gt;&lt;script&gt;">a</p>'
    assert text("a'b") == "a&#x27;b"


def test_nothing_at_all_is_a_page_too(parse: Parse) -> None:
    assert "Nothing was given to look at." in parse(Report().html()).text()


@pytest.mark.parametrize("frames", [1, 2, 3])
def test_very_short_videos(make_frame: MakeFrame, parse: Parse, frames: int) -> None:
    report = Report()
    for i in range(frames):
        report.add(make_frame(i + 1, HAPPY))
    parse(report.html())


def test_faces_of_which_only_the_box_is_known(parse: Parse) -> None:
    faces = Faces(np.array([[10, 10, 60, 60]], np.float32), np.ones(1))
    report = Report()
    grey = np.full((80, 80, 3), 90, np.uint8)
    report.add(Frame(grey, 0.0, 0, faces, "a.jpg"))
    for i in range(30):
        report.add(Frame(grey, i / 25, i, faces, "b.mp4"))
    words = parse(report.html()).text()
    assert "One face was followed for 1.2 s." in words
    assert "One photo was read. One face." in words


def test_a_page_can_be_written_before_the_end(make_frame: MakeFrame, tmp_path: Path, parse: Parse) -> None:
    report = Report()
    for i in range(60):
        report.add(make_frame(i, HAPPY))
        if i == 30:
            report.write(tmp_path / "a.html")
    report.write(tmp_path / "a.html")
    words = parse((tmp_path / "a.html").read_text("utf-8")).text()
    assert "One face was followed for 2.4 s." in words
    assert [p.name for p in tmp_path.iterdir()] == ["a.html"]


def test_write_report_takes_frames_one_by_one(make_frame: MakeFrame, tmp_path: Path, parse: Parse) -> None:
    write_report(tmp_path / "a.html", (make_frame(i, HAPPY) for i in range(10)), title="Mine", settings={"every": 2})
    document = parse((tmp_path / "a.html").read_text("utf-8"))
    assert document.text("h1") == "Mine"
    assert "Every 2" in document.text()


def test_a_folder_that_does_not_exist_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="the folder does not exist"):
        Report().write(tmp_path / "nowhere" / "a.html")


def test_the_time_axis_has_few_round_times() -> None:
    from mien.report.charts import Axis

    for span in (0.04, 1, 7, 19.6, 61, 3600, 86400 * 30):
        ticks = Axis(3.0, 3.0 + span, span / 100).ticks()
        assert 1 <= len(ticks) <= 8
        assert all(3.0 - 1e-6 <= t <= 3.0 + span + 1e-6 for t in ticks)
