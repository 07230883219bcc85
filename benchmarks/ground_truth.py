"""How fast are labels merged with captured requests, and does memory stay bounded?

Generates capture records of one request each, 250,000 per hour, and one label for each, collected in the hours after,
and then times merge_ground_truth in a process of its own, after collect_window:

    python benchmarks/ground_truth.py [--records 1000000] [--folder DIR]

Each figure comes with its ratio to a yardstick timed in the same run: reading the same capture and label files and
parsing every line with Python's json module, on one core.
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
STAGES = ("yardstick", "collect", "merge")
SCHEDULE = "load-model-quality"

ENDPOINT = """
endpoint: load
capture: {{uri: {folder}/capture}}
columns:
  outputs: [score]
  inputs: [age, plan, calls, minutes, region]
ground_truth: {{uri: {folder}/labels}}
output: {folder}/out
schedules:
  - name: load-model-quality
    monitor: model_quality
    options: {{problem_type: BinaryClassification, probability_attribute: score}}
    cron: "0 0 * * *"
    window: PT{hours}H
    baseline: {{dataset: {folder}/baseline.csv}}
"""

CAPTURE = (
    '{"captureData":{"endpointInput":{"observedContentType":"text/csv","mode":"INPUT","data":"%d,gold,%d,17.25,north\\n",'
    '"encoding":"CSV"},"endpointOutput":{"observedContentType":"text/csv; charset=utf-8","mode":"OUTPUT","data":"%.6f",'
    '"encoding":"CSV"}},"eventMetadata":{"eventId":"feca1ab1-8025-47e3-8f6a-%012d","inferenceTime":"%s"},'
    '"eventVersion":"0"}\n'
)
LABEL = (
    '{"groundTruthData":{"data":"%d","encoding":"CSV"},'
    '"eventMetadata":{"eventId":"feca1ab1-8025-47e3-8f6a-%012d"},"eventVersion":"0"}\n'
)


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
    """The endpoint's file, its traffic, and labels in another order, up to three hours later; the same each time."""
    import numpy as np

    folder.mkdir(parents=True, exist_ok=True)
    (folder / "load.yaml").write_text(ENDPOINT.format(folder=folder, hours=hours_of(records)))
    chance = np.random.default_rng(7)
    scores, ages = chance.random(records), chance.integers(18, 90, records)
    labels = chance.random(records) < scores
    for first in range(0, records, RECORDS_PER_FILE):
        hour, place = divmod(first, RECORDS_PER_HOUR)
        time_of_file = START + timedelta(hours=hour, seconds=3600 * place / RECORDS_PER_HOUR)
        path = folder / "capture/load/AllTraffic" / time_of_file.strftime(f"%Y/%m/%d/%H/%M-%S-000-{first:032x}.jsonl")
        path.parent.mkdir(parents=True, exist_ok=True)
        second = (time_of_file + timedelta(seconds=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
        some = range(first, min(records, first + RECORDS_PER_FILE))
        path.write_text("".join(CAPTURE % (ages[i], i % 97, scores[i], i, second) for i in some))
    order = chance.permutation(records)
    hours = order // RECORDS_PER_HOUR + chance.integers(0, 4, records)
    for hour in range(hours_of(records) + 3):
        of_hour = order[hours == hour]
        folder_of_hour = folder / "labels" / (START + timedelta(hours=hour)).strftime("%Y/%m/%d/%H")
        folder_of_hour.mkdir(parents=True, exist_ok=True)
        for first in range(0, len(of_hour), RECORDS_PER_FILE):
            text = "".join(LABEL % (labels[i], i) for i in of_hour[first : first + RECORDS_PER_FILE].tolist())
            (folder_of_hour / f"{first:08}.jsonl").write_text(text)


def run_stage(stage: str, folder: Path, hours: int) -> None:
    """One stage, and as JSON how long it took and what memory it peaked at."""
    from model_monitor import jobs
    from model_monitor.core.window import Window

    arguments = str(folder / "load.yaml"), SCHEDULE, Window(START, START + timedelta(hours=hours))
    began = time.perf_counter()
    if stage == "yardstick":
        for name in ("capture", "labels"):
            for path in sorted((folder / name).rglob("*.jsonl")):
                with path.open() as lines:
                    for line in lines:
                        json.loads(line)
    elif stage == "collect":
        jobs.collect_window(*arguments)
    else:
        found = json.loads(Path(jobs.merge_ground_truth(*arguments)).read_text())["labels"]
        assert found["matched"] == found["requests"], found
    seconds = time.perf_counter() - began
    print(json.dumps({"seconds": seconds, "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}))


def report(folder: Path, records: int) -> None:
    """Run each stage in a fresh process, print a table."""
    shutil.rmtree(folder / "out", ignore_errors=True)
    size = sum(path.stat().st_size for path in folder.rglob("*.jsonl")) / 2**20
    print(f"{records:,} captures and as many labels, {size:,.0f} MiB of JSON lines, {hours_of(records)} hours")
    print(f"{'stage':<10} {'seconds':>8} {'records/s':>11} {'peak MiB':>9} {'of yardstick':>13}")
    yardstick = 0.0
    for stage in STAGES:
        command = [sys.executable, __file__, "--records", str(records), "--folder", str(folder), "--stage", stage]
        seen = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)
        seconds = seen["seconds"]
        yardstick = yardstick or seconds
        print(f"{stage:<10} {seconds:8.2f} {records / seconds:11,.0f} {seen['peak']:9.0f} {seconds / yardstick:13.2f}")


if __name__ == "__main__":
    main()
