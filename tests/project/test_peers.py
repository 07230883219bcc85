"""The comparison with peers runs by its one command, small, and says whom it skips and why."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_yardsticks_and_ours_are_measured_on_the_same_rows_and_absent_peers_are_skipped(tmp_path: Path) -> None:
    command = f"benchmarks/peers/run.py --rows 2000 --files 2 --rows-per-request 4 --environments {tmp_path}/none"
    only = "json.loads,ours,Evidently"
    said = subprocess.run(
        [sys.executable, *command.split(), "--only", only, "--write", tmp_path / "results"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert f"Evidently                   skipped: no environment {tmp_path}/none/evidently" in said.stdout
    figures = {line["participant"]: line for line in map(json.loads, (tmp_path / "results").read_text().splitlines())}
    assert list(figures) == ["json.loads", "ours, Parquet", "ours, raw capture"]
    assert figures["json.loads"]["result"] == "500"
    assert all(line["peak"] > 1 and line["processor"] > 0 for line in figures.values())


def test_each_peer_has_pins_of_its_own() -> None:
    said = subprocess.run(
        [
            sys.executable,
            "-c",
            "from participants import *; print(*{p.environment for p in PEERS + YARDSTICKS} - {None})",
        ],
        cwd=ROOT / "benchmarks/peers",
        capture_output=True,
        text=True,
        check=True,
    )
    for environment in said.stdout.split():
        pins = (ROOT / f"benchmarks/peers/requirements/{environment}.txt").read_text().split()
        assert pins and all("==" in pin for pin in pins)
