"""How fast is a window of data quality, and does memory stay bounded?

Generates single-row CSV capture records of 20 columns (14 numeric, 6 categorical), 250,000 per hour as an endpoint
under load writes them, and then times collect, observe and evaluate, each in a process of its own:

    python benchmarks/data_quality.py [--records 1000000] [--folder DIR]

Each figure comes with its ratio to a yardstick timed in the same run: reading the same capture files and parsing every
line with Python's json module, on one core.
"""

from __future__ import annotations

import argparse
import json
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

RECORDS_PER_HOUR = 250_000
RECORDS_PER_FILE = 12_500
START = datetime(2026, 1, 1, tzinfo=UTC)
STAGES = ("yardstick", "collect", "observe", "evaluate")

ENDPOINT = """
endpoint: load
capture: {{uri: {folder}/capture}}
columns:
  outputs: [score]
  inputs: [{inputs}]
output: {folder}/out
schedules:
  - name: load-data-quality
    monitor: data_quality
    cron: "0 0 * * *"
    window: PT{hours}H
    baseline: {{dataset: {folder}/baseline.csv}}
"""
INPUTS = [f"n{i}" for i in range(13)] + [f"c{i}" for i in range(6)]


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--records", type=int, default=1_000_000)
    arguments.add_argument("--folder", type=Path)
    arguments.add_argument("--stage", choices=STAGES, help=argparse.SUPPRESS)
    asked = arguments.parse_args()
    if asked.stage:
        run_stage(asked.stage, asked.folder, hours_of(asked.records))
        return
    with tempfile.TemporaryDirectory() as temporary:
        folder = asked.folder or Path(temporary)
        generate(folder, asked.records)
        report(folder, asked.records)


def hours_of(records: int) -> int:
    return max(1, -(-records // RECORDS_PER_HOUR))


def generate(folder: Path, records: int) -> None:
    """The endpoint's file, its baseline and its traffic; the same bytes each time."""
    import numpy as np

    folder.mkdir(parents=True, exist_ok=True)
    hours = hours_of(records)
    (folder / "load.yaml").write_text(ENDPOINT.format(folder=folder, hours=hours, inputs=", ".join(INPUTS)))
    chance = np.random.default_rng(7)
    rows = [output + "," + given for output, given in payloads(chance, 20_000)]
    (folder / "baseline.csv").write_text("\n".join([",".join(["score", *INPUTS]), *rows]) + "\n")
    if (folder / "capture").exists():
        return
    for first in range(0, records, RECORDS_PER_FILE):
        hour, place = divmod(first, RECORDS_PER_HOUR)
        time_of_file = START + timedelta(hours=hour, seconds=3600 * place / RECORDS_PER_HOUR)
        name = time_of_file.strftime("%Y/%m/%d/%H/%M-%S-000-") + f"{first:032x}.jsonl"
        path = folder / "capture/load/AllTraffic" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        count = min(RECORDS_PER_FILE, records - first)
        second = (time_of_file + timedelta(seconds=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
        with path.open("w") as lines:
            for i, (output, given) in enumerate(payloads(chance, count)):
                lines.write(LINE % (given, output, first + i, second))


LINE = (
    '{"captureData":{"endpointInput":{"observedContentType":"text/csv","mode":"INPUT","data":"%s\\n","encoding":"CSV"},'
    '"endpointOutput":{"observedContentType":"text/csv; charset=utf-8","mode":"OUTPUT","data":"%s","encoding":"CSV"}},'
    '"eventMetadata":{"eventId":"feca1ab1-8025-47e3-8f6a-%012d","inferenceTime":"%s"},"eventVersion":"0"}\n'
)


def payloads(chance, count: int) -> list[tuple[str, str]]:  # type: ignore[no-untyped-def]
    """Outputs and inputs of some requests, as text."""
    floats = chance.normal(50, 20, (8, count)).round(4).tolist()
    whole = chance.integers(0, [[100], [5000], [2], [10**6], [24]], (5, count)).tolist()
    words = [
        [f"{name}_{k}" for k in chance.integers(0, size, count)]
        for name, size in zip("abcdef", (2, 3, 5, 12, 40, 90), strict=True)
    ]
    inputs = [",".join(map(str, row)) for row in zip(*floats, *whole, *words, strict=True)]
    return list(zip(map(str, chance.random(count).round(6).tolist()), inputs, strict=True))


def run_stage(stage: str, folder: Path, hours: int) -> None:
    """One stage, and as JSON how long it took, what memory it peaked at, and how many rows of how many bytes."""
    from model_monitor import jobs
    from model_monitor.core.window import Window

    window = Window(START, START + timedelta(hours=hours))
    verbs = {"collect": jobs.collect_window, "observe": jobs.compute_metrics, "evaluate": jobs.evaluate_constraints}
    began = time.perf_counter()
    if stage == "yardstick":
        for path in sorted((folder / "capture").rglob("*.jsonl")):
            with path.open() as lines:
                for line in lines:
                    json.loads(line)
    else:
        verbs[stage](str(folder / "load.yaml"), "load-data-quality", window)
    seconds = time.perf_counter() - began
    print(json.dumps({"seconds": seconds, "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}))


def report(folder: Path, records: int) -> None:
    """Make the baseline, run each stage in a fresh process, print a table."""
    from model_monitor import jobs

    shutil.rmtree(folder / "out", ignore_errors=True)
    file, schedule = str(folder / "load.yaml"), "load-data-quality"
    state = jobs.observe_baseline(file, schedule)
    jobs.publish_baseline(file, schedule, jobs.suggest_constraints(file, schedule, state, ""))
    size = sum(path.stat().st_size for path in (folder / "capture").rglob("*.jsonl")) / 2**20
    print(f"{records:,} records, {size:,.0f} MiB of JSON lines, {hours_of(records)} hours")
    print(f"{'stage':<10} {'seconds':>8} {'records/s':>11} {'MiB/s':>7} {'peak MiB':>9} {'of yardstick':>13}")
    total, yardstick = 0.0, 0.0
    for stage in STAGES:
        command = [sys.executable, __file__, "--records", str(records), "--folder", str(folder), "--stage", stage]
        seen = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        seconds = seen["seconds"]
        yardstick = yardstick or seconds
        total += seconds if stage != "yardstick" else 0
        speed = f"{records / seconds:11,.0f} {size / seconds:7.0f}"
        print(f"{stage:<10} {seconds:8.2f} {speed} {seen['peak']:9.0f} {seconds / yardstick:13.2f}")
    print(
        f"{'all three':<10} {total:8.2f} {records / total:11,.0f} {size / total:7.0f} {'':9} {total / yardstick:13.2f}"
    )


if __name__ == "__main__":
    main()
