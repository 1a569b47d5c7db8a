"""One training loop for the small networks: AdamW, warm-up and cosine, moving average of the weights, resume, ONNX export."""

from __future__ import annotations

import copy
import hashlib
import json
import math
import platform
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnxruntime as ort
import torch
from torch import Tensor, nn


@dataclass(frozen=True)
class Plan:
    """What a training run does; written into its record."""

    epochs: int
    rate: float = 2e-3
    decay: float = 0.02
    warm: float = 1.0  # epochs of warm-up
    average: float = 0.999  # momentum of the moving average of the weights
    seed: int = 0
    precision: str = "bf16"


class Average:
    """Exponential moving average of parameters and buffers; the averaged network is the one that is kept."""

    def __init__(self, model: nn.Module, momentum: float) -> None:
        self.model = copy.deepcopy(model).eval()
        self.momentum, self.steps = momentum, 0

    @torch.no_grad()
    def update(self, model: nn.Module) -> None:
        self.steps += 1
        m = min(self.momentum, self.steps / (self.steps + 10))
        for mine, theirs in zip(self.model.state_dict().values(), model.state_dict().values()):
            if mine.dtype.is_floating_point:
                mine.lerp_(theirs, 1 - m)
            else:
                mine.copy_(theirs)


def rate_at(plan: Plan, epoch: float) -> float:
    """Learning rate after a real number of epochs: linear warm-up, then half a cosine to 1 % of the peak."""
    if epoch < plan.warm:
        return plan.rate * (epoch / plan.warm + 1e-3)
    part = (epoch - plan.warm) / max(plan.epochs - plan.warm, 1e-9)
    return plan.rate * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * min(part, 1))))


def fit(
    model: nn.Module,
    plan: Plan,
    batches: Callable[[int], Iterable],
    length: int,
    loss: Callable[[nn.Module, object], dict[str, Tensor]],
    validate: Callable[[nn.Module], dict[str, float]],
    out: Path,
    every: int = 1,
) -> nn.Module:
    """Train and return the averaged network; ``out/last.pt`` lets a stopped run go on where it was.

    Args:
        batches: epoch number -> batches of that epoch (seeded by it, so that a resumed run sees the same data).
        length: batches in one epoch.
        loss: parts by name, "loss" is what is minimised.
        validate: figures of the averaged network on validation data; never the test part.
    """
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    model = model.to(device, memory_format=torch.channels_last)
    groups = [
        {"params": [p for p in model.parameters() if p.ndim > 1], "weight_decay": plan.decay},
        {"params": [p for p in model.parameters() if p.ndim <= 1], "weight_decay": 0.0},
    ]
    optimiser = torch.optim.AdamW(groups, lr=plan.rate)
    average, first = Average(model, plan.average), 0
    out.mkdir(parents=True, exist_ok=True)
    last = out / "last.pt"
    if last.exists():
        state = torch.load(last, weights_only=True, map_location=device)
        model.load_state_dict(state["model"])
        average.model.load_state_dict(state["average"])
        average.steps = state["steps"]
        optimiser.load_state_dict(state["optimiser"])
        first = state["epoch"]
    for epoch in range(first, plan.epochs):
        start, seen, sums = time.perf_counter(), 0, {}
        model.train()
        for step, batch in enumerate(batches(epoch)):
            for group in optimiser.param_groups:
                group["lr"] = rate_at(plan, epoch + step / length)
            with torch.autocast(device.type, torch.bfloat16, enabled=plan.precision == "bf16"):
                parts = loss(model, batch)
            optimiser.zero_grad(set_to_none=True)
            parts["loss"].backward()
            nn.utils.clip_grad_norm_(model.parameters(), 5.0)
            optimiser.step()
            average.update(model)
            seen += 1
            for name, value in parts.items():
                sums[name] = sums.get(name, 0.0) + float(value.detach())
        record = {
            "epoch": epoch,
            "seconds": round(time.perf_counter() - start, 1),
            **{k: round(v / seen, 5) for k, v in sums.items()},
        }
        if (epoch + 1) % every == 0 or epoch + 1 == plan.epochs:
            record |= {k: round(v, 5) for k, v in validate(average.model).items()}
        state = {"model": model.state_dict(), "average": average.model.state_dict(), "steps": average.steps}
        torch.save(state | {"optimiser": optimiser.state_dict(), "epoch": epoch + 1}, out / "next.pt")
        (out / "next.pt").replace(last)
        with open(out / "log.jsonl", "a") as log:
            log.write(json.dumps(record) + "\n")
        print(record, flush=True)
    return average.model


def digest(paths: Iterable[Path]) -> str:
    """One SHA-256 over files, in the order given."""
    total = hashlib.sha256()
    for path in paths:
        with open(path, "rb") as stream:
            while block := stream.read(1 << 22):
                total.update(block)
    return total.hexdigest()


def write_record(
    path: Path, name: str, figures: dict, data: dict[str, str], seeds: list[int], seconds: float, **more: object
) -> None:
    """A run record: what ran, on what, with which result. A figure without one does not exist."""
    root = Path(__file__).resolve().parent.parent
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=root, capture_output=True, text=True).stdout.strip()
    command = ["python", str(Path(sys.argv[0]).resolve().relative_to(root)), *_without_paths(sys.argv[1:])]
    record = {
        "name": name,
        "date": time.strftime("%Y-%m-%d"),
        "commit": commit,
        "command": " ".join(command),
        "data": data,
        "device": f"{platform.machine()}, {torch.get_num_threads()} threads"
        if not torch.cuda.is_available()
        else torch.cuda.get_device_name(),
        "versions": {
            "python": platform.python_version(),
            "torch": torch.__version__,
            "onnxruntime": ort.__version__,
            "numpy": np.__version__,
        },
        "seeds": seeds,
        "seconds": round(seconds),
        "figures": figures,
        **more,
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(record, indent=1) + "\n")


def _without_paths(words: list[str]) -> list[str]:
    """Command words with folders of this machine replaced by the option's name in capitals."""
    out: list[str] = []
    for word in words:
        out.append(out[-1].lstrip("-").upper() if out and out[-1].startswith("--") and "/" in word else word)
    return out
