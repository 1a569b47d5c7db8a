"""Settings by name: words of the command line to values of frozen dataclasses and to arguments of functions."""

from __future__ import annotations

import inspect
import math
import types
from collections.abc import Callable, Iterable
from dataclasses import fields, is_dataclass, replace
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

from .errors import InputError, unknown_name

Config = TypeVar("Config")


def override(config: Config, words: Iterable[str]) -> Config:
    """A copy of a recipe with values changed by name.

    Args:
        config: a frozen dataclass, in which others may be nested.
        words: each ``name=value`` or ``part.name=value``; the value is read as the type that the field has.

    Raises:
        InputError: no such name (the nearest are listed), or the value is not of that type.

    Example:
        >>> from mien.tasks.recipe import Recipe
        >>> changed = override(Recipe("fer2013/7", 60), ["optim.rate=3e-5", "views=plain,flip"])
        >>> changed.optim.rate, changed.views
        (3e-05, ('plain', 'flip'))
    """
    changes: dict[str, Any] = {}
    for word in words:
        name, value = split(word)
        _note(changes, config, name.split("."), value, name)
    # all at once, for values that must fit together cannot be changed one after the other
    return _replaced(config, changes)


def split(word: str) -> tuple[str, str]:
    """Name and value of ``name=value``.

    Raises:
        InputError: there is no ``=`` in it.
    """
    name, equals, value = word.partition("=")
    if not equals or not name.strip():
        raise InputError(f"the setting {word!r}", "name=value", "such as --set optim.rate=3e-5")
    return name.strip(), value.strip()


def argument(function: Callable[..., Any], name: str, text: str, shown: str = "") -> Any:
    """A word as the value of an argument of a function that has a default; what has none is not the user's to give.

    Raises:
        InputError: no such argument (the nearest are listed), or the value is not of its type.

    Example:
        >>> argument(round, "ndigits", "2")
        Traceback (most recent call last):
        ...
        mien.errors.InputError: ndigits is '2'; wanted a value of the type Any
    """
    prefix = shown.removesuffix(name)
    known = [k for k, p in inspect.signature(function).parameters.items() if p.default is not p.empty]
    if name not in known:
        raise unknown_name("setting", shown or name, [prefix + k for k in known])
    hints = get_type_hints(function.__init__ if inspect.isclass(function) else function)
    return typed(text, hints.get(name, Any), shown or name)


def _replaced(config: Any, changes: dict[str, Any]) -> Any:
    values = {name: _replaced(getattr(config, name), v) if isinstance(v, dict) else v for name, v in changes.items()}
    return replace(config, **values)


def _note(changes: dict[str, Any], config: Any, path: list[str], text: str, name: str) -> None:
    known = {item.name for item in fields(config)}
    prefix = name.removesuffix(".".join(path))
    if path[0] not in known:
        raise unknown_name("setting", name, _names(config, prefix))
    inner = getattr(config, path[0])
    if is_dataclass(inner):
        if len(path) == 1:
            raise InputError(f"the setting {name!r} has parts", f"one of: {', '.join(_names(inner, name + '.'))}")
        _note(changes.setdefault(path[0], {}), inner, path[1:], text, name)
        return
    if len(path) > 1:
        raise unknown_name("setting", name, _names(config, prefix))
    changes[path[0]] = typed(text, get_type_hints(type(config))[path[0]], name)


def _names(config: Any, prefix: str = "") -> list[str]:
    names = []
    for item in fields(config):
        inner = getattr(config, item.name)
        names += _names(inner, f"{prefix}{item.name}.") if is_dataclass(inner) else [prefix + item.name]
    return names


_BOOLEANS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


def typed(text: str, kind: Any, name: str) -> Any:
    """A word of the command line as a value of a type: bool, int, float, str, tuples and optional ones of these.

    Raises:
        InputError: it cannot be read so.

    Example:
        >>> typed("0.5,0.5", tuple[float, ...], "image.mean")
        (0.5, 0.5)
    """
    if get_origin(kind) is tuple:
        inner = get_args(kind)[0]
        return tuple(typed(part.strip(), inner, name) for part in text.split(",") if part.strip())
    if get_origin(kind) is types.UnionType:
        if text.lower() == "none" and type(None) in get_args(kind):
            return None
        kind = next(option for option in get_args(kind) if option is not type(None))
    try:
        if kind is bool:
            return _BOOLEANS[text.lower()]
        if kind in (int, float, str):
            value = kind(text)
            if not isinstance(value, float) or math.isfinite(value):
                return value
    except (KeyError, ValueError):
        pass
    raise InputError(f"{name} is {text!r}", f"a value of the type {getattr(kind, '__name__', kind)}")
