"""Is ``retention_days`` long enough for what is still judged, and is all that it deletes the endpoint's own?"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path

from model_monitor.config import cron as crons
from model_monitor.config.endpoint import Endpoint, Schedule
from model_monitor.core.window import DAY, HOUR
from model_monitor.store.addresses import NAME

SPARE = DAY  # for a run that waits its turn, or is retried
FIRST, SAMPLES, STRIDE = datetime(2020, 1, 1, tzinfo=UTC), 134, 3 * DAY  # midnights of a year and a month

LONGEST_LOOK = 1 << 20  # bytes of a file that can't be read


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
    if inside := below(captures := captures_of(endpoint), endpoint):
        return f"deletes what is below {captures}, and {inside} is there; give it a folder of its own"
    return None


def below(captures: str | None, endpoint: Endpoint) -> str | None:
    """What an endpoint keeps in a folder of captures, by its key; None if nothing."""
    inside = (key for key, address in kept(endpoint) if captures and is_in(address, captures))
    return next(inside, None)


def is_in(address: str, folder: str) -> bool:
    return f"{canonical(address)}/".startswith(f"{folder}/")


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


def captures_of(endpoint: Endpoint) -> str | None:
    """The folder of an endpoint's capture files; None if its requests come from a source that is not its own."""
    if not endpoint.source.expires:
        return None
    return f"{canonical(endpoint.capture.uri)}/{endpoint.endpoint}/{endpoint.variant}"


def canonical(address: str) -> str:
    """One spelling of an address: without doubled slashes, dots, links, a query and ``file://``."""
    if "://" not in address or address.startswith("file://"):
        return os.path.realpath(address.removeprefix("file://"))
    scheme, _, rest = address.partition("?")[0].partition("://")
    return f"{scheme}://{'/'.join(filter(None, rest.split('/')))}"


def kept(endpoint: Endpoint) -> Iterator[tuple[str, str]]:
    """Each address of an endpoint file that retention does not delete, with its key in front."""
    yield "output", endpoint.output
    for s in endpoint.schedules:
        yield f"the folder of reports of '{s.name}'", f"{canonical(endpoint.output)}/{endpoint.endpoint}/{s.name}"
        addresses = {
            "ground_truth.uri": s.ground_truth and s.ground_truth.uri,
            "baseline.dataset": s.baseline.dataset,
            "baseline.statistics": s.baseline.statistics,
            "baseline.constraints": s.baseline.constraints,
            "explain.background": s.explain and s.explain.background,
        }
        yield from ((f"{key} of '{s.name}'", at) for key, at in addresses.items() if isinstance(at, str))


def held_back(endpoints: Mapping[Path, Endpoint], files: Iterable[Path]) -> dict[Path, str]:
    """The endpoint files that may delete nothing now, with the reason and the remedy: another file has their captures,
    or may have them, as it names their endpoint and can't be read."""
    reasons = sharing(endpoints)
    for file in files:
        names = set() if file in endpoints else names_in(file)
        for path, endpoint in endpoints.items():
            if endpoint.retention_days is not None and captures_of(endpoint) and endpoint.endpoint in names:
                reason = f"{file} also names endpoint '{endpoint.endpoint}'. Nothing is deleted until it can be read"
                reasons.setdefault(path, f"{path}: {reason}")
    return reasons


def names_in(file: Path) -> set[str]:
    """What may be names of endpoints in a file that can't be read; none if it is no endpoint file."""
    try:
        if not file.is_file():  # reading from a pipe would wait
            return set()
        with file.open("rb") as stream:
            text = stream.read(LONGEST_LOOK).decode("utf-8", "replace")
    except OSError:
        return set()
    return {match[0] for match in re.finditer(NAME, text) if "capture" in text or "schedules" in text}


def sharing(endpoints: Mapping[Path, Endpoint]) -> dict[Path, str]:
    """The files whose endpoint would delete captures that another file's keeps longer, or what another file keeps below
    them; each with the remedy."""
    reasons = {}
    captures = {path: captures_of(endpoint) for path, endpoint in endpoints.items()}
    for path, endpoint in endpoints.items():
        days = endpoint.retention_days
        for other_path, other in endpoints.items():
            others = other.retention_days
            is_shared = captures[path] is not None and captures[path] == captures[other_path]
            if is_shared and days is not None and (others is None or others > days):
                reasons[path] = (
                    f"{path}: retention_days is {days}, and {other_path} reads the same captures and keeps them "
                    f"{f'{others} days' if others else 'all'}; set the same in both. Nothing is deleted until then"
                )
            if days is not None and other is not endpoint and (inside := below(captures[path], other)):
                reasons[path] = (
                    f"{path}: retention deletes what is below {captures[path]}, and {inside} in {other_path} is there; "
                    "give it a folder of its own. Nothing is deleted until then"
                )
    return reasons
