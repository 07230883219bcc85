"""Where does an endpoint keep what holds captured requests, and to which hour does each file belong?"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime

from model_monitor import store
from model_monitor.config import Endpoint, Schedule
from model_monitor.config.cron import period_before
from model_monitor.core.window import floor_hour
from model_monitor.errors import StoreError
from model_monitor.results.documents import EXECUTION
from model_monitor.store.folders import Entry, Folder, folder_at
from model_monitor.verdicts.report import REJECTED

DIGITS = (re.compile("[0-9]{4}"), re.compile("[0-9]{2}"), re.compile("[0-9]{2}"))
DAYS, MONTHS = 3, 2  # how many folders deep a unit is: what is listed at once

HOUR_FOLDER = re.compile(r"([0-9]{4})/([0-9]{2})/([0-9]{2})/([0-9]{2})(/.*)?", re.DOTALL)
RUN_FOLDER = re.compile(
    r"([0-9]{4})/([0-9]{2})/([0-9]{2})/([0-9]{2})(?:/([0-9]{2})(?:-([0-9]{2}))?)?(?:/since-(?P<since>[^/]*))?(?:/.*)?",
    re.DOTALL,
)
KEPT_REPORT = re.compile(rf"[0-9A-Za-z-]+/{re.escape(EXECUTION)}")

PER_SCHEDULE = ("_own", "_merged", "_explained", "_states", "_awaiting", "_as_of")


@dataclass(frozen=True)
class Tree:
    """A folder of files by year, month, day and hour.

    ``base`` is an address that a person gave, ``parts`` lead from there to the folder. With a ``schedule``, the hour is
    that of a window's tick, as ``layout.run_path`` has it, else that of events. ``keeps`` is said of reports, of which
    only what they quote goes.
    """

    kind: str
    base: str
    parts: tuple[str, ...]
    schedule: Schedule | None = None
    keeps: bool = False

    @property
    def depth(self) -> int:
        return DAYS if self.schedule is None else MONTHS

    def name_of(self, unit: str) -> str:
        """What tells a day, or month, of this tree from others'."""
        return f"{self.kind}: {'/'.join(self.parts)}/{unit}"

    def hour_of(self, path: str, is_folder: bool = False) -> datetime | None:
        """The hour with which a path below the tree is past; None for one that is in no such folder."""
        try:
            if self.schedule is None:
                match = HOUR_FOLDER.fullmatch(path)
                return hour_in(match) if match and (is_folder or match[5]) else None
            match = RUN_FOLDER.fullmatch(path)
            if match is None or not (is_folder or path.count("/") >= 4):
                return None
            return floor_hour(window_start(self.schedule, match))
        except (ValueError, OverflowError):
            return None

    def quoting(self, entry: Entry) -> str | None:
        """The report that may quote records, of a file that tells so; None if it doesn't."""
        path = entry.path
        if not self.keeps or entry.kind != "file":
            return None
        if path.endswith(f"/{REJECTED}"):
            return path.removesuffix(REJECTED) + EXECUTION
        is_kept = self.parts[0] == "_as_of" and KEPT_REPORT.fullmatch("/".join(path.split("/")[-2:]))
        return path if is_kept else None


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


def window_start(schedule: Schedule, match: re.Match[str]) -> datetime:
    """The start of a run's window, by its path: an own one is as long as the schedule's are now. Raises ValueError."""
    if since := match["since"]:
        return datetime.strptime(since, "%Y-%m-%dT%H-%M-%S").replace(tzinfo=UTC)
    tick = hour_in(match).replace(minute=int(match[5] or 0), second=int(match[6] or 0))
    length = schedule.length
    if length is None and schedule.timetable:
        length = period_before(schedule.timetable, tick)
    return tick - schedule.lag - length if length else tick


def trees_of(endpoint: Endpoint) -> list[Tree]:
    """All trees of an endpoint: of captures only those that an endpoint logs, since other sources are not ours."""
    variant = endpoint.endpoint, endpoint.variant
    trees = [
        Tree("rows", endpoint.output, ("_rows", *variant)),
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
            Tree("notes of labels", endpoint.output, ("_awaiting", *own), schedule),
            Tree("records set aside", endpoint.output, own if names_endpoint else own[1:], schedule, keeps=True),
            Tree("records set aside", endpoint.output, ("_as_of", *own), schedule, keeps=True),
        ]
    return trees


def odd_schedules(endpoint: Endpoint) -> Iterator[str]:
    """Folders of schedules that the endpoint's file doesn't name: renamed ones, or those of another variant's file."""
    known = {schedule.name for schedule in endpoint.schedules}
    for name in (*PER_SCHEDULE, ""):
        if not name and not endpoint.source.names_endpoint:
            continue  # whose reports are in the output itself, beside those of others
        folder = folder_at(endpoint.output, *filter(None, (name, endpoint.endpoint)))
        for entry in [] if folder.is_linked else folder.inside():
            if entry.path not in known:
                yield store.join(folder.address, entry.path)


@dataclass
class Walk:
    """A way through the years and months of a tree, from the time of ``first`` to that of ``last``.

    What is of another time is not looked into. ``odd`` is what was found and is no such folder; ``walked`` are the
    folders above the units; ``refused`` says which of them can't be read.
    """

    folder: Folder
    depth: int
    first: datetime | None
    last: datetime
    odd: list[str] = field(default_factory=list)
    walked: list[str] = field(default_factory=list)
    refused: list[StoreError] = field(default_factory=list)

    def units(self, above: str = "") -> Iterator[str]:
        """The folders of days, or of months, by time."""
        level = above.count("/") + 1 if above else 0
        try:
            found = self.folder.inside(above)
        except StoreError as error:
            self.refused.append(error)
            return
        for entry in found:
            name = entry.path.rpartition("/")[2]
            numbers = numbers_of(entry.path) if entry.kind == "folder" and DIGITS[level].fullmatch(name) else None
            if numbers is None:
                self.odd.append(entry.path)
            elif not self.is_between(numbers):
                continue
            elif level + 1 == self.depth:
                yield entry.path
            else:
                self.walked.append(entry.path)
                yield from self.units(entry.path)

    def is_between(self, numbers: tuple[int, ...]) -> bool:
        def of(time: datetime) -> tuple[int, ...]:
            return (time.year, time.month, time.day)[: len(numbers)]

        return numbers <= of(self.last) and (self.first is None or numbers >= of(self.first))


def numbers_of(path: str) -> tuple[int, ...] | None:
    """Year, month and day in a path; None if there is no such time."""
    numbers = tuple(map(int, path.split("/")))
    try:
        date(*(*numbers, 1, 1)[:3])
    except ValueError:
        return None
    return numbers
