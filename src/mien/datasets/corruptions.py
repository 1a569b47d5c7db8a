"""Training data made worse on purpose and in the same way each time: wrong labels, and classes that are rare.

For experiments on what a method does about them. Only training samples are meant to come here, never those that are judged.
Chance goes by the ids of the samples, not by their order, and a smaller share changes some of those that a larger one changes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from ..errors import InputError, unknown_name
from .sample import Category, Sample, Truth, Values

FIELDS = ("expression", "votes")


def label_of(sample: Sample, names: Sequence[str], field: str = "expression") -> str | None:
    """The class of a sample among ``names``; None where it has none, or another.

    Args:
        sample: a sample.
        names: classes that count.
        field: "expression", or "votes" for the first of those with the most votes.

    Raises:
        InputError: another field.
    """
    if field not in FIELDS:
        raise unknown_name("field", field, FIELDS)
    truth = sample.truth
    found: str | None = None
    if field == "expression" and truth.expression is not None:
        found = truth.expression.name
    elif field == "votes" and truth.votes is not None and not np.isnan(truth.votes.values).all():
        found = truth.votes.labels.names[int(np.nanargmax(truth.votes.values))]
    return found if found in names else None


def label_noise(
    samples: Sequence[Sample],
    share: float,
    rng: np.random.Generator,
    names: Sequence[str],
    field: str = "expression",
    symmetric: bool = True,
) -> list[Sample]:
    """Samples of which a share has a wrong label.

    Votes are not made up: those of the leading class and those of the wrong one change places, so that the wrong one leads as
    clearly as the right one did. A sample whose votes are the same for all classes stays as it is.

    Args:
        samples: what is trained on.
        share: of the labelled samples, in [0, 1]; round(share x number) of them change.
        rng: where chance comes from; the same state gives the same noise.
        names: classes of the task. Samples of another class or without one stay as they are and do not count.
        field: what is changed, "expression" or "votes".
        symmetric: whether each of the other classes is as likely, or each class turns into the next one of ``names``.

    Returns:
        As many samples, in the same order; pictures and other labels are the same.

    Raises:
        InputError: a share out of range, another field, or fewer than two classes.

    Example:
        >>> from mien.labels import FER_7
        >>> clean = [Sample(str(k), truth=Truth(Category(0, FER_7))) for k in range(10)]
        >>> found = label_noise(clean, 0.3, np.random.default_rng(0), FER_7.names)
        >>> sum(label_of(sample, FER_7.names) != "anger" for sample in found)
        3
    """
    if not 0 <= share <= 1 or len(set(names)) < 2 or len(set(names)) < len(names):
        raise InputError(f"share {share} and classes {list(names)}", "a share from 0 to 1, and two or more different classes")
    places = _ordered(samples, names, field)
    order, fate = rng.permutation(len(places)), rng.random(len(places))
    out = list(samples)
    for k in order[: round(share * len(places))]:
        sample = samples[places[k]]
        others = _others(sample, names, field)
        if others:
            wrong = others[int(fate[k] * len(others))] if symmetric else others[0]
            out[places[k]] = replace(sample, truth=_relabelled(sample.truth, wrong, field))
    return out


def long_tail(
    samples: Sequence[Sample], ratio: float, rng: np.random.Generator, names: Sequence[str], field: str = "expression"
) -> list[Sample]:
    """Samples of which the rare classes are rarer: of the class of rank k at most n_max ratio^(k / (classes - 1)) stay.

    Source: the exponential profile of Cui et al., "Class-balanced loss", arXiv:1901.05555, section 5; ranks by number, so that
    the common classes stay common.

    Args:
        samples: what is trained on.
        ratio: the rarest class against the most common one, above 0 and at most 1. A class that is rarer already stays whole.
        rng: where chance comes from.
        names: classes of the task; other samples stay.
        field: what says the class.

    Returns:
        The samples that stay, in their order; at least one of each class that there was.

    Raises:
        InputError: a ratio out of range, or another field.
    """
    if not 0 < ratio <= 1:
        raise InputError(f"ratio is {ratio}", "above 0, at most 1")
    count = Counter(label_of(sample, names, field) for sample in samples)
    ranked = sorted(names, key=lambda name: -count[name])
    most, last = count[ranked[0]], max(1, len(ranked) - 1)
    wanted = {name: max(1, round(most * ratio ** (k / last))) for k, name in enumerate(ranked)}
    return _kept(samples, wanted, rng, names, field)


def thinned(
    samples: Sequence[Sample],
    shares: Mapping[str, float],
    rng: np.random.Generator,
    names: Sequence[str],
    field: str = "expression",
) -> list[Sample]:
    """Samples of which some classes are thinned out.

    Args:
        samples: what is trained on.
        shares: what stays of a class, in [0, 1]; classes that are not named stay whole.
        rng: where chance comes from.
        names: classes of the task; other samples stay.
        field: what says the class.

    Returns:
        The samples that stay, in their order: round(share x number) of each class.

    Raises:
        InputError: a share out of range, an unknown class, or another field.

    Example:
        >>> from mien.labels import FER_7
        >>> clean = [Sample(str(k), truth=Truth(Category(k % 2, FER_7))) for k in range(20)]
        >>> found = thinned(clean, {"anger": 0.2}, np.random.default_rng(0), FER_7.names)
        >>> Counter(label_of(sample, FER_7.names) for sample in found)["anger"], len(found)
        (2, 12)
    """
    for name, share in shares.items():
        if name not in names:
            raise unknown_name("class", name, names)
        if not 0 <= share <= 1:
            raise InputError(f"the share of {name} is {share}", "0 to 1")
    count = Counter(label_of(sample, names, field) for sample in samples)
    return _kept(samples, {name: round(share * count[name]) for name, share in shares.items()}, rng, names, field)


def _kept(
    samples: Sequence[Sample], wanted: Mapping[str, int], rng: np.random.Generator, names: Sequence[str], field: str
) -> list[Sample]:
    """At most so many of each class that is named, drawn by chance."""
    places = _ordered(samples, names, field)
    taken: Counter[str] = Counter()
    dropped = set()
    for k in rng.permutation(len(places)):
        name = str(label_of(samples[places[k]], names, field))
        taken[name] += 1
        if name in wanted and taken[name] > wanted[name]:
            dropped.add(places[k])
    return [sample for place, sample in enumerate(samples) if place not in dropped]


def _ordered(samples: Sequence[Sample], names: Sequence[str], field: str) -> list[int]:
    """Places of the samples with a class, in the order of their ids."""
    found = [place for place, sample in enumerate(samples) if label_of(sample, names, field) is not None]
    return sorted(found, key=lambda place: samples[place].id)


def _others(sample: Sample, names: Sequence[str], field: str) -> list[str]:
    """The wrong classes of a sample, from the one that follows its own; of votes only those with fewer than the leading one."""
    own = label_of(sample, names, field)
    first = list(names).index(str(own)) + 1
    others = [*names[first:], *names[: first - 1]]
    votes = sample.truth.votes
    if field == "expression" or votes is None:
        return others
    return [name for name in others if votes[name] < np.nanmax(votes.values)]


def _relabelled(truth: Truth, wrong: str, field: str) -> Truth:
    if field == "expression" and truth.expression is not None:
        labels = truth.expression.labels
        return replace(truth, expression=Category(labels.index(wrong), labels))
    votes = truth.votes
    if votes is None:
        raise InputError("a sample without votes", "votes")
    values = votes.values.copy()
    lead, place = int(np.nanargmax(values)), votes.labels.index(wrong)
    values[[lead, place]] = values[[place, lead]]
    return replace(truth, votes=Values(values, votes.labels))
