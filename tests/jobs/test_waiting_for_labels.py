"""A window whose labels come bit by bit: pending, provisional, final; and nothing that was reported is lost."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.captures import HOUR, at, capture, endpoint_file, record
from support.truths import collect, truth

from model_monitor import jobs
from model_monitor.config.execution import Assignment, Execution
from model_monitor.core.window import Window
from model_monitor.errors import DataError
from model_monitor.jobs import late_labels
from model_monitor.jobs.compute_metrics import load_state
from model_monitor.jobs.evaluate_constraints import report
from model_monitor.results.handover import Evidence
from model_monitor.rows.sources.datasets import Dataset

WINDOW = Window(HOUR, HOUR + timedelta(hours=1))
OPTIONS = {"problem_type": "BinaryClassification", "probability_attribute": "score"}
REQUESTS = 100


def scores(n: int = REQUESTS, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    chance = np.random.default_rng(seed)
    score = chance.random(n)
    return score, (chance.random(n) < score).astype(int)


def endpoint(root: Path, **settings: Any) -> str:
    """An endpoint with a baseline, and a hundred requests within the window."""
    truth_at = {"uri": str(root / "labels"), "minimum_coverage": 0.5, "final_after": "PT10H"}
    truth_at |= settings.pop("ground_truth", {})
    options = OPTIONS | settings.pop("options", {})
    columns = {"outputs": ["score"], "inputs": ["age", "plan"]}
    file = endpoint_file(
        root, monitor="model_quality", options=options, columns=columns, ground_truth=truth_at, **settings
    )
    score, label = scores(1000, seed=1)
    rows = [f"{s:.6f},{i},a,{y}" for i, (s, y) in enumerate(zip(score, label, strict=True))]
    (root / "baseline.csv").write_text("\n".join(["score,age,plan,label", *rows]) + "\n")
    state = jobs.observe_baseline(Assignment.load(file, "dq"), Dataset.at(str(root / "baseline.csv"), "csv"))
    jobs.publish_baseline(
        Assignment.load(file, "dq"),
        jobs.suggest_constraints(Assignment.load(file, "dq"), state, "2026-01-05T00:00:00Z"),
    )
    score, _ = scores()
    asked = [record(f"e{i}", f"{i},a\n", f"{s:.6f}", at(i * 0.5)) for i, s in enumerate(score)]
    capture(root / "capture", asked)
    return file


def label(root: Path, some: range, hours_later: int) -> None:
    """Labels for some of the requests, collected so many hours after the window's start."""
    _, labels = scores()
    collect(root / "labels", [truth(f"e{i}", str(labels[i])) for i in some], HOUR + timedelta(hours=hours_later))


def judge(file: str, window: Window = WINDOW, until: datetime | None = None) -> tuple[dict[str, Any], Path]:
    """What the verbs of a run leave: ``execution.json``, and the report's folder."""
    jobs.collect_window(Execution.of(file, "dq", window))
    jobs.merge_ground_truth(Execution.of(file, "dq", window), until)
    jobs.compute_metrics(Execution.of(file, "dq", window))
    report = Path(jobs.evaluate_constraints(Execution.of(file, "dq", window)))
    jobs.alert(Execution.of(file, "dq", window))
    return json.loads((report / "execution.json").read_text()), report


def later(hours: float) -> datetime:
    return HOUR + timedelta(hours=hours)


def test_a_window_is_pending_then_provisional_then_final_as_its_labels_come(tmp_path: Path) -> None:
    file = endpoint(tmp_path)
    label(tmp_path, range(30), 1)
    execution, report = judge(file)
    assert execution["status"] == "LabelsPending"
    assert execution["reason"] == (
        "30 of 100 requests have a label, minimum_coverage is 50 %; the window is judged when more have come"
    )
    found = execution["labels"]
    assert (found["matched"], found["unmatched"], found["coverage"], found["late"]) == (30, 70, 0.3, 30)
    assert (found["state"], found["as_of"]) == ("pending", "2026-01-05T05:00:00Z")
    assert not (report / "statistics.json").exists()
    assert json.loads((report / "constraint_violations.json").read_text()) == {"violations": []}

    assert late_labels.grown_windows(Assignment.load(file, "dq"), later(2)) == []
    label(tmp_path, range(30, 80), 2)
    assert late_labels.grown_windows(Assignment.load(file, "dq"), later(3)) == [WINDOW]
    execution, report = judge(file)
    assert (execution["status"], execution["labels"]["state"]) == ("Completed", "provisional")
    statistics = json.loads((report / "statistics.json").read_text())
    metrics, counts = statistics["binary_classification_metrics"], statistics["ground_truth"]
    assert (counts["matched"], counts["unmatched"], counts["duplicates"], counts["late"]) == (80, 20, 0, 80)
    assert jobs.alert(Execution.of(file, "dq", WINDOW))["labels"]["coverage"] == 0.8
    assert sum(sum(row.values()) for row in metrics["confusion_matrix"].values()) == 80
    assert late_labels.grown_windows(Assignment.load(file, "dq"), later(3)) == []

    label(tmp_path, range(80, 100), 5)
    assert late_labels.grown_windows(Assignment.load(file, "dq"), later(6)) == [WINDOW]
    execution, report = judge(file)
    assert (execution["status"], execution["labels"]["state"]) == ("Completed", "final")
    assert execution["labels"]["coverage"] == 1.0
    assert late_labels.grown_windows(Assignment.load(file, "dq"), later(100)) == []

    kept = sorted(path.parent.name for path in (tmp_path / "out/_as_of").rglob("execution.json"))
    assert [name.rpartition("-")[0] for name in kept] == [f"2026-01-05T0{hour}-00-00Z" for hour in (5, 6, 9)]


def test_what_was_reported_stays_beside_what_is_reported_now_and_a_rerun_adds_nothing(tmp_path: Path) -> None:
    file = endpoint(tmp_path)
    label(tmp_path, range(60), 1)
    _, report = judge(file)
    before = {path.name: path.read_bytes() for path in report.iterdir() if path.is_file()}
    kept = {path: path.read_bytes() for path in (tmp_path / "out/_as_of").rglob("*.*")}
    names = {"statistics.json", "constraint_violations.json", "measures.json", "execution.json", "report.html"}
    assert {path.name for path in kept} == names
    judge(file)
    assert {path.name: path.read_bytes() for path in report.iterdir() if path.is_file()} == before
    assert {path: path.read_bytes() for path in (tmp_path / "out/_as_of").rglob("*.*")} == kept
    label(tmp_path, range(60, 70), 2)
    judge(file)
    assert all(path.read_bytes() == content for path, content in kept.items())


def test_as_of_an_earlier_moment_gives_what_was_known_then(tmp_path: Path) -> None:
    file = endpoint(tmp_path)
    label(tmp_path, range(60), 1)
    first, _ = judge(file)
    label(tmp_path, range(60, 100), 4)
    now, _ = judge(file)
    then, _ = judge(file, until=later(2))
    assert (first["labels"], now["labels"]["matched"]) == (then["labels"], 100)


def test_time_for_labels_ends_by_the_labels_themselves_or_by_whoever_asks(tmp_path: Path) -> None:
    file = endpoint(tmp_path)
    label(tmp_path, range(60), 1)
    assert judge(file)[0]["labels"]["state"] == "provisional"
    assert late_labels.grown_windows(Assignment.load(file, "dq"), later(10.9)) == []
    assert late_labels.grown_windows(Assignment.load(file, "dq"), later(11)) == [WINDOW]
    assert judge(file, until=later(11))[0]["labels"]["state"] == "final"
    assert late_labels.grown_windows(Assignment.load(file, "dq"), later(12)) == []
    assert judge(file)[0]["labels"]["state"] == "provisional"
    collect(tmp_path / "labels", [truth("of another window", "1")], later(11))
    execution, _ = judge(file)
    assert (execution["labels"]["state"], execution["labels"]["over"]) == ("final", True)
    label(tmp_path, range(60, 100), 12)
    assert judge(file)[0]["labels"]["matched"] == 60


def test_too_few_labels_by_the_end_stay_pending_and_are_not_waited_for(tmp_path: Path) -> None:
    file = endpoint(tmp_path)
    label(tmp_path, range(10), 1)
    execution, _ = judge(file, until=later(20))
    assert (execution["status"], execution["labels"]["over"]) == ("LabelsPending", True)
    assert execution["reason"].endswith("minimum_coverage is 50 %; no more are waited for")
    assert late_labels.grown_windows(Assignment.load(file, "dq"), later(30)) == []


def test_labels_of_other_requests_run_nothing_again(tmp_path: Path) -> None:
    file = endpoint(tmp_path)
    execution, _ = judge(file)
    assert execution["status"] == "LabelsPending"
    assert execution["reason"].startswith(
        f"No request has a label: there is no label file in {tmp_path / 'labels'}/yyyy/mm/dd/hh, "
    )
    collect(tmp_path / "labels", [truth("of another window", "1")], later(2))
    assert late_labels.grown_windows(Assignment.load(file, "dq"), later(3)) == []


def test_a_window_without_captures_is_no_data_whatever_labels_there_are(tmp_path: Path) -> None:
    file = endpoint(tmp_path)
    label(tmp_path, range(60), 1)
    empty = Window(later(5), later(6))
    execution, _ = judge(file, empty)
    assert (execution["status"], execution["labels"]["coverage"]) == ("NoData", None)
    assert late_labels.grown_windows(Assignment.load(file, "dq"), later(30)) == []


@pytest.mark.parametrize(
    ("records", "reason"),
    [
        ([truth("e1", "1"), "no record"], "1 of 2 label records can't be read"),
        ([truth(f"e{i}", "1\n0") for i in range(100)], "100 of 100 label records don't fit their request"),
    ],
)
def test_labels_that_cannot_be_used_fail_the_run_and_say_where(tmp_path: Path, records: Any, reason: str) -> None:
    file = endpoint(tmp_path)
    collect(tmp_path / "labels", records, later(1))
    with pytest.raises(DataError, match=reason):
        judge(file)
    [report] = (tmp_path / "out/churn/dq").rglob("execution.json")
    execution = json.loads(report.read_text())
    assert execution["status"] == "Failed"
    assert reason in execution["reason"]
    assert "labels.jsonl line" in execution["reason"]


def test_an_offset_judges_an_earlier_window_under_the_hour_of_its_tick(tmp_path: Path) -> None:
    offset = {"start": "-PT3H", "end": "-PT2H"}
    file = endpoint(tmp_path, ground_truth={"offset": offset})
    label(tmp_path, range(100), 1)
    _, report = judge(file)
    assert report == tmp_path / "out/churn/dq/2026/01/05/06"


def test_merged_records_are_left_in_sagemakers_layout(tmp_path: Path) -> None:
    file = endpoint(tmp_path)
    label(tmp_path, range(60), 1)
    judge(file)
    [left] = (tmp_path / "out/merge/churn/AllTraffic/2026/01/05/03").iterdir()
    assert left.name.startswith("part-00000-")
    assert left.name.endswith(".c000.jsonl")
    records = [json.loads(line) for line in left.read_text().splitlines()]
    assert len(records) == 60
    assert set(records[0]) == {"groundTruthData", "captureData", "eventMetadata", "eventVersion"}


def test_a_window_that_cannot_be_judged_is_not_run_again_because_of_the_same_labels(tmp_path: Path) -> None:
    file = endpoint(tmp_path)
    label(tmp_path, range(30), 1)
    judge(file)
    collect(tmp_path / "labels", [truth("e40", "1"), "no record"], later(2))
    assert late_labels.grown_windows(Assignment.load(file, "dq"), later(3)) == [WINDOW]
    with pytest.raises(DataError, match="can't be read"):
        judge(file, until=later(3))
    assert late_labels.grown_windows(Assignment.load(file, "dq"), later(3)) == []
    assert late_labels.grown_windows(Assignment.load(file, "dq"), later(50)) == []
    label(tmp_path, range(30, 100), 2)  # in place of the file that could not be read
    assert late_labels.grown_windows(Assignment.load(file, "dq"), later(3)) == [WINDOW]
    assert judge(file)[0]["labels"]["state"] == "final"


def test_metrics_are_never_reported_with_the_labels_of_another_run(tmp_path: Path) -> None:
    file = endpoint(tmp_path)
    label(tmp_path, range(60), 1)
    for verb in (jobs.collect_window, jobs.merge_ground_truth, jobs.compute_metrics):
        verb(Execution.of(file, "dq", WINDOW))
    label(tmp_path, range(60, 100), 2)
    jobs.merge_ground_truth(Execution.of(file, "dq", WINDOW))  # of another run, which has come so far
    report = Path(jobs.evaluate_constraints(Execution.of(file, "dq", WINDOW)))
    execution = json.loads((report / "execution.json").read_text())
    assert (execution["labels"]["matched"], execution["labels"]["state"]) == (60, "provisional")
    assert late_labels.grown_windows(Assignment.load(file, "dq"), later(3)) == [WINDOW]


def test_coverage_is_that_of_the_windows_own_requests(tmp_path: Path) -> None:
    file = endpoint(tmp_path)
    label(tmp_path, range(50), 1)  # of the first 25 minutes
    early, late = Window(at(0), at(25)), Window(at(25), at(50))
    assert [judge(file, window)[0]["labels"]["coverage"] for window in (early, late)] == [1.0, 0.0]
    assert [judge(file, window)[0]["labels"]["state"] for window in (early, late)] == ["final", "pending"]


def test_labels_count_by_whole_hours_of_collection(tmp_path: Path) -> None:
    file = endpoint(tmp_path)
    label(tmp_path, range(60), 1)
    cut, _ = judge(file, until=later(1.5))
    assert (cut["labels"]["matched"], cut["labels"]["as_of"]) == (0, "2026-01-05T04:00:00Z")
    whole, _ = judge(file, until=later(2).replace(tzinfo=None))
    assert (whole["labels"]["matched"], whole["labels"]["as_of"]) == (60, "2026-01-05T05:00:00Z")


def test_labels_by_day_are_waited_for_like_others(tmp_path: Path) -> None:
    file = endpoint(tmp_path)
    by_day = tmp_path / "labels/2026/01/05/labels.jsonl"
    by_day.parent.mkdir(parents=True)
    by_day.write_text("".join(json.dumps(truth(f"e{i}", "1")) + "\n" for i in range(60)))
    assert judge(file)[0]["labels"]["state"] == "provisional"


def test_a_label_file_that_is_taken_back_has_its_windows_judged_again(tmp_path: Path) -> None:
    file = endpoint(tmp_path)
    label(tmp_path, range(60), 1)
    wrong = collect(tmp_path / "labels", ["no record"] * 60, later(2))
    with pytest.raises(DataError):
        judge(file)
    wrong.unlink()
    assert judge(file)[0]["labels"]["state"] == "provisional"
    more = collect(tmp_path / "labels", [truth(f"e{i}", "1") for i in range(60, 70)], later(2))
    assert judge(file)[0]["labels"]["matched"] == 70
    more.unlink()
    assert late_labels.grown_windows(Assignment.load(file, "dq"), later(2)) == []  # as of then, it had not come yet
    assert late_labels.grown_windows(Assignment.load(file, "dq"), later(4)) == [WINDOW]
    assert judge(file)[0]["labels"]["matched"] == 60


def test_labels_delivered_twice_change_nothing_but_in_sagemakers_numbers(tmp_path: Path) -> None:
    judged = {}
    for mode in ("calibrated", "sagemaker"):
        for times in (1, 2):
            root = tmp_path / f"{mode}-{times}"
            root.mkdir()
            file = endpoint(root, options={"compatibility": mode})
            for hour in range(1, times + 1):
                label(root, range(100), hour)
            _, report = judge(file)
            statistics = json.loads((report / "statistics.json").read_text())
            judged[mode, times] = statistics["dataset"]["item_count"], statistics["binary_classification_metrics"]
    assert judged["calibrated", 1] == judged["calibrated", 2]
    assert (judged["sagemaker", 1][0], judged["sagemaker", 2][0]) == (100, 200)


@pytest.mark.parametrize("few", [60, 80])
@pytest.mark.parametrize("last", ["report", "note"])
def test_of_two_runs_at_once_the_one_with_more_labels_is_on_top_or_the_window_is_judged_again(
    tmp_path: Path, few: int, last: str
) -> None:
    """The run with fewer labels writes its report between the other's report and the other's note."""
    file = endpoint(tmp_path)
    label(tmp_path, range(few), 1)
    label(tmp_path, range(few, 100), 2)
    execution = Execution.of(file, "dq", WINDOW)

    def prepared(until: datetime | None) -> tuple[Any, Any]:
        jobs.collect_window(execution)
        jobs.merge_ground_truth(execution, until)
        state = jobs.compute_metrics(execution)
        evidence = Evidence.read(execution.observation.evidence)
        return load_state(state, execution.monitor), evidence

    all_of_them, some = prepared(None), prepared(later(2))
    assert some[1].labels.matched == few and all_of_them[1].labels.matched == 100
    more = report(execution, *all_of_them)
    fewer = report(execution, *some)
    order = [(fewer, some), (more, all_of_them)]
    for contents, (_, evidence) in order if last == "note" else order[::-1]:
        late_labels.remember(execution, contents, evidence.merged)
    assert late_labels.grown_windows(Assignment.load(file, "dq"), later(6)) == [WINDOW]
    found, _ = judge(file)
    assert (found["labels"]["matched"], found["labels"]["state"]) == (100, "final")
    assert late_labels.grown_windows(Assignment.load(file, "dq"), later(6)) == []
