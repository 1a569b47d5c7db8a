"""Arrays of any usual kind as RGB bytes."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError

RGB = NDArray[np.uint8]


def to_rgb(array: NDArray[Any]) -> RGB:
    """Any picture array as RGB bytes.

    Args:
        array: (h, w), (h, w, 1) grey, (h, w, 3) RGB or (h, w, 4) RGB and alpha, which is laid over white; uint8 0..255,
            bool, uint16 0..65535, or float in [0, 1].

    Returns:
        (h, w, 3) uint8 RGB, contiguous; an array that is that already is returned as it is, without a copy.

    Raises:
        InputError: another shape or type, floats outside [0, 1], or NaN.

    Example:
        >>> to_rgb(np.full((2, 2), 0.5))[0, 0].tolist()
        [128, 128, 128]
    """
    if not isinstance(array, np.ndarray):
        raise InputError(f"a {type(array).__name__}", "a numpy array (h, w, 3)", "convert it with numpy.asarray")
    shape = array.shape
    grey = array.ndim == 2
    if not (grey or (array.ndim == 3 and shape[2] in (1, 3, 4))) or 0 in shape:
        raise InputError(f"an array of shape {shape}", "(h, w, 3), (h, w, 4), (h, w, 1) or (h, w)", _shape_remedy(shape))
    values = _bytes(array)
    if grey or shape[2] == 1:
        return np.repeat(values.reshape(shape[0], shape[1], 1), 3, axis=2)
    if shape[2] == 4:
        return _over_white(values)
    return np.ascontiguousarray(values)


def _bytes(array: NDArray[Any]) -> RGB:
    """The same shape as uint8."""
    if array.dtype == np.uint8:
        return array
    if array.dtype == bool:
        return array.astype(np.uint8) * np.uint8(255)
    if array.dtype == np.uint16:
        return ((array.astype(np.uint32) + 128) // 257).astype(np.uint8)
    wanted = "RGB float in [0, 1] or uint8 0..255"
    if array.dtype.kind != "f":
        raise InputError(f"an array of {array.dtype}", wanted, "convert it: array.astype(numpy.uint8)")
    low, high = float(array.min()), float(array.max())
    if np.isnan(low) or np.isnan(high):
        raise InputError("a float array with NaN", wanted, "fill the missing pixels")
    if low < -1e-5 or high > 1 + 1e-5:
        raise InputError(f"a float array from {low:.4g} to {high:.4g}", wanted, "scale it: array / 255")
    scaled: RGB = (np.clip(array, 0, 1) * 255 + 0.5).astype(np.uint8)
    return scaled


def _over_white(values: RGB) -> RGB:
    alpha = values[..., 3:].astype(np.uint16)
    over: RGB = ((values[..., :3] * alpha + 255 * (255 - alpha) + 127) // 255).astype(np.uint8)
    return over


def _shape_remedy(shape: tuple[int, ...]) -> str:
    if 0 in shape:
        return "the array is empty"
    if len(shape) == 3 and shape[0] in (1, 3, 4):
        return "channels come last: numpy.moveaxis(array, 0, -1)"
    return "give a list of pictures, or a video file" if len(shape) == 4 else ""
