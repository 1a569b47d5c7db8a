from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from mien.datasets import ACCESS, read_card, source, sources
from mien.datasets.labels import label_set, term
from mien.errors import InputError

GOOD = """
name = "good"
short = "Good"
title = "A good set"
access = "open"
how = "download it"
splits = ["train", "test"]
holds = ["expression"]
files = ["list.txt"]
layout = "a list"
subjects = 3

[counts]
train = 5

[labels]
expression = "fer-7"
"""


def place(folder: Path, text: str = GOOD, name: str = "good") -> Path:
    path = folder / f"{name}.toml"
    path.write_text(text, "utf-8")
    return path


class TestAll:
    def test_every_card_has_a_reader_and_says_how_to_get_the_data(self) -> None:
        assert len(sources()) >= 33
        folder = Path(sys.modules["mien.datasets"].__file__ or "").parent
        for card in sources():
            assert (folder / f"{card.name}.py").is_file(), card.name
            assert card.access in ACCESS, card.name
            assert len(card.how) > 10, card.name
            assert card.layout.endswith((".", "...")), card.name
            assert card.year is None or 2000 < card.year < 2030, card.name

    def test_the_data_sets_that_the_field_uses_are_there(self) -> None:
        wanted = """affectnet afew aff_wild2 aflw2000 bp4d caer_s casme2 celeba cofw dfew disfa expw fairface fer2013 ferv39k
        ibug_300w ijb_b ijb_c image_folder lfw mafw raf_db samm sfew smic table utkface wflw wider_face"""
        assert set(wanted.split()) <= {card.name for card in sources()}

    def test_names_and_slips_of_the_pen(self) -> None:
        assert source("RAF-DB").name == source("rafdb").name == source("raf db").name == "raf_db"
        assert source("300-W").name == "ibug_300w"
        assert source("CASME II").name == "casme2"
        with pytest.raises(InputError, match=r"unknown data set 'imagenet'.*did you mean"):
            source("imagenet")
        with pytest.raises(InputError, match="unknown data set"):
            source("")

    def test_listing_loads_nothing_heavy(self) -> None:
        code = (
            "import sys, mien.datasets as d; d.sources();print([m for m in ('numpy', 'cv2', 'PIL', 'scipy') if m in sys.modules])"
        )
        done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=True)
        assert done.stdout.strip() == "[]"

    def test_readers_need_no_scipy_to_be_imported(self) -> None:
        code = (
            "import sys, importlib, mien.datasets as d; [importlib.import_module(c.module) for c in d.sources()];"
            "print([m for m in ('scipy', 'h5py', 'pandas', 'torch', 'av') if m in sys.modules])"
        )
        done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=True)
        assert done.stdout.strip() == "[]"


class TestReading:
    def test_a_right_card_becomes_its_dataclass(self, tmp_path: Path) -> None:
        card = read_card(place(tmp_path))
        assert (card.name, card.subjects, card.counts, card.splits) == ("good", 3, {"train": 5}, ("train", "test"))
        assert card.module == "mien.datasets.good"
        assert card.confirmed
        assert not read_card(place(tmp_path, GOOD.replace("a list", "a list [inferred]"))).confirmed

    @pytest.mark.parametrize(
        ("old", "new", "words"),
        [
            ("title =", "titel =", "unknown key in good.toml 'titel'.*did you mean title"),
            ('access = "open"', 'access = "opne"', "unknown access.*did you mean open"),
            ('["expression"]', '["expresion"]', "unknown holds.*did you mean expression"),
            ("train = 5", "trian = 5", "unknown split.*did you mean train"),
            ('"fer-7"', '"fer-8"', "unknown label set 'fer-8'.*did you mean fer-7"),
            ('expression = "fer-7"', 'gender = "gender-2"', "unknown field"),
            ("subjects = 3", "subjects = 0", "above 0"),
            ("train = 5", "train = true", "above 0"),
            ('how = "download it"\n', "", "has no how"),
            ('name = "good"', 'name = "other"', "the name of the file"),
            ('title = "A good set"', "title = A good set", "TOML"),
        ],
    )
    def test_a_wrong_one_says_what_was_wanted(self, tmp_path: Path, old: str, new: str, words: str) -> None:
        with pytest.raises(InputError, match=words):
            read_card(place(tmp_path, GOOD.replace(old, new)))


class TestLabels:
    """The orders of classes as their own readmes print them."""

    @pytest.mark.parametrize(
        ("name", "text"),
        [
            ("raf-7", "surprise fear disgust happiness sadness anger neutral"),
            ("affectnet-7", "neutral happiness sadness surprise fear disgust anger"),
            ("emotiw-7", "anger disgust fear happiness neutral sadness surprise"),
            ("dfew-7", "happiness sadness neutral anger surprise disgust fear"),
            ("affwild2-8", "neutral anger disgust fear happiness sadness surprise other"),
            ("disfa-12", "AU01 AU02 AU04 AU05 AU06 AU09 AU12 AU15 AU17 AU20 AU25 AU26"),
            ("bp4d-12", "AU01 AU02 AU04 AU06 AU07 AU10 AU12 AU14 AU15 AU17 AU23 AU24"),
            ("affwild2-12", "AU01 AU02 AU04 AU06 AU07 AU10 AU12 AU15 AU23 AU24 AU25 AU26"),
            ("utkface-race-5", "White Black Asian Indian Others"),
            ("gender-2", "male female"),
        ],
    )
    def test_orders(self, name: str, text: str) -> None:
        assert label_set(name).names == tuple(text.split())

    def test_celeba_has_forty_in_alphabetical_order_but_for_case(self) -> None:
        names = label_set("celeba-40").names
        assert len(names) == 40
        assert list(names) == sorted(names)

    def test_shared_sets_are_found_too_and_words_become_terms(self) -> None:
        assert label_set("fer-7").index("anger") == 0
        assert [term(word) for word in ("Angry", "Sad", "Surprise", "Happiness")] == ["anger", "sadness", "surprise", "happiness"]
