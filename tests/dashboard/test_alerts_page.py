"""The page Alerts shows what is open or over, and who did what about it; people snooze, mute and close there."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError
from support.reports import ACCURACY, DRIFT, window, write
from support.visited import NOW, VIOLATED, Only, endpoint, seen, visit

from model_monitor import config, jobs
from model_monitor.config.execution import Assignment
from model_monitor.core.constraints import Finding
from model_monitor.dashboard import alert_acts
from model_monitor.dashboard.alert_acts import Close, Mute, Snooze
from model_monitor.dashboard.visit import NoSuchPage, Visit
from model_monitor.errors import ConfigError

DQ = {"name": "shop-dq", "monitor": "data_quality"}
ADA = Only({"shop-dq"}, {"shop-dq"})


def told(file: Path, schedule: str, hour: int, findings: Any = VIOLATED) -> None:
    """A window is judged, and incidents follow."""
    execution = Assignment.load(file, schedule).on(window(hour))
    write(execution, findings=findings)
    jobs.alert(execution, "always")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """An endpoint with an incident."""
    file = endpoint(tmp_path, "shop", [DQ], alerts={"owner": "Bob", "to": [{"webhook": "pager"}]})
    told(file, "shop-dq", 0)
    return file


def test_an_open_alert_says_what_is_wrong_since_when_and_whose_it_is(file: Path) -> None:
    shown, text = seen(visit(file, viewer=ADA), "alerts")
    (alert,) = shown.alerts
    assert (alert.endpoint, alert.number, alert.owner, alert.schedules) == ("shop", 1, "Bob", ("shop-dq",))
    assert alert.since == window(0).start and alert.sentence in text and "1 open alert" in text
    assert [step.kind for step in alert.steps] == ["opened"]


def test_who_may_not_edit_sees_no_form_and_who_may_not_read_sees_nothing(file: Path) -> None:
    _, text = seen(visit(file, viewer=Only({"shop-dq"})), "alerts")
    assert "<form" in text and 'method="post"' not in text
    shown, text = seen(visit(file, viewer=Only({"other"})), "alerts")
    assert (shown.alerts, shown.open, shown.endpoints) == ((), 0, ()) and "shop" not in text


def test_an_alert_of_several_schedules_is_shown_to_who_may_read_them_all(tmp_path: Path) -> None:
    file = endpoint(tmp_path, "shop", [DQ, DQ | {"name": "shop-two"}])
    told(file, "shop-dq", 0)
    told(file, "shop-two", 0)
    assert seen(visit(file, viewer=ADA), "alerts")[0].open == 0
    assert seen(visit(file, viewer=Only({"shop-dq", "shop-two"})), "alerts")[0].open == 1


def test_a_snooze_says_by_whom_and_until_when(file: Path) -> None:
    who = visit(file, viewer=ADA)
    assert alert_acts.snooze(who, Snooze(endpoint="shop", number=1, hours=4, why="known")) == (
        "/model-monitor/alerts?endpoint=shop"
    )
    shown, text = seen(visit(file, viewer=ADA), "alerts")
    (alert,) = shown.alerts
    assert alert.snoozed_until == NOW + timedelta(hours=4)
    assert (alert.steps[-1].kind, alert.steps[-1].by, alert.steps[-1].at) == ("snoozed", "ada", NOW)
    assert "snoozed until 2026-03-01 04:00 UTC" in text
    assert seen(visit(file, viewer=ADA, now=NOW + timedelta(hours=5)), "alerts")[0].alerts[0].snoozed_until is None


def test_a_closed_alert_is_over_and_says_who_closed_it(file: Path) -> None:
    who = visit(file, viewer=ADA)
    alert_acts.close_incident(who, Close(endpoint="shop", number=1, why="a known sale"))
    assert seen(who, "alerts")[0].open == 0
    shown, text = seen(who, "alerts", state="closed")
    (alert,) = shown.alerts
    assert (alert.steps[-1].kind, alert.steps[-1].by) == ("closed", "ada") and "a known sale" in text


def test_an_alert_about_one_column_alone_offers_to_mute_it(tmp_path: Path) -> None:
    file = endpoint(tmp_path, "shop", [DQ])
    told(file, "shop-dq", 0, [Finding(DRIFT, "violated", 0.4, 0.02)])
    who = visit(file, viewer=ADA)
    shown, text = seen(who, "alerts")
    assert shown.alerts[0].column == "age" and "Mute age" in text
    alert_acts.mute(who, Mute(endpoint="shop", column="age"))
    shown, text = seen(who, "alerts")
    assert shown.alerts[0].muted and "Mute age" not in text
    with pytest.raises(ConfigError, match="has come"):
        alert_acts.mute(who, Mute(endpoint="shop", column="age", until=NOW.date()))


@pytest.mark.parametrize(
    ("concerned", "form"),
    [
        (alert_acts.concerned, Snooze(endpoint="shop", number=99)),
        (alert_acts.concerned, Close(endpoint="other", number=1)),
        (alert_acts.concerned, Close(endpoint="shop", variant="B", number=1)),
        (alert_acts.all_schedules, Mute(endpoint="../../etc", column="age")),
    ],
)
def test_an_act_on_what_is_not_there_finds_nothing(
    concerned: Callable[[Visit, Any], object], form: BaseModel, file: Path
) -> None:
    with pytest.raises(NoSuchPage):
        concerned(visit(file, viewer=ADA), form)


@pytest.mark.parametrize(
    ("form", "values"),
    [
        (Snooze, {"number": 0}),
        (Snooze, {"number": 1, "hours": 0}),
        (Snooze, {"number": 1, "hours": 10**6}),
        (Close, {"number": 10**30}),
        (Close, {"number": 1, "why": "x" * 5000}),
        (Mute, {"column": ""}),
        (Mute, {"column": "a", "until": "tomorrow"}),
        (Close, {"number": 1, "by": "root"}),
    ],
)
def test_a_form_with_bad_values_is_refused(form: type[BaseModel], values: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        form.model_validate({"endpoint": "shop"} | values)


def test_an_act_counts_for_all_schedules_also_those_that_its_author_can_t_see(tmp_path: Path) -> None:
    """What M of N is comes from all schedules of the file."""
    file = endpoint(tmp_path, "shop", [DQ, {"name": "hidden", "monitor": "data_quality"}])
    told(file, "shop-dq", 0)
    told(file, "hidden", 0, [Finding(ACCURACY, "violated", 0.7, 0.05)])
    before = len(config.load(file).schedules)
    assert len(alert_acts.all_schedules(visit(file, viewer=ADA), Mute(endpoint="shop", column="age"))) == before == 2


def test_hostile_texts_are_inert(tmp_path: Path) -> None:
    file = endpoint(tmp_path, "shop", [DQ], alerts={"owner": "<script>alert(1)</script>"})
    told(file, "shop-dq", 0)
    alert_acts.snooze(visit(file, viewer=ADA), Snooze(endpoint="shop", number=1, why="<script>alert(2)</script>\x00\n"))
    _, text = seen(visit(file, viewer=ADA), "alerts")
    assert "<script>alert" not in text and "&lt;script&gt;alert(2)" in text
