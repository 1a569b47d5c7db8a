"""Words that data sets write, and the label sets that belong to them."""

from __future__ import annotations

from ..labels import (
    AFFECTNET_7,
    AFFWILD2_8,
    AFFWILD2_12,
    BP4D_5,
    BP4D_12,
    CASME2_7,
    CELEBA_40,
    DFEW_7,
    DISFA_12,
    EMOTIW_7,
    FAIRFACE_AGE_9,
    FAIRFACE_RACE_7,
    FERPLUS_10,
    GENDER_2,
    MAFW_11,
    MICRO_3,
    RAF_7,
    RAF_AGE_5,
    RAF_RACE_3,
    SAMM_8,
    UTKFACE_RACE_5,
    WFLW_6,
    WIDER_6,
    label_set,
)

__all__ = [
    "AFFECTNET_7",
    "AFFWILD2_8",
    "AFFWILD2_12",
    "BP4D_5",
    "BP4D_12",
    "CASME2_7",
    "CELEBA_40",
    "DFEW_7",
    "DISFA_12",
    "EMOTIW_7",
    "FAIRFACE_AGE_9",
    "FAIRFACE_RACE_7",
    "FERPLUS_10",
    "GENDER_2",
    "MAFW_11",
    "MICRO_3",
    "RAF_7",
    "RAF_AGE_5",
    "RAF_RACE_3",
    "SAMM_8",
    "UTKFACE_RACE_5",
    "WFLW_6",
    "WIDER_6",
    "label_set",
    "term",
]  # fmt: skip

# the words of folders and lists -> the terms of mien
_WORDS = {
    "angry": "anger", "disgusted": "disgust", "fearful": "fear", "happy": "happiness", "sad": "sadness",
    "surprised": "surprise", "contemptuous": "contempt",
}  # fmt: skip


def term(word: str) -> str:
    """What mien calls an expression that a data set writes in its own words; other words come back in lower case.

    Example:
        >>> term("Angry"), term("Happiness"), term("Neutral")
        ('anger', 'happiness', 'neutral')
    """
    plain = word.strip().lower()
    return _WORDS.get(plain, plain)
