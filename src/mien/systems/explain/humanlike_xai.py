"""Do networks look where people are said to look? Global LIME maps of twelve networks against regions after Ekman.

Gaya-Morey, Ramis-Guarinos, Manresa-Yee and Buades-Rubio, "Unveiling the human-like similarities of automatic facial expression
recognition: an empirical exploration through explainable AI", Multimedia Tools and Applications 2024. Up to 100 faces that a
network calls by an expression are explained by LIME (:mod:`mien.attribution.lime`), the maps are warped onto one set of 68
landmarks (:mod:`mien.attribution.warp`), summed and stretched; the sum is cut at Otsu's threshold and compared with a region
drawn for the expression (:mod:`mien.attribution.ekman`) by IoU = |A and G| / |A or G|, F1, precision and recall. Networks are
clustered by 1 - the normalised correlation of their maps, average linkage.

The figures were made in two ways that are easily taken for one. *Threshold then average* judges the map of each fold and
averages; *merge then threshold* sums the folds first. Both are computed here from the authors' stored maps. Beside each figure
stands what an independent region of the same area reaches, which the paper does not report, and a table of its own says what the
whole picture reaches as a region.

Simplified: triangles are those of the common landmarks, so that no two overlap, pixels are bilinear, and the LIME maps are summed
without being rounded to 256 levels first. The pictures of the study may not be passed on; :func:`heat_maps` runs it
on any classifier and :func:`judge` scores what comes out.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ...attribution import ekman
from ...attribution.lime import Lime, Predict, paint, relevance
from ...attribution.regions import Levels, Overlap, Region, levels, overlap, region, stretch
from ...attribution.similarity import Join, average_linkage, correlation_distance
from ...attribution.superpixels import slic
from ...attribution.warp import anchors, warp_map
from ...errors import InputError
from ...media.image import read_image, write_image
from ...metrics.table import NAN, Row, Table

Place = str | os.PathLike[str]
FloatArray = NDArray[np.float32]
Face = tuple[NDArray[np.uint8], ArrayLike]
Key = tuple[str, str, str]
"""Network, expression and fold of a map; the fold of a merged map is empty."""

FOLDS, MERGED, MASKS = "heatmaps_by_cv", "heatmaps_by_net", "masks"
THRESHOLD_FIRST, MERGE_FIRST = "ekman-masks/threshold-then-average", "ekman-masks/merge-then-threshold"
FROM_SCRATCH = ("AlexNet", "SilNet", "SongNet", "WeiNet")
"""Networks of the study that did not start from ImageNet weights."""

_NAME = re.compile(r"(?P<network>[^_]+)_(?:(?P<fold>CV\d+)_)?(?P<expression>[A-Za-z]+)_heatmap\.png")
_METRICS = {"IoU": "iou", "F1": "f1", "precision": "precision", "recall": "recall"}


def _grey(path: Path) -> Levels:
    image = read_image(path)[..., 0]
    if image.shape != (ekman.HEIGHT, ekman.WIDTH):
        raise InputError(
            f"{path.name} has {image.shape} pixels", f"({ekman.HEIGHT}, {ekman.WIDTH})", "give the map as it was stored"
        )
    return image


def read_maps(folder: Place) -> dict[Key, Levels]:
    """The heat maps of a folder, files ``<network>_<fold>_<Expression>_heatmap.png`` or without the fold.

    Returns:
        (275, 224) uint8 by network, expression (in small letters) and fold; all folds and expressions for each network.

    Raises:
        InputError: no such folder or no map in it, a map of another size, or a network that lacks maps others have.
    """
    found = {}
    for path in sorted(Path(folder).glob("*_heatmap.png")):
        if name := _NAME.fullmatch(path.name):
            found[name["network"], name["expression"].lower(), name["fold"] or ""] = _grey(path)
    if not found:
        raise InputError(
            f"no heat maps in {folder}", "files such as VGG16_CV1_Anger_heatmap.png", "give the folder above as root"
        )
    networks, expressions, folds = ({key[i] for key in found} for i in range(3))
    missing = [(n, e, f) for n in networks for e in expressions for f in folds if (n, e, f) not in found]
    if missing:
        wanted = "every expression and fold for every network"
        raise InputError(f"{folder}: {len(missing)} maps are missing, such as {' '.join(sorted(missing)[0])}", wanted)
    return found


def read_masks(root: Place) -> dict[str, Region]:
    """The region of each expression: files ``masks/<Expression>_gt.png``, white where it shows, or drawn where there are none."""
    files = {name: Path(root) / MASKS / f"{name.capitalize()}_gt.png" for name in ekman.EXPRESSIONS}
    if not any(path.is_file() for path in files.values()):
        return {name: ekman.mask(name) for name in files}
    return {name: _grey(path) > 127 for name, path in files.items()}


def judge(maps: Mapping[Key, Levels], masks: Mapping[str, Region], protocol: str) -> Table:
    """Score heat maps against the regions: each is cut at its own Otsu threshold, then figures are averaged.

    Args:
        maps: (h, w) uint8 by network, expression and fold.
        masks: (h, w) bool by expression.
        protocol: name of the table.

    Returns:
        IoU and F1 of each network and expression and of all, precision and recall of all. ``constant`` is what independent
        regions of the same areas reach; ``n`` counts maps.

    Raises:
        InputError: no maps, a map without contrast, or an expression without region.
    """
    if not maps or (strange := sorted({key[1] for key in maps} - set(masks))):
        raise InputError(f"{len(maps)} maps" + (f", among them of {strange}" if maps else ""), f"maps of {', '.join(masks)}")
    scores = {key: overlap(region(image), masks[key[1]]) for key, image in maps.items()}
    rows = [_row(f"mean {name}", field, scores.values()) for name, field in _METRICS.items()]
    for part in (0, 1):
        for group in sorted({key[part] for key in scores}):
            chosen = [score for key, score in scores.items() if key[part] == group]
            rows += [_row(f"{name}({group})", _METRICS[name], chosen) for name in ("IoU", "F1")]
    return Table(protocol, tuple(rows))


def _row(metric: str, field: str, scores: Iterable[Overlap]) -> Row:
    some = list(scores)
    values, chance = [getattr(score, field) for score in some], [score.chance(field) for score in some]
    return Row(metric, float(np.mean(values)), len(some), constant=float(np.mean(chance)))


def areas(masks: Mapping[str, Region]) -> Table:
    """The share of the picture that each region takes, and what the whole picture reaches as the found region."""
    whole = [overlap(np.ones_like(mask), mask) for mask in masks.values()]
    rows = [Row(f"area({name})", score.wanted, 1, constant=NAN) for name, score in zip(masks, whole)]
    named = (("mean IoU(whole picture)", "iou"), ("mean F1(whole picture)", "f1"))
    return Table("ekman-masks/regions", (*rows, *(_row(metric, field, whole) for metric, field in named)))


def tree(maps: Mapping[Key, Levels], expression: str = "") -> tuple[Join, ...]:
    """Which networks look alike: their merged maps joined by average linkage over 1 - normalised correlation.

    Args:
        maps: merged maps, the fold empty.
        expression: one; empty takes the mean distance over all of them.

    Raises:
        InputError: no such map, or a map without contrast.
    """
    networks = sorted({key[0] for key in maps})
    chosen = [expression] if expression else sorted({key[1] for key in maps})
    if any((network, name, "") not in maps for network in networks for name in chosen) or not networks:
        raise InputError(f"no merged map of {expression or 'some expression'}", "one for each network")
    distances = [correlation_distance([maps[network, name, ""] for network in networks]) for name in chosen]
    return average_linkage(networks, np.mean(distances, 0))


def tree_table(steps: Sequence[Join], name: str) -> Table:
    """A tree as a table: a row for each step, ``value`` the distance at which it joins, ``n`` the networks below it."""
    rows = [Row(f"{'+'.join(s.left)} with {'+'.join(s.right)}", s.distance, len(s.names), constant=NAN) for s in steps]
    return Table(f"ekman-masks/networks:{name}", tuple(rows))


def apart(steps: Sequence[Join], group: Iterable[str]) -> Row:
    """How far the two branches at the top of a tree are one group of networks and the rest: 1 when they are exactly that."""
    names, inside = steps[-1].names, set(group)
    right = sum((name in steps[-1].left) == (name in inside) for name in names)
    share = len(inside & set(names)) / len(names)
    return Row("networks on their side", max(right, len(names) - right) / len(names), len(names), constant=max(share, 1 - share))


def evaluate(root: Place) -> list[Table]:
    """All figures of the study from the authors' stored heat maps.

    Args:
        root: folder with ``heatmaps_by_cv`` and ``heatmaps_by_net`` and, if wanted, ``masks``.

    Returns:
        Threshold then average, merge then threshold, the regions, then the tree of networks for each expression and for the
        mean of all, and whether the top of that tree parts networks trained from scratch from the others.

    Raises:
        InputError: maps are missing or of another size.
    """
    masks, merged = read_masks(root), read_maps(Path(root) / MERGED)
    tables = [judge(read_maps(Path(root) / FOLDS), masks, THRESHOLD_FIRST), judge(merged, masks, MERGE_FIRST), areas(masks)]
    steps = tree(merged)
    trees = [tree_table(tree(merged, name), name) for name in ekman.EXPRESSIONS]
    side = Table("ekman-masks/from-scratch-or-not", (apart(steps, FROM_SCRATCH),))
    return [*tables, *trees, tree_table(steps, "all"), side]


@dataclass(frozen=True, eq=False)
class Study:
    """How faces are explained; the values of the paper.

    Args:
        faces: explained at most for each expression.
        patches: superpixels of a face.
        compactness: of the superpixels.
        lime: samples and kernel.
        landmarks: (68, 2) of the common space in pixels.
    """

    faces: int = 100
    patches: int = 30
    compactness: float = 20.0
    lime: Lime = field(default_factory=Lime)
    landmarks: FloatArray = field(default_factory=lambda: ekman.LANDMARKS)


def local_map(predict: Predict, face: Face, label: int, rng: np.random.Generator, study: Study | None = None) -> FloatArray:
    """What speaks for a label in one face, in the common space.

    Args:
        predict: from (n, h, w, 3) uint8 RGB to (n, classes) probabilities.
        face: (h, w, 3) uint8 RGB, cropped, and its (68, 2) landmarks in pixels of the crop, order of iBUG 300-W.
        label: position of the class.
        rng: draws the mixtures of LIME.
        study: how.

    Returns:
        (275, 224) float32, 0 or above.
    """
    how = study or Study()
    image, landmarks = face
    segments = slic(image, how.patches, how.compactness)
    over_image = paint(relevance(image, segments, predict, label, rng, how.lime), segments)
    height, width = image.shape[:2]
    source, target = anchors(landmarks, height, width), anchors(how.landmarks, ekman.HEIGHT, ekman.WIDTH)
    return warp_map(over_image, source, target, ekman.HEIGHT, ekman.WIDTH)


def heat_maps(
    predict: Predict,
    faces: Sequence[Face],
    classes: Sequence[str] = ekman.EXPRESSIONS,
    seed: int = 0,
    study: Study | None = None,
) -> dict[str, FloatArray]:
    """The study on any classifier: one global heat map for each expression.

    Args:
        predict: from (n, h, w, 3) uint8 RGB to (n, classes) probabilities.
        faces: crops (h, w, 3) uint8 RGB, each with its (68, 2) landmarks in pixels of the crop.
        classes: names in the order of the classifier; those without a region (neutral) are left out.
        seed: of the choice of faces and of LIME.
        study: how.

    Returns:
        (275, 224) in [0, 1] for each expression that the classifier gave to some face; for the others it cannot be told.

    Raises:
        InputError: no faces, or as many probabilities as classes do not come back.
    """
    how = study or Study()
    if not faces:
        raise InputError("no faces", "at least one crop with landmarks")
    given = [np.asarray(predict(image[None]), np.float64) for image, _ in faces]
    if any(row.shape != (1, len(classes)) for row in given):
        raise InputError(f"the classifier gave {given[0].shape} for one face", f"(1, {len(classes)}), one for each class")
    called = np.concatenate(given).argmax(1)
    out = {}
    for label, name in enumerate(classes):
        rng = np.random.default_rng([seed, label])
        chosen = np.flatnonzero(called == label)
        if name not in ekman.REGIONS or not len(chosen):
            continue
        if len(chosen) > how.faces:
            chosen = np.sort(rng.choice(chosen, how.faces, replace=False))
        out[name] = stretch(np.sum([local_map(predict, faces[int(i)], label, rng, how) for i in chosen], 0))
    return out


def fake(root: Place, seed: int = 0, networks: Sequence[str] = ("AlexNet", "VGG16"), folds: int = 2) -> None:
    """Write maps that look like the authors' folders: each is its region, blurred into noise, less so for the later networks."""
    rng = np.random.default_rng(seed)
    for place in (FOLDS, MERGED, MASKS):
        (Path(root) / place).mkdir(parents=True, exist_ok=True)
    for name in ekman.EXPRESSIONS:
        mask = ekman.mask(name)
        title = name.capitalize()
        _write(Path(root) / MASKS / f"{title}_gt.png", mask)
        for rank, network in enumerate(networks, 1):
            maps = [rank * mask + rng.gamma(2.0, 0.5, mask.shape) for _ in range(folds)]
            for fold, values in enumerate(maps, 1):
                _write(Path(root) / FOLDS / f"{network}_CV{fold}_{title}_heatmap.png", values)
            _write(Path(root) / MERGED / f"{network}_{title}_heatmap.png", np.sum(maps, 0))


def _write(path: Path, values: ArrayLike) -> None:
    write_image(path, levels(values))
