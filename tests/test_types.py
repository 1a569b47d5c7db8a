"""Results: validation names field, got and wanted; taking, merging and views keep every field."""

from __future__ import annotations

import numpy as np
import pytest

from mien.labels import AFFECTNET_8, ARKIT_52, FER_7, FERPLUS_8, UNITS, LabelSet
from mien.types import Face, Faces, Frame, Scores


def some_faces(count: int, seed: int = 0) -> Faces:
    rng = np.random.default_rng(seed)
    return Faces(
        boxes=rng.uniform(0, 100, (count, 4)),
        confidence=rng.random(count),
        landmarks=rng.uniform(0, 100, (count, 5, 2)),
        mesh=rng.uniform(0, 100, (count, 478, 3)),
        presence=rng.random(count),
        pose=rng.normal(0, 1, (count, 3)),
        gaze=rng.normal(0, 1, (count, 2)),
        expression=Scores(rng.dirichlet(np.ones(8), count), FERPLUS_8),
        units=Scores(rng.random((count, len(UNITS))), UNITS),
        intensity=5 * rng.random((count, len(UNITS))),
        blendshapes=Scores(rng.random((count, 52)), ARKIT_52),
        affect=rng.uniform(-1, 1, (count, 2)),
        track=np.arange(count),
        quality=rng.random(count),
        status=np.array(["ok"] * count),
    )


def test_scores_say_what_shape_the_label_set_needs() -> None:
    with pytest.raises(ValueError, match=r"shape \(5, 7\); label set 'affectnet-8' needs \(n, 8\)"):
        Scores(np.zeros((5, 7)), AFFECTNET_8)


def test_scores_outside_of_their_range_are_an_error_and_nan_is_not() -> None:
    with pytest.raises(ValueError, match="wanted \\[0, 1\\]"):
        Scores(np.full((1, 7), 1.2), FER_7)
    assert Scores(np.full((2, 7), np.nan), FER_7).top() == [None, None]


def test_scores_reorder_by_name_and_refuse_other_names() -> None:
    scores = Scores(np.arange(8)[None] / 10, FERPLUS_8)
    moved = scores.to(AFFECTNET_8)
    for name in FERPLUS_8:
        assert moved[name] == scores[name]
    with pytest.raises(ValueError, match="contempt"):
        scores.to(FER_7)


def test_an_unknown_label_lists_the_nearest() -> None:
    with pytest.raises(ValueError, match="did you mean happiness"):
        Scores(np.zeros((1, 7)), FER_7)["hapiness"]


def test_a_label_set_holds_each_name_once() -> None:
    with pytest.raises(ValueError, match="twice"):
        LabelSet("bad", ("a", "b", "a"))


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("mesh", np.zeros((2, 468, 3)), r"Faces.mesh has shape \(2, 468, 3\); wanted \(n, 478, 3\)"),
        ("pose", np.zeros((3, 3)), r"Faces.pose has shape \(3, 3\); wanted \(2, 3\)"),
        ("gaze", np.zeros(2), r"Faces.gaze has shape \(2,\); wanted \(n, 2\)"),
        ("expression", Scores(np.zeros((3, 8)), FERPLUS_8), "Faces.expression has 3 rows; wanted 2"),
        ("units", Scores(np.zeros((2, 7)), FER_7), "Faces.units has label set 'fer-7'; wanted 'facs-23'"),
    ],
)
def test_faces_say_which_field_is_wrong(field: str, value: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        some_faces(2).with_(**{field: value})


def test_taking_faces_takes_every_field() -> None:
    faces = some_faces(4)
    part = faces[np.array([True, False, False, True])]
    assert len(part) == 2
    np.testing.assert_array_equal(part.mesh, faces.mesh[[0, 3]])
    np.testing.assert_array_equal(part.blendshapes.values, faces.blendshapes.values[[0, 3]])
    assert part.track.tolist() == [0, 3]


def test_merging_the_parts_gives_the_whole() -> None:
    faces = some_faces(5)
    again = Faces.merge([faces[:2], Faces.none(), faces[2:]])
    np.testing.assert_array_equal(again.mesh, faces.mesh)
    np.testing.assert_array_equal(again.units.values, faces.units.values)
    assert len(Faces.merge([])) == 0


def test_merging_refuses_a_field_that_is_there_only_sometimes() -> None:
    with pytest.raises(ValueError, match="landmarks is filled in some parts"):
        Faces.merge([some_faces(1), Faces(np.zeros((1, 4)), np.ones(1))])


def test_a_face_is_a_view_with_the_same_names() -> None:
    faces = some_faces(3)
    face = faces[1]
    assert isinstance(face, Face)
    assert face.box.tolist() == faces.boxes[1].tolist()
    assert face.units["AU12"] == pytest.approx(float(faces.units["AU12"][1]))
    assert face.intensity["AU12L"] == pytest.approx(float(faces.intensity[1, UNITS.index("AU12L")]))
    assert face.top == faces.expression.top()[1]
    with pytest.raises(AttributeError):
        face.hapiness  # noqa: B018
    with pytest.raises(IndexError, match="face 3 of 3"):
        faces[3]


def test_results_cannot_be_changed() -> None:
    with pytest.raises(AttributeError):
        some_faces(1).boxes = np.zeros((1, 4))


def test_a_frame_knows_its_statuses() -> None:
    with pytest.raises(ValueError, match="wanted one of ok, no_face"):
        Frame(None, 0.0, 0, Faces.none(), status="fine")
