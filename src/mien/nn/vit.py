"""Transformers on patches of pictures and on tubes of clips: cutting, places, blocks, and the plain network for pictures."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..errors import InputError


@dataclass(frozen=True)
class Size:
    """Size of a stack of blocks.

    Args:
        width: length of a token.
        depth: blocks.
        heads: of attention; they divide the width.
    """

    width: int
    depth: int
    heads: int


SIZES = {"S": Size(384, 12, 6), "B": Size(768, 12, 12), "L": Size(1024, 24, 16)}


def cut(clip: Tensor, tube: int, patch: int) -> Tensor:
    """A clip as tokens of raw values; ``tube`` 1 and one frame cut a picture.

    Args:
        clip: (n, c, t, h, w).
        tube: frames in a token.
        patch: side of a token, pixels.

    Returns:
        (n, t / tube * h / patch * w / patch, tube * patch * patch * c): tokens in the order of time, rows and columns, their
        values in the order of time, rows, columns and colours.

    Raises:
        InputError: the sides are no multiples.

    Example:
        >>> cut(torch.zeros(1, 3, 16, 224, 224), 2, 16).shape
        torch.Size([1, 1568, 1536])
    """
    n, c, t, h, w = clip.shape
    # an exporter follows sizes as values, which cannot be asked
    if not torch.onnx.is_in_onnx_export() and (t % tube or h % patch or w % patch):
        raise InputError(f"a clip of {t} frames of {h} x {w}", f"multiples of {tube} frames and {patch} pixels")
    parts = clip.reshape(n, c, t // tube, tube, h // patch, patch, w // patch, patch).permute(0, 2, 4, 6, 3, 5, 7, 1)
    return parts.reshape(n, (t // tube) * (h // patch) * (w // patch), tube * patch * patch * c)


def joined(tokens: Tensor, grid: tuple[int, int, int], tube: int, patch: int) -> Tensor:
    """The clip that was cut: the inverse of :func:`cut`.

    Args:
        tokens: (n, tokens, values).
        grid: tokens along time, rows and columns.
        tube, patch: as in :func:`cut`.

    Returns:
        (n, c, t, h, w).
    """
    n, (times, rows, columns) = tokens.shape[0], grid
    parts = tokens.reshape(n, times, rows, columns, tube, patch, patch, -1).permute(0, 7, 1, 4, 2, 5, 3, 6)
    return parts.reshape(n, -1, times * tube, rows * patch, columns * patch)


def sine(places: Tensor, width: int) -> Tensor:
    """Places as sines and cosines of falling frequency.

    Source: Vaswani et al., arXiv:1706.03762, section 3.5: PE(p, 2i) = sin(p / 10000^(2i/width)), PE(p, 2i + 1) the cosine of it.

    Args:
        places: (tokens,) numbers.
        width: length of a token, even.

    Returns:
        (tokens, width) float32.

    Example:
        >>> sine(torch.zeros(1), 4).tolist()
        [[0.0, 1.0, 0.0, 1.0]]
    """
    rates = 10000.0 ** (-torch.arange(0, width, 2, dtype=torch.float64, device=places.device) / width)
    angle = places.double()[:, None] * rates
    return torch.stack([angle.sin(), angle.cos()], 2).flatten(1)[:, :width].float()


def sine_grid(rows: int, columns: int, width: int) -> Tensor:
    """Places of a picture: half of the numbers tell the row, half the column; (rows * columns, width).

    Source: the fixed positions of He et al., "Masked Autoencoders Are Scalable Vision Learners", arXiv:2111.06377, appendix A.1.
    """
    row, column = torch.arange(rows).repeat_interleave(columns), torch.arange(columns).repeat(rows)
    return torch.cat([sine(row, width // 2), sine(column, width // 2)], 1)


class Attention(nn.Module):
    """Attention of all tokens to all: softmax(q k^T / sqrt(width / heads)) v, for each head.

    Source: arXiv:1706.03762, Eq. 1. (n, tokens, width) -> the same shape.

    Args:
        width, heads: see :class:`Size`.
        key_bias: whether keys have a bias, which changes nothing but the count: it adds the same to all scores of a query.
    """

    def __init__(self, width: int, heads: int, key_bias: bool = True) -> None:
        super().__init__()
        if width % heads:
            raise InputError(f"{heads} heads on a width of {width}", "heads that divide it")
        self.heads, self.size = heads, width // heads
        self.qkv = nn.Linear(width, 3 * width, bias=key_bias)
        self.bias = None if key_bias else nn.Parameter(torch.zeros(2, width))
        self.out = nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        n, tokens, width = x.shape
        found = self.qkv(x)
        if self.bias is not None:
            found = found + torch.cat([self.bias[0], torch.zeros_like(self.bias[0]), self.bias[1]]).to(found.dtype)
        q, k, v = found.reshape(n, tokens, 3, self.heads, self.size).permute(2, 0, 3, 1, 4).unbind(0)
        return self.out(F.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(n, tokens, width))


class Block(nn.Module):
    """Attention, then a perceptron of four times the width; each on normalised tokens and added to them.

    Source: Dosovitskiy et al., "An Image is Worth 16x16 Words", arXiv:2010.11929, Eq. 2-3. (n, tokens, width) -> the same shape.
    """

    def __init__(self, width: int, heads: int, key_bias: bool = True) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width, eps=1e-6)
        self.attention = Attention(width, heads, key_bias)
        self.norm_mlp = nn.LayerNorm(width, eps=1e-6)
        self.mlp = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.attention(self.norm(x))
        return x + self.mlp(self.norm_mlp(x))


def blocks(size: Size, key_bias: bool = True) -> nn.Sequential:
    """A stack of blocks and the norm after them; matrices begin as of Glorot and Bengio (2010), vectors as 0."""
    stack = nn.Sequential(
        *(Block(size.width, size.heads, key_bias) for _ in range(size.depth)), nn.LayerNorm(size.width, eps=1e-6)
    )
    stack.apply(begin)
    return stack


def begin(module: nn.Module) -> None:
    """Even numbers of Glorot's range for the matrix of a linear layer, 0 for its bias."""
    if isinstance(module, nn.Linear):
        nn.init.xavier_uniform_(module.weight)
        if module.bias is not None:
            nn.init.zeros_(module.bias)


class ViT(nn.Module):
    """Vision transformer without a classifier: patches, a class token, learned places.

    Source: arXiv:2010.11929, Eq. 1-4; its B/16 at 224 pixels is the default.

    Args:
        size: of the stack.
        image, patch: sides in pixels.
        channels: of the picture.
    """

    def __init__(self, size: Size = SIZES["B"], image: int = 224, patch: int = 16, channels: int = 3) -> None:
        super().__init__()
        self.patch, self.size = patch, size.width
        self.embed = nn.Linear(patch * patch * channels, size.width)
        self.first = nn.Parameter(torch.randn(1, 1, size.width) * 0.02)
        self.places = nn.Parameter(torch.randn(1, 1 + (image // patch) ** 2, size.width) * 0.02)
        self.blocks = blocks(size)
        begin(self.embed)

    def forward(self, image: Tensor) -> dict[str, Tensor]:
        """(n, channels, h, w) -> ``tokens`` (n, 1 + patches, width) and ``embedding`` (n, width), the class token."""
        x = self.embed(cut(image[:, :, None], 1, self.patch))
        x = torch.cat([self.first.expand(x.shape[0], -1, -1).to(x.dtype), x], 1) + self.places
        tokens = self.blocks(x)
        return {"tokens": tokens, "embedding": tokens[:, 0]}


class ViTClassifier(nn.Module):
    """A vision transformer and one linear layer on its class token.

    Args:
        trunk: the transformer.
        classes: number of classes.
    """

    def __init__(self, trunk: ViT, classes: int) -> None:
        super().__init__()
        self.trunk, self.head = trunk, nn.Linear(trunk.size, classes)

    def forward(self, image: Tensor) -> dict[str, Tensor]:
        """(n, channels, h, w) -> ``logits`` (n, classes) and ``embedding`` (n, width)."""
        embedding = self.trunk(image)["embedding"]
        return {"logits": self.head(embedding), "embedding": embedding}
