"""Which tokens are hidden from a masked autoencoder: by chance, in tubes, in blocks, or guided by the parts of the face.

A mask is (n, tokens) bool, true where a token is hidden. Every row of it hides the same number of tokens, so that what is left
can be stacked. All kinds are one rule, :func:`hide`, on different priorities.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from ..errors import InputError

Chance = torch.Generator | None
"""Where chance comes from; None takes torch's own generator of the device."""


def chance(shape: tuple[int, ...], device: torch.device | str, generator: Chance = None) -> Tensor:
    """Even numbers from [0, 1) on a device, whatever the device of the generator."""
    source = device if generator is None else generator.device
    return torch.rand(shape, generator=generator, device=source).to(device)


def hide(priority: Tensor, count: int, generator: Chance = None) -> Tensor:
    """Hide the tokens of the highest priority; among equal ones chance decides.

    Args:
        priority: (n, tokens) whole numbers of less than 10,000.
        count: how many are hidden in each row.
        generator: where chance comes from.

    Returns:
        (n, tokens) bool with exactly ``count`` true in each row.

    Raises:
        InputError: the count is below 0 or above the number of tokens.

    Example:
        >>> hide(torch.tensor([[0, 2, 1, 2]]), 3).tolist()
        [[False, True, True, True]]
    """
    tokens = priority.shape[1]
    if not 0 <= count <= tokens:
        raise InputError(f"{count} of {tokens} tokens hidden", "0 to all of them")
    # less than 1, so that rounding never lifts a token to the next priority
    score = priority.float() + 0.99 * chance(tuple(priority.shape), priority.device, generator)
    return torch.zeros_like(priority, dtype=torch.bool).scatter(1, score.topk(count, 1).indices, True)


def shown(mask: Tensor) -> Tensor:
    """Places of the tokens that are left, in rising order: (n, tokens) bool -> (n, left) int64.

    Raises:
        InputError: the rows hide different numbers.
    """
    left = (~mask).sum(1)
    if not bool((left == left[0]).all()):
        raise InputError(f"rows that hide {sorted(set((mask.shape[1] - left).tolist()))} tokens", "the same number in each")
    return (~mask).nonzero()[:, 1].view(len(mask), -1)


def random_mask(n: int, tokens: int, count: int, device: torch.device | str = "cpu", generator: Chance = None) -> Tensor:
    """Each set of ``count`` tokens is as likely as any other (arXiv:2111.06377, section 3)."""
    return hide(torch.zeros(n, tokens, device=device), count, generator)


def tube_mask(
    n: int, times: int, places: int, count: int, device: torch.device | str = "cpu", generator: Chance = None
) -> Tensor:
    """The same ``count`` of ``places`` at all times, so that no still part can be copied from another time.

    Source: Tong et al., "VideoMAE", arXiv:2203.12602, section 3.3.

    Returns:
        (n, times * places) bool.

    Example:
        >>> mask = tube_mask(2, 8, 196, 176)
        >>> mask.sum(1).tolist(), bool((mask.view(2, 8, 196) == mask.view(2, 8, 196)[:, :1]).all())
        ([1408, 1408], True)
    """
    return random_mask(n, places, count, device, generator).repeat(1, times)


def block_mask(
    n: int, rows: int, columns: int, count: int, device: torch.device | str = "cpu", generator: Chance = None
) -> Tensor:
    """Rectangles of a tenth to a quarter of the picture, sides up to 1 : 3, one after the other until ``count`` are hidden.

    Source: the blocks of Bao et al., "BEiT", arXiv:2106.08254, algorithm 1; of the last one only as many tokens as are needed.

    Returns:
        (n, rows * columns) bool.
    """
    number = 64  # of a tenth each: what none of them covers is left to chance
    area, ratio, y, x = chance((4, n, number), device, generator)
    side = ((0.1 + 0.15 * area) * rows * columns).sqrt()
    stretch = 3.0 ** (ratio - 0.5)
    high, wide = (side * stretch).clamp(1, rows), (side / stretch).clamp(1, columns)
    top, left = y * (rows - high), x * (columns - wide)
    row, column = torch.arange(rows, device=device), torch.arange(columns, device=device)
    vertical = (row >= top[..., None].round()) & (row < (top + high)[..., None].round())
    horizontal = (column >= left[..., None].round()) & (column < (left + wide)[..., None].round())
    inside = (vertical[..., :, None] & horizontal[..., None, :]).flatten(2)
    first = torch.where(inside.any(1), inside.byte().argmax(1), number)
    return hide(number - first, count, generator)


# Guided by the parts of the face ------------------------------------------------------------------------------------------
def covered(parsing: Tensor, classes: int, patch: int) -> Tensor:
    """Which places of the grid hold a pixel of each class.

    Args:
        parsing: (n, times, h, w) classes, whole numbers.
        classes: how many.
        patch: side of a token, pixels.

    Returns:
        (n, times, classes, h / patch * w / patch) bool.
    """
    maps = F.one_hot(parsing.long(), classes).movedim(-1, 2).flatten(0, 1).float()
    return (F.max_pool2d(maps, patch) > 0).view(*parsing.shape[:2], classes, -1)


def region_mask(holds: Tensor, queue: Tensor, count: int, generator: Chance = None) -> Tensor:
    """Regions come into sight in the order of a queue until enough of a slice is visible; the rest is hidden.

    Source: Cai et al., "MARLIN", arXiv:2211.06627, section 3.1 (Fasking). In each slice of time, the places that hold the
    region at the head of the queue become visible, then those of the next, until their share is at least that of the tokens
    that are to be left; then visible tokens drawn from the whole clip are hidden until exactly ``count`` are.

    Args:
        holds: (n, times, regions, places) bool from :func:`covered`; a slice that no region covers is visible as a whole.
        queue: (n, regions) order of the regions, the first to be seen first.
        count: how many tokens of a clip are hidden.
        generator: where chance comes from.

    Returns:
        (n, times * places) bool.
    """
    n, times, regions, places = holds.shape
    ordered = holds.gather(2, queue[:, None, :, None].expand(n, times, regions, places))
    seen = ordered.byte().cummax(2).values.bool()
    wanted = 1 - count / (times * places)
    enough = seen.float().mean(3) >= wanted
    last = torch.where(enough.any(2), enough.byte().argmax(2), regions - 1)
    visible = seen.gather(2, last[..., None, None].expand(n, times, 1, places))[:, :, 0]
    visible = visible | ~holds.any((2, 3))[..., None]
    return hide((~visible).flatten(1).long(), count, generator)
