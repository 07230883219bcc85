"""On SQLite and on PostgreSQL: many runs of one window at once tell once, and the database's clock counts."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest
from support.alerted import HOUR, NOW, World

from model_monitor.history.incidents import clock
from model_monitor.history.tables import Delivery, Incident

RUNS = 8


@pytest.fixture
def world(database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setenv("MODEL_MONITOR_HISTORY", database)
    return World(tmp_path)


def test_many_runs_at_once_tell_each_person_once(world: World) -> None:
    def run(number: int) -> None:
        world.judge(0, "violations", schedule="ab"[number % 2])
        world.deliver()

    with ThreadPoolExecutor(RUNS) as pool:
        list(pool.map(run, range(RUNS)))
    assert sorted(world.told) == [("chat #ml", "opened"), ("pager", "opened")]
    (incident,) = world.rows(Incident)
    assert json.loads(incident.schedules) == ["a", "b"]


def test_windows_that_come_at_once_and_out_of_order_give_the_incidents_that_follow_from_all(world: World) -> None:
    troubles = ["", "violations", "violations", "", "violations", "", "", "violations"]
    with ThreadPoolExecutor(RUNS) as pool:
        list(pool.map(lambda n: world.judge(n, troubles[n], tells=False), reversed(range(RUNS))))
    first, second = world.rows(Incident)
    start = NOW.replace(day=5, hour=0)
    spans = sorted((row.since, row.closed) for row in (first, second))
    assert [since for since, _ in spans] == [start + HOUR, start + 7 * HOUR]
    assert [closed for _, closed in spans] == [start + 7 * HOUR, None]


def test_how_long_a_message_waits_is_told_by_the_database_s_clock(world: World) -> None:
    world.judge(0, "violations")
    world.refusing = {"chat #ml": RuntimeError("refused")}
    with world.history.session() as session:
        now = clock(session)
    world.deliver(None)  # type: ignore[arg-type]
    (delivery,) = world.rows(Delivery)
    assert timedelta(seconds=58) <= delivery.next_at - now <= timedelta(seconds=70)
