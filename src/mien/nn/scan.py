"""Selective state-space scan in plain torch: exact, as one recurrence, in three forms, and laid over maps in several directions.

Source: Gu and Dao, "Mamba: Linear-Time Sequence Modeling with Selective State Spaces", arXiv:2312.00752, Eq. 2 and algorithm 2;
Liu et al., "VMamba", arXiv:2401.10166, for the directions. For each channel d and state s:

    h_t = exp(delta_t A) h_(t-1) + delta_t B_t u_t        h_0 = 0
    y_t = C_t . h_t + D u_t

Shapes of all three forms: ``u`` and ``delta`` (n, g, l, d) with ``delta`` > 0, ``a`` (g, d, s) below 0, ``b`` and ``c``
(n, g, l, s), ``skip`` (g, d), the result (n, g, l, d): n samples, g directions, l steps, d channels, s states.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..errors import InputError

CHUNK = 16  # steps whose states are in memory at once: few enough for the cache of a processor


# One line -------------------------------------------------------------------------------------------------------------------
def recurrence(u: Tensor, delta: Tensor, a: Tensor, b: Tensor, c: Tensor, skip: Tensor) -> Tensor:
    """The scan as its definition says, step by step: what the other forms are compared with.

    Example:
        >>> one = torch.ones(1, 1, 3, 1)
        >>> a = torch.full((1, 1, 1), -math.log(2))
        >>> recurrence(one, one, a, one, one, torch.zeros(1, 1)).flatten().tolist()
        [1.0, 1.5, 1.75]
    """
    state = torch.zeros_like(delta[:, :, 0, :, None] * a)
    found = []
    for step in range(u.shape[2]):
        now = delta[:, :, step, :, None]
        state = (now * a).exp() * state + now * b[:, :, step, None] * u[:, :, step, :, None]
        found.append((state * c[:, :, step, None]).sum(-1) + skip * u[:, :, step])
    return torch.stack(found, 2)


def selective_scan(u: Tensor, delta: Tensor, a: Tensor, b: Tensor, c: Tensor, skip: Tensor, chunk: int = CHUNK) -> Tensor:
    """The scan in chunks, for training: one fused operation for a step, all else for a whole chunk at once.

    Only the states between chunks are kept for the gradient, those inside are made again. ``chunk`` does not change the result.

    Raises:
        InputError: chunk is below 1.
    """
    if chunk < 1:
        raise InputError(f"chunk is {chunk}", "1 or more")
    # time first, so that a step is one piece of memory
    first = [value.permute(2, 0, 1, 3).contiguous() for value in (u, delta, b, c)]
    found: Tensor = _Scan.apply(first[0], first[1], a, first[2], first[3], chunk)  # type: ignore[no-untyped-call]
    return found.permute(1, 2, 0, 3) + skip[:, None] * u


def parallel_scan(u: Tensor, delta: Tensor, a: Tensor, b: Tensor, c: Tensor, skip: Tensor) -> Tensor:
    """The scan without a loop over its steps: doubling inside of chunks, then a carry over the chunks.

    Doubling is the associative rule (a2, x2) after (a1, x1) = (a1 a2, a2 x1 + x2), Blelloch (1990). It works about log2(sqrt(l))
    times as much as the others and holds all states at once, but has few operations: what an exported network needs.
    """
    length = fixed(u)[2]
    chunk = math.isqrt(length - 1) + 1
    count = -(-length // chunk)
    # a step with delta 0 changes nothing, so it may fill the last chunk
    rest = count * chunk - length
    whole = [torch.cat([value, torch.zeros_like(value[:, :, :rest])], 2) for value in (u, delta, b, c)]
    cut = [_unfold(value, 2, count, chunk) for value in whole]
    decay = (cut[1][..., None] * a[:, None, None]).exp()
    state = (cut[0] * cut[1])[..., None] * cut[2][..., None, :]
    far = 1
    while far < chunk:
        # the first steps of a chunk have nothing so far before them
        joined = state[:, :, :, far:] + decay[:, :, :, far:] * state[:, :, :, :-far]
        state = torch.cat([state[:, :, :, :far], joined], 3)
        decay = torch.cat([decay[:, :, :, :far], decay[:, :, :, far:] * decay[:, :, :, :-far]], 3)
        far *= 2
    carry, carries = torch.zeros_like(state[:, :, 0, 0]), []
    for number in range(count):
        carries.append(carry)
        carry = decay[:, :, number, -1] * carry + state[:, :, number, -1]
    state = state + decay * torch.stack(carries, 2)[:, :, :, None]
    found: Tensor = (state @ cut[3][..., None])[..., 0].flatten(2, 3)[:, :, :length]
    return found + skip[:, None] * u


def _unfold(value: Tensor, axis: int, *sizes: int) -> Tensor:
    return value.reshape(*value.shape[:axis], *sizes, *value.shape[axis + 1 :])


def _states(u: Tensor, delta: Tensor, a: Tensor, b: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
    """exp(delta A) and the states of a chunk, both (t, n, g, d, s)."""
    decay = (delta[..., None] * a).exp_()
    found = (delta * u)[..., None] * b[..., None, :]
    for now, past in zip(found, decay):
        state = now.addcmul_(past, state)
    return decay, found


class _Scan(torch.autograd.Function):
    """Chunks one after the other, with time as the first axis; the gradient is the same recurrence backwards.

    With G_t = dL/dh_t: G_t = C_t dy_t + exp(delta_(t+1) A) G_(t+1), and through the decay R_t = G_t exp(delta_t A) h_(t-1):
    du = delta (G.B), ddelta = u (G.B) + R.A, dA = sum_t R delta, dB = sum_d delta u G, dC = sum_d h dy.
    """

    @staticmethod
    def forward(ctx: Any, u: Tensor, delta: Tensor, a: Tensor, b: Tensor, c: Tensor, chunk: int) -> Tensor:
        state = torch.zeros_like(delta[0, ..., None] * a)
        starts, found = [], []
        for first in range(0, len(u), chunk):
            part = slice(first, first + chunk)
            starts.append(state)
            _, states = _states(u[part], delta[part], a, b[part], state)
            found.append((states @ c[part][..., None])[..., 0])
            state = states[-1].clone()  # not a view, which would keep the whole chunk
        ctx.save_for_backward(u, delta, a, b, c, torch.stack(starts))
        ctx.chunk = chunk
        return torch.cat(found)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, *wanted: Tensor) -> tuple[Tensor | None, ...]:
        u, delta, a, b, c, starts = ctx.saved_tensors
        du, ddelta, da = torch.empty_like(u), torch.empty_like(u), torch.zeros_like(a)
        db, dc, later = torch.empty_like(b), torch.empty_like(c), torch.zeros_like(starts[0])
        for number in reversed(range(len(starts))):
            part = slice(number * ctx.chunk, (number + 1) * ctx.chunk)
            dy, x, dt = wanted[0][part], u[part], delta[part]
            decay, states = _states(x, dt, a, b[part], starts[number])
            dc[part] = (dy[..., None, :] @ states)[..., 0, :]
            grad = dy[..., None] * c[part][..., None, :]
            for now, past in zip(reversed(grad.unbind()), reversed(decay.unbind())):
                later = past * now.add_(later)
            db[part] = ((dt * x)[..., None, :] @ grad)[..., 0, :]
            inner = (grad @ b[part][..., None])[..., 0]
            through = torch.cat([starts[number][None], states[:-1]]).mul_(decay).mul_(grad)
            du[part] = dt * inner
            ddelta[part] = x * inner + (through * a).sum(-1)
            da += through.mul_(dt[..., None]).sum((0, 1))
        return du, ddelta, da, db, dc, None


def _exported() -> bool:
    return torch._C._get_tracing_state() is not None


def fixed(value: Tensor) -> tuple[int, ...]:
    """The sizes of a tensor as plain numbers; an exported network has those of its example, but for the batch."""
    if not _exported():
        return tuple(value.shape)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the tracer, which fears that the numbers are no constants: they are
        return tuple(int(size) for size in value.shape)


# Maps -----------------------------------------------------------------------------------------------------------------------
@lru_cache(maxsize=64)
def directions(height: int, width: int, count: int = 4) -> Tensor:
    """The order in which each direction visits the cells of a map, cells numbered row by row.

    Args:
        height, width: of the map.
        count: 4 is rows, columns, and both backwards; 8 is rows, columns, diagonals r, (j + r) mod width for each j, the other
            diagonals r, (j - r) mod width, and all four backwards.

    Returns:
        (count, height * width) int64, each row a permutation. It is shared: do not write to it.

    Raises:
        InputError: another count.

    Example:
        >>> directions(2, 2).tolist()
        [[0, 1, 2, 3], [0, 2, 1, 3], [3, 2, 1, 0], [3, 1, 2, 0]]
    """
    if count not in (4, 8):
        raise InputError(f"{count} directions", "4 or 8")
    cells = torch.arange(height * width).view(height, width)
    rows, starts = torch.arange(height)[None], torch.arange(width)[:, None]
    ways = [cells, cells.T, rows * width + (starts + rows) % width, rows * width + (starts - rows) % width]
    forward = torch.stack([way.reshape(-1) for way in ways[: count // 2]])
    return torch.cat([forward, forward.flip(1)])


def spread(values: Tensor, order: Tensor) -> Tensor:
    """Cells (n, l, d) read in each direction: (n, g, l, d)."""
    return values[:, order]


def merged(values: Tensor, order: Tensor) -> Tensor:
    """What each direction gave (n, g, l, d), put back in the places of the cells and added up: (n, l, d).

    Example:
        >>> order, cells = directions(3, 5, 8), torch.randn(2, 15, 4)
        >>> torch.allclose(merged(spread(cells, order), order), 8 * cells)
        True
    """
    count, length = order.argsort(1).shape
    places = order.argsort(1) + torch.arange(count, device=order.device)[:, None] * length
    return values.flatten(1, 2)[:, places].sum(1)


class Scan2d(nn.Module):
    """A map scanned in several directions, each with its own selection, and gated.

    (x, z) = W_in; u = SiLU(depthwise(x)); for each direction delta, B, C = projections of u; y = the sum of the scans;
    out = W_out (LayerNorm(y) * SiLU(z)). A = -exp(A_log) begins at -1 ... -states, D at 1, softplus(bias of delta) between 0.001
    and 0.1, evenly in the logarithm.

    Source: Liu et al., "VMamba", arXiv:2401.10166, figure 3 (its first version), for any number of directions.

    Args:
        width: channels; twice as many inside.
        count: directions, 4 or 8.
        states: of each channel.
    """

    def __init__(self, width: int, count: int = 4, states: int = 16) -> None:
        super().__init__()
        inner, rank = 2 * width, -(-width // 16)
        self.count, self.sizes = count, (rank, states, states)
        self.enter = nn.Linear(width, 2 * inner, bias=False)
        self.look = nn.Conv2d(inner, inner, 3, padding=1, groups=inner)
        bound, low, high = inner**-0.5, math.log(1e-3), math.log(0.1)
        self.select = nn.Parameter(torch.empty(count, inner, rank + 2 * states).uniform_(-bound, bound))
        self.rate = nn.Parameter(torch.empty(count, rank, inner).uniform_(-(rank**-0.5), rank**-0.5))
        step = torch.empty(count, 1, inner).uniform_(low, high).exp()
        self.rate_bias = nn.Parameter(step + torch.log(-torch.expm1(-step)))  # softplus of it is the step
        self.log_decay = nn.Parameter(torch.arange(1.0, states + 1).log().repeat(count, inner, 1))
        self.skip = nn.Parameter(torch.ones(count, inner))
        self.norm = nn.LayerNorm(inner)
        self.leave = nn.Linear(inner, width, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """(n, h, w, width) -> the same."""
        _, height, width, _ = fixed(x)
        order = directions(height, width, self.count).to(x.device)
        values, gate = self.enter(x).chunk(2, -1)
        seen = F.silu(self.look(values.permute(0, 3, 1, 2))).flatten(2).transpose(1, 2)
        u = spread(seen, order)
        rank, b, c = torch.split(u @ self.select, list(self.sizes), -1)
        with torch.autocast(x.device.type, enabled=False):  # sums over a thousand steps want all digits
            delta = F.softplus(rank.float() @ self.rate + self.rate_bias)
            scan: Callable[..., Tensor] = parallel_scan if _exported() else selective_scan
            y = scan(u.float(), delta, -self.log_decay.exp(), b.float(), c.float(), self.skip)
            y = self.norm(_unfold(merged(y, order), 1, height, width))
        out: Tensor = self.leave(y * F.silu(gate))
        return out
