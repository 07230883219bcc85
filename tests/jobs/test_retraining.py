"""Is a model learned anew only after a window that is a reason for it?"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from support.captures import endpoint_file
from support.reports import ACCURACY, DRIFT, execution_of, labels_of, write

from model_monitor import jobs
from model_monitor.config.execution import Execution
from model_monitor.core.constraints import Between, Constraint, Finding
from model_monitor.core.measures import Subject
from model_monitor.history.record import record
from model_monitor.results.sealed import sealed

WORSE = Finding(ACCURACY, "violated", 0.7, 0.05)
DRIFTED = Finding(DRIFT, "violated", 0.4, 0.02)
INCOMPLETE = Finding(
    Constraint("completeness_check", Subject("age"), "completeness", Between(low=0.99)), "violated", 0.5
)
FINAL = labels_of("final", "2026-02-01T00:00:00Z")


@pytest.fixture
def quality(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Execution:
    """An execution of a schedule of model quality, beside one of data quality; nothing has run yet."""
    monkeypatch.delenv("MODEL_MONITOR_HISTORY", raising=False)
    options = {"problem_type": "BinaryClassification", "probability_attribute": "score"}
    truth = {"uri": str(tmp_path / "labels")}
    mq = {"name": "mq", "monitor": "model_quality", "options": options, "ground_truth": truth}
    endpoint_file(tmp_path, schedules=[{"name": "dq", "monitor": "data_quality"}, mq])
    return execution_of(tmp_path, schedule="mq")


def ran(execution: Execution, *findings: Finding, **arguments: Any) -> None:
    write(execution, findings, **arguments)
    record(execution)


def test_final_labels_a_real_fall_and_sound_rows_are_a_reason_even_if_they_drifted(
    quality: Execution, tmp_path: Path
) -> None:
    ran(quality, WORSE, labels=FINAL)
    ran(execution_of(tmp_path), DRIFTED)
    assert jobs.reasons_against_retraining(quality) == []


@pytest.mark.parametrize("state", ["pending", "provisional"])
def test_labels_that_are_not_final_speak_against_it(state: str, quality: Execution, tmp_path: Path) -> None:
    ran(quality, WORSE, labels=labels_of(state, "2026-01-06T00:00:00Z"))
    ran(execution_of(tmp_path))
    assert jobs.reasons_against_retraining(quality) == [f"labels are {state}: 25 of 50 requests have one"]


def test_drift_of_predictions_alone_is_no_loss_of_quality(quality: Execution, tmp_path: Path) -> None:
    drift = Constraint("prediction_drift_check", Subject("score"), "predictions", Between(high=0.1))
    ran(quality, Finding(drift, "violated", 0.4), labels=FINAL)
    ran(execution_of(tmp_path))
    [reason] = jobs.reasons_against_retraining(quality)
    assert reason.startswith("no metric that needs labels is worse")


def test_a_broken_pipeline_speaks_against_it(quality: Execution, tmp_path: Path) -> None:
    ran(quality, WORSE, labels=FINAL)
    ran(execution_of(tmp_path), INCOMPLETE, DRIFTED)
    [reason] = jobs.reasons_against_retraining(quality)
    assert reason.endswith("violates completeness_check: the pipeline may be broken, not the model")
    assert reason.startswith("dq 2026-")


def test_a_rule_that_only_warns_does_not_speak_against_it(quality: Execution, tmp_path: Path) -> None:
    ran(quality, WORSE, labels=FINAL)
    rule = Finding(Constraint("expectation_check", Subject("age"), "rule 1", Between(low=1.0)), "violated", 0.9)
    for severity, count in (("warning", 0), ("critical", 1)):
        beside = execution_of(tmp_path)
        write(beside, [rule])
        path = Path(beside.report) / "execution.json"
        text = path.read_text().replace(
            '"check": "expectation_check"', f'"severity": "{severity}", "check": "expectation_check"'
        )
        path.write_bytes(sealed(b"{" + text.partition(",\n")[2].encode()))
        record(beside)
        assert len(jobs.reasons_against_retraining(quality)) == count


def test_a_schedule_that_could_not_judge_the_rows_speaks_against_it(quality: Execution, tmp_path: Path) -> None:
    from model_monitor.errors import DataError
    from model_monitor.results.report import reporting_failure

    ran(quality, WORSE, labels=FINAL)
    beside = execution_of(tmp_path)
    with pytest.raises(DataError), reporting_failure(beside.report, beside.about):
        raise DataError("7 of 10 records can't be read")
    record(beside)
    [reason] = jobs.reasons_against_retraining(quality)
    assert "could not be judged: 7 of 10 records can't be read" in reason


def test_other_windows_do_not_count_and_none_at_all_is_told(quality: Execution, tmp_path: Path) -> None:
    ran(quality, WORSE, labels=FINAL)
    for hour in (-1, 1):
        ran(execution_of(tmp_path, hour), INCOMPLETE)
    [reason] = jobs.reasons_against_retraining(quality)
    assert reason.startswith("no other schedule of the endpoint judged rows of this window")


def test_without_labels_there_is_no_quality(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MODEL_MONITOR_HISTORY", raising=False)
    ran(execution_of(tmp_path), WORSE)
    assert "the schedule has no labels" in jobs.reasons_against_retraining(execution_of(tmp_path))[0]
