"""A shop whose endpoint is judged by every monitor: random requests and labels, in files cut anyhow."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any

import numpy as np

from model_monitor import jobs
from model_monitor.config.engine import Cluster
from model_monitor.config.execution import Assignment
from model_monitor.core.window import Window
from support.captures import HOUR, at, capture, endpoint_file, lines, record
from support.truths import collect, truth

WINDOW = Window(HOUR, HOUR + timedelta(hours=2))
ENDPOINT = {"columns": {"outputs": ["score"], "inputs": ["age", "city", "debt"]}}
BASELINE = {"baseline": {"dataset": "baseline.csv"}}
SCORED = {"problem_type": "BinaryClassification", "probability_attribute": "score"}
RULE = {
    "type": "expect_column_values_to_be_between",
    "kwargs": {"column": "age", "min_value": -2, "max_value": 2, "mostly": 0.9},
}
MODEL = {"model": {"callable": "support.shop.model"}, "features": ["age", "debt"], "rows": 40}
SCHEDULES: dict[str, dict[str, Any]] = {
    "dq": {"monitor": "data_quality"} | BASELINE,
    "cities": {"monitor": "data_quality", "segments": ["city"], "sampling": 0.5},
    "sagemaker": {"monitor": "data_quality", "options": {"compatibility": "sagemaker"}} | BASELINE,
    "mq": {"monitor": "model_quality", "options": SCORED} | BASELINE,
    "bias": {"monitor": "bias", "options": {"facets": [{"name": "city"}], "probability_attribute": "score"}},
    "traffic": {"monitor": "traffic"},
    "rules": {"monitor": "expectations", "expectations": [RULE]},
    "shap": {"monitor": "attribution", "explain": MODEL} | BASELINE,
}


def model(rows: Any, features: Any) -> Any:
    return np.nan_to_num(rows.astype(float)) @ [[0.5], [-2.0]]


@dataclass(frozen=True)
class Traffic:
    """Requests as captured lines, and label records."""

    requests: list[bytes]
    labels: list[dict[str, Any]]

    @classmethod
    def of(cls, random: Random, count: int) -> Traffic:
        """Some without a label, with an id twice, of another shape, failed, sampled, or no record at all."""
        requests, labels = [], []
        for i in range(count):
            sides = (
                f"{random.gauss(0, 1)!r},{random.choice('abc')},{random.choice(['', '1e3', '7'])}",
                repr(random.random()),
            )
            moment, kind = at(random.randrange(-300, 7500) / 60), random.random()
            one = record(f"e{i if kind > 0.05 else i // 2}", *sides, moment, f"order-{i}" if kind > 0.5 else None)
            if kind < 0.1:
                one = record(f"e{i}", "1,a", "0.5", moment)
            elif kind < 0.15:
                one["eventMetadata"] |= {"failed": True, "statusCode": 500, "latencyMs": 3.5}
            elif kind < 0.25:
                one["eventMetadata"] |= {"samplingPercentage": 50, "latencyMs": random.random()}
            requests.append(lines([one if kind < 0.99 else b"no record"]))
            for _ in range(random.choice([0, 1, 1, 2])):
                name = f"order-{i}" if kind > 0.5 else f"e{i}"
                labels.append(truth(name, random.choice("01")))
        return cls(requests, [*labels, truth("nobody", "1")])

    def put(self, root: Path, random: Random) -> None:
        """Write both into files, shuffled and cut."""
        for i, part in enumerate(cut(self.requests, random)):
            path = capture(
                root / "capture",
                [],
                at(60 * random.randrange(2)),
                f"{i}-{random.random()}.jsonl{random.choice(['', '.gz'])}",
            )
            content = b"".join(part)
            path.write_bytes(gzip.compress(content, mtime=0) if path.suffix == ".gz" else content)
        for i, part in enumerate(cut(self.labels, random)):
            collect(root / "labels", part, at(60 * random.randrange(1, 4)), f"{i}-{random.random()}.jsonl")


def cut(items: list[Any], random: Random) -> Iterator[list[Any]]:
    random.shuffle(items)
    places = sorted(random.randrange(len(items) + 1) for _ in range(random.randrange(1, 6)))
    for start, end in zip([0, *places], [*places, len(items)], strict=True):
        yield items[start:end]


def shop(root: Path, names: Any = SCHEDULES, **settings: Any) -> str:
    """The endpoint file, with a baseline's dataset."""
    random = Random(7)
    rows = [
        f"{random.random()},{random.gauss(0, 1)},{random.choice('abc')},7,{random.choice('01')}" for _ in range(300)
    ]
    (root / "baseline.csv").write_text("\n".join(["score,age,city,debt,label", *rows]) + "\n")
    labels = {"ground_truth": {"uri": str(root / "labels"), "minimum_coverage": 0.1}}
    schedules = []
    for name in names:
        own = SCHEDULES[name]
        labelled = labels if own["monitor"] in ("model_quality", "bias") else {}
        schedules.append(own | labelled | {"name": name, "window": "PT2H", "max_rejected": 1})
    return endpoint_file(root, **ENDPOINT, **settings, schedules=schedules)


def judged(file: str, name: str, cluster: Cluster | None, window: Window = WINDOW) -> str:
    """A schedule's window from captures to report, with its baseline first, on a cluster or in this process."""
    assignment = Assignment.load(file, name).observed_on(cluster)
    if assignment.schedule.baseline.dataset:
        state = jobs.observe_baseline(assignment)
        version = jobs.suggest_constraints(assignment, state, "2026-01-05T00:00:00Z")
        jobs.publish_baseline(assignment, version)
    return jobs.judge_window(assignment.on(window))
