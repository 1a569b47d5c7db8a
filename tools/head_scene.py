"""What a rendered picture shows besides the shape: light, camera, colours; and random draws of all of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from head_paint import Colour, Look, skin_albedo
from ict_head import GAZE_RANGE

FloatArray = NDArray[np.float32]
Image = NDArray[np.uint8]


@dataclass(frozen=True)
class Light:
    """Ambient light and lamps.

    Args:
        ambient: linear RGB.
        lamps: for each lamp the direction towards it (camera's frame) and its linear RGB.
        gloss: specular strength of the skin, 0 to about 0.3.
        shadow: whether the first lamp casts shadows.
        exposure: factor on everything.
    """

    ambient: Colour = (0.45, 0.45, 0.47)
    lamps: tuple[tuple[Colour, Colour], ...] = (((0.3, 0.5, 0.8), (0.75, 0.72, 0.68)),)
    gloss: float = 0.12
    shadow: bool = True
    exposure: float = 1.0


@dataclass(frozen=True)
class Scene:
    """Everything about a picture but the head's shape.

    Args:
        pose: pitch, yaw, roll in radians.
        distance: of the camera from the head, cm.
        focal: focal length in sides of the picture.
        centre: where the middle of the head lies, x y as shares of the side.
        light: the light.
        look: colours of the person.
        background: (h, w, 3) uint8 RGB, stretched to the picture; None paints one from ``seed``.
        wrinkles: depth of expression wrinkles by name, see :func:`wrinkles`.
        seed: of the background.
    """

    pose: tuple[float, float, float] = (0.0, 0.0, 0.0)
    distance: float = 70.0
    focal: float = 2.2
    centre: tuple[float, float] = (0.5, 0.5)
    light: Light = field(default_factory=Light)
    look: Look = field(default_factory=Look)
    background: Image | None = field(default=None, compare=False)
    wrinkles: Mapping[str, float] = field(default_factory=dict)
    seed: int = 0


# drawn together, as faces do; a value is the mean coefficient
PROTOTYPES: dict[str, dict[str, float]] = {
    "smile": {"mouthSmile": 0.8, "cheekSquint": 0.4, "eyeSquint": 0.3, "mouthDimple": 0.2},
    "laugh": {"mouthSmile": 0.9, "jawOpen": 0.35, "cheekSquint": 0.6, "eyeSquint": 0.5, "mouthUpperUp": 0.4},
    "surprise": {"browInnerUp": 0.8, "browOuterUp": 0.7, "eyeWide": 0.7, "jawOpen": 0.5},
    "anger": {"browDown": 0.9, "eyeSquint": 0.4, "mouthPress": 0.5, "noseSneer": 0.3, "mouthShrugLower": 0.2},
    "sadness": {"browInnerUp": 0.6, "mouthFrown": 0.7, "mouthShrugLower": 0.4, "eyeSquint": 0.2},
    "disgust": {"noseSneer": 0.8, "mouthUpperUp": 0.6, "browDown": 0.5, "eyeSquint": 0.4, "mouthFrown": 0.3},
    "fear": {"browInnerUp": 0.8, "browOuterUp": 0.3, "eyeWide": 0.7, "mouthStretch": 0.6, "jawOpen": 0.25},
    "talk": {"jawOpen": 0.25, "mouthFunnel": 0.3, "mouthLowerDown": 0.3, "mouthUpperUp": 0.1},
    "kiss": {"mouthPucker": 0.9, "jawOpen": 0.05},
    "puff": {"cheekPuff": 0.9, "mouthPress": 0.2, "mouthPucker": 0.2},
}
RIVALS = (("jawLeft", "jawRight"), ("mouthLeft", "mouthRight"), ("mouthSmile", "mouthFrown"), ("eyeWide", "eyeBlink"))
_BOTH = (
    *("jawOpen", "jawForward", "jawLeft", "jawRight", "mouthFunnel", "mouthPucker", "mouthLeft", "mouthRight"),
    *("mouthRollLower", "mouthRollUpper", "mouthShrugLower", "mouthShrugUpper", "browInnerUp", "cheekPuff"),
)
_PAIRED = (
    *("browDown", "browOuterUp", "cheekSquint", "eyeBlink", "eyeSquint", "eyeWide", "mouthDimple", "mouthFrown"),
    *("mouthLowerDown", "mouthPress", "mouthSmile", "mouthStretch", "mouthUpperUp", "noseSneer"),
)


def random_identity(rng: np.random.Generator, modes: int = 50) -> FloatArray:
    """Identity coefficients of a random person. -> (modes,)"""
    return np.clip(rng.standard_normal(modes), -2.2, 2.2).astype(np.float32)


def random_expression(
    rng: np.random.Generator, extra: int = 4, focus: tuple[str, ...] = (), gaze: float = 0.5
) -> dict[str, float]:
    """Coefficients by ARKit name: a known mixture or nothing, some single shapes, a line of sight common to both eyes.

    Args:
        rng: source of chance.
        extra: the most single shapes.
        focus: names (without side) that are drawn each time with probability 0.5; ``tongueOut`` is drawn only this way.
        gaze: spread of the line of sight in shares of its range.
    """
    amount: dict[str, float] = {}
    if rng.random() < 0.5:
        strength = rng.uniform(0.2, 1.2)
        for name, value in PROTOTYPES[str(rng.choice(list(PROTOTYPES)))].items():
            amount[name] = value * strength * rng.uniform(0.5, 1.3)
    chosen = [*rng.choice(_BOTH + _PAIRED, rng.integers(0, extra + 1), replace=False), *(n for n in focus if rng.random() < 0.5)]
    for name in chosen:
        amount[str(name)] = rng.uniform(0.05, 1.0)
    for a, b in RIVALS:
        if a in amount and b in amount:
            del amount[a if rng.random() < 0.5 else b]
    if "tongueOut" in amount:
        amount["jawOpen"] = max(amount.get("jawOpen", 0), 0.3 + 0.2 * amount["tongueOut"])
    if "jawOpen" in amount and "tongueOut" not in amount and rng.random() < 0.15:
        amount["mouthClose"] = amount["jawOpen"] * rng.uniform(0.3, 1.0)
    out: dict[str, float] = {}
    for name, value in amount.items():
        if name in _PAIRED:
            # mostly alike on both sides, sometimes on one side only
            tilt = rng.normal(0, 0.12) if rng.random() < 0.75 else rng.choice([-1, 1])
            out[name + "Left"], out[name + "Right"] = value * min(1 + tilt, 1), value * min(1 - tilt, 1)
        else:
            out[name] = value
    out |= gaze_expression(*(rng.normal(0, gaze, 2) * [0.4, 0.55]))
    return {name: float(np.clip(value, 0, 1)) for name, value in out.items() if value > 0.01}


def gaze_expression(pitch: float, yaw: float) -> dict[str, float]:
    """``eyeLook*`` of both eyes that look the same way, relative to the head.

    Args:
        pitch: radians, > 0 looks up.
        yaw: radians, > 0 looks to the person's left.
    """
    names = {"Up": pitch, "Down": -pitch, "Out": yaw, "In": -yaw}
    out = {}
    for direction, angle in names.items():
        value = float(np.clip(angle / GAZE_RANGE[direction], 0, 1))
        if value > 0:
            twin = {"Out": "In", "In": "Out"}.get(direction, direction)
            out[f"eyeLook{direction}Left"] = out[f"eyeLook{twin}Right"] = value
    return out


def wrinkles(expression: Mapping[str, float]) -> dict[str, float]:
    """Depth of the wrinkles, in [0, 1], that go with an expression; for ``Scene.wrinkles``."""

    def get(*names: str) -> float:
        values = [expression.get(n, expression.get(n + "Left", 0) / 2 + expression.get(n + "Right", 0) / 2) for n in names]
        return float(min(sum(values), 1))

    return {
        "forehead": max(get("browInnerUp"), get("browOuterUp")),
        "glabella": get("browDown"),
        "nose": get("noseSneer"),
        "crow": max(0.7 * get("eyeSquint"), get("cheekSquint"), 0.6 * get("mouthSmile")),
        "fold": max(0.8 * get("mouthSmile"), 0.7 * get("mouthUpperUp"), 0.8 * get("noseSneer")),
        "bag": max(0.6 * get("eyeSquint"), 0.5 * get("cheekSquint")),
        "chin": get("mouthShrugLower"),
    }


_IRIS = (
    (0.055, 0.03, 0.015),
    (0.11, 0.06, 0.025),
    (0.03, 0.018, 0.012),
    (0.16, 0.12, 0.06),
    (0.14, 0.19, 0.24),
    (0.17, 0.2, 0.2),
    (0.1, 0.15, 0.09),
)
_HAIR = (
    (0.008, 0.006, 0.005),
    (0.02, 0.012, 0.008),
    (0.06, 0.033, 0.018),
    (0.13, 0.08, 0.04),
    (0.32, 0.22, 0.11),
    (0.2, 0.07, 0.025),
    (0.35, 0.34, 0.33),
    (0.12, 0.11, 0.11),
)


def random_look(rng: np.random.Generator) -> Look:
    """Colours of a random person, from very light to very dark skin."""
    melanin = 2.7 * float(rng.beta(1.0, 1.3))
    blood = float(rng.normal(0, 0.7))
    skin = np.array(skin_albedo(melanin, blood)) * np.exp(rng.normal(0, 0.03, 3))
    tint = np.array([0.82, 0.55, 0.58]) * np.exp(rng.normal(0, 0.08, 3))
    paint = np.array([0.38, 0.04, 0.06]) * np.exp(rng.normal(0, 0.4, 3)) * np.sqrt(skin.mean() / 0.4)
    lips = skin * tint if rng.random() < 0.85 else paint
    dark = melanin > 1.2
    hair = np.array(_HAIR[rng.integers(0, 3 if dark and rng.random() < 0.9 else len(_HAIR))]) * np.exp(rng.normal(0, 0.25))
    iris = np.array(_IRIS[rng.integers(0, 3 if dark else len(_IRIS))]) * np.exp(rng.normal(0, 0.2))
    bald = rng.random() < 0.1
    marks = {
        "brow": rng.uniform(0.25, 1),
        "brow_width": rng.uniform(0.28, 0.6),
        "brow_lift": rng.normal(0, 0.12),
        "beard": rng.choice([0, 0, 0, 1]) * rng.uniform(0.1, 0.9),
        "redness": rng.uniform(0, 0.9),
        "mottle": rng.uniform(0.15, 0.8),
        "lashes": rng.uniform(0.1, 1),
        "wrinkles": rng.uniform(0, 1),
        "age": rng.choice([0, 1]) * rng.uniform(0, 1) ** 2,
        "shade": rng.uniform(0, 0.8),
        "pupil": rng.uniform(0.28, 0.6),
        "hair": rng.uniform(0.2, 2.0),
        "hairline": 9.0 if bald else rng.normal(0.2, 0.8),
        "long": rng.choice([0, 1]) * rng.uniform(8, 26),
        "neckline": rng.uniform(-15.5, -10.5),
    }
    cloth = rng.uniform(0.02, 0.7) ** 1.5 * np.exp(rng.normal(0, 0.35, 3))
    colours = [tuple(float(c) for c in np.clip(c, 0.003, 0.95)) for c in (skin, lips, hair, iris, cloth)]
    return Look(*colours, marks={k: float(v) for k, v in marks.items()}, seed=int(rng.integers(1 << 30)))


def random_light(rng: np.random.Generator, look: Look) -> Light:
    """One or two lamps and an exposure that shows the skin, as a camera would choose it."""
    ambient = rng.uniform(0.25, 0.8) * np.exp(rng.normal(0, 0.07, 3))
    lamps = []
    for _ in range(rng.integers(1, 3)):
        azimuth, height = rng.uniform(-1.4, 1.4), rng.uniform(-0.3, 1.2)
        direction = (np.sin(azimuth) * np.cos(height), np.sin(height), np.cos(azimuth) * np.cos(height))
        warmth = rng.normal(0, 0.12)
        colour = rng.uniform(0.15, 1.0) * np.exp([warmth, 0, -warmth])
        lamps.append((tuple(map(float, direction)), tuple(map(float, colour))))
    level = float(np.mean(ambient) * 0.75 + sum(0.5 * np.mean(c) for _, c in lamps))
    skin = float(np.mean(look.skin))
    exposure = rng.uniform(0.24, 0.48) * (skin / 0.35) ** 0.55 / (skin * level)
    gloss, shadow = float(rng.uniform(0.02, 0.28)), bool(rng.random() < 0.6)
    return Light(tuple(map(float, ambient)), tuple(lamps), gloss, shadow, float(exposure))


def random_scene(
    rng: np.random.Generator,
    spread: tuple[float, float, float] = (0.25, 0.45, 0.2),
    background: Image | None = None,
    face: tuple[float, float] = (0.35, 0.62),
) -> Scene:
    """A random person, light and camera.

    Args:
        rng: source of chance.
        spread: standard deviation of pitch, yaw and roll in radians; cut at 2.2 times that.
        background: picture to use; None paints one.
        face: range of the height of brows to chin as a share of the picture.
    """
    pose = np.clip(rng.standard_normal(3), -2.2, 2.2) * spread
    distance = float(np.exp(rng.uniform(np.log(40), np.log(150))))
    look = random_look(rng)
    return Scene(
        pose=tuple(float(p) for p in pose),
        distance=distance,
        focal=float(rng.uniform(*face) * (distance - 6) / 14.0),
        centre=(float(rng.normal(0.5, 0.04)), float(rng.normal(0.5, 0.04))),
        light=random_light(rng, look),
        look=look,
        background=background,
        seed=int(rng.integers(1 << 30)),
    )


def degrade(rng: np.random.Generator, image: Image) -> Image:
    """What cameras and files do to a picture: blur, lower resolution, colour, noise, JPEG; each by chance. (h, w, 3) uint8"""
    out = image.astype(np.float32)
    height, width = image.shape[:2]
    if rng.random() < 0.4:
        factor = rng.uniform(0.3, 0.9)
        small = cv2.resize(out, (max(int(width * factor), 8), max(int(height * factor), 8)), interpolation=cv2.INTER_AREA)
        out = cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC)
    if rng.random() < 0.4:
        out = cv2.GaussianBlur(out, (0, 0), float(rng.uniform(0.3, 1.4)))
    if rng.random() < 0.15:
        out = np.repeat(out.mean(2, keepdims=True), 3, 2)
    out = 255 * np.clip(out / 255, 0, 1) ** np.exp(rng.normal(0, 0.15)) * np.exp(rng.normal(0, 0.07, 3)) + rng.normal(0, 6)
    out += rng.normal(0, rng.uniform(0, 7), out.shape)
    out = np.clip(out, 0, 255).astype(np.uint8)
    if rng.random() < 0.7:
        coded = cv2.imencode(".jpg", out, [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(35, 96))])[1]
        out = cv2.imdecode(coded, cv2.IMREAD_COLOR)
    return out
