"""Measure the shipped networks through the product's own code and write run records.

    python tools/evaluate.py mesh shapes expression units gaze --data DATA --work WORK [--out benchmarks/runs]

Test parts only: persons (LFW) and pictures (FairFace) that no network was trained on, PublicTest of FER2013, rendered heads of
seeds of their own (WORK/renders-test.npz, tools/make_renders.py --seed 2, and WORK/paired-test.npz, tools/make_paired.py
--first 100).
"""

from __future__ import annotations

import argparse
import itertools
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np

import loop
from calibrate import fitted
from mien.geometry import pose
from mien.labels import ACTION_UNITS, ARKIT_52, FER_7, FERPLUS_8, UNITS
from mien.metrics.intervals import wilson
from mien.pipelines import Image, Options
from mien.runtime.models import runner
from mien.stages import units
from mien.stages.pose import pose_and_gaze
from mien.stages.shapes import Blendshapes
from mien.types import Faces, Frame
from teach import Teachers, decode, pictures
from train_expression import Fer
from train_mesh import part_of
from train_shapes import BLIND, reorder


def test_faces(data: Path, work: Path) -> tuple[list[np.ndarray], dict[str, np.ndarray]]:
    """Pictures and the teachers' labels of the test part, where the teacher is sure of a face."""
    images, columns = [], {}
    names = Teachers(data).names
    for source in ("fairface", "lfw"):
        table, blobs = np.load(work / f"{source}.npz"), dict(pictures(data, source))
        chosen = np.flatnonzero(np.array([part_of(source, f) == "test" for f in table["files"]]) & (table["presence"] > 0.5))
        images += [decode(blobs[table["files"][i]]) for i in chosen]
        rows = {
            "mesh": table["mesh_once"][chosen],
            "spread": table["spread"][chosen],
            "lfw": np.full(len(chosen), source == "lfw"),
        }
        rows["shapes"] = reorder(table["blendshapes"][chosen], names)
        for key, value in rows.items():
            columns.setdefault(key, []).append(value)
    return images, {key: np.concatenate(value) for key, value in columns.items()}


def percent(found: np.ndarray, wanted: np.ndarray, depth: bool) -> np.ndarray:
    """(n, 478) distance in the picture in percent of the distance of the outer eye corners, in the picture or in space."""
    corners = wanted[:, 33] - wanted[:, 263]
    size = np.linalg.norm(corners if depth else corners[:, :2], axis=1)
    return 100 * np.linalg.norm((found - wanted)[..., :2], axis=-1) / size[:, None]


def mesh(data: Path, work: Path) -> dict:
    images, truth = test_faces(data, work)
    found, presence = fitted(images, truth["mesh"])
    product, hit = Image(Options()), np.zeros(len(images), bool)
    whole = np.full_like(found, np.nan)
    for i, image in enumerate(images):
        frame = product(Frame(image, 0.0, 0, Faces.none()))
        if frame.faces.mesh is None or not len(frame.faces):
            continue
        gap = np.linalg.norm(frame.faces.mesh[..., :2].mean(1) - truth["mesh"][i][:, :2].mean(0), axis=1)
        best, size = int(np.nanargmin(gap)), np.ptp(truth["mesh"][i][:, 0])
        if gap[best] < 0.3 * size:
            hit[i], whole[i] = True, frame.faces.mesh[best]
    out: dict[str, object] = {"n": len(images), "found_by_the_detector": int(hit.sum())}
    groups = {"all": np.ones(len(images), bool), "lfw": truth["lfw"], "fairface": ~truth["lfw"]}
    for name, chosen in groups.items():
        rows: dict[str, object] = {"n": int(chosen.sum())}
        for label, depth in (("in_picture", False), ("in_space", True)):
            error = percent(found[chosen], truth["mesh"][chosen], depth).mean(1)
            rows[f"eye_distance_{label}"] = {
                "mean_percent": float(error.mean()),
                "median_percent": float(np.median(error)),
                "p95_percent": float(np.percentile(error, 95)),
            }
        both = chosen & hit
        rows["whole_product"] = {
            "n": int(both.sum()),
            "mean_percent": float(percent(whole[both], truth["mesh"][both], True).mean()),
            "median_percent": float(np.median(percent(whole[both], truth["mesh"][both], True).mean(1))),
            "mean_percent_in_picture": float(percent(whole[both], truth["mesh"][both], False).mean()),
        }
        constant = np.median(np.concatenate([truth["mesh"][chosen]]), 0)
        rows["constant_percent"] = float(
            percent(np.broadcast_to(constant, truth["mesh"][chosen].shape), truth["mesh"][chosen], True).mean()
        )
        out[name] = rows
    out["presence_above_half"] = float((presence > 0.5).mean())
    out["teacher_repeats_itself_within_percent"] = float(100 * np.mean(truth["spread"]))
    return out


def shapes(data: Path, work: Path) -> dict:
    images, truth = test_faces(data, work)
    found, _ = fitted(images, truth["mesh"])
    scores = Blendshapes(runner("shapes")).score(found).values
    live = [k for k, n in enumerate(ARKIT_52.names) if n not in BLIND and n != "tongueOut"]
    gap = np.abs(scores - truth["shapes"])[:, live]
    moving = [k for k in live if truth["shapes"][:, k].std() > 0.02]
    r = {ARKIT_52.names[k]: round(float(np.corrcoef(scores[:, k], truth["shapes"][:, k])[0, 1]), 3) for k in moving}
    constant = np.abs(np.median(truth["shapes"], 0) - truth["shapes"])[:, live]
    return {
        "n": len(images),
        "shapes": len(live),
        "mae": float(gap.mean()),
        "constant_mae": float(constant.mean()),
        "worst": {ARKIT_52.names[live[k]]: round(float(gap[:, k].mean()), 3) for k in np.argsort(-gap.mean(0))[:6]},
        "mean_correlation": float(np.mean(list(r.values()))),
        "correlation": r,
    }


def expression(data: Path, work: Path) -> dict:
    table = Fer(data, work, "test", 0.0)
    product, probabilities, seven, found = Image(Options()), [], [], 0
    stage = next(s for s in product.readers if type(s).__name__ == "Expression")
    for picture in table.images:
        image = cv2.cvtColor(picture, cv2.COLOR_GRAY2RGB)
        frame = product(Frame(image, 0.0, 0, Faces.none()))
        meshes = frame.faces.mesh if frame.faces.mesh is not None else np.zeros((0, 478, 3))
        if len(meshes):
            found += 1
            best = int(np.argmax([np.ptp(m[:, 0]) * np.ptp(m[:, 1]) for m in meshes]))
            logits = stage.logits(image, meshes[best : best + 1])
        else:
            logits = stage.logits_of_whole(image)
        probabilities.append(logits["ferplus"][0])
        seven.append(logits["fer"][0])
    plus, fer = np.array(probabilities), np.array(seven)
    known = table.majority >= 0
    right, right_fer = plus.argmax(1) == table.majority, fer.argmax(1) == table.fer
    out: dict[str, object] = {"faces_found": found, "n_pictures": len(plus)}
    for name, rows in (("ferplus_all", known), ("ferplus_clean", known & table.clean)):
        most = int(np.bincount(table.majority[rows]).argmax())
        out[name] = share(right[rows]) | {
            "constant": float((table.majority[rows] == most).mean()),
            "per_class": per_class(right[rows], table.majority[rows], FERPLUS_8.names),
        }
    for name, rows in (("fer_all", np.ones(len(fer), bool)), ("fer_clean", table.clean)):
        most = int(np.bincount(table.fer[rows]).argmax())
        out[name] = share(right_fer[rows]) | {
            "constant": float((table.fer[rows] == most).mean()),
            "per_class": per_class(right_fer[rows], table.fer[rows], FER_7.names),
        }
    soft = np.exp(plus / stage.temperature - (plus / stage.temperature).max(1, keepdims=True))
    out["calibration_error_clean"] = calibration(soft / soft.sum(1, keepdims=True), table.majority, known & table.clean)
    return out


def share(right: np.ndarray) -> dict:
    low, high = wilson(int(right.sum()), len(right))
    return {"accuracy": float(right.mean()), "low": low, "high": high, "n": len(right)}


def per_class(right: np.ndarray, wanted: np.ndarray, names: tuple[str, ...]) -> dict[str, float]:
    return {n: round(float(right[wanted == k].mean()), 3) for k, n in enumerate(names) if (wanted == k).any()}


def calibration(probabilities: np.ndarray, wanted: np.ndarray, rows: np.ndarray, bins: int = 15) -> float:
    """Expected calibration error: mean gap of confidence and accuracy in equal bins of confidence, weighted by their size."""
    best, right = probabilities[rows].max(1), probabilities[rows].argmax(1) == wanted[rows]
    place = np.minimum((best * bins).astype(int), bins - 1)
    return float(
        sum(
            abs(best[place == b].mean() - right[place == b].mean()) * (place == b).mean()
            for b in range(bins)
            if (place == b).any()
        )
    )


def rendered(work: Path, name: str = "renders-test.npz") -> tuple[dict[str, np.ndarray], Faces]:
    """A table of renders and what the product reads from their pictures."""
    table = dict(np.load(work / name))
    found, presence = fitted(table["image"], table["points"])
    angles, gaze_found = pose_and_gaze(found)
    scores = Blendshapes(runner("shapes")).score(found)
    count = len(found)
    return table, Faces(
        np.zeros((count, 4)), np.ones(count), mesh=found, presence=presence, pose=angles, gaze=gaze_found, blendshapes=scores
    )


def unit_truth(shapes_true: np.ndarray, brows: np.ndarray) -> dict[str, np.ndarray]:
    """The known coefficient behind each unit and side, in [0, 1]."""
    pairs = {
        "AU02": "browOuterUp*",
        "AU04": "browDown*",
        "AU05": "eyeWide*",
        "AU06": "cheekSquint*",
        "AU07": "eyeSquint*",
        "AU09": "noseSneer*",
        "AU10": "mouthUpperUp*",
        "AU12": "mouthSmile*",
        "AU14": "mouthDimple*",
        "AU15": "mouthFrown*",
        "AU17": "mouthShrugLower",
        "AU18": "mouthPucker",
        "AU20": "mouthStretch*",
        "AU22": "mouthFunnel",
        "AU24": "mouthPress*",
        "AU26": "jawOpen",
        "AU27": "jawOpen",
        "AU43": "eyeBlink*",
        "AU45": "eyeBlink*",
    }
    out: dict[str, np.ndarray] = {"AU01L": brows[:, 0], "AU01R": brows[:, 1], "AU01": brows.max(1)}
    for unit, name in pairs.items():
        if "*" in name:
            left, right = (shapes_true[:, ARKIT_52.index(name.replace("*", s))] for s in ("Left", "Right"))
            out |= {unit + "L": left, unit + "R": right, unit: np.maximum(left, right)}
        else:
            out[unit] = shapes_true[:, ARKIT_52.index(name)]
    roll = (shapes_true[:, ARKIT_52.index("mouthRollUpper")] + shapes_true[:, ARKIT_52.index("mouthRollLower")]) / 2
    return out | {"AU28": roll}


def unit_figures(data: Path, work: Path) -> dict:
    """Random renders: correlation with the known shape. Paired renders (one shape grows, all else alike): does it rise?"""
    table, faces = rendered(work)
    intensity, truth = units.read(faces), unit_truth(table["shapes"], table["brows"])
    near = np.abs(table["pose"][:, 1]) < 0.5
    rows = {}
    for unit, wanted in truth.items():
        values = intensity[:, UNITS.index(unit)]
        good = near & ~np.isnan(values)
        rows[unit] = {"correlation": round(float(np.corrcoef(values[good], wanted[good])[0, 1]), 3), "n": int(good.sum())}
    paired, seen = rendered(work, "paired-test.npz")
    levels = units.read(seen)
    for k, unit in enumerate(paired["unit"]):
        unit = str(unit)
        if unit in ACTION_UNITS:
            rows.setdefault(unit, {}).setdefault("steps", []).append(
                (int(paired["person"][k]), float(paired["amount"][k]), float(levels[k, UNITS.index(unit)]))
            )
    for row in rows.values():
        if "steps" in row:
            row |= steps(row.pop("steps"))
    return {"units": rows}


def steps(rows: list[tuple[int, float, float]]) -> dict:
    """Over persons: intensity at each amount, share of steps that do not fall, correlation within a person."""
    persons: dict[int, list[tuple[float, float]]] = {}
    for person, amount, value in rows:
        persons.setdefault(person, []).append((amount, value))
    kept, inside, by_amount = [], [], {}
    for pairs in persons.values():
        pairs.sort()
        values = [v for _, v in pairs]
        kept += [b >= a - 0.05 for a, b in itertools.pairwise(values)]
        if np.std(values) > 0:
            inside.append(float(np.corrcoef([a for a, _ in pairs], values)[0, 1]))
        for amount, value in pairs:
            by_amount.setdefault(round(amount, 2), []).append(value)
    return {
        "intensity_at": {str(a): round(float(np.nanmean(v)), 2) for a, v in sorted(by_amount.items())},
        "steps_not_falling": round(float(np.mean(kept)), 3),
        "correlation_within_person": round(float(np.mean(inside)), 3) if inside else None,
        "persons": len(persons),
    }


def gaze(data: Path, work: Path) -> dict:
    table, faces = rendered(work)
    wanted = pose.direction(table["gaze"][:, 0]) + pose.direction(table["gaze"][:, 1])
    found, angles = faces.gaze, faces.pose
    assert found is not None
    assert angles is not None
    good = ~np.isnan(found[:, 0]) & (np.abs(table["pose"][:, 1]) < 0.7)
    cosine = (pose.direction(np.nan_to_num(found)) * wanted / np.linalg.norm(wanted, axis=1, keepdims=True)).sum(1)
    error = np.degrees(np.arccos(np.clip(cosine, -1, 1)))[good]
    constant = np.degrees(
        np.arccos(
            np.clip(
                (pose.direction(np.float32(table["pose"][:, :2])) * wanted / np.linalg.norm(wanted, axis=1, keepdims=True)).sum(
                    1
                ),
                -1,
                1,
            )
        )
    )[good]
    turn = np.degrees(np.abs(angles - table["pose"]))
    out = {
        "gaze_error_degrees": {
            "mean": float(error.mean()),
            "median": float(np.median(error)),
            "along_the_head": float(constant.mean()),
            "n": int(good.sum()),
            "told": float(good.mean()),
        }
    }
    near = np.abs(table["pose"][:, 1]) < 0.8
    out["pose_error_degrees"] = {
        name: round(float(turn[near, k].mean()), 2) for k, name in enumerate(("pitch", "yaw", "roll"))
    } | {"n": int(near.sum())}
    out["pose_spread_degrees"] = {
        name: round(float(np.degrees(table["pose"][near, k]).std()), 2) for k, name in enumerate(("pitch", "yaw", "roll"))
    }
    return out


WHAT: dict[str, Callable[[Path, Path], dict]] = {
    "mesh": mesh,
    "shapes": shapes,
    "expression": expression,
    "units": unit_figures,
    "gaze": gaze,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", nargs="+", choices=list(WHAT))
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--out", type=Path)
    args = parser.parse_args()
    for name in args.what:
        start = time.time()
        figures = WHAT[name](args.data, args.work)
        print(name, figures, flush=True)
        if args.out:
            files = {
                "mesh": ("fairface", "lfw"),
                "shapes": ("fairface", "lfw"),
                "expression": ("fer2013plus",),
                "units": ("renders-test", "paired-test"),
                "gaze": ("renders-test",),
            }[name]
            data = {f: loop.digest([args.work / f"{f}.npz"]) for f in files}
            loop.write_record(args.out / f"{time.strftime('%Y-%m-%d')}-{name}.json", name, figures, data, [], time.time() - start)


if __name__ == "__main__":
    main()
