"""How fast and how large are we beside the bytes, the fastest decoders of JSON lines, and our peers, on the same rows?

    python benchmarks/peers/run.py --install                     # once: an environment for each peer, with its pins
    python benchmarks/peers/run.py [--rows 100000,1000000] [--columns 20] [--rows-per-request 1] [--files 80]

Each participant is a process; seconds are those beyond its imports, the processor's are of all its threads, and memory
is the peak of its process and of those below it. A peer whose environment is absent is skipped.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from itertools import product
from pathlib import Path
from typing import Any

from participants import OURS, PEERS, YARDSTICKS, Participant
from watch import peak_of

HERE = Path(__file__).parent
Figures = dict[str, Any]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", default="1000000")
    parser.add_argument("--columns", default="20")
    parser.add_argument("--rows-per-request", type=int, default=1)
    parser.add_argument("--files", type=int, default=80)
    parser.add_argument("--folder", type=Path, help="where rows are kept for the next run")
    parser.add_argument("--environments", type=Path, default=HERE / ".environments")
    parser.add_argument("--install", action="store_true", help="make the environments, and stop")
    parser.add_argument("--only", help="a comma-separated part of the participants' names")
    parser.add_argument("--one-core", action="store_true", help="bind everything to one core")
    parser.add_argument("--repeat", type=int, default=1, help="take the quickest of so many")
    parser.add_argument("--write", type=Path, help="a file of JSON lines to which results are added")
    parser.add_argument("--plot", type=Path, help="draw --write as SVG")
    arguments = parser.parse_args()
    if arguments.install:
        install(arguments.environments)
        return
    if arguments.one_core:
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    with tempfile.TemporaryDirectory() as temporary:
        for rows, columns in product(arguments.rows.split(","), arguments.columns.split(",")):
            compare(arguments, arguments.folder or Path(temporary), int(rows), int(columns))
    if arguments.plot:
        subprocess.run([sys.executable, HERE / "plot.py", arguments.write, arguments.plot], check=True)


def install(environments: Path) -> None:
    """An environment of its own for each file of pins."""
    for pins in sorted((HERE / "requirements").glob("*.txt")):
        folder = environments / pins.stem
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        subprocess.run([folder / "bin/pip", "install", "--quiet", "-r", pins], check=False)


def compare(arguments: argparse.Namespace, above: Path, rows: int, columns: int) -> None:
    """One table: all participants on the same rows."""
    folder = above / f"{rows}x{columns}-{arguments.rows_per_request}-{arguments.files}"
    make = "import sys, rows; from pathlib import Path; rows.generate(Path(sys.argv[1]), *map(int, sys.argv[2:]))"
    sizes = [str(size) for size in (rows, columns, arguments.rows_per_request, arguments.files)]
    subprocess.run([sys.executable, "-c", make, folder, *sizes], check=True, cwd=HERE)
    print(f"{rows:,} rows x {columns} columns, {arguments.rows_per_request} a request, {arguments.files} files")
    print(f"{'':<26}{'seconds':>9}{'processor':>11}{'imports':>9}{'of json.loads':>15}{'of ours':>9}{'peak MiB':>10}")
    found: dict[str, Figures] = {}
    for participant in [*YARDSTICKS, *OURS, *PEERS]:
        if arguments.only and not any(part in participant.name for part in arguments.only.split(",")):
            continue
        if why := absence(participant, arguments.environments):
            print(f"{participant.name:<26}  skipped: {why}")
            continue
        runs = [run(participant, folder, arguments.environments) for _ in range(arguments.repeat)]
        figures = min(runs, key=lambda figures: figures.get("processor", float("inf")))
        if "failed" in figures:
            print(f"{participant.name:<26}  failed: {figures['failed']}")
            continue
        found[participant.name] = figures
        print(line_of(participant.name, figures, found), flush=True)
        if arguments.write:
            same = {"participant": participant.name, "rows": rows, "columns": columns, "files": arguments.files}
            with arguments.write.open("a") as file:
                file.write(json.dumps(same | {"rows_per_request": arguments.rows_per_request} | figures) + "\n")


def absence(participant: Participant, environments: Path) -> str:
    """Why a participant can't take part; empty if it can."""
    if participant.environment and not (environments / participant.environment / "bin/python").exists():
        return f"no environment {environments / participant.environment}; --install makes it"
    if participant.needs and not os.environ.get(participant.needs[0]):
        return f"{participant.needs[0]} is not set: {participant.needs[1]}"
    return ""


def run(participant: Participant, folder: Path, environments: Path) -> Figures:
    """What one process printed of itself, and its peak memory in MiB."""
    python = environments / participant.environment / "bin/python" if participant.environment else sys.executable
    own = {} if participant.environment is None else {"PYTHONPATH": ""}
    command = [str(python), str(HERE / participant.script), str(folder), *filter(None, [participant.argument])]
    with tempfile.TemporaryFile("w+") as printed, tempfile.TemporaryFile("w+") as said:
        process = subprocess.Popen(command, stdout=printed, stderr=said, env=os.environ | own)
        peak = peak_of(process)
        printed.seek(0)
        said.seek(0)
        lines = [line for line in printed.read().splitlines() if line.startswith('{"imports"')]
        if process.returncode or not lines:
            return {"failed": (said.read().strip().splitlines() or ["nothing was printed"])[-1][:160]}
    figures: Figures = json.loads(lines[-1])
    return figures | {"peak": max(peak, float(figures["peak"]))}


def line_of(name: str, figures: Figures, found: dict[str, Figures]) -> str:
    """A line of the table; ratios are of the processor's seconds, as wall seconds depend on who else is at work."""
    ratios = [
        f"{figures['processor'] / found[other]['processor']:.2f}" if other in found else ""
        for other in ("json.loads", "ours, Parquet")
    ]
    seconds = [f"{figures[part]:.2f}" for part in ("seconds", "processor", "imports")]
    cells = zip([*seconds, *ratios, f"{figures['peak']:.0f}"], (9, 11, 9, 15, 9, 10), strict=True)
    return f"{name:<26}" + "".join(f"{cell:>{width}}" for cell, width in cells)


if __name__ == "__main__":
    main()
