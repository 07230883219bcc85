"""Which window does this run judge, by which labels, which moment is its present, and may it tell people?"""

from __future__ import annotations

import logging
from datetime import datetime
from typing import TYPE_CHECKING, cast

from airflow.sdk import timezone
from airflow.sdk.exceptions import AirflowFailException
from airflow.timetables.base import Timetable

from model_monitor.core.window import Window, moment
from model_monitor_airflow.dag_settings import LATE_LABELS

log = logging.getLogger(__name__)

if TYPE_CHECKING:
    from airflow.sdk import Context

    from model_monitor.config.execution import Execution
    from model_monitor.jobs.alert import Tells


def window_of(context: Context) -> Window:
    """The window of the trigger form, else the run's data interval, else the last complete window before the run.

    The form of a backfill has the same fields, but its runs share what is written there: each judges its own window.

    Raises AirflowFailException, which Airflow does not retry, if there is none.
    """
    start, end = context["params"].get("window_start"), context["params"].get("window_end")
    if start or end:
        if context["dag_run"].run_type != "backfill":
            return window_from_form(start, end)
        log.warning("window_start and window_end of a backfill's form are for no run; each judges its own window")
    return scheduled_window(context)


def window_from_form(start: str | None, end: str | None) -> Window:
    """The window of the trigger form, which must give both of its times, in order."""
    if not (start and end):
        present, missing = ("window_start", "window_end") if start else ("window_end", "window_start")
        raise AirflowFailException(f"{present} is given without {missing}; give both or neither")
    try:
        return Window.of(start, end)
    except ValueError as error:
        raise AirflowFailException(f"window_start {start} and window_end {end}: {error}") from error


def scheduled_window(context: Context) -> Window:
    """The run's data interval; a run without a logical date has none, so it gets the timetable's last window."""
    dag = context["dag"]
    if not dag.timetable.can_be_scheduled:
        raise AirflowFailException(f"'{dag.dag_id}' only runs by hand; give window_start and window_end")
    start, end = context.get("data_interval_start"), context.get("data_interval_end")
    if not (start and end):
        run_after = timezone.coerce_datetime(context["dag_run"].run_after)
        start, end = cast(Timetable, dag.timetable).infer_manual_data_interval(run_after=run_after)
    return Window.of(start.isoformat(), end.isoformat())


def labels_until(context: Context) -> datetime | None:
    """Only labels collected before this moment count; None if all labels do."""
    return moment_from_form(context, "labels_until")


def now_of(context: Context) -> datetime:
    """The run's present: the moment of the trigger form, else the end of the run's data interval; never a clock's.

    A run without a logical date has no interval; its present is the moment from which it may start.
    """
    present = moment_from_form(context, "now")
    return present or context.get("data_interval_end") or context["dag_run"].run_after


def moment_from_form(context: Context, name: str) -> datetime | None:
    """A moment of the trigger form, None if it is empty. Raises AirflowFailException if the text is no moment."""
    try:
        return moment(text) if (text := context["params"].get(name)) else None
    except ValueError as error:
        raise AirflowFailException(f"{name} {text}: {error}") from error


def tells_of(context: Context, execution: Execution) -> Tells:
    """Whether people may be told of what this run finds.

    A scheduled run tells; once it was cleared, only of its schedule's newest window, as does a run by hand. A run for
    late labels tells where their verdict is final. Backfills and runs by hand over the past tell nobody, unless the
    form says ``tell``.
    """
    run = context["dag_run"]
    if context["params"].get("tell"):
        return "always"
    if run.run_type == "scheduled":
        return "if newest" if run.clear_number else "always"
    if run.run_id.startswith(f"{LATE_LABELS}__"):
        return "if final"
    if run.run_type == "backfill":
        return "never"
    schedule, window = execution.schedule, execution.window
    next_end = window.end + window.length + schedule.lag + schedule.delay
    return "if newest" if run.run_after <= next_end else "never"
