"""The rows of all participants: baseline and window as pandas writes Parquet, and the window as captured requests."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd

START = datetime(2026, 1, 1, tzinfo=UTC)
FRACTIONAL, WHOLE, SIZES = 10, 6, (2, 3, 5, 12, 40, 90)  # of 20 columns: 10 fractional, 4 whole, 6 of texts
LINE = (
    '{"captureData":{"endpointInput":{"observedContentType":"text/csv","mode":"INPUT","data":"%s\\n","encoding":"CSV"},'
    '"endpointOutput":{"observedContentType":"text/csv; charset=utf-8","mode":"OUTPUT","data":"%s","encoding":"CSV"}},'
    '"eventMetadata":{"eventId":"feca1ab1-8025-47e3-8f6a-%012d","inferenceTime":"%s"},"eventVersion":"0"}\n'
)

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
    window: PT1H
    baseline: {{dataset: {folder}/baseline.parquet}}
"""


def generate(folder: Path, rows: int, columns: int, rows_per_request: int, files: int) -> None:
    """Write the rows, unless the folder has them: the same bytes each time."""
    if (folder / "load.yaml").exists():
        return
    folder.mkdir(parents=True, exist_ok=True)
    frames = {
        name: frame(np.random.default_rng(seed), rows, columns) for seed, name in enumerate(("baseline", "window"))
    }
    for name, table in frames.items():
        table.to_parquet(folder / f"{name}.parquet", index=False)
    for i, requests in enumerate(np.array_split(np.arange(0, rows, rows_per_request), files)):
        at = START + timedelta(seconds=3600 * i / files)
        path = folder / "capture/load/AllTraffic" / at.strftime(f"%Y/%m/%d/%H/%M-%S-000-{i:032x}.jsonl")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(records(frames["window"], requests, rows_per_request, at)))
    inputs = ", ".join(frames["window"].columns[1:])
    (folder / "load.yaml").write_text(ENDPOINT.format(folder=folder, inputs=inputs))


def frame(chance: np.random.Generator, rows: int, columns: int) -> pd.DataFrame:
    """A score, then numbers and texts in turn."""
    made: dict[str, np.ndarray] = {"score": chance.random(rows).round(6)}
    for i in range(1, columns):
        if i % 20 < FRACTIONAL:
            made[f"n{i}"] = chance.normal(50, 20, rows).round(4)
        elif i % 20 < 20 - len(SIZES):
            made[f"n{i}"] = chance.integers(0, (100, 5000, 24, 10**6)[i % 4], rows)
        else:
            size = SIZES[i % len(SIZES)]
            made[f"c{i}"] = np.array([f"value_{k}" for k in range(size)], object)[chance.integers(0, size, rows)]
    return pd.DataFrame(made)


def records(rows: pd.DataFrame, requests: np.ndarray, rows_per_request: int, at: datetime) -> Iterator[str]:
    """The captured requests that start at some rows."""
    if not len(requests):
        return
    part = rows.iloc[requests[0] : requests[-1] + rows_per_request]
    inputs = part.iloc[:, 1:].to_csv(header=False, index=False).splitlines()
    outputs = part.iloc[:, 0].astype(str).tolist()
    moment = at.strftime("%Y-%m-%dT%H:%M:%SZ")
    for i in requests.tolist():
        rows_of_request = slice(i - requests[0], i - requests[0] + rows_per_request)
        yield LINE % ("\\n".join(inputs[rows_of_request]), "\\n".join(outputs[rows_of_request]), i, moment)
