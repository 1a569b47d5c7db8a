"""A protocol file that is wrong says what is wrong with it."""

from __future__ import annotations

from pathlib import Path

import pytest

from mien.errors import InputError
from mien.protocols import read
from mien.protocols.reading import FOLDER

GOOD = (FOLDER / "fer2013_6.toml").read_text("utf-8")
FOLDED = (FOLDER / "disfa_3-fold.toml").read_text("utf-8")


def written(folder: Path, text: str, name: str = "fer2013_6") -> Path:
    path = folder / f"{name}.toml"
    path.write_text(text, "utf-8")
    return path


def test_the_good_one_is_read(tmp_path: Path) -> None:
    entry = read(written(tmp_path, GOOD))
    assert entry.parts["tune"].held
    assert entry.parts["test"].splits == ("val", "test")
    assert list(entry.parts) == ["train", "tune", "test"]
    assert entry.views == {"clean": {"clean": True}}


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('name = "fer2013/6"', 'name = "fer2013/7"', "name is 'fer2013/7'; wanted 'fer2013_6'"),
        ("crop =", "crops =", "unknown key in fer2013_6.toml 'crops'.*crop"),
        ('select = "accuracy"', 'select = "UF1"', "unknown metric to select"),
        ('select = "accuracy"\n', "", "has no select"),
        ('"UAR"', '"UARR"', "unknown metric of classes 'UARR'"),
        ('"ECE(bins=15)"', '"ECE"', "ECE.bins"),
        ('task = "classify"', 'task = "clasify"', "unknown task"),
        ('task = "classify"', 'task = "detect"', "task is 'detect' with field 'expression'"),
        ('"fer_mosaics"]', '"fer_mosaic"]', "source 'fer_mosaic'; wanted 'fer_mosaics'"),
        ('"fer_mosaics"]', '"no such thing"]', "unknown data set"),
        ('"fer_mosaics"]', '"disfa"]', "DISFA has no expression"),
        ('labels = "fer-7"', 'labels = "fer-9"', "unknown label set"),
        ('labels = "fer-7"\n', "", "labels are missing"),
        ('"fear"]', '"feer"]', "unknown class.*fear"),
        ('"fear"]', '"fear", "fear"]', "a class stands twice"),
        ('task = "classify"', 'task = "classify"\nfield = "expresion"', "unknown field"),
        ('task = "classify"', 'task = "classify"\nfield = "age >= 2"', "intensity >= 2"),
        ('split = "val + test"', 'split = "val + tset"', "unknown split of FER2013"),
        ('split = "val + test"', 'split = "train"', "train and test both read train"),
        ("test = {", "tests = {", "unknown part"),
        ("hold = 0.1, by", "hold = 0.2, by", "do not go together"),
        ("hold = 0.1, held = true", "held = true", "do not go together|held without a share"),
        ("hold = 0.1 }", "hold = 1.5 }", "a share above 0 and below 1"),
        ("hold = 0.1 }", 'hold = 0.1, by = "subject" }', "differ in by or options"),
        ("hold = 0.1 }", 'hold = 0.1, by = "person" }', "unknown by"),
        ('select = "accuracy"', 'select = "accuracy"\nfolds = "loso"', "folds are 'loso', aggregate 'single'"),
        ('select = "accuracy"', 'select = "accuracy"\ncount = 3', "count is 3 with folds 'none'"),
        ('select = "accuracy"', 'select = "accuracy"\ngroups = "film"', "unknown groups"),
        ("clean = { clean = true }", 'other = { split = "vall" }', "unknown split of FER2013"),
        ("[parts]", "[parts", "a TOML file"),
    ],
)
def test_a_wrong_one_says_so(tmp_path: Path, old: str, new: str, message: str) -> None:
    text = GOOD
    if old == "hold = 0.1, by":
        old, new = "hold = 0.1,", "hold = 0.2,"
    if old == "hold = 0.1 }":
        old, new = 'train = { split = "train", hold = 0.1', f'train = {{ split = "train", {new.removesuffix(" }")}'
        text = text.replace(', by = "clip"', "")
    assert old in text, old
    with pytest.raises(InputError, match=message):
        read(written(tmp_path, text.replace(old, new, 1)))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("count = 3", "count = 4", "lists of subjects"),
        ('"SN002"', '"SN001"', "nobody in two"),
        ('folds = "subject"', 'folds = "subjects"', "unknown folds"),
        ('"intensity >= 2"', '"intensity > 2"', "intensity >= 2"),
        ('"intensity >= 2"', '"intensity >= two"', "intensity >= 2"),
        ('"intensity >= 2"', '"intensity"', "task is 'multilabel' with field 'intensity'"),
    ],
)
def test_folds_and_limits(tmp_path: Path, old: str, new: str, message: str) -> None:
    assert old in FOLDED
    with pytest.raises(InputError, match=message):
        read(written(tmp_path, FOLDED.replace(old, new, 1), "disfa_3-fold"))
