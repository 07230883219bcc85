"""People are told of what changed, once: however often and in whatever order windows are judged."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.alerted import NOW, START, World, hour

from model_monitor.alerts.following import follow, opening
from model_monitor.alerts.machine import Outcome, replay
from model_monitor.alerts.news import News
from model_monitor.core.window import iso
from model_monitor.history.incidents import Place, incidents_from
from model_monitor.history.tables import Delivery, Incident, Transition
from model_monitor.jobs.people import rules_of


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def test_an_incident_is_told_when_it_opens_gets_worse_and_closes(world: World) -> None:
    for number, severity in enumerate([1, 1, 2, 1]):
        world.judge(number, "violations", severity=severity)
    for number in (4, 5, 6):
        world.judge(number)
    assert world.told == [("chat #ml", "opened"), ("chat #ml", "escalated"), ("chat #ml", "closed")]
    opened = world.sent[0][1].message
    assert opened["sentence"] == (
        "churn: the requests no longer look as they did in the baseline: amount (drift) is 0.25, at most 0.1 is "
        "expected, since 2026-01-05 00:00 UTC."
    )
    assert opened["findings"][0]["observed"] == 0.25
    assert opened["since"] == "2026-01-05T00:00:00Z"
    assert world.sent[2][1].message["sentence"] == (
        "churn: over: the requests no longer look as they did in the baseline (amount). "
        "This lasted from 2026-01-05 00:00 UTC to 2026-01-05 04:00 UTC."
    )


def test_the_same_window_twice_tells_nobody_twice(world: World) -> None:
    for _ in range(3):
        world.judge(0, "violations")
        assert world.told == [("chat #ml", "opened")]


def test_two_runs_of_one_window_at_once_tell_once(world: World) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: (world.judge(0, "violations"), world.deliver()), range(8)))
    assert world.told == [("chat #ml", "opened")]
    assert len(world.rows(Incident)) == 1


def test_two_schedules_with_the_same_reason_are_one_incident_which_each_one_s_people_hear_of_once(world: World) -> None:
    world.judge(0, "violations")
    world.judge(0, "violations", schedule="b")
    world.judge(1, "violations", schedule="b")
    assert sorted(world.told) == [("chat #ml", "opened"), ("pager", "opened")]
    (incident,) = world.rows(Incident)
    assert json.loads(incident.schedules) == ["a", "b"]


def test_a_backfill_tells_nobody_until_a_window_of_now_is_still_bad(world: World) -> None:
    for number in range(3):
        world.judge(number, "violations", tells=False)
    assert world.told == []
    world.judge(3, "violations")
    assert world.told == [("chat #ml", "opened")]
    assert world.sent[0][1].message["since"] == iso(START), "since when, not since it was told"


def test_a_past_incident_that_a_backfill_finds_is_never_told(world: World) -> None:
    world.judge(9)
    for number, trouble in enumerate(["violations", "violations", "", ""]):
        world.judge(number, trouble, tells=False)
    world.judge(10)
    assert world.told == []
    assert [row.kind for row in world.rows(Transition)] == ["opened", "closed"], "and yet it is remembered"


def test_final_labels_that_differ_from_what_was_told_are_told_and_others_are_not(world: World) -> None:
    for number, trouble in enumerate(["violations", "", "", ""]):
        world.judge(number, trouble)
    assert [event for _, event in world.told] == ["opened", "closed"]
    world.judge(0, "violations")  # the same by all labels
    world.judge(3)
    assert [event for _, event in world.told] == ["opened", "closed"]
    world.judge(3, "violations")  # fine by the first labels, bad by all
    assert [event for _, event in world.told] == ["opened", "closed", "opened"]


def test_an_incident_that_turns_out_not_to_have_been_is_told_to_be_over(world: World) -> None:
    world.judge(0, "violations")
    assert [event for _, event in world.told] == ["opened"]
    world.judge(0)
    assert [event for _, event in world.told] == ["opened", "closed"]
    assert "as they should be" in world.sent[1][1].message["sentence"]
    world.judge(0)
    world.judge(1)
    assert len(world.told) == 2


def test_an_incident_that_nobody_heard_of_leaves_no_trace_when_it_was_none(world: World) -> None:
    world.judge(0, "violations", tells=False)
    world.judge(0, tells=False)
    assert not world.rows(Incident)
    assert not world.rows(Transition)


def test_a_window_of_which_nothing_can_be_told_any_more_does_not_count(world: World) -> None:
    world.judge(0, "violations", schedule="c", tells=False)
    news = News("c", hour(0), None, {"endpoint": "churn", "variant": "AllTraffic", "window": {}, "status": ""})
    with world.history.session() as session:
        follow(session, news, rules_of(world.endpoint), NOW)
    world.judge(1, "violations", schedule="c", tells=False)
    assert not world.rows(Incident), "one of three, and two of them are needed"


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> World:
    return World(tmp_path_factory.mktemp("shared"))


arrivals = st.lists(
    st.tuples(st.integers(0, 8), st.sampled_from(["", "violations", "no_data"]), st.sampled_from("abc"))
)


@settings(max_examples=40)
@given(arrivals)
def test_the_database_knows_the_incidents_of_the_pure_machine_in_whatever_order_windows_come(
    shared: World, arrivals: list[tuple[int, str, str]]
) -> None:
    shared.name = f"endpoint {uuid4()}"
    outcomes: dict[tuple[int, str], Outcome] = {}
    for number, trouble, schedule in arrivals:
        shared.judge(number, trouble, schedule=schedule, tells=False)
        is_bad = trouble == "violations"
        subjects = frozenset({"amount"} if is_bad else set[str]())
        outcomes[number, schedule] = Outcome(
            schedule, hour(number), trouble, "data" if is_bad else "", subjects, severity=1
        )
    rules = rules_of(shared.endpoint)
    expected = replay(outcomes.values(), lambda schedule, kind: opening(rules(schedule, kind)))
    with shared.history.reading() as session:
        rows = incidents_from(session, Place(shared.name, "AllTraffic"))
        found = [(r.kind, r.schedule, r.opened, r.last, r.closed, json.loads(r.schedules)) for r in rows]
    assert sorted(found, key=str) == sorted(
        (
            (i.kind, i.opened.schedule, i.opened.end, i.last.end, i.closed and i.closed.end, sorted(i.schedules))
            for i in expected
        ),
        key=str,
    )
    assert not shared.rows(Delivery)
