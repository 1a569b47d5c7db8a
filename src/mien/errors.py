"""Errors with one shape: what was got, what was wanted, what to do about it."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


class MienError(Exception):
    """Base of every error that mien raises on purpose."""


class InputError(MienError, ValueError):
    """An input that cannot be used.

    Args:
        got: what came in, with its name ("photo.jpg: 0 bytes").
        wanted: what would have worked ("a picture file").
        remedy: what the user can do now.
    """

    def __init__(self, got: str, wanted: str = "", remedy: str = "") -> None:
        self.got, self.wanted, self.remedy = got, wanted, remedy
        parts = [got]
        if wanted:
            parts.append(f"wanted {wanted}")
        if remedy:
            parts.append(remedy)
        super().__init__("; ".join(parts))


class MissingExtra(MienError, ImportError):
    """A package that an optional part of mien needs is not installed."""


class ModelError(MienError, RuntimeError):
    """A network file is missing, damaged or does not fit its card."""


def unknown_name(kind: str, name: str, known: Iterable[str]) -> InputError:
    """The error for a name that is not in a closed list, with the three nearest names.

    Example:
        >>> print(unknown_name("label set", "fer", ["fer-7", "ferplus-8"]))
        unknown label set 'fer'; wanted one of: fer-7, ferplus-8; did you mean fer-7, ferplus-8?
    """
    names = sorted(known)
    near = get_close_matches(name, names, n=3, cutoff=0.3)
    shown = ", ".join(names) if len(names) <= 12 else f"{', '.join(names[:12])}, ... ({len(names)})"
    hint = f"did you mean {', '.join(near)}?" if near else ""
    return InputError(f"unknown {kind} {name!r}", f"one of: {shown}", hint)
