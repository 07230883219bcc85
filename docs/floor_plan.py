"""Draw docs/floor-plan.svg: the rooms of the package, in the order of the import contract in pyproject.toml.

python docs/floor_plan.py
"""

from __future__ import annotations

import textwrap
import tomllib
from html import escape
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[1]
PICTURE = PROJECT / "docs/floor-plan.svg"
WIDTH, GAP, TOP, FLOOR = 1200, 12, 90, 76

OUTSIDE = {
    "dags, plugins": "When does what run, and what does Airflow need to run and to show it?",
    "__main__": "How is all this called from a shell?",
    "errors": "What can go wrong, and what should the reader do?",
}
ROOMS = {
    "core": "What is a State, a measure, a bound, a finding?",
    "store": "Where do bytes live, and how are they written whole?",
    "recorder": "What was a served model asked, and what did it answer? (installs alone)",
    "rows": "Which rows does a window have?",
    "monitors": "What is measured?",
    "engines": "Where are rows observed?",
    "config": "What does a person set, and where does it put things?",
    "verdicts": "Does it hold, against what, and how sure are we?",
    "history": "What has happened?",
    "alerts": "Who is told, and until when?",
    "results": "How is it written down?",
    "jobs": "What does each task do?",
    "dashboard": "What does a person see?",
    "sagemaker": "How do we speak SageMaker?",
    "commands": "What can be asked for from a shell?",
}
# Left of State needs rows; State adds; right of State needs kilobytes.
SIDES = {
    "rows": "#dbeafe",
    "recorder": "#dbeafe",
    "core": "#fde68a",
    "monitors": "#fde68a",
    "engines": "#fde68a",
    "store": "#f3f4f6",
    "jobs": "#f3f4f6",
    "config": "#f3f4f6",
    "sagemaker": "#f3f4f6",
    "commands": "#f3f4f6",
}
RIGHT_OF_STATE, BESIDE = "#dcfce7", "#f3f4f6"
LEGEND = [
    ("#dbeafe", "left of State: rows"),
    ("#fde68a", "State"),
    (RIGHT_OF_STATE, "right of State"),
    (BESIDE, "on both sides, or neither"),
]


def floors() -> list[list[str]]:
    """The rooms of each floor, from the top one down."""
    tool = tomllib.loads((PROJECT / "pyproject.toml").read_text())["tool"]
    layers = next(c["layers"] for c in tool["importlinter"]["contracts"] if c["type"] == "layers")
    return [["dags, plugins"], *([room.strip() for room in layer.split("|")] for layer in layers)]


def picture() -> str:
    """The drawing as SVG text."""
    levels = floors()
    height = TOP + len(levels) * FLOOR + GAP
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" font-family="sans-serif">',
        f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>',
        text(GAP, 32, "Floor plan: a room imports only rooms below it, never one beside it", 22, "bold"),
    ]
    x = GAP
    for color, words in LEGEND:
        parts += [
            f'<rect x="{x}" y="52" width="18" height="18" fill="{color}" stroke="#6b7280"/>',
            text(x + 26, 67, words, 15),
        ]
        x += 60 + 8 * len(words)
    for level, names in enumerate(levels):
        width = (WIDTH - GAP * (len(names) + 1)) / len(names)
        for i, name in enumerate(names):
            parts += room(name, GAP + i * (width + GAP), TOP + level * FLOOR, width)
    return "\n".join([*parts, "</svg>\n"])


def room(name: str, x: float, y: float, width: float) -> list[str]:
    """A box with a room's name and question."""
    color = BESIDE if name in OUTSIDE else SIDES.get(name, RIGHT_OF_STATE)
    box = f'<rect x="{x:g}" y="{y}" width="{width:g}" height="{FLOOR - GAP}" rx="6" fill="{color}" stroke="#6b7280"/>'
    lines = textwrap.wrap((OUTSIDE | ROOMS)[name], int(width / 7.6))
    return [
        box,
        text(x + 10, y + 22, name, 17, "bold"),
        *(text(x + 10, y + 42 + 17 * i, line, 14) for i, line in enumerate(lines)),
    ]


def text(x: float, y: float, words: str, size: int, weight: str = "normal") -> str:
    return f'<text x="{x:g}" y="{y:g}" font-size="{size}" font-weight="{weight}" fill="#111827">{escape(words)}</text>'


if __name__ == "__main__":
    PICTURE.write_text(picture())
