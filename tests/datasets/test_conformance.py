"""What every data set promises, tested on its fake."""

from __future__ import annotations

import importlib
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mien.datasets import SourceCard, sources
from mien.datasets.drawing import SHADES
from mien.datasets.labels import label_set
from mien.datasets.sample import Folder, Sample
from mien.errors import InputError
from mien.labels import FER_7

from .conftest import Made, read

ALL = [pytest.param(card, id=card.name) for card in sources()]
FREE_LABELS = ("image_folder", "table")  # label sets of the user

# samples of each split of the fakes, counted by hand from what they say that they write
COUNTS: dict[str, dict[str, int]] = {
    "afew": {"train": 7, "val": 7},
    "aff_wild2": {"train": 18, "val": 18},  # two videos of ten frames without the third
    "affectnet": {"train": 16, "val": 16},
    "affectnet_npy": {"train": 16, "val": 16},
    "aflw2000": {"test": 3},
    "bp4d": {"all": 12},
    "caer_s": {"train": 14, "test": 14},
    "casme2": {"all": 14},
    "celeba": {"train": 3, "val": 3, "test": 3},
    "cofw": {"train": 2, "test": 2},
    "dfew": {"train": 7, "test": 7},
    "disfa": {"all": 3},
    "expw": {"all": 15},
    "fairface": {"train": 9, "val": 9},
    "fairface_pack": {"train": 9},
    "fer2013": {"train": 14, "val": 14, "test": 14},
    "fer_mosaics": {"train": 14, "val": 14, "test": 14},
    "ferv39k": {"train": 14, "test": 14},
    "ibug_300w": {"train": 6, "test": 6, "common": 4, "challenging": 2},
    "ijb_b": {"all": 6},
    "ijb_c": {"all": 6},
    "image_folder": {"all": 6, "train": 6, "val": 6, "test": 6},
    "lfw": {"all": 8, "train": 6, "test": 2},
    "lfw_pack": {"all": 8},
    "mafw": {"train": 11, "test": 11},
    "raf_db": {"train": 14, "test": 14},
    "samm": {"all": 16},
    "sfew": {"train": 14, "val": 14, "test": 2},
    "infer": {"all": 105, "posed": 84, "web": 21, "clips": 7},
    "headset": {"all": 32, "plain": 24, "hmd": 8},
    "smic": {"all": 18},
    "table": {"all": 29, "train": 14, "val": 15},
    "utkface": {"all": 7},
    "wflw": {"train": 3, "test": 3},
    "wider_face": {"train": 3, "val": 3, "test": 3},
}


def options(name: str) -> dict[str, Any]:
    if name != "table":
        return {}
    from mien.datasets.table import Columns

    return {"columns": Columns(expression="expression", split="split"), "labels": FER_7}


def samples(card: SourceCard, root: Path) -> dict[str, list[Sample]]:
    return {split: read(card.name, root, split, **options(card.name)) for split in COUNTS[card.name]}


@pytest.mark.parametrize("card", ALL)
class TestEvery:
    def test_gives_the_samples_that_its_fake_holds(self, card: SourceCard, made: Made) -> None:
        found = samples(card, made(card.name))
        assert {split: len(part) for split, part in found.items()} == COUNTS[card.name]
        assert set(found) == set(card.splits) or card.name == "table"
        for part in found.values():
            assert len({sample.id for sample in part}) == len(part)
            assert all((sample.image is None) != (sample.frames is None) for sample in part)

    def test_pictures_are_rgb_and_have_kept_their_label(self, card: SourceCard, made: Made) -> None:
        for part in samples(card, made(card.name)).values():
            # several samples of a picture share its label only by chance
            several = {sample.clip for sample in part if "#" in sample.id and not sample.id.endswith("#0")}
            for sample in part:
                if sample.frames is not None and sample.frames.video is not None and sample is not part[-1]:
                    continue  # videos take long
                image = sample.read()
                assert image.dtype == np.uint8
                assert image.ndim == 3
                assert image.shape[2] == 3
                if sample.truth.expression is not None and sample.clip not in several:
                    shade = float(image[:3, :3].mean())
                    assert shade == pytest.approx(SHADES[sample.truth.expression.name], abs=4), sample.id

    def test_labels_are_those_of_the_card(self, card: SourceCard, made: Made) -> None:
        seen: set[str] = set()
        for part in samples(card, made(card.name)).values():
            for sample in part:
                seen |= set(sample.truth.known)
                for field, name in card.labels.items():
                    value = getattr(sample.truth, field)
                    assert value is None or value.labels == label_set(name), f"{sample.id}: {field}"
        assert seen <= set(card.holds)
        options_give_more = {"raf_db", "aff_wild2", "table"}
        assert seen == set(card.holds) or card.name in options_give_more

    def test_an_unknown_split_lists_those_that_exist(self, card: SourceCard, made: Made) -> None:
        with pytest.raises(InputError, match=r"unknown split|split 'traim'"):
            read(card.name, made(card.name), "traim", **options(card.name))

    def test_an_empty_folder_says_what_was_looked_for_where_and_how_to_get_it(
        self, card: SourceCard, made: Made, tmp_path: Path
    ) -> None:
        made(card.name)  # skips what cannot be read here
        with pytest.raises(InputError) as caught:
            read(card.name, tmp_path, card.splits[0], **options(card.name))
        if card.name == "image_folder":
            assert "no folder with pictures" in str(caught.value)
            return
        assert re.search(r"there is no (file|folder|picture)", str(caught.value))
        assert str(tmp_path) in str(caught.value)
        assert card.how in str(caught.value)

    def test_a_path_that_does_not_exist_is_named(self, card: SourceCard, tmp_path: Path) -> None:
        with pytest.raises(InputError, match="nowhere"):
            read(card.name, tmp_path / "nowhere", card.splits[0], **options(card.name))


@pytest.mark.parametrize("name", ["raf_db", "fer_mosaics", "wider_face", "casme2", "affectnet"])
def test_the_same_seed_gives_the_same_bytes(name: str, made: Made, tmp_path: Path) -> None:
    module = importlib.import_module(f"mien.datasets.{name}")
    for seed in (0, 1):
        module.fake(tmp_path / str(seed), seed)

    def content(folder: Path) -> dict[str, bytes]:
        # a spreadsheet holds the time at which it was written
        return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file() and p.suffix != ".xlsx"}

    assert content(tmp_path / "0") == content(made(name))
    assert content(tmp_path / "1") != content(made(name))


def test_a_folder_is_a_source(made: Made) -> None:
    folder = Folder("RAF-DB", made("raf_db"), aligned=False)
    assert folder.card.name == "raf_db"
    first = next(iter(folder.samples("train")))
    assert first.id == "train_00001"
    assert first.truth.landmarks is not None
