"""Train the expression network on the votes of FER+, test it once on PublicTest, export it.

    python tools/train_expression.py --data DATA --work WORK [--epochs 45] [--hold 0.1]

With ``--hold`` a share of the training part (whole groups of near-duplicates) is kept apart to tune on; the final
network is trained with ``--hold 0``. About two hours on two CPU cores; goes on from WORK/<out>/last.pt when stopped.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import time
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, Dataset

import loop
from mien.geometry import align
from mien.labels import FER_7, FERPLUS_8
from mien.nn.expression import ExpressionNet
from mien.stages.expression import CROP_SCALE, SIZE
from mien.train.export import write_onnx
from teach import decode, pictures

BATCH = 128
VOTES = ["fp_neutral", "fp_happiness", "fp_surprise", "fp_sadness", "fp_anger", "fp_disgust", "fp_fear", "fp_contempt"]
FER_ORDER = ["angry", "disgust", "fear", "happy", "sad", "surprise", "neutral"]


class Fer(Dataset):
    """Faces of FER2013 with FER+ votes, aligned by the teacher's mesh where it found one."""

    def __init__(self, data: Path, work: Path, part: str, hold: float) -> None:
        self.augment, self.epoch = part == "train", 0
        with open(data / "fer2013plus/labels.csv") as stream:
            rows = list(csv.DictReader(stream))
        chosen = [r for r in rows if belongs(r, part, hold) and (part == "test" or usable(r))]
        blobs, table = dict(pictures(data, "fer2013plus")), np.load(work / "fer2013plus.npz")
        place = {name: i for i, name in enumerate(table["files"])}
        mesh, presence = table["mesh"], table["presence"]
        # the teachers saw the picture at 192 px; the network is to learn from its own 48
        self.images = [
            cv2.resize(cv2.cvtColor(decode(blobs[r["row"]]), cv2.COLOR_RGB2GRAY), (48, 48), interpolation=cv2.INTER_AREA)
            for r in chosen
        ]
        self.squares = []
        for r in chosen:
            i = place.get(r["row"])
            self.squares.append(square_of_mesh(mesh[i]) if i is not None and presence[i] > 0.5 else DEFAULT)
        votes = np.array([[float(r[v]) for v in VOTES] for r in chosen])
        votes[votes <= 1] = 0  # one voter of ten alone says little: the published FER+ recipe drops it
        self.votes = (votes / np.maximum(votes.sum(1, keepdims=True), 1)).astype(np.float32)
        self.fer = np.array([FER_7.index(LONG[r["fer_name"]]) for r in chosen])
        self.majority = np.array(
            [FERPLUS_8.names.index(r["fp_majority"]) if r["fp_majority"] in FERPLUS_8 else -1 for r in chosen]
        )
        with open(data / "fer2013plus/publictest_near_training.csv") as stream:
            near = {r["row"] for r in csv.DictReader(stream)}
        self.clean = np.array([r["row"] not in near and r["dup_crosses_split"] != "1" for r in chosen])

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> dict[str, np.ndarray]:
        rng = np.random.default_rng([self.epoch, index]) if self.augment else None
        x, y, side, angle = self.squares[index]
        if rng is not None:
            x, y = np.array([x, y]) + side * rng.normal(0, 0.035, 2)
            side, angle = side * np.exp(rng.normal(0, 0.08)), angle + rng.normal(0, 0.12)
        x, y, side = (x + 0.5) / 4 - 0.5, (y + 0.5) / 4 - 0.5, side / 4
        transform = align.square_crop(np.array([[x, y]]), np.array([side]), np.array([angle]), SIZE)[0]
        image = cv2.warpAffine(
            self.images[index], transform, (SIZE, SIZE), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
        )
        if rng is not None:
            image = degrade(image, rng)
        tensor = image.astype(np.float32)[None] / 127.5 - 1
        return {"x": tensor, "votes": self.votes[index], "fer": self.fer[index]}


LONG = dict(zip(FER_ORDER, ("anger", "disgust", "fear", "happiness", "sadness", "surprise", "neutral")))
# where the mesh lies in a picture of FER2013 in the median, in pixels of the 192 px picture: x, y, side, angle
DEFAULT = (96.8, 105.2, 185.4 * CROP_SCALE, 0.0)


def square_of_mesh(mesh: np.ndarray) -> tuple[float, float, float, float]:
    """Centre, side and angle of the product's expression crop."""
    angle = float(align.eye_angle(mesh[33, :2], mesh[263, :2]))
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    upright = mesh[:, :2] @ turn.T
    low, high = upright.min(0), upright.max(0)
    x, y = turn.T @ ((low + high) / 2)
    return float(x), float(y), float(CROP_SCALE * (high - low).max()), angle


def belongs(row: dict, part: str, hold: float) -> bool:
    if part == "test":
        return row["usage"] == "PublicTest"
    if row["usage"] != "Training":
        return False
    key = f"group{row['dup_group']}" if row["dup_group"] != "0" else row["row"]
    value = int(hashlib.sha256(key.encode()).hexdigest()[:8], 16) / 16**8
    return (value < hold) == (part == "val")


def usable(row: dict) -> bool:
    """Enough voters saw a face and one of the eight expressions."""
    return int(row["fp_NF"]) <= 1 and sum(int(row[v]) for v in VOTES if int(row[v]) > 1) >= 4


def degrade(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    if rng.random() < 0.5:
        image = np.ascontiguousarray(image[:, ::-1])
    if rng.random() < 0.25:
        small = int(np.exp(rng.uniform(np.log(20), np.log(60))))
        image = cv2.resize(
            cv2.resize(image, (small, small), interpolation=cv2.INTER_AREA), (SIZE, SIZE), interpolation=cv2.INTER_LINEAR
        )
    if rng.random() < 0.8:
        curve = 255 * np.linspace(0, 1, 256) ** np.exp(rng.normal(0, 0.3))
        curve = (curve - image.mean()) * np.exp(rng.normal(0, 0.2)) + image.mean() + rng.normal(0, 15)
        image = cv2.LUT(image, np.clip(curve, 0, 255).astype(np.uint8))
    if rng.random() < 0.2:
        cv2.setRNGSeed(int(rng.integers(1 << 31)))
        noise = np.empty(image.shape, np.int16)
        cv2.randn(noise, 0, float(rng.uniform(2, 10)))
        image = cv2.add(image, noise, dtype=cv2.CV_8U)
    if rng.random() < 0.3:
        height, width = rng.integers(8, 26, 2)
        y, x = rng.integers(0, SIZE - height), rng.integers(0, SIZE - width)
        image = image.copy()
        image[y : y + height, x : x + width] = rng.integers(0, 256)
    return image


def objective(seed: int, mix: float = 0.3):
    """Cross-entropy to the votes and, with a smaller weight, to FER2013's own labels; half of the batches are mixed up.

    Source of the mixing: Zhang et al., "mixup", arXiv:1710.09412, Eq. 1-2.
    """
    rng = np.random.default_rng(seed)

    def loss(model: nn.Module, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        x, votes, fer = batch["x"], batch["votes"], F.one_hot(batch["fer"], 7).float()
        if mix and rng.random() < 0.5:
            part, order = float(rng.beta(mix, mix)), torch.from_numpy(rng.permutation(len(x)))
            x, votes, fer = (part * a + (1 - part) * a[order] for a in (x, votes, fer))
        out = model(x.to(memory_format=torch.channels_last))
        plus = -(votes * out["ferplus"].float().log_softmax(1)).sum(1).mean()
        old = -(fer * out["fer"].float().log_softmax(1)).sum(1).mean()
        return {"loss": plus + 0.25 * old, "ferplus": plus, "fer": old}

    return loss


@torch.no_grad()
def predict(model: nn.Module, data: Fer) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities (n, 8) and (n, 7): mean over each face and its mirror image."""
    model.eval()
    plus, fer = [], []
    for batch in DataLoader(data, 256):
        a, b = model(batch["x"]), model(batch["x"].flip(3))
        plus.append(((a["ferplus"].float().softmax(1) + b["ferplus"].float().softmax(1)) / 2).numpy())
        fer.append(((a["fer"].float().softmax(1) + b["fer"].float().softmax(1)) / 2).numpy())
    return np.concatenate(plus), np.concatenate(fer)


def measure(model: nn.Module, data: Fer) -> dict[str, float]:
    plus, fer = predict(model, data)
    known = data.majority >= 0
    right, old = plus.argmax(1) == data.majority, fer.argmax(1) == data.fer
    most = np.bincount(data.majority[known]).argmax()
    return {
        "ferplus_percent": 100 * right[known].mean(),
        "ferplus_clean_percent": 100 * right[known & data.clean].mean(),
        "fer_percent": 100 * old.mean(),
        "fer_clean_percent": 100 * old[data.clean].mean(),
        "constant_percent": 100 * (data.majority[known] == most).mean(),
        "n": int(known.sum()),
        "n_clean": int((known & data.clean).sum()),
    }


class Batches:
    def __init__(self, data: Fer, workers: int) -> None:
        self.data, self.workers = data, workers

    def __call__(self, epoch: int) -> Iterator:
        self.data.epoch = epoch
        order = torch.Generator().manual_seed(epoch)
        return iter(DataLoader(self.data, BATCH, shuffle=True, drop_last=True, num_workers=self.workers, generator=order))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--epochs", type=int, default=45)
    parser.add_argument("--hold", type=float, default=0.0)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--out", default="expression")
    args = parser.parse_args()
    start = time.time()
    torch.manual_seed(0)
    cv2.setNumThreads(1)
    train = Fer(args.data, args.work, "train", args.hold)
    held = Fer(args.data, args.work, "val", args.hold or 0.1)
    print(
        f"{len(train)} training faces, {len(held)} of them seen by validation"
        if not args.hold
        else f"{len(train)} training, {len(held)} validation faces",
        flush=True,
    )
    plan, out = loop.Plan(epochs=args.epochs, rate=2e-3, decay=0.05), args.work / args.out
    model = loop.fit(
        ExpressionNet(),
        plan,
        Batches(train, args.workers),
        len(train) // BATCH,
        objective(0),
        lambda m: measure(m, held),
        out,
        every=3,
    )
    torch.save(model.state_dict(), out / "final.pt")
    write_onnx(model, {"image": torch.zeros(2, 1, SIZE, SIZE)}, ["ferplus", "fer"], out / "expression.onnx")
    figures = measure(model, held) if args.hold else measure(model, Fer(args.data, args.work, "test", 0))
    print("validation" if args.hold else "test", figures)
    data = {
        "fer2013plus/labels.csv": loop.digest([args.data / "fer2013plus/labels.csv"]),
        "fer2013plus.npz": loop.digest([args.work / "fer2013plus.npz"]),
    }
    loop.write_record(out / "record.json", "expression", figures, data, [plan.seed], time.time() - start, train=len(train))


if __name__ == "__main__":
    main()
