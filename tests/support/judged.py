"""An endpoint with each task there is, for tests of what becomes of their files."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

from model_monitor import jobs
from model_monitor.config.execution import Assignment, Execution
from model_monitor.core.window import Window
from support.captures import HOUR, at, capture, endpoint_file, record
from support.truths import collect, truth

WINDOW = Window(at(0), at(60))
NOW = HOUR + timedelta(days=20)
SCHEDULES = ("dq", "mq", "why")
CREATED = "2026-01-05T00:00:00Z"


class Endpoint:
    """An endpoint whose window three schedules judge: by all kinds of files that one task leaves for another."""

    def __init__(self, root: Path) -> None:
        truth_at = {"uri": str(root / "labels"), "minimum_coverage": 0.1, "final_after": "P7D"}
        options = {"problem_type": "BinaryClassification", "probability_attribute": "score"}
        explain = {"model": {"callable": "support.explained_rows.answers"}, "background": [[1, 2, 3]], "rows": 5}
        schedules: list[dict[str, Any]] = [
            {"name": "dq", "monitor": "data_quality"},
            {"name": "mq", "monitor": "model_quality", "options": options, "ground_truth": truth_at},
            {"name": "why", "monitor": "attribution", "explain": explain},
        ]
        for schedule in schedules:
            schedule["baseline"] = {"dataset": str(root / "b.csv"), "format": "csv"}
        columns = {"outputs": ["score"], "inputs": ["a", "b", "c"]}
        self.out = root / "out"
        self.file = endpoint_file(root, schedules=schedules, columns=columns, retention_days=15)
        lines = [f"{i % 10 / 10},{i % 7},{i % 5},{i % 3},{i % 2}" for i in range(100)]
        (root / "b.csv").write_text("\n".join(["score,a,b,c,label", *lines]) + "\n")
        asked = [record(f"e{i}", f"{i % 7},{i % 5},{i % 3}\n", f"0.{i % 10}", at(i / 10)) for i in range(300)]
        capture(root / "capture", asked)
        collect(root / "labels", [truth(f"e{i}", str(i % 2)) for i in range(200)], HOUR)

    def steps(self) -> Iterator[Callable[[], object]]:
        """Each task, in order."""
        for name in SCHEDULES:
            for verb in (self.learn, self.collect, self.merge, self.explain, self.compute, self.evaluate):
                yield partial(verb, name)
        yield self.retain

    def assignment(self, name: str) -> Assignment:
        return Assignment.load(self.file, name)

    def on(self, name: str) -> Execution:
        return self.assignment(name).on(WINDOW)

    def observe(self, name: str) -> str:
        return jobs.observe_baseline(self.assignment(name))

    def suggest(self, name: str) -> str:
        [state] = (self.out / f"_baselines/churn/{name}/observed").rglob("state.mms")
        return jobs.suggest_constraints(self.assignment(name), str(state), CREATED)

    def publish(self, name: str) -> None:
        [description] = (self.out / f"_baselines/churn/{name}").glob("*/baseline.json")
        jobs.publish_baseline(self.assignment(name), str(description.parent))

    def learn(self, name: str) -> None:
        self.observe(name)
        jobs.publish_baseline(self.assignment(name), self.suggest(name))

    def collect(self, name: str) -> None:
        jobs.collect_window(self.on(name))

    def merge(self, name: str) -> None:
        if name == "mq":
            jobs.merge_ground_truth(self.on(name))

    def explain(self, name: str) -> None:
        if name == "why":
            jobs.explain_window(self.on(name))

    def compute(self, name: str) -> None:
        jobs.compute_metrics(self.on(name))

    def evaluate(self, name: str) -> None:
        jobs.evaluate_constraints(self.on(name))

    def alert(self, name: str) -> None:
        jobs.alert(self.on(name))

    def look(self, name: str) -> None:
        jobs.grown_windows(self.assignment(name), NOW)

    def retain(self, name: str = "") -> None:
        jobs.delete_expired(self.file, HOUR + timedelta(days=1))

    def files(self) -> dict[Path, bytes]:
        """All but the history, which is an index of them."""
        paths = (path for path in sorted(self.out.rglob("*")) if path.is_file() and "sqlite" not in path.name)
        return {path: path.read_bytes() for path in paths}
