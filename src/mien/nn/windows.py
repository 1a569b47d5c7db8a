"""Windows on a map: cutting and joining them, attention inside them with their own or with given queries."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ..errors import InputError


def partition(x: Tensor, window: int) -> Tensor:
    """Cut a map into windows that do not overlap.

    Source: Liu et al., "Swin Transformer", arXiv:2103.14030, section 3.2.

    Args:
        x: (n, h, w, c); h and w are multiples of ``window``.
        window: cells along each side of a window, M.

    Returns:
        (n, h w / M^2, M^2, c); the windows, and the cells in each, row by row.

    Example:
        >>> partition(torch.arange(16).view(1, 4, 4, 1), 2)[0, 1, :, 0].tolist()
        [2, 3, 6, 7]
    """
    n, height, width, c = x.shape
    cells = x.reshape(n, height // window, window, width // window, window, c).transpose(2, 3)
    return cells.reshape(n, -1, window * window, c)


def join(x: Tensor, window: int, height: int, width: int) -> Tensor:
    """The inverse of :func:`partition`: (n, windows, window^2, c) -> (n, height, width, c)."""
    cells = x.reshape(x.shape[0], height // window, width // window, window, window, x.shape[-1])
    return cells.transpose(2, 3).reshape(x.shape[0], height, width, x.shape[-1])


class Windows(nn.Module):
    """How a map of one size is cut into windows, shifted or not, whatever its size.

    A map that is no multiple of the window is padded at its lower and right end. A shift rolls the map up and to the left, so
    that windows lie across the borders of those without shift (arXiv:2103.14030, section 3.2 and figure 4).

    Args:
        height, width: cells of the map.
        window: cells along each side of a window, M.
        shift: cells, 0 to M - 1.

    Attributes:
        mask: (windows, M^2, M^2), True where the cell of the row may see that of the column: not across the borders of the
            map that a shift brings together, and no padding. None where all may.

    Raises:
        InputError: a window below 1, or a shift outside its range.
    """

    def __init__(self, height: int, width: int, window: int, shift: int = 0) -> None:
        super().__init__()
        if window < 1 or not 0 <= shift < window:
            raise InputError(f"a window of {window} with a shift of {shift}", "a window from 1 on, a shift below it")
        self.height, self.width, self.window, self.shift = height, width, window, shift
        self.high, self.wide = -(-height // window) * window, -(-width // window) * window
        self.padded = (self.high, self.wide) != (height, width)
        # not stored with the weights: it follows from the sizes
        self.register_buffer("mask", self._mask() if shift or self.padded else None, persistent=False)
        self.mask: Tensor | None

    def _mask(self) -> Tensor:
        """Cells see each other where they come from the same part of the map; the padding is a part of its own."""
        rows, columns = torch.arange(self.high) + self.shift, torch.arange(self.wide) + self.shift
        part = 2 * (rows // self.high)[:, None] + (columns // self.wide)[None]
        missing = (rows % self.high >= self.height)[:, None] | (columns % self.wide >= self.width)[None]
        cells = partition(part.masked_fill(missing, 4)[None, :, :, None], self.window)[0, :, :, 0]
        return cells[:, :, None] == cells[:, None, :]

    def cut(self, x: Tensor) -> Tensor:
        """(n, height, width, c) -> (n, windows, M^2, c)."""
        if self.padded:
            # zeros joined on: the exporter to ONNX warns of paddings known in advance
            n, c = x.shape[0], x.shape[3]
            x = torch.cat([x, x.new_zeros(n, self.height, self.wide - self.width, c)], 2)
            x = torch.cat([x, x.new_zeros(n, self.high - self.height, self.wide, c)], 1)
        if self.shift:
            x = x.roll((-self.shift, -self.shift), (1, 2))
        return partition(x, self.window)

    def paste(self, x: Tensor) -> Tensor:
        """The inverse of :meth:`cut`; what stands in the padding is dropped."""
        x = join(x, self.window, self.high, self.wide)
        if self.shift:
            x = x.roll((self.shift, self.shift), (1, 2))
        return x[:, : self.height, : self.width]


class RelativeBias(nn.Module):
    """A learned number for each head and each distance between two cells of a window.

    Source: arXiv:2103.14030, Eq. 4: B has M^2 x M^2 values, taken from a table of (2M - 1)^2.

    Args:
        window: M.
        heads: of the attention.
    """

    def __init__(self, window: int, heads: int) -> None:
        super().__init__()
        self.table = nn.Parameter(torch.empty((2 * window - 1) ** 2, heads))
        nn.init.trunc_normal_(self.table, std=0.02)
        place = torch.arange(window)
        away = place[:, None] - place[None] + window - 1
        index = away[:, None, :, None] * (2 * window - 1) + away[None, :, None, :]
        self.register_buffer("index", index.reshape(window**2, window**2), persistent=False)
        self.index: Tensor

    def forward(self) -> Tensor:
        """(heads, M^2, M^2): for cell i that asks and cell j that is asked, the number of their distance i - j."""
        return self.table[self.index].permute(2, 0, 1)


class WindowAttention(nn.Module):
    """Attention inside windows: o = softmax(q k^T / sqrt(d) + B) v for each head, then a linear layer.

    Sources: arXiv:2103.14030, Eq. 4; with given queries, the same for all windows of a map: Hatamizadeh et al., "Global
    Context Vision Transformers", arXiv:2206.09959, section 3.2.

    Args:
        width: channels c, shared out evenly to the heads.
        heads: their number.
        window: cells along each side of a window, M.
        given: whether queries are given; then they are taken as they are, and only keys and values are projected.

    Raises:
        InputError: the heads do not divide the width.
    """

    def __init__(self, width: int, heads: int, window: int, given: bool = False) -> None:
        super().__init__()
        if width % heads:
            raise InputError(f"{heads} heads for {width} channels", "a divisor of the channels")
        self.heads, self.given = heads, given
        self.project = nn.Linear(width, (2 if given else 3) * width)
        self.bias = RelativeBias(window, heads)
        self.out = nn.Linear(width, width)

    def forward(self, x: Tensor, query: Tensor | None = None, mask: Tensor | None = None) -> Tensor:
        """
        Args:
            x: (n, windows, M^2, c).
            query: (n, M^2, c), the same for all windows; only where queries are given.
            mask: (windows, M^2, M^2), True where a cell may be seen; :attr:`Windows.mask`.

        Returns:
            (n, windows, M^2, c).

        Raises:
            InputError: a query is missing, or not wanted.
        """
        if self.given != (query is not None):
            raise InputError(f"{'no' if query is None else 'a'} query", "one exactly where queries are given")
        # (n, windows, M^2, c) -> (n, windows, heads, M^2, d)
        parts = [self._headed(part) for part in self.project(x).chunk(2 if self.given else 3, -1)]
        asking = parts[0] if query is None else self._headed(query.unsqueeze(1))
        score = (asking * asking.shape[-1] ** -0.5) @ parts[-2].transpose(-2, -1) + self.bias()
        if mask is not None:
            score = score.masked_fill(~mask[:, None], float("-inf"))
        return self.out((score.softmax(-1) @ parts[-1]).transpose(-3, -2).flatten(-2))

    def _headed(self, x: Tensor) -> Tensor:
        return x.reshape(*x.shape[:-1], self.heads, -1).transpose(-3, -2)


class DropPath(nn.Module):
    """Leaves out the branch of a residual block for some samples in training, the others scaled up for it.

    Source: Huang et al., "Deep Networks with Stochastic Depth", arXiv:1603.09382, Eq. 2, with the scale of inverted dropout.

    Args:
        share: chance that a sample goes without, in [0, 1).
    """

    def __init__(self, share: float = 0.0) -> None:
        super().__init__()
        self.share = share

    def forward(self, x: Tensor) -> Tensor:
        if not self.share or not self.training:
            return x
        keep = torch.rand(x.shape[0], *[1] * (x.ndim - 1), device=x.device) >= self.share
        return x * keep.to(x.dtype) / (1 - self.share)


def mlp(width: int, ratio: int = 4) -> nn.Sequential:
    """The two linear layers of a transformer block, GELU between them, ``ratio`` times as wide inside."""
    return nn.Sequential(nn.Linear(width, ratio * width), nn.GELU(), nn.Linear(ratio * width, width))


def means(inputs: int, outputs: int) -> Tensor:
    """(outputs, inputs) matrix that takes means over shares of an axis which overlap where they do not divide it.

    The shares are those of adaptive average pooling, which has no counterpart in ONNX.

    Example:
        >>> means(4, 2).tolist()
        [[0.5, 0.5, 0.0, 0.0], [0.0, 0.0, 0.5, 0.5]]
    """
    place, share = torch.arange(inputs)[None], torch.arange(outputs)[:, None]
    inside = (place >= share * inputs // outputs) & (place < -(-(share + 1) * inputs // outputs))
    return inside / inside.sum(1, keepdim=True)


class CrossBlock(nn.Module):
    """A transformer block whose queries come from another map: s = LN(x); y = s + g1 attention; y + g2 MLP(LN(y)).

    Source: Mao et al., "POSTER++", arXiv:2301.12149: inside each window of the image map, landmark features ask and the cells of
    the image answer. What carries on is the normalised map s, and the gains g1 and g2 (one number a channel) start near 0.

    Args:
        windows: how the image map is cut.
        width: channels of both maps.
        heads: of the attention.
        gain: where g1 and g2 start.
        drop: chance that a sample goes without attention, and again that it goes without MLP, in training.
    """

    def __init__(self, windows: Windows, width: int, heads: int, gain: float = 1e-5, drop: float = 0.0) -> None:
        super().__init__()
        self.windows = windows
        self.norm = nn.LayerNorm(width)
        self.attention = WindowAttention(width, heads, windows.window, given=True)
        self.gains = nn.ParameterList(torch.full((width,), gain) for _ in range(2))
        self.norm2, self.mlp = nn.LayerNorm(width), mlp(width)
        self.path = DropPath(drop)
        self.register_buffer("rows", means(windows.height, windows.window), persistent=False)
        self.register_buffer("columns", means(windows.width, windows.window), persistent=False)
        self.rows: Tensor
        self.columns: Tensor

    def forward(self, x: Tensor, query: Tensor) -> Tensor:
        """
        Args:
            x: (n, h, w, c) image map, of the size of the windows' map.
            query: (n, c, h, w) landmark map of the same size; its mean over M x M cells asks in every window.

        Returns:
            (n, h, w, c).
        """
        asking = (self.rows @ query @ self.columns.T).flatten(2).transpose(1, 2)
        s = self.norm(x)
        found = self.windows.paste(self.attention(self.windows.cut(s), asking, self.windows.mask))
        y = s + self.path(self.gains[0] * found)
        return y + self.path(self.gains[1] * self.mlp(self.norm2(y)))
