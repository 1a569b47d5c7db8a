"""Orders of classes that belong to a data set."""

from __future__ import annotations

from .. import labels as shared
from ..errors import InputError, unknown_name
from ..labels import AFFECTNET_8, FERPLUS_8, LabelSet

# Expression ---------------------------------------------------------------------------------------------------------
FERPLUS_10 = LabelSet("ferplus-10", (*FERPLUS_8.names, "unknown", "no face"))
RAF_7 = LabelSet("raf-7", ("surprise", "fear", "disgust", "happiness", "sadness", "anger", "neutral"))
AFFECTNET_7 = LabelSet("affectnet-7", AFFECTNET_8.names[:7])
EMOTIW_7 = LabelSet("emotiw-7", ("anger", "disgust", "fear", "happiness", "neutral", "sadness", "surprise"))
DFEW_7 = LabelSet("dfew-7", ("happiness", "sadness", "neutral", "anger", "surprise", "disgust", "fear"))
MAFW_11 = LabelSet(
    "mafw-11",
    (
        "anger", "disgust", "fear", "happiness", "neutral", "sadness", "surprise", "contempt", "anxiety", "helplessness",
        "disappointment",
    ),
)  # fmt: skip
AFFWILD2_8 = LabelSet(
    "affwild2-8", ("neutral", "anger", "disgust", "fear", "happiness", "sadness", "surprise", "other")
)  # fmt: skip
MICRO_3 = LabelSet("micro-3", ("negative", "positive", "surprise"))
CASME2_7 = LabelSet("casme2-7", ("happiness", "disgust", "repression", "surprise", "sadness", "fear", "others"))
SAMM_8 = LabelSet("samm-8", ("anger", "contempt", "disgust", "fear", "happiness", "sadness", "surprise", "other"))

# People -------------------------------------------------------------------------------------------------------------
GENDER_2 = LabelSet("gender-2", ("male", "female"))
RAF_AGE_5 = LabelSet("raf-age-5", ("0-3", "4-19", "20-39", "40-69", "70+"))
RAF_RACE_3 = LabelSet("raf-race-3", ("Caucasian", "African-American", "Asian"))
FAIRFACE_AGE_9 = LabelSet(
    "fairface-age-9", ("0-2", "3-9", "10-19", "20-29", "30-39", "40-49", "50-59", "60-69", "70+")
)  # fmt: skip
FAIRFACE_RACE_7 = LabelSet(
    "fairface-race-7",
    ("White", "Black", "Latino_Hispanic", "East Asian", "Southeast Asian", "Indian", "Middle Eastern"),
)
UTKFACE_RACE_5 = LabelSet("utkface-race-5", ("White", "Black", "Asian", "Indian", "Others"))
CELEBA_40 = LabelSet(
    "celeba-40",
    (
        "5_o_Clock_Shadow", "Arched_Eyebrows", "Attractive", "Bags_Under_Eyes", "Bald", "Bangs", "Big_Lips", "Big_Nose",
        "Black_Hair", "Blond_Hair", "Blurry", "Brown_Hair", "Bushy_Eyebrows", "Chubby", "Double_Chin", "Eyeglasses", "Goatee",
        "Gray_Hair", "Heavy_Makeup", "High_Cheekbones", "Male", "Mouth_Slightly_Open", "Mustache", "Narrow_Eyes", "No_Beard",
        "Oval_Face", "Pale_Skin", "Pointy_Nose", "Receding_Hairline", "Rosy_Cheeks", "Sideburns", "Smiling", "Straight_Hair",
        "Wavy_Hair", "Wearing_Earrings", "Wearing_Hat", "Wearing_Lipstick", "Wearing_Necklace", "Wearing_Necktie", "Young",
    ),
)  # fmt: skip

# Action units -------------------------------------------------------------------------------------------------------


def _units(name: str, *numbers: int) -> LabelSet:
    return LabelSet(name, tuple(f"AU{number:02d}" for number in numbers))


DISFA_12 = _units("disfa-12", 1, 2, 4, 5, 6, 9, 12, 15, 17, 20, 25, 26)
BP4D_12 = _units("bp4d-12", 1, 2, 4, 6, 7, 10, 12, 14, 15, 17, 23, 24)
BP4D_5 = _units("bp4d-5", 6, 10, 12, 14, 17)
AFFWILD2_12 = _units("affwild2-12", 1, 2, 4, 6, 7, 10, 12, 15, 23, 24, 25, 26)

# Conditions of a picture --------------------------------------------------------------------------------------------
WIDER_6 = LabelSet("wider-6", ("blur", "expression", "illumination", "invalid", "occlusion", "pose"))
WFLW_6 = LabelSet("wflw-6", ("pose", "expression", "illumination", "make-up", "occlusion", "blur"))

_SETS = {
    labels.name: labels
    for labels in (
        FERPLUS_10, RAF_7, AFFECTNET_7, EMOTIW_7, DFEW_7, MAFW_11, AFFWILD2_8, MICRO_3, CASME2_7, SAMM_8, GENDER_2, RAF_AGE_5,
        RAF_RACE_3, FAIRFACE_AGE_9, FAIRFACE_RACE_7, UTKFACE_RACE_5, CELEBA_40, DISFA_12, BP4D_12, BP4D_5, AFFWILD2_12, WIDER_6,
        WFLW_6,
    )
}  # fmt: skip

# the words of folders and lists -> the terms of mien
_WORDS = {
    "angry": "anger", "disgusted": "disgust", "fearful": "fear", "happy": "happiness", "sad": "sadness",
    "surprised": "surprise", "contemptuous": "contempt",
}  # fmt: skip


def label_set(name: str) -> LabelSet:
    """A label set of a data set, or one of :mod:`mien.labels`.

    Raises:
        InputError: no such set; the message lists the nearest.

    Example:
        >>> label_set("raf-7").index("neutral"), label_set("fer-7").index("neutral")
        (6, 6)
    """
    if name in _SETS:
        return _SETS[name]
    try:
        return shared.label_set(name)
    except InputError as error:
        raise unknown_name("label set", name, [*_SETS, *error.wanted.removeprefix("one of: ").split(", ")]) from None


def term(word: str) -> str:
    """What mien calls an expression that a data set writes in its own words; other words come back in lower case.

    Example:
        >>> term("Angry"), term("Happiness"), term("Neutral")
        ('anger', 'happiness', 'neutral')
    """
    plain = word.strip().lower()
    return _WORDS.get(plain, plain)
