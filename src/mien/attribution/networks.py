"""Networks that can be explained: the expression network of the package, and published systems with their weights."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from numpy.typing import NDArray

from ..cards import Card
from ..errors import InputError
from ..labels import FERPLUS_8
from ..runtime.models import card, runner
from ..runtime.onnx import Runner, to_tensor
from ..runtime.torch import TorchRunner
from ..stages.crops import crop_transforms
from ..stages.expression import SIZE
from ..stages.expression import crop_transforms as expression_transforms
from ..stages.predict import Predict as Step
from ..stages.predict import softmax
from ..types import Faces
from .lime import Images
from .methods import Network

if TYPE_CHECKING:
    from torch import Tensor, nn

FloatArray = NDArray[np.float32]
CELLS = 3  # least cells on a side of a layer that is taken by itself


def embedded(threads: int = 1) -> Network:
    """The expression network of the package as the product uses it for pictures: calibrated, with the mirror image."""
    network, temperature = runner("expression", threads), float(card("expression").more["temperature"])

    def predict(crops: Images) -> FloatArray:
        tensor = to_tensor(np.stack([np.asarray(cv2.cvtColor(one, cv2.COLOR_RGB2GRAY), np.uint8) for one in crops]))
        both = (tensor, np.ascontiguousarray(tensor[..., ::-1]))
        logits = np.stack([np.asarray(network.run({"image": one})["ferplus"], np.float64) for one in both]).mean(0)
        return softmax(logits / temperature)

    def place(faces: Faces) -> FloatArray:
        if faces.mesh is None:
            raise InputError("faces without mesh", "faces of the whole pipeline")
        return expression_transforms(faces.mesh)

    return Network("expression network", FERPLUS_8, SIZE, place, predict)


def of_system(entry: Card, network: Runner, layer: str = "") -> Network:
    """A published system that names classes.

    Args:
        entry: its card.
        network: what runs it; gradients are in reach of a :class:`TorchRunner`.
        layer: dotted name of the layer of which maps are made; empty takes :func:`last_map`.

    Raises:
        InputError: the card does not say how a face becomes its input, or names no logits with labels.
    """
    step = Step(entry, network)
    if step.labels is None:
        raise InputError(f"{entry.short}, which gives an embedding", "a system that names classes", "see: mien systems")
    sigmoid = next(port for port in entry.output if port.name == "logits").activation == "sigmoid"

    def place(faces: Faces) -> FloatArray:
        return crop_transforms(faces, step.port.crop, step.size)

    def predict(crops: Images) -> FloatArray:
        logits = np.asarray(network.run({step.port.name: step.tensor(crops)})["logits"], np.float64)
        return np.asarray(1 / (1 + np.exp(-logits)), np.float32) if sigmoid else softmax(logits)

    def gradient(crop: Images, label: int) -> FloatArray:
        import torch

        from .gradient import grad_cam

        assert isinstance(network, TorchRunner)
        image = torch.from_numpy(step.tensor(crop[None]))
        return grad_cam(network.model, image, layer or last_map(network.model, image), [label])[0]

    return Network(entry.short, step.labels, step.size, place, predict, gradient if isinstance(network, TorchRunner) else None)


def last_map(model: nn.Module, image: Tensor) -> str:
    """Name of the last layer that gives feature maps of at least CELLS x CELLS cells.

    Raises:
        InputError: the network has none.
    """
    import torch

    found: list[str] = []

    def keep(name: str) -> Callable[[Any, Any, Any], None]:
        def hook(_module: Any, _inputs: Any, out: Any) -> None:
            if isinstance(out, torch.Tensor) and out.ndim == 4 and min(out.shape[2:]) >= CELLS:
                found.append(name)

        return hook

    handles = [module.register_forward_hook(keep(name)) for name, module in model.named_modules() if name]
    try:
        with torch.no_grad():
            model.eval()(image)
    finally:
        for handle in handles:
            handle.remove()
    if not found:
        raise InputError("a network without feature maps", "one with convolutions", "take another method")
    # of a block and the layers in it the block ends last
    return found[-1]
