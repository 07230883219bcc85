"""All verbs of an endpoint file, in a process that can be killed, or started twice."""

from __future__ import annotations

import sys
import tempfile
import traceback
from datetime import timedelta
from multiprocessing.connection import Connection
from pathlib import Path

import scipy.stats  # noqa: F401 - the verbs import it late; this way it is imported once for all processes

from model_monitor import jobs, store
from model_monitor.config.execution import Assignment
from model_monitor.errors import MonitorError
from support.captures import HOUR, at, capture, endpoint_file, record
from support.faults.endpoints import CREATED, NOW, TRUTH, WINDOW, labelled, rows, write_baseline
from support.truths import collect, truth

RETRIED = 75  # an exit code
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
    """All verbs; "early" merges only the labels that had come by the window's end, "late" all;
    "retention" deletes what is expired two months later."""
    assignment = Assignment.load(root / "endpoint.yaml", "dq")
    if until == "retention":
        jobs.delete_expired(str(root / "endpoint.yaml"), NOW + timedelta(days=60), False)
        store.WorkingFolder().cleanup()  # as each verb makes one
        return
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


def work(root: Path, until: str, link: Connection) -> None:
    """Say that all is imported, begin when told, and say what went wrong; RETRIED is the exit code of our errors."""
    tempfile.tempdir = str(root / "tmp")
    link.send("ready")
    link.recv()
    try:
        run(root, until)
    except MonitorError:
        sys.exit(RETRIED)
    except BaseException:
        link.send(traceback.format_exc())
        raise
