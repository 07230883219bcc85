"""A schedule on traffic that has hours, judged window by window through the store, without drawing its rows twice."""

from __future__ import annotations

import json
import math
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from model_monitor import jobs
from model_monitor.config.execution import Assignment, Execution
from model_monitor.core.observed import Counting
from model_monitor.core.window import Window
from model_monitor.jobs.compute_metrics import save
from model_monitor.results.handover import Evidence
from model_monitor.rows.sources.datasets import Dataset
from support.captures import HOUR, endpoint_file

ROWS, COLUMNS = 1_000, ("a", "b")


class WithoutPage(Execution):
    """Pictures take longer than all the rest."""

    @property
    def writes_page(self) -> bool:
        return False


class Shop:
    """A schedule whose first column is higher by day than by night."""

    def __init__(self, root: Path, options: dict[str, Any] | None = None, **schedule: Any) -> None:
        self.root, self.chance = root, np.random.default_rng(5)
        self.file = endpoint_file(root, options=options or {}, **schedule)
        self.a = Assignment.load(self.file, "dq")

    def learn(self, moved: float = 0.0) -> str:
        """Learn a baseline of all hours, and put it in force."""
        rows = np.concatenate([self.drawn(hour, 400) for hour in range(48)]) + moved
        path = self.root / "rows.csv"
        path.write_text("\n".join([",".join(COLUMNS), *(f"{a:.4f},{b:.4f}" for a, b in rows)]))
        state = jobs.observe_baseline(self.a, Dataset.at(str(path), "csv"))
        return jobs.publish_baseline(self.a, jobs.suggest_constraints(self.a, state, "2026-01-05T00:00:00Z"))

    def drawn(self, hour: int, rows: int = ROWS) -> np.ndarray:
        values = self.chance.normal(size=(rows, len(COLUMNS)))
        values[:, 0] += 0.5 * math.sin(2 * math.pi * hour / 24)
        return values

    def judge(self, hour: int, shift: float = 0.0, length: int = 1) -> dict[str, Any]:
        values = self.drawn(hour) + np.array([shift, 0.0])
        execution = WithoutPage(self.a.endpoint, self.a.schedule, Window(at(hour), at(hour + length)))
        batch = pa.record_batch(dict(zip(COLUMNS, values.T, strict=True)))
        save(execution.observation, Counting(self.a.monitor).observe(batch), Evidence())
        found: dict[str, Any] = json.loads((Path(jobs.evaluate_constraints(execution)) / "execution.json").read_text())
        return found


def at(hour: int) -> datetime:
    return HOUR + timedelta(hours=hour)


def violated(document: dict[str, Any]) -> list[str]:
    return [finding["check"] for finding in document["findings"] if finding["outcome"] == "violated"]
