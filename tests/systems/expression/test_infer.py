"""InFER: the numbers of the paper on a made-up index, folds without leaks, and figures worked by hand."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from mien.media.image import write_image

torch = pytest.importorskip("torch", reason="torch is not installed: pip install 'mien[torch]'")

from mien.datasets import infer as data  # noqa: E402
from mien.datasets.drawing import lines  # noqa: E402
from mien.datasets.sample import Category, Folder, Sample, Truth  # noqa: E402
from mien.datasets.splits import keys  # noqa: E402
from mien.errors import InputError  # noqa: E402
from mien.labels import FER_7, LabelSet  # noqa: E402
from mien.protocols import folds, protocol, samples  # noqa: E402
from mien.systems.expression import infer  # noqa: E402

from ...nn.counting import counted  # noqa: E402

pytestmark = pytest.mark.torch
HEAD = "path,label,subject,age_group,gender,region,source,video"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("infer")
    data.fake(root, 0)
    return root


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An index of the published size, without the pictures."""
    root = tmp_path_factory.mktemp("whole")
    posed = [f"p/{k}_{e}.jpg,{e},S{k},,,,posed,v/{k}_{e}.mp4" for k in range(600) for e in FER_7]
    web = [f"w/{k}.jpg,{FER_7.names[k * k % 7]},,,,,web," for k in range(6000)]
    lines(root / data.INDEX, [HEAD, *posed, *web])
    return root


class TestReading:
    def test_the_published_counts(self, whole: Path) -> None:
        found = {split: len(list(data.read(whole, split))) for split in ("all", "posed", "web", "clips")}
        assert found == {"all": 10_200, "posed": 4_200, "web": 6_000, "clips": 4_200}

    def test_labels_persons_and_clips(self, made: Path) -> None:
        first = next(iter(data.read(made, "posed")))
        assert (first.id, first.subject, first.clip) == ("posed/S000_anger.png", "S000", "videos/S000_anger.avi")
        assert first.truth.race is not None
        assert (first.truth.race.name, first.truth.race.labels.names) == ("north", ("east", "north", "south"))
        web = next(iter(data.read(made, "web")))
        assert (web.subject, web.truth.race, web.truth.known) == (None, None, ("expression", "gender"))
        assert next(iter(data.read(made, "web", single=True))).subject == "web/0000.png"

    @pytest.mark.parametrize(
        ("row", "words"),
        [
            ("a.png,anger,,,,,posed,", "a posed picture without subject"),
            ("a.png,anger,S1,,,,film,", "source is 'film'; wanted one of: posed, web"),
            ("a.png,envy,S1,,,,posed,", "label is 'envy'"),
            ("a.png,anger,S1,,x,,posed,", "gender is 'x'"),
        ],
    )
    def test_a_wrong_line_is_named(self, tmp_path: Path, row: str, words: str) -> None:
        lines(tmp_path / data.INDEX, [HEAD, row])
        with pytest.raises(InputError, match=f"line 2: .*{words}|line 2: {words}"):
            list(data.read(tmp_path, "all"))


class TestFolds:
    def test_every_picture_is_tested_once_and_nobody_twice(self, whole: Path) -> None:
        asked, source = protocol("infer/10-fold"), Folder("infer", whole)
        # all ten readings take long; the last two folds and what the last one leaves say it
        a, b = (samples(asked, source, "test", fold=fold) for fold in folds(asked, source)[-2:])
        rest = [sample for part in ("train", "tune") for sample in samples(asked, source, part, fold=10)]
        assert not set(keys(a)) & set(keys(b))
        assert not set(keys(b)) & set(keys(rest))
        assert len(b) + len(rest) == 10_200
        assert abs(len(b) - 1020) <= 7

    def test_posed_to_web_shares_no_source(self, made: Path) -> None:
        asked, source = protocol("infer/posed-to-web"), Folder("infer", made)
        parts = {part: samples(asked, source, part) for part in asked.parts}
        assert {sample.id.split("/")[0] for sample in [*parts["train"], *parts["tune"]]} == {"posed"}
        assert {sample.id.split("/")[0] for sample in parts["test"]} == {"web"}
        assert not set(keys(parts["train"])) & set(keys(parts["tune"]))


class TestFigures:
    def test_evenness(self) -> None:
        assert infer.evenness([5, 5, 5]) == pytest.approx(1)
        # -(3/4 log 3/4 + 1/4 log 1/4) / log 2
        assert infer.evenness([3, 1]) == pytest.approx(2 - 0.75 * math.log2(3))
        assert infer.evenness([4, 0]) == 0
        assert math.isnan(infer.evenness([4]))

    def test_cramers_v(self) -> None:
        assert infer.association([0, 0, 1, 1], [0, 1, 0, 1]) == 0
        assert infer.association([0, 0, 1, 2], [5, 5, 3, 1]) == pytest.approx(1)
        # counts 3 1 / 1 3: chi^2 = 4 * 1^2 / 2 = 2, V = sqrt(2 / 8)
        assert infer.association([0] * 4 + [1] * 4, [0, 0, 0, 1, 0, 1, 1, 1]) == pytest.approx(0.5)
        assert math.isnan(infer.association([0, 0], [0, 1]))

    def test_tables_of_the_fake(self, made: Path) -> None:
        classes, groups, constant, shared = infer.evaluate(made)
        assert (classes["share(posed)"].value, classes["share(posed)"].n, classes["clips"].value) == (84 / 105, 105, 7)
        assert classes["share(fear, web)"].value == pytest.approx(1 / 7)
        assert groups["told(region)"].value == 84 / 105
        assert groups["evenness(region)"].value == pytest.approx(1)
        assert groups["V(region, expression)"].value == pytest.approx(0)
        assert all(row.value == pytest.approx(row.constant) for row in constant.rows)
        assert constant["UAR"].value == pytest.approx(1 / 7)
        assert shared["persons in several folds(protocol)"].value == 0
        assert shared["persons in several folds(evened)"].value == 0
        assert shared["persons in several folds(at random)"].value == 1
        assert shared["persons in several folds(at random)"].n == 12
        deviation = "largest deviation of a class's share({})"
        assert shared[deviation.format("evened")].value <= shared[deviation.format("protocol")].value

    def test_a_copied_picture_is_found(self, tmp_path: Path) -> None:
        data.fake(tmp_path, 0)
        rng, name = np.random.default_rng(0), "pictures nearly alike in another fold(protocol)"
        # drawn faces are all nearly alike, noise is not
        for path in tmp_path.rglob("*.png"):
            write_image(path, rng.integers(0, 256, (32, 32, 3), np.uint8))
        assert infer.evaluate(tmp_path)[-1][name].value == 0
        for path in (tmp_path / "web").iterdir():
            path.write_bytes((tmp_path / "posed/S000_anger.png").read_bytes())
        assert infer.evaluate(tmp_path)[-1][name].value == 22 / 105
        assert all("alike" not in row.metric for row in infer.evaluate(tmp_path, pictures=False)[-1].rows)

    def test_answers_by_group(self) -> None:
        regions = LabelSet("regions", ("east", "west"))

        def sample(k: int, label: int, region: int | None) -> Sample:
            race = None if region is None else Category(region, regions)
            return Sample(str(k), truth=Truth(Category(label, FER_7), race=race))

        found = [sample(0, 0, 0), sample(1, 1, 0), sample(2, 0, 1), sample(3, 0, None)]
        table = infer.by_group(found, [0, 0, 0, float("nan")], {"0", "1"})
        assert table["accuracy"].value == 0.5
        assert table["accuracy"].constant == 0.75
        assert table["UAR"].value == pytest.approx((2 / 3 + 0) / 2)
        assert (table["accuracy(region east)"].value, table["accuracy(region west)"].value) == (0.5, 1)
        assert table["gap(region)"].value == 0.5
        assert table["accuracy(source web)"].value == 0.5
        assert math.isnan(table["gap(gender)"].value)

    def test_answers_come_from_a_file(self, made: Path, tmp_path: Path) -> None:
        lines(tmp_path / "a.csv", ["path,label", *(f"{s.id},{s.truth.expression.name}" for s in data.read(made, "web"))])  # type: ignore[union-attr]
        table = infer.evaluate(made, pictures=False, answers=tmp_path / "a.csv")[-1]
        assert (table["accuracy(source web)"].value, table["accuracy(source posed)"].value) == (1, 0)
        lines(tmp_path / "b.csv", ["path,label", "web/9999.png,anger"])
        with pytest.raises(InputError, match="unknown picture in the answers"):
            infer.evaluate(made, pictures=False, answers=tmp_path / "b.csv")


def test_the_network_has_the_size_of_the_card() -> None:
    # ResNet-18 of 512 features (11,176,512 without its end), and a layer of 7
    assert counted(infer.model, 3, 64, 64)[0] == 11_176_512 + 7 * 513
    assert infer.recipe().epochs >= 50
