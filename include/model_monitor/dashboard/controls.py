"""What can a viewer have Airflow do with a schedule? The pages' script asks Airflow's own API, as the viewer."""

from __future__ import annotations

from datetime import datetime, timedelta

from model_monitor.config import Endpoint, Schedule
from model_monitor.config.monitors import traits_of
from model_monitor.core.window import floor_hour, iso
from model_monitor.dashboard.page import Shown
from model_monitor.dashboard.visit import Visit
from model_monitor.jobs.drafts.draft import span_to_collect

BASELINE = "-baseline"  # the DAG that learns a schedule's baseline has the schedule's name and this


class Control(Shown):
    """A schedule's DAGs, and what the viewer may have Airflow do with them.

    baseline: the DAG that learns; "" if nothing is learned. collect: the window, as two ISO 8601 times, whose rows have
    to be there first; None if it learns from a dataset. since, until: the days that a backfill is proposed for.
    """

    schedule: str
    baseline: str
    is_timed: bool
    learns_from: str
    collect: tuple[str, str] | None
    since: str
    until: str
    may_edit: bool
    may_run: bool


def control_of(visit: Visit, endpoint: Endpoint, schedule: Schedule, newest: datetime | None = None) -> Control | None:
    """The controls of a schedule; None where the viewer may do nothing. newest: the start of the last judged window,
    whose day is proposed, as Airflow does not judge it again; without, it is yesterday."""
    may_edit, may_run = visit.viewer.may_edit(schedule.name), visit.viewer.may_run(schedule.name)
    if visit.links.airflow is None or not (may_edit or may_run):
        return None
    learns = traits_of(schedule.monitor).needs_baseline and schedule.baseline.dataset
    span = span_to_collect(endpoint, schedule)
    day = f"{newest or visit.now - timedelta(days=1):%Y-%m-%d}"
    return Control(
        schedule=schedule.name,
        baseline=schedule.name + BASELINE if learns else "",
        is_timed=schedule.timetable is not None,
        learns_from=schedule.baseline.dataset or "",
        collect=(iso(span.start), iso(min(span.end, floor_hour(visit.now)))) if span else None,
        since=day,
        until=day,
        may_edit=may_edit,
        may_run=may_run,
    )
