"""Train the detector on composed pictures (tools/compose.py), export it.

    python tools/train_detector.py --data DATA --work WORK [--epochs 40]

An epoch is 4,000 drawn pictures. About two hours on two CPU cores; goes on from WORK/detector/last.pt when stopped.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, Dataset

import compose
import loop
from mien.geometry import boxes as geometry
from mien.nn.detector import STRIDES, DetectorNet, decode, places
from mien.train.export import write_onnx

SIZE, BATCH, PER_EPOCH, LIMIT = 320, 32, 4000, 80
# side of the faces that each stride learns, pixels; neighbours overlap
RANGES = {8: (0, 44), 16: (28, 110), 32: (72, 10000)}


class Drawn(Dataset):
    """Composed pictures, padded to LIMIT faces."""

    def __init__(self, composer: compose.Composer, count: int, seed: int) -> None:
        self.composer, self.count, self.seed, self.epoch = composer, count, seed, 0

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> dict[str, np.ndarray]:
        rng = np.random.default_rng([self.seed, self.epoch, index])
        picture, box, point, unsure = self.composer.draw(rng)
        faces, skip = np.zeros((LIMIT, 14), np.float32), np.zeros((LIMIT, 4), np.float32)
        count, skipped = min(len(box), LIMIT), min(len(unsure), LIMIT)
        faces[:count, :4], faces[:count, 4:] = box[:count], point[:count].reshape(-1, 10)
        skip[:skipped] = unsure[:skipped]
        x = picture.astype(np.float32).transpose(2, 0, 1) / 127.5 - 1
        return {"x": x, "faces": faces, "count": np.int64(count), "skip": skip}


class Objective:
    """Quality focal loss on the scores, GIoU on the boxes, smooth L1 on the points.

    Sources: Li et al., "Generalized Focal Loss", arXiv:2006.04388, Eq. 1 with beta 2; Rezatofighi et al., "Generalized
    Intersection over Union", arXiv:1902.09630, algorithm 1.
    """

    def __init__(self, size: int = SIZE) -> None:
        self.centres, self.strides = places(size, size)

    def assign(self, faces: Tensor, count: int, skip: Tensor) -> tuple[Tensor, Tensor]:
        """Which face each place learns (-1: none) and which places are left out."""
        if count == 0:
            return torch.full((len(self.centres),), -1), self.inside(skip)
        box = faces[:count, :4]
        middle, size = (box[:, :2] + box[:, 2:]) / 2, box[:, 2:] - box[:, :2]
        side = size.amax(1)
        gap = (self.centres[:, None] - middle[None]).abs()
        # near the centre: one and a half strides, or a quarter of the face where that is more
        reach = torch.maximum(1.5 * self.strides[:, None], 0.22 * side[None])
        near = (gap.amax(-1) <= reach) & ((gap * 2 < size[None].clamp_min(8)).all(-1))
        low = torch.tensor([RANGES[s][0] for s in STRIDES])[(self.strides / 8).log2().long()]
        high = torch.tensor([RANGES[s][1] for s in STRIDES])[(self.strides / 8).log2().long()]
        fits = (side[None] >= low[:, None]) & (side[None] <= high[:, None])
        cost = torch.where(near & fits, side[None].expand(len(self.centres), -1), torch.inf)
        best, face = cost.min(1)
        face[best.isinf()] = -1
        # a place near the centre of a face that is nearly of the stride's sizes is neither right nor wrong; one of quite
        # another size is wrong there: an eye is not a small face
        close = (side[None] >= low[:, None] / 1.5) & (side[None] <= high[:, None] * 1.5)
        grey = (near & close & ~fits).any(1) & (face < 0)
        return face, grey | (self.inside(skip) & (face < 0))

    def inside(self, skip: Tensor) -> Tensor:
        within = (self.centres[:, None] > skip[None, :, :2]) & (self.centres[:, None] < skip[None, :, 2:])
        return within.all(-1).any(1)

    def __call__(self, model: nn.Module, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        out = model(batch["x"].to(memory_format=torch.channels_last))
        scores, raw, points = (out[k].float() for k in ("scores", "boxes", "points"))
        pairs = [self.assign(f, int(c), s) for f, c, s in zip(batch["faces"], batch["count"], batch["skip"])]
        face, left = torch.stack([p[0] for p in pairs]), torch.stack([p[1] for p in pairs])
        n, place = torch.nonzero(face >= 0, as_tuple=True)
        target = batch["faces"][n, face[n, place]]
        total = max(len(n), 1)
        stride = self.strides[place]
        predicted = decode(raw[n, place], self.centres[place], stride)
        overlap, general = giou(predicted, target[:, :4])
        quality = torch.zeros_like(scores)
        quality[n, place] = overlap.detach().clamp(0, 1)
        focal = (quality - scores.sigmoid()).abs().square()
        score = (F.binary_cross_entropy_with_logits(scores, quality, reduction="none") * focal * ~left).sum() / total
        side = (target[:, 2:4] - target[:, :2]).amax(1).clamp_min(8)
        spot = self.centres[place][:, None] + points[n, place].unflatten(1, (5, 2)) * stride[:, None, None]
        gap = (spot - target[:, 4:].unflatten(1, (5, 2))) / side[:, None, None]
        point = F.smooth_l1_loss(gap, torch.zeros_like(gap), beta=0.05, reduction="none").mean((1, 2)).sum() / total
        box = (1 - general).sum() / total
        return {"loss": score + 2 * box + 5 * point, "score": score, "box": box, "point": point}


def giou(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    """Overlap and generalised overlap of pairs of boxes. (n, 4), (n, 4) -> (n,), (n,)"""
    size = (torch.minimum(a[:, 2:], b[:, 2:]) - torch.maximum(a[:, :2], b[:, :2])).clamp_min(0)
    shared = size.prod(1)
    union = (a[:, 2:] - a[:, :2]).prod(1) + (b[:, 2:] - b[:, :2]).prod(1) - shared
    hull = (torch.maximum(a[:, 2:], b[:, 2:]) - torch.minimum(a[:, :2], b[:, :2])).prod(1)
    iou = shared / union.clamp_min(1e-6)
    return iou, iou - (hull - union) / hull.clamp_min(1e-6)


@torch.no_grad()
def measure(model: nn.Module, data: Drawn, threshold: float = 0.5) -> dict[str, float]:
    """Recall at IoU 0.5 by size of the face, and false positives per picture, at one threshold."""
    model.eval()
    centres, strides = places(SIZE, SIZE)
    hits: dict[str, list[bool]] = {"tiny": [], "small": [], "medium": [], "large": []}
    false, pictures, overlaps = 0, 0, []
    for batch in DataLoader(data, BATCH):
        out = model(batch["x"])
        for k in range(len(batch["x"])):
            score = out["scores"][k].float().sigmoid()
            chosen = score > threshold
            found = decode(out["boxes"][k].float(), centres, strides)[chosen].numpy()
            found = found[geometry.nms(found, score[chosen].numpy())]
            real = batch["faces"][k, : int(batch["count"][k]), :4].numpy()
            iou = geometry.iou(real, found) if len(found) else np.zeros((len(real), 1))
            for box, best in zip(real, iou.max(1, initial=0)):
                side = (box[2:] - box[:2]).max()
                name = "tiny" if side < 16 else "small" if side < 32 else "medium" if side < 96 else "large"
                hits[name].append(bool(best >= 0.5))
                overlaps.append(best)
            if len(found):
                skip = batch["skip"][k].numpy()
                known = np.concatenate([real, skip[skip[:, 2] > skip[:, 0]]])
                false += (
                    int((geometry.intersection(found, known).max(1, initial=0) < 0.3 * geometry.area(found)).sum())
                    if len(known)
                    else len(found)
                )
            pictures += 1
    return {
        **{f"recall_{k}": float(np.mean(v)) if v else float("nan") for k, v in hits.items()},
        "false_per_picture": false / pictures,
        "iou": float(np.mean(overlaps)),
        "faces": sum(map(len, hits.values())),
    }


class Batches:
    def __init__(self, data: Drawn, workers: int) -> None:
        self.data, self.workers = data, workers

    def __call__(self, epoch: int) -> Iterator:
        self.data.epoch = epoch
        return iter(DataLoader(self.data, BATCH, drop_last=True, num_workers=self.workers, prefetch_factor=4))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--epochs", type=int, default=40)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--out", default="detector")
    parser.add_argument("--start", type=Path, help="weights to begin with")
    args = parser.parse_args()
    start = time.time()
    torch.manual_seed(0)
    cv2.setNumThreads(1)
    parts = {
        p: compose.Composer(compose.face_source(args.data, args.work, p), compose.scenes(args.data, p), SIZE)
        for p in ("train", "val", "test")
    }
    train, val, test = Drawn(parts["train"], PER_EPOCH, 0), Drawn(parts["val"], 300, 1), Drawn(parts["test"], 1000, 2)
    plan = loop.Plan(epochs=args.epochs, rate=2e-3, decay=0.01, average=0.998)
    out = args.work / args.out
    net = DetectorNet()
    if args.start:
        net.load_state_dict(torch.load(args.start, weights_only=True))
    model = loop.fit(
        net,
        plan,
        Batches(train, args.workers),
        PER_EPOCH // BATCH,
        Objective(),
        lambda m: measure(m, val),
        out,
        every=2,
    )
    figures = measure(model, test)
    print("test", figures)
    torch.save(model.state_dict(), out / "final.pt")
    write_onnx(
        model, {"image": torch.zeros(1, 3, SIZE, SIZE)}, ["scores", "boxes", "points"], out / "detector.onnx", free=("h", "w")
    )
    data = {name: loop.digest([args.work / name]) for name in ("fairface.npz", "lfw.npz")}
    loop.write_record(out / "record.json", "detector", figures, data, [plan.seed], time.time() - start)


if __name__ == "__main__":
    main()
