"""Masks: exact shares, tubes, blocks, and regions in the order of a queue."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

torch = pytest.importorskip("torch")

from mien.errors import InputError  # noqa: E402
from mien.nn.masks import block_mask, covered, hide, random_mask, region_mask, shown, tube_mask  # noqa: E402

pytestmark = pytest.mark.torch


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@given(tokens=st.integers(1, 60), share=st.floats(0, 1), seed=st.integers(0, 10))
def test_exactly_as_many_are_hidden_and_the_highest_priorities_first(tokens: int, share: float, seed: int) -> None:
    count = int(share * tokens)
    priority = torch.randint(0, 5, (3, tokens), generator=seeded(seed))
    mask = hide(priority, count, seeded(seed))
    assert mask.sum(1).tolist() == [count] * 3
    for row in range(3):
        if 0 < count < tokens:
            assert priority[row][mask[row]].min() >= priority[row][~mask[row]].max()
    assert shown(mask).shape == (3, tokens - count)
    assert not mask.gather(1, shown(mask)).any()


def test_more_than_there_are_is_refused() -> None:
    with pytest.raises(InputError, match="9 of 8"):
        random_mask(1, 8, 9)


def test_rows_that_hide_different_numbers_cannot_be_stacked() -> None:
    with pytest.raises(InputError, match="hide"):
        shown(torch.tensor([[True, False], [True, True]]))


def test_chance_hides_every_token_equally_often() -> None:
    mask = random_mask(4000, 10, 7, generator=seeded(0))
    assert (mask.float().mean(0) - 0.7).abs().max() < 0.03
    assert torch.equal(random_mask(4, 10, 7, generator=seeded(1)), random_mask(4, 10, 7, generator=seeded(1)))


def test_a_tube_is_hidden_at_all_times() -> None:
    mask = tube_mask(3, 8, 196, 156, generator=seeded(0)).view(3, 8, 196)
    assert mask.sum(2).unique().tolist() == [156]
    assert torch.equal(mask, mask[:, :1].expand_as(mask))
    assert not torch.equal(mask[0], mask[1])


def test_blocks_hide_exactly_and_hang_together() -> None:
    blocks = block_mask(64, 14, 14, 78, generator=seeded(0))
    alone = random_mask(64, 196, 78, generator=seeded(0))
    assert blocks.sum(1).unique().tolist() == [78]

    def borders(mask: torch.Tensor) -> float:
        grid = mask.view(-1, 14, 14).int()
        return float((grid.diff(dim=1).abs().sum() + grid.diff(dim=2).abs().sum()) / len(grid))

    assert borders(blocks) < 0.5 * borders(alone)


# Regions ------------------------------------------------------------------------------------------------------------------
def test_a_place_holds_a_class_when_one_of_its_pixels_does() -> None:
    parsing = torch.zeros(1, 1, 4, 6, dtype=torch.int64)
    parsing[0, 0, 3, 5] = 2
    holds = covered(parsing, 3, 2)
    assert holds.shape == (1, 1, 3, 6)
    assert holds[0, 0, 2].tolist() == [False] * 5 + [True]
    assert holds[0, 0, 0].all()  # the others, and three pixels of the last
    assert not holds[0, 0, 1].any()


def places(*regions: list[int]) -> torch.Tensor:
    """One slice of ten places: which of them each region holds."""
    holds = torch.zeros(1, 1, len(regions), 10, dtype=torch.bool)
    for number, own in enumerate(regions):
        holds[0, 0, number, own] = True
    return holds


def test_the_head_of_the_queue_is_seen_first() -> None:
    holds = places([0, 1, 2], [3, 4, 5, 6], [7, 8, 9])
    # a tenth is to be seen: the first region is enough, and one of its places is left
    for first, own in ((0, {0, 1, 2}), (1, {3, 4, 5, 6}), (2, {7, 8, 9})):
        queue = torch.tensor([[first, *({0, 1, 2} - {first})]])
        left = {int(shown(region_mask(holds, queue, 9, seeded(seed)))[0, 0]) for seed in range(40)}
        assert left == own


def test_the_next_region_comes_when_the_first_is_not_enough() -> None:
    holds = places([0, 1], [2, 3, 4], [5, 6, 7, 8, 9])
    # 40 % are to be seen: the first region has 20 %, the first two have 50 %
    seen = [shown(region_mask(holds, torch.tensor([[0, 1, 2]]), 6, seeded(seed)))[0].tolist() for seed in range(30)]
    assert {place for row in seen for place in row} == {0, 1, 2, 3, 4}
    assert all(len(row) == 4 for row in seen)


def test_without_a_face_it_is_chance() -> None:
    holds = torch.zeros(1, 1, 3, 10, dtype=torch.bool)
    seen = {int(shown(region_mask(holds, torch.tensor([[0, 1, 2]]), 9, seeded(seed)))[0, 0]) for seed in range(120)}
    assert seen == set(range(10))


def test_a_slice_without_a_face_is_visible_as_a_whole() -> None:
    one, none = places([0, 1, 2]), torch.zeros(1, 1, 1, 10, dtype=torch.bool)
    holds = torch.cat([one, none], 1)
    seen = {place for seed in range(60) for place in shown(region_mask(holds, torch.tensor([[0]]), 18, seeded(seed)))[0].tolist()}
    assert seen == {0, 1, 2, *range(10, 20)}


def test_slices_are_chosen_apart_and_the_clip_is_exact() -> None:
    one, other = places([0, 1, 2], [3, 4, 5, 6, 7, 8, 9]), places([7, 8, 9], [0, 1, 2, 3, 4, 5, 6])
    mask = region_mask(torch.cat([one, other], 1), torch.tensor([[0, 1]]), 16, seeded(0))
    assert mask.sum() == 16
    assert set(shown(mask)[0].tolist()) <= {0, 1, 2, 17, 18, 19}
