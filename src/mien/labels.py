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

_SETS = {s.name: s for s in (FERPLUS_8, FER_7, FER_6, AFFECTNET_8, ARKIT_52, UNITS)}


def label_set(name: str) -> LabelSet:
    """The label set of that name.

    Raises:
        InputError: no such set; the message lists those that exist.
    """
    try:
        return _SETS[name]
    except KeyError:
        raise unknown_name("label set", name, _SETS) from None
