"""Runner on torch: a network of a system where no ONNX file was made of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from torch import nn


class TorchRunner:
    """A network as named arrays in, named arrays out.

    Args:
        model: its ``forward`` takes named tensors and gives a dict of tensors; it is put into the mode for judging.
    """

    def __init__(self, model: nn.Module) -> None:
        self.model = model.eval()

    def run(self, inputs: dict[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        """Run the network once."""
        import torch

        with torch.no_grad():
            out = self.model(**{name: torch.from_numpy(np.ascontiguousarray(value)) for name, value in inputs.items()})
        return {name: value.float().cpu().numpy() for name, value in out.items()}
