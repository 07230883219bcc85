"""A message is sent once, by one worker, and waits for another try until it is taken."""

from __future__ import annotations

import json
import sqlite3
from datetime import timedelta
from pathlib import Path

import pytest
from support.alerted import ENDPOINT, HOUR, MINUTE, NOW, World

from model_monitor.errors import StoreError
from model_monitor.history.tables import Delivery
from model_monitor.jobs.deliver import LEASE


class TooMany(StoreError):
    """A server that is asked too often says when to come again."""

    retry_after = 600.0


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def test_a_failed_message_waits_longer_each_time_and_is_sent_once(world: World) -> None:
    world.judge(0, "violations")
    world.refusing = {"chat #ml": RuntimeError("it answers 500")}
    now, waits = NOW, []
    for _ in range(4):
        world.deliver(now)
        (delivery,) = world.rows(Delivery)
        waits.append((delivery.next_at - now) // MINUTE)
        assert world.deliver(now) == [], "not before its time"
        now = delivery.next_at
    assert waits == [1, 2, 4, 8]
    assert delivery.error == "RuntimeError: it answers 500"
    world.refusing = {}
    assert world.deliver(now) == ["chat #ml: sent"]
    assert world.deliver(now + 9 * HOUR) == []
    assert len(world.sent) == 1


def test_a_server_that_says_when_to_come_again_is_asked_then(world: World) -> None:
    world.judge(0, "violations")
    world.refusing = {"chat #ml": TooMany("it answers 429")}
    world.deliver()
    (delivery,) = world.rows(Delivery)
    assert delivery.next_at == NOW + timedelta(seconds=600)


def test_one_destination_that_refuses_keeps_no_other_from_its_message(world: World) -> None:
    world.refusing = {"chat #ml": RuntimeError("refused")}
    world.judge(0, "violations")
    world.judge(0, "violations", schedule="b")
    assert world.told == [("pager", "opened")]


def test_messages_of_an_incident_come_in_their_order(world: World) -> None:
    world.refusing = {"chat #ml": RuntimeError("refused")}
    for number, trouble in enumerate(["violations", "", ""]):
        world.judge(number, trouble)
        world.deliver()
    world.refusing = {}
    assert world.told == [], "the first one waits, so the second one must"
    world.deliver(NOW + HOUR)
    assert [letter.message["event"] for _, letter in world.sent] == ["opened", "closed"]


def test_a_worker_that_dies_while_it_sends_loses_no_message_and_the_next_one_says_so(world: World) -> None:
    world.judge(0, "violations")
    world.refusing = {"chat #ml": KeyboardInterrupt()}  # type: ignore[dict-item]  # as if killed
    with pytest.raises(KeyboardInterrupt):
        world.deliver()
    world.refusing = {}
    assert world.deliver(NOW + LEASE - MINUTE) == [], "the other worker may still be at it"
    assert world.deliver(NOW + LEASE) == ["chat #ml: sent"]
    ((_, letter),) = world.sent
    assert "may have come before" in letter.message["sentence"]
    assert len(letter.key) == 32


def test_the_key_of_a_message_is_the_same_at_each_try_and_of_no_other_message(world: World) -> None:
    keys = []

    def send(destination: object, letter: object) -> None:
        keys.append(letter.key)  # type: ignore[attr-defined]
        raise RuntimeError("refused")

    world.send = send  # type: ignore[method-assign, assignment]
    world.judge(0, "violations")
    world.judge(0, "violations", schedule="b")
    for later in (0, 2):
        world.deliver(NOW + later * HOUR)
    assert keys[:2] == keys[2:]
    assert len(set(keys)) == 2


def test_in_quiet_hours_a_message_waits_for_their_end_unless_it_is_critical(tmp_path: Path) -> None:
    quiet = 'alerts: {quiet_hours: {start: "11:00", end: "15:30", timezone: Europe/Vienna}, '
    world = World(tmp_path, ENDPOINT.replace("alerts: {", quiet, 1))
    world.judge(0, "violations", quiet=quiet_of(world))
    (delivery,) = world.rows(Delivery)
    assert delivery.next_at == NOW.replace(hour=14, minute=30), "it is 13:00 in Vienna"
    assert world.told == []
    world.judge(1, "violations", severity=2, quiet=quiet_of(world))
    world.deliver(NOW.replace(hour=14, minute=30))
    assert [letter.message["event"] for _, letter in world.sent] == ["opened", "escalated"]


def quiet_of(world: World) -> object:
    from model_monitor.config import alerts_of

    return alerts_of(world.endpoint, world.endpoint.schedules[0]).quiet_hours


def test_a_destination_that_was_removed_gets_nothing_any_more(world: World, tmp_path: Path) -> None:
    world.judge(0, "violations")
    other = World(tmp_path, ENDPOINT.replace("chat", "other"))
    assert other.deliver() == ["chat #ml: dropped, as it is not in 'to' any more"]
    assert not other.sent


def test_what_was_sent_is_a_file_too(world: World, tmp_path: Path) -> None:
    world.judge(0, "violations")
    world.deliver()
    (file,) = (tmp_path / "out/_alerts/churn/AllTraffic/told").iterdir()
    assert json.loads(file.read_text())["event"] == "opened"


def test_no_secret_of_an_error_is_kept(world: World) -> None:
    world.refusing = {
        "chat #ml": RuntimeError("POST https://x.example/?token=SECRET&a=1: Authorization: Bearer SECRET9")
    }
    world.judge(0, "violations")
    lines = world.deliver()
    (delivery,) = world.rows(Delivery)
    assert "SECRET" not in f"{lines} {delivery.error}"


def test_a_history_that_is_locked_is_said_and_loses_nothing(world: World, tmp_path: Path) -> None:
    world.judge(0, "violations")
    connection = sqlite3.connect(tmp_path / "out/history.sqlite", isolation_level=None)
    world.history.engine.dispose()
    connection.execute("DROP TABLE alembic_version")
    connection.execute("CREATE TABLE alembic_version (version_num TEXT)")
    connection.execute("INSERT INTO alembic_version VALUES ('0000')")
    with pytest.raises(StoreError, match="of schema 0000"):
        world.deliver()
    connection.execute("UPDATE alembic_version SET version_num = '0001'")
    assert world.told == [("chat #ml", "opened")]
