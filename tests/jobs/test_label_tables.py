"""Windows judged by a table of labels: what is counted, when they are judged again, and labels that join nothing."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from support.captures import HOUR, at, capture, endpoint_file, record
from support.truths import collect, truth

from model_monitor import jobs
from model_monitor.__main__ import main
from model_monitor.config import load
from model_monitor.config.execution import Assignment, Execution
from model_monitor.core.window import Window, iso
from model_monitor.errors import ConfigError
from model_monitor.jobs import late_labels

WINDOW = Window(HOUR, HOUR + timedelta(hours=1))
OPTIONS = {"problem_type": "BinaryClassification", "probability_attribute": 0}
MAPPING = {"id": "ride", "label": "late", "event_time": "known_at"}
N = 40


def later(hours: float) -> datetime:
    return HOUR + timedelta(hours=hours)


def endpoint(root: Path, retention_days: int | None = None, **truth_settings: Any) -> str:
    """An endpoint with forty requests of an inference id each, and a table of labels."""
    asked = [record(f"e-{i}", f"{i}\n", f"0.{i:02d}", at(i), inference=f"ride-{i}") for i in range(N)]
    capture(root / "capture", asked)
    labels = {"uri": str(root / "labels"), "mapping": MAPPING, "final_after": "PT10H", "minimum_coverage": 0.25}
    more = {} if retention_days is None else {"retention_days": retention_days}
    return endpoint_file(root, monitor="model_quality", options=OPTIONS, ground_truth=labels | truth_settings, **more)


def label(root: Path, ids: list[str], known: datetime, name: str = "labels/t.parquet") -> None:
    """A table with a label for each of these ids, known at a moment."""
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    table = pd.DataFrame({"ride": ids, "late": [i % 2 for i in range(len(ids))], "known_at": known})
    table.to_csv(path, index=False) if name.endswith(".csv") else table.to_parquet(path)


def rides(some: range) -> list[str]:
    return [f"ride-{i}" for i in some]


def judge(file: str, until: datetime | None = None) -> dict[str, Any]:
    """The ``execution.json`` of a run of all verbs."""
    execution = Execution.of(file, "dq", WINDOW)
    jobs.collect_window(execution)
    jobs.merge_ground_truth(execution, until)
    jobs.compute_metrics(execution)
    found: dict[str, Any] = json.loads((Path(jobs.evaluate_constraints(execution)) / "execution.json").read_text())
    jobs.alert(execution)
    return found


def grown(file: str, now: datetime) -> list[Window]:
    return late_labels.grown_windows(Assignment.load(file, "dq"), now)


@pytest.mark.parametrize("path", ["", "date=%Y-%m-%d", "%Y/%m/%d/%H"], ids=["one place", "days", "hours"])
def test_a_window_is_judged_again_when_the_table_has_more_labels_of_it(tmp_path: Path, path: str) -> None:
    file = endpoint(tmp_path, **({"path": path} if path else {}))
    label(tmp_path, rides(range(20)), later(1), f"labels/{later(1).strftime(path)}/first.parquet")
    labels = judge(file)["labels"]
    assert (labels["state"], labels["matched"], labels["late"]) == ("provisional", 20, 20)
    assert labels["as_of"] == iso(later(2 if "d" not in path or "H" in path else 21))
    now = later(22)  # a day's folder is complete
    assert grown(file, later(5)) == []
    label(tmp_path, ["of another window"], later(2), f"labels/{later(2).strftime(path)}/second.parquet")
    assert grown(file, later(5)) == []
    label(tmp_path, rides(range(20, 40)), later(3), f"labels/{later(3).strftime(path)}/third.parquet")
    assert grown(file, now if path else later(5)) == [WINDOW]
    labels = judge(file, now)["labels"]
    assert (labels["state"], labels["matched"]) == ("final", 40)
    assert grown(file, now) == []


def test_a_table_that_grows_in_one_file_has_only_windows_judged_again_that_it_concerns(tmp_path: Path) -> None:
    file = endpoint(tmp_path)
    label(tmp_path, rides(range(20)), later(1))
    judge(file)
    label(tmp_path, [*rides(range(20)), "of another window"], later(1))
    assert grown(file, later(5)) == []
    label(tmp_path, [*rides(range(20)), *rides(range(30, 31))], later(1))
    assert grown(file, later(5)) == [WINDOW]
    assert judge(file)["labels"]["matched"] == 21


@pytest.mark.parametrize("name", ["labels/t.parquet", "labels/t.csv"])
def test_a_label_that_was_corrected_or_removed_has_its_window_judged_again(tmp_path: Path, name: str) -> None:
    file = endpoint(tmp_path)
    label(tmp_path, rides(range(20)), later(1), name)
    judge(file)
    label(tmp_path, list(reversed(rides(range(20)))), later(1), name)
    assert grown(file, later(5)) == [WINDOW]
    judge(file)
    label(tmp_path, rides(range(19)), later(1), name)
    assert grown(file, later(5)) == [WINDOW]


def test_only_rows_known_by_then_count_and_later_ones_end_the_wait(tmp_path: Path) -> None:
    file = endpoint(tmp_path)
    label(tmp_path, rides(range(20)), later(1), "labels/a.csv")
    label(tmp_path, rides(range(20, 40)), later(12), "labels/b.csv")
    early = judge(file, later(5))["labels"]
    assert (early["matched"], early["state"], early["as_of"]) == (20, "provisional", iso(later(5)))
    labels = judge(file)["labels"]
    assert (labels["matched"], labels["state"], labels["over"]) == (20, "final", True)


def test_of_several_labels_the_last_known_one_counts_wherever_it_is(tmp_path: Path) -> None:
    file = endpoint(tmp_path, duplicates="last")
    table = pd.DataFrame({"ride": rides(range(N)) * 2, "late": [1] * N + [0] * N})
    table["known_at"] = [later(4)] * N + [later(2)] * N
    (tmp_path / "labels").mkdir()
    table.to_csv(tmp_path / "labels/t.csv", index=False)
    report = judge(file)["labels"]
    assert (report["matched"], report["records"], report["duplicates"]) == (40, 40, 40)
    [merged] = (tmp_path / "out/merge").rglob("*.jsonl")
    assert {json.loads(line)["groundTruthData"]["data"] for line in merged.read_text().splitlines()} == {"1"}


def test_a_table_without_times_counts_whenever_the_window_is_judged(tmp_path: Path) -> None:
    file = endpoint(tmp_path, mapping={"id": "ride", "label": "late"}, uri=str(tmp_path / "labels/t.csv"))
    label(tmp_path, rides(range(20)), later(100), "labels/t.csv")
    labels = judge(file)["labels"]
    assert (labels["matched"], labels["state"], labels["as_of"]) == (20, "provisional", None)
    assert judge(file, later(12))["labels"]["state"] == "final"


WRONG = {
    "event id": ("e-{}", "the eventId of requests that have an inferenceId (e-20 is ride-20): write the inferenceId"),
    "case": ("RIDE-{} ", "ids that differ in case or space only (RIDE-20  is ride-20): write them as they were"),
    "prefix": ("taxi/ride-{}", "ids of which an id is part of the other (taxi/ride-20 is ride-20): write it without"),
    "part": ("{}", "ids of which an id is part of the other (20 is ride-20): write it without"),
}


@pytest.mark.parametrize(("spelled", "words"), WRONG.values(), ids=WRONG)
@pytest.mark.parametrize("form", ["records", "parquet", "csv"])
def test_some_labels_that_join_nothing_are_counted_and_explained(
    tmp_path: Path, form: str, spelled: str, words: str
) -> None:
    ids = [*rides(range(20)), *(spelled.format(i) for i in range(20, 35))]
    if form == "records":
        file = endpoint(tmp_path, mapping=None)
        collect(tmp_path / "labels", [truth(one, "1") for one in ids], later(1))
    else:
        file = endpoint(tmp_path)
        label(tmp_path, ids, later(1), f"labels/t.{form}")
    report = judge(file)
    labels = report["labels"]
    assert (labels["matched"], labels["unjoined"], labels["misnamed"]) == (20, 15, 15)
    assert words in labels["mismatch"]
    message = jobs.alert(Execution.of(file, "dq", WINDOW))["message"]
    assert f"15 labels name {labels['mismatch']}" in message


def test_labels_of_other_windows_are_counted_and_nothing_is_made_of_them(tmp_path: Path) -> None:
    file = endpoint(tmp_path)
    label(tmp_path, [*rides(range(20)), "trip-1", "trip-2"], later(1))
    labels = judge(file)["labels"]
    assert labels["unjoined"] == 2
    assert not {"misnamed", "mismatch"} & labels.keys()


def test_no_id_is_named_where_requests_are_deleted(tmp_path: Path) -> None:
    file = endpoint(tmp_path, retention_days=30)
    label(tmp_path, [*rides(range(20)), "e-20"], later(1))
    assert judge(file)["labels"]["mismatch"].startswith("the eventId of requests that have an inferenceId: write")


def test_too_few_labels_are_explained_in_the_reason(tmp_path: Path) -> None:
    file = endpoint(tmp_path)
    label(tmp_path, [*rides(range(3)), "e-20"], later(1))
    reason = judge(file)["reason"]
    assert reason.startswith("3 of 40 requests have a label (1 label names the eventId of requests that have an")


@pytest.mark.parametrize("setting", [{"format": "csv"}, {"path": "%Y"}, {"header": False}, {"separator": ";"}])
def test_settings_of_a_table_need_a_mapping(tmp_path: Path, setting: dict[str, Any]) -> None:
    file = endpoint(tmp_path, mapping=None, **setting)
    with pytest.raises(ConfigError, match=f"{next(iter(setting))} is about a table of labels; add mapping"):
        load(file)


def test_a_table_is_merged_by_hand(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    endpoint(tmp_path)
    label(tmp_path, [*rides(range(20)), *(f"e-{i}" for i in range(20, 30))], later(1), "outcomes.csv")
    arguments = ["run", "model-quality", "--dataset", tmp_path / "capture", "--format", "capture"]
    arguments += ["--problem-type", "BinaryClassification", "--probability-attribute", "0"]
    arguments += ["--ground-truth", tmp_path / "outcomes.csv", "--label-id", "ride", "--label-column", "late"]
    assert main([*map(str, arguments), "--output", str(tmp_path / "report")]) == 0
    labels = json.loads((tmp_path / "report/execution.json").read_text())["labels"]
    assert (labels["matched"], labels["unjoined"], labels["misnamed"]) == (20, 10, 10)
    assert "10 labels name the eventId" in capsys.readouterr().out


@pytest.mark.parametrize("lacks", ["--ground-truth", "--label-id", "--label-column"])
def test_a_table_by_hand_needs_all_it_takes(tmp_path: Path, lacks: str, capsys: pytest.CaptureFixture[str]) -> None:
    given = {"--ground-truth": "t.csv", "--label-id": "ride", "--label-column": "late"}
    pairs = [word for name, value in given.items() if name != lacks for word in (name, value)]
    assert (
        main(["run", "model-quality", "--dataset", str(tmp_path), "--format", "capture", "--output", "o", *pairs]) != 0
    )
    assert "a table of labels needs" in capsys.readouterr().err or lacks == "--ground-truth"
