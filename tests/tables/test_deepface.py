import json

import numpy as np
import pytest

from mien.errors import InputError
from mien.labels import FER_7
from mien.tables import Table
from mien.tables.deepface import from_deepface, to_deepface, to_deepface_batch

EMOTIONS = ["angry", "disgust", "fear", "happy", "sad", "surprise", "neutral"]
REGION = ["x", "y", "w", "h", "left_eye", "right_eye"]


def test_the_keys_are_those_of_deepface(make_table) -> None:
    face = to_deepface(make_table((1,)))[0]
    assert set(face) == {"emotion", "dominant_emotion", "region", "face_confidence"}
    assert list(face["emotion"]) == EMOTIONS
    assert list(face["region"]) == REGION
    assert sum(face["emotion"].values()) == pytest.approx(100, abs=0.01)
    assert face["dominant_emotion"] == max(face["emotion"], key=face["emotion"].get)
    assert isinstance(face["region"]["x"], int)
    assert isinstance(face["region"]["left_eye"], tuple)
    json.dumps(face, allow_nan=False)


def test_what_deepface_carries_comes_back(make_table) -> None:
    table = make_table((1, 2, 0, 1))
    back = from_deepface(to_deepface_batch(table), source="film.mp4")
    for name in ("source", "frame", "face", "status"):
        assert back[name].tolist() == table[name].tolist(), name
    for name in ("box_x1", "box_y1", "box_x2", "box_y2", "landmark_left_eye_x", "landmark_right_eye_y"):
        np.testing.assert_allclose(back[name], table[name], atol=0.501, err_msg=name)
    np.testing.assert_allclose(back["confidence"], table["confidence"], atol=6e-5)
    for name in FER_7:
        wanted = table[f"expression_{name}"] / (1 - table["expression_contempt"])
        np.testing.assert_allclose(back[f"expression_{name}"], wanted, atol=1e-6)
    seven = np.stack([table[f"expression_{n}"] for n in FER_7], axis=1)
    best = [None if np.isnan(row).any() else FER_7.names[row.argmax()] for row in seven]
    assert back["expression"].tolist() == best


def test_several_frames_need_the_batch_form(make_table) -> None:
    with pytest.raises(InputError, match="2 frames; wanted one picture"):
        to_deepface(make_table((1, 1)))
    assert [len(faces) for faces in to_deepface_batch(make_table((1, 0, 2)))] == [1, 0, 2]
    assert to_deepface(make_table((0,))) == []
    assert to_deepface(Table.from_frames([])) == []


def test_what_could_not_be_told_is_none_and_never_zero() -> None:
    face = to_deepface(Table.from_columns({"face": [0]}))[0]
    assert "emotion" not in face
    assert face["face_confidence"] is None
    assert face["region"] == dict.fromkeys(REGION)


def test_results_of_deepface_itself_are_read() -> None:
    result = {
        "emotion": {"angry": 1.0, "disgust": 0.0, "fear": 2.0, "happy": 90.0, "sad": 3.0, "surprise": 3.0, "neutral": 1.0},
        "dominant_emotion": "happy",
        "region": {"x": 10, "y": 20, "w": 100, "h": 110, "left_eye": (80, 60), "right_eye": (40, 61)},
        "face_confidence": np.float64(0.93),
        "age": 31,
    }
    table = from_deepface([result])
    assert table["expression"].tolist() == ["happiness"]
    assert table["expression_happiness"][0] == np.float32(0.9)
    assert np.isnan(table["expression_contempt"][0])
    assert (table["box_x2"][0], table["box_y2"][0]) == (110, 130)
    assert table["landmark_left_eye_x"][0] == 80
    plain = from_deepface([{"age": 3, "region": {"x": 1, "y": 2, "w": 3, "h": 4, "left_eye": None, "right_eye": None}}])
    assert plain["expression"].tolist() == [None]
    assert np.isnan(plain["confidence"][0])
    assert from_deepface([])["status"].tolist() == ["no_face"]


def test_something_else_is_refused() -> None:
    with pytest.raises(InputError, match="an entry of type int"):
        from_deepface([1, 2])
