"""Windows: cutting has an inverse, masks keep parts of a map apart, attention is its formula."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

torch = pytest.importorskip("torch", reason="torch is not installed: pip install 'mien[torch]'")

from torch.nn import functional as F  # noqa: E402

from mien.errors import InputError  # noqa: E402
from mien.nn.windows import CrossBlock, DropPath, RelativeBias, WindowAttention, Windows, join, means, partition  # noqa: E402

pytestmark = pytest.mark.torch


def test_a_window_holds_its_block_of_the_map() -> None:
    x = torch.arange(2 * 4 * 6 * 3.0).view(2, 4, 6, 3)
    cut = partition(x, 2)
    assert cut.shape == (2, 6, 4, 3)
    for row in range(2):
        for column in range(3):
            block = x[:, 2 * row : 2 * row + 2, 2 * column : 2 * column + 2].reshape(2, 4, 3)
            torch.testing.assert_close(cut[:, 3 * row + column], block)
    torch.testing.assert_close(join(cut, 2, 4, 6), x)


@given(st.integers(1, 9), st.integers(1, 9), st.integers(1, 5), st.integers(0, 4))
@settings(deadline=None, max_examples=40)
def test_pasting_what_was_cut_gives_the_map(height: int, width: int, window: int, shift: int) -> None:
    windows = Windows(height, width, window, shift % window)
    x = torch.randn(2, height, width, 3)
    cut = windows.cut(x)
    assert cut.shape == (2, -(-height // window) * -(-width // window), window**2, 3)
    assert torch.equal(windows.paste(cut), x)


@given(st.integers(2, 9), st.integers(2, 9), st.integers(2, 5), st.integers(0, 4))
@settings(deadline=None, max_examples=40)
def test_the_mask_lets_cells_see_those_that_are_near_on_the_map_only(height: int, width: int, window: int, shift: int) -> None:
    windows = Windows(height, width, window, shift % window)
    # each cell carries its place, counted from 1; the padding is 0
    rows, columns = torch.meshgrid(torch.arange(1, height + 1), torch.arange(1, width + 1), indexing="ij")
    place = windows.cut(torch.stack([rows, columns], -1)[None])[0]
    real = place[..., 0] > 0
    away = (place[:, :, None] - place[:, None]).abs().amax(-1)
    allowed = real[:, :, None] & real[:, None] & (away < window) | ~real[:, :, None] & ~real[:, None]
    mask = torch.ones_like(allowed) if windows.mask is None else windows.mask
    # cells that a shift brings together from opposite borders lie near on a map of less than two windows; they stay apart too
    assert not (mask & ~allowed).any()
    if min(windows.high, windows.wide) >= 2 * window:
        assert torch.equal(mask, allowed)


def test_a_shift_has_the_four_kinds_of_windows_of_the_paper() -> None:
    mask = Windows(8, 8, 4, 2).mask
    assert mask is not None
    # whole, two halves, two halves, four quarters: of 256 pairs
    assert mask.flatten(1).sum(1).tolist() == [256, 128, 128, 64]
    assert Windows(8, 8, 4).mask is None


@pytest.mark.parametrize("wrong", [(0, 0), (4, 4), (4, -1)])
def test_shifts_outside_a_window_are_refused(wrong: tuple[int, int]) -> None:
    with pytest.raises(InputError, match="a shift below it"):
        Windows(8, 8, *wrong)


def test_the_bias_depends_on_the_distance_alone() -> None:
    bias = RelativeBias(3, 2)
    assert bias.table.shape == (25, 2)
    found, rows = bias(), {}
    for i in range(9):
        for j in range(9):
            away = (i // 3 - j // 3, i % 3 - j % 3)
            torch.testing.assert_close(found[:, i, j], rows.setdefault(away, found[:, i, j]), atol=0, rtol=0)
    assert len(rows) == 25
    assert len({tuple(row.tolist()) for row in rows.values()}) == 25


def test_one_window_over_the_map_is_full_attention() -> None:
    torch.manual_seed(0)
    attention, x = WindowAttention(12, 3, 5), torch.randn(2, 1, 25, 12)
    q, k, v = (part[:, 0].view(2, 25, 3, 4).transpose(1, 2) for part in attention.project(x).split(12, -1))
    wanted = F.scaled_dot_product_attention(q, k, v, attn_mask=attention.bias()).transpose(1, 2).reshape(2, 1, 25, 12)
    torch.testing.assert_close(attention(x), attention.out(wanted))


def test_given_queries_ask_in_every_window_as_they_are() -> None:
    torch.manual_seed(1)
    attention, x, query = WindowAttention(8, 2, 3, given=True), torch.randn(2, 4, 9, 8), torch.randn(2, 9, 8)
    assert attention.project.out_features == 16
    k, v = attention.project(x).split(8, -1)
    wanted = torch.zeros(2, 4, 9, 8)
    for head in (slice(0, 4), slice(4, 8)):
        for window in range(4):
            score = query[:, :, head] @ k[:, window, :, head].transpose(1, 2) / math.sqrt(4) + attention.bias()[head.start // 4]
            wanted[:, window, :, head] = score.softmax(-1) @ v[:, window, :, head]
    torch.testing.assert_close(attention(x, query), attention.out(wanted))
    with pytest.raises(InputError, match="no query"):
        attention(x)
    with pytest.raises(InputError, match="a query"):
        WindowAttention(8, 2, 3)(x, query)
    with pytest.raises(InputError, match="3 heads for 8 channels"):
        WindowAttention(8, 3, 3)


def test_a_query_of_zeros_takes_the_mean_weighted_by_the_bias() -> None:
    torch.manual_seed(2)
    attention, x = WindowAttention(4, 1, 3, given=True), torch.randn(1, 1, 9, 4)
    values = attention.project(x)[..., 4:]
    wanted = attention.out(attention.bias().softmax(-1) @ values[0])
    torch.testing.assert_close(attention(x, torch.zeros(1, 9, 4))[0], wanted)
    torch.nn.init.zeros_(attention.bias.table)
    torch.testing.assert_close(attention(x, torch.zeros(1, 9, 4))[0, 0, 5], attention.out(values.mean((0, 1, 2))))


def reached(windows: Windows, row: int, column: int) -> torch.Tensor:
    """(h, w) where a change of one cell changes the outcome of attention."""
    torch.manual_seed(3)
    attention, x = WindowAttention(4, 1, windows.window), torch.randn(1, windows.height, windows.width, 4)
    other = x.clone()
    other[0, row, column] += 1
    out = [windows.paste(attention(windows.cut(y), mask=windows.mask)) for y in (x, other)]
    return (out[0] != out[1]).any(-1)[0]


def test_attention_does_not_wrap_around_and_does_not_see_padding() -> None:
    corner = torch.zeros(8, 8, dtype=torch.bool)
    corner[:2, :2] = True
    # with a shift of 2 the corner is a quarter of a window, which the roll joins with the other three corners
    assert torch.equal(reached(Windows(8, 8, 4, 2), 0, 0), corner)
    inside = torch.zeros(8, 8, dtype=torch.bool)
    inside[2:6, 2:6] = True
    assert torch.equal(reached(Windows(8, 8, 4, 2), 4, 3), inside)

    windows, x = Windows(5, 5, 4), torch.randn(1, 5, 5, 4)
    attention = WindowAttention(4, 1, 4)
    cut = windows.cut(x)
    noisy = torch.where((cut == 0).all(-1, keepdim=True), torch.full_like(cut, 9.0), cut)
    outs = [windows.paste(attention(y, mask=windows.mask)) for y in (cut, noisy)]
    torch.testing.assert_close(*outs, atol=0, rtol=0)


def test_paths_are_left_out_in_training_only_and_keep_the_mean() -> None:
    torch.manual_seed(4)
    path, x = DropPath(0.25), torch.ones(4000, 2, 3)
    out = path.train()(x)
    assert sorted(out.unique().tolist()) == pytest.approx([0, 4 / 3])
    assert (out.flatten(1).amax(1) == out.flatten(1).amin(1)).all()
    assert float(out.mean()) == pytest.approx(1, abs=0.03)
    assert path.eval()(x) is x


def cross(height: int = 6, window: int = 3, gain: float = 1.0) -> CrossBlock:
    torch.manual_seed(5)
    return CrossBlock(Windows(height, height, window), 8, 2, gain).eval()


def test_a_cross_block_is_its_formula() -> None:
    block, x, query = cross(3), torch.randn(2, 3, 3, 8), torch.randn(2, 8, 3, 3)
    block.gains[0].data.uniform_(0.5, 1)
    block.gains[1].data.uniform_(0.5, 1)
    s = F.layer_norm(x, (8,))
    found = block.attention(s.reshape(2, 1, 9, 8), query.permute(0, 2, 3, 1).reshape(2, 9, 8)).reshape(2, 3, 3, 8)
    y = s + block.gains[0] * found
    torch.testing.assert_close(block(x, query), y + block.gains[1] * block.mlp(F.layer_norm(y, (8,))))


def test_windows_share_the_pooled_query() -> None:
    block, tile, query = cross(), torch.randn(2, 3, 3, 8), torch.randn(2, 8, 6, 6)
    out = block(tile.repeat(1, 2, 2, 1), query)
    torch.testing.assert_close(out, out[:, :3, :3].repeat(1, 2, 2, 1))
    mean = query.view(2, 8, 3, 2, 3, 2).mean((3, 5))
    torch.testing.assert_close(block(tile.repeat(1, 2, 2, 1), mean.repeat_interleave(2, 2).repeat_interleave(2, 3)), out)


@given(st.integers(1, 12), st.integers(1, 12))
@settings(deadline=None, max_examples=40)
def test_pooling_by_a_matrix_is_adaptive_pooling(inputs: int, outputs: int) -> None:
    x = torch.randn(2, 3, inputs)
    torch.testing.assert_close(x @ means(inputs, outputs).T, F.adaptive_avg_pool1d(x, outputs))


@pytest.mark.parametrize(("height", "window"), [(6, 3), (7, 3), (3, 3)])
def test_it_starts_as_the_normalised_map_and_then_listens_to_the_query(height: int, window: int) -> None:
    x, query = torch.randn(2, height, height, 8), torch.randn(2, 8, height, height)
    start = cross(height, window, 1e-5)
    torch.testing.assert_close(start(x, query), F.layer_norm(x, (8,)), atol=1e-4, rtol=0)
    later = cross(height, window)
    assert (later(x, query) - later(x, 0 * query)).abs().max() > 1e-2
