"""The masked autoencoder: an encoder that sees only what is not hidden, a light decoder, and what it is to rebuild.

He et al., "Masked Autoencoders Are Scalable Vision Learners", arXiv:2111.06377; for clips Tong et al., "VideoMAE",
arXiv:2203.12602. Pictures and clips are cut into tokens (:func:`mien.nn.vit.cut`), masks come from :mod:`mien.nn.masks`.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..errors import InputError
from .masks import Chance, chance
from .vit import Size, begin, blocks, sine


def picked(values: Tensor, index: Tensor) -> Tensor:
    """The tokens at some places: (n, tokens, d) and (n, k) -> (n, k, d)."""
    return values.gather(1, index[..., None].expand(-1, -1, values.shape[2]))


class MaskedAutoencoder(nn.Module):
    """Encoder and decoder on tokens of raw values.

    Args:
        tokens: how many make a picture or a clip.
        values: of each token.
        encoder, decoder: sizes of the two stacks.
        outputs: how many values are rebuilt of each token; 0 for those that go in.
        places: (tokens, width) positions for the encoder and the decoder; None takes sines of the token's number, as VideoMAE.
    """

    def __init__(
        self,
        tokens: int,
        values: int,
        encoder: Size,
        decoder: Size,
        outputs: int = 0,
        places: tuple[Tensor, Tensor] | None = None,
    ) -> None:
        super().__init__()
        self.tokens, self.width = tokens, encoder.width
        self.embed = nn.Linear(values, encoder.width)
        self.encoder = blocks(encoder, key_bias=False)
        self.bridge = nn.Linear(encoder.width, decoder.width, bias=False)
        self.token = nn.Parameter(torch.randn(1, 1, decoder.width) * 0.02)
        self.decoder = blocks(decoder, key_bias=False)
        self.head = nn.Linear(decoder.width, outputs or values)
        for layer in (self.embed, self.bridge, self.head):
            begin(layer)
        found = places or (sine(torch.arange(tokens), encoder.width), sine(torch.arange(tokens), decoder.width))
        for name, place, size in zip(("places", "places_decoder"), found, (encoder, decoder)):
            if place.shape != (tokens, size.width):
                raise InputError(f"places of shape {tuple(place.shape)}", f"({tokens}, {size.width})")
            self.register_buffer(name, place, persistent=False)
        self.places: Tensor
        self.places_decoder: Tensor

    def encode(self, patches: Tensor, index: Tensor | None = None) -> Tensor:
        """(n, tokens, values), and (n, k) the places that it sees (None for all) -> (n, k, width)."""
        places = self.places.expand(patches.shape[0], -1, -1)
        if index is not None:
            patches, places = picked(patches, index), picked(places, index)
        found: Tensor = self.encoder(self.embed(patches) + places)
        return found

    def spread(self, visible: Tensor, index: Tensor) -> Tensor:
        """What the decoder sees: encoded tokens at their places, the learned token at all others, positions added to both."""
        known = self.bridge(visible)
        whole = self.token.to(known.dtype).expand(known.shape[0], self.tokens, -1)
        return whole.scatter(1, index[..., None].expand(-1, -1, known.shape[2]), known) + self.places_decoder

    def forward(self, patches: Tensor, index: Tensor) -> Tensor:
        """(n, tokens, values) and (n, k) the visible places -> (n, tokens, outputs), of which only the hidden ones count."""
        rebuilt: Tensor = self.head(self.decoder(self.spread(self.encode(patches, index), index)))
        return rebuilt


def normalised_patches(patches: Tensor, epsilon: float = 1e-6) -> Tensor:
    """Each token less its mean, divided by its deviation (n - 1): the target of arXiv:2111.06377, section 3.

    Example:
        >>> normalised_patches(torch.tensor([[[0.0, 2.0]]])).round(decimals=3).tolist()
        [[[-0.7070000171661377, 0.7070000171661377]]]
    """
    return (patches - patches.mean(2, keepdim=True)) / (patches.var(2, keepdim=True) + epsilon).sqrt()


def hidden_error(rebuilt: Tensor, wanted: Tensor, mask: Tensor) -> Tensor:
    """Mean squared error over the values of the hidden tokens.

    Args:
        rebuilt, wanted: (n, tokens, values).
        mask: (n, tokens), 1 or true where hidden.
    """
    weight = mask.to(rebuilt.dtype)
    return ((rebuilt - wanted).square().mean(2) * weight).sum() / weight.sum().clamp_min(1)


def unexplained(rebuilt: Tensor, wanted: Tensor, mask: Tensor) -> Tensor:
    """Squared error over the hidden tokens as a share of their squared distance from their own mean, for each picture.

    0 is a perfect reconstruction; 1 is what one number for all hidden values reaches at best. Something without any contrast
    has 1, unless it is met within 1e-6.

    Args:
        rebuilt, wanted: (n, tokens, values).
        mask: (n, tokens), 1 or true where hidden.

    Returns:
        (n,) float32.
    """
    weight = mask.float()[..., None]
    rebuilt, wanted = rebuilt.float(), wanted.float()
    count = (weight.sum(1) * wanted.shape[2]).clamp_min(1)
    mean = (wanted * weight).sum((1, 2))[:, None] / count
    error = ((rebuilt - wanted).square() * weight).sum((1, 2))[:, None] / count
    spread = ((wanted - mean[..., None]).square() * weight).sum((1, 2))[:, None] / count
    share = error / spread.clamp_min(1e-6)
    return torch.where(spread > 1e-6, share, share.clamp_max(1))[:, 0]


def judged(core: MaskedAutoencoder, patches: Tensor, wanted: Tensor, mask: Tensor, index: Tensor) -> dict[str, Tensor]:
    """What a masked autoencoder gives when it is judged.

    Args:
        core: the network.
        patches: (n, tokens, values).
        wanted: (n, tokens, outputs).
        mask: (n, tokens) bool.
        index: (n, k) places that are not hidden.

    Returns:
        ``embedding`` (n, width), the mean over all tokens with none hidden; ``error`` (n,), see :func:`unexplained`.
    """
    error = unexplained(core(patches, index), wanted, mask)
    return {"embedding": core.encode(patches).mean(1), "error": error}


def clip_of(image: Tensor, frames: int, speed: float = 0.0, generator: Chance = None) -> Tensor:
    """A clip made of one picture, which stands still or moves along a straight line; a clip stays as it is.

    Args:
        image: (n, c, h, w), or a clip (n, c, t, h, w).
        frames: of the clip.
        speed: highest velocity along each axis, as a share of the side in each frame; what comes in at the edge mirrors the
            picture.
        generator: where chance comes from.

    Returns:
        (n, c, frames, h, w) float32, as targets of pixels need it where a network is given half precision.

    Raises:
        InputError: a clip of another number of frames.
    """
    image = image.float()
    if image.ndim == 5:
        if image.shape[2] != frames:
            raise InputError(f"a clip of {image.shape[2]} frames", f"{frames} frames")
        return image
    n, c, h, w = image.shape
    still = image[:, :, None].expand(-1, -1, frames, -1, -1)
    if not speed:
        return still
    # the grid of sampling spans 2 from side to side
    velocity = 2 * speed * (2 * chance((n, 1, 2), image.device, generator) - 1)
    offset = velocity * (torch.arange(frames, device=image.device) - (frames - 1) / 2)[None, :, None]
    theta = torch.eye(2, device=image.device).expand(n * frames, 2, 2)
    grid = F.affine_grid(torch.cat([theta, offset.reshape(-1, 2, 1)], 2), [n * frames, c, h, w], align_corners=False)
    flat = still.transpose(1, 2).reshape(n * frames, c, h, w)
    moved = F.grid_sample(flat, grid, padding_mode="reflection", align_corners=False)
    return moved.view(n, frames, c, h, w).transpose(1, 2)
