"""Presentation attack detection by ISO/IEC 30107-3: APCER per kind of attack, BPCER and ACER.

``scores`` are (n,) numbers of which larger means more surely live; a presentation is taken for live from ``threshold`` on, which
is to be chosen on development data (:func:`mien.metrics.verification.eer_threshold`). A NaN score raises.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from ..errors import InputError
from .inputs import Floats, known, numbers

LIVE = "live"


def _accepted(kinds: Sequence[str], scores: ArrayLike, threshold: float) -> dict[str, Floats]:
    values = known("scores", numbers("scores", scores, 1), infinite=True)
    known("threshold", np.asarray(threshold, np.float64), infinite=True)
    if len(kinds) != len(values):
        raise InputError(f"{len(kinds)} kinds, {len(values)} scores", "one kind for each score")
    names = np.array([str(kind) for kind in kinds], object)
    return {str(name): (values[names == name] >= threshold).astype(np.float64) for name in dict.fromkeys(names)}


def apcer(kinds: Sequence[str], scores: ArrayLike, threshold: float) -> dict[str, float]:
    """Attack presentation classification error rate of each kind of attack, in [0, 1]: share of its attacks taken for live.

    Source: ISO/IEC 30107-3:2017, section 13.2.2; Boulkenafet et al. (2017), "OULU-NPU".

    Args:
        kinds: (n,) "live", or the name of the attack ("print", "replay").
        scores: (n,).
        threshold: least score that is taken for live.

    Returns:
        Attack to rate, in the order in which they first appear; empty without attacks.

    Raises:
        InputError: unequal lengths, or a NaN.

    Example:
        >>> apcer(["live", "print", "print", "replay"], [0.9, 0.8, 0.1, 0.2], 0.5)
        {'print': 0.5, 'replay': 0.0}
    """
    return {name: float(hits.mean()) for name, hits in _accepted(kinds, scores, threshold).items() if name != LIVE}


def bpcer(kinds: Sequence[str], scores: ArrayLike, threshold: float) -> float:
    """Bona fide presentation classification error rate, in [0, 1]: share of live faces taken for attacks.

    Source: ISO/IEC 30107-3:2017, section 13.2.3.

    Args:
        kinds: (n,) "live", or the name of the attack.
        scores: (n,).
        threshold: least score that is taken for live.

    Returns:
        BPCER; NaN without a live face.

    Raises:
        InputError: unequal lengths, or a NaN.

    Example:
        >>> bpcer(["live", "live", "print"], [0.9, 0.3, 0.1], 0.5)
        0.5
    """
    live = _accepted(kinds, scores, threshold).get(LIVE)
    return float("nan") if live is None else 1 - float(live.mean())


def acer(kinds: Sequence[str], scores: ArrayLike, threshold: float) -> float:
    """Average classification error rate, in [0, 1]: (APCER of the worst kind of attack + BPCER) / 2.

    Source: Boulkenafet et al. (2017), "OULU-NPU", Eq. 3. Codes that pool all attacks into one APCER give smaller values.

    Args:
        kinds: (n,) "live", or the name of the attack.
        scores: (n,).
        threshold: least score that is taken for live.

    Returns:
        ACER; 0.5 for a constant score; NaN without attacks or without a live face.

    Raises:
        InputError: unequal lengths, or a NaN.

    Example:
        >>> acer(["live", "print", "print", "replay"], [0.9, 0.8, 0.1, 0.2], 0.5)
        0.25
    """
    attacks = apcer(kinds, scores, threshold)
    return (max(attacks.values()) + bpcer(kinds, scores, threshold)) / 2 if attacks else float("nan")
