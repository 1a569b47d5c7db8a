"""Overlaps worked by hand, and the limits of GIoU."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from hypothesis import given, settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402

from mien.losses.boxes import box_giou, box_iou, giou_loss, squared_iou_loss  # noqa: E402

pytestmark = pytest.mark.torch
A = torch.tensor([0.0, 0.0, 10.0, 10.0])


def test_iou_by_hand() -> None:
    assert box_iou(A, A).item() == 1
    assert box_iou(A, torch.tensor([0.0, 0, 10, 5])).item() == pytest.approx(0.5)
    assert box_iou(A, torch.tensor([5.0, 5, 15, 15])).item() == pytest.approx(25 / 175)
    assert box_iou(A, torch.tensor([10.0, 0, 20, 10])).item() == 0
    assert box_iou(A, torch.tensor([3.0, 3, 3, 3])).item() == 0
    assert box_iou(A[None, None], torch.stack([A, A + 100])[:, None]).shape == (2, 1)
    assert squared_iou_loss(A, torch.tensor([0.0, 0, 10, 5])).item() == pytest.approx(0.75)


def test_giou_by_hand() -> None:
    # the box around both is 30 wide, 200 of 300 are covered
    assert box_giou(A, torch.tensor([20.0, 0, 30, 10])).item() == pytest.approx(-1 / 3)
    assert box_giou(A, torch.tensor([5.0, 5, 15, 15])).item() == pytest.approx(25 / 175 - (225 - 175) / 225)


def test_limits_of_giou() -> None:
    # nothing in the gaps: IoU itself, for equal boxes and for one in the other
    assert giou_loss(A, A).item() == pytest.approx(0, abs=1e-6)
    inside = torch.tensor([2.0, 2, 6, 6])
    assert box_giou(A, inside).item() == pytest.approx(box_iou(A, inside).item())
    # far apart: -1
    assert box_giou(A, A + 1e5).item() == pytest.approx(-1, abs=1e-4)


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 10_000))
def test_giou_is_symmetric_lies_below_iou_and_does_not_change_by_scale(seed: int) -> None:
    rng = torch.Generator().manual_seed(seed)
    corner, size = torch.rand(2, 7, 2, generator=rng) * 10, torch.rand(2, 7, 2, generator=rng) * 5 + 0.1
    first, second = torch.cat([corner, corner + size], -1)
    iou, giou = box_iou(first, second), box_giou(first, second)
    assert torch.allclose(giou, box_giou(second, first), atol=1e-5)
    assert (giou <= iou + 1e-6).all()
    assert (giou > -1).all()
    stretch = torch.tensor([3.0, 7.0, 3.0, 7.0])
    assert torch.allclose(giou, box_giou(first * stretch, second * stretch), atol=1e-4)


def test_only_giou_pulls_boxes_together_that_do_not_touch() -> None:
    for loss, pulled in ((squared_iou_loss, False), (giou_loss, True)):
        box = (A + 30).clone().requires_grad_()
        loss(box, A).backward()
        assert box.grad is not None
        # the gradient points away from A, so a step against it moves the near corner to it
        assert bool((box.grad[:2] > 0).all()) == pulled
