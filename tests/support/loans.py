"""An endpoint that grants loans by a linear model over HTTP, its requests, and the verbs that explain them."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np

from model_monitor import jobs
from model_monitor.config.execution import Assignment, Execution
from model_monitor.core.window import Window
from support.captures import HOUR, at, capture, endpoint_file, record

WINDOW = Window(HOUR, HOUR + timedelta(hours=1))
BEFORE = Window(HOUR - timedelta(hours=1), HOUR)
FEATURES = ("age", "income", "debt")
WEIGHTS = np.array([0.1, 2.0, -0.5])
ROWS = 90
EXPLAINED = "out/_explained/churn/loans/2026/01/05/04/rows.parquet"


def linear(rows: np.ndarray) -> np.ndarray:
    return rows @ WEIGHTS


def applicants(n: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(n, 3)).round(4)


def traffic(root: Path, n: int = ROWS) -> np.ndarray:
    """Requests within the window, every third of them from Belgium; what the model was asked."""
    asked = applicants(n, seed=1)
    sides = [(",".join(map(str, row)) + f",{'BE' if i % 3 == 0 else 'AT'}\n") for i, row in enumerate(asked.tolist())]
    capture(root / "capture", [record(f"e{i}", side, "0.5", at(i * 60 / n)) for i, side in enumerate(sides)])
    return asked


def dataset(root: Path, n: int = 200) -> np.ndarray:
    rows = applicants(n, seed=2)
    lines = [f"0.5,{','.join(map(str, row))},{'BE' if i % 3 == 0 else 'AT'}" for i, row in enumerate(rows.tolist())]
    (root / "baseline.csv").write_text("\n".join(["score,age,income,debt,country", *lines]) + "\n")
    return rows


def endpoint(root: Path, url: str, **settings: Any) -> str:
    """An endpoint file with one schedule, ``loans``; ``explain`` adds to how rows are explained."""
    model = {"url": url, "exchange": {"retries": 0, "timeout_seconds": 5}}
    explain = {"model": model, "features": FEATURES, "rows": 20} | settings.pop("explain", {})
    columns = {"outputs": ["score"], "inputs": [*FEATURES, "country"]}
    common: dict[str, Any] = {"name": "loans", "monitor": "attribution", "columns": columns} | settings
    common.setdefault("baseline", {"dataset": "baseline.csv"})
    return endpoint_file(root, explain=explain, **common)


def explained(file: str, window: Window = WINDOW) -> dict[str, Any]:
    """The verbs until a window is explained; what was found."""
    jobs.collect_window(Execution.of(file, "loans", window))
    document: dict[str, Any] = json.loads(Path(jobs.explain_window(Execution.of(file, "loans", window))).read_text())
    return document


def judged(file: str, window: Window = WINDOW) -> tuple[dict[str, Any], Path]:
    """All verbs over a window; what a person is told, and the report's folder."""
    explained(file, window)
    jobs.compute_metrics(Execution.of(file, "loans", window))
    report = Path(jobs.evaluate_constraints(Execution.of(file, "loans", window)))
    return jobs.alert(Execution.of(file, "loans", window)), report


def learn(file: str) -> None:
    state = jobs.observe_baseline(Assignment.load(file, "loans"))
    version = jobs.suggest_constraints(Assignment.load(file, "loans"), state, "2026-01-05T00:00:00Z")
    jobs.publish_baseline(Assignment.load(file, "loans"), version)


def files_below(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
