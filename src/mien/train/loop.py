"""The training loop: Fabric of Lightning brings devices and precision, the state after each step is exact and can be kept."""

from __future__ import annotations

import contextlib
import logging
import math
import os
import shutil
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

import torch
from lightning_fabric import Fabric
from torch import Tensor, nn

from ..errors import InputError
from ..tasks.recipe import Recipe
from .augment import augmented, mixed, normalised
from .optim import Average, Plateau, Sam, factor, optimiser
from .pictures import Batch, Order, Pictures, training
from .seed import plant

log = logging.getLogger(__name__)
PRECISION = {"float32": "32-true", "bf16": "bf16-mixed"}
LAST = "last.ckpt"
Figures = dict[str, float]


@dataclass(frozen=True)
class Parts:
    """What is trained, and on what.

    Args:
        model: the network.
        objective: the loss; parts of it that are trained join the network's.
        pictures: the training part.
        recipe: how.
        judge: figures of a network on the tuning part; the one called ``select`` decides; None where there is no such part.
        select: name of that figure.
    """

    model: nn.Module
    objective: nn.Module
    pictures: Pictures
    recipe: Recipe
    judge: Callable[[nn.Module], Figures] | None = None
    select: str = ""


@dataclass
class Progress:
    """How far a training is; kept with the weights."""

    step: int = 0
    best: float = -math.inf
    since: int = 0
    seconds: float = 0.0
    sums: dict[str, float] = field(default_factory=dict)
    ended: bool = False


class Learner(nn.Module):
    """Network and loss as one module, so that several devices share the gradients of both; the loss is always in float32."""

    def __init__(self, network: nn.Module, objective: nn.Module) -> None:
        super().__init__()
        self.network, self.objective = network, objective

    def forward(self, inputs: Batch, wanted: Batch) -> dict[str, Tensor]:
        out = self.network(**inputs)
        with torch.autocast(next(iter(inputs.values())).device.type, enabled=False):
            parts: dict[str, Tensor] = self.objective({name: value.float() for name, value in out.items()}, wanted)
        return parts


class Training:
    """A training that can be stopped after any step and goes on as if it never had been.

    Args:
        parts: what is trained.
        out: folder of the checkpoint.
        fabric: devices and precision.
        minutes: how often the state is kept within an epoch; it is kept after each epoch too.
    """

    def __init__(self, parts: Parts, out: Path, fabric: Fabric, minutes: float = 5.0, workers: int = 0) -> None:
        recipe = parts.recipe
        if recipe.optim.name == "sam" and recipe.accumulate > 1:
            raise InputError("SAM with accumulate above 1", "one of the two", "SAM goes through each batch twice")
        self.parts, self.recipe, self.out, self.fabric = parts, recipe, out, fabric
        self.minutes, self.workers = minutes, workers
        # kernels lie channels last, which convolutions of a CPU and of a GPU prefer; other networks lose nothing
        network = parts.model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.network, self.average = network, Average(network, recipe.average)
        self.best: dict[str, Tensor] | None = None
        self.progress, self.plateau = Progress(), Plateau(recipe.schedule)
        learner = Learner(network, parts.objective)
        self.learner, self.optimiser = fabric.setup(learner, optimiser((learner,), recipe.optim))
        fabric.to_device(self.average.model)
        self.order = Order(
            len(parts.pictures), recipe.batch, recipe.epochs, recipe.seed, 0, fabric.global_rank, fabric.world_size,
            parts.pictures.arrays.get("identity"), recipe.groups,
        )  # fmt: skip
        self.per_epoch = max(1, self.order.per_epoch // recipe.accumulate)
        self._kept = time.monotonic()

    # State ------------------------------------------------------------------------------------------------------------
    def _state(self) -> dict[str, Any]:
        state = {
            "learner": self.learner, "optimiser": self.optimiser,
            "progress": vars(self.progress), "plateau": {k: v for k, v in vars(self.plateau).items() if k != "spec"},
            "average_steps": self.average.steps, "best": self.best or {}, "threads": torch.get_num_threads(),
        }  # fmt: skip
        return state | ({"average": self.average.model} if self.recipe.average else {})

    def keep(self) -> None:
        """Write the state beside the last one, and put it in its place when it is complete."""
        new, last = self.out / f"{LAST}.next", self.out / LAST
        self.fabric.save(new, self._state())
        if self.fabric.is_global_zero:
            if last.is_dir():  # several devices may write a folder of shards
                shutil.rmtree(last)
            os.replace(new, last)
        self.fabric.barrier()
        self._kept = time.monotonic()

    def resume(self) -> bool:
        """Take the state of the folder, if there is one; tells whether there was."""
        if not (self.out / LAST).exists():
            return False
        state = self._state()
        for name in ("progress", "plateau", "average_steps", "best", "threads"):
            state[name] = None
        self.fabric.load(self.out / LAST, state)
        if state["threads"] != torch.get_num_threads():
            # sums are taken in another order then, which the last bits show
            words = "begun with %d threads, goes on with %d: as good, but not the same to the bit"
            log.warning(words, state["threads"], torch.get_num_threads())
        self.progress = Progress(**state["progress"])
        vars(self.plateau).update(state["plateau"])
        self.average.steps, self.best = state["average_steps"], state["best"] or None
        return True

    # Steps ------------------------------------------------------------------------------------------------------------
    def run(self, report: Callable[[Figures], None] | None = None, tick: Callable[[int, int], None] | None = None) -> None:
        """Train to the end, from where the state is.

        Args:
            report: called after each epoch with its figures.
            tick: called after each step with the steps done and their total.

        Raises:
            KeyboardInterrupt: stopped by Ctrl-C or SIGTERM; the state was kept.
        """
        total = self.per_epoch * self.recipe.epochs
        self.order.start = self._batch_of(self.progress.step)
        loader: Any = self.fabric.setup_dataloaders(self._loader(), use_distributed_sampler=False)
        batches = iter(loader)
        with stopped() as asked:
            while self.progress.step < total and not self.progress.ended:
                start = time.perf_counter()
                parts = self._step(batches)
                self.progress.seconds += time.perf_counter() - start
                for name, value in parts.items():
                    self.progress.sums[name] = self.progress.sums.get(name, 0.0) + value
                self.progress.step += 1
                if self.progress.step % self.per_epoch == 0:
                    self._epoch(report)
                elif asked() or time.monotonic() - self._kept > 60 * self.minutes:
                    self.keep()
                if tick is not None:
                    tick(self.progress.step, total)
                if asked():
                    raise KeyboardInterrupt

    def _loader(self) -> Any:
        return training(self.parts.pictures, self.order, self.workers)

    def _batch_of(self, step: int) -> int:
        """Number of the first batch of a step; batches left over by ``accumulate`` at the end of an epoch are not used."""
        epoch, inside = divmod(step, self.per_epoch)
        return epoch * self.order.per_epoch + inside * min(self.recipe.accumulate, self.order.per_epoch)

    def _step(self, batches: Iterator[Batch]) -> Figures:
        recipe, step = self.recipe, self.progress.step
        rate = recipe.optim.rate * self.plateau.factor * factor(recipe.schedule, step / self.per_epoch, recipe.epochs)
        for group in self.optimiser.param_groups:
            group["lr"] = rate
        count = min(recipe.accumulate, self.order.per_epoch)
        taken = [next(batches) for _ in range(count)]
        if (step + 1) % self.per_epoch == 0:
            for _ in range(self.order.per_epoch - self.per_epoch * count):
                next(batches)
        self.learner.train()
        parts = self._gradients(taken, step)
        if isinstance(_inner(self.optimiser), Sam):
            # the second pass draws the same chance numbers, so that only the weights differ
            self.optimiser.step(lambda: self._gradients(taken, step, anew=True))
        else:
            self.optimiser.step()
        self.optimiser.zero_grad()
        self.average.update(self.network)
        return parts

    def _gradients(self, taken: list[Batch], step: int, anew: bool = False) -> Figures:
        if anew:
            self.optimiser.zero_grad()
        plant(self.recipe.seed, "step", step, self.fabric.global_rank)
        sums: Figures = {}
        for number, batch in enumerate(taken):
            with self.fabric.no_backward_sync(self.learner, enabled=number + 1 < len(taken)):
                found = self.learner(*self._changed(batch))
                self.fabric.backward(found["loss"] / len(taken))
            for name, value in found.items():
                sums[name] = sums.get(name, 0.0) + float(value.detach()) / len(taken)
        if self.recipe.optim.clip:
            self.fabric.clip_gradients(self.learner, self.optimiser, max_norm=self.recipe.optim.clip, error_if_nonfinite=False)
        if not math.isfinite(sums["loss"]):
            raise InputError(f"the loss at step {step} is {sums['loss']}", "a number", "lower optim.rate, or set optim.clip")
        return sums

    def _changed(self, batch: Batch) -> tuple[Batch, Batch]:
        """What the network is given, and what is wanted of it: mixup changes both."""
        images = augmented(batch["image"], self.recipe.augment)
        if self.recipe.augment.mixup:
            images, target = mixed(images, batch["target"], self.recipe.augment.mixup)
            batch = batch | {"target": target}
        images = normalised(images, self.recipe.image).contiguous(memory_format=torch.channels_last)
        return {"image": images}, batch

    # Epochs -----------------------------------------------------------------------------------------------------------
    def _epoch(self, report: Callable[[Figures], None] | None) -> None:
        progress, recipe = self.progress, self.recipe
        figures = {"epoch": float(progress.step // self.per_epoch), "seconds": round(progress.seconds, 1)}
        figures |= {f"train {name}": value / self.per_epoch for name, value in progress.sums.items()}
        progress.sums, progress.seconds = {}, 0.0
        if self.parts.judge is not None:
            # every device judges, the first one decides: all must end, step and keep alike
            found = self.fabric.broadcast(self.parts.judge(self.average.model))
            figures |= found
            value = found[self.parts.select]
            self.plateau.see(value)
            progress.since = 0 if value > progress.best else progress.since + 1
            if value > progress.best:
                progress.best = value
                if recipe.keep == "best":
                    self.best = {k: v.detach().cpu().clone() for k, v in weights(self.average.model).items()}
            progress.ended = bool(recipe.patience) and progress.since >= recipe.patience
        # a crash between the two leaves a row too many, which is cut when the training goes on; the other order would lose one
        if report is not None and self.fabric.is_global_zero:
            report(figures)
        self.keep()

    def result(self) -> dict[str, Tensor]:
        """The weights that are kept: the last ones or the best, averaged where the recipe says so."""
        return self.best if self.best is not None else weights(self.average.model)


def weights(model: nn.Module) -> dict[str, Tensor]:
    """Names and tensors of a network."""
    return dict(model.state_dict())


def _inner(optimiser: Any) -> Any:
    return getattr(optimiser, "optimizer", optimiser)


@contextlib.contextmanager
def stopped() -> Iterator[Callable[[], bool]]:
    """Ctrl-C and SIGTERM end a training after the step that runs; a second Ctrl-C ends it at once."""
    asked: list[int] = []

    def handle(number: int, frame: FrameType | None) -> None:
        if asked:
            raise KeyboardInterrupt
        asked.append(number)

    try:
        before = {number: signal.signal(number, handle) for number in (signal.SIGINT, signal.SIGTERM)}
    except ValueError:  # not the main thread: nobody sends signals there
        before = {}
    try:
        yield lambda: bool(asked)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
