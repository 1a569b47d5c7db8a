"""Settings by name."""

from __future__ import annotations

import pytest

from mien.errors import InputError
from mien.settings import argument, override, typed
from mien.tasks.recipe import Image, Optim, Recipe

RECIPE = Recipe("fer2013/7", 3)


def test_values_take_the_type_of_their_field() -> None:
    found = override(
        RECIPE, ["epochs=9", "optim.rate=1e-4", "optim.nesterov=no", "image.mean=0.1", "keep=best", "views=plain,flip"]
    )
    assert (found.epochs, found.optim.rate, found.optim.nesterov) == (9, 1e-4, False)
    assert (found.image.mean, found.keep, found.views) == ((0.1,), "best", ("plain", "flip"))
    assert RECIPE.epochs == 3


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("epoch=3", "did you mean epochs"),
        ("optim.rat=3", r"did you mean optim\.rate"),
        ("optim=3", r"one of: optim\.name"),
        ("epochs.x=3", "unknown setting"),
        ("epochs=many", "epochs is 'many'; wanted a value of the type int"),
        ("optim.rate=nan", "optim.rate is 'nan'"),
        ("optim.nesterov=maybe", "type bool"),
        ("epochs", "name=value"),
        ("optim.name=sdg", "did you mean sgd"),
        ("epochs=0", "1 or more"),
    ],
)
def test_what_is_wrong_is_said(word: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        override(RECIPE, [word])


def test_arguments_without_default_are_not_the_users() -> None:
    def function(given: int, width: int = 3, sizes: tuple[int, ...] = (1,), rate: float | None = None) -> None: ...

    assert argument(function, "width", "5") == 5
    assert argument(function, "sizes", "1,2,3") == (1, 2, 3)
    assert argument(function, "rate", "none") is None
    assert argument(function, "rate", "0.5") == 0.5
    with pytest.raises(InputError, match=r"did you mean model\.width"):
        argument(function, "widht", "5", "model.widht")
    with pytest.raises(InputError, match="unknown setting"):
        argument(function, "given", "5")


def test_typed_refuses_what_does_not_fit() -> None:
    with pytest.raises(InputError):
        typed("a", tuple[int, ...], "sizes")


def test_a_recipe_checks_what_belongs_together() -> None:
    with pytest.raises(InputError, match="one mean and one deviation"):
        Recipe("fer2013/7", 3, image=Image(48, 3))
    with pytest.raises(InputError, match="unknown view"):
        Recipe("fer2013/7", 3, views=("mirror",))
    with pytest.raises(InputError, match="unknown optimiser"):
        Recipe("fer2013/7", 3, optim=Optim("lion"))
