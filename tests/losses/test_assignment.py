"""SimOTA on cases worked by hand, and the loss of YOLOX at its ends."""

from __future__ import annotations

import math

import pytest

torch = pytest.importorskip("torch")

from torch import Tensor  # noqa: E402

from mien.errors import InputError  # noqa: E402
from mien.losses.assignment import Assigned, Found, Places, YoloxLoss, simota  # noqa: E402
from mien.nn.yolox import places  # noqa: E402

pytestmark = pytest.mark.torch
WIDE = [0.0, 0.0, 24.0, 8.0]


def part(share: float) -> list[float]:
    """A box in WIDE that overlaps it by a share."""
    return [0.0, 0.0, 24.0 * share, 8.0]


def assigned(
    centres: list[list[float]],
    found: list[list[float]],
    boxes: list[list[float]],
    label: list[int],
    stride: float = 8.0,
    scores: Tensor | None = None,
) -> Assigned:
    """SimOTA of places of one stride; all alike sure of both classes where nothing is said."""
    logits = torch.zeros(len(centres), 2) if scores is None else scores
    given = Found(torch.tensor(found), torch.zeros(len(centres)), logits)
    where = Places(torch.tensor(centres), torch.full((len(centres),), stride))
    return simota(given, where, torch.tensor(boxes).reshape(-1, 4), torch.tensor(label, dtype=torch.long))


ROW = [[4.0, 4.0], [12.0, 4.0], [20.0, 4.0], [100.0, 100.0]]


def test_as_many_places_as_the_overlaps_add_up_to() -> None:
    # 1 + 0.5 + 0.6 = 2.1, so two: those that overlap most; the fourth overlaps fully, but lies elsewhere
    given = assigned(ROW, [part(1), part(0.5), part(0.6), part(1)], [WIDE], [0])
    assert given.place.tolist() == [0, 2]
    assert given.box.tolist() == [0, 0]
    assert given.overlap.tolist() == pytest.approx([1, 0.6])


def test_at_least_one_place() -> None:
    given = assigned(ROW, [part(0.1), part(0.2), part(0.1), part(1)], [WIDE], [0])
    assert given.place.tolist() == [1]
    assert given.overlap.tolist() == pytest.approx([0.2])


def test_only_the_ten_largest_overlaps_are_added_up() -> None:
    centres = [[float(x), 4.0] for x in range(1, 24)]
    given = assigned(centres, [part(0.5)] * 23, [WIDE], [0], stride=100.0)
    assert len(given.place) == 5


def test_the_right_class_is_worth_an_overlap() -> None:
    # BCE(sqrt(0.5 p), one-hot of class 1) against 3 log IoU: 0.42 instead of 0.40 is worth 3 log(1.05) = 0.15
    scores = torch.tensor([[0.0, 0.0], [0.0, 3.0], [3.0, 0.0], [0.0, 0.0]])
    given = assigned(ROW, [part(0.42), part(0.4), part(0.1), part(1)], [WIDE], [1], scores=scores)
    shares = [[math.sqrt(0.25), math.sqrt(0.25)], [math.sqrt(0.25), math.sqrt(0.5 / (1 + math.exp(-3)))]]
    cost = [-math.log(1 - a) - math.log(b) - 3 * math.log(iou) for (a, b), iou in zip(shares, (0.42, 0.4))]
    assert cost[1] < cost[0]
    assert given.place.tolist() == [1]
    # of the other class the first is better
    assert assigned(ROW, [part(0.42), part(0.4), part(0.1), part(1)], [WIDE], [0], scores=scores).place.tolist() == [0]


def test_near_the_middle_comes_before_overlap() -> None:
    box = [0.0, 0.0, 100.0, 8.0]
    found = [[0.0, 0.0, 45.0, 8.0], [0.0, 0.0, 20.0, 8.0]]
    given = assigned([[4.0, 4.0], [50.0, 4.0]], found, [box], [0], stride=1.0)
    assert given.place.tolist() == [1]


def test_a_place_that_two_boxes_take_answers_for_the_cheaper() -> None:
    other = [0.0, 0.0, 12.0, 8.0]
    # the first place overlaps WIDE by 0.9 and the other by 12 / 21.6; both want one place, and that is the best of both
    given = assigned([[4.0, 4.0], [6.0, 4.0]], [part(0.9), [40.0, 0.0, 50.0, 8.0]], [other, WIDE], [0, 0])
    assert given.place.tolist() == [0]
    assert given.box.tolist() == [1]
    assert given.overlap.tolist() == pytest.approx([0.9])


def test_places_near_a_box_smaller_than_a_cell_answer_for_it() -> None:
    # no middle lies in the box; all within 2.5 strides may answer, and one does
    box = [7.0, 3.0, 9.0, 5.0]
    given = assigned(ROW, [[0.0, 0.0, 8.0, 8.0], [7.0, 3.0, 9.0, 6.0], part(1), part(1)], [box], [0])
    assert given.place.tolist() == [1]


def test_no_box_and_no_place() -> None:
    for boxes, label in (([], []), ([[500.0, 500.0, 510.0, 510.0]], [0])):
        given = assigned(ROW, [part(1)] * 4, boxes, label)
        assert len(given.place) == len(given.box) == len(given.overlap) == 0
        assert given.place.dtype == torch.long


# The loss -------------------------------------------------------------------------------------------------------------------
def batch(boxes: list[list[list[float]]], label: list[list[int]], held: list[list[bool]]) -> dict[str, Tensor]:
    image = torch.zeros(len(boxes), 3, 32, 64, dtype=torch.uint8)
    return {"image": image, "boxes": torch.tensor(boxes), "label": torch.tensor(label), "held": torch.tensor(held)}


def test_a_picture_without_faces_has_the_loss_of_objectness_only() -> None:
    logits = torch.randn(1, 42)
    out = {"boxes": torch.rand(1, 42, 4), "objectness": logits, "scores": torch.randn(1, 42, 7)}
    parts = YoloxLoss()(out, batch([[[0.0, 0, 0, 0]]], [[0]], [[False]]))
    assert parts["box"] == parts["class"] == 0
    # the sum over all places, for nothing is divided by zero
    assert parts["loss"].item() == pytest.approx(torch.nn.functional.softplus(logits).sum().item(), rel=1e-5)


def test_a_perfect_answer_has_no_loss() -> None:
    truth = [0.2, 0.25, 0.8, 0.75]
    centres, _ = places(32, 64)
    inside = ((centres > torch.tensor([12.8, 8.0])) & (centres < torch.tensor([51.2, 24.0]))).all(1)
    out = {
        "boxes": torch.tensor(truth).expand(1, 42, 4).clone(),
        "objectness": torch.where(inside, 30.0, -30.0)[None],
        "scores": torch.full((1, 42, 7), -30.0),
    }
    out["scores"][..., 3] = 30
    parts = YoloxLoss()(out, batch([[truth]], [[3]], [[True]]))
    # 4 x 2 cells of stride 8 and two of 32 have their middle inside: as many as the ten overlaps of 1 ask for
    assert int(inside.sum()) == 10
    assert parts["loss"].item() == pytest.approx(0, abs=1e-5)
    wrong = YoloxLoss()(out, batch([[truth]], [[2]], [[True]]))
    assert wrong["class"].item() == pytest.approx(60, rel=1e-4)
    assert wrong["box"].item() == pytest.approx(0, abs=1e-5)


def test_boxes_weigh_five_times_and_classes_ask_for_the_overlap() -> None:
    truth, found = [0.25, 0.25, 0.75, 0.75], [0.25, 0.25, 0.75, 0.5]  # overlap 0.5
    out = {
        "boxes": torch.tensor(found).expand(1, 42, 4).clone(),
        "objectness": torch.zeros(1, 42),
        "scores": torch.zeros(1, 42, 2),
    }
    parts = YoloxLoss()(out, batch([[truth]], [[1]], [[True]]))
    assert parts["box"].item() == pytest.approx(5 * (1 - 0.25), rel=1e-5)
    assert parts["class"].item() == pytest.approx(2 * math.log(2), rel=1e-5)
    # ten overlaps of 0.5 ask for five places
    assert parts["object"].item() == pytest.approx(42 * math.log(2) / 5, rel=1e-5)
    assert parts["loss"].item() == pytest.approx(sum(parts[name].item() for name in ("box", "object", "class")), rel=1e-6)


def test_rows_that_are_not_held_change_nothing() -> None:
    torch.manual_seed(0)
    corner = torch.rand(2, 42, 2) * 0.5
    out = {
        "boxes": torch.cat([corner, corner + 0.3], 2).requires_grad_(),
        "objectness": torch.randn(2, 42, requires_grad=True),
        "scores": torch.randn(2, 42, 7, requires_grad=True),
    }
    truth, other = [0.2, 0.2, 0.6, 0.7], [0.5, 0.1, 0.9, 0.4]
    alone = YoloxLoss()(out, batch([[truth], [other]], [[1], [2]], [[True], [True]]))
    padded = YoloxLoss()(out, batch([[truth, other], [other, truth]], [[1, 6], [2, 6]], [[True, False], [True, False]]))
    assert alone["loss"].item() == padded["loss"].item()
    padded["loss"].backward()
    assert all(value.grad is not None and torch.isfinite(value.grad).all() for value in out.values())


def test_what_does_not_fit_is_refused() -> None:
    out = {"boxes": torch.rand(1, 42, 4), "objectness": torch.zeros(1, 42), "scores": torch.zeros(1, 42, 2)}
    with pytest.raises(InputError, match="class 5 of 2"):
        YoloxLoss()(out, batch([[[0.0, 0, 1, 1]]], [[5]], [[True]]))
    out["boxes"] = torch.rand(1, 40, 4)
    with pytest.raises(InputError, match="40 places"):
        YoloxLoss()(out, batch([[[0.0, 0, 1, 1]]], [[1]], [[True]]))
