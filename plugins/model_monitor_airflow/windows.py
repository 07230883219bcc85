"""Which window does this run judge, and what had come by when?"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from airflow.sdk import timezone
from airflow.sdk.exceptions import AirflowFailException

from model_monitor.core.window import Window, moment

if TYPE_CHECKING:
    from airflow.sdk import Context


def window_of(context: Context) -> Window:
    """The window a person asked for, else the run's data interval, else the last complete one before the run.

    Raises AirflowFailException where no retry would find one.
    """
    start, end = context["params"].get("window_start"), context["params"].get("window_end")
    return asked_for(start, end) if start or end else scheduled_for(context)


def asked_for(start: str | None, end: str | None) -> Window:
    """The window that a trigger form gives: both its times, in their order."""
    if not (start and end):
        given, missing = ("window_start", "window_end") if start else ("window_end", "window_start")
        raise AirflowFailException(f"{given} is given without {missing}; give both or neither")
    try:
        return Window.of(start, end)
    except ValueError as error:
        raise AirflowFailException(f"window_start {start} and window_end {end}: {error}") from error


def scheduled_for(context: Context) -> Window:
    """The window of the schedule; a run without a logical date carries none, so its timetable is asked for the last."""
    dag = context["dag"]
    if not dag.timetable.can_be_scheduled:
        raise AirflowFailException(f"'{dag.dag_id}' only runs by hand; give window_start and window_end")
    start, end = context.get("data_interval_start"), context.get("data_interval_end")
    if not (start and end):
        run_after = timezone.coerce_datetime(context["dag_run"].run_after)
        start, end = dag.timetable.infer_manual_data_interval(run_after=run_after)
    return Window.of(start.isoformat(), end.isoformat())


def labels_until(context: Context) -> datetime | None:
    """The moment before which labels must have been collected to count; None if all that have come do."""
    return moment_asked_for(context, "labels_until")


def now_of(context: Context) -> datetime:
    """The moment that a run is to take for the present: as asked for, or the end of its data interval, never a clock's.

    A run without a logical date has no interval; it takes the moment from which it was allowed to start.
    """
    asked = moment_asked_for(context, "now")
    return asked or context.get("data_interval_end") or context["dag_run"].run_after


def moment_asked_for(context: Context, name: str) -> datetime | None:
    """A moment that a trigger form gives, None if it doesn't. Raises AirflowFailException for a text that is none."""
    try:
        return moment(text) if (text := context["params"].get(name)) else None
    except ValueError as error:
        raise AirflowFailException(f"{name} {text}: {error}") from error
