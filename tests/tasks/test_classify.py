"""Targets, weights of classes and answers of one class out of several."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("torch", reason="torch is not installed: pip install 'mien[torch]'")

import torch

from mien.datasets.labels import FERPLUS_10
from mien.datasets.sample import Category, Sample, Truth, Values
from mien.errors import InputError
from mien.labels import FER_7
from mien.losses.classification import CrossEntropy
from mien.protocols import protocol
from mien.tasks import classify, task
from mien.tasks.recipe import Recipe

pytestmark = pytest.mark.torch
RECIPE = Recipe("fer2013/7", 1)
SEVEN = protocol("fer2013/7")


def samples(*codes: int) -> list[Sample]:
    return [Sample(f"face {k}", truth=Truth(expression=Category(code, FER_7))) for k, code in enumerate(codes)]


def test_labels_and_smoothed_targets() -> None:
    found = classify.arrays(SEVEN, samples(3, 0), replace(RECIPE, smoothing=0.7))
    assert found["label"].tolist() == [3, 0]
    assert found["target"].dtype == np.float32
    assert found["target"][0] == pytest.approx([0.1, 0.1, 0.1, 0.4, 0.1, 0.1, 0.1])
    assert found["target"].sum(1) == pytest.approx([1, 1])


def test_classes_come_in_the_order_of_the_protocol() -> None:
    six = protocol("fer2013/6")
    found = classify.arrays(six, samples(FER_7.index("happiness"), FER_7.index("fear")), RECIPE)
    assert found["label"].tolist() == [0, 5]
    assert classify.given(six, found) == {"classes": 6}


def test_votes_stay_shares() -> None:
    votes = protocol("ferplus/votes")
    counts = np.zeros(10, np.float32)
    counts[FERPLUS_10.index("happiness")], counts[FERPLUS_10.index("surprise")] = 6, 4
    found = classify.arrays(votes, [Sample("face", truth=Truth(votes=Values(counts, FERPLUS_10)))], RECIPE)
    assert sorted(found["target"][0])[-2:] == pytest.approx([0.4, 0.6])
    assert found["label"][0] == found["target"][0].argmax()


def test_a_sample_without_label_is_named() -> None:
    with pytest.raises(InputError, match="1 samples without a label, nobody the first"):
        classify.arrays(SEVEN, [*samples(1), Sample("nobody")], RECIPE)


def test_balance_weighs_by_the_inverse_frequency() -> None:
    given = classify.arrays(SEVEN, samples(0, 0, 0, 1, 2, 3, 4, 5), RECIPE)
    assert classify.objective(SEVEN, given, RECIPE).weight is None
    found = classify.objective(SEVEN, given, replace(RECIPE, balance=0.5))
    assert isinstance(found, CrossEntropy)
    # 8 / (7 n), and a class that nobody shows as if one did
    assert found.weight.numpy() == pytest.approx((8 / (7 * np.array([3, 1, 1, 1, 1, 1, 1]))) ** 0.5)


def test_answers_are_probabilities_and_the_embedding_if_there_is_one() -> None:
    logits = torch.tensor([[0.0, np.log(3.0)]], dtype=torch.bfloat16)
    found = classify.answers({"logits": logits, "embedding": torch.ones(1, 3, dtype=torch.bfloat16)})
    assert found["probabilities"][0].tolist() == pytest.approx([0.25, 0.75], abs=2e-3)
    assert {value.dtype for value in found.values()} == {torch.float32}
    assert set(classify.answers({"logits": logits})) == {"probabilities"}


def test_a_task_that_nothing_trains_is_refused() -> None:
    with pytest.raises(InputError, match=r"unknown task 'juggle'; wanted one of: classify, .*embed"):
        task("juggle")
