"""What pages ask of the history, and with which index it is found."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from support.captures import HOUR, endpoint_file
from support.reports import FINDINGS, execution_of, window, write

from model_monitor.history import last_windows, queries, tables
from model_monitor.history.database import History
from model_monitor.history.record import record
from model_monitor.history.rows import series_of

WINDOWS = 6


@pytest.fixture
def history(database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> History:
    """Six windows of a schedule, every other violated, and a schedule that never ran."""
    monkeypatch.setenv("MODEL_MONITOR_HISTORY", database)
    endpoint_file(tmp_path, schedules=[{"name": name, "monitor": "data_quality"} for name in ("dq", "idle")])
    for hour in range(WINDOWS):
        write(execution_of(tmp_path, hour), findings=FINDINGS if hour % 2 else FINDINGS[1:2])
        record(execution_of(tmp_path, hour))
    history = History.at(database)
    with history.session() as session:
        session.add(tables.Schedule(endpoint="churn", variant="AllTraffic", name="idle", monitor="data_quality"))
    return history


def test_health_is_the_newest_window_of_each_schedule(history: History) -> None:
    with history.reading() as session:
        first, second = queries.health(session)
        assert (first["schedule"], first["window_start"]) == ("dq", window(WINDOWS - 1).start)
        assert first["status"] == "CompletedWithViolations"
        assert (second["schedule"], second["status"]) == ("idle", None)
        assert queries.health(session, "other") == []


@pytest.mark.parametrize("count", [1, 4, WINDOWS, 100])
def test_the_last_windows_of_each_schedule_are_in_the_order_of_time(history: History, count: int) -> None:
    with history.reading() as session:
        keys = [row["id"] for row in queries.schedules(session)]
        found = last_windows.strips(session, keys, count)
        assert [row["window_start"] for row in found] == [window(h).start for h in range(WINDOWS)][-count:]
        assert last_windows.newest(session, keys) == found[-1:]
        assert last_windows.strips(session, [], count) == last_windows.newest(session, []) == []


def test_a_strip_of_windows_is_the_newest_of_a_span_and_the_last_first(history: History) -> None:
    with history.reading() as session:
        found = queries.windows(session, "churn", "dq", until=window(4).start, limit=3)
        assert [row["window_start"] for row in found] == [window(hour).start for hour in (3, 2, 1)]
        assert len(queries.windows(session, since=window(4).start)) == 2
        assert queries.windows(session, "churn", "idle") == queries.windows(session, "other") == []


def test_a_metric_over_windows_is_one_series(history: History) -> None:
    segment = '{"country": "AT"}'
    with history.reading() as session:
        drift = queries.metric(session, "churn", "dq", "baseline_drift_check", "age", segment)
        assert [(row["window_start"], row["value"], row["outcome"]) for row in drift] == [
            (window(hour).start, 0.4, "violated") for hour in (1, 3, 5)
        ]
        assert len(queries.metric(session, "churn", "dq", "accuracy", since=window(2).start)) == WINDOWS - 2
        assert queries.metric(session, "churn", "dq", "baseline_drift_check", "age") == []


def test_a_metric_s_course_has_what_each_window_was_judged_by(history: History) -> None:
    about = ("churn", "dq", series_of("baseline_drift_check", "age", '{"country": "AT"}'))
    with history.reading() as session:
        found = queries.course(session, *about, limit=2)
        assert [(row["window_start"], row["status"]) for row in found] == [
            (window(hour).start, "CompletedWithViolations") for hour in (3, 5)
        ]
        assert {"label_state", "baseline", "report", "noise_floor"} <= found[0].keys()
        assert [row["window_start"] for row in queries.course(session, *about, until=window(3).start)] == [
            window(1).start
        ]


def test_which_metrics_a_schedule_has_is_told_by_its_newest_windows(history: History) -> None:
    with history.reading() as session:
        found = [(row["name"], row["column_name"], row["segment"]) for row in queries.series(session, "churn", "dq")]
        assert ("accuracy", None, None) in found
        assert ("baseline_drift_check", "age", '{"country": "AT"}') in found
        assert len(found) == len(set(found))
        of_age = queries.series(session, "churn", "dq", column_name="age")
        assert {row["name"] for row in of_age} == {"completeness", "baseline_drift_check"}
        assert [row["segment"] for row in queries.series(session, "churn", "dq", name="accuracy")] == [None]
        assert queries.series(session, "churn", "idle") == []


def test_the_findings_of_a_window_and_the_numbers_of_a_column(history: History) -> None:
    with history.reading() as session:
        found = queries.findings(session, "churn", "dq", window(1).start, window(1).end)
        assert [row["check_name"] for row in found] == [f.constraint.check for f in FINDINGS[:3]]
        numbers = queries.columns_of(session, "age", since=window(5).start)
        assert [row["name"] for row in numbers] == ["completeness", "baseline_drift_check"]


def incident(severity: str, **values: Any) -> tables.Incident:
    about = {
        "endpoint": "churn",
        "variant": "v",
        "kind": "violations",
        "cause": "data",
        "schedule": "dq",
        "muted": False,
    }
    times = dict.fromkeys(("since", "opened", "last"), HOUR)
    return tables.Incident(**about | times | {"severity": severity, "schedules": "[]", "subjects": "[]"} | values)


def test_open_alerts_are_the_worst_first_with_their_cause_and_their_last_step(history: History) -> None:
    with history.session() as session:
        rows = [
            incident("warning"),
            incident("info", closed=HOUR),
            incident("critical", opened=HOUR + timedelta(hours=1)),
        ]
        session.add_all(rows)
        session.flush()
        for kind, sentence in (("opened", "mild"), ("escalated", "strong"), ("joined", "two"), ("snoozed", "later")):
            step = {"kind": kind, "severity": "warning", "at": HOUR, "made_by": "m", "told": True}
            session.add(tables.Transition(incident_id=rows[0].id, sentence=sentence, **step))
            session.flush()
    with history.reading() as session:
        found = queries.open_alerts(session)
        names = ("severity", "sentence", "last_transition", "last_sentence")
        expected = [("critical", None, None, None), ("warning", "strong", "snoozed", "later")]
        assert [tuple(row[name] for name in names) for row in found] == expected
        view = session.execute(sa.text(f"SELECT {', '.join(names)} FROM open_alerts ORDER BY severity")).all()
        assert [tuple(row) for row in view] == expected
