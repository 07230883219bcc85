"""People snooze, mute and try out alerts; what they did, and what they were told, outlives the database."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select
from support.alerted import ENDPOINT, HOUR, NOW, World, hour
from support.reports import execution_of, write

from model_monitor import jobs
from model_monitor.__main__ import main
from model_monitor.alerts.letters import Letter
from model_monitor.config.alerts import Destination, QuietHours
from model_monitor.config.endpoint import Endpoint
from model_monitor.core.window import iso
from model_monitor.errors import ConfigError
from model_monitor.history.database import History
from model_monitor.history.tables import Incident, Table, Transition
from model_monitor.jobs.acts import act, ask_for_test
from model_monitor.jobs.closing import close
from model_monitor.jobs.listing import listed
from model_monitor.jobs.people import Act
from model_monitor.jobs.recall import rebuild_alerts

M_OF_N = "alerts: {datapoints: 2, evaluation_windows: 3}"


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def snoozed(until: timedelta) -> Act:
    return Act(kind="snooze", at=iso(NOW), by="Ann", until=iso(NOW + until), why="known")


def test_a_snoozed_incident_is_silent_until_its_time_and_then_tells_what_is_new(world: World) -> None:
    world.judge(0, "violations")
    assert len(world.told) == 1
    assert act(world.endpoint, snoozed(2 * HOUR)) == ["#1 snoozed until 2026-01-10T14:00:00Z"]
    world.judge(1, "violations", severity=2, now=NOW + HOUR)
    assert len(world.told) == 1
    world.judge(2, "violations", severity=2, now=NOW + 2 * HOUR)
    assert [event for _, event in world.told] == ["opened", "escalated"]
    step = next(row for row in world.rows(Transition) if row.kind == "snoozed")
    assert (step.made_by, step.at, step.sentence) == ("Ann", NOW, "snoozed until 2026-01-10T14:00:00Z: known")


def test_a_muted_column_is_silent_from_then_on(world: World) -> None:
    world.judge(0, "violations")
    assert len(world.told) == 1
    assert act(world.endpoint, Act(kind="mute", at=iso(NOW), by="Ann", column="amount")) == ["#1 muted"]
    world.judge(1, "violations", severity=2)
    world.judge(2)
    world.judge(3)
    assert len(world.told) == 1


def test_an_act_on_nothing_says_so(world: World) -> None:
    with pytest.raises(ConfigError, match="no open incident"):
        act(world.endpoint, snoozed(HOUR))
    with pytest.raises(ConfigError, match="no such incident"):
        act(world.endpoint, snoozed(HOUR), 7)


@pytest.mark.parametrize(
    "verb", [["list"], ["snooze", "--until", "2999-01-01"], ["mute", "--check", "baseline_drift_check"], ["test"]]
)
def test_where_nothing_was_recorded_every_command_says_so_and_makes_nothing(
    verb: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "defaults.yaml").write_text("alerts: {to: [{webhook: pager}]}\n")
    endpoint = execution_of(tmp_path).endpoint
    assert main(["alerts", verb[0], str(tmp_path / "endpoint.yaml"), *verb[1:]]) == 1
    assert jobs.deliver(endpoint, lambda *_: None) == []
    assert "nothing was recorded yet" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_open_incidents_and_messages_that_wait_are_listed(world: World) -> None:
    world.refusing = {"chat #ml": RuntimeError("it answers 500")}
    world.judge(0, "violations", owner="Bob")
    world.deliver()
    world.judge(1, "violations", severity=2, owner="Bob")
    first, second, third, failed, behind = listed(world.endpoint)
    assert first == "#1 critical violations, Bob, since 2026-01-05T00:00:00Z"
    assert "amount (drift) is 0.25" in second
    assert third == "    schedules: a"
    assert re.fullmatch(r"message 'opened' of #1 to chat #ml, waiting for \d+ days: tried once, again from .*", failed)
    assert failed.endswith("on: RuntimeError: it answers 500")
    assert behind.startswith("message 'escalated' of #1 to chat #ml") and behind.endswith(
        "an earlier one of its incident"
    )


def test_a_message_that_was_not_tried_yet_says_why(world: World) -> None:
    now = datetime.now(UTC)
    world.judge(0, "violations", now=now)
    assert list(listed(world.endpoint))[-1].endswith("waiting for 0 min: not tried yet; the DAG deliveries sends it")
    quiet = QuietHours(start=(now - HOUR).time(), end=(now + HOUR).time())
    world.judge(0, "violations", schedule="b", subjects={"other"}, now=now, quiet=quiet)
    assert f"quiet hours, until {iso(now + HOUR)}" in list(listed(world.endpoint))[-1]


def test_an_incident_keeps_its_cause_whoever_snoozes_it_joins_it_or_recovers(world: World) -> None:
    world.judge(0, "violations", schedule="b", tells=False)
    world.judge(0, "violations", tells=False)  # it comes later, and comes first
    world.judge(1, schedule="b")
    world.judge(2, schedule="b")
    act(world.endpoint, snoozed(timedelta(days=9999)))
    head, sentence, schedules, step, *_ = listed(world.endpoint)
    assert ", snoozed until 20" in head
    assert "amount (drift) is 0.25" in sentence and "snoozed" not in sentence
    assert schedules == "    schedules: a, b"
    assert step.startswith("    Ann, 2026-01-10T12:00:00Z: snoozed until ") and step.endswith(": known")
    assert all("amount" in row.sentence for row in world.rows(Transition) if row.made_by != "Ann")


def test_an_incident_names_the_report_on_its_last_bad_window(tmp_path: Path) -> None:
    for number in range(2):
        write(execution_of(tmp_path, number))
        jobs.alert(execution_of(tmp_path, number))
    report = execution_of(tmp_path, 1).report
    assert f"    report: {report}" in list(listed(execution_of(tmp_path).endpoint))


def test_a_test_message_is_marked_and_goes_to_everyone(world: World) -> None:
    numbers = ask_for_test(world.endpoint, "Ann", NOW)
    assert len(numbers) == 2
    assert world.told == [("chat #ml", "test"), ("pager", "test")]
    assert world.sent[0][1].title.startswith("[test] ")
    assert "this is a test by Ann" in world.sent[0][1].text
    world.judge(0)
    assert len(world.told) == 2
    assert not list(listed(world.endpoint)), "a test is no incident"


def test_the_command_lists_snoozes_mutes_and_tests(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    file = str(world.folder / "churn.yaml")
    world.judge(0, "violations")
    world.deliver()
    assert main(["alerts", "list", file]) == 0
    assert main(["alerts", "snooze", file, "--until", "2999-01-01", "--by", "Ann"]) == 0
    assert main(["alerts", "mute", file, "--column", "amount", "--by", "Ann"]) == 0
    assert main(["alerts", "test", file, "--wait", "0"]) == 0
    assert main(["alerts", "snooze", file, "--until", "tomorrow"]) == 1
    assert main(["alerts", "mute", file]) == 1
    assert main(["alerts", "mute", file, "--column", "nosuch"]) == 0
    assert main(["alerts", "snooze", file, "--until", "2020-01-01"]) == 1
    assert main(["alerts", "mute", file, "--column", "amount", "--until", f"{datetime.now(UTC):%Y-%m-%d}"]) == 1
    said = capsys.readouterr()
    assert "#1 warning violations" in said.out
    assert "#1 snoozed until 2999-01-01T00:00:00Z" in said.out
    assert "#1 muted" in said.out
    assert "2 messages wait for the DAG deliveries" in said.out
    assert "write it as 2026-01-31T04:00:00Z" in said.err
    assert "name a --column" in said.err
    assert "the mute of nosuch is recorded; no open incident is about it alone" in said.out
    assert "--until 2020-01-01 is over" in said.err and "has come; write a day to come" in said.err


def test_a_test_that_did_not_arrive_fails(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["alerts", "test", str(world.folder / "churn.yaml"), "--wait", "0.1"]) == 1
    assert "waiting" in capsys.readouterr().out


def content(endpoint: Endpoint, table: type[Table]) -> list[dict[str, object]]:
    history = History.of(endpoint)
    assert history is not None
    with history.reading() as session:
        return [row.content() for row in session.scalars(select(table))]


def test_a_history_that_was_lost_and_rebuilt_knows_what_people_did_and_tells_nobody_twice(tmp_path: Path) -> None:
    (tmp_path / "defaults.yaml").write_text("alerts: {to: [{webhook: pager}]}\n")
    sent: list[Letter] = []

    def send(destination: Destination, letter: Letter) -> None:
        sent.append(letter)

    def judge(hour: int, **findings: object) -> None:
        execution = execution_of(tmp_path, hour)
        write(execution, **findings)  # type: ignore[arg-type]
        jobs.alert(execution, "always")
        jobs.deliver(execution.endpoint, send)

    judge(0)
    judge(1)
    assert [letter.message["event"] for letter in sent] == ["opened"]
    assert {f["measure"] for f in sent[0].message["findings"]} == {"accuracy", "distribution"}
    endpoint = execution_of(tmp_path).endpoint
    act(endpoint, Act(kind="snooze", at="2026-01-01T00:00:00Z", by="Ann", until="2026-01-02T00:00:00Z"))
    before = content(endpoint, Incident)
    history = History.of(endpoint)
    assert history is not None
    with history.engine.begin() as connection:
        for table in reversed(Table.metadata.sorted_tables):
            connection.execute(table.delete())
    assert rebuild_alerts(history, endpoint) == 1
    assert content(endpoint, Incident) == before
    assert [row["kind"] for row in content(endpoint, Transition) if row["told"]] == ["opened"]
    assert "Ann" in [row["made_by"] for row in content(endpoint, Transition)]
    rebuild_alerts(history, endpoint)
    assert content(endpoint, Incident) == before
    judge(2)
    assert len(sent) == 1
    judge(3, findings=())
    judge(4, findings=())
    assert [letter.message["event"] for letter in sent] == ["opened", "closed"]


def test_reindex_rebuilds_incidents_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(execution_of(tmp_path))
    assert main(["reindex", str(tmp_path / "endpoint.yaml")]) == 0
    assert "1 executions, 0 versions of baselines, 1 incidents" in capsys.readouterr().out
    (incident,) = content(execution_of(tmp_path).endpoint, Incident)
    assert json.loads(str(incident["subjects"])) == ["accuracy", "age"]


def test_a_closed_incident_says_who_closed_it_when_and_why_and_tells_who_was_told_of_it(world: World) -> None:
    world.judge(0, "violations")
    world.judge(1, "violations")
    assert close(world.endpoint, 1, "Ann", iso(NOW), "a known sale") == "#1 closed"
    (row,) = world.rows(Incident)
    step = next(step for step in world.rows(Transition) if step.kind == "closed")
    assert (row.closed, step.made_by, step.at) == (hour(1).end, "Ann", NOW)
    assert "closed by Ann: a known sale. It was open since 2026-01-05 00:00 UTC" in step.sentence
    assert [event for _, event in world.told] == ["opened", "closed"]
    assert "closed by Ann: a known sale" in world.sent[1][1].text


def test_a_bad_window_after_it_opens_another_incident_of_which_people_are_told(world: World) -> None:
    world.judge(0, "violations")
    close(world.endpoint, 1, "Ann", iso(NOW))
    world.judge(0, "violations")  # the same window again changes nothing
    assert [event for _, event in world.told] == ["opened", "closed"]
    world.judge(1, "violations")
    assert [event for _, event in world.told] == ["opened", "closed", "opened"]
    assert [row.closed for row in world.rows(Incident)] == [hour(0).end, None]


def test_nobody_is_told_that_an_incident_is_closed_of_which_nobody_heard(world: World) -> None:
    world.judge(0, "violations", tells=False)
    close(world.endpoint, 1, "Ann", iso(NOW))
    assert world.told == []


def test_what_was_closed_counts_no_more_towards_m_of_n(tmp_path: Path) -> None:
    world = World(
        tmp_path, ENDPOINT.replace("name: a, monitor: data_quality", f"name: a, monitor: data_quality, {M_OF_N}")
    )
    world.judge(0, "violations")
    world.judge(1, "violations")
    close(world.endpoint, 1, "Ann", iso(NOW))
    world.judge(2, "violations")
    assert len(world.rows(Incident)) == 1, "one bad window of the last three"
    world.judge(3, "violations")
    assert len(world.rows(Incident)) == 2


def test_closing_what_is_closed_or_unknown_says_so_and_keeps_nothing(world: World) -> None:
    world.judge(0, "violations")
    close(world.endpoint, 1, "Ann", iso(NOW))
    kept = sorted(world.folder.rglob("*-close-*.json"))
    for number, words in ((1, "is closed already"), (7, "no such incident")):
        with pytest.raises(ConfigError, match=words):
            close(world.endpoint, number, "Ann", iso(NOW))
    assert sorted(world.folder.rglob("*-close-*.json")) == kept and len(kept) == 1


def test_an_incident_of_two_schedules_closes_for_both(world: World) -> None:
    world.judge(0, "violations")
    world.judge(0, "violations", schedule="b")
    world.judge(1, "violations", schedule="b")
    close(world.endpoint, 1, "Ann", iso(NOW))
    world.judge(1)
    (row,) = world.rows(Incident)
    assert row.closed == hour(1).end


def test_a_history_that_is_rebuilt_knows_who_closed_an_incident(tmp_path: Path) -> None:
    for number in range(3):
        write(execution_of(tmp_path, number))
        jobs.alert(execution_of(tmp_path, number))
        if number == 1:
            close(execution_of(tmp_path).endpoint, 1, "Ann", iso(NOW), "known")
    endpoint = execution_of(tmp_path).endpoint
    before = content(endpoint, Incident)
    assert [row["closed"] is None for row in before] == [False, True]
    history = History.of(endpoint)
    assert history is not None
    with history.engine.begin() as connection:
        for table in reversed(Table.metadata.sorted_tables):
            connection.execute(table.delete())
    assert rebuild_alerts(history, endpoint) == 2
    assert content(endpoint, Incident) == before
    (step,) = [step for step in content(endpoint, Transition) if step["kind"] == "closed"]
    assert (step["made_by"], step["at"]) == ("Ann", NOW)


def test_the_command_closes(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    file = str(world.folder / "churn.yaml")
    world.judge(0, "violations")
    assert main(["alerts", "close", file, "--incident", "1", "--by", "Ann", "--why", "known"]) == 0
    assert capsys.readouterr().out == "#1 closed\n"
    assert main(["alerts", "close", file, "--incident", "1", "--by", "Ann"]) == 1
