"""All verbs of an endpoint file, in a process of its own that can be killed, or started twice.

    python -m support.faults.process FOLDER [early | late]

It prints "ready" when everything is imported, and begins when a line comes. "early" merges only the labels that had
come by the window's end, "late" all.
"""

from __future__ import annotations

import sys
from datetime import timedelta
from pathlib import Path

from model_monitor import jobs
from model_monitor.config.execution import Assignment
from model_monitor.errors import MonitorError
from support.captures import HOUR, at, capture, endpoint_file, record
from support.faults.endpoints import CREATED, NOW, TRUTH, WINDOW, labelled, rows, write_baseline
from support.truths import collect, truth

EARLY = HOUR + timedelta(hours=2)


def build(root: Path) -> None:
    """A labelled endpoint with captures that retention deletes, and labels that come early and late."""
    settings = labelled(root, "model_quality", TRUTH)
    labels = [truth(f"f{i}", str(y)) for i, (_, _, _, y) in enumerate(rows())]
    next(root.glob("labels/**/f.jsonl")).unlink()
    collect(root / "labels", labels, HOUR + timedelta(hours=5), "late.jsonl")
    for days in range(60, 64):
        old = HOUR - timedelta(days=days)
        capture(root / "capture", [record("old", "1,a\n", "0.5", old)], old)
    columns = {"outputs": ["p"], "inputs": ["n", "c"]}
    settings |= {"columns": columns, "baseline": {"dataset": write_baseline(root)}, "retention_days": 40}
    assert at(0) == HOUR
    endpoint_file(root, **settings)


def run(root: Path, until: str) -> None:
    assignment = Assignment.load(root / "endpoint.yaml", "dq")
    execution = assignment.on(WINDOW)
    if not until:
        state = jobs.observe_baseline(assignment)
        jobs.publish_baseline(assignment, jobs.suggest_constraints(assignment, state, CREATED))
    jobs.collect_window(execution)
    jobs.merge_ground_truth(execution, EARLY if until == "early" else NOW)
    jobs.compute_metrics(execution)
    jobs.evaluate_constraints(execution)
    jobs.alert(execution)
    if not until:
        jobs.delete_expired(str(root / "endpoint.yaml"), NOW, False)


if __name__ == "__main__":
    print("ready", flush=True)
    sys.stdin.readline()
    try:
        run(Path(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else "")
    except MonitorError as error:
        print(error, file=sys.stderr)
        raise SystemExit(75) from error  # as after a task that is retried
