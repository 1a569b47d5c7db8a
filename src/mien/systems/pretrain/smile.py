"""SMILE: a masked autoencoder for clips that predicts features in place of pixels, of clips on which objects are made to move.

Thoker, Jiang, Zhao, Bai, Snoek and Ghanem, "SMILE: Infusing Spatial and Motion Semantics in Masked Video Learning", CVPR 2025.
Objects are pasted on each clip along smooth paths, turning and growing, so that there is motion to learn even in still pictures.
Four fifths of the tubes are hidden; of the tokens that an object sweeps over only a small share stays visible, then as many
tokens by chance are hidden or shown again as the exact ratio asks for. With f the features of a frozen network at a token,
standardised over the tokens of the clip, and M the hidden tokens, the loss is the mean over M of |prediction - f|^2. Training has
two stages: with objects, then without (``model.overlay=false --init WEIGHTS``).

Simplified: the features are CLIP's in the paper; without its weights they are oriented gradients here (after Dalal and Triggs,
CVPR 2005), 16 directions in 4 x 4 cells of each patch and colour, which are also 768 numbers. Objects are oval pieces of
other pictures of the batch, as in the paper's arm without object pictures. Turn and growth are steady, not drawn between key
frames.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ...errors import InputError
from ...nn.masked import MaskedAutoencoder, clip_of, judged
from ...nn.masks import Chance, chance, hide, shown, tube_mask
from ...nn.vit import SIZES, Size, cut
from ...tasks.recipe import Augment, Image, Optim, Recipe, Schedule

DECODERS = {"S": Size(192, 4, 3), "B": Size(384, 4, 6)}
TUBE, PATCH, SIDE, PLACES = 2, 16, 224, 196
EDGES, ASPECTS = (32.0, 48.0, 56.0, 64.0, 96.0, 128.0), (0.5, 0.67, 0.75, 1.0, 1.33, 1.5, 2.0)
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def paths(n: int, frames: int, device: torch.device | str, generator: Chance = None) -> Tensor:
    """Smooth ways through the picture: 48 random points, a Gaussian of 8 points, an amplitude of 40 to 179 pixels, a shift.

    Returns:
        (n, frames, 2) x y in pixels of 224.
    """
    points = chance((n, 2, 48), device, generator)
    kernel = torch.exp(-((torch.arange(48, device=device)[:, None] - torch.arange(48, device=device)) ** 2) / (2 * 8.0**2))
    way = points @ (kernel / kernel.sum(1, keepdim=True)).T
    low, high = way.amin(2, keepdim=True), way.amax(2, keepdim=True)
    amplitude = 40 + 139 * chance((n, 2, 1), device, generator)
    shift = chance((n, 2, 1), device, generator) * (SIDE - amplitude)
    way = (way - low) / (high - low).clamp_min(1e-9) * amplitude + shift
    return way[:, :, torch.linspace(0, 47, frames, device=device).round().long()].transpose(1, 2)


def paste(clip: Tensor, source: Tensor, way: Tensor, generator: Chance = None) -> tuple[Tensor, Tensor]:
    """An oval piece of a picture on each clip, along a way.

    Args:
        clip: (n, c, frames, 224, 224).
        source: (n, c, 224, 224) pictures that the pieces are cut from, at a random place.
        way: (n, frames, 2) x y of the middle, pixels.
        generator: where chance comes from.

    Returns:
        The clip, and (n, frames, 224, 224) how much of it the object covers, 0 to 1.
    """
    n, c, frames = clip.shape[:3]
    draw = chance((6, n), clip.device, generator)
    edges, aspects = torch.tensor(EDGES, device=clip.device), torch.tensor(ASPECTS, device=clip.device)
    edge = edges[(draw[0] * len(EDGES)).long()] * (1 + 0.18 * (2 * draw[2] - 1))
    stretch = aspects[(draw[1] * len(ASPECTS)).long()].sqrt()
    time = torch.arange(frames, device=clip.device) - (frames - 1) / 2
    turn = math.radians(6) * (2 * draw[3, :, None] - 1) * time
    grow = torch.exp(0.025 * (2 * draw[4, :, None] - 1) * time)
    half = torch.stack([edge * stretch, edge / stretch], 1)[:, None] * grow[..., None] / SIDE
    middle = 2 * way / SIDE - 1
    # from places in the clip to places in the piece, both in [-1, 1]
    cos, sin = turn.cos(), turn.sin()
    rows = torch.stack([torch.stack([cos, sin], 2) / half[..., :1], torch.stack([-sin, cos], 2) / half[..., 1:]], 2)
    theta = torch.cat([rows, -rows @ middle[..., None]], 3).flatten(0, 1)
    grid = F.affine_grid(theta, [n * frames, c, SIDE, SIDE], align_corners=False)
    oval = (4 * (1 - grid.square().sum(3))).clamp(0, 1).view(n, 1, frames, SIDE, SIDE)
    # a piece as large as the object is at first, from anywhere
    reach = (edge / SIDE).clamp_max(1)[:, None]
    corner = (1 - reach) * (2 * torch.stack([draw[5], 1 - draw[5]], 1) - 1)
    piece = grid * reach.repeat_interleave(frames, 0)[:, None, None] + corner.repeat_interleave(frames, 0)[:, None, None]
    cut_out = F.grid_sample(source.repeat_interleave(frames, 0), piece, align_corners=False, padding_mode="border")
    pasted = torch.lerp(clip, cut_out.view(n, frames, c, SIDE, SIDE).transpose(1, 2), oval)
    return pasted, oval[:, 0]


def trajectory_mask(swept: Tensor, mask: Tensor, share: float, count: int, generator: Chance = None) -> Tensor:
    """A mask that hides what objects sweep over, but for a share, with exactly ``count`` hidden.

    Args:
        swept: (n, tokens) bool, tokens that hold a part of an object.
        mask: (n, tokens) bool to begin with.
        share: of the swept tokens that stay visible.
        count: how many are hidden in the end; chance decides which are hidden or shown besides.
    """
    left = chance(tuple(swept.shape), swept.device, generator).masked_fill(~swept, 2.0)
    rank = left.argsort(1).argsort(1)
    visible = swept & (rank < (share * swept.sum(1, keepdim=True)).floor())
    return hide(((mask | swept) & ~visible).long(), count, generator)


def oriented_gradients(clip: Tensor, bins: int = 16, cell: int = 4) -> Tensor:
    """How far gradients point along each direction in each cell of each patch, in the first frame of each tube.

    Args:
        clip: (n, c, frames, h, w).
        bins: directions over the half circle.
        cell: side of a cell, pixels.

    Returns:
        (n, tokens, bins * (16 / cell)^2 * c).
    """
    n, c, t, h, w = clip.shape
    still = clip.reshape(n, c, t // TUBE, TUBE, h, w)[:, :, :, 0].transpose(1, 2).flatten(0, 1)
    # the edge is repeated by hand: exporters make much of padding
    x = torch.cat([still[..., 1:], still[..., -1:]], 3) - torch.cat([still[..., :1], still[..., :-1]], 3)
    y = torch.cat([still[..., 1:, :], still[..., -1:, :]], 2) - torch.cat([still[..., :1, :], still[..., :-1, :]], 2)
    angle = torch.arange(bins, device=clip.device) * math.pi / bins
    along = x.unsqueeze(2) * angle.cos().view(-1, 1, 1) + y.unsqueeze(2) * angle.sin().view(-1, 1, 1)
    maps = F.avg_pool2d(along.abs().flatten(1, 2), cell)
    return cut(maps.view(n, t // TUBE, *maps.shape[1:]).transpose(1, 2), 1, PATCH // cell)


def standardised(features: Tensor) -> Tensor:
    """Each number less its mean over the tokens of a clip, divided by its deviation (by n): (n, tokens, d)."""
    centred = features - features.mean(1, keepdim=True)
    return centred / (centred.square().mean(1, keepdim=True) + 1e-6).sqrt()


class Smile(nn.Module):
    """Masked autoencoder of clips that predicts features.

    Args:
        size, decoder: of the two stacks.
        frames: of a clip, a multiple of 2.
        ratio: share of the tubes that is hidden.
        overlay: whether objects are pasted while training: the first stage.
        share: of what they sweep over that stays visible.
    """

    def __init__(self, size: Size, decoder: Size, frames: int, ratio: float, overlay: bool, share: float) -> None:
        super().__init__()
        self.frames, self.overlay, self.share = frames, overlay, share
        self.slices, self.count = frames // TUBE, int(ratio * PLACES + 1e-9)
        self.core = MaskedAutoencoder(self.slices * PLACES, TUBE * PATCH * PATCH * 3, size, decoder, outputs=768)
        mask = tube_mask(1, self.slices, PLACES, self.count, "cpu", torch.Generator("cpu").manual_seed(0))
        self.register_buffer("judging", mask, persistent=False)
        self.register_buffer("seen", shown(mask), persistent=False)
        self.judging: Tensor
        self.seen: Tensor

    def forward(self, image: Tensor, features: Tensor | None = None) -> dict[str, Tensor]:
        """
        Args:
            image: (n, 3, 224, 224) normalised, or clips (n, 3, frames, 224, 224).
            features: (n, tokens, 768) of the frozen network for the clip as it is given, without ``overlay`` only; None takes
                oriented gradients.

        Returns:
            In training ``reconstruction`` and ``wanted`` (n, tokens, 768), ``mask`` (n, tokens); else ``embedding`` (n, width),
            the mean over all tubes with none hidden, and ``error`` (n,).
        """
        n, clip, pasting = image.shape[0], clip_of(image, self.frames), self.training and self.overlay
        if pasting and features is not None:
            raise InputError("features of clips on which objects are pasted", "features with overlay=false")
        swept = torch.zeros(n, self.core.tokens, dtype=torch.bool, device=image.device)
        if pasting:
            for _ in range(2):
                # places need more digits than half precision has
                with torch.autocast(image.device.type, enabled=False):
                    clip, cover = paste(clip, clip[:, :, 0].roll(1, 0), paths(n, self.frames, image.device))
                swept |= cut(cover[:, None], TUBE, PATCH).amax(2) > 0
        patches = cut(clip, TUBE, PATCH)
        wanted = standardised(oriented_gradients(clip) if features is None else features)
        if not self.training:
            return judged(self.core, patches, wanted, self.judging.expand(n, -1), self.seen.expand(n, -1))
        mask = tube_mask(n, self.slices, PLACES, self.count, image.device)
        if pasting:
            mask = trajectory_mask(swept, mask, self.share, self.slices * self.count)
        return {"reconstruction": self.core(patches, shown(mask)), "wanted": wanted, "mask": mask.float()}


def model(
    size: str = "B", frames: int = 16, ratio: float = 0.8, overlay: bool = True, share: float = 0.1, depth: int = 0
) -> nn.Module:
    """The paper's networks "S" and "B"; a depth other than 0 makes both stacks of that many blocks."""
    first, last = (Size(one.width, depth or one.depth, one.heads) for one in (SIZES[size], DECODERS[size]))
    return Smile(first, last, frames, ratio, overlay, share)


def recipe() -> Recipe:
    """The first stage: ``mien train smile --data FAIRFACE``, days on one GPU; then ``--set model.overlay=false --init WEIGHTS``.

    Expected: the paper's figures are of actions in clips, after tuning; of faces it has none.
    """
    optim = Optim("adamw", 1.5e-4, momentum=0.9, beta=0.95, decay=0.05)
    image = Image(SIDE, 3, MEAN, STD, cache=False)
    return Recipe("fairface/pixels", 300, 256, image, optim, Schedule("cosine", 40.0, final=0.0), Augment(flip=0.5))
