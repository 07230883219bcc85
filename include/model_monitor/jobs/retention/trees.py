"""Where does an endpoint keep what holds captured requests, and to which hour does each file belong?"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from model_monitor import store
from model_monitor.config import Endpoint, Schedule
from model_monitor.config.cron import period_before
from model_monitor.config.neighbours import DERIVED
from model_monitor.core.window import floor_hour
from model_monitor.results.report import REJECTED
from model_monitor.store.folders import Entry, folder_at

DAYS, MONTHS = 3, 2  # how many folders deep a unit is: what is listed at once
DATE = re.compile("[0-9]{4}(/[0-9]{2}(/[0-9]{2})?)?")
HOUR_OR_RUN = re.compile(  # what is in the folder of an hour, or of a run as ``Execution.run_path`` names it
    r"([0-9]{4})/([0-9]{2})/([0-9]{2})/([0-9]{2})(?:/([0-9]{2})(?:-([0-9]{2}))?)?(?:/since-(?P<since>[^/]*))?(?:/.*)?",
    re.DOTALL,
)


@dataclass(frozen=True)
class Tree:
    """A folder of files by year, month, day and hour.

    base: an address from the endpoint file; ``parts`` lead from there to the folder.
    schedule: whose runs the hours are, by their ticks; None if they are hours of event time.
    are_reports: whether only the text of records set aside goes, and files that a killed writer left.
    """

    kind: str
    base: str
    parts: tuple[str, ...]
    schedule: Schedule | None = None
    are_reports: bool = False

    @property
    def depth(self) -> int:
        return DAYS if self.schedule is None else MONTHS

    def name_of(self, unit: str) -> str:
        """A name for a day, or month, of this tree that no other tree has."""
        return f"{self.kind}: {'/'.join(self.parts)}/{unit}"

    def hour_of(self, path: str, is_folder: bool = False) -> datetime | None:
        """The hour with which a path below the tree is past; None for one that is in no such folder."""
        match = HOUR_OR_RUN.fullmatch(path)
        if match is None or not (is_folder or path.count("/") >= 4):
            return None
        try:
            return hour_in(match) if self.schedule is None else floor_hour(window_start(self.schedule, match))
        except (ValueError, OverflowError):
            return None

    def takes(self, entry: Entry) -> bool:
        """Whether a file or folder goes once it is past.

        What a killed writer left unfinished may hold anything, so it goes from reports too.
        """
        if not self.are_reports or store.is_unfinished(entry.path):
            return True
        text = REJECTED if entry.kind == "file" else REJECTED.partition("/")[0]
        return entry.path.endswith(f"/{text}")


def first_moment(path: str) -> datetime | None:
    """The first moment of a year, month or day, e.g. ``2026/01``; None for any other path."""
    if not DATE.fullmatch(path):
        return None
    year, month, day = (*map(int, path.split("/")), 1, 1)[:3]
    try:
        return datetime(year, month, day, tzinfo=UTC)
    except ValueError:
        return None


def hour_folder(path: str) -> str:
    """The first four parts of a path: the hour's folder, of what is in one."""
    return "/".join(path.split("/")[:4])


def is_past(path: str, until: datetime) -> bool:
    """Whether all hours of a year, month, day, hour or of what is in one are before a moment."""
    numbers = [int(part) for part in path.split("/")[:4]]
    return tuple(numbers) < (until.year, until.month, until.day, until.hour)[: len(numbers)]


def hour_in(match: re.Match[str]) -> datetime:
    year, month, day, hour = map(int, match.group(1, 2, 3, 4))
    return datetime(year, month, day, hour, tzinfo=UTC)


def tick_in(match: re.Match[str]) -> datetime:
    """The tick of a run, by its path."""
    return hour_in(match).replace(minute=int(match[5] or 0), second=int(match[6] or 0))


def window_start(schedule: Schedule, match: re.Match[str]) -> datetime:
    """The start of a run's window, by its path: an own one is as long as the schedule's are now. Raises ValueError."""
    if since := match["since"]:
        return datetime.strptime(since, "%Y-%m-%dT%H-%M-%S").replace(tzinfo=UTC)
    tick, length = tick_in(match), schedule.length
    if length is None and schedule.timetable:
        length = period_before(schedule.timetable, tick)
    return tick - schedule.lag - length if length else tick


def trees_of(endpoint: Endpoint) -> list[Tree]:
    """All trees of an endpoint: of captures only those that an endpoint logs, since other sources are not ours."""
    variant = endpoint.endpoint, endpoint.variant
    trees = [
        Tree("rows", endpoint.output, ("_rows", *variant)),
        Tree("requests", endpoint.output, ("_requests", *variant)),
        Tree("merged records", endpoint.output, ("merge", *variant)),
    ]
    names_endpoint = endpoint.source.names_endpoint
    if endpoint.source.expires:
        trees.append(Tree("captures", endpoint.capture.uri, variant))
    for schedule in endpoint.schedules:
        own = endpoint.endpoint, schedule.name
        if not names_endpoint:
            trees.append(Tree("merged records", endpoint.output, ("merge", schedule.name)))
        trees += [
            Tree("rows of its own", endpoint.output, ("_own", *own)),
            Tree("rows with labels", endpoint.output, ("_merged", *own)),
            Tree("explained rows", endpoint.output, ("_explained", *own), schedule),
            Tree("states", endpoint.output, ("_states", *own), schedule),
            Tree("odds", endpoint.output, ("_odds", *own), schedule, are_reports=True),
            Tree("notes of labels", endpoint.output, ("_awaiting", *own), schedule),
            Tree("records set aside", endpoint.output, own if names_endpoint else own[1:], schedule, are_reports=True),
            Tree("reports replaced", endpoint.output, ("_as_of", *own), schedule, are_reports=True),
        ]
    return trees


def odd_schedules(endpoint: Endpoint) -> Iterator[str]:
    """Folders of schedules that the endpoint's file doesn't name: renamed ones, or those of another variant's file."""
    known = {schedule.name for schedule in endpoint.schedules}
    for name in (*DERIVED, "_as_of", ""):
        if not name and not endpoint.source.names_endpoint:
            continue  # whose reports are in the output itself, beside those of others
        folder = folder_at(endpoint.output, *filter(None, (name, endpoint.endpoint)))
        for entry in [] if folder.is_linked else folder.inside():
            if entry.path not in known:
                yield store.join(folder.address, entry.path)
