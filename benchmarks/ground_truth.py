"""How fast are labels merged with captured requests, and does memory stay bounded?

Generates capture records of one request each, 250,000 per hour, and one label for each, collected in the hours after,
and then times merge_ground_truth in a process of its own, after collect_window:

    python benchmarks/ground_truth.py [--records 1000000] [--folder DIR]

Each figure comes with its ratio to a yardstick timed in the same run: reading the same capture and label files and
parsing every line with Python's json module, on one core.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from pathlib import Path

from stages import (
    RECORDS_PER_FILE,
    RECORDS_PER_HOUR,
    START,
    benchmark,
    capture_files,
    hours_of,
    mebibytes,
    parse_lines,
    window_of,
)

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
    benchmark(__doc__, "records", generate, {"yardstick": parse_lines, "collect": collect, "merge": merge})


def generate(folder: Path, records: int) -> str:
    """The endpoint's file, its traffic, and labels in another order, up to three hours later; the same each time."""
    import numpy as np

    shutil.rmtree(folder / "out", ignore_errors=True)
    (folder / "load.yaml").write_text(ENDPOINT.format(folder=folder, hours=hours_of(records)))
    chance = np.random.default_rng(7)
    scores, ages = chance.random(records), chance.integers(18, 90, records)
    labels = chance.random(records) < scores
    for path, numbers, second in capture_files(folder, records):
        path.write_text("".join(CAPTURE % (ages[i], i % 97, scores[i], i, second) for i in numbers))
    order = chance.permutation(records)
    hours = order // RECORDS_PER_HOUR + chance.integers(0, 4, records)
    for hour in range(hours_of(records) + 3):
        of_hour = order[hours == hour]
        folder_of_hour = folder / "labels" / (START + timedelta(hours=hour)).strftime("%Y/%m/%d/%H")
        folder_of_hour.mkdir(parents=True, exist_ok=True)
        for first in range(0, len(of_hour), RECORDS_PER_FILE):
            text = "".join(LABEL % (labels[i], i) for i in of_hour[first : first + RECORDS_PER_FILE].tolist())
            (folder_of_hour / f"{first:08}.jsonl").write_text(text)
    return f"captures and as many labels, {mebibytes(folder):,.0f} MiB of JSON lines, {hours_of(records)} hours"


def collect(folder: Path, records: int) -> Callable[[], object]:
    from model_monitor import jobs
    from model_monitor.config.execution import Execution

    return partial(jobs.collect_window, Execution.of(folder / "load.yaml", SCHEDULE, window_of(records)))


def merge(folder: Path, records: int) -> Callable[[], object]:
    from model_monitor import jobs
    from model_monitor.config.execution import Execution

    def work() -> None:
        address = jobs.merge_ground_truth(Execution.of(folder / "load.yaml", SCHEDULE, window_of(records)))
        labels = json.loads(Path(address).read_text())["labels"]
        assert labels["matched"] == labels["requests"], labels

    return work


if __name__ == "__main__":
    main()
