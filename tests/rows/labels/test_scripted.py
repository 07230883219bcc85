"""Does a script get requests together with their labels, as SageMaker gives them?"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from support.captures import at, capture, endpoint_file, record
from support.truths import collect, truth

from model_monitor import jobs
from model_monitor.config.execution import Execution
from model_monitor.core.window import Window
from model_monitor.errors import ConfigError, DataError

WINDOW = Window(at(0), at(60))
READS_TRUTH = """
import json
def preprocess_handler(record):
    row = {f"out_{i}": v for i, v in enumerate(json.loads(record.endpoint_output.data)["prediction"])}
    return row | {f"truth_{i}": v for i, v in enumerate(json.loads(record.ground_truth.data))}
"""


def asked(event: str, *predictions: float) -> dict[str, Any]:
    return record(event, {"deep": {"x": 1}}, {"prediction": list(predictions)}, at(1))


def schedule(root: Path, script: str, records: list[Any], truths: list[Any], **more: Any) -> Execution:
    """The execution of a schedule whose script gets these requests and labels."""
    capture(root / "capture", records)
    collect(root / "labels", truths, at(0))
    (root / "pre.py").write_text(script)
    options = {"problem_type": "Regression", "inference_attribute": "out_0", "ground_truth_attribute": "truth_0"}
    settings = {
        "monitor": "model_quality",
        "options": options | more.pop("options", {}),
        "ground_truth": {"uri": str(root / "labels"), "minimum_coverage": 0.0, **more.pop("ground_truth", {})},
        "preprocess": {"script": str(root / "pre.py"), **more.pop("preprocess", {})},
    }
    return Execution.of(endpoint_file(root, **settings, **more), "dq", WINDOW)


def merged(execution: Execution) -> list[dict[str, Any]]:
    jobs.collect_window(execution)
    document = json.loads(Path(jobs.merge_ground_truth(execution)).read_text())
    return [row for address in document["partitions"] for row in pq.read_table(address).to_pylist()]


def values(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [
        {name: value for name, value in row.items() if name in ("@event_id", "@labelled") or name[0] != "@"}
        for row in rows
    ]


def judged(execution: Execution) -> dict[str, Any]:
    merged(execution)
    jobs.compute_metrics(execution)
    found: dict[str, Any] = json.loads((Path(jobs.evaluate_constraints(execution)) / "execution.json").read_text())
    return found


def test_a_script_reads_the_label_and_names_both_columns(tmp_path: Path) -> None:
    records = [asked("a", 1.5), asked("b", 2.5)]
    truths = [truth("a", "[1.0]", "JSON"), truth("b", "[3.0]", "JSON")]
    execution = schedule(tmp_path, READS_TRUTH, records, truths)
    assert values(merged(execution)) == [
        {"@event_id": "a", "@labelled": True, "out_0": "1.5", "truth_0": "1.0"},
        {"@event_id": "b", "@labelled": True, "out_0": "2.5", "truth_0": "3.0"},
    ]
    report = judged(execution)
    assert (report["status"], report["counts"]["judged"]) == ("BaselineMissing", 2)
    [written] = Path(execution.merged_records_folder(at(0))).glob("*.jsonl")
    assert [json.loads(line)["groundTruthData"]["data"] for line in written.read_text().splitlines()] == [
        "[1.0]",
        "[3.0]",
    ]


@pytest.mark.parametrize("monitor", ["model_quality", "bias"])
def test_a_label_that_the_script_does_not_return_is_the_records_own(tmp_path: Path, monitor: str) -> None:
    script = "def preprocess_handler(r):\n    return {'p': 1, 'sex': 'f', 'id': r.event_metadata.event_id}\n"
    options = {"problem_type": "BinaryClassification", "inference_attribute": "p", "ground_truth_attribute": "label"}
    if monitor == "bias":
        options = {"facets": [{"name": "sex", "values": ["f"]}], "inference_attribute": "p"}
    execution = schedule(tmp_path, script, [asked("a", 1), asked("b", 2)], [truth("a", "1")])
    file = endpoint_file(
        tmp_path,
        monitor=monitor,
        options=options,
        ground_truth={"uri": str(tmp_path / "labels")},
        preprocess={"script": str(tmp_path / "pre.py")},
    )
    execution = Execution.of(file, "dq", WINDOW)
    assert [(row["id"], row["label"], row["@labelled"]) for row in merged(execution)] == [
        ("a", "1", True),
        ("b", None, False),
    ]


def test_a_request_without_a_label_counts_though_the_script_can_t_read_it(tmp_path: Path) -> None:
    execution = schedule(tmp_path, READS_TRUTH, [asked("a", 1.5), asked("b", 2.5)], [truth("a", "[1.0]", "JSON")])
    assert values(merged(execution)) == [
        {"@event_id": "a", "@labelled": True, "out_0": "1.5", "truth_0": "1.0"},
        {"@event_id": "b", "@labelled": False, "out_0": None, "truth_0": None},
    ]
    assert judged(execution)["labels"]["coverage"] == 0.5


def test_each_label_of_a_request_is_a_record_of_its_own(tmp_path: Path) -> None:
    truths = [truth("a", "[1.0]", "JSON"), truth("a", "[2.0]", "JSON"), truth("a", "[2.0]", "JSON")]
    rows = merged(schedule(tmp_path, READS_TRUTH, [asked("a", 1.5)], truths))
    assert [(row["truth_0"], row["@repeated"]) for row in rows] == [("1.0", False), ("2.0", False), ("2.0", True)]
    last = schedule(tmp_path, READS_TRUTH, [asked("a", 1.5)], truths[:2], ground_truth={"duplicates": "last"})
    assert [row["truth_0"] for row in merged(last)] == ["2.0"]


def test_a_script_may_return_several_rows_none_or_the_record(tmp_path: Path) -> None:
    script = """
def preprocess_handler(r):
    event = r.event_metadata.event_id
    if event == "none":
        return []
    return [{"out_0": 1, "truth_0": 2}, {"out_0": 3, "truth_0": 4}]
"""
    records = [asked("two", 1), asked("none", 1)]
    rows = merged(schedule(tmp_path, script, records, [truth("two", "1"), truth("none", "1")]))
    assert [(row["@event_id"], row["out_0"], row["truth_0"]) for row in rows] == [("two", "1", "2"), ("two", "3", "4")]
    (tmp_path / "pre.py").write_text("def preprocess_handler(r):\n    return r\n")
    capture(tmp_path / "capture", [record("csv", "7", "0.5", at(2))])
    collect(tmp_path / "labels", [truth("csv", "1")], at(0))
    options = {"problem_type": "Regression", "inference_attribute": 0}
    more = {"ground_truth": {"uri": str(tmp_path / "labels")}, "preprocess": {"script": str(tmp_path / "pre.py")}}
    file = endpoint_file(tmp_path, monitor="model_quality", options=options, **more)
    assert values(merged(Execution.of(file, "dq", WINDOW))) == [
        {"@event_id": "csv", "@labelled": True, "_c0": "0.5", "_c1": "7", "label": "1"}
    ]


def test_a_script_that_fails_on_a_merged_record_shows_its_traceback_or_drops_the_record(tmp_path: Path) -> None:
    records = [asked("a", 1.5), asked("b", 2.5)]
    truths = [truth("a", "[1.0]", "JSON"), truth("b", "nonsense", "JSON")]
    with pytest.raises(ConfigError, match=r"(?s)event b.*JSONDecodeError"):
        merged(schedule(tmp_path, READS_TRUTH, records, truths))
    dropping = schedule(tmp_path, READS_TRUTH, records, truths, preprocess={"on_error": "drop"}, max_rejected=0.5)
    assert [row["@event_id"] for row in merged(dropping)] == ["a"]
    report = judged(dropping)
    assert report["labels"]["dropped"] == 1
    strict = schedule(tmp_path, READS_TRUTH, records, truths, preprocess={"on_error": "drop"})
    with pytest.raises(DataError, match="1 of 2 merged records can't be used by the preprocessing script"):
        merged(strict)


def test_a_label_of_another_number_of_values_than_the_scripts_rows_is_set_aside(tmp_path: Path) -> None:
    script = "def preprocess_handler(r):\n    return [{'out_0': 1}, {'out_0': 2}]\n"
    execution = schedule(tmp_path, script, [asked("a", 1)], [truth("a", "1")], options={"ground_truth_attribute": "y"})
    with pytest.raises(DataError, match="1 labels for 2 rows of the preprocessing script"):
        merged(execution)


def test_rows_are_merged_anew_when_the_script_or_the_labels_change(tmp_path: Path) -> None:
    execution = schedule(tmp_path, READS_TRUTH, [asked("a", 1.5)], [truth("a", "[1.0]", "JSON")])
    first = merged(execution)
    assert merged(execution) == first
    (tmp_path / "pre.py").write_text("def preprocess_handler(r):\n    return {'out_0': 9, 'truth_0': 8}\n")
    assert [row["out_0"] for row in merged(execution)] == ["9"]
