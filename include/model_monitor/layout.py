"""Where is each thing below an endpoint's output folder?

Reports are where the original puts them: ``{endpoint}/{schedule}/yyyy/mm/dd/HH``, by the hour of the run. What it has
no place for starts with an underscore, which no endpoint's name does.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from model_monitor import store
from model_monitor.config import Endpoint, Schedule
from model_monitor.core.window import Window, floor_hour
from model_monitor.cron import period_before, previous

COLLECTED = "collected.json"
STATE = "state.mms"
PUBLISHED = "published.json"


def hour_path(hour: datetime) -> str:
    return hour.strftime("%Y/%m/%d/%H")


def capture_folder(endpoint: Endpoint, hour: datetime) -> str:
    """The folder of the files whose first request came in an hour."""
    return store.join(endpoint.capture.uri, endpoint.endpoint, endpoint.variant, hour_path(hour))


def rows(endpoint: Endpoint, schedule: Schedule, hour: datetime) -> str:
    """The rows of an hour: shared by all schedules on the endpoint, but those whose script makes rows of its own."""
    if schedule.preprocess:
        return store.join(
            endpoint.output, "_scripted", endpoint.endpoint, schedule.name, hour_path(hour), "rows.parquet"
        )
    return store.join(endpoint.output, "_rows", endpoint.endpoint, endpoint.variant, hour_path(hour), "rows.parquet")


def run_path(schedule: Schedule, window: Window) -> str:
    """A run's place below its schedule: the hour at which its window ends.

    Two kinds of runs that the original does not have go further down, so that no run overwrites another's files: one
    that does not end on the hour, and one by hand over a window that is not the schedule's own.
    """
    path = hour_path(window.end)
    if window.end != floor_hour(window.end):
        path += window.end.strftime("/%M") + (window.end.strftime("-%S") if window.end.second else "")
    return path if is_own(schedule, window) else f"{path}/since-{window.start.strftime('%Y-%m-%dT%H-%M-%S')}"


def is_own(schedule: Schedule, window: Window) -> bool:
    """Whether a window is one that the schedule's own runs have."""
    if (cron := schedule.timetable) is None:
        return schedule.window == window.length
    tick = previous(cron, window.end + timedelta(seconds=1))
    return tick == window.end and window.length == (schedule.window or period_before(cron, window.end))


def state_folder(endpoint: Endpoint, schedule: Schedule, window: Window) -> str:
    return store.join(endpoint.output, "_states", endpoint.endpoint, schedule.name, run_path(schedule, window))


def report(endpoint: Endpoint, schedule: Schedule, window: Window) -> str:
    return store.join(endpoint.output, endpoint.endpoint, schedule.name, run_path(schedule, window))


def observed(endpoint: Endpoint, schedule: Schedule, version: str) -> str:
    """The folder of a baseline's State and of what was found in its dataset."""
    return store.join(baselines(endpoint, schedule), "observed", version)


def baselines(endpoint: Endpoint, schedule: Schedule) -> str:
    return store.join(endpoint.output, "_baselines", endpoint.endpoint, schedule.name)
