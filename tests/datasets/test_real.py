"""The readers on real data, where it is at hand, against the counts of its readmes."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from mien.datasets import lfw_pack, source
from mien.datasets.duplicates import dct_hash, near
from mien.datasets.fer2013 import majority
from mien.datasets.layout import rows
from mien.datasets.sample import Sample
from mien.geometry.boxes import iou

from .conftest import read

pytestmark = pytest.mark.data


Parts = dict[str, list[Sample]]


@pytest.fixture(scope="module")
def parts(data_dir: Path) -> Parts:
    return {split: read("fer_mosaics", data_dir / "fer2013plus", split) for split in ("train", "val")}


def test_fer_mosaics(data_dir: Path, parts: Parts) -> None:
    root = data_dir / "fer2013plus"
    counts = {
        "train": [3971, 436, 4082, 7188, 4795, 3157, 4929],
        "val": [467, 55, 492, 891, 651, 416, 607],
    }
    for split, part in parts.items():
        assert len(part) == source("fer_mosaics").counts[split]
        found = Counter(s.truth.expression.index for s in part if s.truth.expression)
        assert [found[index] for index in range(7)] == counts[split]
        assert all(s.truth.votes is not None and s.truth.votes.values.sum() in (9, 10) for s in part)
    assert len(read("fer_mosaics", root, "val", clean=True)) == 3579 - 919
    assert parts["train"][0].read().shape == (48, 48, 3)
    # how often the raters of FER+ agree with the label, where they agree with each other
    voted = [
        (s.truth.expression, majority(s.truth.votes))
        for s in parts["train"] + parts["val"]
        if s.truth.expression and s.truth.votes
    ]
    for name, share in {"happiness": 0.93, "neutral": 0.88, "surprise": 0.82, "anger": 0.51, "fear": 0.14}.items():
        won = [best.name == name for said, best in voted if best is not None and said.name == name]
        assert np.mean(won) == pytest.approx(share, abs=0.006), name
    listed = [row.text("fp_majority") for row in rows(root / "labels.csv")]
    assert [best.name if best else "" for _, best in voted] == listed


def test_the_hash_finds_the_share_of_leaked_photographs_that_its_docstring_says(data_dir: Path, parts: Parts) -> None:
    root = data_dir / "fer2013plus"
    listed = list(rows(root / "publictest_near_training.csv"))
    leaked, sources = ({f"{row.whole(column):07d}" for row in listed} for column in ("row", "training_row"))
    val = parts["val"]
    # the whole training part takes long: here the photographs that leaked, without their other copies, and every tenth face
    train = [s for i, s in enumerate(parts["train"]) if s.id in sources or i % 10 == 0]
    hashes = [np.array([dct_hash(s.read()) for s in part], np.uint64) for part in (val, train)]
    flagged = {val[i].id for i, _, _ in near(*hashes)}
    assert len(flagged & leaked) / len(leaked) == pytest.approx(0.53, abs=0.01)
    assert len(flagged & leaked) / len(flagged) > 0.97


def test_fairface(data_dir: Path) -> None:
    root = data_dir / "fairface"
    found = read("fairface_pack", root, "train")
    assert len(found) == source("fairface_pack").counts["train"] == 4421
    assert len(read("fairface_pack", root, "train", size=128)) == 5500
    assert sum(s.truth.boxes is None for s in found) == 30
    for sample in found[:40]:
        image, points, box = sample.read(), sample.truth.landmarks, sample.truth.box
        assert image.shape == (224, 224, 3)
        if points is not None and box is not None:
            # the points lie in the box, the right eye of the person to the left
            hull = np.concatenate([points.min(0), points.max(0)])[None].astype(np.float32)
            assert iou(hull, box[None])[0, 0] > 0.1
            assert points[0, 0] < points[1, 0] + 5


def test_lfw(data_dir: Path) -> None:
    root = data_dir / "lfw"
    found = {sample.id: sample for sample in read("lfw_pack", root, "all")}
    assert len(found) == source("lfw_pack").counts["all"] == 10_209
    assert len({sample.subject for sample in found.values()}) == source("lfw_pack").subjects == 4742
    assert next(iter(found.values())).read().shape == (128, 128, 3)
    counts = Counter(s.truth.expression.name if s.truth.expression else "" for s in found.values())
    assert (counts["neutral"], counts["happiness"], counts[""]) == (5276, 4315, 32)
    pairs = lfw_pack.pairs(root)
    assert len(pairs) == 4480
    assert {pair.fold for pair in pairs} == set(range(8))
    assert all((found[pair.first].subject == found[pair.second].subject) == pair.same for pair in pairs)
