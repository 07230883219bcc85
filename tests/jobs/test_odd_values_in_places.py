"""Does a column of numbers stay compared wherever its rows come from, whatever odd values are among them?

Each row has a column for each odd value, so that a place is tried with all of them at once.
"""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Callable
from itertools import cycle
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from support.captures import at, capture, endpoint_file, record
from support.truths import collect, truth

from model_monitor import jobs
from model_monitor.__main__ import main
from model_monitor.config.execution import Assignment, Execution
from model_monitor.core.window import Window, iso
from model_monitor.results.reading import Report

N = 300
WINDOW = Window(at(0), at(60))
TEXTS = [
    "NaN",
    "nan",
    "NA",
    "N/A",
    "",
    " ",
    "null",
    "None",
    "inf",
    "-inf",
    "1,234",
    "1 234",
    "50%",
    " 7",
    "$5",
    "unknown",
]
ODD: list[Any] = [*TEXTS, math.nan, math.inf, -math.inf, None, True, "2026-01-05"]
NAMES = [f"x{i}" for i in range(len(ODD))]

Row = dict[str, Any]


def rows_of(seed: int, moved: float = 0.0) -> list[Row]:
    """Numbers, of which each column has its odd value in one of a hundred rows."""
    numbers = np.random.default_rng(seed).normal(moved, 1, (N, len(ODD))).round(4).tolist()
    return [
        {name: odd if i % 100 == 7 else x for name, odd, x in zip(NAMES, ODD, row, strict=True)}
        for i, row in enumerate(numbers)
    ]


def csv_text(rows: list[Row], header: bool = True) -> str:
    stream = io.StringIO()
    writer = csv.DictWriter(stream, list(rows[0]), quoting=csv.QUOTE_NONNUMERIC)
    if header:
        writer.writeheader()
    writer.writerows(rows)
    return stream.getvalue()


def arrow(rows: list[Row], more: dict[str, pa.Array]) -> pa.Table:
    """Columns of floats where the odd value is one, and of texts elsewhere."""
    columns = {}
    for name, odd in zip(NAMES, ODD, strict=True):
        values = [row[name] for row in rows]
        is_typed = odd is None or (isinstance(odd, float) and not isinstance(odd, bool))
        columns[name] = pa.array(values if is_typed else list(map(str, values)), pa.float64() if is_typed else None)
    return pa.table(columns | more)


def as_csv(rows: list[Row], folder: Path, more: dict[str, list[Any]]) -> str:
    with_more = [row | {name: values[i] for name, values in more.items()} for i, row in enumerate(rows)]
    (folder / "a.csv").write_text(csv_text(with_more))
    return "csv"


def as_jsonl(rows: list[Row], folder: Path, more: dict[str, list[Any]]) -> str:
    with_more = [row | {name: values[i] for name, values in more.items()} for i, row in enumerate(rows)]
    (folder / "a.jsonl").write_text("".join(json.dumps(row) + "\n" for row in with_more))
    return "jsonl"


def as_parquet(rows: list[Row], folder: Path, more: dict[str, list[Any]]) -> str:
    pq.write_table(arrow(rows, {name: pa.array(values) for name, values in more.items()}), folder / "a.parquet")
    return "parquet"


def as_delta(rows: list[Row], folder: Path, more: dict[str, list[Any]]) -> str:
    deltalake = pytest.importorskip("deltalake")
    deltalake.write_deltalake(str(folder), arrow(rows, {name: pa.array(values) for name, values in more.items()}))
    return "parquet"


def as_captures(folder: Path, asked: list[Any], answers: list[Any]) -> None:
    pairs = zip(asked, answers, strict=True)
    capture(folder, [record(f"e{i}", given, output, at(i / 6)) for i, (given, output) in enumerate(pairs)])


def judged_by_hand(write: Callable[..., str], root: Path, window: list[Row]) -> dict[str, Any]:
    (root / "window").mkdir()
    return by_hand(root, root / "window", "--format", write(window, root / "window", {}))


def by_hand(root: Path, dataset: Path, *more: str) -> dict[str, Any]:
    base, report = root / "learned", root / "report"
    files = ["--statistics", f"{base}/statistics.json", "--constraints", f"{base}/constraints.json"]
    rows = ["--dataset", str(dataset), *more]
    assert main(["run", "data-quality", *rows, *files, "--output", str(report)]) in (0, 3)
    return Report.at(str(report)).execution


def judged_by_schedule(root: Path, **settings: Any) -> dict[str, Any]:
    """The report of a schedule whose baseline is the dataset."""
    names = {"columns": {"outputs": NAMES[:1], "inputs": NAMES[1:]}}
    file = endpoint_file(root, **names, baseline={"dataset": str(root / "base")}, **settings)
    a = Assignment.load(file, "dq")
    jobs.publish_baseline(a, jobs.suggest_constraints(a, jobs.observe_baseline(a), iso(at(0))))
    document: dict[str, Any] = json.loads(
        (Path(jobs.judge_window(Execution.of(file, "dq", WINDOW))) / "execution.json").read_text()
    )
    return document


def captured_json(root: Path, window: list[Row]) -> dict[str, Any]:
    """Bare NaN and Infinity in a payload, as Python's clients write them."""
    answers = [{NAMES[0]: row[NAMES[0]]} for row in window]
    as_captures(root / "capture", [{k: v for k, v in row.items() if k != NAMES[0]} for row in window], answers)
    return judged_by_schedule(root)


def captured_csv(root: Path, window: list[Row]) -> dict[str, Any]:
    def line(row: Row) -> str:
        return csv_text([row], header=False)

    asked = [line({k: v for k, v in row.items() if k != NAMES[0]}) for row in window]
    as_captures(root / "capture", asked, [line({NAMES[0]: row[NAMES[0]]}) for row in window])
    return judged_by_schedule(root)


def captures_by_hand(root: Path, window: list[Row]) -> dict[str, Any]:
    as_captures(root / "capture", window, [{"y": 1} for _ in window])
    return by_hand(root, root / "capture", "--exclude", "y")


def table_of(write: Callable[..., str]) -> Callable[[Path, list[Row]], dict[str, Any]]:
    def judged(root: Path, window: list[Row]) -> dict[str, Any]:
        folder = root / "log"
        folder.mkdir()
        times = [iso(at(i / 6)) for i in range(len(window))]
        form = write(window, folder, {"id": [f"e{i}" for i in range(len(window))], "ts": times})
        mapping = {"event_time": "ts", "event_id": "id", "inputs": NAMES[1:], "outputs": NAMES[:1]}
        return judged_by_schedule(
            root, capture={"kind": "table", "uri": str(folder), "format": form, "mapping": mapping}
        )

    return judged


def dataset_of(write: Callable[..., str]) -> Callable[[Path, list[Row]], dict[str, Any]]:
    return lambda root, window: judged_by_hand(write, root, window)


WRITERS = {"csv": as_csv, "json lines": as_jsonl, "parquet": as_parquet, "delta": as_delta}
PLACES: dict[str, Callable[[Path, list[Row]], dict[str, Any]]] = {
    **{f"dataset, {name}": dataset_of(write) for name, write in WRITERS.items() if name != "delta"},
    **{f"table, {name}": table_of(write) for name, write in WRITERS.items()},
    "captured json": captured_json,
    "captured csv": captured_csv,
    "captures by hand": captures_by_hand,
}


@pytest.mark.parametrize(("place", "learned"), list(zip(PLACES, cycle(["csv", "json lines", "parquet"]), strict=False)))
def test_numbers_among_odd_values_are_compared(place: str, learned: str, tmp_path: Path) -> None:
    for moved, expected in ((0.0, "holds"), (3.0, "violated")):
        root = tmp_path / expected
        (root / "base").mkdir(parents=True)
        WRITERS[learned](rows_of(1), root / "base", {})
        assert main(["baseline", "data-quality", "--dataset", f"{root}/base", "--output", f"{root}/learned"]) == 0
        document = PLACES[place](root, rows_of(2, moved))
        assert document["rejected"]["reasons"] == {}
        drift = {f["column"]: f["outcome"] for f in document["findings"] if f["check"] == "baseline_drift_check"}
        assert drift == dict.fromkeys(NAMES, expected), [ODD[NAMES.index(n)] for n, o in drift.items() if o != expected]
        assert "unjudged" not in document
        others = {f["column"] for f in document["findings"] if f["outcome"] != "holds"} - set(drift)
        assert not others
        if not moved:
            assert document["violations"] == 0


@pytest.mark.parametrize("encoding", ["CSV", "JSON"])
def test_odd_labels_are_counted_and_the_others_judged(encoding: str, tmp_path: Path) -> None:
    answers = np.random.default_rng(1).normal(size=N).round(4).tolist()
    labels = [repr(x + 0.5) for x in answers]
    for i, odd in enumerate(ODD):
        labels[7 * i] = json.dumps(odd) if encoding == "JSON" else csv_text([{"y": odd}], header=False).strip()
    capture(tmp_path / "capture", [record(f"e{i}", "1\n", repr(x), at(i / 6)) for i, x in enumerate(answers)])
    collect(tmp_path / "labels", [truth(f"e{i}", label, encoding) for i, label in enumerate(labels)], at(0))
    options = {"problem_type": "Regression", "inference_attribute": 0}
    truths = {"uri": str(tmp_path / "labels")}
    file = endpoint_file(tmp_path, monitor="model_quality", options=options, ground_truth=truths)
    execution = Execution.of(file, "dq", WINDOW)
    document = Report.at(jobs.judge_window(execution)).execution
    assert document["unusable"] == {"no label value": 3, "not a number: label": len(ODD) - 4}  # " 7" is a number
    statistics = json.loads((Path(execution.report) / "statistics.json").read_text())
    assert abs(statistics["regression_metrics"]["mae"]["value"] - 0.5) < 0.03
