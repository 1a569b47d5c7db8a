"""Protocols: on what systems are trained, tuned and tested, and how they are judged, as data.

A protocol is a TOML file in this folder. A run goes ``samples`` -> ``targets`` -> the answers of a system -> ``judge``. It
chooses everything on the part "tune" and never on "test", and its figures stand beside those of a constant predictor.
"""

from __future__ import annotations

from .judging import averaged, judge
from .parts import folds, groups, pairs, samples, targets, views
from .reading import Part, Protocol, classes, columns, load, protocol, protocols, read

__all__ = [
    "Part", "Protocol", "averaged", "classes", "columns", "folds", "groups", "judge", "load", "pairs", "protocol", "protocols",
    "read", "samples", "targets", "views",
]  # fmt: skip
