"""When does a schedule judge which window?"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from airflow.models.dag import DagModel
from airflow.models.dagrun import DagRun
from airflow.sdk import timezone
from airflow.timetables.base import DagRunInfo, DataInterval, TimeRestriction
from airflow.timetables.interval import CronDataIntervalTimetable
from pendulum import DateTime


class WindowRun(DagRunInfo):
    """A run whose logical date is the tick before its own, however far back its window reaches.

    So every tick has its own logical date, which does not change with a schedule's ``window`` or ``lag``. If it were
    the window's start, a longer window would repeat the dates of earlier runs, and the scheduler would skip those.
    """

    previous_tick: DateTime | None

    @property
    def logical_date(self) -> DateTime | None:
        return self.previous_tick


class WindowTimetable(CronDataIntervalTimetable):
    """Judges ``[previous tick, tick)``, or ``[tick - window, tick)``, at ``tick + delay``. Ticks are in UTC.

    * The ``delay`` gives the window's last captures time to arrive.
    * With a ``lag``, the window ends that long before the tick, so that its labels have time to arrive.
    * A manual run judges the last window whose scheduled run would have started by its logical date.
    * A backfill from A to B judges the windows whose previous tick is in ``[A, B]``, both inclusive, once each.
      A window that has not ended yet waits for its tick.
    * No window ends after ``latest``, if that is set. A DAG's ``end_date`` would do that too, but after that date
      nobody could judge earlier windows by hand.

    >>> hourly = WindowTimetable("0 * * * *", delay=timedelta(minutes=5))
    >>> from pendulum import datetime as at
    >>> [f"{time:%H:%M}" for time in hourly.infer_manual_data_interval(run_after=at(2026, 1, 1, 4, 5))]
    ['03:00', '04:00']
    >>> [f"{time:%H:%M}" for time in hourly.infer_manual_data_interval(run_after=at(2026, 1, 1, 4, 4))]
    ['02:00', '03:00']
    """

    def __init__(
        self,
        cron: str,
        window: timedelta | None = None,
        delay: timedelta = timedelta(minutes=5),
        latest: datetime | None = None,
        lag: timedelta = timedelta(0),
    ) -> None:
        super().__init__(cron, timezone="UTC")
        self.window = window
        self.delay = delay
        self.latest = timezone.coerce_datetime(latest)
        self.lag = lag
        ago = f" that ended {lag} before" if lag else ""
        self.description += f"; judges {window or 'the time since the tick before'}{ago}, {delay} after its end (UTC)"

    @classmethod
    def deserialize(cls, data: dict[str, Any]) -> WindowTimetable:
        window, latest = data["window"], data["latest"]
        return cls(
            data["cron"],
            window and timedelta(seconds=window),
            timedelta(seconds=data["delay"]),
            latest and datetime.fromisoformat(latest),
            timedelta(seconds=data.get("lag", 0)),  # a timetable in the database may be older than ``lag``
        )

    def serialize(self) -> dict[str, Any]:
        return {
            "cron": self._expression,
            "window": self.window and self.window.total_seconds(),
            "delay": self.delay.total_seconds(),
            "latest": self.latest and self.latest.isoformat(),
            "lag": self.lag.total_seconds(),
        }

    def window_at(self, tick: DateTime) -> DataInterval:
        """The window that the run of a tick judges."""
        end = tick - self.lag
        return DataInterval(end - self.window if self.window else self._get_prev(tick) - self.lag, end)

    def run_at(self, tick: DateTime) -> WindowRun:
        """The run of a tick."""
        run = WindowRun(tick + self.delay, self.window_at(tick), None, None)  # 3.2 wants the partition named, too
        run.previous_tick = self._get_prev(tick)
        return run

    def next_dagrun_info_v2(
        self, *, last_dagrun_info: DagRunInfo | None, restriction: TimeRestriction
    ) -> WindowRun | None:
        """The run after a ``WindowRun``.

        The last run's logical date gives its tick, even if ``window``, ``lag`` or ``delay`` have changed since. If
        ``cron`` has changed, its window may end after the tick that now follows that date.
        """
        last = None
        if last_dagrun_info and last_dagrun_info.logical_date and last_dagrun_info.data_interval:
            previous = last_dagrun_info.logical_date
            last = DataInterval(previous, max(self._get_next(previous), last_dagrun_info.data_interval.end))
        info = super().next_dagrun_info(last_automated_data_interval=last, restriction=restriction)
        if info is None or info.data_interval is None:
            return None
        tick = info.data_interval.end
        return None if self.latest and self.window_at(tick).end > self.latest else self.run_at(tick)

    def next_dagrun_info(
        self, *, last_automated_data_interval: DataInterval | None, restriction: TimeRestriction
    ) -> WindowRun | None:
        """The run after the one that judged a window, if ``window`` and ``lag`` have not changed since."""
        last = last_automated_data_interval
        return self.next_dagrun_info_v2(
            last_dagrun_info=last and self.run_at(last.end + self.lag), restriction=restriction
        )

    def next_run_info_from_dag_model(self, *, dag_model: DagModel) -> WindowRun | None:
        previous = timezone.coerce_datetime(dag_model.next_dagrun)
        return self.run_at(self._get_next(previous)) if previous else None

    def run_info_from_dag_run(self, *, dag_run: DagRun) -> WindowRun:
        run = WindowRun(*super().run_info_from_dag_run(dag_run=dag_run))
        run.previous_tick = timezone.coerce_datetime(dag_run.logical_date)
        return run

    def infer_manual_data_interval(self, *, run_after: DateTime) -> DataInterval:
        complete = run_after - self.delay
        tick = min(complete, self.latest + self.lag) if self.latest else complete
        return self.window_at(self._align_to_prev(tick))

    def _skip_to_latest(self, earliest: DateTime | None) -> DateTime:
        """Without catchup: the previous tick of the last window whose run may start now."""
        start = self._get_prev(self._align_to_prev(timezone.coerce_datetime(timezone.utcnow()) - self.delay))
        return start if earliest is None else max(start, self._align_to_next(earliest))


class UpcomingTimetable(WindowTimetable):
    """The same without looking back: a DAG that is unpaused waits for its next tick.

    Airflow's trigger form unpauses a DAG by default, and Airflow would then run the last tick at once. Only within
    ``GRACE`` of a tick does its run start, since the scheduler may be late; if the tick before had no run, the DAG was
    paused, and it is ``SHORT_GRACE``.
    """

    GRACE = timedelta(hours=1)
    SHORT_GRACE = timedelta(minutes=1)

    def next_dagrun_info_v2(
        self, *, last_dagrun_info: DagRunInfo | None, restriction: TimeRestriction
    ) -> WindowRun | None:
        run = super().next_dagrun_info_v2(last_dagrun_info=last_dagrun_info, restriction=restriction)
        if run is None or run.previous_tick is None:
            return run
        last = last_dagrun_info and timezone.coerce_datetime(last_dagrun_info.logical_date)
        was_running = last is not None and self._get_next(last) == run.previous_tick
        is_late = timezone.coerce_datetime(timezone.utcnow()) - run.run_after > self.SHORT_GRACE
        tick = self._get_next(run.previous_tick)
        return self.run_at(self._get_next(tick)) if is_late and not was_running else run

    def _skip_to_latest(self, earliest: DateTime | None) -> DateTime:
        now = timezone.coerce_datetime(timezone.utcnow())
        last = self._align_to_prev(now)
        start = self._get_prev(last) if now - last < self.GRACE else last
        return start if earliest is None else max(start, self._align_to_next(earliest))
