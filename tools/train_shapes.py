"""Train the blendshape network: the teacher's scores of real and of made-up meshes, and known shapes of rendered heads.

    python tools/train_shapes.py --data DATA --work WORK [--renders]

Made-up meshes are mixes of two real ones in the head frame, turned at random; the teacher scores them too. The teacher
never fires for some shapes (BLIND): they are learned from renders with known coefficients, whose points came from the
product's own mesh network (tools/make_renders.py); without --renders they stay at 0. About ten minutes on two cores.
"""

from __future__ import annotations

import argparse
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

import loop
from mien.geometry import mesh as points
from mien.geometry import pose
from mien.labels import ARKIT_52
from mien.nn.shapes import ShapeNet
from mien.runtime.models import face_data
from mien.stages.shapes import features
from mien.train.export import write_onnx
from teach import Teachers
from train_mesh import mirror_order, part_of, publictest_rows

BATCH = 512
BLIND = ("cheekPuff", "cheekSquintLeft", "cheekSquintRight", "noseSneerLeft", "noseSneerRight", "jawForward")
RARE = 0.3  # weight of "the teacher shows none" for the shapes that it cannot show
MIRROR = [ARKIT_52.index(n.replace("Left", "#").replace("Right", "Left").replace("#", "Right")) for n in ARKIT_52.names]
# jawLeft / mouthLeft name a direction, which a mirror turns round just the same


def real(data: Path, work: Path, part: str, sources: tuple[str, ...]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Meshes, scores in our order, spread of the teacher's repeats."""
    meshes, scores, spread = [], [], []
    names = Teachers(data).names
    for source in sources:
        table = np.load(work / f"{source}.npz")
        if source == "fer2013plus":
            public = publictest_rows(data)
            chosen = np.array([(part == "train") and f not in public for f in table["files"]])
        else:
            chosen = np.array([part_of(source, f) == part for f in table["files"]])
        chosen &= table["presence"] > 0.5
        meshes.append(table["mesh_once"][chosen])
        scores.append(reorder(table["blendshapes"][chosen], names))
        spread.append(table["spread"][chosen])
    return np.concatenate(meshes), np.concatenate(scores), np.concatenate(spread)


def reorder(scores: np.ndarray, names: list[str]) -> np.ndarray:
    """The teacher's 52 columns to arkit-52: its _neutral is dropped, tongueOut is not its to say."""
    out = np.zeros((len(scores), len(ARKIT_52)), np.float32)
    for i, name in enumerate(names):
        if name in ARKIT_52:
            out[:, ARKIT_52.index(name)] = scores[:, i]
    return out


def mixed(meshes: np.ndarray, count: int, seed: int) -> np.ndarray:
    """Made-up meshes: mixes of two faces in the head frame, in a random pose, orthographic. (count, 478, 3) pixels"""
    rng, face = np.random.default_rng(seed), face_data()
    front = np.concatenate(
        [points.head_frame(part, face["canonical"], face["rigidity"])[0] for part in np.array_split(meshes, 50)]
    )
    a, b = rng.integers(len(front), size=(2, count))
    t = rng.uniform(-0.4, 1.4, (count, 1, 1)).astype(np.float32)
    t = np.where(rng.random((count, 1, 1)) < 0.3, 0, t)
    shape = (1 - t) * front[a] + t * front[b] + rng.normal(0, 0.02, (count, 478, 3)) * (rng.random((count, 1, 1)) < 0.3)
    turn = pose.matrix(rng.normal(0, [0.25, 0.4, 0.2], (count, 3)))
    return (np.einsum("nij,nkj->nki", turn, shape) * rng.uniform(8, 20, (count, 1, 1)) + 200).astype(np.float32)


def score_share(job: tuple[Path, np.ndarray]) -> np.ndarray:
    data, meshes = job
    teachers = Teachers(data)
    return reorder(np.stack([teachers.blendshapes(m) for m in meshes]), teachers.names)


def both_ways(meshes: np.ndarray, scores: np.ndarray, mirror: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Faces and their mirror images."""
    flipped = (meshes * [-1, 1, 1])[:, mirror]
    return np.concatenate([meshes, flipped]).astype(np.float32), np.concatenate([scores, scores[:, MIRROR]])


def with_renders(path: Path, x: np.ndarray, y: np.ndarray, mask: np.ndarray, mirror: np.ndarray) -> tuple[np.ndarray, ...]:
    """Add rendered heads, whose every shape is known, as often as they are needed to be a fifth of what is seen.

    ``path`` holds ``mesh``, the product's own points of the pictures (see ``render_points``), not the true ones: the
    network is to learn what those points show.
    """
    table = np.load(path)
    good = (table["presence"] > 0.7) & (np.abs(table["pose"][:, 1]) < 0.8)
    meshes, shapes = both_ways(table["mesh"][good], table["shapes"][good], mirror)
    known = np.zeros((len(shapes), len(ARKIT_52)), np.float32)
    # of the shapes that the teacher knows it has the last word on real faces: renders count a little there
    known[:] = 0.3
    known[:, [ARKIT_52.index(n) for n in BLIND]] = 1
    known[:, ARKIT_52.index("tongueOut")] = 0
    times = max(1, round(0.25 * len(x) / len(meshes)))
    again = [np.concatenate([a, *[b] * times]) for a, b in ((x, all_features(meshes)), (y, shapes), (mask, known))]
    return tuple(again)


def render_points(work: Path) -> Path:
    """The product's meshes of WORK/renders.npz, kept in WORK/render-points.npz."""
    out = work / "render-points.npz"
    if not out.exists():
        from calibrate import fitted

        table = np.load(work / "renders.npz")
        mesh, presence = fitted(table["image"], table["points"])
        np.savez(out, mesh=mesh, presence=presence, shapes=table["shapes"], pose=table["pose"])
    return out


def all_features(meshes: np.ndarray) -> np.ndarray:
    return np.concatenate([features(part) for part in np.array_split(meshes, max(1, len(meshes) // 2000))])


class Batches:
    """Random batches of (x, y, mask, weight) rows."""

    def __init__(self, x: np.ndarray, y: np.ndarray, mask: np.ndarray, length: int) -> None:
        self.x, self.y, self.mask, self.length = x, y, mask, length

    def __call__(self, epoch: int):
        rng = np.random.default_rng([5, epoch])
        for _ in range(self.length):
            i = rng.integers(len(self.x), size=BATCH)
            x = self.x[i] + rng.normal(0, 0.004, (BATCH, self.x.shape[1])).astype(np.float32)
            yield tuple(torch.from_numpy(v) for v in (x, self.y[i], self.mask[i]))


def loss(model: nn.Module, batch: tuple[Tensor, ...]) -> dict[str, Tensor]:
    x, y, mask = batch
    out = model(x)["scores"].float()
    far = ((out - y).abs() * mask).sum() / mask.sum()
    # most shapes are near zero most of the time: strong ones count more
    strong = ((out - y).square() * mask * (1 + 4 * y)).sum() / mask.sum()
    return {"loss": far + 4 * strong, "mae": far}


@torch.no_grad()
def measure(model: nn.Module, x: np.ndarray, y: np.ndarray) -> dict[str, float]:
    model.eval()
    out = model(torch.from_numpy(x))["scores"].numpy()
    live = [i for i, n in enumerate(ARKIT_52.names) if n not in BLIND and n != "tongueOut"]
    spread = y[:, live].std(0) > 0.02
    r = [np.corrcoef(out[:, i], y[:, i])[0, 1] for i, s in zip(live, spread) if s]
    return {
        "mae": float(np.abs(out - y)[:, live].mean()),
        "mean_correlation": float(np.mean(r)),
        "constant_mae": float(np.abs(y - np.median(y, 0))[:, live].mean()),
        "n": len(x),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--renders", action="store_true", help="learn from WORK/renders.npz what the teacher never shows")
    parser.add_argument("--mixed", type=int, default=100_000)
    parser.add_argument("--epochs", type=int, default=40)
    parser.add_argument("--out", default="shapes")
    args = parser.parse_args()
    start, out = time.time(), args.work / args.out
    torch.manual_seed(0)
    mirror = mirror_order(args.work)
    meshes, scores, _ = real(args.data, args.work, "train", ("fairface", "lfw", "fer2013plus"))
    cache = args.work / "mixed.npz"
    if not cache.exists():
        made = mixed(meshes, args.mixed, 3)
        with ProcessPoolExecutor(2) as pool:
            labels = np.concatenate(list(pool.map(score_share, [(args.data, part) for part in np.array_split(made, 8)])))
        np.savez(cache, meshes=made, scores=labels)
    table = np.load(cache)
    meshes, scores = both_ways(np.concatenate([meshes, table["meshes"]]), np.concatenate([scores, table["scores"]]), mirror)
    mask = np.ones_like(scores)
    mask[:, ARKIT_52.index("tongueOut")] = 0
    if args.renders:
        # most real faces do not sneer or puff: without this weak pull to zero, renders alone let those shapes fire on calm faces
        mask[:, [ARKIT_52.index(n) for n in BLIND]] = RARE
    x, val = all_features(meshes), real(args.data, args.work, "val", ("fairface", "lfw"))
    if args.renders:
        x, scores, mask = with_renders(render_points(args.work), x, scores, mask, mirror)
    batches = Batches(x, scores, mask, 400)
    plan = loop.Plan(epochs=args.epochs, rate=1e-3, decay=1e-4, precision="fp32")
    model = loop.fit(ShapeNet(), plan, batches, 400, loss, lambda m: measure(m, all_features(val[0]), val[1]), out, every=4)
    test = real(args.data, args.work, "test", ("fairface", "lfw"))
    figures = measure(model, all_features(test[0]), test[1])
    print("test", figures)
    write_onnx(model, {"points": torch.zeros(2, x.shape[1])}, ["scores"], out / "shapes.onnx")
    data = {name: loop.digest([args.work / name]) for name in ("fairface.npz", "lfw.npz", "fer2013plus.npz", "mixed.npz")}
    loop.write_record(out / "record.json", "shapes", figures, data, [plan.seed], time.time() - start)


if __name__ == "__main__":
    main()
