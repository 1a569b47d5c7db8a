"""Train the mesh network from the teacher's labels (tools/teach.py), test it on persons it never saw, export it.

    python tools/train_mesh.py --data DATA --work WORK [--epochs 60]

About two hours on two CPU cores. Stopped at any time, it goes on from WORK/mesh/last.pt. The split is by person in LFW
and by picture in FairFace (whose pictures carry no person); training faces whose identity embedding is close to a
validation or test face are left out.
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
from mien.labels import ARKIT_52
from mien.nn.mesh import MeshNet
from mien.train.export import write_onnx
from teach import decode, pictures

SIZE = 128
CROP_SCALE = 1.25  # side of the network's crop over the longer side of the upright mesh
BATCH = 128
EXTRA = 6000  # faces of FER2013 (training part) in an epoch: blurred, but with strong expressions
RENDERED = 4000  # rendered heads in an epoch: they show what the teacher does not follow, and profiles


def part_of(source: str, name: str) -> str:
    """train, val or test, from a hash of the person (LFW) or of the picture (FairFace)."""
    key = name.rsplit("_", 1)[0] if source == "lfw" else name
    value = int(hashlib.sha256(f"{source}/{key}".encode()).hexdigest()[:8], 16) / 16**8
    return "test" if value < 0.08 else "val" if value < 0.11 else "train"


def publictest_rows(data: Path) -> set[str]:
    """Rows of FER2013 that are for testing an expression network; this one keeps off them too."""
    with open(data / "fer2013plus/labels.csv") as stream:
        return {row["row"] for row in csv.DictReader(stream) if row["usage"] != "Training"}


class Faces(Dataset):
    """Pictures with labels of one part of the split."""

    def __init__(self, data: Path, work: Path, part: str, mirror: np.ndarray) -> None:
        self.augment, self.mirror, self.epoch = part == "train", mirror, 0
        self.images, self.labels = [], []
        self.renders: dict[str, np.ndarray] = {}
        self.rows, self.extra = [], []  # faces seen in every epoch, faces of which each epoch draws EXTRA
        sources = ("fairface", "lfw", "fer2013plus") if part == "train" else ("fairface", "lfw")
        tables = {s: dict(np.load(work / f"{s}.npz")) for s in sources}
        parts = {s: np.array([part_of(s, n) for n in t["files"]]) for s, t in tables.items()}
        held = np.concatenate([tables[s]["embedding"][parts[s] != "train"] for s in ("fairface", "lfw")])
        if part == "train":
            public = publictest_rows(data)
            parts["fer2013plus"] = np.array(["test" if f in public else "train" for f in tables["fer2013plus"]["files"]])
        for k, (source, table) in enumerate(tables.items()):
            chosen = parts[source] == part
            if part == "train":
                chosen &= (table["embedding"] @ held.T).max(1) < 0.55
            blobs = dict(pictures(data, source))
            self.images.append({i: decode(blobs[table["files"][i]]) for i in np.flatnonzero(chosen)})
            (self.extra if source == "fer2013plus" else self.rows).extend((k, i) for i in np.flatnonzero(chosen))
            self.labels.append({key: table[key] for key in ("mesh", "mesh_once", "presence", "tongue", "spread", "blendshapes")})
        if part == "train":
            self.backgrounds = dict(np.load(work / "backgrounds.npz"))
            self.add_renders(work)

    def __len__(self) -> int:
        return len(self.rows) + (EXTRA if self.extra else 0) + (RENDERED if self.renders else 0)

    def __getitem__(self, index: int) -> dict[str, np.ndarray]:
        rng = np.random.default_rng([self.epoch, index]) if self.augment else None
        if index >= len(self.rows) + EXTRA:
            return self.rendered(rng)
        k, i = self.rows[index] if index < len(self.rows) else self.extra[rng.integers(len(self.extra))]
        if rng is not None and rng.random() < 0.1:
            return self.background(rng)
        label = {key: v[i] for key, v in self.labels[k].items()}
        mesh = label["mesh"] if self.augment else label["mesh_once"]
        transform = crop_transform(mesh, rng)
        points = align.apply(transform[None], mesh[None])[0] / SIZE
        if rng is None:
            image = align.warp(self.images[k][i], transform, SIZE)
        else:
            image = fill_outside(self.images[k][i], transform, rng, self.other(rng))
            if rng.random() < 0.5:
                image = image[:, ::-1]
                points = (points * [-1, 1, 1] + [(SIZE - 1) / SIZE, 0, 0])[self.mirror].astype(np.float32)
            image = degrade(np.ascontiguousarray(image), rng, self.other(rng))
        weight = float(label["presence"] > 0.3) / (1 + 30 * label["spread"])
        return sample(image, points, weight, float(label["presence"]), float(label["tongue"]))

    def add_renders(self, work: Path) -> None:
        """Rendered heads with the true places of the points, if tools/make_renders.py has made them."""
        if not (work / "renders.npz").exists():
            return
        self.renders = dict(np.load(work / "renders.npz"))
        spread = np.load(work / "points478.npz")["spread_cm"]
        # points that the teacher lets slide along the outline have no one place on the head
        self.firm = np.clip((0.12 / spread) ** 2, 0.02, 1).astype(np.float32)[:, None]
        mesh = self.labels[0]["mesh"]
        side = np.ptp(mesh[..., :2], axis=1).max(1)
        self.middle_z = float(np.median(mesh[..., 2].mean(1) / side))

    def rendered(self, rng: np.random.Generator) -> dict[str, np.ndarray]:
        i = rng.integers(len(self.renders["image"]))
        mesh = self.renders["points"][i].copy()
        mesh[:, 2] += self.middle_z * np.ptp(mesh[:, :2], axis=0).max()
        transform = crop_transform(mesh, rng)
        points = align.apply(transform[None], mesh[None])[0] / SIZE
        image, firm = fill_outside(self.renders["image"][i], transform, rng, self.other(rng)), self.firm
        if rng.random() < 0.5:
            image = image[:, ::-1]
            points = (points * [-1, 1, 1] + [(SIZE - 1) / SIZE, 0, 0])[self.mirror].astype(np.float32)
            firm = firm[self.mirror]
        image = degrade(np.ascontiguousarray(image), rng, self.other(rng))
        tongue = float(self.renders["shapes"][i, ARKIT_52.index("tongueOut")])
        return sample(image, points, 1.0, 1.0, tongue) | {"firm": firm}

    def background(self, rng: np.random.Generator) -> dict[str, np.ndarray]:
        i = rng.integers(len(self.backgrounds["presence"]))
        image = cv2.resize(self.backgrounds["chips"][i], (SIZE, SIZE), interpolation=cv2.INTER_AREA)
        image = degrade(image, rng, self.other(rng))
        return sample(image, np.zeros((478, 3), np.float32), 0.0, float(self.backgrounds["presence"][i]), -1.0)

    def other(self, rng: np.random.Generator) -> np.ndarray:
        """A background, to lay over or around a face."""
        return cv2.resize(self.backgrounds["chips"][rng.integers(len(self.backgrounds["chips"]))], (SIZE, SIZE))


FIRM = np.ones((478, 1), np.float32)


def sample(image: np.ndarray, points: np.ndarray, weight: float, presence: float, tongue: float) -> dict[str, np.ndarray]:
    x = image.astype(np.float32).transpose(2, 0, 1) / 127.5 - 1
    return {
        "x": x,
        "points": points.astype(np.float32),
        "logits": np.float32([presence, tongue]),
        "weight": np.float32(weight),
        "firm": FIRM,
    }


def crop_transform(mesh: np.ndarray, rng: np.random.Generator | None) -> np.ndarray:
    """Chip to crop: the square that the product cuts around a mesh, jittered for training."""
    low, high = mesh[:, :2].min(0), mesh[:, :2].max(0)
    side, centre, angle = CROP_SCALE * max(high - low), (low + high) / 2, 0.0
    if rng is not None:
        wide = rng.random() < 0.3
        angle = rng.uniform(-0.5, 0.5) if wide else rng.normal(0, 0.1)
        centre = centre + side * (rng.uniform(-0.12, 0.12, 2) if wide else rng.normal(0, 0.03, 2))
        side = side * np.exp(rng.uniform(-0.25, 0.3) if wide else rng.normal(0, 0.06))
    return align.square_crop(centre[None], np.array([side]), np.array([angle]), SIZE)[0]


def fill_outside(image: np.ndarray, transform: np.ndarray, rng: np.random.Generator, other: np.ndarray) -> np.ndarray:
    """Cut the crop; what lies outside the picture becomes black, its edge drawn out, its reflection or a background.

    The pictures are cut close around the faces: were the outside always black, the network would read the place of the
    face from the border.
    """
    kind = rng.choice(4, p=[0.2, 0.3, 0.2, 0.3])
    if kind == 0:
        return align.warp(image, transform, SIZE)
    modes = {1: cv2.BORDER_REPLICATE, 2: cv2.BORDER_REFLECT, 3: cv2.BORDER_CONSTANT}
    crop = cv2.warpAffine(image, transform, (SIZE, SIZE), flags=cv2.INTER_LINEAR, borderMode=modes[kind])
    if kind == 3:
        inside = cv2.warpAffine(np.full(image.shape[:2], 255, np.uint8), transform, (SIZE, SIZE), flags=cv2.INTER_LINEAR)
        share = (inside.astype(np.float32) / 255)[..., None]
        if rng.random() < 0.5:  # also soften the seam
            share = cv2.GaussianBlur(share, (0, 0), float(rng.uniform(1, 6)))[..., None] * (share > 0)
        crop = (crop * np.minimum(share, 1) + other * (1 - share)).astype(np.uint8)
    return crop


def degrade(image: np.ndarray, rng: np.random.Generator, other: np.ndarray) -> np.ndarray:
    """What cameras, light, files and hands do to a face. uint8 in, uint8 out."""
    if rng.random() < 0.25:
        image = occlude(image, rng, other)
    if rng.random() < 0.15:
        image = cut_off(image, rng)
    if rng.random() < 0.35:
        small = int(np.exp(rng.uniform(np.log(20), np.log(110))))
        image = cv2.resize(image, (small, small), interpolation=cv2.INTER_AREA)
        image = cv2.resize(image, (SIZE, SIZE), interpolation=int(rng.choice([cv2.INTER_LINEAR, cv2.INTER_CUBIC])))
    if rng.random() < 0.15:
        image = motion(image, rng)
    if rng.random() < 0.3:
        image = cv2.cvtColor(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    if rng.random() < 0.8:
        image = cv2.LUT(image, tone_curves(rng, float(image.mean())))
    if rng.random() < 0.2:
        ramp = 1 + rng.uniform(-0.6, 0.6) * np.linspace(-1, 1, SIZE, dtype=np.float32)
        plane = np.ascontiguousarray(np.broadcast_to(ramp[:, None] if rng.random() < 0.4 else ramp, (SIZE, SIZE)))
        image = cv2.multiply(image, cv2.merge([plane] * 3), dtype=cv2.CV_8U)
    if rng.random() < 0.3:
        cv2.setRNGSeed(int(rng.integers(1 << 31)))
        noise = np.empty((SIZE, SIZE, 3), np.int16)
        cv2.randn(noise, (0, 0, 0), (float(rng.uniform(2, 14)),) * 3)
        image = cv2.add(image, noise, dtype=cv2.CV_8U)
    if rng.random() < 0.2:
        image = cv2.imdecode(
            cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(20, 80))])[1], cv2.IMREAD_COLOR
        )
    return image


def tone_curves(rng: np.random.Generator, mean: float) -> np.ndarray:
    """Gamma, contrast about the mean, brightness and colour cast, as one table for cv2.LUT: (256, 1, 3) uint8."""
    curve = 255 * np.linspace(0, 1, 256) ** np.exp(rng.normal(0, 0.3))
    curve = (curve - mean) * np.exp(rng.normal(0, 0.2)) + mean + rng.normal(0, 15)
    return np.clip(curve[:, None, None] + rng.normal(0, 6, 3), 0, 255).astype(np.uint8)


def occlude(image: np.ndarray, rng: np.random.Generator, other: np.ndarray) -> np.ndarray:
    """Lay a patch of another picture, or of one colour, over a part of the face."""
    mask = np.zeros(image.shape[:2], np.uint8)
    centre, axes = rng.integers(0, SIZE, 2), rng.integers(8, 40, 2)
    if rng.random() < 0.5:
        cv2.ellipse(mask, centre.tolist(), axes.tolist(), float(rng.uniform(0, 180)), 0, 360, 1, -1)
    else:
        cv2.rectangle(mask, (centre - axes).tolist(), (centre + axes).tolist(), 1, -1)
    patch = other if rng.random() < 0.7 else np.full_like(image, rng.integers(0, 256, 3))
    return np.where(mask[..., None] > 0, patch, image)


def cut_off(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Black beyond a border of the frame."""
    image = image.copy()
    edge = int(rng.uniform(0.05, 0.35) * SIZE)
    view = [image[:edge], image[-edge:], image[:, :edge], image[:, -edge:]][rng.integers(4)]
    view[:] = 0
    return image


def motion(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Blur along a random direction."""
    length = int(rng.integers(3, 10))
    kernel = np.zeros((length, length), np.float32)
    angle, half = rng.uniform(0, np.pi), (length - 1) / 2
    tip = half * np.array([np.cos(angle), np.sin(angle)])
    cv2.line(kernel, np.round(half - tip).astype(int).tolist(), np.round(half + tip).astype(int).tolist(), 1.0)
    return cv2.filter2D(image, -1, kernel / kernel.sum())


def mirror_order(work: Path) -> np.ndarray:
    """For each point the one that takes its place in a mirrored face, from the mean face of the teacher."""
    table = np.load(work / "fairface.npz")
    mesh = table["mesh"][(table["presence"] > 0.9) & (table["spread"] < 0.03)]
    low, high = mesh[..., :2].min(1, keepdims=True), mesh[..., :2].max(1, keepdims=True)
    mean = np.mean((mesh[..., :2] - (low + high) / 2) / (high - low).max(-1, keepdims=True), 0)
    depth = np.mean(mesh[..., 2:] / (high - low).max(-1, keepdims=True), 0)
    face = np.concatenate([mean, depth], 1)
    face[:, 0] -= face[[10, 152, 1, 0, 168], 0].mean()
    distance = np.linalg.norm(face[:, None] * [-1, 1, 1] - face[None], axis=-1)
    # iris points lie on top of eyelid points from the front: match the two groups apart
    distance[:468, 468:] = distance[468:, :468] = np.inf
    order = distance.argmin(1)
    if not (order[order] == np.arange(478)).all():
        bad = np.flatnonzero(order[order] != np.arange(478))
        raise RuntimeError(f"the mirror order is not its own inverse at points {bad.tolist()}")
    return order


# where small movements carry the most meaning: (points, weight)
LIDS = [33, 7, 163, 144, 145, 153, 154, 155, 133, 246, 161, 160, 159, 158, 157, 173]
LIDS += [263, 249, 390, 373, 374, 380, 381, 382, 362, 466, 388, 387, 386, 385, 384, 398]
LIPS = [61, 185, 40, 39, 37, 0, 267, 269, 270, 409, 291, 375, 321, 405, 314, 17, 84, 181, 91, 146]
LIPS += [78, 191, 80, 81, 82, 13, 312, 311, 310, 415, 308, 324, 318, 402, 317, 14, 87, 178, 88, 95]
BROWS = [70, 63, 105, 66, 107, 46, 53, 52, 65, 55, 300, 293, 334, 296, 336, 276, 283, 282, 295, 285]


def point_weights() -> Tensor:
    weight = torch.ones(478, 1)
    weight[LIDS] = weight[LIPS] = 3.0
    weight[BROWS] = 2.0
    weight[468:] = 4.0
    return weight / weight.mean() * torch.tensor([1.0, 1.0, 0.4])


def objective(weights: Tensor):
    groups = [torch.tensor(g) for g in (LIDS[:16] + list(range(468, 473)), LIDS[16:] + list(range(473, 478)), LIPS)]

    def loss(model: nn.Module, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        out = model(batch["x"].to(memory_format=torch.channels_last))
        points, target, w = out["points"].float(), batch["points"], batch["weight"]
        total = w.sum().clamp_min(1e-6)
        gap = (points - target).abs()
        place = ((gap * weights * batch["firm"]).mean((1, 2)) * w).sum() / total
        # the shape of eyes and mouth, whatever their place: opening of lids and lips, iris in the eye
        shape = torch.zeros(())
        for g in groups:
            a, b = points[:, g, :2], target[:, g, :2]
            shape = shape + (((a - a.mean(1, keepdim=True)) - (b - b.mean(1, keepdim=True))).abs().mean((1, 2)) * w).sum() / total
        presence = F.binary_cross_entropy_with_logits(out["presence"].float(), batch["logits"][:, 0])
        known = batch["logits"][:, 1] >= 0
        tongue = F.binary_cross_entropy_with_logits(out["tongue"].float()[known], batch["logits"][known, 1])
        return {
            "loss": 100 * place + 60 * shape + 3 * presence + tongue,
            "place": place,
            "shape": shape,
            "presence": presence,
            "tongue": tongue,
        }

    return loss


@torch.no_grad()
def measure(model: nn.Module, data: Faces, min_presence: float = 0.5) -> dict[str, float]:
    """Error to the teacher's standard crop in percent of the distance between the outer eye corners."""
    model.eval()
    device = next(model.parameters()).device
    errors, eyes, presence, wanted = [], [], [], []
    for batch in DataLoader(data, 256):
        out = model(batch["x"].to(device))
        target = batch["points"]
        scale = (target[:, 33, :2] - target[:, 263, :2]).norm(dim=-1)
        gap = (out["points"].float().cpu() - target)[..., :2].norm(dim=-1) / scale[:, None]
        chosen = batch["logits"][:, 0] > min_presence
        errors.append(gap.mean(1)[chosen])
        eyes.append(gap[:, LIDS + list(range(468, 478))].mean(1)[chosen])
        presence.append(out["presence"].float().cpu().sigmoid())
        wanted.append(batch["logits"][:, 0])
    error, presence, wanted = torch.cat(errors), torch.cat(presence), torch.cat(wanted)
    agree = ((presence > 0.5) == (wanted > 0.5)).float().mean()
    return {
        "error_percent": 100 * float(error.mean()),
        "error_percent_median": 100 * float(error.median()),
        "eyes_percent": 100 * float(torch.cat(eyes).mean()),
        "over_10_percent": 100 * float((error > 0.1).float().mean()),
        "presence_agreement": float(agree),
        "n": len(error),
    }


class Batches:
    def __init__(self, data: Faces, workers: int) -> None:
        self.data, self.workers = data, workers

    def __call__(self, epoch: int) -> Iterator:
        self.data.epoch = epoch
        order = torch.Generator().manual_seed(epoch)
        return iter(
            DataLoader(
                self.data, BATCH, shuffle=True, drop_last=True, num_workers=self.workers, generator=order, prefetch_factor=4
            )
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--epochs", type=int, default=60)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--out", default="mesh")
    args = parser.parse_args()
    start = time.time()
    torch.manual_seed(0)
    cv2.setNumThreads(1)
    mirror = mirror_order(args.work)
    train, val, test = (Faces(args.data, args.work, p, mirror) for p in ("train", "val", "test"))
    print(f"{len(train)} training, {len(val)} validation, {len(test)} test faces", flush=True)
    plan = loop.Plan(epochs=args.epochs)
    out = args.work / args.out
    model = loop.fit(
        MeshNet(SIZE),
        plan,
        Batches(train, args.workers),
        len(train) // BATCH,
        objective(point_weights()),
        lambda m: measure(m, val),
        out,
        every=2,
    )
    figures = measure(model, test)
    print("test", figures)
    torch.save(model.state_dict(), out / "final.pt")
    write_onnx(model, {"image": torch.zeros(2, 3, SIZE, SIZE)}, ["points", "presence", "tongue"], out / "mesh.onnx")
    data = {name: loop.digest([args.work / name]) for name in ("fairface.npz", "lfw.npz", "fer2013plus.npz")}
    counts = {"train": len(train), "val": len(val), "test": len(test)}
    loop.write_record(
        out / "record.json", "mesh", figures, data, [plan.seed], time.time() - start, faces=counts, crop_scale=CROP_SCALE
    )


if __name__ == "__main__":
    main()
