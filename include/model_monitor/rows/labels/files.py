"""Label files, and the labels read from them: which request each names, what it says, and when it was collected."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from model_monitor import store
from model_monitor.core.hashing import combine, hash_values
from model_monitor.core.window import HOUR, iso
from model_monitor.rows.json_text import joined, quoted
from model_monitor.rows.payloads.attributes import label_values
from model_monitor.rows.summary import KEPT_REJECTED, Rejected, Summary

HOUR_FOLDER = re.compile(r"(?:^|/)(?P<day>\d{4}/\d{2}/\d{2})(?:/(?P<hour>\d{2}))?(?=/)")

NUMBERS = {"key": pa.int64(), "file": pa.int32(), "line": pa.int64()}
FORM = pa.schema(NUMBERS | {"data": pa.string(), "encoding": pa.string(), "time": pa.int64()})  # between machines

Wanted = Callable[[np.ndarray], np.ndarray]  # hashes of ids -> which of them matter


@dataclass(frozen=True)
class LabelFile:
    """A file of labels and the hour in which they were collected; None if its folder does not say."""

    hour: datetime | None
    file: store.File
    since: datetime | None = None  # the first hour that it may be, earlier than ``hour`` if the folder names only a day

    @classmethod
    def of(cls, file: store.File) -> LabelFile:
        since, hour = collected_in(file.address)
        return cls(hour, file, since)


def collected_in(address: str) -> tuple[datetime | None, datetime | None]:
    """The first and last hour that a file's folder names: equal, or those of a day; None without."""
    folders = list(HOUR_FOLDER.finditer(address.partition("?")[0]))
    try:
        day = datetime.strptime(folders[-1]["day"], "%Y/%m/%d").replace(tzinfo=UTC)
        first, last = (int(folders[-1]["hour"] or hour) for hour in (0, 23))
        return day.replace(hour=first), day.replace(hour=last)
    except (IndexError, ValueError):
        return None, None


def came_before(address: str, moment: datetime) -> bool:
    """Whether the hour that a file's folder names had ended by a moment."""
    hour = collected_in(address)[1]
    return hour is not None and hour + HOUR <= moment


@dataclass(frozen=True)
class Labels:
    """Label records, column by column, in the order of collection hour, file and line."""

    label_files: Sequence[LabelFile]
    keys: np.ndarray  # hashes of ids
    files: np.ndarray  # indices into ``label_files``
    lines: np.ndarray  # 1-based numbers
    data: pa.StringArray
    encodings: pa.StringArray
    times: np.ndarray | None = None  # when each became known (datetime64, NaT if unknown), where rows of a table tell

    def __len__(self) -> int:
        return len(self.keys)

    def take(self, indices: np.ndarray) -> Labels:
        places = pa.array(indices)
        texts = self.data.take(places), self.encodings.take(places)
        times = None if self.times is None else self.times[indices]
        return Labels(self.label_files, self.keys[indices], self.files[indices], self.lines[indices], *texts, times)

    def of_files(self, addresses: Collection[str]) -> Labels:
        """The records of the files at these addresses."""
        mask = np.array([label.file.address in addresses for label in self.label_files], bool)
        return self if mask.all() else self.take(np.flatnonzero(mask[self.files]))

    def sorted_by_key(self) -> Labels:
        """The same records by rising key; those of one key by their times, else in their order."""
        order = np.argsort(self.keys, kind="stable") if self.times is None else np.lexsort((self.times, self.keys))
        return self.take(order)

    def hours(self) -> np.ndarray:
        """The hour of each record's time (datetime64); NaT if unknown."""
        if self.times is None:
            return np.full(len(self), "NaT", "datetime64[h]")
        return self.times.astype("datetime64[h]")

    def between(self, first: datetime, deadline: datetime) -> Labels:
        """The records whose times, by the hour, are in a span; those without a time are, too."""
        counting = inside(self.hours(), first, deadline)
        return self if counting.all() else self.take(np.flatnonzero(counting))

    def digests(self) -> np.ndarray:
        """A hash of each record: of its id, label and time."""
        texts = (hash_values(pc.fill_null(texts, "")) for texts in (self.data, self.encodings))
        times = [] if self.times is None else [self.times.astype(np.int64).astype(np.uint64)]
        return combine([self.keys, *texts, *times], len(self), factor=31)

    def reject(self, index: int, reason: str) -> Rejected:
        """The record at an index, set aside."""
        file = self.label_files[int(self.files[index])]
        text = f"{self.encodings[index]}: {self.data[index]}"
        return Rejected(file.file.address, int(self.lines[index]), reason, file.hour, text)

    def repeats(self) -> np.ndarray:
        """Which records repeat an earlier one with the same key."""
        texts = pc.dictionary_encode(self.as_json()).indices.to_numpy()
        order = np.lexsort((np.arange(len(self)), texts, self.keys))
        keys, texts = self.keys[order], texts[order]
        repeats = np.zeros(len(self), bool)
        repeats[order[1:]] = (keys[1:] == keys[:-1]) & (texts[1:] == texts[:-1])
        return repeats

    def hours_of(self, indices: np.ndarray) -> list[str]:
        """The hours in which records were collected, as ISO 8601; empty if unknown."""
        if self.times is not None:
            moments = self.hours()[indices].astype("datetime64[s]").astype(object)
            return [iso(moment.replace(tzinfo=UTC)) if moment else "" for moment in moments.tolist()]
        hours = [iso(file.hour) if file.hour else "" for file in self.label_files]
        return [hours[i] for i in self.files[indices].tolist()]

    def as_json(self) -> pa.StringArray:
        """The ``groundTruthData`` object of each record, as JSON."""
        return joined('{"data":', quoted(self.data), ',"encoding":', quoted(self.encodings), "}")

    def values(self, attribute: str | int) -> Values:
        """The labels in each record's data; a record without an encoding is CSV. Equal texts are parsed once."""
        data, encodings = self.data, pc.fill_null(self.encodings, "CSV")
        lines = pc.utf8_rtrim(data, characters="\r\n")
        several = pc.match_substring_regex(lines, r'[,"\n\r]')
        if pc.all(pc.equal(encodings, "CSV"), min_count=0).as_py() and not pc.any(several, min_count=0).as_py():
            texts = pc.if_else(pc.equal(lines, ""), pa.scalar(None, pa.string()), lines)
            return Values(texts, np.arange(len(data)), np.ones(len(data), np.int64))
        spelled = pc.dictionary_encode(pc.binary_join_element_wise(encodings, pc.fill_null(data, ""), "\x1f"))
        texts_of: list[str | None] = []
        starts, counts, wrong = [], [], {}
        for code, spelling in enumerate(spelled.dictionary.to_pylist()):
            encoding, _, text = spelling.partition("\x1f")
            starts.append(len(texts_of))
            try:
                texts_of += label_values(text, encoding, attribute)
            except ValueError as error:
                wrong[code] = str(error)
            counts.append(len(texts_of) - starts[-1])
        codes = spelled.indices.to_numpy()
        problems = {int(i): wrong[int(codes[i])] for i in np.flatnonzero(np.isin(codes, list(wrong)))} if wrong else {}
        starts_of, counts_of = (np.array(numbers, np.int64)[codes] for numbers in (starts, counts))
        return Values(pa.array(texts_of, pa.string()), starts_of, counts_of, problems)


@dataclass(frozen=True)
class Values:
    """The labels in each record: ``counts[i]`` texts from ``starts[i]`` on, or why they can't be read."""

    texts: pa.StringArray
    starts: np.ndarray
    counts: np.ndarray
    problems: dict[int, str] = field(default_factory=dict)


@dataclass
class Reading:
    """How many records each file has, how many of them can't be read, and some of those."""

    records: Counter[str] = field(default_factory=Counter)
    rejected: Counter[str] = field(default_factory=Counter)
    kept: list[Rejected] = field(default_factory=list)
    latest: np.datetime64 | None = None  # when the last label of a table became known, whatever it names

    def add(self, part: Part) -> None:
        self.records.update(part.counts)
        self.rejected.update(record.file for record in part.rejected)
        self.kept += part.rejected[: KEPT_REJECTED - len(self.kept)]
        self.latest = max(filter(None, (self.latest, part.latest)), default=None)

    def summary(self, origin: dict[str, Any]) -> Summary:
        """A summary that starts with the files that ``origin`` lists."""
        addresses = [address for address, _, _ in origin["files"]]
        counts = {address: [self.records[address], self.rejected[address]] for address in addresses}
        summary = Summary(origin, labels={"files": counts})
        for rejected in self.kept:
            if rejected.file in counts:
                summary.reject(rejected)
        summary.rejected = sum(self.rejected[address] for address in addresses)
        return summary


@dataclass(frozen=True)
class Part:
    """How many records of each file a part of the files has, the wanted ones, and those that can't be read; and when
    the last of all became known, where rows of a table tell."""

    counts: Counter[str]
    labels: Labels
    rejected: list[Rejected]
    latest: np.datetime64 | None = None

    def beginning_at(self, number: int) -> Part:
        """The same part, where the first of its files is that of a number."""
        return replace(self, labels=replace(self.labels, files=self.labels.files + np.int32(number)))

    def rows(self) -> pa.Table:
        """The wanted records in the form ``FORM``."""
        labels = self.labels
        times = pa.nulls(len(labels), pa.int64()) if labels.times is None else pa.array(labels.times.astype(np.int64))
        columns = [labels.keys.view(np.int64), labels.files, labels.lines, labels.data, labels.encodings, times]
        return pa.Table.from_arrays([pa.array(column) for column in columns], schema=FORM)

    def without_rows(self) -> Part:
        """The counts alone."""
        return replace(self, labels=replace(self.labels.take(np.empty(0, np.int64)), label_files=()))

    def holding(self, rows: pa.Table) -> Part:
        """A part of nothing but records in the form ``FORM``, which it puts into the order of files and lines."""
        key, file, line, data, encoding, time = rows.sort_by([("file", "ascending"), ("line", "ascending")]).columns
        times = None if self.labels.times is None else time.to_numpy().view("datetime64[us]")
        numbers = key.to_numpy().view(np.uint64), file.to_numpy(), line.to_numpy()
        labels = Labels((), *numbers, data.combine_chunks(), encoding.combine_chunks(), times)
        return Part(Counter(), labels, [])


def inside(hours: np.ndarray, first: datetime, deadline: datetime, until: datetime | None = None) -> np.ndarray:
    """Which hours are in a span and, with ``until``, over by then; unknown ones are in every span."""
    low, high, end = (np.datetime64(at.replace(tzinfo=None), "us") if at else None for at in (first, deadline, until))
    counting = (hours >= low) & (hours < high) | np.isnat(hours)
    counting &= (hours + 1 <= end) | np.isnat(hours) if end is not None else True
    return np.asarray(counting)


def as_of(files: Iterable[LabelFile]) -> str | None:
    """The end of the last hour in which labels of these files were collected; None if no folder says."""
    hours = [label.hour for label in files if label.hour]
    return iso(max(hours) + HOUR) if hours else None
