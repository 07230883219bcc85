"""When is a window complete, and which span of event time is it?"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from airflow.models.dag import DagModel
from airflow.plugins_manager import AirflowPlugin
from airflow.sdk import timezone
from airflow.timetables.base import DagRunInfo, DataInterval, TimeRestriction
from airflow.timetables.interval import CronDataIntervalTimetable
from pendulum import DateTime


class WindowRun(DagRunInfo):
    """A run whose logical date is the tick before its window's end, however far back its window reaches.

    So every tick has a logical date of its own that stays when a schedule's ``window`` is changed. Were it the window's
    start, a longer window would meet the dates of earlier runs, and the scheduler would skip it until it is past them.
    """

    previous_tick: DateTime

    @property
    def logical_date(self) -> DateTime:
        return self.previous_tick


class WindowTimetable(CronDataIntervalTimetable):
    """Judges ``[previous tick, tick)``, or ``[tick - window, tick)``, once its last captures had ``delay`` to arrive.

    A scheduled run starts at ``tick + delay``. A manual run judges the last window whose scheduled run would have
    started by its logical date. A backfill from A to B judges, once each, the windows whose previous tick is in
    ``[A, B]``, both inclusive, and whose tick has passed. No window reaches beyond ``latest``, if that is set; a DAG's
    ``end_date`` would also keep people from judging earlier windows by hand after it. Ticks are in UTC.

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
    ) -> None:
        super().__init__(cron, timezone="UTC")
        self.window = window
        self.delay = delay
        self.latest = timezone.coerce_datetime(latest)
        self.description += f"; judges {window or 'the time since the tick before'}, {delay} after its end (UTC)"

    @classmethod
    def deserialize(cls, data: dict[str, Any]) -> WindowTimetable:
        window, latest = data["window"], data["latest"]
        return cls(
            data["cron"],
            window and timedelta(seconds=window),
            timedelta(seconds=data["delay"]),
            latest and datetime.fromisoformat(latest),
        )

    def serialize(self) -> dict[str, Any]:
        return {
            "cron": self._expression,
            "window": self.window and self.window.total_seconds(),
            "delay": self.delay.total_seconds(),
            "latest": self.latest and self.latest.isoformat(),
        }

    def run_at(self, tick: DateTime) -> WindowRun:
        """The run that judges the window ending at a tick."""
        previous = self._get_prev(tick)
        start = tick - self.window if self.window else previous
        run = WindowRun(run_after=tick + self.delay, data_interval=DataInterval(start, tick))
        run.previous_tick = previous
        return run

    def next_dagrun_info(
        self, *, last_automated_data_interval: DataInterval | None, restriction: TimeRestriction
    ) -> WindowRun | None:
        last = last_automated_data_interval
        info = super().next_dagrun_info(
            last_automated_data_interval=last and DataInterval(self._get_prev(last.end), last.end),
            restriction=restriction,
        )
        if info is None or (self.latest and info.data_interval.end > self.latest):
            return None
        return self.run_at(info.data_interval.end)

    def next_run_info_from_dag_model(self, *, dag_model: DagModel) -> WindowRun | None:
        info = super().next_run_info_from_dag_model(dag_model=dag_model)
        return info and self.run_at(info.data_interval.end)

    def infer_manual_data_interval(self, *, run_after: DateTime) -> DataInterval:
        complete = run_after - self.delay
        return self.run_at(self._align_to_prev(min(complete, self.latest or complete))).data_interval

    def _skip_to_latest(self, earliest: DateTime | None) -> DateTime:
        """Without catchup: the previous tick of the last window whose run may start now."""
        start = self._get_prev(self._align_to_prev(timezone.coerce_datetime(timezone.utcnow()) - self.delay))
        return start if earliest is None else max(start, self._align_to_next(earliest))


class ModelMonitorTimetables(AirflowPlugin):
    """Lets Airflow's scheduler read the timetable from a serialised DAG."""

    name = "model_monitor_timetables"
    timetables = (WindowTimetable,)
