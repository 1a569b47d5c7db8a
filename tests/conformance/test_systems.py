"""What every system above the level "planned" promises, one function for each promise.

A failure that is known stands in the card with its reason (``[xfail]``); it is then expected, and an unexpected success fails.
"""

from __future__ import annotations

import ast
import importlib
import json
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

pytest.importorskip("lightning_fabric")

import torch
from torch import Tensor, nn
from typer.testing import CliRunner

from mien.cards import EXTRAS, Card, systems
from mien.cli import app
from mien.datasets.sample import Folder
from mien.labels import label_set
from mien.protocols import classes
from mien.train.build import restore, system
from mien.train.export import agree, example, run_onnx
from mien.train.run import WEIGHTS

pytestmark = pytest.mark.torch
BUILT = [card for card in systems() if card.fidelity != "planned"]
# packages of each extra, by the name that is imported
PACKAGES = {
    "": {"numpy", "cv2", "PIL", "onnxruntime", "av", "pyarrow", "typer", "rich"},
    "torch": {"torch", "onnx", "scipy"},
    "train": {"torch", "onnx", "scipy", "lightning_fabric", "safetensors"},
    "pandas": {"pandas"},
    "matlab": {"h5py", "scipy"},
}


def modules(name: str) -> list[Card]:
    """The built systems whose module has a function."""
    return [card for card in BUILT if hasattr(importlib.import_module(card.module), name)]


def each(cards: list[Card], promise: str) -> pytest.MarkDecorator:
    """One test for each card; what a card declares as known to fail is expected to."""
    params = []
    for card in cards:
        reason = card.xfail.get(promise)
        marks = [pytest.mark.xfail(reason=reason, strict=True)] if reason else []
        params.append(pytest.param(card, id=card.name, marks=marks))
    return pytest.mark.parametrize("card", params)


def module(card: Card) -> ModuleType:
    return importlib.import_module(card.module)


def small(card: Card) -> nn.Module:
    """The network, in the small size that its card names for tests."""
    torch.manual_seed(0)
    built: nn.Module = module(card).model(**card.small)
    return built


def inputs(card: Card, count: int) -> dict[str, Tensor]:
    """Noise of the shape that the card names."""
    found = {}
    for port in card.input:
        rng = np.random.default_rng(1)
        shape = [count if isinstance(n, str) else n for n in port.shape]
        found[port.name] = torch.from_numpy(rng.normal(size=shape).astype(np.float32))
    return found


@each(BUILT, "docstring")
def test_the_module_names_its_paper(card: Card) -> None:
    text = module(card).__doc__ or ""
    arxiv = re.search(r"arXiv:\d{4}\.\d{4,5}", card.paper)
    if arxiv:
        assert arxiv[0] in text
    else:
        words = set(re.findall(r"[A-Z][a-z]{3,}", card.title))
        assert sum(word.lower() in text.lower() for word in words) >= min(2, len(words)), card.title


@each(BUILT, "extras")
def test_the_declared_extras_are_enough(card: Card) -> None:
    known = set().union(PACKAGES[""], *(PACKAGES.get(extra, set()) for extra in card.extras))
    assert set(card.extras) <= set(EXTRAS)
    tree = ast.parse(Path(module(card).__file__ or "").read_text("utf-8"))
    for node in ast.walk(tree):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom) and not node.level:
            names = [node.module or ""]
        for name in names:
            root = name.partition(".")[0]
            assert root == "mien" or root in sys.stdlib_module_names or root in known, f"{root} is in none of {card.extras}"


@each(modules("model"), "parameters")
def test_parameters_are_counted(card: Card) -> None:
    with torch.device("meta"):
        count = sum(p.numel() for p in module(card).model().parameters() if p.requires_grad)
    assert card.parameters.ours == count
    for published in (card.parameters.paper, card.parameters.code):
        if published is not None and abs(count - published) > 0.005 * published:
            assert any("parameter" in line for line in card.differs), (
                f"{count} instead of {published}, and differs does not say why"
            )


@each(modules("model"), "shapes")
@pytest.mark.parametrize("count", [1, 3])
def test_outputs_have_the_names_and_shapes_of_the_card(card: Card, count: int) -> None:
    with torch.no_grad():
        out = small(card).eval()(**inputs(card, count))
    assert set(out) == {port.name for port in card.output}
    for port in card.output:
        assert port.shape, f"{port.name} has no shape"
        wanted = [count if isinstance(n, str) else n for n in port.shape]
        assert list(out[port.name].shape) == wanted
        assert torch.isfinite(out[port.name]).all()


@each(modules("model"), "labels")
def test_logits_carry_a_label_set(card: Card) -> None:
    for port in card.output:
        if port.name == "logits":
            assert port.labels, "logits without label set"
            assert len(label_set(port.labels)) == port.shape[-1]
            assert port.activation in ("softmax", "sigmoid")


@each(modules("model"), "gradient")
def test_a_gradient_reaches_every_parameter(card: Card) -> None:
    network = small(card).train()
    out = network(**inputs(card, 3))
    chosen = [value for name, value in out.items() if name == "logits"] or list(out.values())
    sum((value.float() * torch.randn_like(value)).sum() for value in chosen).backward()
    without = [name for name, p in network.named_parameters() if p.requires_grad and (p.grad is None or not p.grad.any())]
    assert not without


@each(modules("model"), "deterministic")
def test_judging_is_deterministic_and_a_batch_equals_its_singles(card: Card) -> None:
    network, several = small(card).eval(), inputs(card, 3)
    with torch.no_grad():
        first, again = network(**several), network(**several)
        singles = [network(**{name: value[k : k + 1] for name, value in several.items()}) for k in range(3)]
    for name, value in first.items():
        assert torch.equal(value, again[name])
        together = torch.cat([one[name] for one in singles])
        assert torch.allclose(value, together, atol=1e-4 * max(1.0, float(value.abs().max())))


@each(modules("recipe"), "recipe")
def test_the_recipe_fits_the_card(card: Card) -> None:
    built = system(card.name)
    assert built.protocol.task == card.task
    text = module(card).recipe.__doc__ or ""
    assert f"mien train {card.name}" in text
    port = next(port for port in card.input if port.name == "image")
    image = built.recipe.image
    assert port.shape[1:] == (image.channels, image.size, image.size)
    assert (port.mean, port.std) == (image.mean, image.std)
    for port in card.output:
        if port.labels:
            assert label_set(port.labels).names == classes(built.protocol)


# End to end -----------------------------------------------------------------------------------------------------------
TEACHER = "lonkar_cnn"  # labels the samples of systems that learn from a teacher


@dataclass(frozen=True)
class Trained:
    """A short training through the command line, on tiny data of the protocol's layout."""

    data: Path
    weights: Path


def run(*words: object) -> str:
    """What ``mien`` prints; it must end well."""
    result = CliRunner().invoke(app, [str(word) for word in words], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def settings(card: Card) -> list[str]:
    own = [f"model.{key}={value}" for key, value in card.small.items()]
    learned = ["relabel.share=1", "relabel.clusters=3"] if hasattr(module(card), "relabel") else []
    return [f"--set={word}" for word in (*own, *learned, "epochs=2", "batch=4", "image.cache=false")]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Card], Trained]:
    """A training of each system, made once, when it is first asked for."""

    @cache
    def of(name: str) -> Trained:
        card, folder = {entry.name: entry for entry in BUILT}[name], tmp_path_factory.mktemp(name)
        source = Folder(system(name).protocol.sources[0], folder / "data")
        importlib.import_module(source.card.module).fake(folder / "data", 0, 4)
        teacher = ["--teacher", of(TEACHER).weights] if hasattr(module(card), "relabel") else []
        teacher += ["--fold", 1] if system(name).protocol.folds not in ("none", "pairs") else []
        line = ["train", name, "--data", folder / "data", "--out", folder / "run", "--quiet", "--threads", 1]
        run(*line, *teacher, *settings(card))
        return Trained(folder / "data", folder / "run" / WEIGHTS)

    return lambda card: of(card.name)


@each(modules("recipe"), "runs")
def test_it_trains_and_is_judged_through_the_command_line(card: Card, trained: Callable[[Card], Trained]) -> None:
    made = trained(card)
    rows = json.loads(run("eval", card.name, "--data", made.data, "--weights", made.weights, "--part", "tune", "--json"))
    wanted = system(card.name).protocol.metrics
    assert [row["metric"] for row in rows][: len(wanted)] == list(wanted)
    assert all(row["n"] > 0 for row in rows)


@each(modules("recipe"), "resumes")
def test_a_finished_training_is_not_done_again(card: Card, trained: Callable[[Card], Trained]) -> None:
    made = trained(card)
    before = made.weights.read_bytes()
    teacher = ["--teacher", trained(by_name(TEACHER)).weights] if hasattr(module(card), "relabel") else []
    line = ["train", card.name, "--data", made.data, "--out", made.weights.parent, "--quiet", "--threads", 1]
    run(*line, *teacher, *settings(card))
    assert made.weights.read_bytes() == before


@each(modules("recipe"), "export")
def test_the_exported_network_gives_the_same(card: Card, trained: Callable[[Card], Trained], tmp_path: Path) -> None:
    made = trained(card)
    run("export", card.name, "--weights", made.weights, "--out", tmp_path / "net.onnx")
    assert agree(tmp_path / "net.onnx", tmp_path / "net.golden.npz") == 0
    built, network = restore(made.weights)
    given = example(built)
    with torch.no_grad():
        wanted = network(**given)
    found = run_onnx(tmp_path / "net.onnx", {name: value.numpy() for name, value in given.items()}, list(wanted))
    for name, value in wanted.items():
        # weights are rounded to 11 bits
        assert np.abs(found[name] - value.numpy()).max() <= 0.02 * float(value.abs().max())


def by_name(name: str) -> Card:
    return next(card for card in BUILT if card.name == name)


@each(modules("evaluate"), "evaluates")
def test_a_study_computes_its_figures_from_files(card: Card, tmp_path: Path) -> None:
    own = module(card)
    maker = own if hasattr(own, "fake") else importlib.import_module(f"mien.datasets.{card.name}")
    maker.fake(tmp_path / "data", 0)
    rows = json.loads(run("eval", card.name, "--data", tmp_path / "data", "--json", "--record", tmp_path / "run.json"))
    assert rows
    assert {"protocol", "metric", "value", "n", "constant"} <= set(rows[0])
    assert json.loads((tmp_path / "run.json").read_text())["figures"] == rows
