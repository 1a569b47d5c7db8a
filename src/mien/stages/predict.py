"""The step between crops and scores, for any network that a card describes: a system in a pipeline of the product."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from ..cards import Card, Port
from ..errors import InputError
from ..labels import LabelSet, label_set
from ..runtime.onnx import Runner
from ..types import Frame, Scores
from .crops import crops

FloatArray = NDArray[np.float32]
NEEDS = {"face": "mesh", "fer2013": "mesh", "arcface": "landmarks", "box": "boxes", "wide": "boxes"}


class Predict:
    """Run a system on each face: its crop, its tensor, its network, its activation, all as its card says.

    Args:
        card: of a system that takes one picture of a face and gives logits of a label set, or an embedding.
        runner: its network.

    Raises:
        InputError: the card does not say how to make the input or how to read the output.
    """

    def __init__(self, card: Card, runner: Runner) -> None:
        self.card, self.runner = card, runner
        self.port = _input(card)
        named = {port.name: port for port in card.output}
        self.labels: LabelSet | None = None
        if "logits" in named and named["logits"].labels:
            self.labels = label_set(named["logits"].labels)
        elif "embedding" not in named:
            raise InputError(f"the card of {card.short} names no logits with labels and no embedding", "one of these outputs")
        self.needs = frozenset({NEEDS[self.port.crop]})
        self.adds = frozenset({"expression"} if self.labels else {"embedding"})

    def __call__(self, frames: Sequence[Frame]) -> list[Frame]:
        return [self._one(frame) for frame in frames]

    def _one(self, frame: Frame) -> Frame:
        if frame.image is None or not len(frame.faces):
            return frame
        out = self.runner.run({self.port.name: self.tensor(crops(frame.image, frame.faces, self.port.crop, self.size))})
        if self.labels is None:
            return replace(frame, faces=frame.faces.with_(embedding=np.asarray(out["embedding"], np.float32)))
        return replace(frame, faces=frame.faces.with_(expression=Scores(self._probabilities(out["logits"]), self.labels)))

    @property
    def size(self) -> int:
        """Side of the crop, pixels."""
        return int(self.port.shape[-1])

    def tensor(self, chips: NDArray[np.uint8]) -> FloatArray:
        """Crops (n, size, size, 3) RGB -> the input of the network (n, channels, size, size)."""
        if self.port.colour == "grey":
            planes = np.stack([cv2.cvtColor(chip, cv2.COLOR_RGB2GRAY) for chip in chips])[:, None]
            planes = np.repeat(planes, int(self.port.shape[1]), 1)
        else:
            planes = chips.transpose(0, 3, 1, 2)[:, :: -1 if self.port.colour == "BGR" else 1]
        mean, std = (np.array(v, np.float32).reshape(1, -1, 1, 1) for v in (self.port.mean, self.port.std))
        return np.asarray((planes.astype(np.float32) / 255 - mean) / std, np.float32)

    def _probabilities(self, logits: NDArray[np.generic]) -> FloatArray:
        values = np.asarray(logits, np.float64)
        if {port.name: port for port in self.card.output}["logits"].activation == "sigmoid":
            return np.asarray(1 / (1 + np.exp(-values)), np.float32)
        return softmax(values)


def softmax(logits: NDArray[np.generic]) -> FloatArray:
    """(n, classes) logits -> (n, classes) float32 probabilities; rows sum to 1."""
    values = np.asarray(logits, np.float64)
    power = np.exp(values - values.max(1, keepdims=True))
    return np.asarray(power / power.sum(1, keepdims=True), np.float32)


def _input(card: Card) -> Port:
    ports = [port for port in card.input if port.name == "image"]
    port = ports[0] if ports else None
    if port is None or len(card.input) != 1 or not (port.crop and port.shape and port.mean and port.std and port.colour):
        wanted = "one input 'image' with shape, colour, mean, std and crop"
        raise InputError(
            f"the card of {card.short} does not say how a face becomes its input", wanted, "it cannot run on photos yet"
        )
    if not isinstance(port.shape[-1], int) or not isinstance(port.shape[1], int):
        raise InputError(f"the input of {card.short} has shape {port.shape}", "numbers for channels, height and width")
    return port
