"""Check the shipped detector against YuNet on photographs and on scenes without faces.

    python tools/check_detector.py --data DATA [--sheet FOLDER] [--record FILE]

Recall: faces that YuNet finds in a photograph at its full size (score >= 0.8, longer side >= 20 px) that the product finds
with an overlap (IoU) of at least 0.5. Every box of ours that overlaps no face of YuNet at 0.3 goes to --sheet, to be looked
at: it is a false positive only if a person says so. Scenes: pictures in which YuNet finds nothing at 0.3, at their own size
and at twice that; those the network trained on are counted apart.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import cv2
import numpy as np

import compose
import loop
from mien.geometry import boxes
from mien.media.image import read_image
from mien.metrics.intervals import wilson
from mien.pipelines import Image, Options
from teach import Teachers, decode, pictures


def yunet(teachers: Teachers, image: np.ndarray, threshold: float) -> tuple[np.ndarray, np.ndarray]:
    rows = teachers.detect(image, threshold)
    return np.concatenate([rows[:, :2], rows[:, :2] + rows[:, 2:4]], 1), rows[:, 14]


def on_photos(data: Path, product: Image, teachers: Teachers, sheet: Path | None) -> dict:
    found, missed, extra, ours_total, overlaps = 0, [], [], 0, []
    for path in sorted((data / "test_media/photos").rglob("*.jpg")):
        image = read_image(path)
        theirs, score = yunet(teachers, image, 0.3)
        wanted = (score >= 0.8) & (boxes.side(theirs) >= 20)
        ours = product.detect.find(image)
        ours_total += len(ours)
        overlap = boxes.iou(theirs, ours.boxes) if len(ours) else np.zeros((len(theirs), 1))
        best = overlap.max(1, initial=0)
        found += int((best[wanted] >= 0.5).sum())
        overlaps += best[wanted].tolist()
        missed += [(path, image, box, best[i]) for i, box in enumerate(theirs) if wanted[i] and best[i] < 0.5]
        for k, box in enumerate(ours.boxes):
            if not len(theirs) or overlap[:, k].max() < 0.3:
                extra.append((path, image, box, float(ours.confidence[k])))
    if sheet:
        contact_sheet(missed, sheet / "missed.png")
        contact_sheet(extra, sheet / "extra.png")
    total = found + len(missed)
    return {
        "recall": found / total,
        "recall_interval": wilson(found, total),
        "faces_of_yunet": total,
        "mean_iou": float(np.mean(overlaps)),
        "ours": ours_total,
        "not_of_yunet": len(extra),
        "missed": [f"{p.name} {np.round(b).astype(int).tolist()} iou {v:.2f}" for p, _, b, v in missed],
        "extra": [f"{p.name} {np.round(b).astype(int).tolist()} {v:.2f}" for p, _, b, v in extra],
    }


def contact_sheet(rows: list, path: Path, side: int = 160) -> None:
    """Crops with the box drawn, to look at."""
    tiles = []
    for _, image, box, value in rows:
        picture = image.copy()
        cv2.rectangle(
            picture,
            box[:2].astype(int).tolist(),
            box[2:].astype(int).tolist(),
            (0, 255, 0),
            max(1, int(max(box[2:] - box[:2]) / 60)),
        )
        centre, reach = (box[:2] + box[2:]) / 2, 0.9 * max(box[2:] - box[:2])
        matrix = np.float32(
            [
                [side / 2 / reach, 0, side / 2 - centre[0] * side / 2 / reach],
                [0, side / 2 / reach, side / 2 - centre[1] * side / 2 / reach],
            ]
        )
        tile = cv2.warpAffine(picture, matrix, (side, side), flags=cv2.INTER_AREA)
        cv2.putText(tile, f"{value:.2f}", (4, 14), cv2.FONT_HERSHEY_SIMPLEX, 0.45, (255, 255, 0), 1)
        tiles.append(tile)
    path.parent.mkdir(parents=True, exist_ok=True)
    if not tiles:
        path.unlink(missing_ok=True)
        return
    tiles += [np.zeros((side, side, 3), np.uint8)] * (-len(tiles) % 8)
    cv2.imwrite(str(path), np.concatenate([np.concatenate(tiles[k : k + 8], 1) for k in range(0, len(tiles), 8)])[..., ::-1])


def on_scenes(data: Path, product: Image, teachers: Teachers, sheet: Path | None) -> dict:
    counts: dict[str, list[int]] = {"all": [0, 0], "never_trained_on": [0, 0]}
    rows = []
    for name, blob in pictures(data, "scenes"):
        image = decode(blob)
        big = cv2.resize(image, None, fx=2, fy=2)
        if len(yunet(teachers, image, 0.3)[0]) or len(yunet(teachers, big, 0.3)[0]):
            continue
        ours = product.detect.find(image)
        for key in ("all", "never_trained_on") if compose.scene_part(name) == "test" else ("all",):
            counts[key][0] += 1
            counts[key][1] += len(ours) > 0
        rows += [(Path(name), image, box, float(c)) for box, c in zip(ours.boxes, ours.confidence)]
    if sheet:
        contact_sheet(rows, sheet / "scenes.png")
    return {
        k: {"pictures": n, "with_a_face": hit, "share": hit / max(n, 1), "interval": wilson(hit, n)}
        for k, (n, hit) in counts.items()
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--sheet", type=Path)
    parser.add_argument("--record", type=Path)
    parser.add_argument("--threshold", type=float)
    args = parser.parse_args()
    start = time.time()
    product, teachers = Image(Options(threshold=args.threshold)), Teachers(args.data)
    figures = {
        "photos": on_photos(args.data, product, teachers, args.sheet),
        "scenes": on_scenes(args.data, product, teachers, args.sheet),
    }
    figures["threshold"] = product.detect.threshold
    for key, value in (*figures["photos"].items(), *figures["scenes"].items()):
        print(key, value)
    if args.record:
        data = {
            "test_media": loop.digest(sorted((args.data / "test_media/photos").rglob("*.jpg"))),
            "scenes": loop.digest([args.data / "scenes/images.zip"]),
        }
        loop.write_record(args.record, "detector against YuNet", figures, data, [], time.time() - start)


if __name__ == "__main__":
    main()
