"""Put trained networks into the package: files, cards, figures from run records.

    python tools/ship.py [--work WORK]

With --work the .onnx files are copied from there; without, only the cards are written again (after tools/evaluate.py and
tools/check_detector.py have written new run records). Figures come from the newest record of each name in benchmarks/runs.
"""

from __future__ import annotations

import argparse
import json
import shutil
import tomllib
from pathlib import Path
from typing import Any

import onnx

from mien.files import sha256

ROOT = Path(__file__).resolve().parent.parent
MODELS, RUNS = ROOT / "src/mien/models", ROOT / "benchmarks/runs"
FAIRFACE = "FairFace (Karkkainen and Joo, WACV 2021), 9,921 pictures, CC BY 4.0"
LFW = "LFW, 10,209 grey pictures, research only; never redistributed"
FER = "FER2013, training part, with FER+ votes: pictures without a licence from their owners, research only; votes MIT"
SCENES = "630 everyday pictures of BSDS500 and ImageNet, research only: backgrounds"
ICT = "renders of the ICT-FaceKit head (USC ICT, MIT)"
NOT_FOR = "Expression is what a face shows, not what a person feels. Not for decisions on hiring, policing, schooling or credit."

CARDS: dict[str, dict[str, Any]] = {
    "detector": {
        "task": "boxes and five points of faces in a picture, at strides 8, 16 and 32",
        "input": {
            "name": "image",
            "shape": [1, 3, 320, 320],
            "colour": "rgb",
            "mean": 127.5,
            "scale": 127.5,
            "size": "any multiple of 32",
        },
        "data": ["teacher: YuNet (libfacedetection, Apache-2.0; itself trained on WIDER FACE)", FAIRFACE, LFW, SCENES],
        "limits": [
            "Faces below about 16 px, behind masks or from behind are missed.",
            "Paintings, statues, prints and screens that show a face are found as faces.",
            NOT_FOR,
        ],
    },
    "mesh": {
        "task": "478 points (x, y, z) of a face in a crop, presence of a face, and whether the tongue is out",
        "input": {"name": "image", "shape": [1, 3, 128, 128], "colour": "rgb", "mean": 127.5, "scale": 127.5},
        "data": ["teacher: MediaPipe face landmarker (Google, Apache-2.0)", FAIRFACE, LFW, FER, SCENES, ICT],
        "limits": [
            "Beyond 60 degrees of yaw the hidden half is a guess.",
            "Depth follows the teacher's, which is weak: pose is good to a few degrees only.",
            NOT_FOR,
        ],
    },
    "shapes": {
        "task": "51 ARKit blendshapes from the points of the mesh (the tongue comes from the mesh network)",
        "input": {"name": "points", "shape": [1, 2390]},
        "data": ["teacher: MediaPipe blendshapes (Google, Apache-2.0)", FAIRFACE, LFW, FER, ICT],
        "limits": [
            "cheekPuff, cheekSquint, noseSneer and jawForward were learned from renders alone: weak, and untested on real faces.",
            "Fine shapes of brow and lips depend on the person's resting face; compare a person with himself.",
            NOT_FOR,
        ],
    },
    "expression": {
        "task": "visible expression in eight FER+ classes (and the seven of FER2013) from a grey crop",
        "input": {"name": "image", "shape": [1, 1, 64, 64], "colour": "grey", "mean": 127.5, "scale": 127.5},
        "data": [FER],
        "limits": [
            "Disgust, fear and contempt are rare in the training data and often missed.",
            "The voters were ten people of one crowd-working service; other people may read a face otherwise.",
            "Posed and press pictures dominate: subtle expressions read as neutral.",
            NOT_FOR,
        ],
    },
}


def newest(name: str) -> tuple[str, dict[str, Any]] | None:
    """The newest run record of that name, with its path from the root."""
    found = sorted(p for p in RUNS.glob("*.json") if json.loads(p.read_text())["name"] == name)
    return (str(found[-1].relative_to(ROOT)), json.loads(found[-1].read_text())["figures"]) if found else None


def row(metric: str, value: float, data: str, run: str, unit: str = "", **more: Any) -> dict[str, Any]:
    return {"metric": metric, "value": float(f"{value:.4g}"), "unit": unit, "data": data, "run": run, **more}


def figures(name: str) -> list[dict[str, Any]]:
    """Rows for the card of a network, from run records only."""
    return {"detector": detector_rows, "mesh": mesh_rows, "shapes": shape_rows, "expression": expression_rows}[name]()


def detector_rows() -> list[dict[str, Any]]:
    out = []
    if record := newest("detector against YuNet"):
        run, f = record
        low, high = f["photos"]["recall_interval"]
        out.append(
            row(
                "recall of YuNet's faces, IoU 0.5",
                100 * f["photos"]["recall"],
                "47 test photographs",
                run,
                "%",
                n=f["photos"]["faces_of_yunet"],
                low=round(100 * low, 1),
                high=round(100 * high, 1),
            )
        )
        for key, label in (("all", "scenes without a face"), ("never_trained_on", "scenes without a face, never trained on")):
            s = f["scenes"][key]
            low, high = s["interval"]
            out.append(
                row(
                    "pictures with a false face",
                    100 * s["share"],
                    label,
                    run,
                    "%",
                    n=s["pictures"],
                    low=round(100 * low, 1),
                    high=round(100 * high, 1),
                )
            )
    if record := newest("train detector"):
        run, f = record
        out += [
            row(f"recall, {size} faces", 100 * f[f"recall_{size}"], "composed test pictures", run, "%")
            for size in ("tiny", "small", "medium", "large")
        ]
    return out


def mesh_rows() -> list[dict[str, Any]]:
    if not (record := newest("mesh")):
        return []
    run, f = record
    out = []
    for key, label in (
        ("all", "FairFace and LFW, persons not trained on"),
        ("lfw", "LFW, persons not trained on"),
        ("fairface", "FairFace, pictures not trained on"),
    ):
        for way, words in (("in_picture", "in the picture"), ("in_space", "in space")):
            value = f[key][f"eye_distance_{way}"]
            out.append(
                row(
                    f"mean error to the teacher, % of the distance of the outer eye corners {words}",
                    value["mean_percent"],
                    label,
                    run,
                    "%",
                    n=f[key]["n"],
                )
            )
    for key, words in (("mean_percent_in_picture", "in the picture"), ("mean_percent", "in space")):
        whole = f["all"]["whole_product"]
        out.append(
            row(
                f"the same {words}, whole product, faces that its detector finds",
                whole[key],
                "FairFace and LFW, persons not trained on",
                run,
                "%",
                n=whole["n"],
            )
        )
    out.append(
        row(
            "the same, a constant face",
            f["all"]["constant_percent"],
            "FairFace and LFW, persons not trained on",
            run,
            "%",
            n=f["all"]["n"],
        )
    )
    if record := newest("gaze"):
        run, f = record
        out.append(
            row(
                "gaze, mean error",
                f["gaze_error_degrees"]["mean"],
                "rendered heads",
                run,
                "degrees",
                n=f["gaze_error_degrees"]["n"],
            )
        )
        out.append(
            row(
                "gaze, error of looking along the head",
                f["gaze_error_degrees"]["along_the_head"],
                "rendered heads",
                run,
                "degrees",
                n=f["gaze_error_degrees"]["n"],
            )
        )
        out += [
            row(f"{a}, mean error", f["pose_error_degrees"][a], "rendered heads", run, "degrees", n=f["pose_error_degrees"]["n"])
            for a in ("pitch", "yaw", "roll")
        ]
    return out


def shape_rows() -> list[dict[str, Any]]:
    if not (record := newest("shapes")):
        return []
    run, f = record
    on = "FairFace and LFW, persons not trained on"
    return [
        row("mean absolute error to the teacher, 45 shapes, our points", f["mae"], on, run, n=f["n"]),
        row("the same, a constant answer", f["constant_mae"], on, run, n=f["n"]),
        row("mean correlation with the teacher over shapes", f["mean_correlation"], on, run, n=f["n"]),
    ]


def expression_rows() -> list[dict[str, Any]]:
    if not (record := newest("expression")):
        return []
    run, f = record
    out = []
    for key, metric, data in (
        ("ferplus_all", "FER+ majority accuracy, 8 classes", "PublicTest, all rows"),
        ("ferplus_clean", "FER+ majority accuracy, 8 classes", "PublicTest, rows with no near-duplicate in Training"),
        ("fer_all", "FER2013 accuracy, 7 classes", "PublicTest, all rows"),
        ("fer_clean", "FER2013 accuracy, 7 classes", "PublicTest, rows with no near-duplicate in Training"),
    ):
        v = f[key]
        out.append(
            row(
                metric,
                100 * v["accuracy"],
                data,
                run,
                "%",
                n=v["n"],
                low=round(100 * v["low"], 1),
                high=round(100 * v["high"], 1),
            )
        )
        out.append(row(metric + ", a constant answer", 100 * v["constant"], data, run, "%", n=v["n"]))
    out.append(
        row(
            "expected calibration error", f["calibration_error_clean"], "PublicTest, rows with no near-duplicate in Training", run
        )
    )
    return out


def count_parameters(path: Path) -> int:
    total = 0
    for tensor in onnx.load(path).graph.initializer:
        size = 1
        for d in tensor.dims:
            size *= d
        total += size
    return total


def toml(value: Any) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{k} = {toml(v)}" for k, v in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(toml(v) for v in value) + "]"
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    return repr(value)


def write_card(name: str, extra: dict[str, Any]) -> None:
    path, card = MODELS / f"{name}.onnx", CARDS[name]
    lines = [f"name = {toml(name)}", f"task = {toml(card['task'])}", f"sha256 = {toml(sha256(path))}", 'licence = "Apache-2.0"']
    lines += [f"parameters = {count_parameters(path)}", f"input = {toml(card['input'])}"]
    lines += [f"{key} = {toml(value)}" for key, value in extra.items()]
    for key in ("data", "limits"):
        lines += [f"{key} = [", *[f"  {toml(item)}," for item in card[key]], "]"]
    for item in figures(name):
        lines += ["", "[[figures]]", *[f"{k} = {toml(v)}" for k, v in item.items()]]
    (MODELS / f"{name}.toml").write_text("\n".join(lines) + "\n", "utf-8")


def held(name: str, key: str, otherwise: float) -> float:
    """What the card of a network says now; a figure that is not given again stays."""
    path = MODELS / f"{name}.toml"
    return float(tomllib.loads(path.read_text("utf-8")).get(key, otherwise)) if path.exists() else otherwise


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path)
    parser.add_argument(
        "--threshold", type=float, help="confidence from which the detector counts, chosen on validation pictures"
    )
    parser.add_argument("--temperature", type=float, help="of the expression's logits, fitted on validation faces")
    args = parser.parse_args()
    extra = {
        "detector": {"threshold": args.threshold or held("detector", "threshold", 0.5)},
        "expression": {"temperature": args.temperature or held("expression", "temperature", 1.0)},
    }
    for name in CARDS:
        trained = args.work / name / f"{name}.onnx" if args.work else None
        if trained and trained.exists():
            shutil.copyfile(trained, MODELS / f"{name}.onnx")
            record = args.work / name / "record.json"
            if record.exists():
                content = json.loads(record.read_text()) | {"name": f"train {name}"}
                (RUNS / f"{content['date']}-train-{name}.json").write_text(json.dumps(content, indent=1) + "\n")
        if (MODELS / f"{name}.onnx").exists():
            write_card(name, extra.get(name, {}))
    total = sum(p.stat().st_size for p in MODELS.glob("*.onnx"))
    print(f"{total / 1e6:.2f} MB together")


if __name__ == "__main__":
    main()
