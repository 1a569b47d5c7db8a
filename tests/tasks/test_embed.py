"""Persons as classes, and embeddings that are compared."""

from __future__ import annotations

from dataclasses import replace

import pytest

pytest.importorskip("torch", reason="torch is not installed: pip install 'mien[torch]'")

import torch

from mien.datasets.sample import Sample
from mien.errors import InputError
from mien.protocols import protocol
from mien.tasks import embed
from mien.tasks.recipe import Augment, Recipe

pytestmark = pytest.mark.torch
PEOPLE, RECIPE = protocol("lfw/people"), Recipe("lfw/people", 1)
SAMPLES = [Sample(str(k), subject=name) for k, name in enumerate(("b", "a", "c", "a"))]


def test_persons_are_numbered_in_the_order_of_their_names() -> None:
    found = embed.arrays(PEOPLE, SAMPLES, RECIPE)
    assert found["identity"].tolist() == [1, 0, 2, 0]
    assert found["identity"].dtype == "int64"
    assert embed.given(PEOPLE, found) == {"classes": 3}


def test_the_loss_knows_every_person() -> None:
    loss = embed.objective(PEOPLE, embed.arrays(PEOPLE, SAMPLES, RECIPE), RECIPE)
    assert loss.classifier.kernel.shape == (3, 512)
    assert (loss.angle, loss.add) == (0.0, 0.35)


@pytest.mark.parametrize("changes", [{"augment": Augment(mixup=0.2)}, {"smoothing": 0.1}], ids=["mixup", "smoothing"])
def test_pictures_of_two_persons_are_refused(changes: dict[str, object]) -> None:
    with pytest.raises(InputError, match="mixup=0 and smoothing=0"):
        embed.arrays(PEOPLE, SAMPLES, replace(RECIPE, **changes))


def test_answers_have_length_1() -> None:
    found = embed.answers({"embedding": torch.tensor([[3.0, 4.0]], dtype=torch.bfloat16)})["embedding"]
    assert found.tolist() == [pytest.approx([0.6, 0.8])]
    assert found.dtype == torch.float32
