"""What ``mien doctor`` looks at: versions, cores, providers, the network files."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib import metadata
from typing import Any

BASE = ("numpy", "opencv-python-headless", "pillow", "onnxruntime", "av", "pyarrow", "typer", "rich")
OPTIONAL = ("pandas", "torch", "onnx")


@dataclass
class Findings:
    """Facts of the installation, and what is wrong with it in words."""

    facts: dict[str, Any]
    problems: list[str] = field(default_factory=list)

    @property
    def well(self) -> bool:
        """Whether nothing is wrong."""
        return not self.problems

    def lines(self) -> Iterator[str]:
        """The findings for reading."""
        f = self.facts
        yield f"mien {f['mien']}, Python {f['python']}, {f['system']}, {f['cores']} cores"
        yield "packages: " + ", ".join(f"{k} {v}" for k, v in f["packages"].items() if v)
        absent = [k for k in OPTIONAL if not f["packages"][k]]
        if absent:
            yield f"not installed (optional): {', '.join(absent)}"
        yield f"onnxruntime providers: {', '.join(f['providers'])}; mien runs on CPUExecutionProvider"
        yield f"video encoder: {f['encoder']}"
        for name, model in f["models"].items():
            state = "ok" if model["verified"] else "DAMAGED"
            yield f"network {name}: {model['bytes'] / 1e6:.2f} MB, {state}, {model['milliseconds']:.2f} ms one thread"
        for problem in self.problems:
            yield f"problem: {problem}"
        if self.well:
            yield "all well"


def examine() -> Findings:
    """Look at everything; never raises for what it finds."""
    from . import __version__

    facts: dict[str, Any] = {
        "mien": __version__,
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "cores": os.cpu_count(),
        "packages": {name: _installed(name) for name in BASE + OPTIONAL},
    }
    out = Findings(facts)
    for name in BASE:
        if facts["packages"][name] is None:
            out.problems.append(f"{name} is not installed; run: pip install mien")
    facts["providers"] = _providers()
    facts["encoder"] = _encoder()
    facts["models"] = _models(out)
    return out


def _installed(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        # the same module under another distribution's name
        alias = {"opencv-python-headless": "opencv-python"}.get(name)
        return _installed(alias) if alias else None


def _providers() -> list[str]:
    import onnxruntime

    return list(onnxruntime.get_available_providers())


def _encoder() -> str:
    import av.codec

    for name in ("libx264", "h264", "mpeg4"):
        if name in av.codec.codecs_available:
            return name
    return "none"


def _models(out: Findings) -> dict[str, Any]:
    import time

    import numpy as np

    from .errors import MienError
    from .runtime.models import card, names, runner

    facts: dict[str, Any] = {}
    for name in names():
        model = card(name)
        facts[name] = {
            "bytes": model.path.stat().st_size if model.path.exists() else 0,
            "verified": model.verify(),
            "milliseconds": float("nan"),
        }
        if not facts[name]["verified"]:
            out.problems.append(f"{model.path.name} is not the file that its card speaks of; reinstall mien")
            continue
        try:
            network = runner(name)
            shape = model.input["shape"]
            x = {model.input["name"]: np.zeros(shape, np.float32)}
            times = []
            for _ in range(20):
                begin = time.perf_counter()
                network.run(x)
                times.append(time.perf_counter() - begin)
            facts[name]["milliseconds"] = 1000 * float(np.median(times))
        except MienError as error:
            out.problems.append(str(error))
    return facts
