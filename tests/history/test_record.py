"""What a report says is in the history, once, as its newest run left it; rebuilding from the store gives the same."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from support.reports import FINDINGS, execution_of, labels_of, window, write

from model_monitor import store
from model_monitor.config.execution import Execution
from model_monitor.errors import StoreError
from model_monitor.history import tables
from model_monitor.history.baselines import record_baselines
from model_monitor.history.database import History, tell_once
from model_monitor.history.record import record
from model_monitor.history.reindex import rebuild
from model_monitor.results.documents.protocol import encode
from model_monitor.results.sealed import sealed

CONTENT = (tables.Schedule, tables.Execution, tables.Verdict, tables.Metric, tables.Finding, tables.Baseline)


@pytest.fixture
def history(database: str, monkeypatch: pytest.MonkeyPatch) -> History:
    monkeypatch.setenv("MODEL_MONITOR_HISTORY", database)
    return History.at(database)


def content(history: History) -> list[tuple[str, list[tuple[str, Any]]]]:
    """All rows, without the keys that databases number."""
    with history.reading() as session:
        rows = [(table.__name__, row.content()) for table in CONTENT for row in session.scalars(sa.select(table))]
    return sorted(((name, sorted(row.items(), key=str)) for name, row in rows), key=repr)


def rows(history: History, view: str) -> list[dict[str, Any]]:
    with history.reading() as session:
        return [dict(row) for row in session.execute(sa.text(f"SELECT * FROM {view}")).mappings()]


def with_labels(execution: Execution, state: str, as_of: str, **changes: Any) -> None:
    """The report that labels as of a moment gave, kept as ``late_labels`` does."""
    labels = labels_of(state, as_of)
    write(execution, labels=labels, **changes)
    write(execution, labels=labels, folder=store.join(execution.earlier_reports, f"{as_of}-{state}"), **changes)


def test_a_window_is_a_row_with_its_counts_and_its_baseline(history: History, tmp_path: Path) -> None:
    record_one = execution_of(tmp_path)
    write(record_one)
    record(record_one)
    [row] = rows(history, "window_status")
    assert (row["endpoint"], row["schedule"], row["monitor"], row["status"]) == (
        "churn",
        "dq",
        "data_quality",
        "CompletedWithViolations",
    )
    assert [row[name] for name in ("records", "duplicates", "rejected", "judged", "violations", "undefined")] == [
        60,
        3,
        7,
        50,
        2,
        1,
    ]
    assert (row["baseline"], row["report"], row["label_state"]) == ("0c1d", record_one.report, None)
    with history.reading() as session:
        found = session.scalars(sa.select(tables.Execution)).one()
        assert (found.window_start, found.window_end) == (window(0).start, window(0).end)


def test_a_number_has_its_interval_threshold_and_noise_and_drift_is_a_number_too(
    history: History, tmp_path: Path
) -> None:
    write(execution_of(tmp_path))
    record(execution_of(tmp_path))
    found = {row["metric"]: row for row in rows(history, "metric_values")}
    assert found.keys() == {"accuracy", "completeness", "rows", "baseline_drift_check"}
    accuracy, drift = found["accuracy"], found["baseline_drift_check"]
    assert (accuracy["value"], accuracy["threshold_low"], accuracy["threshold_high"]) == (0.7, 0.8, None)
    assert accuracy["low"] < 0.7 < accuracy["high"]
    assert (accuracy["noise_floor"], accuracy["outcome"], accuracy["row_count"]) == (0.05, "violated", 50)
    assert (drift["value"], drift["threshold_low"], drift["threshold_high"]) == (0.4, None, 0.1)
    assert (drift["column_name"], drift["segment"], drift["outcome"]) == ("age", '{"country": "AT"}', "violated")
    assert (found["rows"]["value"], found["rows"]["outcome"]) == (50, None)


def test_a_finding_that_names_what_the_baseline_lacks_is_only_counted(history: History, tmp_path: Path) -> None:
    write(execution_of(tmp_path))
    record(execution_of(tmp_path))
    with history.reading() as session:
        found = session.scalars(sa.select(tables.Finding).order_by(tables.Finding.position)).all()
        assert [one.check_name for one in found] == ["LessThanThreshold", "completeness_check", "baseline_drift_check"]
    assert "a rare text" not in repr(content(history))


def test_recording_again_changes_nothing_and_another_run_replaces(history: History, tmp_path: Path) -> None:
    execution = execution_of(tmp_path)
    write(execution)
    record(execution)
    before = content(history)
    record(execution)
    assert content(history) == before
    write(execution, findings=FINDINGS[1:2])
    record(execution)
    [row] = rows(history, "window_status")
    assert (row["status"], row["violations"]) == ("Completed", 0)
    assert {row["metric"] for row in rows(history, "metric_values")} == {"accuracy", "completeness", "rows"}


def test_each_verdict_of_late_labels_stays_and_the_window_has_the_newest(history: History, tmp_path: Path) -> None:
    execution = execution_of(tmp_path)
    with_labels(execution, "provisional", "2026-01-05T05:00:00Z", findings=FINDINGS[1:2])
    record(execution)
    with_labels(execution, "final", "2026-01-06T05:00:00Z")
    record(execution)
    [row] = rows(history, "window_status")
    assert (row["status"], row["label_state"], row["label_coverage"]) == ("CompletedWithViolations", "final", 0.5)
    with history.reading() as session:
        verdicts = session.scalars(sa.select(tables.Verdict).order_by(tables.Verdict.labels_as_of)).all()
        assert [(v.label_state, v.status) for v in verdicts] == [
            ("provisional", "Completed"),
            ("final", "CompletedWithViolations"),
        ]


def baseline(
    execution: Execution, version: str, decision: dict[str, Any] | None = None, published: bool = False
) -> None:
    folder = store.join(execution.baselines, version)
    described = {"version": version, "created": "2026-01-05T00:00:00Z", "rows": 1000}
    store.write(store.join(folder, "baseline.json"), encode(described))
    if decision:
        store.write(store.join(folder, "decision.json"), sealed(encode(decision)))
    if published:
        store.write(execution.published_baseline, sealed(encode({"version": version, "digests": {}})))


def test_versions_of_a_baseline_tell_who_decided_what_and_which_is_in_force(history: History, tmp_path: Path) -> None:
    execution = execution_of(tmp_path)
    decision = {
        "decision": "approved",
        "by": "ada",
        "at": "2026-01-06T08:00:00Z",
        "why": "new plan",
        "automatic": False,
    }
    baseline(execution, "0c1d", decision, published=True)
    baseline(execution, "77aa")
    record_baselines(execution)
    with history.reading() as session:
        first, second = session.scalars(sa.select(tables.Baseline).order_by(tables.Baseline.version)).all()
        assert (first.state, first.decided_by, first.why, first.in_force) == ("approved", "ada", "new plan", True)
        assert first.judged == 1000 and first.automatic is False and first.decided_at is not None
        assert (second.state, second.decided_by, second.in_force) == ("proposed", None, False)


def lived(root: Path) -> Execution:
    """A store after some runs, each recorded at its time: violations, late labels, a rerun, and two baselines."""
    for hour in range(3):
        execution = execution_of(root, hour)
        write(execution, findings=FINDINGS[hour:])
        record(execution)
    first = execution_of(root)
    with_labels(first, "provisional", "2026-01-05T05:00:00Z")
    record(first)
    with_labels(first, "final", "2026-01-06T05:00:00Z", findings=FINDINGS[:2])
    record(first)
    baseline(
        first,
        "0c1d",
        {"decision": "rejected", "by": "ada", "at": "2026-01-06T08:00:00Z", "why": "", "automatic": False},
    )
    baseline(first, "77aa", published=True)
    record_baselines(first)
    return first


def test_a_history_that_was_lost_is_rebuilt_from_the_store_to_the_same_content(
    history: History, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    execution = lived(tmp_path)
    before = content(history)
    assert len(before) > 20
    with history.session() as session:
        for table in reversed(CONTENT):
            session.execute(sa.delete(table))
    rebuilt = rebuild(history, execution.endpoint)
    assert (rebuilt.executions, rebuilt.baselines, rebuilt.problems) == (3, 2, [])
    assert content(history) == before
    rebuild(history, execution.endpoint)
    assert content(history) == before
    elsewhere = History.at(f"sqlite:///{tmp_path}/elsewhere.sqlite")
    rebuild(elsewhere, execution.endpoint)
    assert content(elsewhere) == before


def test_rebuilding_corrects_what_differs_and_deletes_what_no_file_backs(history: History, tmp_path: Path) -> None:
    execution = lived(tmp_path)
    before = content(history)
    with history.session() as session:
        session.execute(sa.update(tables.Execution).values(status="Completed", violations=77))
        session.execute(sa.delete(tables.Finding))
        false = {"endpoint": "churn", "name": "old", "variant": "v", "monitor": "m"}
        key = session.execute(sa.insert(tables.Schedule).values(false)).inserted_primary_key[0]
        [row] = session.execute(sa.select(tables.Execution).limit(1)).scalars().all()
        lost = {"id": None, "schedule_id": key, "report": str(tmp_path / "out/churn/old/2026/01/05/09")}
        values = {c.name: getattr(row, c.name) for c in tables.Execution.__table__.columns} | lost
        values.pop("id")
        session.execute(sa.insert(tables.Execution).values(values))
    assert rebuild(history, execution.endpoint).gone == 1
    assert [row for row in content(history) if ("name", "old") not in row[1]] == before


def test_a_report_that_is_damaged_is_told_and_keeps_the_row_that_it_has(history: History, tmp_path: Path) -> None:
    execution = lived(tmp_path)
    before = content(history)
    for name, hour in (("execution.json", 1), ("measures.json", 2)):
        path = Path(execution_of(tmp_path, hour).report) / name
        path.write_bytes(path.read_bytes().replace(b"5", b"6", 1))
    rebuilt = rebuild(history, execution.endpoint)
    assert (rebuilt.executions, rebuilt.gone, len(rebuilt.problems)) == (1, 0, 2)
    assert content(history) == before


def test_a_schedule_that_its_file_no_longer_has_is_rebuilt_too(history: History, tmp_path: Path) -> None:
    execution = lived(tmp_path)
    before = content(history)
    renamed = execution.schedule.model_copy(update={"name": "other"})
    endpoint = execution.endpoint.model_copy(update={"schedules": (renamed,)})
    with history.session() as session:
        session.execute(sa.delete(tables.Execution))
    rebuild(history, endpoint)
    kept = [row for row in content(history) if row[0] != "Schedule"]
    assert kept == [row for row in before if row[0] != "Schedule"]


def test_texts_of_callers_of_any_kind_are_rows(history: History, tmp_path: Path) -> None:
    execution = execution_of(tmp_path)
    for name in ("a\x00b\n\x1b[2J", "x" * 100_000, "", "'; DROP TABLE metrics; --", "ü" * 3000):
        constraint = replace(FINDINGS[2].constraint, subject=replace(FINDINGS[2].constraint.subject, column=name))
        write(execution, findings=[replace(FINDINGS[2], constraint=constraint)])
        record(execution)
        [row] = [row for row in rows(history, "metric_values") if row["metric"] == "baseline_drift_check"]
        assert row["column_name"].isprintable() and len(row["column_name"]) < 2100


def test_a_history_that_does_not_answer_loses_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MODEL_MONITOR_HISTORY", "postgresql://monitor:secret@127.0.0.1:1/history")
    execution = execution_of(tmp_path)
    write(execution)
    with pytest.raises(StoreError, match="report's files stand"):
        record(execution)
    monkeypatch.delenv("MODEL_MONITOR_HISTORY")
    record(execution)
    history = History.of(execution.endpoint)
    assert history is not None and len(rows(history, "window_status")) == 1
    assert (tmp_path / "out/history.sqlite").is_file()


def test_without_a_place_for_a_database_nothing_is_kept_which_is_said_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MODEL_MONITOR_HISTORY", raising=False)
    tell_once.cache_clear()
    execution = execution_of(tmp_path)
    endpoint = execution.endpoint.model_copy(update={"output": "s3://lake/out"})
    for _ in range(3):
        assert History.of(endpoint) is None
        record(replace(execution, endpoint=endpoint))
    assert [message for message in caplog.messages if "MODEL_MONITOR_HISTORY" in message] == [caplog.messages[0]]
