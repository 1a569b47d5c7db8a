"""Reconstruction as a task: nothing but the picture goes in, an error comes out."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

import numpy as np  # noqa: E402

from mien.datasets.sample import Sample  # noqa: E402
from mien.errors import InputError  # noqa: E402
from mien.protocols import judge, protocol, targets  # noqa: E402
from mien.tasks import task  # noqa: E402
from mien.tasks.recipe import Augment, Recipe  # noqa: E402

pytestmark = pytest.mark.torch
ASKED, TASK = protocol("fairface/pixels"), task("reconstruct")


def test_nothing_is_read_but_the_picture() -> None:
    samples = [Sample("a"), Sample("b")]
    assert TASK.arrays(ASKED, samples, Recipe(ASKED.name, 1)) == {}
    assert TASK.given(ASKED, {}) == {}
    assert targets(ASKED, samples).tolist() == [0, 0]


@pytest.mark.parametrize("changed", [{"smoothing": 0.1}, {"augment": Augment(mixup=0.2)}])
def test_there_is_no_label_to_blur(changed: dict[str, object]) -> None:
    with pytest.raises(InputError, match="without labels"):
        TASK.arrays(ASKED, [], Recipe(ASKED.name, 1, **changed))


def test_the_loss_is_that_of_what_was_hidden() -> None:
    rebuilt = torch.tensor([[[1.0, 3.0], [9.0, 9.0]]])
    out = {"reconstruction": rebuilt, "wanted": torch.zeros(1, 2, 2), "mask": torch.tensor([[1.0, 0.0]])}
    assert TASK.objective(ASKED, {}, Recipe(ASKED.name, 1))(out, {})["loss"].item() == 5


def test_answers_are_judged_by_the_protocol() -> None:
    found = TASK.answers({"error": torch.tensor([0.5, 0.7]), "embedding": torch.zeros(2, 4)})
    assert set(found) == {"error", "embedding"}
    table = judge(ASKED, np.zeros(2), {name: value.numpy() for name, value in found.items()})
    assert table["R2(hidden)"].value == pytest.approx(0.4)
