"""Attention that is pulled towards a map: what a layer looks at against where it should look."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F


def channel_mean(features: Tensor) -> Tensor:
    """What a layer looks at: the mean over its channels. (n, channels, h, w) -> (n, 1, h, w)"""
    return features.mean(1, keepdim=True)


def map_cosine(attention: Tensor, maps: Tensor) -> Tensor:
    """The cosine of each pair of maps over all positions; scaling a map changes nothing, adding to it does.

    Args:
        attention: (n, 1, h, w).
        maps: (n, 1, h', w'), resized bilinearly to (h, w), averaged where they shrink.

    Returns:
        (n,) in [-1, 1].

    Example:
        >>> map_cosine(torch.eye(2)[None, None], 3 * torch.eye(2)[None, None]).tolist()
        [1.0]
    """
    return F.cosine_similarity(attention.float().flatten(1), resized(maps, attention).float().flatten(1))


def resized(maps: Tensor, like: Tensor) -> Tensor:
    """Maps (n, 1, h', w') in the height and width of others, bilinearly, averaged where they shrink."""
    if maps.shape[2:] == like.shape[2:]:
        return maps
    return F.interpolate(maps, size=like.shape[2:], mode="bilinear", antialias=True, align_corners=False)


class MapAlignment(nn.Module):
    """1 - cosine between the attention and the map of the true class, the mean over the samples whose class has a map.

    Source: Belharbi et al., arXiv:2402.00281, Eq. 2 and 3: 0 where the attention is a multiple of the map, 1 where they share
    nothing, 2 where they are opposite.

    Args:
        maps: (classes, h, w), 0 or above; a class whose map is 0 everywhere has none.
    """

    def __init__(self, maps: Tensor) -> None:
        super().__init__()
        # made from settings: nothing to keep with the weights
        self.register_buffer("maps", maps[:, None].float(), persistent=False)
        self.maps: Tensor

    def forward(self, attention: Tensor, label: Tensor) -> Tensor:
        """(n, 1, h, w) and (n,) class codes -> one number; 0, without a slope, where no sample has a map."""
        # few classes are quicker to resize than many samples
        maps = resized(self.maps, attention)[label]
        known = maps.flatten(1).any(1)
        gap = 1 - map_cosine(attention, maps)
        return torch.where(known, gap, 0.0).sum() / known.sum().clamp_min(1)
