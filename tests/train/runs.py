"""Tiny trainings of a system from end to end, and the command line as it is called, in this process."""

from __future__ import annotations

import contextlib
import io
import signal
import sys
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import safe_open

from mien.cli import main
from mien.train.build import save, system
from mien.train.run import Order

SMALL = ("model.widths=4,8", "model.convs=1,1", "image.size=16", "batch=4", "epochs=2", "precision=float32")


def order(data: Path, out: Path, *words: str, name: str = "lonkar_cnn", **more: object) -> Order:
    """What ``mien train lonkar_cnn`` is asked for, small."""
    return Order(name, data, out, (*SMALL, *words), **more)


def flags(*words: str) -> list[str]:
    """Settings as words of the command line."""
    return [f"--set={word}" for word in words]


def untrained(path: Path, *words: str, name: str = "lonkar_cnn", small: bool = True, **more: object) -> Path:
    """A file of weights as ``mien train`` writes it, without the training."""
    built = system(name, (*(SMALL if small else ()), *words))
    save(path, built.model().state_dict(), built, {"source": "fer_mosaics", "fold": None} | more)
    return path


def tensors(path: Path) -> dict[str, torch.Tensor]:
    with safe_open(path, "pt") as stream:
        return {name: stream.get_tensor(name) for name in list(stream.keys())}


def same(a: Path, b: Path) -> bool:
    """Whether two files of weights hold the same bits."""
    first, second = tensors(a), tensors(b)
    return first.keys() == second.keys() and all(torch.equal(first[name], second[name]) for name in first)


@dataclass(frozen=True)
class Done:
    """How a command ended, and what it printed."""

    code: int
    out: str
    err: str


def mien(*words: object) -> Done:
    """Run a command; an exception that would be shown as a traceback comes out of here."""
    out, err, before = io.StringIO(), io.StringIO(), (sys.argv, signal.getsignal(signal.SIGTERM))
    sys.argv = ["/usr/local/bin/mien", *map(str, words)]
    code = 0
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            main()
    except SystemExit as end:
        code = int(end.code or 0)
    finally:
        sys.argv = before[0]
        signal.signal(signal.SIGTERM, before[1])
    return Done(code, out.getvalue(), err.getvalue())
