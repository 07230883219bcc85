"""Where is each thing below an endpoint's output folder?

Reports are where the original puts them: ``{endpoint}/{schedule}/yyyy/mm/dd/HH``, by the hour of the run; of batch
transform ``{schedule}/yyyy/mm/dd/HH``. What it has no place for starts with an underscore, which no endpoint's name
does.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from model_monitor import store
from model_monitor.config import Endpoint, Schedule
from model_monitor.config.cron import period_before, previous
from model_monitor.core.window import Window, floor_hour

COLLECTED = "collected.json"
MERGED = "merged.json"
EXPLAINED = "explained.json"
STATE = "state.mms"
EVIDENCE = "evidence.json"  # which rows and labels the State was made from
PUBLISHED = "published.json"


def hour_path(hour: datetime) -> str:
    return hour.strftime("%Y/%m/%d/%H")


def rows(endpoint: Endpoint, schedule: Schedule, hour: datetime) -> str:
    """The rows of an hour: shared by all schedules on the endpoint, but those whose script, or whose paths into JSON,
    make rows of their own."""
    if schedule.preprocess or schedule.paths:
        return store.join(endpoint.output, "_own", endpoint.endpoint, schedule.name, hour_path(hour), "rows.parquet")
    return store.join(endpoint.output, "_rows", endpoint.endpoint, endpoint.variant, hour_path(hour), "rows.parquet")


def merged(endpoint: Endpoint, schedule: Schedule, hour: datetime) -> str:
    """The rows of an hour with their labels."""
    return store.join(endpoint.output, "_merged", endpoint.endpoint, schedule.name, hour_path(hour), "rows.parquet")


def explained(endpoint: Endpoint, schedule: Schedule, window: Window) -> str:
    """The attributions of a window's explained rows."""
    return store.join(
        endpoint.output, "_explained", endpoint.endpoint, schedule.name, run_path(schedule, window), "rows.parquet"
    )


def merged_records(endpoint: Endpoint, schedule: Schedule, hour: datetime) -> str:
    """The folder of an hour's captured records that have a label, as the original leaves them."""
    if not endpoint.source.names_endpoint:
        return store.join(endpoint.output, "merge", schedule.name, hour_path(hour))
    return store.join(endpoint.output, "merge", endpoint.endpoint, endpoint.variant, hour_path(hour))


def awaiting(endpoint: Endpoint, schedule: Schedule) -> str:
    """The folder that tells of windows whose labels are not final."""
    return store.join(endpoint.output, "_awaiting", endpoint.endpoint, schedule.name)


def as_of(endpoint: Endpoint, schedule: Schedule, window: Window) -> str:
    """The folder of all that was ever reported of a window, each by how far its labels had come."""
    return store.join(endpoint.output, "_as_of", endpoint.endpoint, schedule.name, run_path(schedule, window))


def run_path(schedule: Schedule, window: Window) -> str:
    """A run's place below its schedule: the hour of its tick, which is that at which its window ends, or later if an
    offset has it wait for labels.

    Two kinds of runs that the original does not have go further down, so that no run overwrites another's files: one
    that does not end on the hour, and one by hand over a window that is not the schedule's own.
    """
    tick = window.end + schedule.lag
    path = hour_path(tick)
    if tick != floor_hour(tick):
        path += tick.strftime("/%M") + (tick.strftime("-%S") if tick.second else "")
    return path if is_own(schedule, window) else f"{path}/since-{window.start.strftime('%Y-%m-%dT%H-%M-%S')}"


def is_own(schedule: Schedule, window: Window) -> bool:
    """Whether a window is one that the schedule's own runs have."""
    if (cron := schedule.timetable) is None:
        return schedule.length == window.length
    tick = window.end + schedule.lag
    return previous(cron, tick + timedelta(seconds=1)) == tick and window.length == (
        schedule.length or period_before(cron, tick)
    )


def state_folder(endpoint: Endpoint, schedule: Schedule, window: Window) -> str:
    return store.join(endpoint.output, "_states", endpoint.endpoint, schedule.name, run_path(schedule, window))


def report(endpoint: Endpoint, schedule: Schedule, window: Window) -> str:
    if not endpoint.source.names_endpoint:
        return store.join(endpoint.output, schedule.name, run_path(schedule, window))
    return store.join(endpoint.output, endpoint.endpoint, schedule.name, run_path(schedule, window))


def observed(endpoint: Endpoint, schedule: Schedule, version: str) -> str:
    """The folder of a baseline's State and of what was found in its dataset."""
    return store.join(baselines(endpoint, schedule), "observed", version)


def baselines(endpoint: Endpoint, schedule: Schedule) -> str:
    return store.join(endpoint.output, "_baselines", endpoint.endpoint, schedule.name)
