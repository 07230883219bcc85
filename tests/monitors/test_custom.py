"""A monitor of one's own: a dataclass, a dotted path in the endpoint file, and a call of ``laws.check``."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from support.captures import at, capture, endpoint_file, record

from model_monitor import jobs
from model_monitor.config.execution import Assignment
from model_monitor.core import Between, Constraint, Measures, Monitor, Quantiles, Subject, Window, laws
from model_monitor.rows.sources.datasets import Dataset


@dataclass(frozen=True)
class Latency(Monitor[Quantiles]):
    """Does the model still answer in time? The 95th percentile of a captured column of milliseconds."""

    column: str = "ms"
    slack: float = 1.5

    @property
    def empty(self) -> Quantiles:
        return Quantiles()

    def observe(self, batch: pa.RecordBatch) -> Quantiles:
        return Quantiles.of(pc.drop_null(batch.column(self.column).cast(pa.float64())).to_numpy())

    def measure(self, state: Quantiles) -> Measures:
        return {(Subject(self.column), "p95"): state.at(0.95)}

    def suggest(self, baseline: Quantiles) -> Iterator[Constraint]:
        if (p95 := baseline.at(0.95)) is not None:
            yield Constraint("latency_check", Subject(self.column), "p95", Between(high=self.slack * p95))


def test_it_keeps_the_laws() -> None:
    laws.check(Latency(), pa.record_batch({"ms": np.random.default_rng(0).exponential(50, 1500)}))


def test_an_endpoint_file_runs_it_by_its_dotted_path(tmp_path: Path) -> None:
    columns = {"outputs": ["score"], "inputs": ["ms"]}
    options = {"monitor": "test_custom.Latency", "options": {"slack": 2.0}}
    file = endpoint_file(tmp_path, columns=columns, **options)
    (tmp_path / "baseline.csv").write_text("score,ms\n" + "".join(f"0.5,{40 + i % 20}\n" for i in range(200)))
    assignment = Assignment.load(file, "dq")
    state = jobs.observe_baseline(assignment, Dataset.at(str(tmp_path / "baseline.csv"), "csv"))
    jobs.publish_baseline(assignment, jobs.suggest_constraints(assignment, state, "2026-01-05T00:00:00Z"))
    statuses = []
    for hour, slow in enumerate([None, 1, 3]):
        ms = [str(slow * (40 + i % 20)) if slow else "" for i in range(60)]
        some = [record(f"e{hour}{i}", f"{ms[i]}\n", "0.5", at(60 * hour + i)) for i in range(60)]
        capture(tmp_path / "capture", some, at(60 * hour))
        execution = assignment.on(Window(at(60 * hour), at(60 * hour + 60)))
        for verb in (jobs.collect_window, jobs.compute_metrics, jobs.evaluate_constraints):
            report = Path(verb(execution))
        statuses.append(json.loads((report / "execution.json").read_text())["status"])
    assert statuses == ["Undefined", "Completed", "CompletedWithViolations"]
    [violation] = json.loads((report / "constraint_violations.json").read_text())["violations"]
    assert (violation["feature_name"], violation["constraint_check_type"]) == ("ms", "latency_check")
    assert violation["description"] == "p95 is 174.0; it must be at most 116.0."
