"""Transcripts: word and character error rate from the edit distance."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..errors import InputError
from .inputs import share


def edit_distance(reference: Sequence[str], hypothesis: Sequence[str]) -> int:
    """Least number of substitutions, deletions and insertions that turn one sequence of tokens into the other.

    Source: Wagner and Fischer (1974), "The string-to-string correction problem", all costs 1.

    Args:
        reference: n tokens (a string is a sequence of characters).
        hypothesis: m tokens.

    Returns:
        From abs(n - m) to max(n, m).

    Example:
        >>> edit_distance("kitten", "sitting"), edit_distance(["a", "b"], [])
        (3, 2)
    """
    codes = {token: i for i, token in enumerate(dict.fromkeys([*reference, *hypothesis]))}
    other = np.array([codes[token] for token in hypothesis], np.int64)
    steps = np.arange(len(other) + 1)
    row = steps.copy()
    for i, token in enumerate(reference, 1):
        # without insertions first; then a running minimum lets each place be reached from the left at one per step
        best = np.append(i, np.minimum(row[1:] + 1, row[:-1] + (other != codes[token])))
        row = np.minimum.accumulate(best - steps) + steps
    return int(row[-1])


def _rate(references: Sequence[str], hypotheses: Sequence[str], words: bool) -> float:
    if isinstance(references, str) or isinstance(hypotheses, str):
        raise InputError("one string", "a list of utterances for each", "put it in a list: [text]")
    if len(references) != len(hypotheses):
        raise InputError(f"{len(references)} references, {len(hypotheses)} hypotheses", "one for each utterance")
    wrong = [text for text in (*references, *hypotheses) if not isinstance(text, str)]
    if wrong:
        raise InputError(f"an utterance is {type(wrong[0]).__name__}", "text", "an utterance that was not heard is ''")
    pairs = [(a.split(), b.split()) if words else (a, b) for a, b in zip(references, hypotheses)]
    return share(sum(edit_distance(a, b) for a, b in pairs), sum(len(a) for a, _ in pairs))


def wer(references: Sequence[str], hypotheses: Sequence[str]) -> float:
    """Word error rate of all utterances together, from 0 up (above 1 with many insertions): (S + D + I) / N.

    Errors and words are added up over the utterances first; it is not the mean of their rates. Words are what white space
    separates: case, punctuation and numerals count, so normalise both sides alike beforehand and say how.

    Source: Jurafsky and Martin, "Speech and Language Processing", chapter on speech recognition; NIST sclite.

    Args:
        references: what was said.
        hypotheses: what was heard; an empty one counts all its words as deleted.

    Returns:
        WER; 1 when nothing was ever heard; NaN when the references hold no word.

    Raises:
        InputError: unequal numbers of utterances, a bare string, or something that is no text.

    Example:
        >>> wer(["the cat sat", "hello"], ["the cat sat down", "hallo"])
        0.5
    """
    return _rate(references, hypotheses, True)


def cer(references: Sequence[str], hypotheses: Sequence[str]) -> float:
    """Character error rate of all utterances together, from 0 up: as :func:`wer` with characters, white space among them.

    Args:
        references: what was said.
        hypotheses: what was heard.

    Returns:
        CER; NaN when the references hold no character.

    Raises:
        InputError: unequal numbers of utterances, a bare string, or something that is no text.

    Example:
        >>> cer(["abcd"], ["abed"])
        0.25
    """
    return _rate(references, hypotheses, False)
