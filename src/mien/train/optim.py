"""Optimisers, schedules of the learning rate, and the moving average of the weights."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import SGD, Adam, AdamW, Optimizer, RMSprop

from ..errors import InputError
from ..tasks.recipe import Optim, Schedule


def groups(modules: Iterable[nn.Module], decay: float) -> list[dict[str, Any]]:
    """Parameters in two groups: matrices and kernels with weight decay, vectors (norms, biases) without."""
    found = [p for module in modules for p in module.parameters() if p.requires_grad]
    kernels, vectors = [p for p in found if p.ndim > 1], [p for p in found if p.ndim <= 1]
    kept = ({"params": kernels, "weight_decay": decay}, {"params": vectors, "weight_decay": 0.0})
    return [group for group in kept if group["params"]]


def optimiser(modules: Iterable[nn.Module], spec: Optim) -> Optimizer:
    """The optimiser of a recipe.

    Raises:
        InputError: nothing can be trained.
    """
    params = groups(modules, spec.decay)
    if not params:
        raise InputError("a network without trainable parameters", "at least one", "unfreeze a part of it")
    if spec.name == "adam":
        return Adam(params, spec.rate, (spec.momentum, spec.beta))
    if spec.name == "adamw":
        return AdamW(params, spec.rate, (spec.momentum, spec.beta))
    if spec.name == "rmsprop":
        return RMSprop(params, spec.rate, momentum=spec.momentum)
    nesterov = spec.nesterov and spec.momentum > 0
    if spec.name == "sam":
        return Sam(params, spec.rate, spec.momentum, nesterov, spec.radius)
    return SGD(params, spec.rate, spec.momentum, nesterov=nesterov)


class Sam(SGD):
    """Sharpness-aware minimisation on SGD: the gradient is taken where the loss is highest nearby.

    Source: Foret et al., arXiv:2010.01412, Eq. 2-3: e = rho g / ||g||, then a step with the gradient at w + e. ``step`` needs
    a closure that gives the loss and its gradients anew.

    Args:
        radius: rho.
    """

    def __init__(self, params: Any, rate: float, momentum: float, nesterov: bool, radius: float) -> None:
        super().__init__(params, rate, momentum, nesterov=nesterov)
        self.radius = radius

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """One step; gradients of the first pass must be there, the closure makes those of the second."""
        if closure is None:
            raise InputError("a step of SAM without a closure", "what gives loss and gradients anew")
        weights = [p for group in self.param_groups for p in group["params"] if p.grad is not None]
        with torch.no_grad():
            length = torch.norm(torch.stack([p.grad.norm() for p in weights]))
            moved = [p.grad * (self.radius / (length + 1e-12)) for p in weights]
            torch._foreach_add_(weights, moved)
        loss = closure()
        with torch.no_grad():
            torch._foreach_sub_(weights, moved)
        super().step()
        return loss


def factor(spec: Schedule, epoch: float, epochs: int) -> float:
    """What the highest learning rate is multiplied by.

    Args:
        spec: the schedule; of "plateau" only the warm-up, since its steps depend on figures (:class:`Plateau`).
        epoch: epochs done, with their fraction.
        epochs: of the whole training.

    Example:
        >>> round(factor(Schedule("cosine", warm=1, final=0.0), 5.5, 10), 3)
        0.5
    """
    if epoch < spec.warm:
        return max(epoch / spec.warm, 1e-3)
    if spec.name == "cosine":
        part = (epoch - spec.warm) / max(epochs - spec.warm, 1e-9)
        return spec.final + (1 - spec.final) * 0.5 * (1 + math.cos(math.pi * min(part, 1.0)))
    if spec.name == "step" and spec.milestones:
        return spec.factor ** sum(epoch >= milestone for milestone in spec.milestones)
    if spec.name == "step":
        return spec.factor ** (int(epoch) // spec.every)
    if spec.name == "exponential":
        return spec.factor ** int(epoch)
    return 1.0


class Plateau:
    """The factor of "plateau": it shrinks when the figure of the tuning part has not grown for some epochs."""

    def __init__(self, spec: Schedule) -> None:
        self.spec, self.factor, self.best, self.waited = spec, 1.0, -math.inf, 0

    def see(self, figure: float) -> None:
        """Take the figure of an epoch; larger is better."""
        if figure > self.best:
            self.best, self.waited = figure, 0
            return
        self.waited += 1
        if self.spec.name == "plateau" and self.waited > self.spec.patience:
            self.factor, self.waited = self.factor * self.spec.factor, 0


class Average:
    """Exponential moving average of parameters and buffers; the averaged network is the one that is judged and kept.

    The momentum grows from 1/11 to its value, so that the random beginning is forgotten.

    Args:
        model: what is averaged; the copy starts equal to it.
        momentum: of the average; 0 keeps no copy, and ``model`` is the network itself.
    """

    def __init__(self, model: nn.Module, momentum: float) -> None:
        self.momentum, self.steps = momentum, 0
        self.model = copy.deepcopy(model).eval().requires_grad_(False) if momentum else model

    @torch.no_grad()
    def update(self, model: nn.Module) -> None:
        """Take the weights after a step."""
        if not self.momentum:
            return
        self.steps += 1
        share = 1 - min(self.momentum, self.steps / (self.steps + 10))
        mine, theirs = _tensors(self.model), _tensors(model)
        real = [i for i, value in enumerate(mine) if value.is_floating_point()]
        torch._foreach_lerp_([mine[i] for i in real], [theirs[i] for i in real], share)
        for i, value in enumerate(mine):
            if not value.is_floating_point():
                value.copy_(theirs[i])


def _tensors(model: nn.Module) -> list[Tensor]:
    return [*(p.detach() for p in model.parameters()), *model.buffers()]
