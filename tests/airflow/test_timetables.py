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

from timetables import WindowTimetable
from windows import window_of

DAY = pendulum.datetime(2026, 3, 29)  # clocks change in Europe; UTC does not care
HOUR = timedelta(hours=1)


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


@pytest.mark.parametrize(("now", "end"), [(at(4, 4), 3), (at(4, 5), 4), (at(5, 4), 4)], ids=["early", "just", "late"])
def test_a_manual_run_judges_the_last_window_whose_own_run_could_have_started(now: Any, end: int) -> None:
    assert WindowTimetable("0 * * * *").infer_manual_data_interval(run_after=now) == DataInterval(at(end - 1), at(end))


def test_a_retired_schedule_ends_with_its_last_window_and_can_still_be_run_by_hand() -> None:
    timetable = WindowTimetable.deserialize(WindowTimetable("0 * * * *", latest=at(3)).serialize())
    assert [run.data_interval.end for run in runs(timetable, 9, catchup=True)] == [at(1), at(2), at(3)]
    assert runs(timetable, 9, catchup=False) == []
    assert timetable.infer_manual_data_interval(run_after=at(50)) == DataInterval(at(2), at(3))


def test_a_timetable_survives_the_database(dag_bag: Any) -> None:
    stored = DagSerialization.deserialize_dag(DagSerialization.serialize_dag(dag_bag.dags["shop-rolling"])).timetable
    assert stored.serialize() == {"cron": "0 * * * *", "window": 86400.0, "delay": 300.0, "latest": None}


def test_a_backfill_has_each_window_once_and_both_ends(dag_bag: Any) -> None:
    for name in ("shop-hourly", "shop-rolling"):
        stored = DagSerialization.deserialize_dag(DagSerialization.serialize_dag(dag_bag.dags[name]))
        made = list(stored.iter_dagrun_infos_between(at(0), at(23)))
        assert [run.data_interval.end for run in made] == [at(hour) for hour in range(1, 25)]
        assert len({run.logical_date for run in made}) == 24


def context(timetable: Any = None, **values: Any) -> Any:
    dag = SimpleNamespace(dag_id="shop-hourly", timetable=timetable or WindowTimetable("0 * * * *"))
    return {"params": {}, "dag": dag, **values}


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
