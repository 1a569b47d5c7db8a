"""Grad-CAM: where in the picture the features of a layer speak for a class."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from numpy.typing import NDArray

from ..errors import InputError, unknown_name
from ..media.rgb import RGB

if TYPE_CHECKING:
    from torch import Tensor, nn

FloatArray = NDArray[np.float32]


def grad_cam(
    model: nn.Module, image: Tensor, layer: str, target: Sequence[int] | None = None, output: str = "logits"
) -> FloatArray:
    """Where the feature maps of a layer raise the score of a class.

    The weight of a feature map is the mean over its cells of d score / d cell; the answer is the positive part of the weighted
    sum of the maps. Source: Selvaraju et al., "Grad-CAM", arXiv:1610.02391, Eq. 1 and 2. The model answers in eval mode and is
    left as it was, its gradients too.

    Args:
        model: gives a tensor (n, classes), or a dict of tensors.
        image: (n, c, h, w), as the model takes it.
        layer: dotted name of a layer in the model, whose output is (n, channels, h', w'); of a layer that is used several times,
            the last use counts. The map has h' x w' cells, so late layers of small pictures give coarse maps.
        target: class for each picture; None takes the highest score of each.
        output: name of the scores in a dict.

    Returns:
        (n, h, w) in [0, 1], enlarged bilinearly; the highest value of a map is 1 before that. A map is all 0 where nothing in
        the layer speaks for the class.

    Raises:
        InputError: no such layer, output or class, or the layer gives no feature maps.

    Example:
        >>> maps = grad_cam(net, image, "trunk.stages.3")  # doctest: +SKIP
    """
    import torch

    layers = dict(model.named_modules())
    if layer not in layers or not layer:
        raise unknown_name("layer", layer, [name for name in layers if name])
    kept: list[Any] = []

    def keep(_module: nn.Module, _inputs: object, found: Any) -> Any:
        kept.append(found)
        # what follows may change its input in place, such as a ReLU: let it change a copy
        return found.clone() if isinstance(found, torch.Tensor) else found

    with _listening(model, layers[layer], keep), torch.enable_grad():
        # the input asks for gradients so that frozen weights do not cut the way
        scores = _scores(model(image.detach().clone().requires_grad_()), output)
        features = _features(kept, layer)
        chosen = scores.gather(1, _classes(scores, target)[:, None]).sum()
        joined = chosen.requires_grad and features.requires_grad
        slope = torch.autograd.grad(chosen, features, allow_unused=True)[0] if joined else None
    if slope is None:
        raise InputError(f"the scores do not depend on the layer {layer!r}", "a layer on the way to them")
    maps = torch.relu((slope.mean((2, 3), keepdim=True) * features).sum(1, keepdim=True)).detach().float()
    highest = maps.amax((2, 3), keepdim=True)
    maps = torch.where(highest > 0, maps / highest.clamp_min(torch.finfo(maps.dtype).tiny), 0.0)
    maps = torch.nn.functional.interpolate(maps, size=tuple(image.shape[-2:]), mode="bilinear", align_corners=False)
    found: FloatArray = maps[:, 0].clamp(0, 1).cpu().numpy()
    return found


def overlay(picture: RGB, heat: NDArray[np.floating[Any]], opacity: float = 0.6) -> RGB:
    """A map in colours over a picture: blue is low, red is high, and what is 0 lets the picture through.

    Args:
        picture: (h, w, 3) uint8 RGB.
        heat: (h', w') in [0, 1]; resized bilinearly to the picture.
        opacity: of the colour where the map is 1.

    Returns:
        (h, w, 3) uint8 RGB, a new array.

    Raises:
        InputError: another shape, or values or an opacity outside [0, 1].

    Example:
        >>> grey = np.full((4, 4, 3), 128, np.uint8)
        >>> bool((overlay(grey, np.zeros((2, 2))) == grey).all()), overlay(grey, np.ones((2, 2)), 1.0)[0, 0].argmax()
        (True, np.int64(0))
    """
    if picture.ndim != 3 or picture.shape[2] != 3 or picture.dtype != np.uint8:
        raise InputError(f"a picture of shape {picture.shape} and {picture.dtype}", "(h, w, 3) uint8 RGB")
    values = np.asarray(heat, np.float32)
    # written so that NaN fails it
    if values.ndim != 2 or not values.size or not ((values >= 0) & (values <= 1)).all():
        raise InputError(f"a map of shape {values.shape}", "(h, w) in [0, 1], without NaN", "divide it by its highest value")
    if not 0 <= opacity <= 1:
        raise InputError(f"opacity is {opacity}", "0 to 1")
    size = (picture.shape[1], picture.shape[0])
    strength = np.clip(cv2.resize(values, size, interpolation=cv2.INTER_LINEAR), 0, 1)
    colours = cv2.applyColorMap((strength * 255 + 0.5).astype(np.uint8), cv2.COLORMAP_TURBO)[..., ::-1]
    share = opacity * strength[..., None]
    mixed: RGB = (picture * (1 - share) + colours * share + 0.5).astype(np.uint8)
    return mixed


@contextmanager
def _listening(model: nn.Module, layer: nn.Module, hook: Any) -> Iterator[None]:
    """A hook on one layer of a model in eval mode; hook and modes go back however it ends."""
    modes = [(module, module.training) for module in model.modules()]
    handle = layer.register_forward_hook(hook)
    model.eval()
    try:
        yield
    finally:
        handle.remove()
        for module, training in modes:
            module.training = training


def _scores(found: Tensor | Mapping[str, Tensor], output: str) -> Tensor:
    if isinstance(found, Mapping):
        if output not in found:
            raise unknown_name("output", output, found)
        found = found[output]
    if found.ndim != 2:
        raise InputError(f"scores of shape {tuple(found.shape)}", "(n, classes)", "name another output")
    return found


def _features(kept: list[Any], layer: str) -> Tensor:
    if not kept:
        raise InputError(f"the layer {layer!r} was not used", "a layer on the way to the scores")
    features = kept[-1]
    if getattr(features, "ndim", 0) != 4:
        shape = tuple(features.shape) if hasattr(features, "shape") else type(features).__name__
        raise InputError(f"the layer {layer!r} gives {shape}", "(n, channels, h, w)", "name a convolution or a block of them")
    result: Tensor = features
    return result


def _classes(scores: Tensor, target: Sequence[int] | None) -> Tensor:
    """(n,) the class of each picture."""
    import torch

    if target is None:
        return scores.argmax(1)
    classes = torch.as_tensor(target, dtype=torch.int64, device=scores.device)
    if classes.shape != scores.shape[:1] or bool(((classes < 0) | (classes >= scores.shape[1])).any()):
        count, high = len(scores), scores.shape[1] - 1
        raise InputError(f"targets {classes.tolist()}", f"{count} of them from 0 to {high}")
    return classes
