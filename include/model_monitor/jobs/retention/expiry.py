"""Which captured requests has an endpoint kept for long enough, and is all that holds them gone?

An hour is past once it ended ``retention_days`` before a moment that the caller names; no clock is asked. With it go
its captures, rows and merged records, and whatever was made of a window that begins in it: states, explained rows,
notes of labels that are waited for, and the records that its reports quote. Reports, baselines and labels stay.

Only folders yyyy/mm/dd/hh are deleted, and no link is followed. What else is found is left alone, and told.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import groupby
from typing import Any

from model_monitor import config, store
from model_monitor.config import Endpoint
from model_monitor.core.window import HOUR, Window, floor_hour, iso, moment
from model_monitor.errors import ConfigError, StoreError
from model_monitor.jobs.retention.record import QUOTED, Counted, Record
from model_monitor.jobs.retention.trees import Tree, Walk, hour_folder, is_past, odd_schedules, trees_of
from model_monitor.results.documents import EXECUTION, Document, decode, encode
from model_monitor.store.ahead import AT_ONCE, ahead
from model_monitor.store.folders import Entry, Folder, folder_at
from model_monitor.verdicts.report import REJECTED

UNITS_AT_ONCE = 8  # days, or months of windows, that are listed before what is past in them is deleted
AGAIN = timedelta(days=2)  # so far back reports are looked at again: a run may have written one meanwhile


@dataclass(frozen=True)
class Bounds:
    """Hours before ``until`` are past; reports whose windows begin before ``since`` were seen to, None: none were."""

    until: datetime
    since: datetime | None = None

    @property
    def oldest(self) -> datetime | None:
        """The first hour of reports that are looked at; None for all."""
        return self.since and self.since - AGAIN


@dataclass
class Past:
    """What is past in a day, or a month, of a tree; all paths are below the tree."""

    unit: str
    files: list[tuple[datetime, Entry]] = field(default_factory=list)
    quotes: list[tuple[datetime, str]] = field(default_factory=list)
    whole: dict[str, list[str]] = field(default_factory=dict)  # hours of which all goes, with their files
    folders: set[str] = field(default_factory=set)
    odd: list[str] = field(default_factory=list)
    refused: list[StoreError] = field(default_factory=list)  # what can't be read; all else of the unit still goes

    def sort_out(self, tree: Tree, entry: Entry, hour: datetime) -> None:
        """Put something that is past to what is deleted or left alone."""
        if entry.kind == "folder":
            self.folders.add(entry.path)
        elif entry.kind == "other":
            self.odd.append(entry.path)
        elif not tree.keeps or entry.path.endswith(f"/{REJECTED}"):
            self.files.append((hour, entry))

    def keep_sign_of(self, report: str) -> None:
        """Keep the file by which the next run finds a report that still quotes records."""
        sign = report.removesuffix(EXECUTION) + REJECTED
        self.files = [one for one in self.files if one[1].path != sign]

    def note_whole_hours(self) -> None:
        """Note that all that is in an hour's folder goes, but for links, which no object store has."""
        for _, entry in self.files:
            self.whole.setdefault(hour_folder(entry.path), []).append(entry.path)


def delete_expired(endpoint_file: str, now: datetime, dry_run: bool = False) -> dict[str, Any]:
    """Delete what is past at a moment; what a person is told of it, and the address of the record of it.

    Doing it again finds what an interrupted run left, and tells of both. With ``dry_run`` nothing is deleted or
    written. What can't be deleted does not keep the rest: a StoreError tells of it at the end. Raises ConfigError for
    an endpoint without ``retention_days``.
    """
    endpoint, now = config.load(endpoint_file), now.astimezone(UTC)
    if endpoint.retention_days is None:
        raise ConfigError(f"{endpoint_file}: endpoint '{endpoint.endpoint}' has no retention_days; set it to delete")
    before = marks(endpoint)
    bounds = Bounds(floor_hour(now - timedelta(days=endpoint.retention_days)), before.get("cleaned"))
    record = Record.of(endpoint, now, bounds.until, dry_run)
    until = max(bounds.until, before.get("until", bounds.until))
    if not dry_run:
        mark(endpoint, until, bounds.since)  # first, so that no run takes a part of its rows for all
    refused = [error for tree in trees_of(endpoint) for error in delete_in(tree, bounds, record)]
    record.leave_alone(odd_schedules(endpoint))
    record.finish(all_gone=not refused)
    if refused:
        raise StoreError(f"{record.message} But not all could be deleted: {refused[0]}")
    if not dry_run:
        mark(endpoint, until, max(bounds.until, bounds.since or bounds.until))
    return record.summary()


def delete_in(tree: Tree, bounds: Bounds, record: Record) -> list[StoreError]:
    """Delete what is past in a tree, some days at a time; what could not be."""
    folder = folder_at(tree.base, *tree.parts)
    if folder.is_linked:
        record.leave_alone([folder.address])
        return []
    last = bounds.until - HOUR if tree.schedule is None else datetime.max  # a long window may end any time later
    walk = Walk(folder, tree.depth, bounds.oldest if tree.keeps else None, last)
    found = list(walk.units())
    record.leave_alone(store.join(folder.address, path) for path in walk.odd)
    refused = walk.refused
    for i in range(0, len(found), UNITS_AT_ONCE):
        some = list(ahead(lambda unit: past_in(folder, tree, unit, bounds), found[i : i + UNITS_AT_ONCE], AT_ONCE))
        for past in some:
            record.leave_alone(store.join(folder.address, path) for path in past.odd)
            refused += past.refused
        record.begin((tree.name_of(past.unit), counted(tree, past)) for past in some if past.files or past.quotes)
        if not record.dry_run:
            refused += deleted(folder, tree, some, record)
            prune(folder, {path for past in some for path in emptied(past)}, bounds.until)
    if not record.dry_run:
        prune(folder, walk.walked, bounds.until)
    return refused


def past_in(folder: Folder, tree: Tree, unit: str, bounds: Bounds) -> Past:
    """What is past of a unit."""
    past = Past(unit)
    quoting: dict[str, datetime] = {}
    try:
        found = folder.below(unit)
    except StoreError as error:
        past.refused.append(error)
        return past
    for entry in found:
        hour = tree.hour_of(entry.path, entry.kind == "folder")
        if hour is None:
            past.odd += [entry.path] if entry.kind != "folder" else []
        elif hour < bounds.until and not (tree.keeps and bounds.oldest and hour < bounds.oldest):
            past.sort_out(tree, entry, hour)
            if report := tree.quoting(entry):
                quoting[report] = hour
    if tree.schedule is None:
        past.note_whole_hours()
    find_quotes(folder, past, quoting)
    return past


def find_quotes(folder: Folder, past: Past, quoting: dict[str, datetime]) -> None:
    """Note which of the reports that may quote records do."""
    for path, hour in quoting.items():
        try:
            past.quotes += [(hour, path)] if quotes_in(folder, path) else []
        except (ConfigError, AttributeError, TypeError):
            past.odd.append(path)  # not JSON, or no report of ours
        except StoreError as error:
            past.refused.append(error)
            past.keep_sign_of(path)


def counted(tree: Tree, past: Past) -> Iterator[Counted]:
    """What is deleted, by kind, hour and bytes."""
    for hour, entry in past.files:
        yield Counted(tree.kind, hour, entry.size)
    for hour, _ in past.quotes:
        yield Counted(QUOTED, hour, 0)


def deleted(folder: Folder, tree: Tree, some: Sequence[Past], record: Record) -> list[StoreError]:
    """Delete what is past of some units; what could not be deleted."""
    refused: list[StoreError] = []
    for past, errors in zip(some, ahead(lambda past: errors_in(folder, past), some, AT_ONCE), strict=True):
        refused += errors
        if not errors and not past.refused:
            record.end(tree.name_of(past.unit))
    return refused


def errors_in(folder: Folder, past: Past) -> list[StoreError]:
    """Delete what is past of a unit: quotes first, which are found by the files they were quoted from."""
    errors: list[StoreError] = []
    for _, path in past.quotes:
        try:
            take_quotes_out(folder, path)
        except StoreError as error:
            errors.append(error)
            past.keep_sign_of(path)
    rest = [entry.path for _, entry in past.files if hour_folder(entry.path) not in past.whole]
    steps = [*(partial(folder.delete_all, path, files) for path, files in past.whole.items())]
    for step in (*steps, partial(folder.delete, rest)):
        try:
            step()
        except StoreError as error:
            errors.append(error)
    return errors


def emptied(past: Past) -> set[str]:
    """The folders below years and months that may be empty now."""
    below = past.folders | {entry.path.rpartition("/")[0] for _, entry in past.files}
    above = {"/".join(path.split("/")[:i]) for path in below for i in range(3, depth_of(path) + 1)}
    return {path for path in above if hour_folder(path) not in past.whole} | {past.unit}


def prune(folder: Folder, paths: Iterable[str], until: datetime) -> None:
    """Remove those of some folders that are empty, those further down first.

    An object store may get a file between the look and the removal, which then must be past all the same.
    """
    safe = [path for path in paths if folder.tells_empty_for_sure or is_past(path, until)]
    for _, level in groupby(sorted(safe, key=deepest_first), key=depth_of):
        list(ahead(folder.delete_empty, level, AT_ONCE))


def depth_of(path: str) -> int:
    return path.count("/") + 1


def deepest_first(path: str) -> tuple[int, str]:
    return -depth_of(path), path


def quotes_in(folder: Folder, path: str) -> bool:
    """Whether a report still quotes records."""
    return any("record" in example for example in examples_of(report_at(folder, path)))


def examples_of(report: Document) -> list[Document]:
    return list(report.get("rejected", {}).get("examples", []))


def report_at(folder: Folder, path: str) -> Document:
    """A report's ``execution.json``; {} if there is none, as of a report that was not finished."""
    address = store.join(folder.address, path)
    try:
        return decode(store.read(address), address)
    except FileNotFoundError:
        return {}


def take_quotes_out(folder: Folder, path: str) -> None:
    """Leave of each record that a report quotes where it was and why it was set aside."""
    report = report_at(folder, path)
    examples = [{key: one[key] for key in one if key != "record"} for one in examples_of(report)]
    report["rejected"] = report["rejected"] | {"examples": examples}
    store.write(store.join(folder.address, path), encode(report))


def marks_at(endpoint: Endpoint) -> str:
    return store.join(endpoint.output, "_retention", endpoint.endpoint, endpoint.variant, "until.json")


def marks(endpoint: Endpoint) -> dict[str, datetime]:
    """Until when hours were deleted, and reports seen to; {} if nothing ever was."""
    address = marks_at(endpoint)
    try:
        found = decode(store.read(address), address)
    except FileNotFoundError:
        return {}
    return {name: moment(found[name]) for name in ("until", "cleaned") if found.get(name)}


def mark(endpoint: Endpoint, until: datetime, cleaned: datetime | None) -> None:
    store.write(marks_at(endpoint), encode({"until": iso(until), "cleaned": cleaned and iso(cleaned)}))


def needs_deleted(endpoint: Endpoint, window: Window, until: datetime | None) -> bool:
    """Whether a window's rows were made from captures of hours before ``until``, and can't be made again."""
    return until is not None and floor_hour(window.start) - endpoint.capture.straggler_hours * HOUR < until


def refuse_deleted(endpoint: Endpoint, window: Window) -> None:
    """Raise ConfigError for a window of which captures or rows were deleted: what is left of it is no whole."""
    until = marks(endpoint).get("until")
    if until and needs_deleted(endpoint, window, until):
        is_own = endpoint.source.expires
        gone = "captures" if is_own else "rows of hours"
        first = "If you brought its captures back" if is_own else f"As {endpoint.capture.uri} was left alone"
        again = "first" if is_own else "to judge it again"
        raise ConfigError(
            f"{window} can't be judged any more: {gone} before {iso(until)} were deleted, see retention_days. An "
            f"earlier report on it stays as it is. {first}, remove {marks_at(endpoint)} {again}"
        )
