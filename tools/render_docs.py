"""Render docs/rows.md, docs/units.md and docs/models.md from the code and the cards.

    python tools/render_docs.py [--check]

--check writes nothing and fails when a page is not what would be written.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from mien.labels import ACTION_UNITS
from mien.runtime.models import ModelCard, card, names
from mien.stages import units
from mien.tables.schema import markdown

ROOT = Path(__file__).resolve().parent.parent
DOCS, RUNS = ROOT / "docs", ROOT / "benchmarks/runs"
MADE = "<!-- made by tools/render_docs.py: edit the code or the cards, not this page -->\n"


def rows_page() -> str:
    return f"""{MADE}
# Rows

One row for each face in each frame; a frame without a face has one row that says why. A value that could not be told is
an empty cell (CSV), null (JSON lines, Parquet) or NaN (Python), never 0. Angles are in radians:

| angle | positive when the face, or the line of sight, ... |
|---|---|
| pitch | points up |
| yaw | points to the right of the picture (the person's left) |
| roll | is turned clockwise in the picture |

`status` is `ok`, `not_visible` (the mesh finds no face there), `too_small`, `cut_off` by the border, `profile` or `blurred`.
Of faces that are `not_visible` or `too_small` nothing but the box is told. A frame without faces has `no_face`, `unreadable`
or `damaged`, and a reason.

Parquet files carry units and settings in their metadata, CSV and JSON lines in a file `<name>.schema.json` beside them.

{markdown()}
"""


def units_page() -> str:
    lines = [
        MADE,
        "# Action units",
        "",
        (units.__doc__ or "").strip(),
        "",
        "| unit | name | read from | neutral up to | full at | left and right |",
        "|---|---|---|---|---|---|",
    ]
    for unit, (name, sides) in ACTION_UNITS.items():
        rule = units.UNIT_TABLE[unit]
        parts = [f"{w:g} {n}" if w != 1 else n for n, w in (*rule.shapes, *rule.geometry)]
        source = " + ".join(parts).replace("*", "(Left, Right)")
        lines.append(f"| {unit} | {name} | {source} | {rule.floor:g} | {rule.full:g} | {'yes' if sides else 'no'} |")
    lines += [
        "",
        f"Presence = 1 / (1 + exp(-(intensity - {units.PRESENT:g}) / {units.WIDTH:g})). Intensities 1-5 are the letters A-E.",
        "",
        "## Measures on the mesh",
        "",
        (units.measures.__doc__ or "").strip(),
        "",
        *on_renders(),
    ]
    return "\n".join(lines)


def on_renders() -> list[str]:
    """What each unit reads on rendered heads whose shape is known, from the newest run record."""
    records = sorted(p for p in RUNS.glob("*.json") if json.loads(p.read_text())["name"] == "units")
    if not records:
        return []
    record = json.loads(records[-1].read_text())["figures"]["units"]
    rows = {unit: record[unit] for unit in ACTION_UNITS if "intensity_at" in record.get(unit, {})}
    hardly = [u for u, row in rows.items() if row["intensity_at"]["1.0"] - row["intensity_at"]["0.0"] < 0.5]
    lines = [
        "## On rendered heads",
        "",
        "One shape grows from nothing to its full extent, all else alike, on persons that the floors and tops were not set by:",
        "mean intensity at both ends over the persons, share of steps that do not fall by more than 0.05, correlation within a",
        f"person ([record](../benchmarks/runs/{records[-1].name})). **Hardly seen there, or not at all:",
        f"{', '.join(hardly)}**; what these read on real faces rests on the",
        "teacher alone.",
        "",
        "| unit | at nothing | at full | steps not falling | correlation | persons |",
        "|---|---|---|---|---|---|",
    ]
    for unit, row in rows.items():
        at, r = row["intensity_at"], row["correlation_within_person"]
        shown = "-" if r is None else f"{r:.2f}"
        steps = f"{row['steps_not_falling']:.2f}"
        lines.append(f"| {unit} | {at['0.0']:.1f} | {at['1.0']:.1f} | {steps} | {shown} | {row['persons']} |")
    return [*lines, ""]


def model_section(model: ModelCard) -> str:
    lines = [f"## {model.name}", "", f"{model.task}", ""]
    lines += [f"{model.bytes / 1e6:.2f} MB, {model.parameters:,} parameters, {model.licence}, sha256 `{model.sha256}`.", ""]
    lines += ["| metric | value | on | n | record |", "|---|---|---|---|---|"]
    for row in model.figures:
        interval = f" ({row['low']:g} to {row['high']:g})" if "low" in row else ""
        value = f"{row['value']:g} {row.get('unit', '')}".strip() + interval
        lines.append(
            f"| {row['metric']} | {value} | {row['data']} | {row.get('n', '')} | [{Path(row['run']).stem}](../{row['run']}) |"
        )
    lines += [
        "",
        "Trained on:",
        "",
        *[f"- {item}" for item in model.data],
        "",
        "Limits:",
        "",
        *[f"- {item}" for item in model.limits],
        "",
    ]
    return "\n".join(lines)


def models_page() -> str:
    total = sum(card(n).bytes for n in names())
    head = f"{MADE}\n# The embedded networks\n\n{len(names())} networks, {total / 1e6:.2f} MB together, inside the package.\n\n"
    return head + "\n".join(model_section(card(n)) for n in names())


PAGES = {"rows.md": rows_page, "units.md": units_page, "models.md": models_page}


def main() -> int:
    stale = []
    for name, make in PAGES.items():
        path, text = DOCS / name, make().rstrip() + "\n"
        if "--check" in sys.argv:
            if not path.exists() or path.read_text("utf-8") != text:
                stale.append(name)
        else:
            path.write_text(text, "utf-8")
    if stale:
        print(f"stale: {', '.join(stale)}; run python tools/render_docs.py", file=sys.stderr)
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
