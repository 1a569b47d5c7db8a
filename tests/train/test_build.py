"""Names and words to networks and recipes; weights to files and back."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

pytest.importorskip("lightning_fabric")

import torch
from safetensors.torch import save_file

from mien import files
from mien.errors import InputError
from mien.train.build import facts_of, from_facts, restore, save, system

from .runs import SMALL, untrained

pytestmark = pytest.mark.torch


def test_words_reach_the_network_and_the_recipe() -> None:
    built = system("lonkar_cnn", ["model.widths=4,8", "model.convs=1,1", "optim.rate=0.01", "seed=3"])
    assert built.settings == {"model": {"widths": (4, 8), "convs": (1, 1)}}
    assert (built.recipe.optim.rate, built.recipe.seed) == (0.01, 3)
    assert built.model().classify.in_features == 8


def test_settings_that_must_fit_together_can_be_changed_together() -> None:
    words = ["image.channels=3", "image.mean=0.1,0.2,0.3", "image.std=1,1,1"]
    for several in (words, words[::-1]):
        assert system("lonkar_cnn", several).recipe.image.mean == (0.1, 0.2, 0.3)
    with pytest.raises(InputError, match="one mean and one deviation for each channel"):
        system("lonkar_cnn", words[:2])


def test_a_setting_that_is_the_default_is_no_setting() -> None:
    assert system("lonkar_cnn", ["model.head=0.3"]).facts() == system("lonkar_cnn").facts()


@pytest.mark.parametrize(
    ("name", "word", "message"),
    [
        ("lonkar_cnn", "model.widht=3", r"unknown setting 'model\.widht'.*did you mean model\.widths"),
        ("lonkar_cnn", "model.head=much", "model.head is 'much'; wanted a value of the type float"),
        ("lonkar_cnn", "relabel.share=1", r"no relabel\(\); wanted one of: model"),
        ("lonkar_cnn", "model.head", "wanted name=value"),
        ("lonkar_cnn", "model=3", "unknown setting 'model'"),
        ("adaface", "objective.classes=3", r"unknown setting 'objective\.classes'"),
        ("imitator", "epochs=1", "planned"),
        ("humanlike_xai", "epochs=1", r"without recipe\(\)"),
    ],
)
def test_what_cannot_be_built_is_said(name: str, word: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        system(name, [word])


def test_the_seed_decides_the_first_weights() -> None:
    first, again, other = (system("lonkar_cnn", [*SMALL, f"seed={seed}"]).model().classify.weight for seed in (0, 0, 1))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_weights_bring_back_network_settings_and_recipe(tmp_path: Path) -> None:
    built = system("lonkar_cnn", [*SMALL, "schedule.milestones=3,5", "views=plain"])
    network = built.model()
    save(tmp_path / "w.safetensors", network.state_dict(), built, {"fold": 2})
    found, restored = restore(tmp_path / "w.safetensors", "Lonkar CNN")
    assert found.recipe == built.recipe
    assert from_facts(json.loads(json.dumps(built.recipe.facts()))) == built.recipe
    assert facts_of(tmp_path / "w.safetensors")["fold"] == 2
    assert all(torch.equal(value, network.state_dict()[name]) for name, value in restored.state_dict().items())
    assert not restored.training


def test_writing_that_is_cut_short_leaves_the_older_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = untrained(tmp_path / "w.safetensors")
    before = path.read_bytes()

    def cut(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(files.os, "replace", cut)
    with pytest.raises(KeyboardInterrupt):
        untrained(path, "seed=1")
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_weights_of_another_system_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds weights of lonkar_cnn; wanted weights of adaface"):
        restore(untrained(tmp_path / "w.safetensors"), "adaface")


def test_what_is_no_file_of_weights_is_refused(tmp_path: Path) -> None:
    whole = untrained(tmp_path / "w.safetensors").read_bytes()
    (tmp_path / "text.safetensors").write_text("weights\n")
    (tmp_path / "cut.safetensors").write_bytes(whole[:-40])
    (tmp_path / "short.safetensors").write_bytes(whole[:60])
    save_file({"x": torch.ones(2)}, tmp_path / "foreign.safetensors")
    with pytest.raises(InputError, match="there is no file"):
        restore(tmp_path / "none.safetensors")
    for name in ("text", "cut", "short", "foreign"):
        with pytest.raises(InputError, match=rf"{name}\.safetensors: .*; wanted weights written by mien train"):
            restore(tmp_path / f"{name}.safetensors")


def test_weights_of_another_version_are_refused(tmp_path: Path) -> None:
    built = system("lonkar_cnn", SMALL)
    state = built.model().state_dict()
    facts = built.facts()
    save(tmp_path / "less.safetensors", {k: v for k, v in state.items() if "bias" not in k}, built, {})
    save(tmp_path / "shape.safetensors", state | {"classify.bias": torch.zeros(3)}, built, {})
    save(tmp_path / "setting.safetensors", state, built, {"settings": {"model": {"layers": 3}}})
    save(tmp_path / "recipe.safetensors", state, built, {"recipe": facts["recipe"] | {"momentum": 1}})
    for name in ("less", "shape", "setting", "recipe"):
        with pytest.raises(InputError, match=rf"{name}\.safetensors does not fit.*same version"):
            restore(tmp_path / f"{name}.safetensors")


def test_what_the_card_does_not_say_of_a_network_is_told() -> None:
    assert system("lonkar_cnn").unlike_card() == ""
    assert system("lonkar_cnn", ["epochs=1", "optim.rate=1"]).unlike_card() == ""
    assert "head 0.5" in system("lonkar_cnn", ["model.head=0.5"]).unlike_card()
    assert "1 x 16 x 16" in system("lonkar_cnn", ["image.size=16"]).unlike_card()
    assert "mean (0.4,)" in system("lonkar_cnn", ["image.mean=0.4"]).unlike_card()
