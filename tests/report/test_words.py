"""Sentences hold the right numbers, and say so when nothing is sure."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mien.labels import ACTION_UNITS, UNITS
from mien.report import words
from mien.report.words import PhotoCounts, Seen, photos_words, sentence, track_words, video_lines
from mien.types import Faces, Scores

MakeFaces = Callable[..., Faces]


def intensity(**values: float) -> np.ndarray:
    out = np.zeros((1, len(UNITS)), np.float32)
    for name, value in values.items():
        out[0, UNITS.index(name)] = value
    return out


# numbers --------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("seconds", "wanted"),
    [(0, "0:00.0"), (7.44, "0:07.4"), (59.96, "1:00.0"), (599.99, "10:00.0"), (3600, "1:00:00.0"), (-0.2, "0:00.0")],
)
def test_clock(seconds: float, wanted: str) -> None:
    assert words.clock(seconds) == wanted


@pytest.mark.parametrize(
    ("seconds", "wanted"),
    [(0.04, "0.04 s"), (19.6, "19.6 s"), (59.96, "1 min"), (61, "1 min 1 s"), (3599.7, "1 h"), (7322, "2 h 2 min")],
)
def test_length(seconds: float, wanted: str) -> None:
    assert words.length(seconds) == wanted


@given(st.floats(0, 1))
def test_a_share_that_is_not_none_never_reads_as_none(share: float) -> None:
    text = words.percent(share)
    assert (text == "0 %") == (share == 0)
    assert (text == "100 %") == (share == 1)


def test_every_action_unit_has_words() -> None:
    assert set(words.MOVEMENTS) == set(ACTION_UNITS)


# one face -------------------------------------------------------------------------------------------------------------
def test_a_clear_face(make_faces: MakeFaces) -> None:
    faces = make_faces({"happiness": 0.91}, intensity=intensity(AU12=3.8, AU12L=3.9, AU12R=3.5, AU06=2.1, AU25=0.9))
    assert sentence(faces[0]) == "happiness 0.91: lip corners pulled up (AU12 3.8), cheeks raised (AU06 2.1)"


def test_an_unclear_face_names_two(make_faces: MakeFaces) -> None:
    faces = make_faces({"neutral": 0.41, "sadness": 0.33, "anger": 0.26})
    assert sentence(faces[0]) == "unclear between neutral 0.41 and sadness 0.33"


def test_one_side_is_called_stronger(make_faces: MakeFaces) -> None:
    faces = make_faces({"contempt": 0.8}, intensity=intensity(AU14=2.5, AU14L=2.5, AU14R=0.4))
    assert sentence(faces[0]) == "contempt 0.80: lip corners pulled in (AU14 2.5, stronger on the left)"


def test_three_movements_at_most_and_no_blink_with_closed_eyes(make_faces: MakeFaces) -> None:
    faces = make_faces({"neutral": 1.0}, intensity=intensity(AU43=5, AU45=5, AU01=4, AU02=3, AU04=2))
    assert words.movements(faces[0]) == [
        "eyes closed (AU43 5.0)",
        "inner brows raised (AU01 4.0)",
        "outer brows raised (AU02 3.0)",
    ]


def test_an_absent_unit_is_left_out_whatever_its_intensity(make_faces: MakeFaces) -> None:
    presence = np.ones((1, len(UNITS)), np.float32)
    presence[0, UNITS.index("AU12")] = 0.2
    presence[0, UNITS.index("AU06")] = np.nan
    faces = make_faces({"neutral": 1.0}, intensity=intensity(AU12=3, AU06=2), units=Scores(presence, UNITS))
    assert words.movements(faces[0]) == ["cheeks raised (AU06 2.0)"]


@pytest.mark.parametrize(
    ("status", "wanted"),
    [("too_small", "too small"), ("not_visible", "not visible"), ("ok", "no expression")],
)
def test_a_face_that_could_not_be_read_says_why(make_faces: MakeFaces, status: str, wanted: str) -> None:
    faces = make_faces(None, status=np.array([status], "U16"), intensity=np.full((1, len(UNITS)), np.nan))
    assert sentence(faces[0]) == f"could not be read ({wanted})"


def test_a_doubtful_face_says_so(make_faces: MakeFaces) -> None:
    faces = make_faces({"happiness": 0.7}, status=np.array(["profile"], "U16"))
    assert sentence(faces[0]) == "happiness 0.70; less certain: profile"


def test_a_face_of_which_only_the_box_is_known() -> None:
    assert sentence(Faces(np.array([[0, 0, 9, 9]]), np.ones(1))[0]) == "a face"


# over time ------------------------------------------------------------------------------------------------------------
def test_one_face_over_time_reads_like_the_example() -> None:
    seen = Seen(
        "face 0", 19.6, {"neutral": 0.62, "happiness": 0.31}, 0.0, None, ("happiness", 7.4, 0.97), unread={"profile": 0.04}
    )
    assert video_lines(19.6, [seen], 0.0, 1) == [
        "One face was followed for 19.6 s."
        " It shows mostly neutral (62 % of the time), then happiness (31 %), strongest at 0:07.4."
        " In 4 % of the frames the face could not be read (profile)."
    ]


@pytest.mark.parametrize(
    ("seen", "wanted"),
    [
        (Seen("a", 1, {"happiness": 1.0}, strongest=("happiness", 2, 0.9)), "nearly all the time (100 %), strongest at 0:02.0."),
        (
            Seen("a", 1, {"neutral": 0.4, "fear": 0.3, "anger": 0.3}),
            "shows neutral (40 % of the time), fear (30 %) and anger (30 %).",
        ),
        (
            Seen("a", 1, {"happiness": 0.6, "neutral": 0.4}, strongest=("happiness", 2, 0.9)),
            "mostly happiness (60 % of the time, strongest at 0:02.0), then neutral (40 %).",
        ),
        (
            Seen("a", 1, {"neutral": 0.97, "surprise": 0.03}, strongest=("surprise", 3.2, 0.8)),
            "neutral nearly all the time (97 %), and briefly surprise at 0:03.2.",
        ),
        (Seen("a", 1, {}, 1.0, ("neutral", "sadness")), "It has an unclear expression, mostly between neutral and sadness."),
        (
            Seen("a", 1, {"neutral": 0.2}, 0.8, ("neutral", "sadness")),
            "It has an unclear expression for 80 % of the time, mostly between neutral and sadness; clear was neutral (20 %).",
        ),
        (
            Seen("a", 1, {"neutral": 0.8}, 0.2, ("neutral", "fear")),
            "For 20 % of the time it is unclear, mostly between neutral and fear.",
        ),
        (
            Seen("a", 1, {"neutral": 1.0}, doubtful={"profile": 0.06, "blurred": 0.03}),
            "In 9 % of the frames the reading is less certain (profile 6 %, blurred 3 %).",
        ),
    ],
)
def test_what_a_face_shows_over_time(seen: Seen, wanted: str) -> None:
    assert wanted in track_words(seen)


def test_a_face_that_was_never_read_gets_no_expression() -> None:
    assert (
        track_words(Seen("a", 3, unread={"too_small": 1.0})) == "In 100 % of the frames the face could not be read (too small)."
    )


def test_several_faces_get_a_line_each() -> None:
    lines = video_lines(20, [Seen("face 3", 12, {"neutral": 1.0}), Seen("face 5", 4, unread={"blurred": 1.0})], 0.1, 2)
    assert lines == [
        "2 faces were followed in 20.0 s of video, up to 2 at once. 10 % of the frames have no face.",
        "Face 3, seen for 12.0 s, shows neutral nearly all the time (100 %).",
        "Face 5, seen for 4.0 s, could not be read.",
    ]


def test_many_faces_are_not_all_listed() -> None:
    lines = video_lines(20, [Seen(f"face {i}", 1, {"neutral": 1.0}) for i in range(9)], 0, 1, others=5)
    assert len(lines) == 8
    assert lines[0].startswith("14 faces")
    assert lines[-1] == "8 more faces were seen for a shorter time."


def test_a_video_without_faces() -> None:
    assert video_lines(61, [], 1.0, 0) == ["No face was found in 1 min 1 s of video."]


# photos ---------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("counts", "wanted"),
    [
        (PhotoCounts(1, faces=1, shown={"fear": 1}), "One photo was read. One face: 1 fear."),
        (
            PhotoCounts(3, 2, 1, 2, {}, {"": 2}),
            "3 photos were read, 2 could not be. In one of them no face was found. 2 faces: 2 could not be read (no expression).",
        ),
        (PhotoCounts(0, 1), "One file could not be read."),
        (PhotoCounts(2, 0, 2), "2 photos were read. No face was found in them."),
        (PhotoCounts(1, faces=5, shown={"unclear": 3, "anger": 2}), "One photo was read. 5 faces: 2 anger, 3 unclear."),
    ],
)
def test_photos(counts: PhotoCounts, wanted: str) -> None:
    assert photos_words(counts) == wanted
