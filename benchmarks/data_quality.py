"""How fast is a window of data quality, and does memory stay bounded?

Generates single-row CSV capture records of 20 columns (14 numeric, 6 categorical), 250,000 per hour as an endpoint
under load writes them, and then times collect, observe and evaluate, each in a process of its own:

    python benchmarks/data_quality.py [--records 1000000] [--folder DIR]

Each figure comes with its ratio to a yardstick timed in the same run: reading the same capture files and parsing every
line with Python's json module, on one core.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from stages import Stage, benchmark, capture_files, hours_of, mebibytes, parse_lines, window_of

if TYPE_CHECKING:
    import numpy as np

SCHEDULE = "load-data-quality"

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


LINE = (
    '{"captureData":{"endpointInput":{"observedContentType":"text/csv","mode":"INPUT","data":"%s\\n","encoding":"CSV"},'
    '"endpointOutput":{"observedContentType":"text/csv; charset=utf-8","mode":"OUTPUT","data":"%s","encoding":"CSV"}},'
    '"eventMetadata":{"eventId":"feca1ab1-8025-47e3-8f6a-%012d","inferenceTime":"%s"},"eventVersion":"0"}\n'
)


def main() -> None:
    verbs = {"collect": "collect_window", "observe": "compute_metrics", "evaluate": "evaluate_constraints"}
    stages: dict[str, Stage] = {"yardstick": parse_lines}
    benchmark(__doc__, "records", generate, stages | {stage: partial(verb, name) for stage, name in verbs.items()})


def generate(folder: Path, records: int) -> str:
    """The endpoint's file, its baseline and its traffic; the same bytes each time."""
    import numpy as np

    from model_monitor import jobs
    from model_monitor.config.execution import Assignment

    file = folder / "load.yaml"
    file.write_text(ENDPOINT.format(folder=folder, hours=hours_of(records), inputs=", ".join(INPUTS)))
    chance = np.random.default_rng(7)
    rows = [f"{output},{inputs}" for output, inputs in payloads(chance, 20_000)]
    (folder / "baseline.csv").write_text("\n".join([",".join(["score", *INPUTS]), *rows]) + "\n")
    if not (folder / "capture").exists():
        for path, numbers, second in capture_files(folder, records):
            texts = zip(numbers, payloads(chance, len(numbers)), strict=True)
            path.write_text("".join(LINE % (inputs, output, i, second) for i, (output, inputs) in texts))
    shutil.rmtree(folder / "out", ignore_errors=True)
    state = jobs.observe_baseline(Assignment.load(str(file), SCHEDULE))
    jobs.publish_baseline(
        Assignment.load(str(file), SCHEDULE), jobs.suggest_constraints(Assignment.load(str(file), SCHEDULE), state, "")
    )
    return f"records, {mebibytes(folder):,.0f} MiB of JSON lines, {hours_of(records)} hours"


def payloads(chance: np.random.Generator, count: int) -> list[tuple[str, str]]:
    """Outputs and inputs of requests, as text."""
    floats = chance.normal(50, 20, (8, count)).round(4).tolist()
    whole = chance.integers(0, [[100], [5000], [2], [10**6], [24]], (5, count)).tolist()
    words = [
        [f"{name}_{k}" for k in chance.integers(0, size, count)]
        for name, size in zip("abcdef", (2, 3, 5, 12, 40, 90), strict=True)
    ]
    inputs = [",".join(map(str, row)) for row in zip(*floats, *whole, *words, strict=True)]
    return list(zip(map(str, chance.random(count).round(6).tolist()), inputs, strict=True))


def verb(name: str, folder: Path, records: int) -> Callable[[], object]:
    from model_monitor import jobs
    from model_monitor.config.execution import Execution

    return partial(getattr(jobs, name), Execution.of(folder / "load.yaml", SCHEDULE, window_of(records)))


if __name__ == "__main__":
    main()
