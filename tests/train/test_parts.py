"""Seeds, orders, changes of pictures, optimisers and schedules: each against its formula."""

from __future__ import annotations

import math
from collections import Counter

import pytest

pytest.importorskip("lightning_fabric")

import numpy as np
import torch
from torch import nn

from mien.errors import InputError
from mien.tasks.recipe import Augment, Image, Optim, Schedule
from mien.train.augment import augmented, mixed, normalised, seen
from mien.train.optim import Average, Plateau, Sam, factor, groups, optimiser
from mien.train.pictures import Order, Pictures, chip, judging, training
from mien.train.seed import numbers, plant, seed_of

from .small import RECIPE, pictures

pytestmark = pytest.mark.torch
NONE = Augment(flip=0.0)


class TestSeeds:
    def test_places_differ_and_repeat(self) -> None:
        found = {seed_of(s, name, k) for s in (0, 1) for name in ("order", "step") for k in range(5)}
        assert len(found) == 20
        assert all(0 <= value < 2**63 for value in found)

    def test_words_do_not_run_together(self) -> None:
        assert seed_of(0, "a", "bc") != seed_of(0, "ab", "c")

    def test_torch_and_numpy_are_seeded(self) -> None:
        draws = []
        for _ in range(2):
            plant(3, "here")
            draws.append((torch.rand(3).tolist(), numbers(3, "here").random(3).tolist()))
        assert draws[0] == draws[1]


class TestOrder:
    def test_each_epoch_shows_every_row_once_but_the_rest(self) -> None:
        order = Order(23, 5, 2, seed=0)
        batches = list(order)
        assert len(batches) == len(order) == 8
        for epoch in (batches[:4], batches[4:]):
            counts = Counter(row for batch in epoch for row in batch)
            assert set(counts.values()) == {1}
            assert len(counts) == 20
        assert batches[:4] != batches[4:]

    @pytest.mark.parametrize("start", [0, 1, 4, 7, 8])
    def test_it_goes_on_from_any_batch(self, start: int) -> None:
        assert list(Order(23, 5, 2, seed=0, start=start)) == list(Order(23, 5, 2, seed=0))[start:]

    def test_devices_share_an_epoch_without_overlap(self) -> None:
        parts = [list(Order(24, 3, 1, seed=0, rank=rank, world=2)) for rank in (0, 1)]
        rows = [row for part in parts for batch in part for row in batch]
        assert sorted(rows) == list(range(24))

    people = np.repeat([7, 3, 5], [11, 8, 4])

    def test_persons_stand_together(self) -> None:
        batches = list(Order(23, 4, 3, seed=0, people=self.people, together=4))
        for epoch in (batches[:5], batches[5:10], batches[10:]):
            rows = [row for batch in epoch for row in batch]
            assert len(set(rows)) == len(rows) == 20
            changes = int((np.diff(self.people[rows]) != 0).sum())
            assert changes < len(set(self.people[rows])) + 3  # six blocks, not 20 rows in mixed order
        assert batches[:5] != batches[5:10]

    @pytest.mark.parametrize("start", [1, 5, 7])
    def test_persons_stand_together_from_any_batch_on_any_device(self, start: int) -> None:
        whole, kind = list(Order(23, 4, 3, seed=0, people=self.people, together=4)), {"people": self.people, "together": 4}
        assert list(Order(23, 4, 3, seed=0, start=start, **kind)) == whole[start:]
        halves = [list(Order(23, 2, 3, seed=0, rank=rank, world=2, **kind)) for rank in (0, 1)]
        assert [a + b for a, b in zip(*halves)] == whole

    def test_blocks_of_one_are_a_plain_order(self) -> None:
        rows = [row for batch in Order(23, 23, 1, seed=0, people=self.people, together=1) for row in batch]
        assert sorted(rows) == list(range(23))
        assert (np.diff(self.people[rows]) != 0).sum() > 6

    def test_groups_of_persons_who_are_not_known(self) -> None:
        with pytest.raises(InputError, match="groups=0"):
            Order(23, 4, 1, seed=0, together=4)

    def test_more_devices_than_samples(self) -> None:
        with pytest.raises(InputError, match="2 samples for 3 devices"):
            Order(2, 5, 1, seed=0, world=3)

    def test_a_batch_larger_than_the_data_is_the_data(self) -> None:
        assert [len(batch) for batch in Order(3, 100, 2, seed=0)] == [3, 3]


class TestPictures:
    def test_kept_and_read_anew_are_the_same(self) -> None:
        kept, anew = (
            pictures(count=7).__class__(pictures(count=7).samples, Image(16, 1, (0.5,), (0.5,), cache)) for cache in (True, False)
        )
        a, b = (next(iter(judging(p, 4)))["image"] for p in (kept, anew))
        assert torch.equal(a, b)

    def test_rows_and_arrays_go_together(self) -> None:
        batch = pictures(count=10).__getitems__([7, 2])
        assert batch["row"].tolist() == [7, 2]
        assert batch["label"].tolist() == [7 % 3, 2 % 3]
        assert batch["image"].shape == (2, 1, 16, 16)
        assert batch["image"].dtype == torch.uint8

    def test_workers_give_the_same(self) -> None:
        order = Order(10, 3, 1, seed=0)
        several = [[b["row"].tolist() for b in training(pictures(count=10), order, workers)] for workers in (0, 2)]
        assert several[0] == several[1] == list(order)

    def test_a_chip_is_grey_or_colour_and_square(self) -> None:
        picture = np.zeros((20, 40, 3), np.uint8)
        picture[:, 20:] = (255, 0, 0)
        assert chip(picture, Image(10, 3, (0, 0, 0), (1, 1, 1)))[:, 5, 8].tolist() == [255, 0, 0]
        assert chip(picture, Image(10, 1, (0,), (1,)))[0, 5, 8] == 76  # 0.299 of red

    def test_no_samples_and_wrong_lengths(self) -> None:
        with pytest.raises(InputError, match="no samples"):
            Pictures([], RECIPE.image)
        with pytest.raises(InputError, match="3 rows of label"):
            Pictures(pictures(count=4).samples, RECIPE.image, {"label": np.zeros(3)})


class TestAugment:
    images = torch.randint(0, 256, (64, 3, 12, 12), dtype=torch.uint8)

    def test_nothing_asked_nothing_changed(self) -> None:
        assert torch.equal(augmented(self.images, NONE), self.images.float() / 255)

    def test_always_flipped(self) -> None:
        assert torch.equal(augmented(self.images, Augment(flip=1.0)), self.images.flip(3).float() / 255)

    def test_the_flip_of_the_resampled_is_a_flip_too(self) -> None:
        found = augmented(self.images, Augment(flip=1.0, scale=1e-9))
        assert torch.allclose(found, self.images.flip(3).float() / 255, atol=1e-4)

    def test_a_turn_keeps_the_middle_and_a_shift_moves_by_its_share(self) -> None:
        plant(0)
        ramp = (torch.arange(13.0) * 20).to(torch.uint8).repeat(400, 1, 13, 1)
        shifted = augmented(ramp, Augment(flip=0.0, shift=0.1))[:, 0, 6, 6] * 255 / 20 - 6
        assert shifted.std() == pytest.approx(0.1 * 13 / 2, rel=0.12)  # a share of half the side
        turned = augmented(ramp, Augment(flip=0.0, rotate=0.3))[:, 0, 6, 6] * 255 / 20
        assert torch.allclose(turned, torch.tensor(6.0), atol=1e-3)

    def test_a_crop_is_a_part_of_the_picture_at_a_place_drawn_evenly(self) -> None:
        plant(0)
        ramp = (torch.arange(12.0) * 20).to(torch.uint8).repeat(500, 1, 12, 1)
        found = augmented(ramp, Augment(flip=0.0, crop=8))
        assert found.shape == (500, 1, 8, 8)
        first = found[:, 0, 4, 0] * 255 / 20
        assert float(first.min()) >= -1e-3
        assert float(first.max()) <= 4 + 1e-3
        assert first.mean() == pytest.approx(2, abs=0.15)
        steps = found[:, 0, 4].diff(dim=1) * 255 / 20
        assert torch.allclose(steps, torch.ones_like(steps), atol=1e-3)  # cut out, not scaled

    def test_ten_crops_are_corners_middle_and_their_mirror_images(self) -> None:
        images = torch.arange(36.0).view(1, 1, 6, 6)
        found = seen(images, "crops", 4)
        assert len(found) == 10
        assert [part[0, 0, 0, 0].item() for part in found[:5]] == [0, 2, 12, 14, 7]
        assert all(torch.equal(mirror, part.flip(3)) for part, mirror in zip(found[:5], found[5:]))
        assert seen(images, "crops")[0].shape[3] == 5
        assert torch.equal(seen(images, "flip")[0], images.flip(3))

    def test_erased_squares_are_grey_and_not_larger_than_asked(self) -> None:
        plant(0)
        white = torch.full((500, 1, 20, 20), 255, dtype=torch.uint8)
        found = augmented(white, Augment(flip=0.0, erase=1.0, erase_size=0.5))
        share = (found == 0.5).float().mean((1, 2, 3))
        assert 0 < share.max() <= 0.31  # at most 11 of 20 pixels on a side, by the grid
        assert set(found.unique().tolist()) == {0.5, 1.0}
        kept = augmented(white, Augment(flip=0.0, erase=0.3, erase_size=0.9))
        assert 0.15 < ((kept == 0.5).flatten(1).any(1)).float().mean() < 0.35

    def test_saturation_leaves_grey_pictures_grey(self) -> None:
        grey = self.images[:, :1].repeat(1, 3, 1, 1)
        assert torch.allclose(augmented(grey, Augment(flip=0.0, saturation=1.0)), grey.float() / 255, atol=1e-6)

    def test_mixup_mixes_pictures_and_targets_by_one_share(self) -> None:
        plant(1)
        images, targets = torch.eye(8).view(8, 1, 1, 8), torch.eye(8)
        x, y = mixed(images, targets, 0.4)
        assert torch.allclose(x.view(8, 8), y)
        assert torch.allclose(y.sum(1), torch.ones(8))
        shares = {round(float(v), 5) for v in y.flatten() if 0 < v < 1}
        assert len(shares) == 2
        assert sum(shares) == pytest.approx(1)

    def test_normalised_by_channel(self) -> None:
        image = Image(12, 3, (0.1, 0.2, 0.3), (0.5, 1.0, 2.0))
        found = normalised(self.images, image)
        wanted = (self.images[:, 2].float() / 255 - 0.3) / 2.0
        assert torch.allclose(found[:, 2], wanted)


class TestOptim:
    def test_vectors_have_no_decay(self) -> None:
        net = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2))
        kernels, vectors = groups([net], 0.1)
        assert [p.ndim for p in kernels["params"]] == [4]
        assert [p.ndim for p in vectors["params"]] == [1, 1, 1]
        assert (kernels["weight_decay"], vectors["weight_decay"]) == (0.1, 0.0)

    def test_nothing_to_train(self) -> None:
        with pytest.raises(InputError, match="unfreeze"):
            optimiser([nn.ReLU()], Optim())

    def test_sam_steps_with_the_gradient_at_the_worst_place_nearby(self) -> None:
        # f(w) = w1^2 + 3 w2^2 at (1, 2): g = (2, 12), e = rho g / |g|, then w - rate * grad f(w + e)
        w = nn.Parameter(torch.tensor([1.0, 2.0]))
        sam = Sam([w], 0.1, 0.0, False, 0.5)

        def loss() -> torch.Tensor:
            sam.zero_grad()
            value = w[0] ** 2 + 3 * w[1] ** 2
            value.backward()
            return value

        loss()
        sam.step(loss)
        length = math.hypot(2, 12)
        moved = (1 + 0.5 * 2 / length, 2 + 0.5 * 12 / length)
        assert w.tolist() == pytest.approx([1 - 0.1 * 2 * moved[0], 2 - 0.1 * 6 * moved[1]], rel=1e-6)

    def test_sam_without_closure(self) -> None:
        with pytest.raises(InputError, match="closure"):
            Sam([nn.Parameter(torch.ones(1))], 0.1, 0.0, False, 0.5).step()

    def test_schedules(self) -> None:
        cosine = Schedule("cosine", warm=2, final=0.1)
        assert factor(cosine, 1, 10) == 0.5
        assert factor(cosine, 2, 10) == 1.0
        assert factor(cosine, 6, 10) == pytest.approx(0.1 + 0.9 * 0.5)
        assert factor(cosine, 10, 10) == pytest.approx(0.1)
        assert factor(Schedule("step", warm=0, every=3, factor=0.5), 7.9, 10) == 0.25
        assert factor(Schedule("exponential", warm=0, factor=0.99), 5.5, 10) == pytest.approx(0.99**5)
        assert factor(Schedule("constant", warm=0), 9, 10) == 1.0

    def test_plateau_waits_then_shrinks(self) -> None:
        plateau = Plateau(Schedule("plateau", factor=0.75, patience=2))
        seen = []
        for value in (0.5, 0.5, 0.4, 0.5, 0.6, 0.1, 0.1, 0.1):
            plateau.see(value)
            seen.append(plateau.factor)
        assert seen == [1, 1, 1, 0.75, 0.75, 0.75, 0.75, 0.5625]

    def test_the_average_follows_its_formula(self) -> None:
        net = nn.Linear(1, 1, bias=False)
        net.weight.data.fill_(0.0)
        average = Average(net, 0.5)
        net.weight.data.fill_(1.0)
        average.update(net)
        assert average.model.weight.item() == pytest.approx(1 - 1 / 11)  # momentum 1/11 at the first step
        for _ in range(30):
            average.update(net)
        net.weight.data.fill_(3.0)
        average.update(net)
        assert average.model.weight.item() == pytest.approx(2.0, abs=1e-5)  # momentum 0.5 in the end

    def test_counts_of_batches_are_copied_not_averaged(self) -> None:
        net = nn.BatchNorm1d(2)
        average = Average(net, 0.9)
        net(torch.randn(4, 2))
        average.update(net)
        assert average.model.num_batches_tracked == 1
