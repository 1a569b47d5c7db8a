"""MARLIN: what its mask shows, and that critic and network learn each from their own loss."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed: pip install 'mien[torch]'")

from mien.nn.masks import shown  # noqa: E402
from mien.nn.vit import Size  # noqa: E402
from mien.systems.pretrain import marlin  # noqa: E402

pytestmark = pytest.mark.torch


@pytest.fixture(scope="module")
def net() -> marlin.Marlin:
    torch.manual_seed(0)
    return marlin.Marlin(Size(8, 1, 2), Size(4, 1, 2), 16, 0.9, 0.01)


def patched(parsing: torch.Tensor, patch: int = 16) -> torch.Tensor:
    """(h, w) -> (places, pixels), worked out without the masks."""
    return torch.stack([square.flatten() for row in parsing.split(patch) for square in row.split(patch, 1)])


@pytest.mark.parametrize("kind", ["drawn", "noise", "background", "mouth", "half"])
def test_156_tubes_are_seen_whatever_the_parsing(net: marlin.Marlin, kind: str) -> None:
    generator = torch.Generator().manual_seed(0)
    noise = torch.randint(0, 11, (3, 8, 224, 224), generator=generator)
    flat = {"background": 0, "mouth": 7}
    half = (torch.arange(224) < 112).long().expand(3, 8, 224, 224) * 6
    parsing = {"drawn": net.face, "noise": noise, "half": half}.get(kind, torch.full((3, 8, 224, 224), flat.get(kind, 0)))
    mask = net.mask(parsing, 3, generator)
    assert mask.shape == (3, 1568)
    assert (~mask).sum(1).tolist() == [156] * 3


def test_no_part_of_the_face_is_seen_while_background_is_enough(net: marlin.Marlin) -> None:
    squares = patched(marlin.drawn_face(224))
    background = (squares == 0).any(1)
    assert background.float().mean() >= 0.1
    for place in shown(net.mask(net.face, 5))[:, :].flatten().tolist():
        assert background[place % 196]


def test_skin_comes_before_the_parts(net: marlin.Marlin) -> None:
    parsing = torch.full((1, 8, 224, 224), 7)  # a mouth without end
    parsing[:, :, :16, :160] = 0  # 10 places of background: too few
    parsing[:, :, 32:64] = 1  # 28 of skin, together enough
    seen = {place % 196 for place in shown(net.mask(parsing, 1))[0].tolist()}
    assert seen <= {*range(10), *range(28, 56)}


def test_the_queue_keeps_its_parts_together() -> None:
    found = marlin.queues(500, torch.Generator().manual_seed(0)).tolist()
    for row in found:
        assert sorted(row) == list(range(11))
        assert row[:2] == [0, 1]
        for part in ((2, 4), (3, 5), (7, 8, 9)):
            first = row.index(part[0])
            assert tuple(row[first : first + len(part)]) == part
    assert len({tuple(row) for row in found}) == 120  # all orders of five parts


@pytest.mark.parametrize(("size", "encoder", "decoder"), [("S", 22.48, None), ("B", 87.43, 8.29), ("L", 305.47, None)])
def test_published_parameters(size: str, encoder: float, decoder: float | None) -> None:
    with torch.device("meta"):
        core = marlin.model(size).core
    count = sum(p.numel() for part in (core.embed, core.encoder) for p in part.parameters()) + core.places.numel()
    assert round(count / 1e6, 2) == encoder
    if decoder is not None:
        count = sum(p.numel() for part in (core.decoder, core.head) for p in part.parameters()) + core.places_decoder.numel()
        assert round(count / 1e6, 2) == decoder


# Losses -------------------------------------------------------------------------------------------------------------------
def made(values: int = 6) -> dict[str, torch.Tensor]:
    torch.manual_seed(0)
    mask = torch.tensor([[1.0, 0, 1], [0, 1, 1]])
    return {"reconstruction": torch.randn(2, 3, values, requires_grad=True), "wanted": torch.rand(2, 3, values), "mask": mask}


def test_the_equations() -> None:
    out, loss = made(), marlin.objective(6, 5, weight=0.3)
    kept = out["mask"].bool()
    fake, true = out["reconstruction"][kept], out["wanted"][kept]
    found = loss(out, {})
    assert torch.isclose(found["error"], (fake - true).square().mean())
    assert torch.isclose(found["fooled"], -loss.critic(fake).mean())
    assert torch.isclose(found["critic"], loss.critic(fake).mean() - loss.critic(true).mean())
    assert torch.isclose(found["loss"], found["error"] + 0.3 * found["fooled"] + found["critic"])


def test_each_learns_from_its_own_loss() -> None:
    out, loss = made(), marlin.objective(6, 5, weight=0.3)
    weights = list(loss.critic.parameters())
    whole = torch.autograd.grad(loss(out, {})["loss"], [out["reconstruction"], *weights])
    kept = out["mask"].bool()
    fake, true = out["reconstruction"][kept], out["wanted"][kept]
    (network,) = torch.autograd.grad((fake - true).square().mean() - 0.3 * loss.critic(fake).mean(), out["reconstruction"])
    critic = torch.autograd.grad(loss.critic(fake.detach()).mean() - loss.critic(true).mean(), weights)
    assert torch.allclose(whole[0], network, atol=1e-6)
    assert not whole[0][~kept].any()
    # of the last offset both means take the same, so that its gradient is 0
    assert all(torch.allclose(a, b, atol=1e-6) for a, b in zip(whole[1:], critic))


def test_a_perfect_reconstruction_has_no_loss_but_the_critics_word() -> None:
    out, loss = made(), marlin.objective(6, 5)
    found = loss(out | {"reconstruction": out["wanted"]}, {})
    assert found["error"] == 0
    assert found["critic"] == 0
    plain = marlin.objective(6, 5, weight=0.0)(out, {})
    assert torch.isclose(plain["loss"] - plain["critic"], plain["error"])


def test_the_penalty_asks_for_a_slope_of_1() -> None:
    out, loss = made(), marlin.objective(6, 5, penalty=10.0)
    loss.critic = torch.nn.Linear(6, 1)
    slope = loss.critic.weight.norm()
    wanted = loss.critic(out["reconstruction"])[out["mask"].bool()].mean() - loss.critic(out["wanted"])[out["mask"].bool()].mean()
    assert torch.isclose(loss(out, {})["critic"], wanted + 10 * (slope - 1) ** 2, atol=1e-5)
    with torch.no_grad():
        assert torch.isclose(loss(out, {})["critic"], wanted)


# The network --------------------------------------------------------------------------------------------------------------
def test_clips_and_parsing_are_taken_as_they_are(net: marlin.Marlin) -> None:
    clip = torch.rand(2, 3, 16, 224, 224)
    parsing = torch.full((2, 8, 224, 224), 1)
    parsing[:, :, 200:] = 0
    out = net.train()(clip, parsing)
    first = clip[1, :, 2:4, 16:32, 32:48].permute(1, 2, 3, 0).flatten()
    assert torch.equal(out["wanted"][1, 196 + 14 + 2], first)
    seen = {place % 196 for place in shown(out["mask"].bool()).flatten().tolist()}
    assert min(seen) >= 12 * 14  # the lower edge alone
    judged = net.eval()(clip, parsing)
    assert judged["error"].shape == (2,)
    assert judged["embedding"].shape == (2, 8)


def test_judging_hides_the_same_of_everybody(net: marlin.Marlin) -> None:
    image = torch.rand(2, 3, 224, 224)
    with torch.no_grad():
        together, alone = net.eval()(image), net.eval()(image[1:])
    assert torch.allclose(together["error"][1:], alone["error"], rtol=1e-4)
    assert torch.equal(net.seen, shown(net.judging))
