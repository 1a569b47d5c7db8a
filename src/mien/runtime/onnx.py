"""Runner on onnxruntime."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from ..errors import InputError, ModelError


class Runner(Protocol):
    """Named arrays in, named arrays out. What a pixel or a softmax is, a runner does not know."""

    def run(self, inputs: dict[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        """Run the network once."""
        ...


class OnnxRunner:
    """A network file run by onnxruntime.

    Args:
        path: the .onnx file.
        threads: threads of one run; the networks here are small, one thread is the quickest for a single face.
        providers: names of onnxruntime's execution providers, first choice first.

    Raises:
        ModelError: the file cannot be read as a network.
        InputError: a provider is not there (never a silent fall-back to another device).
    """

    def __init__(
        self, path: str | os.PathLike[str], threads: int = 1, providers: tuple[str, ...] = ("CPUExecutionProvider",)
    ) -> None:
        import onnxruntime

        missing = [p for p in providers if p not in onnxruntime.get_available_providers()]
        if missing:
            here = ", ".join(onnxruntime.get_available_providers())
            raise InputError(
                f"onnxruntime has no provider {missing[0]!r}", f"one of: {here}", "install the onnxruntime build that brings it"
            )
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
        options.log_severity_level = 3
        # idle threads that spin would take the other core from decoding
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        try:
            self.session = onnxruntime.InferenceSession(str(path), options, providers=list(providers))
        except Exception as error:  # onnxruntime's own exceptions share no base class
            raise ModelError(
                f"{Path(path).name}: onnxruntime cannot load it ({error}); run `mien doctor` to check the files of the package"
            ) from error
        self.inputs = {item.name: tuple(item.shape) for item in self.session.get_inputs()}
        self.outputs = [item.name for item in self.session.get_outputs()]
        self.providers = tuple(self.session.get_providers())

    def run(self, inputs: dict[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        """Run the network once."""
        return dict(zip(self.outputs, self.session.run(self.outputs, inputs)))


def to_tensor(crops: NDArray[np.uint8], mean: float = 127.5, scale: float = 127.5) -> NDArray[np.float32]:
    """Crops (n, h, w, 3) or (n, h, w) uint8 to a network's input (n, 3 or 1, h, w) float32: (value - mean) / scale."""
    count, height, width = crops.shape[:3]
    channels = crops.shape[3] if crops.ndim == 4 else 1
    out = np.empty((count, channels, height, width), np.float32)
    # channel by channel: six times as quick as cv2.dnn.blobFromImages on a large picture
    for crop, planes in zip(crops, out):
        for plane, channel in zip(planes, cv2.split(crop)):
            np.subtract(channel, np.float32(mean), out=plane)
    out *= np.float32(1 / scale)
    return out
