"""How long must an endpoint keep what its windows are judged by, and what may not lie where it deletes?"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BeforeValidator, Field

from model_monitor.config import cron as crons
from model_monitor.core.window import HOUR

if TYPE_CHECKING:
    from model_monitor.config import Endpoint, Schedule

DAY = timedelta(days=1)
SPARE = DAY  # for a run that waits its turn, or is tried again
WORD = re.compile(r"[a-zA-Z0-9-]+")  # names of endpoints are such
FIRST, SAMPLES, STRIDE = datetime(2020, 1, 1, tzinfo=UTC), 134, 3 * DAY  # midnights of a year and a month


def no_flag(value: Any) -> Any:
    if isinstance(value, bool):
        raise ValueError("a number of days is expected, e.g. 30; leave it out to keep everything")
    return value


Days = Annotated[int, BeforeValidator(no_flag), Field(ge=1, le=36500)]


def check(endpoint: Endpoint) -> None:
    """Raise ValueError if ``retention_days`` would delete what a window still needs, or what is not the endpoint's."""
    if endpoint.retention_days is None:
        return
    for schedule in endpoint.schedules:
        need = needed(schedule, endpoint)
        if need > endpoint.retention_days * DAY:
            raise ValueError(
                f"retention_days: {endpoint.retention_days} deletes captures that schedule '{schedule.name}' still has "
                f"to judge: its windows, their labels and stragglers reach {need} back; set at least {-(-need // DAY)}"
            )
    captures = captures_of(endpoint)
    if captures is None:
        return
    for what, address in beside(endpoint):
        if f"{place(address)}/".startswith(f"{captures}/"):
            raise ValueError(
                f"retention_days deletes what is below {captures}, and {what} is there; give it a folder of its own"
            )


def needed(schedule: Schedule, endpoint: Endpoint) -> timedelta:
    """How far back a schedule's runs read: to the start of a window that is judged for the last time, and a day more.

    A schedule that only runs by hand, without a window, needs nothing: its runs tell if they come too late.
    """
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

    longest = timedelta(0)
    for i in range(SAMPLES):
        around = croniter(cron, FIRST + i * STRIDE)
        after: datetime = around.get_next(datetime)
        longest = max(longest, crons.period_before(cron, after))
    return longest


def captures_of(endpoint: Endpoint) -> str | None:
    """The folder of an endpoint's capture files; None if its requests come from a source that is not its own."""
    if not endpoint.source.expires:
        return None
    return f"{place(endpoint.capture.uri)}/{endpoint.endpoint}/{endpoint.variant}"


def place(address: str) -> str:
    """What an address stands for, however it is spelled: doubled slashes, dots, links, queries and file:// aside."""
    if "://" not in address or address.startswith("file://"):
        return os.path.realpath(address.removeprefix("file://"))
    scheme, _, rest = address.partition("?")[0].partition("://")
    return f"{scheme}://{'/'.join(filter(None, rest.split('/')))}"


def beside(endpoint: Endpoint) -> Iterator[tuple[str, str]]:
    """What an endpoint file names that no retention deletes, each with its address."""
    yield "output", endpoint.output
    for s in endpoint.schedules:
        yield f"the folder of reports of '{s.name}'", f"{place(endpoint.output)}/{endpoint.endpoint}/{s.name}"
        named = {
            "ground_truth.uri": s.ground_truth and s.ground_truth.uri,
            "baseline.dataset": s.baseline.dataset,
            "baseline.statistics": s.baseline.statistics,
            "baseline.constraints": s.baseline.constraints,
            "explain.background": s.explain and s.explain.background,
        }
        yield from ((f"{what} of '{s.name}'", at) for what, at in named.items() if isinstance(at, str))


def held_back(endpoints: Mapping[Path, Endpoint], files: Iterable[Path]) -> dict[Path, str]:
    """The endpoint files that may delete nothing now, each with why and what to do.

    They are those of ``sharing``; and those whose endpoint is also named in one of ``files`` that is not among
    ``endpoints``, so can't be read: it may keep the same captures longer.
    """
    told = sharing(endpoints)
    for file in files:
        text = "" if file in endpoints else text_of(file)
        named = set(WORD.findall(text)) if "capture" in text or "schedules" in text else set()
        for path, one in endpoints.items():
            if one.retention_days is not None and captures_of(one) and one.endpoint in named:
                told.setdefault(
                    path,
                    f"{path}: {file} also names endpoint '{one.endpoint}'. Nothing is deleted until it can be read",
                )
    return told


def text_of(file: Path) -> str:
    try:
        return file.read_text("utf-8", "replace")
    except OSError:
        return ""


def sharing(endpoints: Mapping[Path, Endpoint]) -> dict[Path, str]:
    """The files whose endpoint would delete captures that another file's keeps longer, each with what to do."""
    told = {}
    captures = {path: captures_of(one) for path, one in endpoints.items()}
    for path, one in endpoints.items():
        for other_path, other in endpoints.items():
            if one.retention_days is None or captures[path] is None or captures[path] != captures[other_path]:
                continue
            if other.retention_days is None or other.retention_days > one.retention_days:
                told[path] = (
                    f"{path}: retention_days is {one.retention_days}, and {other_path} reads the same captures and "
                    f"keeps them {other.retention_days or 'all'}{' days' if other.retention_days else ''}; set the "
                    "same in both. Nothing is deleted until then"
                )
    return told
