"""What a trained network answers, for any number of pictures, in the order of the samples."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import torch
from lightning_fabric import Fabric
from numpy.typing import NDArray
from torch import nn

from .augment import normalised, seen
from .pictures import Pictures, judging

if TYPE_CHECKING:
    from ..tasks import Task
    from ..tasks.recipe import Recipe

Answers = dict[str, NDArray[np.float32]]
BATCH = 512


def answers(
    model: nn.Module,
    pictures: Pictures,
    recipe: Recipe,
    task: Task,
    fabric: Fabric,
    tick: Callable[[int], None] | None = None,
) -> Answers:
    """The answers of a network, averaged over the views of the recipe.

    Args:
        model: the network, on the device of ``fabric``; it is left in the mode in which it was.
        pictures: what it is shown.
        recipe: tells how pictures become tensors, the precision and the views.
        task: turns outputs into answers.
        fabric: device and precision.
        tick: called with the number of pictures done.

    Returns:
        For each name (n, ...) float32.
    """
    found: dict[str, list[NDArray[np.float32]]] = {}
    training, done = model.training, 0
    model.eval()
    try:
        for batch in judging(pictures, min(BATCH, max(recipe.batch, 64))):
            with torch.no_grad(), fabric.autocast():
                images = normalised(fabric.to_device(batch["image"]), recipe.image)
                shown = [part for view in recipe.views for part in seen(images, view, recipe.augment.crop)]
                several = [task.answers(model(image=x.contiguous(memory_format=torch.channels_last))) for x in shown]
            for name in several[0]:
                mean = torch.stack([one[name] for one in several]).mean(0)
                found.setdefault(name, []).append(mean.float().cpu().numpy())
            done += len(images)
            if tick is not None:
                tick(done)
    finally:
        model.train(training)
    return {name: np.concatenate(parts) for name, parts in found.items()}
