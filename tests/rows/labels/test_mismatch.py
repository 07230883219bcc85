"""Is it said why labels name none of the requests?"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from support.captures import at, capture, endpoint_file, record
from support.truths import collect, truth

from model_monitor import jobs
from model_monitor.config.execution import Execution
from model_monitor.core.window import Window

OPTIONS = {"problem_type": "BinaryClassification", "probability_attribute": 0}


def judged(root: Path, records: list[Any], truths: list[Any], **more: Any) -> dict[str, Any]:
    """The execution.json of a window with these requests and labels."""
    capture(root / "capture", records)
    if truths:
        collect(root / "labels", truths, at(0))
    labels = {"uri": str(root / "labels")}
    file = endpoint_file(root, monitor="model_quality", options=OPTIONS, ground_truth=labels, **more)
    execution = Execution.of(file, "dq", Window(at(0), at(60)))
    for verb in (jobs.collect_window, jobs.merge_ground_truth, jobs.compute_metrics):
        verb(execution)
    found: dict[str, Any] = json.loads((Path(jobs.evaluate_constraints(execution)) / "execution.json").read_text())
    return found


@pytest.mark.parametrize(
    ("named", "words"),
    [
        ("e-1", "that is the eventId of requests that have an inferenceId (e-1 is Ride-1): write the inferenceId"),
        ("RIDE-1 ", "differ in case or space only"),
        ("taxi/Ride-1/x", "an id is part of the other"),
        ("Ride", "an id is part of the other"),
        ("else", "they may be labels of other windows, or name another id"),
    ],
)
def test_labels_that_join_nothing_are_counted_and_explained(tmp_path: Path, named: str, words: str) -> None:
    report = judged(tmp_path, [record("e-1", inference="Ride-1", time=at(1))], [truth(named, "1"), truth("other", "0")])
    assert report["labels"]["unjoined"] == 2
    start = f"No request has a label: 2 labels were read from {tmp_path / 'labels'}, and none names a request: "
    assert report["reason"].startswith(
        f"{start}they name e.g. {named}, and a request has inferenceId Ride-1 (eventId e-1); "
    )
    assert words in report["reason"]


def test_no_id_is_shown_where_requests_are_deleted(tmp_path: Path) -> None:
    report = judged(tmp_path, [record("e-1", inference="Ride-1", time=at(1))], [truth("e-1", "1")], retention_days=30)
    assert "that is the eventId of requests that have an inferenceId: write" in report["reason"]
    assert "e-1" not in report["reason"] and "Ride-1" not in report["reason"]


@pytest.mark.parametrize("truths", [[], [truth("e-1", "1")]], ids=["no labels", "a label"])
def test_nothing_is_explained_without_labels_or_where_one_joins(tmp_path: Path, truths: list[Any]) -> None:
    assert not {"unjoined", "mismatch"} & judged(tmp_path, [record("e-1", time=at(1))], truths)["labels"].keys()
