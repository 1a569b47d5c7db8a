"""The words in which protocols name their metrics: each carries all that decides its number, and stands for one function.

A word is a name, for some a limit, for some what is meant in brackets: "UAR", "TAR@FAR=1e-4", "FR@0.10(inter-ocular)",
"F1(threshold=0.5)", "CCC(ddof=0, concatenated)". With the name of a column it is the metric of that column alone, as in
"CCC valence(...)" or "F1 AU12(...)"; without one it is the mean over the columns.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError, unknown_name
from ..metrics import calibration, classification, concordance, landmarks, multilabel, ranking, verification
from ..metrics.agreement import cohen_kappa
from ..metrics.inputs import Floats, known_mean

Names = NDArray[np.generic] | None
# truth, predicted and group of each row -> a number
Value = Callable[[Floats, Floats, Names], float]
# the same -> how many rows count for the share, and of how many it is one
Hits = Callable[[Floats, Floats, Names], tuple[int, int]]
# targets of the training part and number of columns of an answer -> the answer that a constant predictor gives for every row
Constant = Callable[[Floats, int], Floats]


@dataclass(frozen=True)
class Metric:
    """One metric of a protocol.

    Args:
        word: as the protocol writes it.
        value: the figure, from truth, predicted and groups, which only some look at.
        hits: for a share, of how many rows it is one, which gives its interval; else None.
        drawn: whether its interval comes from drawing rows again.
        constant: the best answer that does not look at the picture; None where no such answer makes sense.
        grouped: whether it needs groups.
    """

    word: str
    value: Value
    hits: Hits | None = None
    drawn: bool = True
    constant: Constant | None = None
    grouped: bool = False


@dataclass(frozen=True)
class Word:
    """A metric as it is written, taken apart: name, column (-1 for all), limit (NaN for none), what stands in the brackets."""

    text: str
    name: str
    column: int
    limit: float
    given: dict[str, str]
    plain: tuple[str, ...]

    def wrong(self, wanted: str) -> InputError:
        """The error for what stands in the brackets."""
        return InputError(f"metric {self.text!r}", wanted, "write what decides the number")

    def number(self, key: str) -> float:
        """The number in the brackets."""
        try:
            return float(self.given[key])
        except (KeyError, ValueError):
            raise self.wrong(f"{self.name}({key}=<number>)") from None

    def only(self, *keys: str, plain: tuple[str, ...] = ()) -> None:
        """Check that nothing else stands in the brackets."""
        if set(self.given) - set(keys) or set(self.plain) - set(plain):
            raise self.wrong(f"{self.name}({', '.join([*(f'{k}=...' for k in keys), *plain])})".replace("()", ""))


_WORD = re.compile(r"(?P<name>[^()@=]+(?:@FAR)?)(?P<limit>[@=][0-9.]+(?:e[+-]?\d+)?)?(?:\((?P<inside>[^()]*)\))?")


def parsed(kind: str, text: str, columns: tuple[str, ...] = ()) -> Word:
    """A metric taken apart.

    Raises:
        InputError: no metric of that kind has this name; the message lists the nearest.
    """
    table = METRICS[kind]
    found = _WORD.fullmatch(text.strip())
    name = text.strip() if found is None else found["name"]
    column = -1
    if found is not None and (found["limit"] or "").startswith("@"):
        name = f"{name}@"
    for place, label in enumerate(columns):
        if name not in table and name.removesuffix(f" {label}") in table and name.endswith(f" {label}"):
            name, column = name.removesuffix(f" {label}"), place
    if found is None or name not in table:
        raise unknown_name(f"metric of {kind}", text, table)
    inside = [item.strip() for item in (found["inside"] or "").split(",") if item.strip()]
    given = dict(item.split("=", 1) for item in inside if "=" in item)
    limit = float(found["limit"][1:]) if found["limit"] else float("nan")
    if np.isnan(limit) == name.endswith(("@", "@FAR")):
        raise InputError(f"metric {text!r}", "a limit where the name has @, and only there, such as TAR@FAR=1e-4")
    return Word(text, name, column, limit, given, tuple(item for item in inside if "=" not in item))


def metric(kind: str, text: str, columns: tuple[str, ...] = ()) -> Metric:
    """The metric that a word stands for.

    Args:
        kind: what is judged: classes, units, numbers, pairs, landmarks, pixels, faces or boxes.
        text: the word.
        columns: names of the classes, units or numbers.

    Raises:
        InputError: an unknown name (the message lists the nearest), or brackets that do not say what decides the number.

    Example:
        >>> import numpy as np
        >>> metric("classes", "UAR").value(np.array([0.0, 1.0]), np.array([[0.9, 0.1], [0.8, 0.2]]), None)
        0.5
    """
    word = parsed(kind, text, columns)
    return replace(METRICS[kind][word.name](word), word=text)


# One of several classes: truth (n,) codes, or (n, classes) shares of votes; predicted (n, classes) probabilities ----------
def codes(truth: Floats) -> Floats:
    """(n,) class codes; of votes (n, classes) the class that leads, NaN where none does or nobody voted."""
    if truth.ndim == 1:
        return truth
    told = np.asarray(np.where(np.isnan(truth), -1.0, truth), np.float64)
    best = told.max(1, initial=-1.0)
    single = np.count_nonzero(told == best[:, None], 1) == 1
    return np.asarray(np.where(single & (best > 0), told.argmax(1), np.nan), np.float64)


def answered(probabilities: Floats) -> Floats:
    """(n,) the class of the largest probability; NaN, "could not tell", where one is NaN."""
    lost = np.isnan(probabilities)
    return np.asarray(np.where(lost.any(1), np.nan, np.where(lost, 0, probabilities).argmax(1)), np.float64)


def shares(truth: Floats, columns: int) -> Floats:
    """(classes,) how often each class occurs: what a constant predictor of classes answers."""
    if truth.ndim == 2:
        return np.asarray(np.nanmean(truth, 0), np.float64)
    told = truth[~np.isnan(truth)].astype(int)
    return np.bincount(told, minlength=columns) / max(len(told), 1)


def _right(truth: Floats, predicted: Floats, groups: Names) -> tuple[int, int]:
    a, b = codes(truth), answered(predicted)
    return int(np.count_nonzero(a == b)), int(np.count_nonzero(~np.isnan(a)))


def _of_classes(function: Callable[[Floats, Floats, int], float], share: bool = False) -> Callable[[Word], Metric]:
    def build(word: Word) -> Metric:
        word.only()

        def value(truth: Floats, predicted: Floats, groups: Names) -> float:
            return function(codes(truth), answered(predicted), predicted.shape[1])

        return Metric(word.text, value, _right if share else None, constant=shares)

    return build


def _ece(word: Word) -> Metric:
    word.only("bins")
    bins = int(word.number("bins"))

    def value(truth: Floats, predicted: Floats, groups: Names) -> float:
        told = ~np.isnan(codes(truth))
        return float("nan") if np.isnan(predicted[told]).any() else calibration.ece(codes(truth), predicted, bins)

    # drawing rows again makes bins emptier and the error larger, so its interval would not hold the figure
    return Metric(word.text, value, drawn=False, constant=shares)


def _abaw_2020(truth: Floats, predicted: Floats, classes: int) -> float:
    return 0.67 * classification.macro_f1(truth, predicted, classes) + 0.33 * classification.accuracy(truth, predicted, classes)


# Presence of several units: truth (n, units) of 0, 1 or NaN; predicted (n, units) scores ------------------------------------
def _column(values: Floats, column: int) -> Floats:
    return values if column < 0 else values[:, [column]]


def _always(truth: Floats, columns: int) -> Floats:
    return np.ones(columns)


def _usual(truth: Floats, columns: int) -> Floats:
    """1 for a unit that is present more often than not."""
    told = ~np.isnan(truth)
    return (np.where(told, truth, 0).sum(0) > 0.5 * told.sum(0)).astype(np.float64)


def _unit_accuracy(truth: Floats, scores: Floats, threshold: float) -> Floats:
    rows = [(a[~np.isnan(a)], b[~np.isnan(a)]) for a, b in zip(truth.T, scores.T)]
    return np.array([float(np.mean((b >= threshold) == (a == 1))) if len(a) else np.nan for a, b in rows], np.float64)


def _of_units(function: Callable[[Floats, Floats, float], Floats], constant: Constant) -> Callable[[Word], Metric]:
    def build(word: Word) -> Metric:
        word.only("threshold")
        at = word.number("threshold")

        def value(truth: Floats, predicted: Floats, groups: Names) -> float:
            return known_mean(function(_column(truth, word.column), _column(predicted, word.column), at))

        return Metric(word.text, value, constant=constant)

    return build


def _ranked(function: Callable[[Floats, Floats], float]) -> Callable[[Word], Metric]:
    def build(word: Word) -> Metric:
        word.only()

        def value(truth: Floats, predicted: Floats, groups: Names) -> float:
            pairs = zip(_column(truth, word.column).T, _column(predicted, word.column).T)
            return known_mean([function(a, b) for a, b in pairs])

        return Metric(word.text, value, constant=_always)

    return build


# Numbers: truth and predicted (n, k) ----------------------------------------------------------------------------------------
def _mean(truth: Floats, columns: int) -> Floats:
    return np.array([known_mean(column) for column in truth.T], np.float64)


def _median(truth: Floats, columns: int) -> Floats:
    told = [column[~np.isnan(column)] for column in truth.T]
    return np.array([np.median(column) if len(column) else np.nan for column in told], np.float64)


def _of_numbers(
    function: Callable[[Floats, Floats], float], units: tuple[str, ...] = (), centre: Constant = _mean, inside: str = ""
) -> Callable[[Word], Metric]:
    """``units`` are those that the word has to name one of; "degrees" turns radians into them."""

    def build(word: Word) -> Metric:
        word.only(plain=(*units, *inside.split(",")) if inside else units)
        if (units and len(word.plain) != 1) or ",".join(word.plain) != (inside or ",".join(word.plain)):
            raise word.wrong(f"{word.name}({inside or ' or '.join(units)})")
        factor = 180 / np.pi if "degrees" in word.plain else 1.0

        def value(truth: Floats, predicted: Floats, groups: Names) -> float:
            a, b = _column(truth, word.column) * factor, _column(predicted, word.column) * factor
            return known_mean(concordance.per_column(function, a, b))

        return Metric(word.text, value, constant=centre)

    return build


def _ccc(word: Word) -> Metric:
    word.only("ddof", plain=concordance.AGGREGATES)
    if len(word.plain) != 1:
        raise word.wrong("CCC(ddof=0, concatenated) or CCC(ddof=0, per group)")
    ddof, aggregate = int(word.number("ddof")), word.plain[0]

    def value(truth: Floats, predicted: Floats, groups: Names) -> float:
        names = groups if aggregate == "per group" else None
        pairs = zip(_column(truth, word.column).T, _column(predicted, word.column).T)
        return known_mean([concordance.ccc(a, b, ddof=ddof, aggregate=aggregate, groups=names) for a, b in pairs])

    return Metric(word.text, value, constant=_mean, grouped=aggregate == "per group")


# Pairs: truth (n,) of 1 for the same person, predicted (n,) similarity ------------------------------------------------------
def _nothing(truth: Floats, columns: int) -> Floats:
    return np.zeros(())


def _of_pairs(function: Callable[[Floats, Floats], float]) -> Callable[[Word], Metric]:
    def build(word: Word) -> Metric:
        word.only()
        return Metric(word.text, lambda truth, predicted, groups: function(truth, predicted), constant=_nothing)

    return build


def _tar(word: Word) -> Metric:
    word.only()

    def value(truth: Floats, predicted: Floats, groups: Names) -> float:
        return verification.tar_at_far(truth, predicted, word.limit)

    def hits(truth: Floats, predicted: Floats, groups: Names) -> tuple[int, int]:
        positives = int(np.count_nonzero(truth == 1))
        return round(np.nan_to_num(value(truth, predicted, None)) * positives), positives

    return Metric(word.text, value, hits, constant=_nothing)


def _fold_accuracy(word: Word) -> Metric:
    word.only(plain=("threshold of the other folds",))
    if not word.plain:
        raise word.wrong("accuracy(threshold of the other folds)")

    def value(truth: Floats, predicted: Floats, groups: Names) -> float:
        assert groups is not None  # it says that it is grouped
        return float(verification.fold_accuracy(truth, predicted, groups)[0].mean())

    def hits(truth: Floats, predicted: Floats, groups: Names) -> tuple[int, int]:
        names = np.asarray(groups)
        right = verification.fold_accuracy(truth, predicted, names)[0] @ np.unique(names, return_counts=True)[1]
        return round(float(right)), len(truth)

    return Metric(word.text, value, hits, constant=_nothing, grouped=True)


# Landmarks: truth and predicted (n, k, 2) -----------------------------------------------------------------------------------
_PLAIN = tuple(name for name in landmarks.NORMALISERS if not name.startswith("box"))
_BALANCED = "mean over groups"


def _of_errors(function: Callable[[Floats, float], float], share: bool = False) -> Callable[[Word], Metric]:
    def build(word: Word) -> Metric:
        word.only(plain=(*_PLAIN, _BALANCED))
        names = [name for name in word.plain if name != _BALANCED]
        if len(names) != 1:
            raise word.wrong(f"{word.name}({' or '.join(_PLAIN)})")
        balanced = _BALANCED in word.plain

        def value(truth: Floats, predicted: Floats, groups: Names) -> float:
            errors = landmarks.nme(truth, predicted, names[0])
            if not balanced:
                return function(errors, word.limit)
            assert groups is not None  # it says that it is grouped
            return known_mean([function(errors[groups == name], word.limit) for name in np.unique(groups[groups != ""])])

        def hits(truth: Floats, predicted: Floats, groups: Names) -> tuple[int, int]:
            errors = landmarks.nme(truth, predicted, names[0])
            return int(np.count_nonzero(errors > word.limit)), int(np.count_nonzero(~np.isnan(errors)))

        return Metric(word.text, value, hits if share and not balanced else None, grouped=balanced)

    return build


# Boxes are judged as a whole, in mien.protocols.judging; only the words are checked here -------------------------------------
def _boxes(word: Word) -> Metric:
    if len(word.plain) + len(word.given) != 1 or (word.given and not 0 < word.number("IoU") <= 1):
        raise word.wrong("AP(all), AP with the name of a subset, or of faces mAP(IoU=0.5)")
    return Metric(word.text, lambda truth, predicted, groups: float("nan"))


def _explained(word: Word) -> Metric:  # truth (n,) of 0, predicted (n,) share of variance; the mean leaves all of it
    word.only(plain=("hidden",))
    return Metric(word.text, lambda truth, predicted, groups: 1 - known_mean(predicted), constant=_always)


METRICS: dict[str, dict[str, Callable[[Word], Metric]]] = {
    "classes": {
        "accuracy": _of_classes(classification.accuracy, share=True),
        "WAR": _of_classes(classification.war, share=True),
        "UAR": _of_classes(classification.uar),
        "macro-F1": _of_classes(classification.macro_f1),
        "UF1": _of_classes(classification.macro_f1),
        "weighted-F1": _of_classes(classification.weighted_f1),
        "kappa": _of_classes(cohen_kappa),
        "0.67 macro-F1 + 0.33 accuracy": _of_classes(_abaw_2020),
        "ECE": _ece,
    },
    "units": {
        "F1": _of_units(multilabel.unit_f1, _always),
        "mean accuracy": _of_units(_unit_accuracy, _usual),
        "mAP": _ranked(ranking.average_precision),
        "AUC": _ranked(ranking.roc_auc),
    },
    "numbers": {
        "CCC": _ccc,
        "PCC": _of_numbers(concordance.pcc),
        "RMSE": _of_numbers(concordance.rmse),
        "MAE": _of_numbers(concordance.mae, ("degrees", "years", "as labelled"), _median),
        "SAGR": _of_numbers(concordance.sagr),
        "ICC": _of_numbers(concordance.icc31, inside="3,1"),
    },
    "pairs": {
        "accuracy": _fold_accuracy,
        "TAR@FAR": _tar,
        "EER": _of_pairs(verification.eer),
        "AUC": _of_pairs(ranking.roc_auc),
    },
    "landmarks": {
        "NME": _of_errors(lambda errors, limit: known_mean(errors)),
        "FR@": _of_errors(landmarks.failure_rate, share=True),
        "AUC@": _of_errors(landmarks.curve_auc),
    },
    "pixels": {"R2": _explained},
    "faces": dict.fromkeys(("mAP", "AP", "face AP"), _boxes),
    "boxes": {"AP": _boxes},
}
