"""Is ``retention_days`` long enough for what is still judged, and is all that it deletes the endpoint's own?"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import lru_cache

from model_monitor.config import cron as crons
from model_monitor.config.endpoint import Endpoint, Schedule
from model_monitor.config.neighbours import emptied, kept, overlap
from model_monitor.core.window import DAY, HOUR

SPARE = DAY  # for a run that waits its turn, or is retried
FIRST, SAMPLES, STRIDE = datetime(2020, 1, 1, tzinfo=UTC), 134, 3 * DAY  # midnights of a year and a month


def problem_of(endpoint: Endpoint) -> str | None:
    """Why ``retention_days`` deletes what a window still needs, or what is not the endpoint's; None if it doesn't."""
    days = endpoint.retention_days
    if days is None:
        return None
    for schedule in endpoint.schedules:
        need = needed(schedule, endpoint)
        if need > days * DAY:
            return (
                f"{days} deletes captures that schedule '{schedule.name}' still has to judge: its windows, their "
                f"labels and stragglers reach {need} back; set at least {-(-need // DAY)}"
            )
    if found := overlap(emptied(endpoint), kept(endpoint)):
        return f"deletes what is below {found[0].address}, and {found[1].key} is there; give it a folder of its own"
    return None


def needed(schedule: Schedule, endpoint: Endpoint) -> timedelta:
    """How far back a schedule's runs read: to the start of a window judged for the last time, and a day more."""
    cron = schedule.timetable
    length = schedule.length or (longest_period(cron) if cron else timedelta(0))
    last = schedule.lag + schedule.delay
    if schedule.ground_truth:
        last = max(last, schedule.ground_truth.final_after + HOUR)  # which late_labels notices within an hour
    return length + last + (endpoint.capture.straggler_hours + 1) * HOUR + SPARE


@lru_cache(maxsize=256)
def longest_period(cron: str) -> timedelta:
    """The longest time between two ticks of a cron expression; up to a day too short if no midnight is between them."""
    from croniter import croniter

    ticks: list[datetime] = [croniter(cron, FIRST + i * STRIDE).get_next(datetime) for i in range(SAMPLES)]
    return max(crons.period_before(cron, tick) for tick in ticks)
