"""ONNX files of trained networks, checked against the module, with a golden input and output beside them."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime as ort
import torch
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, nn

from ..errors import ModelError
from ..files import sha256
from .build import System, restore
from .seed import numbers

OPSET = 17
Named = Mapping[str, NDArray[np.float32]]


class _Ordered(nn.Module):
    """The outputs of a network as a tuple, in a given order: what the exporter takes."""

    def __init__(self, inner: nn.Module, names: Sequence[str]) -> None:
        super().__init__()
        self.inner, self.names = inner, tuple(names)

    def forward(self, *values: Tensor) -> tuple[Tensor, ...]:
        found = self.inner(*values)
        return tuple(found[name] for name in self.names) if isinstance(found, dict) else (found,)


def write_onnx(
    model: nn.Module,
    inputs: Mapping[str, Tensor],
    outputs: Sequence[str],
    path: Path,
    half: bool = True,
    free: Sequence[str] = (),
) -> None:
    """Write an ONNX file with a free batch axis, and check it against the module.

    Args:
        model: the network; it is left as it is.
        inputs: by name, tensors to trace and check with.
        outputs: names of the outputs.
        path: the file.
        half: keep large weights as float16, cast once on loading.
        free: names of further free axes, from the third on.

    Raises:
        ModelError: an output differs from the module's by more than 1 % of its range.
    """
    # the exporter folds batch norms into the weights in place: it gets a copy, so that the caller's network stays whole
    ordered = _Ordered(copy.deepcopy(model).eval().cpu(), outputs)
    axes: dict[str, dict[int, str]] = {name: {0: "n"} for name in (*inputs, *outputs)}
    for name in inputs:
        axes[name] |= {2 + k: axis for k, axis in enumerate(free)}
    if free:
        axes |= {name: {0: "n", 1: "a"} for name in outputs}
    values = tuple(inputs.values())
    with torch.no_grad():
        wanted = ordered(*values)
    with warnings.catch_warnings():
        # the older exporter folds batch norms into convolutions and needs no further package
        warnings.simplefilter("ignore", DeprecationWarning)
        torch.onnx.export(
            ordered,
            values,
            path,
            input_names=list(inputs),
            output_names=list(outputs),
            dynamic_axes=axes,
            opset_version=OPSET,
            dynamo=False,
        )
    _finish(path, half)
    found = run_onnx(path, {name: value.numpy() for name, value in inputs.items()}, outputs)
    for name, theirs in zip(outputs, wanted):
        gap = float(np.abs(found[name] - theirs.numpy()).max())
        # not "gap > ...": a gap that is no number is a difference too
        if not gap <= 0.01 * max(1e-3, float(theirs.max() - theirs.min())) + 1e-3:
            raise ModelError(f"{path.name}: output {name!r} differs from the module by {gap:.3g}")


def _finish(path: Path, half: bool) -> None:
    graph = onnx.load(path)
    if half:
        halve(graph)
    shorten(graph)
    graph.producer_name, graph.producer_version, graph.doc_string = "mien", "", ""
    onnx.checker.check_model(graph)
    onnx.save(graph, path)


def run_onnx(path: Path, inputs: Named, outputs: Sequence[str]) -> dict[str, NDArray[np.float32]]:
    """What an ONNX file gives, on one thread."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    session = ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    return dict(zip(outputs, session.run(list(outputs), dict(inputs))))


def halve(model: onnx.ModelProto) -> None:
    """Store large float32 tensors as float16, each followed by a Cast back; those with a value that float16 cannot hold stay."""
    graph = model.graph
    casts = []
    for tensor in graph.initializer:
        if tensor.data_type != TensorProto.FLOAT or np.prod(tensor.dims) < 256:
            continue
        values = numpy_helper.to_array(tensor)
        if np.abs(values).max() > np.finfo(np.float16).max:
            continue
        name = tensor.name
        tensor.CopyFrom(numpy_helper.from_array(values.astype(np.float16), name + "_half"))
        casts.append(helper.make_node("Cast", [name + "_half"], [name], to=TensorProto.FLOAT, name=name + "_cast"))
    for node in reversed(casts):
        graph.node.insert(0, node)


def shorten(model: onnx.ModelProto) -> None:
    """Give the values inside a graph short names: in a small network the exporter's weigh as much as a tenth of the numbers."""
    graph = model.graph
    kept = {value.name for value in (*graph.input, *graph.output)}
    short: dict[str, str] = {}

    def renamed(name: str) -> str:
        return name if not name or name in kept else short.setdefault(name, f"v{len(short)}")

    for tensor in graph.initializer:
        tensor.name = renamed(tensor.name)
    for node in graph.node:
        node.name = node.doc_string = ""
        node.input[:] = [renamed(name) for name in node.input]
        node.output[:] = [renamed(name) for name in node.output]
    del graph.value_info[:]


# Systems --------------------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Exported:
    """Files of an exported system."""

    onnx: Path
    golden: Path
    sha256: str


def example(built: System, count: int = 2) -> dict[str, Tensor]:
    """Pictures of noise that fit the input of a system: (count, channels, size, size) float32, normalised."""
    image = built.recipe.image
    noise = numbers(0, "golden").normal(size=(count, image.channels, image.size, image.size))
    return {"image": torch.from_numpy(noise.astype(np.float32))}


def export(weights: Path, out: Path, name: str | None = None, half: bool = True) -> Exported:
    """Write the ONNX file of trained weights, and beside it a golden input with its output.

    Args:
        weights: a file of ``mien train``.
        out: the ONNX file; the golden file takes its name with ``.golden.npz``.
        name: the system that is expected.
        half: keep large weights as float16.

    Raises:
        InputError: the weights do not fit.
        ModelError: the file does not give what the module gives.
    """
    built, network = restore(weights, name)
    out.parent.mkdir(parents=True, exist_ok=True)
    inputs = example(built)
    with torch.no_grad():
        outputs = list(network(**inputs))
    write_onnx(network, inputs, outputs, out, half)
    model = onnx.load(out)
    for key, value in (("system", built.card.name), ("weights", sha256(weights)), ("unlike_card", built.unlike_card())):
        entry = model.metadata_props.add()
        entry.key, entry.value = key, value
    onnx.save(model, out)
    arrays = {key: value.numpy() for key, value in inputs.items()}
    found = run_onnx(out, arrays, outputs)
    golden = out.with_suffix(".golden.npz")
    kept: dict[str, Any] = {f"in_{k}": v for k, v in arrays.items()} | {f"out_{k}": v for k, v in found.items()}
    np.savez_compressed(golden, **kept)
    return Exported(out, golden, sha256(out))


def agree(onnx_file: Path, golden: Path) -> float:
    """The largest difference between what an ONNX file gives now and its golden output, relative to the output's range."""
    kept = np.load(golden)
    inputs = {k.removeprefix("in_"): kept[k] for k in kept.files if k.startswith("in_")}
    outputs = [k.removeprefix("out_") for k in kept.files if k.startswith("out_")]
    found = run_onnx(onnx_file, inputs, outputs)
    gaps = [np.abs(found[k] - kept[f"out_{k}"]).max() / max(1e-6, float(np.ptp(kept[f"out_{k}"]))) for k in outputs]
    return float(max(gaps))
