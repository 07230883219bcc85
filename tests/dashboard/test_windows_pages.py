"""The pages of an endpoint, of its windows, and the list of all windows."""

from __future__ import annotations

from pathlib import Path

import pytest
from support import reports
from support.captures import HOUR
from support.reports import labels_of, window
from support.visited import HOLDS, VIOLATED, Only, endpoint, judged, seen, visit

from model_monitor.config.execution import Assignment
from model_monitor.dashboard.reports import window_report
from model_monitor.dashboard.visit import NoSuchPage
from model_monitor.history.database import History
from model_monitor.history.tables import Verdict

SCHEDULES = [{"name": "dq", "monitor": "data_quality"}, {"name": "other", "monitor": "data_quality"}]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Two schedules of an endpoint: the last two of six windows of dq are violated; all of the other hold."""
    file = endpoint(tmp_path, "churn", SCHEDULES)
    for hour in range(6):
        judged(file, "dq", hour, VIOLATED if hour > 3 else HOLDS)
        judged(file, "other", hour)
    return file


def test_an_endpoint_opens_on_its_worst_schedule_with_columns_over_windows(file: Path) -> None:
    shown, text = seen(visit(file), "endpoint", endpoint="churn")
    assert (shown.schedule, shown.condition.words, shown.condition.since) == ("dq", "violated", window(4).start)
    [age] = shown.columns
    assert age.outcomes == ("holds",) * 4 + ("violated",) * 2
    assert (age.violated, age.since, age.levels[-1]) == (2, window(4).start, 3)
    assert "/model-monitor/endpoints/churn/column?column=age&amp;schedule=dq&amp;segment=%7B%22country%22" in text
    assert f"/model-monitor/endpoints/churn/executions/dq/{window(4).start:%Y-%m-%dT%H}" in text


def test_an_endpoint_has_its_metrics_with_thresholds_the_violated_first(file: Path) -> None:
    shown, _ = seen(visit(file), "endpoint", endpoint="churn", schedule="dq")
    first = shown.metrics[0]
    assert (first.name, first.outcome, first.low, first.value) == ("accuracy", "violated", 0.8, 0.7)
    assert len(first.values) == 6 and {m.outcome for m in shown.metrics[-1:]} == {"holds"}
    other, _ = seen(visit(file), "endpoint", endpoint="churn", schedule="other")
    assert other.condition.words == "healthy" and other.traffic == (60,) * 6


def test_an_execution_says_what_changed_and_why_to_believe_it(file: Path) -> None:
    span = {"start": window(4).start, "end": window(4).end}
    shown, text = seen(visit(file), "execution", endpoint="churn", schedule="dq", **span)
    assert (shown.words, shown.violations, shown.undefined) == ("violated", 2, 1)
    assert ("Rows judged", "50") in shown.facts and "Records set aside" in text
    assert shown.findings[0].outcome == "violated" and shown.findings[-1].outcome == "holds"
    assert shown.previous == (window(3).start, window(3).end) and shown.next == (window(5).start, window(5).end)
    last, _ = seen(visit(file), "execution", endpoint="churn", schedule="dq", start=window(5).start, end=window(5).end)
    assert last.next is None


def test_an_execution_has_its_earlier_reports_by_the_labels_that_had_come(file: Path) -> None:
    execution = Assignment.load(file, "dq").on(window(4))
    reports.write(execution, HOLDS, labels=labels_of("provisional", "x"), folder=f"{execution.earlier_reports}/early")
    early = {"labels_as_of": HOUR, "status": "Completed", "reason": "", "violations": 0}
    with History.of(execution.endpoint).session() as session:
        session.add(Verdict(execution_id=4 * 2 + 1, version="early", **early))
    span = {"endpoint": "churn", "schedule": "dq", "start": window(4).start, "end": window(4).end}
    newest, _ = seen(visit(file), "execution", **span)
    early, _ = seen(visit(file), "execution", **span, as_of="early")
    assert [version.version for version in newest.versions] == ["early"]
    assert (newest.words, early.words) == ("violated", "healthy")
    for unknown in ("../../../dq", "late"):
        with pytest.raises(NoSuchPage):
            seen(visit(file), "execution", **span, as_of=unknown)


def test_an_execution_shows_the_pictures_of_its_report_and_leads_to_it(file: Path) -> None:
    execution = Assignment.load(file, "dq").on(window(4))
    span = {"endpoint": "churn", "schedule": "dq", "start": window(4).start, "end": window(4).end}
    shown, text = seen(visit(file), "execution", **span)
    assert (shown.report, shown.pictures) == (None, ()) and "report.html" not in text
    picture = reports.picture()
    for folder, pictures in ((execution.report, [picture, picture]), (f"{execution.earlier_reports}/early", [picture])):
        reports.write_page(reports.write(execution, VIOLATED, folder=folder), pictures)
    with History.of(execution.endpoint).session() as session:
        early = {"labels_as_of": HOUR, "status": "Completed", "reason": "", "violations": 0}
        session.add(Verdict(execution_id=4 * 2 + 1, version="early", **early))
    for as_of, count in (("", 2), ("early", 1)):
        shown, text = seen(visit(file), "execution", **span, as_of=as_of)
        assert shown.pictures == (picture,) * count and text.count(picture) == count
        assert shown.report == visit(file).links.report(*span.values(), as_of=as_of)
        assert f'href="{shown.report}"' in text and "pictures" not in shown.model_dump()
        page = window_report(visit(file), **span, as_of=as_of)
        assert page.count(b'class="chart"') == count and b"execution.json" in page and b"href" not in page
    for viewer, other in ((Only({"other"}), {}), (None, {"as_of": "../../dq"}), (None, {"end": window(5).end})):
        with pytest.raises(NoSuchPage):
            window_report(visit(file, viewer=viewer), **span | other)


def test_executions_are_listed_newest_first_and_filtered(file: Path) -> None:
    shown, _ = seen(visit(file), "executions")
    assert len(shown.rows) == 12 and shown.rows[0].start == window(5).start and shown.older is None
    violated, _ = seen(visit(file), "executions", status="violated", schedule="dq", endpoint="churn")
    assert [row.start for row in violated.rows] == [window(5).start, window(4).start]
    earlier, _ = seen(visit(file), "executions", before=window(2).start, schedule="other")
    assert [row.start for row in earlier.rows] == [window(1).start, window(0).start]
    assert seen(visit(file), "executions", status="nonsense")[0].rows == ()


def test_many_executions_are_read_page_by_page_and_none_twice(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from model_monitor.dashboard import executions

    monkeypatch.setattr(executions, "MOST", 5)
    found, number = [], 1
    while True:
        shown, _ = seen(visit(file), "executions", page=number)
        found += [(row.schedule, row.start) for row in shown.rows]
        if (number := shown.older) is None:
            break
    assert len(found) == len(set(found)) == 12


def test_what_a_viewer_may_not_read_is_as_if_it_were_not_there(file: Path) -> None:
    only = visit(file, viewer=Only({"other"}))
    shown, text = seen(only, "endpoint", endpoint="churn")
    assert [schedule.name for schedule in shown.schedules] == ["other"] and ">dq<" not in text
    assert {row.schedule for row in seen(only, "executions")[0].rows} == {"other"}
    for query in ({"endpoint": "churn", "schedule": "dq"}, {"endpoint": "nothing"}):
        with pytest.raises(NoSuchPage) as refused:
            seen(only, "endpoint", **query)
        assert "or you may not see it" in str(refused.value)
    span = {"start": window(4).start, "end": window(4).end}
    with pytest.raises(NoSuchPage):
        seen(only, "execution", endpoint="churn", schedule="dq", **span)
