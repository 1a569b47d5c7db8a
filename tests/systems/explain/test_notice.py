"""NOTICE: samples, corruptions, the off-by-one of the token, and the tables on drawn pairs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed: pip install 'mien[torch]'")

from mien.attribution.patching import head_sites, logit_difference, restored  # noqa: E402
from mien.errors import InputError  # noqa: E402
from mien.media.image import read_image  # noqa: E402
from mien.nn.captioner import Captioner  # noqa: E402
from mien.systems.explain import notice  # noqa: E402

pytestmark = pytest.mark.torch
NAMES = ("anger", "happiness", "sadness", "surprise")
WORDS = (*notice.ASKED, *NAMES)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("notice")
    notice.fake(root, 0, 6)
    return root


@pytest.fixture(scope="module")
def network() -> Captioner:
    torch.manual_seed(0)
    return Captioner(len(WORDS), notice.LENGTH, notice.SIZE).eval()


class TestSamples:
    def test_pairs_differ_in_the_expression_and_the_order_of_options_is_even(self, made: Path) -> None:
        pairs = notice.read_pairs(made)
        assert len(pairs) == 6
        assert [pair.place for pair in pairs] == [notice.RIGHT, notice.WRONG] * 3
        for pair in pairs:
            assert pair.right != pair.wrong
            clean, corrupt = (read_image(path).astype(int) for path in (pair.clean, pair.corrupt))
            # background and mouth apart, it is the same drawing: most of the skin
            assert ((clean == corrupt).all(-1)).mean() > 0.25
            assert (clean[:3, :3] != corrupt[:3, :3]).all()

    def test_no_pairs(self, tmp_path: Path) -> None:
        with pytest.raises(InputError, match=r"no pairs\.csv"):
            notice.read_pairs(tmp_path)

    def test_the_question_has_the_options_where_the_places_say(self) -> None:
        asked = notice.question("anger", "sadness", WORDS)[0].tolist()
        assert [WORDS[k] for k in asked] == ["[CLS]", "does", "the", "person", "feel", "anger", "or", "sadness"]
        assert WORDS[asked[notice.RIGHT]] == "anger"
        assert WORDS[asked[notice.WRONG]] == "sadness"

    def test_replaced_words_have_the_other_sentiment(self) -> None:
        rng = np.random.default_rng(0)
        assert notice.opposite("happiness", "sadness", NAMES, rng) == ("anger", "surprise")
        assert notice.opposite("happiness", "surprise", (*NAMES, "fear"), rng) is not None
        assert notice.opposite("happiness", "sadness", ("happiness", "sadness", "anger"), rng) is None
        found = notice.opposite("anger", "sadness", (*NAMES, "neutral"), rng)
        assert found is not None
        assert set(found) == {"happiness", "surprise"}

    @pytest.mark.parametrize("way", notice.WAYS)
    def test_each_way_changes_one_input_and_no_shape(self, made: Path, network: Captioner, way: str) -> None:
        pair = notice.read_pairs(made)[1]
        pair = notice.Pair(pair.clean, pair.corrupt, "happiness", "sadness", notice.WRONG)
        given = notice.inputs(pair, way, WORDS, network, np.random.default_rng(0))
        assert given is not None
        clean, corrupt = given
        changed = {"semantic pair": "image", "symmetric replacement": "question", "noise": "noise"}[way]
        for name in clean:
            assert clean[name].shape == corrupt[name].shape
            assert torch.equal(clean[name], corrupt[name]) == (name != changed)
        assert WORDS[int(clean["question"][0, pair.place])] == "happiness"


class TestStudy:
    def test_heads_are_patched_at_the_token_of_the_right_option(self, made: Path, network: Captioner) -> None:
        kept = 0
        for own in notice.read_pairs(made):
            # the same question with the answers exchanged, or the pictures: one of the four is answered rightly and made worse
            for pictures in ((own.clean, own.corrupt), (own.corrupt, own.clean)):
                other = notice.RIGHT + notice.WRONG - own.place
                for pair in (
                    notice.Pair(*pictures, own.right, own.wrong, own.place),
                    notice.Pair(*pictures, own.wrong, own.right, other),
                ):
                    given = notice.inputs(pair, "semantic pair", WORDS, network, np.random.default_rng(0))
                    assert given is not None
                    score = logit_difference(WORDS.index(pair.right), WORDS.index(pair.wrong))
                    sites = head_sites([f"text.{k}.cross.mixed" for k in range(3)], 4, (pair.place,))
                    wanted = restored(network, *given, sites, score)
                    heads, parts = notice.study(network, [pair], WORDS, "semantic pair", np.random.default_rng(0))
                    assert len(heads) == (wanted.clean > 0 and wanted.total > 1e-6)
                    if len(heads):
                        kept += 1
                        assert heads[0].ravel() == pytest.approx(wanted.effect, abs=1e-4)
                        assert parts[0, 3, -1] == pytest.approx(1, abs=1e-2)
        assert kept >= 3

    def test_what_is_answered_wrongly_is_left_out(self, made: Path, network: Captioner) -> None:
        pairs = notice.read_pairs(made)
        turned = [notice.Pair(p.corrupt, p.clean, p.right, p.wrong, p.place) for p in pairs]
        rng = np.random.default_rng(0)
        # a pair and its reverse cannot both be made worse by the corruption
        kept = [len(notice.study(network, some, WORDS, "semantic pair", rng)[0]) for some in (pairs, turned)]
        assert sum(kept) <= 6
        assert len(notice.study(network, pairs, WORDS, "semantic pair", rng, whole=True)[0]) == 6


def test_the_tables(made: Path) -> None:
    planted, *ways = notice.evaluate(made, steps=60)
    assert planted["rank(planted head)"].value == 1
    assert planted["E(planted head)"].value == pytest.approx(1, abs=1e-3)
    assert planted["largest E(other heads)"].value == pytest.approx(0, abs=1e-3)
    assert planted["it alone stands out"].value == 1
    assert [table.protocol for table in ways] == [f"notice/{way}" for way in notice.WAYS]
    pairs = ways[0]
    assert pairs["pairs kept"].value > 0.5  # it has learned to read the faces
    assert pairs["E(block 2, all tokens)"].value == pytest.approx(1, abs=1e-4)
    assert pairs["E(self-attention 0, all tokens)"].value == pytest.approx(0, abs=1e-4)
    assert 1 / 12 <= pairs["share of the largest head"].value <= 1
