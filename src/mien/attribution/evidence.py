"""An expression in terms of action units: which of those that belong to it the face shows, and which it does not.

Prototypes are those of EMFACS (Friesen and Ekman 1983, "EMFACS-7: Emotional facial action coding system"), as they are commonly
tabled. They are what posed faces of these names show; people who feel something often show less, or something else. So what is
said here is of the face: it says neither what a person feels nor why a network answered as it did.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..labels import ACTION_UNITS
from .unit_maps import landmarks_of, unit_map

# units that a growing shape of a rendered head hardly moves (docs/units.md): that they are not seen says little
DOUBTFUL = ("AU04", "AU06", "AU07", "AU15", "AU17", "AU20", "AU23", "AU24", "AU28")
SEEN, CALM = 1.5, 1.0  # intensities from which a unit counts as seen, and below which a region counts as relaxed
PROTOTYPES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        name: tuple(f"AU{number}" for number in numbers.split())
        for name, numbers in {
            "happiness": "06 12",
            "surprise": "01 02 05 26",
            "sadness": "01 04 15",
            "anger": "04 05 07 23",
            "disgust": "09 15 17",
            "fear": "01 02 04 05 07 20 26",
            "contempt": "12 14",
            "neutral": "",
        }.items()
    }
)
"""Units of each expression; neutral has none."""
_REGIONS = {
    "brow": ("AU01", "AU02", "AU04"),
    "mouth": tuple(f"AU{n}" for n in (10, 12, 14, 15, 17, 18, 20, 22, 23, 24, 25, 26, 27, 28)),
}


@dataclass(frozen=True)
class Evidence:
    """What the face shows of an expression.

    Args:
        label: the expression.
        score: of the network, in [0, 1].
        seen: units of its prototype that are seen, the strongest first, with their intensity 0-5.
        missing: units of its prototype that are not.
        unread: units of its prototype that could not be told.
        others: units seen that its prototype does not name, the strongest first.
        relaxed: "brow", "mouth", where nothing is seen and the prototype asks for nothing.
        fits: for each expression the share of its prototype that is seen; none for neutral.
    """

    label: str
    score: float
    seen: Mapping[str, float]
    missing: tuple[str, ...]
    unread: tuple[str, ...]
    others: Mapping[str, float]
    relaxed: tuple[str, ...]
    fits: Mapping[str, float]

    def sentence(self) -> str:
        """In words, such as "AU12 and AU06 seen, brow relaxed -> happiness 0.91"."""
        words = []
        if self.seen:
            words.append(f"{listed(self.seen)} seen")
        elif PROTOTYPES.get(self.label):
            words.append(f"no unit of {self.label} seen")
        elif not self.others:
            words.append("no action unit seen")
        missing = tuple(unit for unit in self.missing if unit not in DOUBTFUL) if self.seen else ()
        if missing:
            words.append(f"{listed(missing)} not")
        if hard := tuple(unit for unit in self.missing if unit in DOUBTFUL):
            words.append(f"{listed(hard)} (hard to read) not")
        if self.unread:
            words.append(f"{listed(self.unread)} not to be told")
        more = [f"{listed(self.others)} seen"] if self.others else []
        relaxed = [f"{region} relaxed" for region in self.relaxed]
        words += [*relaxed, *(f"{text} too" for text in more)] if self.seen else [*more, *relaxed]
        return f"{', '.join(words)} -> {self.label} {self.score:.2f}"


def listed(names: Mapping[str, float] | tuple[str, ...]) -> str:
    """Names with commas and a last "and".

    Example:
        >>> listed(("AU01", "AU02", "AU05"))
        'AU01, AU02 and AU05'
    """
    *first, last = names
    return f"{', '.join(first)} and {last}" if first else str(last)


def evidence(intensity: Mapping[str, float], label: str, score: float) -> Evidence:
    """Set intensities against the prototype of an expression.

    Args:
        intensity: 0-5 by unit, NaN where it could not be told; units of one side ("AU12L") are not looked at.
        label: the expression.
        score: of the network, in [0, 1].

    Example:
        >>> calm = {unit: 0.0 for unit in ACTION_UNITS}
        >>> evidence(calm | {"AU12": 4.0, "AU06": 2.0}, "happiness", 0.91).sentence()
        'AU12 and AU06 seen, brow relaxed -> happiness 0.91'
    """
    values = {unit: float(intensity[unit]) for unit in ACTION_UNITS if unit in intensity}
    strong = sorted((unit for unit, value in values.items() if value >= SEEN), key=lambda unit: -values[unit])
    wanted = PROTOTYPES.get(label, ())
    unread = tuple(unit for unit in wanted if not values.get(unit, np.nan) >= 0)
    relaxed = [
        name
        for name, units in _REGIONS.items()
        if not set(units) & set(wanted) and all(values.get(unit, np.nan) < CALM for unit in units)
    ]
    return Evidence(
        label,
        score,
        {unit: values[unit] for unit in strong if unit in wanted},
        tuple(unit for unit in wanted if unit not in strong and unit not in unread),
        unread,
        {unit: values[unit] for unit in strong if unit not in wanted},
        tuple(relaxed),
        {name: sum(unit in strong for unit in units) / len(units) for name, units in PROTOTYPES.items() if units},
    )


def evidence_map(intensity: Mapping[str, float], mesh: ArrayLike, height: int, width: int) -> NDArray[np.float32]:
    """Where the units that are seen show, each as strong as it is.

    Args:
        intensity: 0-5 by unit.
        mesh: (478, 2 or 3) pixels of the picture.
        height: of the picture, pixels.
        width: of the picture, pixels.

    Returns:
        (height, width) in [0, 1]: the highest of intensity / 5 times the map of each unit; 0 where none is seen.
    """
    landmarks = landmarks_of(mesh)
    out = np.zeros((height, width), np.float32)
    for unit in ACTION_UNITS:
        value = intensity.get(unit, np.nan)
        if value >= SEEN:
            out = np.maximum(out, value / 5 * unit_map(unit, landmarks, height, width))
    return np.asarray(out, np.float32)
