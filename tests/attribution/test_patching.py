"""Activation patching: its identities hold exactly, and a planted head is found."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed: pip install 'mien[torch]'")

from torch import Tensor, nn  # noqa: E402

from mien.attribution.patching import (  # noqa: E402
    Restored,
    Site,
    concentration,
    head_sites,
    logit_difference,
    outstanding,
    restored,
)
from mien.errors import InputError  # noqa: E402
from mien.nn.captioner import Captioner, Layers, plant  # noqa: E402

pytestmark = pytest.mark.torch
SCORE = logit_difference(1, 2)
HEADS = head_sites([f"text.{k}.cross.mixed" for k in range(3)], 4)


def network(seed: int = 0) -> Captioner:
    torch.manual_seed(seed)
    return Captioner(10, 5, size=12, patch=6, width=16, heads=4, layers=Layers(1, 3, 1)).double().eval()


def inputs(seed: int) -> dict[str, Tensor]:
    torch.manual_seed(seed)
    return {"image": torch.randn(1, 3, 12, 12).double(), "question": torch.tensor([[0, 1, 2, 3, 4]])}


def patched_by_hand(net: nn.Module, module: str, change: Callable[[Tensor, Tensor], Tensor]) -> float:
    """Three runs one after the other: keep the clean activation, then change the corrupt one by it."""
    kept: list[Tensor] = []
    layer = dict(net.named_modules())[module]
    handle = layer.register_forward_hook(lambda m, i, out: kept.append(out))
    net(**inputs(1))
    handle.remove()
    handle = layer.register_forward_hook(lambda m, i, out: change(kept[0], out.clone()))
    value = float(SCORE(net(**inputs(2)))[0].detach())
    handle.remove()
    return value


class TestIdentities:
    def test_nothing_clean_and_everything(self) -> None:
        net = network()
        with torch.no_grad():
            clean, corrupt = (float(SCORE(net(**inputs(k)))[0]) for k in (1, 2))
        got = restored(net, inputs(1), inputs(2), [Site("text.2")], SCORE)
        assert (got.clean, got.corrupt) == (pytest.approx(clean), pytest.approx(corrupt))
        assert got.effect == pytest.approx([1])
        assert len(restored(net, inputs(1), inputs(2), [], SCORE).patched) == 0
        same = restored(net, inputs(1), inputs(1), HEADS, SCORE)
        assert same.patched == pytest.approx(np.full(12, same.clean))
        assert np.isnan(same.effect).all()

    def test_the_question_is_the_same_so_what_lies_before_the_picture_does_nothing(self) -> None:
        got = restored(network(), inputs(1), inputs(2), [Site("text.0.own"), Site("embed"), Site("text.0.cross")], SCORE)
        assert got.effect[:2] == pytest.approx([0, 0], abs=1e-12)
        assert abs(got.effect[2]) > 1e-3

    def test_all_heads_at_a_token_are_the_whole_module_there(self) -> None:
        net = network()
        whole = restored(net, inputs(1), inputs(2), [Site("text.1.cross.mixed", (3,))], SCORE)
        by_hand = patched_by_hand(
            net, "text.1.cross.mixed", lambda clean, own: torch.cat([own[:, :3], clean[:, 3:4], own[:, 4:]], 1)
        )
        assert whole.patched[0] == pytest.approx(by_hand)
        assert restored(net, inputs(1), inputs(2), [Site("text.1.cross.mixed", tuple(range(5)))], SCORE).patched == pytest.approx(
            restored(net, inputs(1), inputs(2), [Site("text.1.cross.mixed")], SCORE).patched
        )

    @pytest.mark.parametrize(("head", "token"), [(0, 0), (2, 3), (3, 4)])
    def test_one_batch_equals_three_runs(self, head: int, token: int) -> None:
        net = network()

        def change(clean: Tensor, own: Tensor) -> Tensor:
            own[:, token, 4 * head : 4 * head + 4] = clean[:, token, 4 * head : 4 * head + 4]
            return own

        site = Site("text.0.cross.mixed", (token,), head, 4)
        got = restored(net, inputs(1), inputs(2), [site], SCORE)
        assert got.patched[0] == pytest.approx(patched_by_hand(net, site.module, change))

    def test_sites_do_not_touch_each_other_however_they_are_batched(self) -> None:
        net = network()
        sites = [*HEADS, Site("text.1"), Site("text.0.mlp", (1, 2))]
        together = restored(net, inputs(1), inputs(2), sites, SCORE)
        for batch in (1, 5):
            assert restored(net, inputs(1), inputs(2), sites, SCORE, batch).patched == pytest.approx(together.patched)
        assert together.raw == pytest.approx(together.effect * together.total)

    def test_a_tuple_keeps_its_other_parts_and_the_model_its_mode(self) -> None:
        class Pair(nn.Module):
            def forward(self, x: Tensor) -> tuple[Tensor, str]:
                return x * 2, "cache"

        class Net(nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.pair = Pair()

            def forward(self, x: Tensor) -> Tensor:
                found, word = self.pair(x)
                assert word == "cache"
                return found.sum(1)

        net, x = Net().train(), torch.tensor([[[1.0, 0], [0, 5]]])
        got = restored(net, {"x": x}, {"x": torch.zeros(1, 2, 2)}, [Site("pair"), Site("pair", (0,))], logit_difference(0, 1))
        assert (got.clean, got.corrupt) == (-8, 0)
        assert got.effect.tolist() == [1, -0.25]
        assert net.training
        assert not net.pair._forward_hooks


class TestPlanted:
    @pytest.mark.parametrize(("block", "head"), [(0, 0), (1, 2), (2, 3)])
    def test_the_planted_head_restores_all_and_the_others_nothing(self, block: int, head: int) -> None:
        net = network(3)
        plant(net, block, head)
        effect = restored(net, inputs(1), inputs(2), HEADS, SCORE).effect.reshape(3, 4)
        assert effect[block, head] == pytest.approx(1)
        effect[block, head] = 0
        assert np.abs(effect).max() < 1e-9

    def test_it_alone_stands_out(self) -> None:
        net = network(3)
        plant(net, 1, 2)
        effect = restored(net, inputs(1), inputs(2), HEADS, SCORE).effect.reshape(3, 4)
        assert outstanding(np.abs(effect)) == [(1, 2)]
        assert concentration(effect) == pytest.approx((1, 11 / 12))

    def test_the_picture_reaches_the_answer_through_it_only(self) -> None:
        net = network()
        plant(net, 0, 1)
        with torch.no_grad():
            cross = net.crosses()[0]
            cross.join.weight[:, 4:8] = 0
            assert torch.equal(net(**inputs(1))["logits"], net(**inputs(2))["logits"])
        with pytest.raises(InputError, match="head 4 of block 0"):
            plant(net, 0, 4)


class TestNumbers:
    def test_effects_by_hand(self) -> None:
        got = Restored(5.0, 1.0, np.array([1.0, 3.0, 5.0, -1.0]))
        assert got.total == 4
        assert got.effect.tolist() == [0, 0.5, 1, -0.5]

    def test_gini_of_the_definition(self) -> None:
        x = np.abs(np.random.default_rng(0).normal(size=20))
        wanted = np.abs(x[:, None] - x).mean() / (2 * x.mean())
        assert concentration(x) == pytest.approx((x.max() / x.sum(), wanted))
        assert concentration([1, 1, 1, 1]) == (0.25, 0)
        assert all(math.isnan(v) for v in concentration([0, 0]))

    def test_outstanding_heads_come_best_first(self) -> None:
        scores = np.zeros((6, 8))
        scores[2, 3], scores[4, 1] = 1, 2
        assert outstanding(scores) == [(4, 1), (2, 3)]
        assert outstanding(np.ones((3, 3))) == []


@pytest.mark.parametrize(
    ("site", "words"),
    [
        (Site("text.9"), "unknown module 'text.9'"),
        (Site("text.0", head=4, heads=4), "head 4 of 4"),
        (Site("text.0", (7,)), "tokens below 5"),
        (Site("text.0", head=0, heads=3), "heads that divide 16"),
        (Site("patches"), r"wanted \(n, tokens, width\)"),
        (Site("say"), r"wanted \(n, tokens, width\)"),
        (Site("places"), "did not use places"),
    ],
)
def test_a_wrong_site_says_so(site: Site, words: str) -> None:
    with pytest.raises(InputError, match=words):
        restored(network(), inputs(1), inputs(2), [site], SCORE)


def test_inputs_must_go_together() -> None:
    with pytest.raises(InputError, match="the same names and shapes"):
        restored(network(), inputs(1), {**inputs(2), "question": torch.zeros(1, 4, dtype=torch.int64)}, HEADS, SCORE)
    with pytest.raises(InputError, match="one for each input"):
        restored(network(), inputs(1), inputs(2), HEADS, lambda found: found["logits"])
    with pytest.raises(InputError, match="finite numbers"):
        concentration([1, math.nan])
