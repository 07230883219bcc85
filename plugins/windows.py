"""Which window does this run judge?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow.sdk import timezone
from airflow.sdk.exceptions import AirflowFailException

from model_monitor.core.window import Window

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
