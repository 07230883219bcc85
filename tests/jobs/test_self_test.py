"""Faults in copies of past windows: which are noticed, and after how many windows? Nothing is written."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from support.captures import HOUR, capture, endpoint_file, record
from support.judged import Endpoint

from model_monitor import jobs
from model_monitor.__main__ import main
from model_monitor.config.execution import Assignment, Execution
from model_monitor.core.batch import LATENCY, STATUS
from model_monitor.core.window import Window
from model_monitor.jobs.self_test.faults import KINDS, Fault, faults_for, with_values
from model_monitor.rows.sources.datasets import Dataset

ROWS, WINDOWS = 300, 6


class Churn:
    """A schedule with a baseline, and six hours of requests like it: numbers ``age`` and ``debt``, texts ``plan``."""

    def __init__(self, root: Path) -> None:
        columns = {"outputs": ["p"], "inputs": ["age", "debt", "plan"]}
        self.root, self.file = root, endpoint_file(root, columns=columns)
        self.a = Assignment.load(self.file, "dq")
        chance = np.random.default_rng(0)
        learned = "\n".join(["p,age,debt,plan", *(f"{chance.random():.3f},{self.row(chance)}" for _ in range(5000))])
        (root / "rows.csv").write_text(learned)
        state = jobs.observe_baseline(self.a, Dataset.at(str(root / "rows.csv"), "csv"))
        jobs.publish_baseline(self.a, jobs.suggest_constraints(self.a, state, "2026-01-05T00:00:00Z"))
        for hour in range(WINDOWS):
            start = HOUR + timedelta(hours=hour)
            asked = [
                record(f"{hour}-{i}", f"{self.row(chance)}\n", f"{chance.random():.3f}", start) for i in range(ROWS)
            ]
            capture(root / "capture", asked, start)
            execution = Execution.of(self.file, "dq", Window(start, start + timedelta(hours=1)))
            jobs.collect_window(execution)
            jobs.compute_metrics(execution)

    @staticmethod
    def row(chance: np.random.Generator) -> str:
        return f"{chance.integers(20, 80)},{chance.normal(0, 5):.2f},{'abc'[int(chance.choice(3, p=[0.7, 0.2, 0.1]))]}"

    @property
    def files(self) -> dict[Path, bytes]:
        return {path: path.read_bytes() for path in self.root.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def churn(tmp_path_factory: pytest.TempPathFactory) -> Churn:
    return Churn(tmp_path_factory.mktemp("churn"))


def tried(capsys: pytest.CaptureFixture[str], *arguments: str) -> list[dict]:
    assert main(["self-test", *arguments, "--json"]) == 0
    found: list[dict] = json.loads(capsys.readouterr().out)
    return found


def test_each_fault_that_is_large_is_caught_and_nothing_is_written(
    churn: Churn, capsys: pytest.CaptureFixture[str]
) -> None:
    files = churn.files
    [found] = tried(capsys, f"{churn.file}/dq")
    assert churn.files == files
    assert (found["monitor"], len(found["windows"]), found["reason"]) == ("data_quality", WINDOWS, "")
    assert list(dict.fromkeys(trial["kind"] for trial in found["trials"])) == list(KINDS)
    trials = {(trial["kind"], *trial["columns"]): trial for trial in found["trials"]}
    for fault in (
        ("unit change", "age"),
        ("null burst", "plan"),
        ("category swap", "plan"),
        ("stuck value", "debt"),
        ("swapped columns", "age", "debt"),
    ):
        assert trials[fault]["caught_after"] == 1, fault
    assert trials["null burst", "plan"]["by"] == ["completeness_check of plan"]
    assert trials["slow drift", "debt"]["caught_after"] > 1
    assert trials["slow drift", "debt"]["by"] == ["baseline_drift_check of debt"]


def test_people_read_a_line_for_each_kind(churn: Churn, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["self-test", churn.file, "--windows", "2", "--columns", "3"]) == 0
    shown = capsys.readouterr().out
    assert "dq (data_quality): 2 windows of 2026-01-05T07:00:00Z/2026-01-05T09:00:00Z, 1 columns left out" in shown
    assert [line.split("  ")[0] for line in shown.splitlines()[2:]] == list(KINDS)


def test_without_rows_it_says_so(churn: Churn, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    moved = churn.root / "out/_rows"
    moved.rename(tmp_path / "rows")
    try:
        assert main(["self-test", churn.file]) == 0
        assert "nothing was tried: no past window has its rows any more" in capsys.readouterr().out
    finally:
        (tmp_path / "rows").rename(moved)


def test_each_monitor_is_tried_by_what_it_looks_at(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    endpoint = Endpoint(tmp_path)
    for step in endpoint.steps():
        step()
    before = endpoint.files()
    quality, labels, explained = tried(capsys, endpoint.file)
    assert endpoint.files() == before
    assert [one["monitor"] for one in (quality, labels, explained)] == ["data_quality", "model_quality", "attribution"]
    for found in (quality, labels, explained):
        assert not found["reason"] and len(found["windows"]) == 1
    apply = {name for trial in labels["trials"] if trial["applies"] for name in trial["columns"]}
    assert {"score", "label"} <= apply  # and features only as they are exchanged with these
    assert not [t for t in labels["trials"] if t["applies"] and t["columns"] == ["a"]]
    assert all(trial["applies"] for trial in explained["trials"] if trial["kind"] == "unit change")


def batch() -> pa.RecordBatch:
    return pa.record_batch(
        {
            "text": ["1", "2.5", None, "x", "-3"],
            "whole": pa.array([1, 2, None, 4, 5], pa.int32()),
            "number": pa.array([1.0, float("nan"), None, 4.0, 5.0]),
            "flag": [True, False, None, True, True],
            "word": pa.array(["a", "b", "a", None, "a"]).dictionary_encode(),
            "empty": pa.nulls(5, pa.string()),
            LATENCY: [1.0, 2.0, 3.0, 4.0, 5.0],
            STATUS: [200, 200, 500, 200, 200],
        }
    )


def done(kind: str, *columns: str) -> list[list[object]]:
    rows = with_values(batch())
    [fault] = [one for one in faults_for(rows) if (one.kind, one.columns) == (kind, columns)]
    changed = fault.on(rows, 2)
    assert changed.schema.names == rows.schema.names
    return [changed.column(changed.schema.get_field_index(name)).to_pylist() for name in columns]


def test_faults_do_what_they_say() -> None:
    assert done("unit change", "text") == [["1000", "2500.0", None, "x", "-3000"]]
    assert done("unit change", "whole") == [[1000, 2000, None, 4000, 5000]]
    [numbers] = done("unit change", "number")
    assert numbers[0] == 1000 and numbers[1] != numbers[1] and numbers[2] is None
    assert done("null burst", "word") == [[None, "b", "a", None, "a"]]
    assert done("category swap", "word") == [["b", "a", "b", None, "b"]]
    assert done("category swap", "flag") == [[False, True, None, False, False]]
    assert done("category swap", STATUS) == [[500, 500, 200, 500, 500]]
    assert done("stuck value", "flag") == [[True] * 5]
    assert done("swapped columns", "flag", "word") == [["a", "b", "a", None, "a"], [True, False, None, True, True]]
    step = np.std([1.0, 2.0, 3.0, 4.0, 5.0]) * 0.2
    assert done("slow drift", LATENCY) == [pytest.approx([1 + step, 2 + step, 3 + step, 4 + step, 5 + step])]


def test_a_column_without_values_has_no_fault_and_one_that_is_not_there_stays_away() -> None:
    rows = with_values(batch())
    assert not [fault for fault in faults_for(rows) if "empty" in fault.columns]
    assert not faults_for(pa.record_batch({}))
    assert Fault("swapped columns", ("text", "gone")).on(rows, 1) is rows
