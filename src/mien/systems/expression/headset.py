"""HEADSET: expression under a head-mounted display, its removal from pictures, and coded point clouds, as three judged tasks.

"HEADSET: Human Emotion Awareness under Partial Occlusions, Multimodal Volumetric Dataset", IEEE TVCG 2023, arXiv:2402.09107.
27 persons act expressions while they speak, 11 of them with a display; networks and codecs known before are judged. What is here
are the measures (:mod:`mien.metrics.clouds`), and for each task something simple to stand beside: a visor drawn over any face
(:func:`visor`), with recall by its height (:func:`occlusion`); PSNR and SSIM of what it hid; D1, D2, Chamfer and Hausdorff of
clouds that were rounded to a grid of 2^bits cells. And how many pictures of a random division have the same recording on its
other side.

Simplified: which networks the paper compares could not be read, so none is here; LPIPS and FID ask for networks and are left out.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from ...attribution.lime import Predict
from ...datasets.headset import read, read_ply, scans
from ...datasets.labels import term
from ...datasets.layout import Place, rows
from ...datasets.sample import Sample
from ...datasets.splits import keys
from ...errors import InputError, unknown_name
from ...media.rgb import RGB
from ...metrics.classification import accuracy, macro_f1, recall
from ...metrics.clouds import chamfer, d1_psnr, d2_psnr, hausdorff, peak, psnr, ssim
from ...metrics.constant import constant_class
from ...metrics.inputs import Floats, known_mean
from ...metrics.table import NAN, Row, Table

Mask = NDArray[np.bool_]
HEIGHT = 0.6  # of the visor, in distances between the outer eye corners: from the brows to the middle of the nose [inferred]
GREY = 24  # of the visor
BITS = (6, 8, 10)  # of the grids to which clouds are rounded


# Occlusion ------------------------------------------------------------------------------------------------------------
def visor(shape: Sequence[int], eyes: ArrayLike, height: float = HEIGHT) -> Mask:
    """The pixels that a display hides: a rounded rectangle around the eyes, turned with the head.

    With d the distance of the outer eye corners, it is 1.3 d wide and ``height`` d high, five twelfths of it above the eyes.

    Args:
        shape: (h, w, ...) of the picture.
        eyes: (2, 2) x, y of the outer corners of the two eyes.
        height: in units of d, from 0, which hides nothing.

    Returns:
        (h, w) True where it hides.

    Raises:
        InputError: the corners are one point or no numbers, or the height is negative.
    """
    corners = np.asarray(eyes, np.float64)
    apart = float(np.linalg.norm(corners[1] - corners[0])) if corners.shape == (2, 2) else NAN
    if not 0 < apart < math.inf or height < 0:
        raise InputError(f"eyes {corners.tolist()}, height {height}", "two different points (x, y), and a height of 0 or more")
    if height == 0:
        return np.zeros(tuple(shape[:2]), np.bool_)
    right = (corners[1] - corners[0]) / apart
    right = right if right[0] >= 0 else -right  # whichever eye comes first, down is down
    down = np.array([-right[1], right[0]])
    half, low = np.array([0.65, height / 2]) * apart, height * apart / 12
    y, x = np.mgrid[: shape[0], : shape[1]]
    off = np.stack([x, y], -1) - corners.mean(0) - down * low
    radius = 0.5 * half.min()
    beyond = np.abs(np.stack([off @ right, off @ down], -1)) - half + radius
    return np.linalg.norm(np.maximum(beyond, 0), axis=-1) + np.minimum(beyond.max(-1), 0) <= radius


def cover(image: RGB, mask: Mask) -> RGB:
    """The picture with the display on: grey where the mask is True, all else as it was."""
    return np.where(mask[..., None], np.uint8(GREY), image)


def occlusion(predict: Predict, faces: Sequence[tuple[RGB, ArrayLike]], truth: ArrayLike, names: Sequence[str]) -> Table:
    """Accuracy and the recall of each class under visors of rising height, and how much a class loses to the highest.

    Faces are pictures of one size, each with its outer eye corners; the truth holds (n,) class codes of the names.
    """
    heights = (0.0, HEIGHT / 3, 2 * HEIGHT / 3, HEIGHT)
    table, found = [], []
    for height in heights:
        shown = np.stack([cover(image, visor(image.shape, eyes, height)) for image, eyes in faces])
        called = np.asarray(predict(shown)).argmax(1)
        own = recall(truth, called, len(names))
        found.append(own)
        most = constant_class(accuracy, truth, len(names))
        table.append(Row(f"accuracy(height {height:.1f})", accuracy(truth, called, len(names)), len(shown), most))
        table += [Row(f"recall({name}, height {height:.1f})", float(v), len(shown), NAN) for name, v in zip(names, own)]
    table += [Row(f"lost({name})", float(v), len(faces), 0.0) for name, v in zip(names, found[0] - found[-1])]
    return Table("headset/occlusion", tuple(table))


# Removal --------------------------------------------------------------------------------------------------------------
def _removal(found: Sequence[Sample], limit: int) -> Table:
    """The drawn display, taken off by two fillings without learning; the constant leaves it on."""
    chosen = [(sample, eyes) for sample in found if (eyes := sample.truth.landmarks) is not None][:limit]
    values: dict[str, list[float]] = {}
    for sample, eyes in chosen:
        image = sample.read()
        mask = visor(image.shape, eyes)
        if not mask.any() or mask.all():
            continue
        on, mean = cover(image, mask), image[~mask].mean(0).round().astype(np.uint8)
        filled = cv2.inpaint(on, mask.astype(np.uint8), 3, cv2.INPAINT_TELEA)
        ways = {"left on": on, "mean colour": np.where(mask[..., None], mean, image)}
        for way, answer in {**ways, "Telea": np.where(mask[..., None], filled, image)}.items():
            for name, value in (("PSNR hidden", psnr(answer, image, mask)), ("PSNR", psnr(answer, image))):
                values.setdefault(f"{name}({way})", []).append(value)
            values.setdefault(f"SSIM({way})", []).append(ssim(answer, image))
    left = {row.metric.partition("(")[0]: row.value for row in _means(values) if "left on" in row.metric}
    return Table("headset/removal", tuple(replace(r, constant=left[r.metric.partition("(")[0]]) for r in _means(values)))


def _means(values: Mapping[str, Sequence[float]]) -> list[Row]:
    """A row for the mean of each figure; what is equal has an infinite PSNR and is not counted in it."""
    finite = {name: [value for value in some if math.isfinite(value)] for name, some in values.items()}
    return [Row(name, known_mean(some), len(some), NAN) for name, some in finite.items()]


# Clouds ---------------------------------------------------------------------------------------------------------------
def rounded(points: Floats, bits: int) -> Floats:
    """A cloud on a grid of 2^bits cells along the longest side of its box, each occupied cell once: the plainest codec."""
    low, step = points.min(0), (peak(points) or 1.0) / (2**bits - 1)
    return np.unique(np.round((points - low) / step), axis=0) * step + low


def _clouds(root: Place, answers: Place | None, limit: int) -> Table:
    values: dict[str, list[float]] = {}
    for _, scan in zip(range(limit), scans(root)):
        points, directions = read_ply(scan.path)
        for name, coded in _coded(points, None if answers is None else Path(answers) / f"{scan.id}.ply"):
            p, kept = peak(points), len(coded) / len(points)
            figures = {"D1 PSNR": d1_psnr(points, coded, p), "D2 PSNR": d2_psnr(points, coded, p, directions)}
            figures |= {"Chamfer": chamfer(points, coded), "Hausdorff": hausdorff(points, coded), "points kept": kept}
            for word, value in figures.items():
                values.setdefault(f"{word}({name})", []).append(value)
    return Table("headset/clouds", tuple(_means(values)))


def _coded(points: Floats, answer: Path | None) -> Iterator[tuple[str, Floats]]:
    if answer is not None:
        yield "answers", read_ply(answer)[0]
    for bits in BITS:
        yield f"{bits} bits", rounded(points, bits)


# Figures --------------------------------------------------------------------------------------------------------------
def evaluate(root: Place, answers: Place | None = None, clouds: Place | None = None, limit: int = 100) -> list[Table]:
    """What is recorded, what a division shares, and the three tasks with plain answers.

    Args:
        root: folder with a folder for each person.
        answers: CSV of ``id,label`` from any classifier of the pictures.
        clouds: folder of reconstructed clouds ``<person>/<kind>/<expression>/<frame>.ply``.
        limit: pictures and clouds that are looked at, the first so many.
    """
    plain, both = list(read(root, "plain")), list(read(root, "all"))
    given = {} if answers is None else {row.text("id"): term(row.text("label")) for row in rows(Path(answers))}
    judged = [_expression(both, given)] if given else []
    return [_recorded(plain, both), _removal(plain, limit), _clouds(root, clouds, limit), *judged]


def _recorded(plain: Sequence[Sample], both: Sequence[Sample]) -> Table:
    own, names = {sample.id for sample in plain}, np.unique(keys(both))
    wearing = {sample.subject for sample in both if sample.id not in own}
    random = np.random.default_rng(0).permutation(len(both)) % 5 == 0
    by_person = np.isin(keys(both), names[: max(1, len(names) // 5)])
    table = [Row("persons", len(names), len(both), NAN), Row("persons with display", len(wearing), len(both), NAN)]
    table += [Row("recordings", len({sample.clip for sample in both}), len(both), NAN)]
    takes = keys(both, "clip")
    for name, test in (("at random", random), ("by person", by_person)):
        seen = np.isin(takes[test], takes[~test])
        table.append(Row(f"test pictures whose recording is trained on({name})", float(seen.mean()), int(test.sum()), 0.0))
    return Table("headset/recorded", tuple(table))


def _expression(found: Sequence[Sample], given: Mapping[str, str]) -> Table:
    """Accuracy, macro-F1 and recall without and with the display; ids without an answer are wrong."""
    known = {sample.id: sample.truth.expression for sample in found if sample.truth.expression}
    if strange := set(given) - set(known):
        raise unknown_name("picture in the answers", min(strange), known)
    names = next((label.labels.names for label in known.values()), ())
    truth = np.array([label.index for label in known.values()], np.float64)
    called = np.array([names.index(given[name]) if given.get(name) in names else NAN for name in known], np.float64)
    worn, table = np.array(["/hmd/" in name for name in known]), []
    for name, chosen in (("plain", ~worn), ("hmd", worn)):
        t, p, n = truth[chosen], called[chosen], int(chosen.sum())
        for word, metric in (("accuracy", accuracy), ("macro-F1", macro_f1)):
            table.append(Row(f"{word}({name})", metric(t, p, len(names)), n, constant_class(metric, t, len(names)) if n else NAN))
        table += [Row(f"recall({c}, {name})", float(v), n, NAN) for c, v in zip(names, recall(t, p, len(names)))]
    return Table("headset/expression", tuple(table))
