"""Boxes with classes: from the samples of a data set to batches, and from the places of a network to figures."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from mien.datasets import expw  # noqa: E402
from mien.datasets.sample import Folder, Sample  # noqa: E402
from mien.errors import InputError  # noqa: E402
from mien.losses.assignment import YoloxLoss  # noqa: E402
from mien.protocols import judge, protocol, samples, targets  # noqa: E402
from mien.settings import override  # noqa: E402
from mien.tasks import task  # noqa: E402
from mien.tasks.detect import KEPT, best  # noqa: E402
from mien.tasks.recipe import Augment, Recipe  # noqa: E402

pytestmark = pytest.mark.torch
ENTRY = protocol("expw/detect")
ONE = replace(ENTRY, metrics=(*ENTRY.metrics, "AP anger(IoU=0.5)", "AP neutral(IoU=0.5)"))
RECIPE = Recipe(protocol="expw/detect", epochs=1, augment=Augment(flip=0.0))
DETECT = task("detect")


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> list[Sample]:
    """All pictures of a tiny ExpW; the first holds two faces."""
    folder = Path(tmp_path_factory.mktemp("expw"))
    expw.fake(folder, 0, 4)
    return [sample for part in ENTRY.parts for sample in samples(ENTRY, Folder("expw", folder), part)]


def test_batches_have_the_faces_of_a_picture_and_say_which_there_are(found: list[Sample]) -> None:
    arrays = DETECT.arrays(ENTRY, found, RECIPE)
    assert len(found) == 28
    assert {name: (value.shape, value.dtype) for name, value in arrays.items()} == {
        "boxes": ((28, 2, 4), np.float32), "label": ((28, 2), np.int64), "held": ((28, 2), np.bool_),
    }  # fmt: skip
    assert arrays["held"].sum() == 29
    row = next(k for k, sample in enumerate(found) if sample.clip == "anger_google_0.jpg")
    assert arrays["held"][row].all()
    # left, top, right, bottom of pictures of 64 pixels
    assert (arrays["boxes"][row] * 64).round().tolist() == [[8, 5, 50, 55], [2, 1, 20, 22]]
    assert arrays["label"][row].tolist() == [0, 6]
    other = next(k for k, sample in enumerate(found) if sample.clip == "happiness_google_12.jpg")
    assert arrays["held"][other].tolist() == [True, False]
    assert arrays["label"][other, 0] == 3
    assert np.isfinite(arrays["boxes"].astype(float)).all()
    assert DETECT.given(ENTRY, arrays) == {"classes": 7}
    assert isinstance(DETECT.objective(ENTRY, arrays, RECIPE), YoloxLoss)


@pytest.mark.parametrize(
    "word", ["augment.flip=0.5", "augment.rotate=0.1", "augment.scale=0.1", "augment.shift=0.1", "smoothing=0.1"]
)
def test_what_moves_pictures_is_refused(found: list[Sample], word: str) -> None:
    name = word.partition("=")[0]
    with pytest.raises(InputError, match=name) as error:
        DETECT.arrays(ENTRY, found, override(RECIPE, [word]))
    assert f"--set {name}=0" in str(error.value)


def test_views_and_boxes_without_classes_are_refused(found: list[Sample]) -> None:
    with pytest.raises(InputError, match="views"):
        DETECT.arrays(ENTRY, found, Recipe(protocol="expw/detect", epochs=1, augment=Augment(flip=0.0), views=("plain", "flip")))
    with pytest.raises(InputError, match="no classes"):
        DETECT.arrays(protocol("wider-face/val"), found, RECIPE)


def as_places(boxes: list[list[float]], score: list[float], kind: list[int], classes: int = 7) -> dict[str, torch.Tensor]:
    """What a network gives that is sure of a class, and of an object as told."""
    scores = torch.full((1, len(boxes), classes), -30.0)
    scores[0, torch.arange(len(boxes)), torch.tensor(kind)] = 30
    objectness = torch.logit(torch.tensor([score]))
    return {"boxes": torch.tensor([boxes]), "objectness": objectness, "scores": scores}


def test_answers_are_the_best_boxes_of_each_class() -> None:
    same, near, far = [0.0, 0.0, 0.4, 0.4], [0.0, 0.0, 0.4, 0.3], [0.5, 0.5, 0.9, 0.9]
    out = as_places([near, same, far, same, far], [0.6, 0.9, 0.8, 0.7, 0.0001], [2, 2, 2, 4, 1])
    rows = DETECT.answers(out)["boxes"]
    assert rows.shape == (1, KEPT, 6)
    kept = rows[0][~rows[0].isnan().any(1)]
    # near lies on same, which is surer; the last is not sure enough
    expected = torch.tensor([[*same, 0.9, 2], [*far, 0.8, 2], [*same, 0.7, 4]])
    assert torch.allclose(kept, expected, atol=1e-5)
    assert rows[0, 3:].isnan().all()


def test_the_score_is_that_of_an_object_times_that_of_its_class() -> None:
    out = {
        "boxes": torch.tensor([[[0.0, 0, 1, 1]]]),
        "objectness": torch.logit(torch.tensor([[0.5]])),
        "scores": torch.logit(torch.tensor([[[0.2, 0.6]]])),
    }
    assert DETECT.answers(out)["boxes"][0, 0, 4:].tolist() == pytest.approx([0.3, 1])


def test_boxes_far_outside_do_not_meet_those_of_another_class() -> None:
    rows = np.array([[-3, -3, -2, -2, 0.9, 0], [2, 2, 3, 3, 0.8, 1], [2, 2, 3, 3, 0.7, 0]], np.float32)
    assert len(best(rows)) == 3
    assert len(best(rows[:0])) == 0


def test_a_perfect_network_is_judged_perfect_and_a_wrong_class_counts(found: list[Sample]) -> None:
    truth = targets(ENTRY, found)
    outs = []
    for rows in truth:
        there = rows[~np.isnan(rows[:, 0])]
        outs.append(DETECT.answers(as_places(there[:, :4].tolist(), [0.9] * len(there), there[:, 4].astype(int).tolist())))
    answered = np.concatenate([out["boxes"].numpy() for out in outs])
    table = judge(ONE, truth, {"boxes": answered})
    assert all(row.value == pytest.approx(1) and row.constant == 0 for row in table.rows)
    assert table["mAP(IoU=0.5)"].n == table["face AP(IoU=0.5)"].n == 29
    assert table["AP neutral(IoU=0.5)"].n == 5
    confused = answered.copy()
    confused[confused[..., 5] == 6, 5] = 0  # neutral is called anger
    worse = judge(ONE, truth, {"boxes": confused})
    assert worse["face AP(IoU=0.5)"].value == pytest.approx(1)
    assert worse["AP neutral(IoU=0.5)"].value == 0
    # four faces of anger among nine of one score
    assert worse["AP anger(IoU=0.5)"].value == pytest.approx(4 / 9)
    assert worse["mAP(IoU=0.5)"].value == pytest.approx((5 + 4 / 9 + 0) / 7)
