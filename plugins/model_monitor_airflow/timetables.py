"""When is a window complete, and which span of event time is it?"""

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
    """A run whose logical date is the tick before its window's end, however far back its window reaches.

    So every tick has a logical date of its own that stays when a schedule's ``window`` or ``lag`` is changed. Were it
    the window's start, a longer window would meet the dates of earlier runs, and the scheduler would skip it until it
    is past them.
    """

    previous_tick: DateTime

    @property
    def logical_date(self) -> DateTime:
        return self.previous_tick


class WindowTimetable(CronDataIntervalTimetable):
    """Judges ``[previous tick, tick)``, or ``[tick - window, tick)``, once its last captures had ``delay`` to arrive.

    A scheduled run starts at ``tick + delay``. With a ``lag``, its window ends that long before the tick, so that its
    labels are there. A manual run judges the last window whose scheduled run would have started by its logical date. A
    backfill from A to B judges, once each, the windows whose previous tick is in ``[A, B]``, both inclusive, and which
    have ended; one whose tick is still to come waits for it. No window reaches beyond ``latest``, if that is set; a
    DAG's ``end_date`` would also keep people from judging earlier windows by hand after it. Ticks are in UTC.

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
            timedelta(seconds=data.get("lag", 0)),  # a database may hold one that was written before there was any
        )

    def serialize(self) -> dict[str, Any]:
        return {
            "cron": self._expression,
            "window": self.window and self.window.total_seconds(),
            "delay": self.delay.total_seconds(),
            "latest": self.latest and self.latest.isoformat(),
            "lag": self.lag.total_seconds(),
        }

    def run_at(self, tick: DateTime) -> WindowRun:
        """The run of a tick, with the window that it judges."""
        previous, end = self._get_prev(tick), tick - self.lag
        start = end - self.window if self.window else previous - self.lag
        run = WindowRun(run_after=tick + self.delay, data_interval=DataInterval(start, end))
        run.previous_tick = previous
        return run

    def next_dagrun_info_v2(
        self, *, last_dagrun_info: DagRunInfo | None, restriction: TimeRestriction
    ) -> WindowRun | None:
        """The run after one of this class.

        A run tells its tick by its logical date, whatever has become of ``window``, ``lag`` and ``delay`` since; only
        where ``cron`` has changed, the end of its window may be later than the tick that is next to that date now.
        """
        last = last_dagrun_info and DataInterval(
            last_dagrun_info.logical_date,
            max(self._get_next(last_dagrun_info.logical_date), last_dagrun_info.data_interval.end),
        )
        info = super().next_dagrun_info(last_automated_data_interval=last, restriction=restriction)
        run = info and self.run_at(info.data_interval.end)
        return None if run and self.latest and run.data_interval.end > self.latest else run

    def next_dagrun_info(
        self, *, last_automated_data_interval: DataInterval | None, restriction: TimeRestriction
    ) -> WindowRun | None:
        """The run after the one that judged a window, of this ``window`` and ``lag``."""
        last = last_automated_data_interval
        return self.next_dagrun_info_v2(
            last_dagrun_info=last and self.run_at(last.end + self.lag), restriction=restriction
        )

    def next_run_info_from_dag_model(self, *, dag_model: DagModel) -> WindowRun | None:
        previous = timezone.coerce_datetime(dag_model.next_dagrun)
        return previous and self.run_at(self._get_next(previous))

    def run_info_from_dag_run(self, *, dag_run: DagRun) -> WindowRun:
        run = WindowRun(*super().run_info_from_dag_run(dag_run=dag_run))
        run.previous_tick = timezone.coerce_datetime(dag_run.logical_date)
        return run

    def infer_manual_data_interval(self, *, run_after: DateTime) -> DataInterval:
        complete = run_after - self.delay
        tick = min(complete, self.latest + self.lag) if self.latest else complete
        return self.run_at(self._align_to_prev(tick)).data_interval

    def _skip_to_latest(self, earliest: DateTime | None) -> DateTime:
        """Without catchup: the previous tick of the last window whose run may start now."""
        start = self._get_prev(self._align_to_prev(timezone.coerce_datetime(timezone.utcnow()) - self.delay))
        return start if earliest is None else max(start, self._align_to_next(earliest))
