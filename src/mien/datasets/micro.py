"""What the data sets of micro-expressions share: clips from onset to offset, and action units as coders write them."""

from __future__ import annotations

import logging
import re
from pathlib import Path

import numpy as np

from ..errors import InputError
from ..labels import UNITS
from .layout import pictures
from .sample import Frames, Values

log = logging.getLogger(__name__)

_UNIT = re.compile(r"(?:AU)?\s*([LR])?\s*(\d+)\s*([LR])?[A-E]?(?![A-Za-z])", re.IGNORECASE)


def number_of(path: Path) -> int:
    """The last number in the name of a picture: 46 of reg_img46.jpg."""
    found = re.findall(r"\d+", path.stem)
    return int(found[-1]) if found else -1


def between(folder: Path, onset: int | None, apex: int | None, offset: int | None) -> Frames:
    """The frames of a folder from onset to offset.

    An offset that is missing or lies before the onset (the coding sheets have such slips) means to the last picture.

    Raises:
        InputError: the folder has no picture of these numbers.
    """
    found = {number_of(path): path for path in pictures(folder)} if folder.is_dir() else {}
    if not found:
        raise InputError(f"there is no picture in {folder}", "the frames of a clip that the coding sheet lists", "unpack it anew")
    first = min(found) if onset is None else onset
    last = max(found) if offset is None or offset < first else offset
    if offset is not None and offset < first:
        log.warning("%s: offset %d lies before onset %d; the clip goes to its last picture", folder, offset, first)
    numbers = [number for number in sorted(found) if first <= number <= last]
    if not numbers:
        raise InputError(f"{folder} has frames {min(found)} to {max(found)}", f"frames {first} to {last}", "unpack it anew")
    return Frames(tuple(found[number] for number in numbers), apex=numbers.index(apex) if apex in numbers else None)


def frame(text: str) -> int | None:
    """A cell of a coding sheet as the number of a frame; None for what is no number, such as "/"."""
    try:
        return int(float(text))
    except ValueError:
        return None


def facs(text: str) -> Values | None:
    """Presence of action units from a code such as "4+L14" or "R12B + AU25", in the label set "facs-23".

    A code without side means both sides. Numbers that are not in the label set are left out. A code that leaves a choice ("or")
    or is empty gives None.

    Example:
        >>> found = facs("4+L14")
        >>> [name for name in found.labels if found[name] == 1]
        ['AU04', 'AU04L', 'AU04R', 'AU14', 'AU14L']
    """
    if re.search(r"\bor\b", text, re.IGNORECASE) or not _UNIT.search(text):
        return None
    values = np.zeros(len(UNITS), np.float32)
    for before, number, after in _UNIT.findall(text):
        name, side = f"AU{int(number):02d}", (before or after).upper()
        for label in (name, *(f"{name}{s}" for s in ((side,) if side else "LR"))):
            if label in UNITS:
                values[UNITS.index(label)] = 1
    return Values(values, UNITS)
