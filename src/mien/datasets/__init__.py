"""Data sets: readers of their real layouts on disk, with a card for each.

A data set is a module ``<name>.py`` with ``read(root, split)``, which gives samples, and ``fake(root, seed)``, which writes a
tiny data set of the same layout from drawn pictures and made-up labels; its card ``<name>.toml`` lies beside it. Listing reads
cards only.
"""

from __future__ import annotations

from difflib import get_close_matches
from functools import cache

from ..cards import identifier
from ..errors import InputError, unknown_name
from .cards import ACCESS, HOLDS, LABELLED, SourceCard, load_cards, read_card

__all__ = ["ACCESS", "HOLDS", "LABELLED", "SourceCard", "load_cards", "read_card", "source", "sources"]


@cache
def sources() -> tuple[SourceCard, ...]:
    """All data sets that can be read, sorted by name. Only cards are read, once.

    Example:
        >>> [card.short for card in sources() if card.name.startswith("affectnet")]
        ['AffectNet', 'AffectNet (npy)']
    """
    return load_cards()


def source(name: str) -> SourceCard:
    """The card of one data set.

    Args:
        name: its name, what the field calls it, or a spelling close to one data set only.

    Raises:
        InputError: there is none; the message lists the three nearest.

    Example:
        >>> source("RAF-DB").name, source("raf_db").labels["expression"]
        ('raf_db', 'raf-7')
    """
    known = {card.name: card for card in sources()}
    if name in known:
        return known[name]
    spelled = {_squeezed(word): card for card in sources() for word in (card.name, card.short)}
    asked = _squeezed(name)
    if asked in spelled:
        return spelled[asked]
    # a slip of the pen is forgiven only where it can mean one data set
    near = {spelled[word].name for word in get_close_matches(asked, spelled, n=3, cutoff=0.85)}
    if len(near) == 1:
        return known[near.pop()]
    raise unknown_name("data set", name, known)


def _squeezed(text: str) -> str:
    try:
        return identifier(f"x{text}").replace("_", "")
    except InputError:
        return ""
