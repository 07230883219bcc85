"""The rows that all participants judge: baseline.csv, and windows.csv with the windows one after the other, of as many
rows each; changed.json lists what changed in each window ("any": nobody says which column). Only the standard library.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

Rows = Sequence[Sequence[Any]]


def write(
    folder: Path, names: Sequence[str], baseline: Rows, windows: Iterable[Rows], changed: Sequence[Sequence[str]]
) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, parts in (("baseline", [baseline]), ("windows", windows)):
        with (folder / f"{name}.csv").open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(names)
            for part in parts:
                writer.writerows(part)
    (folder / "changed.json").write_text(json.dumps(changed))


def changed_in(folder: Path) -> list[list[str]]:
    read: list[list[str]] = json.loads((folder / "changed.json").read_text())
    return read


def tell(window: int, scores: dict[str, float], alarms: Iterable[str]) -> None:
    """Print what a participant says of a window: how far off each subject is (larger is further), and which alarm."""
    print(json.dumps({"window": window, "scores": scores, "alarms": sorted(set(alarms))}), flush=True)
