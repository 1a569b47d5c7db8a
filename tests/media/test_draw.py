"""Pictures with what was read of them: nothing is covered, nothing is invented, and every size looks alike."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mien.errors import InputError
from mien.geometry import pose
from mien.labels import FERPLUS_8, UNITS
from mien.media import draw
from mien.media.bars import Panel, Row, strongest
from mien.media.draw import PALETTE, annotate, colour_of, thumbnail
from mien.media.ink import Sheet, blend, clear, inside, letters
from mien.runtime.models import face_data
from mien.types import Faces, Frame, Scores


def mesh_at(x: float, y: float, height: float, angles: tuple[float, float, float] = (0, 0, 0)) -> np.ndarray:
    """The canonical face, turned, about ``height`` pixels high, around x and y."""
    points = face_data()["canonical"] - face_data()["canonical"].mean(0)
    scale = height / np.ptp(points[:, 1])
    return (scale * points @ pose.matrix(np.array([angles], np.float32))[0].T + [x, y, 0]).astype(np.float32)


def faces_at(places: list[tuple[float, float, float]], angles: tuple[float, float, float] = (0, 0, 0), **changes: Any) -> Faces:
    """Faces with every field filled, at (x, y, height)."""
    mesh = np.stack([mesh_at(x, y, height, angles) for x, y, height in places])
    count = len(mesh)
    scores = np.tile([0.05, 0.91, 0.04, 0, 0, 0, 0, 0], (count, 1))
    intensity = np.zeros((count, len(UNITS)), np.float32)
    for value, name in enumerate(("AU01", "AU06", "AU12", "AU25", "AU26", "AU43"), start=1):
        intensity[:, UNITS.index(name)] = 0.8 * value
    values: dict[str, Any] = {
        "boxes": np.concatenate([mesh[:, :, :2].min(1), mesh[:, :, :2].max(1)], 1),
        "confidence": np.ones(count),
        "mesh": mesh,
        "pose": np.tile(np.array(angles, np.float32), (count, 1)),
        "gaze": np.tile(np.array([0.1, 0.4], np.float32), (count, 1)),
        "expression": Scores(scores, FERPLUS_8),
        "intensity": intensity,
        "status": np.array(["ok"] * count, "U16"),
    }
    return Faces(**(values | changes))


def frame_of(faces: Faces, height: int = 480, width: int = 640, grey: int = 120) -> Frame:
    return Frame(np.full((height, width, 3), grey, np.uint8), 0.0, 0, faces)


def changed(frame: Frame, **options: bool) -> np.ndarray:
    assert frame.image is not None
    return (annotate(frame, **options) != frame.image).any(-1)


# annotate -------------------------------------------------------------------------------------------------------------
def test_the_picture_is_new_and_the_frame_keeps_its_own() -> None:
    frame = frame_of(faces_at([(320, 240, 200)]))
    assert frame.image is not None
    before = frame.image.copy()
    drawn = annotate(frame)
    assert drawn.dtype == np.uint8
    assert drawn.shape == before.shape
    assert not np.shares_memory(drawn, frame.image)
    np.testing.assert_array_equal(frame.image, before)


def test_a_frame_without_faces_is_copied_as_it_is() -> None:
    frame = frame_of(Faces.none())
    np.testing.assert_array_equal(annotate(frame), frame.image)


def test_a_frame_without_a_picture_is_an_error_that_says_what_to_do() -> None:
    with pytest.raises(InputError, match=r"frame 7 of a\.mp4 has no picture; .*keep the pictures"):
        annotate(Frame(None, 0.0, 7, Faces.none(), "a.mp4"))


def test_a_picture_that_is_a_view_of_another_can_be_drawn_on() -> None:
    frame = frame_of(faces_at([(320, 240, 200)]))
    assert frame.image is not None
    turned = Frame(frame.image[:, ::-1], 0.0, 0, frame.faces)
    np.testing.assert_array_equal(annotate(turned), annotate(frame))


@pytest.mark.parametrize("option", ["boxes", "mesh", "labels", "bars"])
def test_each_part_can_be_left_out(option: str) -> None:
    frame = frame_of(faces_at([(320, 240, 200)]))
    nothing = {"boxes": False, "mesh": False, "labels": False, "bars": False}
    assert not changed(frame, **nothing).any()
    assert changed(frame, **(nothing | {option: True})).any()


def test_contours_lie_on_the_mesh() -> None:
    frame = frame_of(faces_at([(320, 240, 220)], pose=None, gaze=None))
    where = np.argwhere(changed(frame, boxes=False, labels=False, bars=False))
    mesh = frame.faces.mesh
    assert mesh is not None
    low, high = mesh[0, :, :2].min(0) - 4, mesh[0, :, :2].max(0) + 4
    assert (where[:, ::-1] >= low).all()
    assert (where[:, ::-1] <= high).all()


def test_a_gaze_to_the_right_of_the_picture_is_drawn_to_the_right() -> None:
    def reach(yaw: float) -> float:
        gaze = np.array([[0.0, yaw]], np.float32)
        frame = frame_of(faces_at([(320, 240, 220)], pose=None, gaze=gaze))
        without = frame_of(faces_at([(320, 240, 220)], pose=None, gaze=None))
        only = {"boxes": False, "labels": False, "bars": False}
        ray = (annotate(frame, **only) != annotate(without, **only)).any(-1)
        return float(np.argwhere(ray)[:, 1].mean())

    mesh = faces_at([(320, 240, 220)]).mesh
    assert mesh is not None
    pupils = float(mesh[0, [468, 473], 0].mean())
    assert reach(0.6) > pupils + 10
    assert reach(-0.6) < pupils - 10


def test_what_could_not_be_told_is_not_drawn() -> None:
    places = [(320.0, 240.0, 200.0)]
    nan = np.nan
    unknown = faces_at(
        places,
        expression=Scores(np.full((1, 8), nan), FERPLUS_8),
        intensity=np.full((1, len(UNITS)), nan),
        pose=np.full((1, 3), nan),
        gaze=np.full((1, 2), nan),
        mesh=np.full((1, 478, 3), nan),
    )
    bare = faces_at(places, expression=None, intensity=None, pose=None, gaze=None, mesh=None)
    np.testing.assert_array_equal(annotate(frame_of(unknown)), annotate(frame_of(bare)))
    assert not changed(frame_of(unknown), boxes=False).any()


def test_a_face_without_a_place_is_left_out() -> None:
    faces = faces_at([(200, 240, 150), (450, 240, 150)])
    boxes = faces.boxes.copy()
    boxes[0] = np.nan
    assert not changed(frame_of(faces.with_(boxes=boxes)), bars=False)[:, :300].any()


def test_a_status_that_is_not_ok_is_written_and_dashes_the_box() -> None:
    good = faces_at([(320, 240, 200)])
    blurred = good.with_(status=np.array(["blurred"], "U16"))

    def bright(faces: Faces) -> int:  # pixels of the line, without its dark rim
        return int((annotate(frame_of(faces, grey=0), mesh=False, labels=False, bars=False).max(-1) > 120).sum())

    assert 0.3 * bright(good) < bright(blurred) < 0.75 * bright(good)
    label = {"mesh": False, "boxes": False, "bars": False}
    assert changed(frame_of(blurred), **label).sum() > 1.3 * changed(frame_of(good), **label).sum()


@pytest.mark.parametrize(
    ("score", "status", "wanted"),
    [(0.91, "ok", "happiness 0.91"), (0.4, "ok", "happiness? 0.40"), (0.91, "cut_off", "happiness 0.91 cut off")],
)
def test_a_label_says_expression_score_and_status(score: float, status: str, wanted: str) -> None:
    scores = Scores(np.array([[1 - score - 0.3 * (score < 0.5), score, 0.3 * (score < 0.5), 0, 0, 0, 0, 0]]), FERPLUS_8)
    faces = faces_at([(320, 240, 200)], expression=scores, status=np.array([status], "U16"))
    mark = draw._Mark.of(faces[0], (480, 640), 200.0)
    assert mark is not None
    assert " ".join(text for text, _ in draw._versions(mark)[0]) == wanted


def test_a_label_of_a_face_that_could_not_be_read_says_why_and_no_number() -> None:
    unknown = Scores(np.full((1, 8), np.nan), FERPLUS_8)
    faces = faces_at([(320, 240, 200)], expression=unknown, status=np.array(["too_small"], "U16"))
    mark = draw._Mark.of(faces[0], (480, 640), 200.0)
    assert mark is not None
    assert [[text for text, _ in version] for version in draw._versions(mark)] == [["too small"], []]


@pytest.mark.parametrize("grey", [0, 120, 255])
def test_labels_can_be_read_on_every_background(grey: int) -> None:
    frame = frame_of(faces_at([(320, 260, 200)]), grey=grey)
    only = {"mesh": False, "boxes": False, "bars": False}
    drawn = annotate(frame, **only)
    rows, columns = np.nonzero(changed(frame, **only))
    plate = drawn[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1].mean(-1)
    plate = plate[2:-2, 2:-2]
    light, dark = np.percentile(plate, 99), np.percentile(plate, 30)
    assert light - dark > 110


def test_the_same_track_has_the_same_colour_and_neighbours_differ() -> None:
    assert [colour_of(i) for i in range(7)] == list(PALETTE)
    assert colour_of(3) == colour_of(3 + len(PALETTE))
    assert len(set(PALETTE)) == len(PALETTE)


def test_small_and_large_pictures_look_alike() -> None:
    shares = []
    for scale in (1, 2, 8):
        frame = frame_of(faces_at([(160 * scale, 130 * scale, 130 * scale)]), 240 * scale, 320 * scale)
        shares.append(changed(frame, bars=False).mean())
    assert max(shares) < 2.5 * min(shares)


def recorded(monkeypatch: pytest.MonkeyPatch, frame: Frame) -> tuple[list[Any], list[Any]]:
    """The rectangles of the labels and panels that are drawn."""
    labels: list[Any] = []
    panels: list[Any] = []
    monkeypatch.setattr(draw._Label, "draw", lambda self, picture, rect: labels.append((self.mark.face.index, rect)))
    monkeypatch.setattr(Panel, "draw", lambda self, picture, rect, colour: panels.append(rect))
    annotate(frame)
    return labels, panels


def test_twenty_five_faces_all_get_a_label_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    places = [(180 + 360 * i, 150 + 230 * j, 150.0) for j in range(5) for i in range(5)]
    frame = frame_of(faces_at(places, track=np.arange(25)), 1200, 1800)
    labels, _ = recorded(monkeypatch, frame)
    assert sorted(index for index, _ in labels) == list(range(25))
    rects = [rect for _, rect in labels]
    boxes = [tuple(box) for box in frame.faces.boxes.tolist()]
    for i, rect in enumerate(rects):
        assert inside(rect, (1200, 1800))
        assert clear(rect, boxes)
        assert clear(rect, rects[:i])


def test_panels_cover_no_face_no_label_and_stay_inside(monkeypatch: pytest.MonkeyPatch) -> None:
    frame = frame_of(faces_at([(350, 240, 190), (850, 250, 180)], track=np.array([1, 2])), 480, 1200)
    labels, panels = recorded(monkeypatch, frame)
    assert len(panels) == 2
    boxes = [tuple(box) for box in frame.faces.boxes.tolist()]
    for i, panel in enumerate(panels):
        assert inside(panel, (480, 1200))
        assert clear(panel, [*boxes, *(rect for _, rect in labels), *panels[:i]])


def test_a_label_covers_no_other_face(monkeypatch: pytest.MonkeyPatch) -> None:
    frame = frame_of(faces_at([(300, 150, 180), (300, 340, 180)], track=np.array([1, 2])))
    labels, _ = recorded(monkeypatch, frame)
    boxes = [tuple(box) for box in frame.faces.boxes.tolist()]
    assert len(labels) == 2
    assert all(clear(rect, boxes) for _, rect in labels)


def test_there_is_no_panel_where_there_is_no_room(monkeypatch: pytest.MonkeyPatch) -> None:
    _, crowded = recorded(monkeypatch, frame_of(faces_at([(100, 120, 190)]), 240, 200))
    assert crowded == []
    _, small = recorded(monkeypatch, frame_of(faces_at([(320, 240, 40)])))
    assert small == []


def test_a_label_stays_inside_when_the_face_fills_the_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    labels, _ = recorded(monkeypatch, frame_of(faces_at([(60, 70, 180)]), 140, 120))
    assert inside(labels[0][1], (140, 120))


@pytest.mark.parametrize("shape", [(1, 1), (3, 400), (400, 3), (40, 40)])
def test_odd_pictures_and_faces_beyond_the_edge_do_not_fail(shape: tuple[int, int]) -> None:
    faces = faces_at([(0, 0, 300), (2000, -500, 100), (10, 10, 1)])
    assert annotate(frame_of(faces, *shape)).shape == (*shape, 3)


# the panel ------------------------------------------------------------------------------------------------------------
def test_a_panel_holds_the_five_strongest_units_with_their_names() -> None:
    rows = strongest(faces_at([(320, 240, 200)])[0])
    assert [(row.unit, round(row.value, 1)) for row in rows] == [
        ("AU43", 4.8), ("AU26", 4.0), ("AU25", 3.2), ("AU12", 2.4), ("AU06", 1.6),
    ]  # fmt: skip
    assert rows[3].words == "lip corner puller"


def test_a_panel_leaves_out_what_is_not_there_and_what_could_not_be_told() -> None:
    intensity = np.full((1, len(UNITS)), np.nan, np.float32)
    intensity[0, UNITS.index("AU12")] = 3
    intensity[0, UNITS.index("AU12L")] = 4  # one side is no row of its own
    intensity[0, UNITS.index("AU04")] = 0.2
    assert [row.unit for row in strongest(faces_at([(320, 240, 200)], intensity=intensity)[0])] == ["AU12"]
    assert strongest(faces_at([(320, 240, 200)], intensity=None)[0]) == []


@settings(max_examples=60, deadline=None)
@given(
    st.tuples(st.integers(0, 500), st.integers(0, 300), st.integers(20, 300), st.integers(20, 300)),
    st.lists(st.tuples(st.integers(0, 600), st.integers(0, 400), st.integers(5, 200), st.integers(5, 200)), max_size=6),
)
def test_wherever_a_panel_is_placed_it_covers_nothing(face: tuple[int, ...], others: list[tuple[int, ...]]) -> None:
    def rect(r: tuple[int, ...]) -> tuple[float, float, float, float]:
        return (r[0], r[1], r[0] + r[2], r[1] + r[3])

    panel = Panel([Row("AU12", "lip corner puller", 3.0)] * 3, 12)
    taken = [rect(other) for other in others]
    place = panel.place(rect(face), taken, (480, 640))
    if place is not None:
        assert inside(place, (480, 640))
        assert clear(place, [rect(face), *taken])
        assert (place[2] - place[0], place[3] - place[1]) == (panel.width, panel.height)


# ink ------------------------------------------------------------------------------------------------------------------
@settings(max_examples=50, deadline=None)
@given(st.integers(-30, 50), st.integers(-30, 50), st.floats(0, 1))
def test_blending_touches_only_what_lies_under_the_mask(x: int, y: int, opacity: float) -> None:
    picture = np.full((40, 30, 3), 100, np.uint8)
    blend(picture, np.full((12, 9), 255, np.uint8), x, y, (200, 100, 0), opacity)
    wanted = np.full((40, 30, 3), 100, np.float64)
    part = wanted[max(y, 0) : max(y + 12, 0), max(x, 0) : max(x + 9, 0)]
    part += opacity * (np.array([200, 100, 0]) - part)
    assert np.abs(picture - wanted).max() <= 1


def test_a_line_of_a_sheet_lies_where_it_was_asked_for() -> None:
    for width in (1.0, 6.0):  # drawn at twice the size, and at its own
        picture = np.zeros((60, 60, 3), np.uint8)
        sheet = Sheet((5, 7, 55, 53), (60, 60), width)
        sheet.lines(np.array([[10.0, 30.0], [50.0, 30.0]], np.float32), width)
        sheet.onto(picture, (255, 255, 255))
        rows = picture[:, 20:40, 0].astype(float).sum(1)
        assert abs((rows * np.arange(60)).sum() / rows.sum() - 30) < 0.15
        assert abs(rows.sum() / (20 * 255) - width) < 0.8


def test_words_of_small_text_are_apart() -> None:
    mask = letters("lip corner", 10)
    empty = (mask < 40).all(0)
    runs = "".join("1" if e else "0" for e in empty).strip("1").split("0")
    assert max(len(run) for run in runs) >= 2


# thumbnail ------------------------------------------------------------------------------------------------------------
def dotted(faces: Faces, points: np.ndarray) -> Frame:
    """A frame with a white dot at each point."""
    image = np.zeros((480, 640, 3), np.uint8)
    for x, y in np.round(points[:, :2]).astype(int):
        image[y - 3 : y + 4, x - 3 : x + 4] = 255
    return Frame(image, 0.0, 0, faces)


def dots(chip: np.ndarray) -> np.ndarray:
    """Centres of the dots of a chip, from left to right."""
    import cv2

    centres = cv2.connectedComponentsWithStats((chip[..., 0] > 150).astype(np.uint8))[3][1:]
    return centres[np.argsort(centres[:, 0])]


@pytest.mark.parametrize("roll", [0.0, 0.7, -2.5])
def test_a_thumbnail_stands_upright(roll: float) -> None:
    faces = faces_at([(320, 240, 180)], angles=(0, 0, roll))
    assert faces.mesh is not None
    eyes = faces.mesh[0, [468, 473]]
    chip = thumbnail(dotted(faces, eyes), 0)
    assert chip.shape == (160, 160, 3)
    right, left = dots(chip)
    assert abs(right[1] - left[1]) < 2
    assert 30 < left[0] - right[0] < 90
    assert right[1] < 85  # in the upper half


def test_a_thumbnail_without_a_mesh_uses_landmarks_and_box() -> None:
    faces = faces_at([(320, 240, 180)], angles=(0, 0, 0.6))
    assert faces.mesh is not None
    five = faces.mesh[:, [468, 473, 1, 61, 291], :2]
    right, left = dots(thumbnail(dotted(faces, five[0, :2]), 0, size=96))
    flat = faces.with_(mesh=np.full((1, 478, 3), np.nan), landmarks=five)
    right, left = dots(thumbnail(dotted(flat, five[0, :2]), 0, size=96))
    assert abs(right[1] - left[1]) < 2
    assert thumbnail(frame_of(flat.with_(landmarks=None)), 0, size=64).shape == (64, 64, 3)


def test_a_thumbnail_beyond_the_edge_is_grey_there() -> None:
    chip = thumbnail(frame_of(faces_at([(5, 240, 180)]), grey=10), 0)
    assert (chip[:, 0] == 128).all()
    assert (chip[80, 150] == 10).all()


def test_a_thumbnail_of_no_face_or_no_picture_is_an_error() -> None:
    with pytest.raises(IndexError):
        thumbnail(frame_of(faces_at([(320, 240, 180)])), 1)
    with pytest.raises(InputError):
        thumbnail(Frame(None, 0.0, 0, faces_at([(320, 240, 180)])), 0)
