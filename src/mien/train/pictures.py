"""Pictures as tensors: samples decoded once, batches in an order that a resumed training repeats."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from ..datasets.sample import Sample
from ..errors import InputError
from ..media.rgb import RGB
from ..tasks.recipe import Image
from .seed import numbers

Arrays = Mapping[str, NDArray[np.generic]]
Batch = dict[str, Tensor]


def chip(picture: RGB, image: Image) -> NDArray[np.uint8]:
    """A picture as (channels, size, size) uint8; shrunk by area, grown linearly, the sides scaled apart where it is no square."""
    side = (image.size, image.size)
    if picture.shape[:2] != side:
        shrinks = min(picture.shape[:2]) > image.size
        picture = np.asarray(cv2.resize(picture, side, interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR), np.uint8)
    if image.channels == 1:
        return np.asarray(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), np.uint8)[None]
    return np.ascontiguousarray(picture.transpose(2, 0, 1))


class Pictures(Dataset[Batch]):
    """Samples with what is wanted of them; whole batches are asked for at once.

    Args:
        samples: pictures.
        image: how they become tensors.
        arrays: for each name one row for each sample.
        progress: called with the number of pictures read so far, while they are read into memory.

    Raises:
        InputError: no samples, or arrays of another length.
    """

    def __init__(
        self, samples: Sequence[Sample], image: Image, arrays: Arrays | None = None, progress: Callable[[int], None] | None = None
    ) -> None:
        if not samples:
            raise InputError("no samples", "at least one", "look at the split and at the classes of the protocol")
        self.samples, self.image = samples, image
        self.arrays = {name: torch.from_numpy(np.ascontiguousarray(values)) for name, values in (arrays or {}).items()}
        for name, values in self.arrays.items():
            if len(values) != len(samples):
                raise InputError(f"{len(values)} rows of {name}", f"{len(samples)}, one for each sample")
        self._kept: Tensor | None = None
        if image.cache:
            self._kept = torch.empty(len(samples), image.channels, image.size, image.size, dtype=torch.uint8)
            for row, sample in enumerate(samples):
                self._kept[row] = torch.from_numpy(chip(sample.read(), image))
                if progress is not None and row % 500 == 499:
                    progress(row + 1)

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, row: int) -> Batch:
        """One sample, without a batch axis."""
        return {name: values[0] for name, values in self.__getitems__([row]).items()}

    def __getitems__(self, rows: list[int]) -> Batch:
        """A batch: ``image`` (n, c, h, w) uint8, ``row`` (n,), and the rows of the arrays."""
        index = torch.as_tensor(rows)
        if self._kept is not None:
            image = self._kept[index]
        else:
            image = torch.stack([torch.from_numpy(chip(self.samples[row].read(), self.image)) for row in rows])
        return {"image": image, "row": index, **{name: values[index] for name, values in self.arrays.items()}}


class Order:
    """The rows of each batch of a training, from any batch on: each epoch a new order, the last batch left out when incomplete.

    Args:
        rows: samples.
        batch: of them in a batch of one device.
        epochs: how often all are seen.
        seed: of the order.
        start: batches that are done.
        rank, world: number of this device, and of all.
        people, together: (rows,) the person of each row, and how many rows of one person stand together; 0 mixes all.
    """

    def __init__(
        self,
        rows: int,
        batch: int,
        epochs: int,
        seed: int,
        start: int = 0,
        rank: int = 0,
        world: int = 1,
        people: ArrayLike | None = None,
        together: int = 0,
    ) -> None:
        self.rows, self.batch, self.epochs, self.seed = rows, min(batch, rows // world), epochs, seed
        self.start, self.rank, self.world = start, rank, world
        if not self.batch:
            raise InputError(f"{rows} samples for {world} devices", "at least one for each")
        if together and people is None:
            raise InputError("groups of persons who are not known", "a data set that names persons", "--set groups=0")
        self.people, self.together = np.asarray(people), together

    @property
    def per_epoch(self) -> int:
        """Batches of one epoch, on each device."""
        return self.rows // (self.batch * self.world)

    def __len__(self) -> int:
        return self.per_epoch * self.epochs - self.start

    def __iter__(self) -> Iterator[list[int]]:
        step = self.batch * self.world
        for epoch in range(self.start // self.per_epoch, self.epochs):
            order = self._order(numbers(self.seed, "order", epoch))
            first = self.start % self.per_epoch if epoch == self.start // self.per_epoch else 0
            for k in range(first, self.per_epoch):
                yield order[k * step + self.rank * self.batch :][: self.batch].tolist()

    def _order(self, rng: np.random.Generator) -> NDArray[np.int64]:
        """All rows once: mixed, or in blocks of one person, with the blocks mixed."""
        order = rng.permutation(self.rows)
        if not self.together:
            return order
        order = order[np.argsort(self.people[order], kind="stable")]
        _, first, count = np.unique(self.people[order], return_index=True, return_counts=True)
        place = np.arange(self.rows) - np.repeat(first, count)
        block = np.cumsum(place % self.together == 0) - 1
        return order[np.argsort(rng.permutation(block[-1] + 1)[block], kind="stable")]


def training(pictures: Pictures, order: Order, workers: int = 0) -> DataLoader[Batch]:
    """Batches in an order; ``workers`` read ahead where the pictures are not in memory."""
    return DataLoader(pictures, batch_sampler=order, num_workers=workers, collate_fn=_same, pin_memory=torch.cuda.is_available())


def judging(pictures: Pictures, batch: int, workers: int = 0) -> DataLoader[Batch]:
    """All samples once, in their order."""
    rows = [list(range(k, min(k + batch, len(pictures)))) for k in range(0, len(pictures), batch)]
    return DataLoader(pictures, batch_sampler=rows, num_workers=workers, collate_fn=_same)


def _same(batch: Any) -> Any:
    return batch  # the pictures give whole batches
