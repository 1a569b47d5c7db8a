"""The masked autoencoder: what the encoder and the decoder see, and what the loss counts."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from mien.errors import InputError  # noqa: E402
from mien.nn.masked import MaskedAutoencoder, clip_of, hidden_error, judged, normalised_patches, unexplained  # noqa: E402
from mien.nn.masks import random_mask, shown  # noqa: E402
from mien.nn.vit import Size, sine  # noqa: E402

pytestmark = pytest.mark.torch
TOKENS, VALUES = 10, 6


@pytest.fixture
def core() -> MaskedAutoencoder:
    torch.manual_seed(0)
    return MaskedAutoencoder(TOKENS, VALUES, Size(8, 2, 2), Size(4, 1, 2))


@pytest.fixture
def mask() -> torch.Tensor:
    return random_mask(3, TOKENS, 7, generator=torch.Generator().manual_seed(0))


def test_the_encoder_never_sees_what_is_hidden(core: MaskedAutoencoder, mask: torch.Tensor) -> None:
    patches = torch.randn(3, TOKENS, VALUES, requires_grad=True)
    core(patches, shown(mask)).square().sum().backward()
    assert patches.grad is not None
    reached = patches.grad.abs().sum(2) > 0
    assert torch.equal(reached, ~mask)
    assert core.encode(patches, shown(mask)).shape == (3, 3, 8)


def test_the_decoder_sees_the_learned_token_at_hidden_places_only(core: MaskedAutoencoder, mask: torch.Tensor) -> None:
    index = shown(mask)
    visible = core.encode(torch.randn(3, TOKENS, VALUES), index)
    seen = core.spread(visible, index) - core.places_decoder
    known = core.bridge(visible)
    for row in range(3):
        assert torch.allclose(seen[row][mask[row]], core.token[0].expand(7, 4), atol=1e-6)
        assert torch.allclose(seen[row][~mask[row]], known[row], atol=1e-6)


def test_a_token_keeps_its_place(core: MaskedAutoencoder) -> None:
    # the same tokens in another order of the index give the same picture
    patches, index = torch.randn(1, TOKENS, VALUES), torch.tensor([[7, 0, 4]])
    assert torch.allclose(core(patches, index), core(patches, index[:, [2, 0, 1]]), atol=1e-5)
    assert torch.allclose(core.places, sine(torch.arange(TOKENS), 8))


def test_all_parameters_have_a_gradient(core: MaskedAutoencoder, mask: torch.Tensor) -> None:
    patches = torch.randn(3, TOKENS, VALUES)
    hidden_error(core(patches, shown(mask)), patches, mask).backward()
    assert all(p.grad is not None and p.grad.any() for p in core.parameters())


def test_places_of_another_shape_are_refused() -> None:
    with pytest.raises(InputError, match="places of shape"):
        MaskedAutoencoder(4, 3, Size(8, 1, 2), Size(4, 1, 2), places=(torch.zeros(5, 8), torch.zeros(4, 4)))


# Target and loss ----------------------------------------------------------------------------------------------------------
def test_a_normalised_patch_has_mean_0_and_deviation_1() -> None:
    torch.manual_seed(0)
    found = normalised_patches(5 + 3 * torch.randn(2, 4, 50))
    assert found.mean(2).abs().max() < 1e-5
    assert (found.std(2) - 1).abs().max() < 1e-5
    assert torch.isfinite(normalised_patches(torch.full((1, 1, 5), 2.0))).all()


def test_the_loss_counts_hidden_tokens_alone() -> None:
    wanted, rebuilt = torch.zeros(2, 3, 2), torch.zeros(2, 3, 2)
    rebuilt[0, 0], rebuilt[1, 2], rebuilt[0, 1] = torch.tensor([1.0, 3.0]), torch.tensor([2.0, 2.0]), 100.0
    mask = torch.tensor([[True, False, True], [False, False, True]])
    # three hidden tokens with mean squares 5, 0 and 4
    assert hidden_error(rebuilt, wanted, mask).item() == pytest.approx(9 / 3)
    assert hidden_error(rebuilt, wanted, mask.float()).item() == pytest.approx(3)


def test_what_is_not_explained_is_a_share_of_the_variance() -> None:
    torch.manual_seed(0)
    wanted, mask = torch.randn(4, 6, 5) + 2, random_mask(4, 6, 3)
    assert unexplained(wanted, wanted, mask).abs().max() == 0
    mean = torch.stack([w[m].mean() for w, m in zip(wanted, mask)]).view(4, 1, 1).expand_as(wanted)
    assert torch.allclose(unexplained(mean, wanted, mask), torch.ones(4), atol=1e-5)
    rebuilt = torch.randn(4, 6, 5)
    by_hand = [(r[m] - w[m]).square().mean() / w[m].var(correction=0) for r, w, m in zip(rebuilt, wanted, mask)]
    assert torch.allclose(unexplained(rebuilt, wanted, mask), torch.stack(by_hand), atol=1e-4)


def test_a_picture_without_contrast_is_no_infinite_error() -> None:
    found = unexplained(torch.ones(1, 2, 3), torch.zeros(1, 2, 3), torch.ones(1, 2, dtype=torch.bool))
    assert found.item() == 1


def test_judging_hides_nothing_from_the_embedding(core: MaskedAutoencoder, mask: torch.Tensor) -> None:
    patches = torch.randn(3, TOKENS, VALUES)
    found = judged(core, patches, patches, mask, shown(mask))
    assert torch.allclose(found["embedding"], core.encode(patches).mean(1))
    assert found["error"].shape == (3,)


# Clips of one picture -----------------------------------------------------------------------------------------------------
def test_a_still_clip_repeats_the_picture_and_a_clip_stays() -> None:
    image = torch.randn(2, 3, 8, 8)
    clip = clip_of(image, 4)
    assert clip.shape == (2, 3, 4, 8, 8)
    assert all(torch.equal(clip[:, :, k], image) for k in range(4))
    assert clip_of(clip, 4) is clip
    assert clip_of(image.bfloat16(), 4).dtype == torch.float32
    with pytest.raises(InputError, match="4 frames"):
        clip_of(clip, 6)


def test_a_moving_clip_has_constant_velocity() -> None:
    ramp = torch.arange(64.0).expand(1, 1, 64, 64)  # brightness tells the column
    clip = clip_of(ramp, 5, 0.02, torch.Generator().manual_seed(1))
    steps = clip[0, 0, :, 20:44, 20:44].mean((1, 2)).diff()
    assert steps.abs().max() <= 0.02 * 64 + 1e-3
    assert steps.abs().min() > 0
    assert (steps - steps[0]).abs().max() < 1e-3
    assert torch.allclose(clip[:, :, 2], ramp, atol=1e-3)  # the middle frame is the picture


def test_hidden_parts_are_learned_from_what_is_seen() -> None:
    torch.manual_seed(0)
    core = MaskedAutoencoder(TOKENS, VALUES, Size(16, 2, 2), Size(16, 1, 2))
    steps = torch.optim.AdamW(core.parameters(), 5e-3)
    basis = torch.randn(2, TOKENS, VALUES)

    def batch() -> tuple[torch.Tensor, torch.Tensor]:
        return torch.einsum("nk,ktv->ntv", torch.randn(64, 2), basis), random_mask(64, TOKENS, 6)

    for _ in range(150):
        patches, mask = batch()
        loss = hidden_error(core(patches, shown(mask)), patches, mask)
        steps.zero_grad()
        loss.backward()
        steps.step()
    patches, mask = batch()
    with torch.no_grad():
        assert unexplained(core(patches, shown(mask)), patches, mask).median() < 0.6
