"""Chance changes of a batch of pictures, on the device of the batch; a picture is resampled once, whatever is changed."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from ..tasks.recipe import Augment, Image

GREY = (0.299, 0.587, 0.114)  # luma of ITU-R BT.601


def normalised(images: Tensor, image: Image) -> Tensor:
    """(n, c, h, w) uint8, or float in [0, 1], -> float32 less the mean, divided by the deviation."""
    values = images.float() / 255 if images.dtype == torch.uint8 else images
    mean, std = (torch.tensor(v, device=values.device).view(1, -1, 1, 1) for v in (image.mean, image.std))
    return (values - mean) / std


def seen(images: Tensor, view: str, crop: int = 0) -> list[Tensor]:
    """The pictures of a view, one for each that is answered on.

    Args:
        images: (n, c, h, w) normalised.
        view: "plain", "flip" or "crops".
        crop: side of the crops, pixels; 0 takes five sixths.
    """
    if view != "crops":
        return [images.flip(3) if view == "flip" else images]
    side = crop or round(images.shape[3] * 5 / 6)
    down, right = images.shape[2] - side, images.shape[3] - side
    places = ((0, 0), (0, right), (down, 0), (down, right), (down // 2, right // 2))
    cut = [images[:, :, y : y + side, x : x + side] for y, x in places]
    return [*cut, *(part.flip(3) for part in cut)]


def augmented(images: Tensor, spec: Augment) -> Tensor:
    """Changed copies of a batch; what chance decides comes from torch's generator of the device.

    Args:
        images: (n, c, h, w) uint8.
        spec: which changes, and how strong.

    Returns:
        (n, c, h, w) float32, or (n, c, crop, crop); [0, 1] but for what noise and brightness push beyond.
    """
    values = _moved(images.float() / 255, spec)
    values = _coloured(_coarse(values, spec), spec)
    if spec.noise:
        strength = torch.rand(len(values), 1, 1, 1, device=values.device) * spec.noise
        values = values + strength * torch.randn_like(values)
    return _erased(values, spec) if spec.erase else values


def _normal(n: int, deviation: float, like: Tensor) -> Tensor:
    return torch.randn(n, device=like.device) * deviation


def _moved(values: Tensor, spec: Augment) -> Tensor:
    n = len(values)
    mirror = torch.where(torch.rand(n, device=values.device) < spec.flip, -1.0, 1.0)
    if not (spec.scale or spec.rotate or spec.shift or spec.crop):
        return torch.where(mirror.view(n, 1, 1, 1) < 0, values.flip(3), values)
    side, part = (spec.crop or values.shape[3]), spec.crop / values.shape[3] if spec.crop else 1.0
    grow, turn = part * torch.exp(_normal(n, spec.scale, values)), _normal(n, spec.rotate, values)
    x, y = (_normal(n, spec.shift, values) + (1 - part) * (2 * torch.rand(n, device=values.device) - 1) for _ in "xy")
    rows = [grow * turn.cos() * mirror, -grow * turn.sin(), x, grow * turn.sin() * mirror, grow * turn.cos(), y]
    shape = [n, values.shape[1], side if spec.crop else values.shape[2], side]
    grid = F.affine_grid(torch.stack(rows, 1).view(n, 2, 3), shape, align_corners=False)
    return F.grid_sample(values, grid, padding_mode="border", align_corners=False)


def _coarse(values: Tensor, spec: Augment) -> Tensor:
    chosen = torch.rand(len(values), device=values.device) < spec.lowres
    if not spec.lowres or not bool(chosen.any()):
        return values
    height, width = values.shape[2:]
    values = values.clone()
    # a size is that of a whole group: drawing one for each picture would resize them one by one
    for rows in chosen.nonzero()[:, 0].tensor_split(4):
        if len(rows):
            ratio = spec.coarsest + (1 - spec.coarsest) * float(torch.rand(1))
            small = (max(1, round(height * ratio)), max(1, round(width * ratio)))
            few = F.interpolate(values[rows], small, mode="bilinear", antialias=True)
            values[rows] = F.interpolate(few, (height, width), mode="bilinear")
    return values


def _coloured(values: Tensor, spec: Augment) -> Tensor:
    n = len(values)
    if spec.saturation and values.shape[1] == 3:
        grey = (values * torch.tensor(GREY, device=values.device).view(1, 3, 1, 1)).sum(1, keepdim=True)
        values = torch.lerp(grey, values, torch.exp(_normal(n, spec.saturation, values)).view(n, 1, 1, 1))
    if spec.contrast:
        # about the middle grey rather than the mean of the picture, which would need another pass
        values = (values - 0.5) * torch.exp(_normal(n, spec.contrast, values)).view(n, 1, 1, 1) + 0.5
    if spec.brightness:
        values = values + _normal(n, spec.brightness, values).view(n, 1, 1, 1)
    return values


def _erased(values: Tensor, spec: Augment) -> Tensor:
    """Random erasing with the middle grey: Zhong et al., arXiv:1708.04896, with squares only."""
    n, _, height, width = values.shape
    device = values.device
    half = torch.rand(n, 1, device=device) * spec.erase_size / 2 * (torch.rand(n, 1, device=device) < spec.erase)
    y, x = torch.rand(n, 1, device=device), torch.rand(n, 1, device=device)
    rows = (torch.arange(height, device=device) + 0.5) / height
    columns = (torch.arange(width, device=device) + 0.5) / width
    hole = ((rows - y).abs() < half)[:, :, None] & ((columns - x).abs() < half)[:, None, :]
    return values.masked_fill(hole[:, None], 0.5)


def mixed(images: Tensor, targets: Tensor, alpha: float) -> tuple[Tensor, Tensor]:
    """Mixup: each picture and its target joined with those of another of the batch, one share for all.

    Source: Zhang et al., arXiv:1710.09412, Eq. 1, the share drawn from Beta(alpha, alpha).

    Args:
        images: (n, c, h, w) float.
        targets: (n, k) float.
        alpha: above 0.
    """
    share = torch.distributions.Beta(alpha, alpha).sample().to(images.device)
    other = torch.randperm(len(images), device=images.device)
    return torch.lerp(images[other], images, share), torch.lerp(targets[other], targets, share)
