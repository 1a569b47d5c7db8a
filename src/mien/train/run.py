"""``mien train`` and ``mien eval``: from a data set on disk to weights, and from weights to figures."""

from __future__ import annotations

import inspect
import json
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from lightning_fabric import Fabric
from lightning_fabric.utilities.exceptions import MisconfigurationException
from numpy.typing import NDArray
from torch import nn

from ..datasets.sample import Folder, Sample
from ..errors import InputError
from ..files import atomic, sha256
from ..protocols import Protocol, classes, groups, judge, samples, targets
from ..record import command_line, data_hash
from .answer import answers
from .build import System, facts_of, from_facts, restore, save, system
from .log import Log
from .loop import LAST, PRECISION, Figures, Parts, Training
from .pictures import Pictures
from .seed import numbers, plant

log = logging.getLogger(__name__)
WEIGHTS, LOG, RUN = "weights.safetensors", "log.csv", "run.json"


@dataclass(frozen=True)
class Machine:
    """What a training runs on; more than one device or machine is Lightning's to arrange.

    Args:
        accelerator: "auto", "cpu", "cuda", "mps".
        devices: how many, on each machine.
        nodes: machines.
        strategy: "auto", "ddp", "fsdp" ...
        threads: of the processor; 0 takes torch's own number.
        workers: processes that read pictures ahead where they are not kept in memory.
    """

    accelerator: str = "auto"
    devices: int = 1
    nodes: int = 1
    strategy: str = "auto"
    threads: int = 0
    workers: int = 0

    def fabric(self, precision: str) -> Fabric:
        """Lightning's Fabric for it."""
        if self.threads:
            torch.set_num_threads(self.threads)
        # Lightning tells everybody at every start which precision it takes; the recipe says so already
        logging.getLogger("lightning_fabric").setLevel(logging.WARNING)
        try:
            fabric = Fabric(
                accelerator=self.accelerator,
                devices=self.devices,
                num_nodes=self.nodes,
                strategy=self.strategy,
                precision=PRECISION[precision],  # type: ignore[arg-type]
            )
        except (ValueError, RuntimeError, MisconfigurationException) as error:
            got = f"{self.devices} x {self.accelerator} with strategy {self.strategy}: {error}"
            raise InputError(got, "a device of this machine", "see --accelerator, --devices and --strategy") from error
        fabric.launch()
        return fabric

    def words(self, fabric: Fabric) -> str:
        """The device, for a record."""
        if fabric.device.type == "cuda":
            return f"{self.devices * self.nodes} x {torch.cuda.get_device_name()}"
        return f"{fabric.device.type}, {torch.get_num_threads()} threads"


@dataclass(frozen=True)
class Listener:
    """Who hears how far a run is; each may be None."""

    stage: Callable[[str, int], None] | None = None  # what begins, and its length
    tick: Callable[[int], None] | None = None  # how far it is
    epoch: Callable[[Figures], None] | None = None

    def begin(self, words: str, length: int) -> Callable[[int], None] | None:
        """Say what begins; gives what is to be called on the way."""
        if self.stage is not None:
            self.stage(words, length)
        return self.tick


HERE, SILENT = Machine(), Listener()


def source_of(protocol: Protocol, root: Path, name: str | None) -> Folder:
    """The data set that lies at a place: the one that is named, or the first of the protocol whose files are there.

    Raises:
        InputError: the protocol does not know the data set, or none of its data sets lies there.
    """
    if name is not None:
        found = Folder(name, root)
        if found.card.name not in protocol.sources:
            raise InputError(f"{protocol.name} on {found.card.short}", f"one of: {', '.join(protocol.sources)}")
        return found
    problems = []
    for known in protocol.sources:
        found = Folder(known, root)
        try:
            next(iter(found.samples(found.card.splits[0])), None)
        except InputError as error:
            problems.append(f"{known}: {error.got}")
            continue
        return found
    raise InputError(
        f"no data set of {protocol.name} at {root} ({'; '.join(problems)})", "one of these", "give its folder with --data"
    )


@dataclass(frozen=True)
class Part:
    """One part of a data set, ready: pictures, what is wanted of them, and what of them belongs together."""

    pictures: Pictures
    truth: NDArray[np.float64]
    groups: NDArray[Any] | None


def part(built: System, found: list[Sample], words: str, listener: Listener, learn: bool) -> Part:
    """Read the samples of a part."""
    arrays = built.task.arrays(built.protocol, found, built.recipe) if learn else {}
    tick = listener.begin(f"reading {words}", len(found))
    pictures = Pictures(found, built.recipe.image, arrays, tick)
    truth = np.asarray(targets(built.protocol, found), np.float64)
    return Part(pictures, truth, groups(built.protocol, found))


@dataclass(frozen=True)
class Order:
    """What ``mien train`` was asked for.

    Args:
        name: the system.
        data: root of the data set.
        out: folder of the run.
        words: settings by name.
        source: name of the data set; None finds out.
        fold: number of the fold, from 1, of protocols that have folds.
        teacher: weights that label the samples, for systems that learn from a teacher.
        init: weights to begin with; what does not fit is left out and told.
    """

    name: str
    data: Path
    out: Path
    words: Sequence[str] = ()
    source: str | None = None
    teacher: Path | None = None
    init: Path | None = None
    fold: int | None = None


def train(order: Order, machine: Machine = HERE, listener: Listener = SILENT) -> Path:
    """Train a system, or go on with a training that was stopped; gives the path of the weights.

    Raises:
        InputError: unknown names, missing data, or a folder that holds another training.
        KeyboardInterrupt: stopped; the same call goes on.
    """
    built = system(order.name, order.words)
    if "train" not in built.protocol.parts:
        remedy = "train under another one, --set protocol=..., and judge with mien eval --protocol"
        raise InputError(f"{built.protocol.name} has no part to train on", "a protocol with one", remedy)
    source = source_of(built.protocol, order.data, order.source)
    facts = built.facts() | {"source": source.card.name, "fold": order.fold, "command": command_line()}
    facts |= {"teacher": _digest(order.teacher), "init": _digest(order.init)}
    if _held(order, facts) and (order.out / WEIGHTS).is_file():
        return order.out / WEIGHTS
    fabric = machine.fabric(built.recipe.precision)
    model = built.model()
    _fits(built, model)
    if order.init is not None:
        begin_with(model, order.init)
    trained = samples(built.protocol, source, "train", fold=order.fold, seed=built.recipe.seed)
    predict = _teacher(built, order.teacher, fabric, listener)
    if predict is not None and hasattr(built.module, "relabel"):
        rng = numbers(built.recipe.seed, "relabel")
        trained = built.module.relabel(trained, predict, rng, **built.settings.get("relabel", {}))
    _claim(order, facts)
    learned = part(built, trained, "training part", listener, True)
    if predict is not None and built.recipe.distil:
        _distil(built, learned.pictures, predict(trained))
    objective = _objective(built, learned)
    look, select = None, ""
    if "tune" in built.protocol.parts:
        found = samples(built.protocol, source, "tune", fold=order.fold, seed=built.recipe.seed)
        tuned = part(built, found, "tuning part", listener, False)
        look, select = partial(_figures, built=built, tuned=tuned, learned=learned, fabric=fabric), built.protocol.select
    parts = Parts(model, objective, learned.pictures, built.recipe, look, select)
    training = Training(parts, order.out, fabric, workers=machine.workers)
    return _run(training, built, order, facts, machine, listener)


def _run(training: Training, built: System, order: Order, facts: dict[str, Any], machine: Machine, listener: Listener) -> Path:
    training.resume()
    rows = Log(order.out / LOG) if training.fabric.is_global_zero else None
    if rows is not None:
        rows.cut(training.progress.step // training.per_epoch)
    total = training.per_epoch * built.recipe.epochs
    tick = listener.begin("training", total)

    def report(figures: Figures) -> None:
        if rows is not None:
            rows.add(figures)
        if listener.epoch is not None:
            listener.epoch(figures)

    training.run(report, (lambda step, _: tick(step)) if tick is not None else None)
    path = order.out / WEIGHTS
    if training.fabric.is_global_zero:
        more = {key: facts[key] for key in ("source", "fold", "command")} | {"device": machine.words(training.fabric)}
        save(path, training.result(), built, more | {"epochs_done": training.progress.step // training.per_epoch})
    return path


def _decisive(facts: Mapping[str, Any]) -> dict[str, Any]:
    names = ("system", "settings", "recipe", "source", "fold", "teacher", "init")
    decisive: dict[str, Any] = json.loads(json.dumps({name: facts[name] for name in names}))
    return decisive


def _held(order: Order, facts: Mapping[str, Any]) -> bool:
    """Whether the folder holds this training; another one is refused."""
    path = order.out / RUN
    if not path.is_file():
        for name in (LAST, WEIGHTS):
            if (order.out / name).exists():
                raise InputError(f"{order.out} holds a {name} without {RUN}", "a new folder", "take another --out")
        return False
    before = json.loads(path.read_text("utf-8"))
    # what the recipe of an older version did not say had the value that is the default now
    before["recipe"] = json.loads(json.dumps(from_facts(before["recipe"]).facts()))
    differ = _differences(before, _decisive(facts))
    if differ:
        remedy = "take another --out, or give the same settings to go on"
        raise InputError(f"{order.out} holds another training ({'; '.join(differ[:4])})", "a new folder", remedy)
    return True


def _claim(order: Order, facts: Mapping[str, Any]) -> None:
    """Make the folder that of this training, once all that was asked for is there: a mistake must not leave one behind."""
    order.out.mkdir(parents=True, exist_ok=True)
    if not _held(order, facts):
        with atomic(order.out / RUN) as stream:
            stream.write(json.dumps(_decisive(facts) | {"data": vars(data_hash(order.data))}, indent=1) + "\n")


def _digest(weights: Path | None) -> str | None:
    if weights is None:
        return None
    facts_of(weights)  # says what is wrong with it
    return sha256(weights)


def _fits(built: System, network: nn.Module) -> None:
    """Refuse a network that cannot take the pictures of the recipe, or has other classes than the protocol."""
    image, names = built.recipe.image, classes(built.protocol)
    try:
        with torch.no_grad():
            out = network.eval()(image=torch.zeros(1, image.channels, image.size, image.size))
    except RuntimeError as error:
        got = f"pictures of {image.channels} x {image.size} x {image.size} for {built.card.short} ({error})"
        raise InputError(got, "what the network can take", "see image.channels and image.size") from error
    if "logits" in out and names and out["logits"].shape[1] != len(names):
        got = f"{built.card.short} with {out['logits'].shape[1]} classes"
        raise InputError(got, f"the {len(names)} of {built.protocol.name}", f"give --set model.classes={len(names)}")


def _differences(before: Mapping[str, Any], now: Mapping[str, Any], prefix: str = "") -> list[str]:
    out = []
    for key, value in now.items():
        old = before.get(key)
        if isinstance(value, dict) and isinstance(old, dict):
            out += _differences(old, value, f"{prefix}{key}.")
        elif old != value:
            out.append(f"{prefix}{key} was {old}, is {value}")
    return out


def begin_with(model: nn.Module, path: Path) -> tuple[int, int]:
    """Take the weights of a file that fit by name and shape; gives how many did, of how many."""
    _, donor = restore(path)
    given, own = donor.state_dict(), model.state_dict()
    fits = {name: value for name, value in given.items() if name in own and own[name].shape == value.shape}
    if not any(value.ndim for value in fits.values()):  # the counters of batch norms fit everywhere
        raise InputError(f"nothing in {path.name} fits this network", "weights of a network with the same parts")
    model.load_state_dict(own | fits)
    log.info("%d of %d tensors begin as in %s", len(fits), len(own), path.name)
    return len(fits), len(own)


def _objective(built: System, learned: Part) -> nn.Module:
    arrays = {name: values.numpy() for name, values in learned.pictures.arrays.items()}
    plant(built.recipe.seed, "objective")
    if not hasattr(built.module, "objective"):
        return built.task.objective(built.protocol, arrays, built.recipe)
    make = built.module.objective
    open_ = [name for name, p in inspect.signature(make).parameters.items() if p.default is p.empty]
    told = {name: value for name, value in built.task.given(built.protocol, arrays).items() if name in open_}
    network: nn.Module = make(**told, **built.settings.get("objective", {}))
    return network


Predict = Callable[[Sequence[Sample]], dict[str, NDArray[np.float32]]]


def _teacher(built: System, weights: Path | None, fabric: Fabric, listener: Listener) -> Predict | None:
    """What asks the teacher; None where nothing is learned from one."""
    wanted = hasattr(built.module, "relabel") or bool(built.recipe.distil)
    if wanted != (weights is not None):
        if wanted:
            remedy = "train one with mien train, and give its weights"
            raise InputError(f"{built.card.short} without --teacher", "weights of a teacher", remedy)
        raise InputError(f"--teacher for {built.card.short}", "a system that learns from a teacher, or distil", "leave it out")
    if weights is None:
        return None
    other, network = restore(weights)
    fabric.to_device(network)

    def predict(asked: Sequence[Sample]) -> dict[str, NDArray[np.float32]]:
        tick = listener.begin("asking the teacher", len(asked))
        return answers(network, Pictures(list(asked), other.recipe.image), other.recipe, other.task, fabric, tick)

    return predict


def _distil(built: System, pictures: Pictures, answered: Mapping[str, NDArray[np.float32]]) -> None:
    """Mix what the teacher answers into the targets."""
    target, said = pictures.arrays.get("target"), answered.get("probabilities")
    if target is None or said is None or said.shape != tuple(target.shape):
        got = f"a teacher with answers {None if said is None else said.shape} for {built.protocol.name}"
        raise InputError(got, "a teacher and a task of the same classes", "leave distil out")
    pictures.arrays["target"] = torch.lerp(target, torch.from_numpy(said), built.recipe.distil)


def _figures(model: nn.Module, built: System, tuned: Part, learned: Part, fabric: Fabric) -> Figures:
    found = answers(model, tuned.pictures, built.recipe, built.task, fabric)
    table = judge(built.protocol, tuned.truth, found, learned.truth, tuned.groups)
    return {row.metric: row.value for row in table.rows}
