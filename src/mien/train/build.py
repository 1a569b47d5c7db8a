"""From the name of a system and words of the command line to a network, a loss and a recipe."""

from __future__ import annotations

import inspect
import json
import typing
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import ModuleType
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import save as to_bytes
from torch import Tensor, nn

from ..cards import Card, card, module_of
from ..errors import InputError
from ..files import atomic, sha256
from ..protocols import Protocol, protocol
from ..settings import argument, override, split
from ..tasks import Task, task
from ..tasks.recipe import Recipe
from .seed import plant

OWN = ("model", "objective", "relabel")  # functions of a system whose settings can be given by name


@dataclass(frozen=True)
class System:
    """A system with its settings: what can be built and trained.

    Args:
        card: its card.
        module: its module.
        recipe: how it is trained.
        settings: for "model", "objective" and "relabel" the arguments that differ from their defaults.
    """

    card: Card
    module: ModuleType
    recipe: Recipe
    settings: Mapping[str, dict[str, Any]] = field(default_factory=dict)

    @property
    def protocol(self) -> Protocol:
        """What it is trained, tuned and tested on."""
        return protocol(self.recipe.protocol)

    @property
    def task(self) -> Task:
        """What its outputs mean."""
        return task(self.protocol.task)

    def model(self) -> nn.Module:
        """The network with random weights, which the seed of the recipe decides."""
        plant(self.recipe.seed, "weights")
        network: nn.Module = self.module.model(**self.settings.get("model", {}))
        return network

    def unlike_card(self) -> str:
        """What of the network or of its pictures is not as the card says; empty where the card tells how to run it."""
        words = [f"{name} {value}" for name, value in self.settings.get("model", {}).items()]
        port, image = next((port for port in self.card.input if port.name == "image"), None), self.recipe.image
        if port is not None and port.shape[1:] != (image.channels, image.size, image.size):
            words.append(f"pictures of {image.channels} x {image.size} x {image.size}")
        if port is not None and (port.mean, port.std) != (image.mean, image.std):
            words.append(f"mean {image.mean} and deviation {image.std}")
        return ", ".join(words)

    def facts(self) -> dict[str, Any]:
        """What decides a training, for a record."""
        return {"system": self.card.name, "settings": {k: v for k, v in self.settings.items() if v}} | {
            "recipe": self.recipe.facts()
        }


def system(name: str, words: Sequence[str] = ()) -> System:
    """A system with settings changed by name.

    Args:
        name: name of the system.
        words: ``model.blocks=4``, ``objective.margin=0.3``, or names of the recipe: ``optim.rate=0.01``, ``seed=3``.

    Raises:
        InputError: an unknown system, setting or value; the message lists the nearest.

    Example:
        >>> system("lonkar_cnn", ["epochs=2"]).recipe.epochs
        2
    """
    entry = card(name)
    module = module_of(entry, "recipe")
    own = [word for word in words if word.partition(".")[0] in OWN]
    recipe = override(module.recipe(), [word for word in words if word not in own])
    settings: dict[str, dict[str, Any]] = {}
    for word in own:
        key, value = split(word)
        function, _, name_ = key.partition(".")
        if not hasattr(module, function):
            raise InputError(f"{entry.short} has no {function}()", f"one of: {', '.join(f for f in OWN if hasattr(module, f))}")
        settings.setdefault(function, {})[name_] = argument(getattr(module, function), name_, value, key)
    given = {function: _changed(getattr(module, function), values) for function, values in settings.items()}
    return System(entry, module, recipe, given)


def _changed(function: Callable[..., Any], values: Mapping[str, Any]) -> dict[str, Any]:
    defaults = inspect.signature(function).parameters
    return {name: value for name, value in values.items() if value != defaults[name].default}


# Weights --------------------------------------------------------------------------------------------------------------
def save(path: Path, state: Mapping[str, Tensor], built: System, more: Mapping[str, Any]) -> str:
    """Write weights as safetensors, with all that builds the network again; gives their SHA-256."""
    facts = built.facts() | dict(more)
    tensors = {name: value.detach().cpu().contiguous() for name, value in state.items()}
    with atomic(path, "wb") as stream:
        stream.write(to_bytes(tensors, {"mien": json.dumps(facts)}))
    return sha256(path)


def facts_of(path: Path) -> dict[str, Any]:
    """What a file of weights says of itself.

    Raises:
        InputError: no such file, or not one that mien wrote.
    """
    if not path.is_file():
        raise InputError(f"there is no file {path}", "weights written by mien train", "train first, or give --weights")
    try:
        with safe_open(path, "pt") as stream:
            facts: dict[str, Any] = json.loads((stream.metadata() or {})["mien"])
    except Exception as error:  # the package raises its own class, which it does not export under a stable name
        raise InputError(f"{path.name}: {error}", "weights written by mien train (.safetensors)") from error
    return facts


def restore(path: Path, name: str | None = None) -> tuple[System, nn.Module]:
    """A network with the weights of a file, in the mode for judging.

    Args:
        path: file of weights.
        name: the system that is expected; None takes what the file says.

    Raises:
        InputError: the file belongs to another system or does not fit the network.
    """
    facts = facts_of(path)
    if name is not None and card(name).name != facts["system"]:
        raise InputError(f"{path.name} holds weights of {facts['system']}", f"weights of {card(name).name}")
    try:
        built = replace(system(facts["system"]), recipe=from_facts(facts["recipe"]), settings=facts["settings"])
        network = built.model()
    except (KeyError, TypeError) as error:  # a setting that this version does not have
        raise InputError(
            f"{path.name} does not fit this version ({error})", "weights of the same version", "train anew"
        ) from error
    with safe_open(path, "pt") as stream:
        tensors = {key: stream.get_tensor(key) for key in list(stream.keys())}
    wanted = network.state_dict()
    if set(tensors) != set(wanted) or any(tensors[k].shape != wanted[k].shape for k in wanted):
        raise InputError(f"{path.name} does not fit {built.card.short}", "weights of the same version", "train anew")
    network.load_state_dict(tensors)
    return built, network.to(memory_format=torch.channels_last).eval()  # type: ignore[call-overload]


def from_facts(facts: Mapping[str, Any]) -> Recipe:
    """A recipe from :meth:`Recipe.facts`, as JSON gives it back."""
    return Recipe(**_rebuilt(Recipe, facts))


def _rebuilt(kind: type, facts: Mapping[str, Any]) -> dict[str, Any]:
    hints = typing.get_type_hints(kind)
    out: dict[str, Any] = {}
    for name, value in facts.items():
        if isinstance(value, Mapping):
            out[name] = hints[name](**_rebuilt(hints[name], value))
        else:
            out[name] = tuple(value) if isinstance(value, list) else value
    return out
