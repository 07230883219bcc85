"""Delete captured requests, and everything derived from them, once they are older than ``retention_days``.

With an hour go its captures, rows and merged records, and everything made of a window that starts in it: states,
explained rows, notes of labels, the text of records set aside, and what a killed writer left. What one left beside
baselines and records goes a day later. Reports, without the values of single rows, baselines and labels stay. Only
files in folders ``yyyy/mm/dd/hh`` are deleted that are what those folders are for, and no link is followed. Everything
else is left alone and counted.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property, partial
from itertools import groupby
from pathlib import Path
from typing import Any

from model_monitor import config, store
from model_monitor.core.window import floor_hour
from model_monitor.errors import ConfigError, StoreError
from model_monitor.jobs.retention.contents import is_expected
from model_monitor.jobs.retention.record import Record, anonymous_mark_of, mark, mark_of
from model_monitor.jobs.retention.reports import OldReports
from model_monitor.jobs.retention.trees import Tree, first_moment, hour_folder, is_past, odd_schedules, trees_of
from model_monitor.store.ahead import AT_ONCE, ahead
from model_monitor.store.folders import Entry, Folder, OnDisk, folder_at
from model_monitor.store.unfinished import remove_parts

UNITS_AT_ONCE = 8  # days, or months of windows, that are listed before what is past in them is deleted


def delete_expired(endpoint_file: str, now: datetime, dry_run: bool = False) -> dict[str, Any]:
    """Delete what is past at a moment; a summary with a message for a person, and the address of the record.

    ``dry_run`` deletes and writes nothing. If a file can't be deleted, the others still are, and a StoreError follows
    at the end. Raises ConfigError for an endpoint without ``retention_days``, and while another file of the folder
    keeps what would be deleted.
    """
    endpoint, now = config.load(endpoint_file), now.astimezone(UTC)
    if endpoint.retention_days is None:
        raise ConfigError(f"{endpoint_file}: endpoint '{endpoint.endpoint}' has no retention_days; set it to delete")
    config.refuse_held_back(Path(endpoint_file))
    until = floor_hour(now - timedelta(days=endpoint.retention_days))
    record = Record.of(endpoint, now, until, dry_run)
    if not dry_run:
        mark(mark_of(endpoint), until)  # first, so that no run takes the rest of a window's rows for all of them
        remove_unfinished(endpoint)
    reports = OldReports.of(endpoint)
    refused = [error for tree in trees_of(endpoint) for error in Sweep(tree, until, record, reports).run()]
    record.leave_alone(odd_schedules(endpoint))
    if not dry_run and not refused:
        mark(anonymous_mark_of(endpoint), until)
    record.finish(all_gone=not refused)
    if refused:
        raise StoreError(f"{record.message} But not all could be deleted: {refused[0]}")
    return record.summary()


def remove_unfinished(endpoint: config.Endpoint) -> None:
    """Remove what a killed writer left in folders that have no hours. Object stores show complete files only."""
    for kind in ("_baselines", "_retention"):
        folder = folder_at(endpoint.output, kind, endpoint.endpoint)
        if isinstance(folder, OnDisk) and not folder.is_linked:
            remove_parts(Path(folder.root))


@dataclass
class Past:
    """What is past in a unit, a day or a month, of a tree; all paths are below the tree."""

    unit: str
    files: list[tuple[datetime, Entry]] = field(default_factory=list)
    folders: set[str] = field(default_factory=set)
    odd: list[str] = field(default_factory=list)  # left alone
    refused: list[StoreError] = field(default_factory=list)
    reports: dict[str, list[str]] = field(default_factory=dict)  # files that may hold texts of users, by folder

    def by_hour(self) -> dict[str, list[str]]:
        """The files of each hour's folder."""
        paths = [entry.path for _, entry in self.files]
        return {hour: list(group) for hour, group in groupby(sorted(paths, key=hour_folder), key=hour_folder)}


@dataclass
class Sweep:
    """Delete what is past in one tree, some units at a time."""

    tree: Tree
    until: datetime
    record: Record
    reports: OldReports
    refused: list[StoreError] = field(default_factory=list)
    walked: list[str] = field(default_factory=list)  # the folders above the units

    @cached_property
    def folder(self) -> Folder:
        return folder_at(self.tree.base, *self.tree.parts)

    def run(self) -> list[StoreError]:
        """Delete what is past; what could not be deleted or listed."""
        if self.folder.is_linked:
            self.record.leave_alone([self.folder.address])
            return []
        units = list(self.units())
        for i in range(0, len(units), UNITS_AT_ONCE):
            self.delete(list(ahead(self.past_in, units[i : i + UNITS_AT_ONCE], AT_ONCE)))
        self.prune(self.walked)
        return self.refused

    def units(self, above: str = "") -> Iterator[str]:
        """The folders of days, or of months, in which something may be past."""
        depth = depth_of(above) + 1 if above else 1
        try:
            entries = self.folder.inside(above)
        except StoreError as error:
            self.refused.append(error)
            return
        for entry in entries:
            first = first_moment(entry.path) if entry.kind == "folder" else None
            if first is None:
                self.leave_alone([entry.path])
            elif self.tree.schedule is None and first >= self.until:
                continue  # but a run's tick may be any time after its window's first hour
            elif depth == self.tree.depth:
                yield entry.path
            else:
                self.walked.append(entry.path)
                yield from self.units(entry.path)

    def past_in(self, unit: str) -> Past:
        past = Past(unit)
        try:
            entries = self.folder.below(unit)
        except StoreError as error:
            return Past(unit, refused=[error])
        hours = [self.tree.hour_of(entry.path, entry.kind == "folder") for entry in entries]
        if self.tree.are_reports:
            done = [(None if hour is None or hour >= self.until else hour) for hour in hours]
            past.reports = self.reports.among(zip(done, entries, strict=True))
        for hour, entry in zip(hours, entries, strict=True):
            if hour is not None and hour >= self.until:
                continue
            if entry.kind == "other" or (entry.kind == "file" and hour is None):
                past.odd.append(entry.path)
            elif hour is not None and self.tree.takes(entry):
                if entry.kind == "folder":
                    past.folders.add(entry.path)
                else:
                    past.files.append((hour, entry))
        self.sort_out(past)
        return past

    def sort_out(self, past: Past) -> None:
        """Leave alone the files that are not what the tree is for, or that can't be looked at."""
        looked = ahead(self.look, [entry for _, entry in past.files], AT_ONCE)
        answers = list(zip(past.files, looked, strict=True))
        past.files = [file for file, answer in answers if answer is True]
        past.odd += [entry.path for (_, entry), answer in answers if answer is False]
        past.refused += [answer for _, answer in answers if isinstance(answer, StoreError)]

    def look(self, entry: Entry) -> bool | StoreError:
        try:
            return is_expected(self.tree.kind, entry, self.folder)
        except StoreError as error:
            return error

    def delete(self, pasts: Sequence[Past]) -> None:
        """Delete what is past in some units, after the record says so."""
        for past in pasts:
            self.leave_alone(past.odd)
            self.refused += past.refused
        self.make_anonymous([report for past in pasts for report in past.reports.items()])
        self.record.begin(self.tree.kind, {self.tree.name_of(past.unit): past.files for past in pasts if past.files})
        if self.record.dry_run:
            return
        for past, errors in zip(pasts, ahead(self.errors_in, pasts, AT_ONCE), strict=True):
            self.refused += errors
            if not errors and not past.refused:
                self.record.end(self.tree.name_of(past.unit))
        self.prune({path for past in pasts for path in self.emptied(past)})

    def make_anonymous(self, reports: Sequence[tuple[str, list[str]]]) -> None:
        """Take the values of single rows out of past reports; those that a person edited are left alone."""

        def outcome(report: tuple[str, list[str]]) -> int | StoreError | ConfigError:
            folder, names = report
            address = store.join(self.folder.address, folder)
            return self.reports.make_anonymous(address, names, self.record.dry_run)

        for (folder, _), result in zip(reports, ahead(outcome, reports, AT_ONCE), strict=True):
            if isinstance(result, StoreError):
                self.refused.append(result)
            elif isinstance(result, ConfigError):
                self.leave_alone([folder])
            else:
                self.record.anonymous += result

    def errors_in(self, past: Past) -> list[StoreError]:
        """Delete what is past in a unit; what could not be deleted."""
        if self.tree.schedule is None:  # the whole folder of an hour goes
            steps = [partial(self.folder.delete_all, hour, files) for hour, files in past.by_hour().items()]
        else:
            steps = [partial(self.folder.delete, [entry.path for _, entry in past.files])]
        errors = []
        for step in steps:
            try:
                step()
            except StoreError as error:
                errors.append(error)
        return errors

    def emptied(self, past: Past) -> set[str]:
        """The folders below years and months that may be empty now."""
        deleted = past.by_hour() if self.tree.schedule is None else {}
        below = past.folders | {entry.path.rpartition("/")[0] for _, entry in past.files}
        above = {"/".join(path.split("/")[:depth]) for path in below for depth in range(3, depth_of(path) + 1)}
        return {path for path in above if hour_folder(path) not in deleted} | {past.unit}

    def prune(self, paths: Iterable[str]) -> None:
        """Remove the empty folders, the deepest first; where one may get a file meanwhile, only those that are past."""
        if self.record.dry_run:
            return
        safe = [path for path in paths if self.folder.tells_empty_for_sure or is_past(path, self.until)]
        for _, level in groupby(sorted(safe, key=depth_of, reverse=True), key=depth_of):
            list(ahead(self.folder.delete_empty, level, AT_ONCE))

    def leave_alone(self, paths: Iterable[str]) -> None:
        self.record.leave_alone(store.join(self.folder.address, path) for path in paths)


def depth_of(path: str) -> int:
    return path.count("/") + 1
