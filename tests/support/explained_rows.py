"""Rows to explain, and a model to explain them with, for tests."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from model_monitor.rows.explanations.explain import Explainer, explain
from model_monitor.rows.explanations.models import ModelAt

FEATURES = ("a", "b", "c")
BACKGROUND = ((0.0, 1.0, 2.0), (1.0, 0.5, 0.0))


def answers(rows: np.ndarray, features: list[str]) -> np.ndarray:
    return 2 * rows[:, 0] - rows[:, 1] * rows[:, 2]


EXPLAINER = Explainer(ModelAt(callable="support.explained_rows.answers"), FEATURES, BACKGROUND, rows=20)
TIME = datetime(2026, 1, 5, tzinfo=UTC)


def batch(count: int = 50, **columns: list[Any]) -> pa.RecordBatch:
    """Rows as they are collected: all texts."""
    chance = np.random.default_rng(0)
    values = {name: [f"{v:.2f}" for v in chance.normal(size=count)] for name in FEATURES}
    identity = {
        "@event_id": [f"e{i}" for i in range(count)],
        "@event_time": pa.array([TIME + timedelta(minutes=i) for i in range(count)], pa.timestamp("us", "UTC")),
    }
    return pa.record_batch({**identity, "score": ["0.5"] * count, **values, **columns})


def explained(folder: Path, explainer: Explainer = EXPLAINER, **more: Any) -> pa.Table:
    batches = more.pop("batches", [batch()])
    explain(batches, explainer, str(folder / "explained.parquet"), {"made": "from"}, **more)
    return pq.read_table(folder / "explained.parquet")


def attributions(table: pa.Table, label: str = "label0") -> np.ndarray:
    return np.column_stack([table.column(f"{label}|{name}").to_numpy() for name in FEATURES])
