"""Label sets: every score in mien carries one, so that an order of classes is never guessed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from .errors import unknown_name


@dataclass(frozen=True)
class LabelSet:
    """An ordered, named set of class names.

    Example:
        >>> label_set("fer-7").index("happiness")
        3
    """

    name: str
    names: tuple[str, ...]
    _index: dict[str, int] = field(default_factory=dict, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if len(set(self.names)) != len(self.names):
            raise ValueError(f"label set {self.name!r} holds a name twice")
        self._index.update({name: i for i, name in enumerate(self.names)})

    def __len__(self) -> int:
        return len(self.names)

    def __iter__(self) -> Iterator[str]:
        return iter(self.names)

    def __contains__(self, name: object) -> bool:
        return name in self._index

    def index(self, name: str) -> int:
        """Position of ``name``; an unknown name lists the nearest ones."""
        try:
            return self._index[name]
        except KeyError:
            raise unknown_name(f"label of {self.name}", name, self.names) from None

    def positions(self, names: Sequence[str]) -> list[int]:
        """Positions of several names, in the order asked for."""
        return [self.index(name) for name in names]


# Expression ---------------------------------------------------------------------------------------------------------
FERPLUS_8 = LabelSet(
    "ferplus-8",
    ("neutral", "happiness", "surprise", "sadness", "anger", "disgust", "fear", "contempt"),
)
FER_7 = LabelSet("fer-7", ("anger", "disgust", "fear", "happiness", "sadness", "surprise", "neutral"))
FER_6 = LabelSet("fer-6", ("happiness", "surprise", "sadness", "anger", "disgust", "fear"))
AFFECTNET_8 = LabelSet(
    "affectnet-8",
    ("neutral", "happiness", "sadness", "surprise", "fear", "disgust", "anger", "contempt"),
)

# Where the categories lie on the circumplex of affect, as (valence, arousal) in [-1, 1]: pleasure and arousal of the terms
# happy, surprised, sad, angry, disgusted and fearful in Russell and Mehrabian (1977), "Evidence for a three-factor theory
# of emotions", Journal of Research in Personality 11, 273-294. Neutral is the origin. Contempt has no entry that we could
# confirm, so it has none here: what is derived from these coordinates leaves contempt out and says so.
CIRCUMPLEX: dict[str, tuple[float, float]] = {
    "neutral": (0.00, 0.00),
    "happiness": (0.81, 0.51),
    "surprise": (0.40, 0.67),
    "sadness": (-0.63, -0.27),
    "anger": (-0.51, 0.59),
    "disgust": (-0.60, 0.35),
    "fear": (-0.64, 0.60),
}

# Blendshapes --------------------------------------------------------------------------------------------------------
ARKIT_52 = LabelSet(
    "arkit-52",
    (
        "browDownLeft", "browDownRight", "browInnerUp", "browOuterUpLeft", "browOuterUpRight", "cheekPuff",
        "cheekSquintLeft", "cheekSquintRight", "eyeBlinkLeft", "eyeBlinkRight", "eyeLookDownLeft", "eyeLookDownRight",
        "eyeLookInLeft", "eyeLookInRight", "eyeLookOutLeft", "eyeLookOutRight", "eyeLookUpLeft", "eyeLookUpRight",
        "eyeSquintLeft", "eyeSquintRight", "eyeWideLeft", "eyeWideRight", "jawForward", "jawLeft", "jawOpen", "jawRight",
        "mouthClose", "mouthDimpleLeft", "mouthDimpleRight", "mouthFrownLeft", "mouthFrownRight", "mouthFunnel",
        "mouthLeft", "mouthLowerDownLeft", "mouthLowerDownRight", "mouthPressLeft", "mouthPressRight", "mouthPucker",
        "mouthRight", "mouthRollLower", "mouthRollUpper", "mouthShrugLower", "mouthShrugUpper", "mouthSmileLeft",
        "mouthSmileRight", "mouthStretchLeft", "mouthStretchRight", "mouthUpperUpLeft", "mouthUpperUpRight",
        "noseSneerLeft", "noseSneerRight", "tongueOut",
    ),
)  # fmt: skip

# Action units -------------------------------------------------------------------------------------------------------
# number -> (name in the FACS manual, has the two sides apart)
ACTION_UNITS: dict[str, tuple[str, bool]] = {
    "AU01": ("inner brow raiser", True),
    "AU02": ("outer brow raiser", True),
    "AU04": ("brow lowerer", True),
    "AU05": ("upper lid raiser", True),
    "AU06": ("cheek raiser", True),
    "AU07": ("lid tightener", True),
    "AU09": ("nose wrinkler", True),
    "AU10": ("upper lip raiser", True),
    "AU12": ("lip corner puller", True),
    "AU14": ("dimpler", True),
    "AU15": ("lip corner depressor", True),
    "AU17": ("chin raiser", False),
    "AU18": ("lip pucker", False),
    "AU20": ("lip stretcher", True),
    "AU22": ("lip funneler", False),
    "AU23": ("lip tightener", False),
    "AU24": ("lip pressor", True),
    "AU25": ("lips part", False),
    "AU26": ("jaw drop", False),
    "AU27": ("mouth stretch", False),
    "AU28": ("lip suck", False),
    "AU43": ("eyes closed", True),
    "AU45": ("blink", True),
}
UNITS = LabelSet(
    "facs-23",
    tuple(label for unit, (_, sides) in ACTION_UNITS.items() for label in ((unit, unit + "L", unit + "R") if sides else (unit,))),
)

# Orders of classes that belong to a data set ------------------------------------------------------------------------
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

_SETS = {value.name: value for value in list(vars().values()) if isinstance(value, LabelSet)}


def label_set(name: str) -> LabelSet:
    """The label set of that name.

    Raises:
        InputError: no such set; the message lists those that exist.
    """
    try:
        return _SETS[name]
    except KeyError:
        raise unknown_name("label set", name, _SETS) from None
