"""The action unit map: monotone, sided, never 0 for what could not be told, blinks told from closed eyes by time."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mien.labels import ACTION_UNITS, ARKIT_52, UNITS
from mien.stages import units
from mien.types import Faces, Frame, Scores

from .faces import posed, shapes


def faces(blendshapes: Scores, mesh: np.ndarray | None = None, yaw: float = 0.0) -> Faces:
    count = len(blendshapes)
    mesh = np.repeat(posed(), count, 0) if mesh is None else mesh
    angles = np.tile(np.float32([0, yaw, 0]), (count, 1))
    return Faces(np.zeros((count, 4)), np.ones(count), mesh=mesh, pose=angles, blendshapes=blendshapes, track=np.zeros(count))


def test_every_unit_has_a_rule_on_known_shapes() -> None:
    assert set(units.UNIT_TABLE) == set(ACTION_UNITS)
    for unit, rule in units.UNIT_TABLE.items():
        assert 0 <= rule.floor < rule.full, unit
        for name, weight in rule.shapes:
            assert weight > 0, unit  # a negative weight would break monotony
            assert all(name.replace("*", side) in ARKIT_52 for side in ("Left", "Right"))


@settings(deadline=None, max_examples=30)
@given(st.sampled_from(ARKIT_52.names), st.floats(0, 1), st.floats(0, 1), st.integers(0, 99))
def test_more_of_a_shape_never_reads_as_less(name: str, a: float, b: float, seed: int) -> None:
    low, high = sorted((a, b))
    base = np.random.default_rng(seed).random((1, 52)).astype(np.float32) * 0.5
    values = np.repeat(base, 2, 0)
    values[:, ARKIT_52.index(name)] = low, high
    read = units.read(faces(Scores(values, ARKIT_52)))
    assert (read[1] >= read[0] - 1e-6).all()


def test_a_neutral_face_has_no_units() -> None:
    read = units.read(faces(shapes()))
    assert (read == 0).all()
    assert units.presence(read).values.max() < 0.1


@pytest.mark.parametrize(
    ("shape", "unit"),
    [("mouthSmile", "AU12"), ("browDown", "AU04"), ("noseSneer", "AU09"), ("eyeWide", "AU05"), ("cheekSquint", "AU06")],
)
def test_one_side_is_read_on_its_side(shape: str, unit: str) -> None:
    read = units.read(faces(shapes(**{f"{shape}Left": 1.0})))[0]
    assert read[UNITS.index(unit)] == read[UNITS.index(unit + "L")] == 5
    assert read[UNITS.index(unit + "R")] == 0


def test_lips_part_by_the_gap_on_the_mesh() -> None:
    mesh = posed()
    mesh[:, 14, 1] += 20  # 2 cm
    unit = UNITS.index("AU25")
    assert units.read(faces(shapes(), mesh))[0, unit] > 3
    assert units.read(faces(shapes()))[0, unit] == 0


def test_the_inner_brow_is_sided_by_its_height() -> None:
    mesh = posed()
    mesh[:, [285, 336], 1] -= 6  # 0.6 cm up on the person's left
    read = units.read(faces(shapes(browInnerUp=0.5), mesh))[0]
    assert read[UNITS.index("AU01L")] > read[UNITS.index("AU01R")] + 1


def test_the_far_half_of_a_profile_is_not_told() -> None:
    read = units.read(faces(shapes(mouthSmileLeft=1, mouthSmileRight=0.5), yaw=1.2))[0]
    assert np.isnan(read[UNITS.index("AU12L")])
    assert read[UNITS.index("AU12")] == read[UNITS.index("AU12R")] > 0


def test_nan_shapes_give_nan_units() -> None:
    read = units.read(faces(Scores(np.full((1, 52), np.nan), ARKIT_52)))
    sure = [UNITS.index(u) for u in UNITS if u != "AU25"]
    assert np.isnan(read[0, sure]).all()
    assert np.isnan(units.presence(read).values[0, sure]).all()


def test_presence_is_half_at_its_intensity_and_rises() -> None:
    levels = np.linspace(0, 5, 11, dtype=np.float32)
    scores = units.presence(np.repeat(levels[:, None], len(UNITS), 1)).values[:, 0]
    assert (np.diff(scores) > 0).all()
    assert units.presence(np.full((1, len(UNITS)), units.PRESENT, np.float32)).values[0, 0] == pytest.approx(0.5)


def closing(stage: units.Units, times: list[float], closed: list[bool]) -> list[tuple[float, float]]:
    out = []
    for time, shut in zip(times, closed):
        level = 1.0 if shut else 0.0
        frame = stage([Frame(None, time, 0, faces(shapes(eyeBlinkLeft=level, eyeBlinkRight=level)))])[0]
        row = frame.faces.intensity[0]
        out.append((float(row[UNITS.index("AU45")]), float(row[UNITS.index("AU43")])))
    return out


def test_a_short_closure_is_a_blink_and_a_long_one_is_closed_eyes() -> None:
    times = [0.0, 0.1, 0.2, 0.3, 1.0, 1.2, 1.4, 1.6]
    found = closing(units.Units(video=True), times, [False, True, True, False, True, True, True, True])
    assert found[1] == found[2] == (5, 0)
    assert found[3] == (0, 0)
    assert found[4] == found[6] == (5, 0)
    assert found[7] == (0, 5)


def test_a_picture_cannot_tell_a_blink_from_closed_eyes() -> None:
    assert closing(units.Units(), [0.0], [True]) == [(5, 5)]
