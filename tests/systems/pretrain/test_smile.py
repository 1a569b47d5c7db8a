"""SMILE: paths, pasted objects, masks that follow them, and what is predicted."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed: pip install 'mien[torch]'")

from mien.errors import InputError  # noqa: E402
from mien.nn.masked import hidden_error  # noqa: E402
from mien.nn.vit import Size  # noqa: E402
from mien.systems.pretrain import smile  # noqa: E402

pytestmark = pytest.mark.torch


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def tiny(overlay: bool) -> smile.Smile:
    torch.manual_seed(0)
    return smile.Smile(Size(8, 1, 2), Size(4, 1, 2), 4, 0.8, overlay, 0.1)


@pytest.mark.parametrize(("size", "whole", "encoder"), [("S", 23.88, 21.88), ("B", 93.92, 86.23)])
def test_published_parameters(size: str, whole: float, encoder: float) -> None:
    with torch.device("meta"):
        net = smile.model(size)
    assert round(sum(p.numel() for p in net.parameters()) / 1e6, 2) == whole
    assert round(sum(p.numel() for part in (net.core.embed, net.core.encoder) for p in part.parameters()) / 1e6, 2) == encoder
    if size == "B":
        decoder = sum(p.numel() for part in (net.core.decoder, net.core.head) for p in part.parameters())
        assert round(decoder / 1e6, 2) == 7.39


def test_paths_are_smooth_and_stay_in_the_picture() -> None:
    way = smile.paths(200, 16, "cpu", seeded())
    assert way.shape == (200, 16, 2)
    assert way.min() >= 0
    assert way.max() <= 224
    span = way.amax(1) - way.amin(1)
    assert span.max() <= 179
    assert span.min() > 15  # 16 of the 48 points may miss the ends of a span of 40
    # a jump between two of 16 samples is far less than the span of points drawn one by one
    assert (way.diff(dim=1).abs().amax(1) / span).median() < 0.35


def test_an_object_lies_on_its_path_and_changes_nothing_else() -> None:
    clip, source = torch.zeros(2, 3, 4, 224, 224), torch.ones(2, 3, 224, 224)
    way = torch.tensor([[80.0, 90.0], [90.0, 100.0], [100.0, 110.0], [110.0, 120.0]]).expand(2, 4, 2)
    pasted, cover = smile.paste(clip, source, way, seeded())
    assert cover.shape == (2, 4, 224, 224)
    assert torch.allclose(pasted[:, 0], cover, atol=1e-6)  # white on black: the object shows as much as it covers
    assert torch.equal(pasted[:, 0], pasted[:, 2])
    place = torch.arange(224) + 0.5
    total = cover.sum((2, 3))
    middle = torch.stack([(cover.sum(2) * place).sum(2) / total, (cover.sum(3) * place).sum(2) / total], 2)
    assert (middle - way).abs().max() < 0.5
    assert ((cover > 0).sum((2, 3)) < 160 * 160).all()
    assert (pasted[:, 0][cover == 0] == 0).all()


def test_an_object_turns_and_grows_steadily() -> None:
    clip, source = torch.zeros(8, 3, 12, 224, 224), torch.ones(8, 3, 224, 224)
    cover = smile.paste(clip, source, torch.full((8, 12, 2), 112.0), seeded(1))[1]
    growth = cover.sum((2, 3)).log().diff(dim=1)
    assert (growth - growth.mean(1, keepdim=True)).abs().max() < 0.02  # turning does not change the area
    assert growth.abs().max() <= 2 * 0.025 + 0.01
    place = torch.arange(224) - 111.5
    slant = torch.einsum("ntyx,y,x->nt", cover, place, place) / cover.sum((2, 3))
    assert (slant.amax(1) - slant.amin(1)).max() > 20  # but long objects do turn


def test_a_piece_comes_from_its_source() -> None:
    clip, source = torch.zeros(1, 3, 2, 224, 224), torch.full((1, 3, 224, 224), 0.3)
    pasted, cover = smile.paste(clip, source, torch.full((1, 2, 2), 112.0), seeded(3))
    assert torch.allclose(pasted[:, 0], 0.3 * cover, atol=1e-6)


def test_what_is_swept_is_hidden_but_for_a_share() -> None:
    swept = torch.zeros(3, 100, dtype=torch.bool)
    swept[:, 20:70] = True
    none = torch.zeros_like(swept)
    mask = smile.trajectory_mask(swept, none, 0.2, 40, seeded())
    assert torch.equal(mask & ~swept, none)  # 40 of 50 are hidden: nothing else is needed
    assert (swept & ~mask).sum(1).tolist() == [10] * 3
    more = smile.trajectory_mask(swept, none, 0.2, 75, seeded())
    assert more.sum(1).tolist() == [75] * 3
    less = smile.trajectory_mask(swept, ~swept, 0.2, 60, seeded())
    assert less.sum(1).tolist() == [60] * 3


@pytest.mark.parametrize("overlay", [True, False])
def test_exactly_four_fifths_are_hidden(overlay: bool) -> None:
    net, image = tiny(overlay), torch.rand(2, 3, 224, 224)
    mask = net.train()(image)["mask"]
    assert mask.sum(1).tolist() == [2 * 156] * 2  # int(0.8 * 196) in each slice
    tubes = mask.view(2, 2, 196)
    if not overlay:
        assert torch.equal(tubes[:, 0], tubes[:, 1])
    assert net.judging.sum().item() == 2 * 156
    assert torch.equal(net.judging[0, :196], net.judging[0, 196:])


def test_without_objects_a_still_picture_stays_still() -> None:
    image = torch.rand(2, 3, 224, 224)
    still = tiny(False).train()(image)["wanted"].view(2, 2, 196, 768)
    assert torch.allclose(still[:, 0], still[:, 1], atol=1e-5)
    moving = tiny(True).train()(image)["wanted"].view(2, 2, 196, 768)
    assert not torch.allclose(moving[:, 0], moving[:, 1], atol=1e-2)


# What is predicted --------------------------------------------------------------------------------------------------------
def test_features_are_standardised_over_the_tokens_of_a_clip() -> None:
    found = smile.standardised(3 + 2 * torch.randn(2, 50, 7, generator=seeded()))
    assert found.mean(1).abs().max() < 1e-5
    assert (found.square().mean(1) - 1).abs().max() < 1e-4
    everything = torch.ones(2, 50, dtype=torch.bool)
    assert hidden_error(torch.zeros_like(found), found, everything).item() == pytest.approx(1, abs=1e-4)


def test_an_edge_is_strongest_across() -> None:
    image = torch.zeros(1, 3, 2, 224, 224)
    image[..., 120:] = 1.0  # upright edge in the eighth column of patches
    found = smile.oriented_gradients(image)
    assert found.shape == (1, 196, 768)
    cells = found.view(14, 14, 16, 3, 16)  # rows, columns, cells, colours, directions
    assert cells[:, [c for c in range(14) if c != 7]].abs().max() == 0
    strength = cells[5, 7].sum((0, 1))
    assert strength.argmax() == 0
    assert strength[8] < 1e-5  # along the edge
    turned = smile.oriented_gradients(image.transpose(3, 4)).view(14, 14, 16, 3, 16)
    assert turned[7, 5].sum((0, 1)).argmax() == 8


def test_given_features_are_the_target() -> None:
    image, features = torch.rand(2, 3, 224, 224), torch.randn(2, 392, 768)
    found = tiny(False).train()(image, features)["wanted"]
    assert torch.equal(found, smile.standardised(features))
    with pytest.raises(InputError, match="overlay=false"):
        tiny(True).train()(image, features)
    assert tiny(True).eval()(image, features)["error"].shape == (2,)
