"""Ways to explain what a network that looks at crops of faces says: a map, a sentence and numbers for one face."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from ..geometry import align
from ..labels import LabelSet
from ..types import Face, Faces, Frame
from .counterfactual import counterfactual
from .evidence import evidence, evidence_map, listed
from .face_parts import PARTS, face_parts
from .faithfulness import faithfulness
from .hiding import heat as positive
from .lime import Images, Predict
from .occlusion import occlusion
from .superpixels import Segments
from .ways import Method

FloatArray = NDArray[np.float32]
LARGEST = 4  # parts of the face that are hidden together at most
TELLING = 0.02  # fall of the score below which no place alone is said to matter


@dataclass(frozen=True)
class Network:
    """A network that names the expression of crops of faces.

    Args:
        name: shown to people.
        labels: its classes.
        size: side of its crops, pixels.
        place: from the faces of a frame to the transforms of their crops, (n, 2, 3).
        predict: from crops (n, size, size, 3) uint8 RGB to (n, classes) probabilities.
        gradient: from one crop and the position of a class to a map (size, size) in [0, 1], or None.
    """

    name: str
    labels: LabelSet
    size: int
    place: Callable[[Faces], FloatArray]
    predict: Predict
    gradient: Callable[[Images, int], FloatArray] | None = None


@dataclass(frozen=True, eq=False)
class Explanation:
    """What was found for one face.

    Args:
        label: the expression that is explained.
        score: of the network, in [0, 1].
        heat: (size, size) in [0, 1] over the crop, higher where it matters; 0 everywhere where nothing does.
        sentence: for people.
        facts: for JSON.
    """

    label: str
    score: float
    heat: FloatArray
    sentence: str
    facts: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class View:
    """One face as a network sees it.

    Args:
        network: that looks.
        face: what the product read of the face.
        crop: (size, size, 3) uint8 RGB.
        transform: (2, 3) from the frame to the crop.
        mesh: (478, 3) pixels of the crop.
        scores: (classes,) of the network for the crop.
    """

    network: Network
    face: Face
    crop: Images
    transform: FloatArray
    mesh: FloatArray
    scores: FloatArray

    @property
    def label(self) -> int:
        """Position of the leading class."""
        return int(self.scores.argmax())

    @property
    def answer(self) -> str:
        """The leading class with its score."""
        return f"{self.network.labels.names[self.label]} {self.scores[self.label]:.2f}"

    def by_part(self, values: NDArray[np.floating[Any]]) -> dict[str, float]:
        """The mean of a map over each part of the face, the highest first."""
        segments = self.segments()
        found = {name: float(values[segments == k].mean()) for k, name in enumerate(PARTS) if (segments == k).any()}
        return dict(sorted(found.items(), key=lambda item: -item[1]))

    def segments(self) -> Segments:
        """The part of the face of each pixel."""
        return face_parts(self.mesh, *self.crop.shape[:2])


def view(network: Network, frame: Frame, index: int) -> View:
    """One face of a frame of the whole pipeline, as a network sees it.

    Raises:
        InputError: the frame has no picture, or its faces no mesh.
    """
    faces: Faces = frame.faces.take([index])
    if frame.image is None or faces.mesh is None:
        raise InputError(f"a face of {frame.source or 'a frame'} without picture or mesh", "a frame of the whole pipeline")
    transform = network.place(faces)
    crop = align.warp_all(frame.image, transform, network.size)[0]
    scores = np.asarray(network.predict(crop[None]), np.float32)[0]
    return View(network, faces[0], crop, transform[0], align.apply(transform, faces.mesh)[0], scores)


def check(network: Network, method: Method) -> None:
    """Whether a network can be explained in a way.

    Raises:
        InputError: gradients are out of its reach, or the way is not there.
    """
    if method is Method.rollout:
        wanted = "a transformer that gives its attention weights: no system that is built does"
        raise InputError(f"the method rollout for the {network.name}", wanted, "take occlusion, or gradcam with a system")
    if method is Method.gradcam and network.gradient is None:
        wanted = "a system with weights of torch: --system NAME --weights FILE.safetensors"
        raise InputError(f"the method gradcam for the {network.name}, which runs without gradients", wanted, "or take occlusion")


def explain(seen: View, method: Method, seed: int = 0) -> Explanation:
    """Explain the leading class of one face.

    Args:
        seen: the face, and the network whose answer is explained.
        method: how.
        seed: of the maps of chance beside which the map is judged.

    Raises:
        InputError: the network cannot be explained so.
    """
    check(seen.network, method)
    made, facts = _MADE[method](seen), {}
    facts["scores"] = {name: round(float(v), 4) for name, v in zip(seen.network.labels.names, seen.scores)}
    facts |= made.facts | {"faithfulness": None}
    sentence = made.sentence
    if made.heat.min() < made.heat.max():
        found = faithfulness(seen.crop, made.heat, seen.network.predict, seen.label, np.random.default_rng(seed))
        facts["faithfulness"] = found.facts()
        sentence += "" if found.better else " (the map is no better than chance)"
    name, score = seen.network.labels.names[seen.label], float(seen.scores[seen.label])
    return Explanation(name, score, made.heat, sentence, facts)


@dataclass(frozen=True, eq=False)
class _Made:
    heat: FloatArray
    sentence: str
    facts: dict[str, Any]


def _occlusion(seen: View) -> _Made:
    found = occlusion(seen.crop, seen.network.predict, seen.label)
    parts, whole = seen.by_part(found.falls), float(seen.scores[seen.label])
    if found.lowest > whole - TELLING:
        # rounded down, or "or more" would not hold
        least = math.floor(100 * found.lowest) / 100
        words = f"no single square is needed, with any of them hidden it stays {least:.2f} or more; most comes from the"
    else:
        words = f"the score falls most, down to {found.lowest:.2f}, when a square is hidden at the"
    words += f" {listed(_highest(parts))}"
    facts = {"lowest": round(found.lowest, 4), "log_odds": _rounded(parts)}
    return _Made(positive(found.falls), f"{words} -> {seen.answer}", facts)


def _au(seen: View) -> _Made:
    intensity = seen.face.intensity
    if intensity is None:
        raise InputError("a face without action units", "a face of the whole pipeline")
    found = evidence(intensity, seen.network.labels.names[seen.label], float(seen.scores[seen.label]))
    facts: dict[str, Any] = {name: list(getattr(found, name)) for name in ("missing", "unread", "relaxed")}
    facts |= {name: _rounded(getattr(found, name)) for name in ("seen", "others", "fits")}
    return _Made(evidence_map(intensity, seen.mesh, *seen.crop.shape[:2]), found.sentence(), facts)


def _counterfactual(seen: View) -> _Made:
    names = seen.network.labels.names
    found = counterfactual(seen.crop, seen.segments(), seen.network.predict, largest=LARGEST)
    if found is None:
        words = f"{seen.answer}; hiding up to {LARGEST} parts of the face changes no label"
        return _Made(np.zeros(seen.crop.shape[:2], np.float32), words, {"change": None})
    parts, new = [PARTS[k] for k in found.parts], names[found.label]
    words = f"without the details of the {listed(tuple(parts))} it would be {new} {found.score:.2f}"
    numbers = {name: round(float(getattr(found, name)), 4) for name in ("score", "before", "after", "area")}
    return _Made(found.mask.astype(np.float32), f"{seen.answer}; {words}", {"change": {"parts": parts, "label": new} | numbers})


def _gradcam(seen: View) -> _Made:
    assert seen.network.gradient is not None  # check() has seen to it
    heat = seen.network.gradient(seen.crop, seen.label)
    parts = seen.by_part(heat)
    words = (
        f"features at the {listed(_highest(parts))} speak most for it" if heat.any() else "no feature of the layer speaks for it"
    )
    return _Made(heat, f"{words} -> {seen.answer}", {"parts": _rounded(parts)})


_MADE: dict[Method, Callable[[View], _Made]] = {
    Method.occlusion: _occlusion,
    Method.au: _au,
    Method.counterfactual: _counterfactual,
    Method.gradcam: _gradcam,
}


def _highest(parts: Mapping[str, float]) -> tuple[str, ...]:
    """The highest part, and the second where it has at least half as much; the parts come highest first."""
    first, second = list(parts)[:2]
    return (first, second) if parts[second] >= parts[first] / 2 > 0 else (first,)


def _rounded(values: Mapping[str, float]) -> dict[str, float]:
    return {name: round(value, 4) for name, value in values.items()}
