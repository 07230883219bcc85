"""Which windows does a schedule have, and when?"""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pendulum
import pytest
from airflow.sdk import timezone
from airflow.sdk.exceptions import AirflowFailException
from airflow.serialization.serialized_objects import DagSerialization
from airflow.timetables.base import DataInterval, TimeRestriction

from model_monitor_airflow.timetables import WindowTimetable
from model_monitor_airflow.windows import labels_until, now_of, window_of

DAY = pendulum.datetime(2026, 3, 29)  # clocks change in Europe; UTC does not care
HOUR = timedelta(hours=1)


# Length and lag: the week that ended a day ago, an hour of a day ago, the last hour.
OFFSETS = [(timedelta(days=7), timedelta(days=1)), (HOUR, timedelta(days=1)), (HOUR, timedelta(0))]


def at(hour: int, minute: int = 0) -> Any:
    return DAY + timedelta(hours=hour, minutes=minute)


def runs(timetable: WindowTimetable, count: int, catchup: bool, earliest: Any = DAY, latest: Any = None) -> list[Any]:
    """The first runs that a scheduler would make, one after the other."""
    found: list[Any] = []
    restriction = TimeRestriction(earliest, latest, catchup)
    while len(found) < count:
        run = timetable.next_dagrun_info_v2(last_dagrun_info=found[-1] if found else None, restriction=restriction)
        if run is None:
            break
        found.append(run)
    return found


def test_an_hourly_run_at_four_judges_three_to_four_and_starts_when_late_captures_are_in() -> None:
    run = runs(WindowTimetable("0 * * * *"), 4, catchup=True)[3]
    assert run.data_interval == (at(3), at(4))
    assert run.run_after == at(4, 5)
    assert run.logical_date == at(3)


def test_with_catchup_windows_follow_without_gap_or_overlap() -> None:
    made = runs(WindowTimetable("0 * * * *"), 24, catchup=True)
    assert [run.data_interval for run in made] == [(at(hour), at(hour + 1)) for hour in range(24)]


@pytest.mark.parametrize("delay", [timedelta(0), timedelta(minutes=5), timedelta(hours=3)], ids=str)
def test_without_catchup_the_first_run_is_the_latest_that_may_start_now(
    delay: timedelta, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(timezone, "utcnow", lambda: at(10, 4))
    first, second = runs(WindowTimetable("0 * * * *", delay=delay), 2, catchup=False)
    assert first.run_after <= at(10, 4) < second.run_after
    assert second.data_interval.start == first.data_interval.end


def test_a_window_longer_than_its_period_rolls_and_keeps_a_logical_date_per_tick() -> None:
    made = runs(WindowTimetable("0 * * * *", window=24 * HOUR), 3, catchup=True)
    assert [run.data_interval for run in made] == [(at(hour + 1 - 24), at(hour + 1)) for hour in range(3)]
    assert [run.logical_date for run in made] == [at(0), at(1), at(2)]


def test_a_changed_window_length_goes_on_where_the_schedule_was() -> None:
    before = runs(WindowTimetable("0 * * * *"), 30, catchup=True)
    after = WindowTimetable("0 * * * *", window=24 * HOUR).next_dagrun_info(
        last_automated_data_interval=before[-1].data_interval, restriction=TimeRestriction(DAY, None, True)
    )
    assert after.data_interval == (at(7), at(31))
    assert after.logical_date not in {run.logical_date for run in before}


def test_ticks_that_are_not_evenly_spaced_leave_nothing_out() -> None:
    made = runs(WindowTimetable("0 5,17 * * *"), 4, catchup=True)
    assert [run.data_interval for run in made] == [(at(5 + 12 * i), at(17 + 12 * i)) for i in range(4)]


def test_offsets_count_from_the_tick_as_in_sagemakers_example() -> None:
    timetable = WindowTimetable("0 * * * *", window=timedelta(days=7), lag=timedelta(days=1))
    tick = pendulum.datetime(2020, 1, 9, 13)
    run = timetable.run_at(tick)
    assert run.data_interval == (pendulum.datetime(2020, 1, 1, 13), pendulum.datetime(2020, 1, 8, 13))
    assert run.run_after == tick + timedelta(minutes=5)
    assert timetable.infer_manual_data_interval(run_after=run.run_after) == run.data_interval


@pytest.mark.parametrize(("window", "lag"), OFFSETS, ids=str)
def test_with_a_lag_each_tick_still_has_one_run_with_a_logical_date_of_its_own(
    window: timedelta, lag: timedelta
) -> None:
    made = runs(WindowTimetable("0 * * * *", window=window, lag=lag), 30, catchup=True)
    assert [run.data_interval.end for run in made] == [at(hour + 1) - lag for hour in range(30)]
    assert all(run.data_interval.end - run.data_interval.start == window for run in made)
    assert [run.run_after for run in made] == [at(hour + 1, 5) for hour in range(30)]
    assert [run.logical_date for run in made] == [at(hour) for hour in range(30)]


@pytest.mark.parametrize(("window", "lag"), OFFSETS, ids=str)
def test_with_a_lag_the_first_run_without_catchup_is_the_latest_that_may_start_now(
    window: timedelta, lag: timedelta, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(timezone, "utcnow", lambda: at(10, 4))
    first, second = runs(WindowTimetable("0 * * * *", window=window, lag=lag), 2, catchup=False)
    assert first.run_after <= at(10, 4) < second.run_after
    assert second.data_interval.end == first.data_interval.end + HOUR


@pytest.mark.parametrize("now", [lag for _, lag in OFFSETS], ids=str)
@pytest.mark.parametrize("before", [lag for _, lag in OFFSETS], ids=str)
def test_a_changed_lag_goes_on_with_the_next_tick(before: timedelta, now: timedelta) -> None:
    last = runs(WindowTimetable("0 * * * *", window=HOUR, lag=before), 30, catchup=True)[-1]
    stored = SimpleNamespace(
        logical_date=last.logical_date,
        run_after=last.run_after,
        data_interval_start=last.data_interval.start,
        data_interval_end=last.data_interval.end,
        partition_date=None,
        partition_key=None,
    )
    changed = WindowTimetable("0 * * * *", window=HOUR, lag=now)
    found = changed.next_dagrun_info_v2(
        last_dagrun_info=changed.run_info_from_dag_run(dag_run=stored), restriction=TimeRestriction(DAY, None, True)
    )
    assert found.logical_date == last.logical_date + HOUR
    assert found.run_after == last.run_after + HOUR


def test_a_finer_cron_judges_nothing_again() -> None:
    last = runs(WindowTimetable("0 0 * * *"), 2, catchup=True)[-1]
    after = WindowTimetable("0 * * * *").next_dagrun_info_v2(
        last_dagrun_info=last, restriction=TimeRestriction(DAY, None, True)
    )
    assert after.data_interval.start == last.data_interval.end


def test_what_the_scheduler_noted_of_the_next_run_is_that_run() -> None:
    timetable = WindowTimetable("0 * * * *", window=2 * HOUR, lag=timedelta(days=1))
    run = runs(timetable, 1, catchup=True)[0]
    assert timetable.next_run_info_from_dag_model(dag_model=SimpleNamespace(next_dagrun=run.logical_date)) == run
    assert timetable.next_run_info_from_dag_model(dag_model=SimpleNamespace(next_dagrun=None)) is None


@pytest.mark.parametrize(("now", "end"), [(at(4, 4), 3), (at(4, 5), 4), (at(5, 4), 4)], ids=["early", "just", "late"])
def test_a_manual_run_judges_the_last_window_whose_own_run_could_have_started(now: Any, end: int) -> None:
    assert WindowTimetable("0 * * * *").infer_manual_data_interval(run_after=now) == DataInterval(at(end - 1), at(end))


def test_a_retired_schedule_ends_with_its_last_window_and_can_still_be_run_by_hand() -> None:
    timetable = WindowTimetable.deserialize(WindowTimetable("0 * * * *", latest=at(3)).serialize())
    assert [run.data_interval.end for run in runs(timetable, 9, catchup=True)] == [at(1), at(2), at(3)]
    assert runs(timetable, 9, catchup=False) == []
    assert timetable.infer_manual_data_interval(run_after=at(50)) == DataInterval(at(2), at(3))


def test_a_retired_schedule_with_a_lag_still_judges_its_last_window_when_its_labels_are_there() -> None:
    timetable = WindowTimetable("0 * * * *", window=HOUR, latest=at(3), lag=24 * HOUR)
    made = runs(timetable, 99, catchup=True)
    assert (made[-1].data_interval.end, made[-1].run_after) == (at(3), at(27, 5))
    assert timetable.infer_manual_data_interval(run_after=at(500)) == DataInterval(at(2), at(3))


def test_a_timetable_survives_the_database(dag_bag: Any) -> None:
    for name, expected in [
        ("shop-rolling", {"cron": "0 * * * *", "window": 86400.0, "delay": 300.0, "latest": None, "lag": 0.0}),
        ("churn-waiting", {"cron": "0 * * * *", "window": 3600.0, "delay": 300.0, "latest": None, "lag": 7200.0}),
    ]:
        stored = DagSerialization.deserialize_dag(DagSerialization.serialize_dag(dag_bag.dags[name])).timetable
        assert stored.serialize() == expected


def test_a_timetable_that_was_stored_before_there_were_lags_can_be_read() -> None:
    stored = {"cron": "0 * * * *", "window": None, "delay": 300.0, "latest": None}
    assert WindowTimetable.deserialize(stored).serialize() == stored | {"lag": 0.0}


def test_a_backfill_has_each_window_once_and_both_ends(dag_bag: Any) -> None:
    for name in ("shop-hourly", "shop-rolling", "churn-waiting"):
        stored = DagSerialization.deserialize_dag(DagSerialization.serialize_dag(dag_bag.dags[name]))
        made = list(stored.iter_dagrun_infos_between(at(0), at(23)))
        assert [run.data_interval.end + stored.timetable.lag for run in made] == [at(hour) for hour in range(1, 25)]
        assert len({run.logical_date for run in made}) == 24


def context(timetable: Any = None, **values: Any) -> Any:
    dag = SimpleNamespace(dag_id="shop-hourly", timetable=timetable or WindowTimetable("0 * * * *"))
    return {"params": {}, "dag": dag, "dag_run": SimpleNamespace(run_type="manual"), **values}


def test_a_run_reads_its_data_interval() -> None:
    window = window_of(context(data_interval_start=at(3), data_interval_end=at(4)))
    assert str(window) == "2026-03-29T03:00:00Z/2026-03-29T04:00:00Z"


def test_a_window_from_the_form_wins() -> None:
    asked = {"window_start": "2026-01-01T00:00:00Z", "window_end": "2026-01-01T05:30:00+01:00"}
    window = window_of(context(params=asked, data_interval_start=at(3), data_interval_end=at(4)))
    assert str(window) == "2026-01-01T00:00:00Z/2026-01-01T04:30:00Z"


def test_a_run_without_logical_date_judges_the_last_complete_window_before_it() -> None:
    window = window_of(context(dag_run=SimpleNamespace(run_after=at(4, 4))))
    assert str(window) == "2026-03-29T02:00:00Z/2026-03-29T03:00:00Z"


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"window_start": "2026-01-01T00:00:00Z"}, "window_start is given without window_end; give both or neither"),
        ({"window_end": "2026-01-01T00:00:00Z"}, "window_end is given without window_start; give both or neither"),
        ({"window_start": "2026-01-01T01:00:00Z", "window_end": "2026-01-01T01:00:00Z"}, "must end after it starts"),
    ],
    ids=["no end", "no start", "empty"],
)
def test_a_form_that_is_no_window_fails_for_good(params: dict[str, str], message: str) -> None:
    with pytest.raises(AirflowFailException, match=message):
        window_of(context(params=params))


def test_a_schedule_by_hand_only_asks_for_its_window(dag_bag: Any) -> None:
    with pytest.raises(AirflowFailException, match="give window_start and window_end"):
        window_of(context(dag_bag.dags["shop-by-hand"].timetable, dag_run=SimpleNamespace(run_after=at(4))))


def test_the_present_is_what_the_form_says_or_the_end_of_the_data_interval_and_never_a_clocks() -> None:
    run = SimpleNamespace(run_after=at(9, 5))
    interval = {"data_interval_start": at(8), "data_interval_end": at(9), "dag_run": run}
    assert now_of(context(params={"now": "2026-03-29T02:30:00+01:00"}, **interval)) == at(1, 30)
    assert now_of(context(**interval)) == at(9)
    assert now_of(context(dag_run=run)) == at(9, 5)


def test_all_labels_count_unless_the_form_says_until_when() -> None:
    assert labels_until(context()) is None
    assert labels_until(context(params={"labels_until": "2026-03-29T04:00:00Z"})) == at(4)
    with pytest.raises(AirflowFailException, match="labels_until soon: "):
        labels_until(context(params={"labels_until": "soon"}))
