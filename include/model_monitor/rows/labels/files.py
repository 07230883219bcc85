"""Read ground-truth records as SageMaker has them (docs/sagemaker-formats.md, Ground truth).

A file's folder ``yyyy/mm/dd/hh`` says when its labels were collected. Only records of wanted ids are kept, so that
memory is bounded by the labels of the requests in question, however many other labels the files hold.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from model_monitor import store
from model_monitor.core.hashing import hash_values
from model_monitor.core.window import HOUR, iso
from model_monitor.rows.blocks import Block, blocks
from model_monitor.rows.json_text import joined, quoted
from model_monitor.rows.labels.records import parse, rejected_line
from model_monitor.rows.payloads.attributes import label_values
from model_monitor.rows.summary import KEPT_REJECTED, Rejected, Summary
from model_monitor.store.ahead import ahead

HOUR_FOLDER = re.compile(r"(?:^|/)(?P<day>\d{4}/\d{2}/\d{2})(?:/(?P<hour>\d{2}))?(?=/)")

NAMELESS = "no eventMetadata.eventId"

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

    def __len__(self) -> int:
        return len(self.keys)

    def take(self, indices: np.ndarray) -> Labels:
        places = pa.array(indices)
        texts = self.data.take(places), self.encodings.take(places)
        return Labels(self.label_files, self.keys[indices], self.files[indices], self.lines[indices], *texts)

    def of_files(self, addresses: Collection[str]) -> Labels:
        """The records of the files at these addresses."""
        mask = np.array([label.file.address in addresses for label in self.label_files], bool)
        return self if mask.all() else self.take(np.flatnonzero(mask[self.files]))

    def sorted_by_key(self) -> Labels:
        """The same records by rising key; those of one key keep their order."""
        return self.take(np.argsort(self.keys, kind="stable"))

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


def read(files: Sequence[LabelFile], wanted: Wanted) -> tuple[Labels, Reading]:
    """The wanted records of some files, and counts of all their records."""
    number = {label.file.address: i for i, label in enumerate(files)}
    parts, reading = [], Reading()
    label_blocks = blocks(label.file for label in files)
    for counts, labels, rejected in ahead(lambda block: wanted_of(block, files, number, wanted), label_blocks):
        reading.records.update(counts)
        reading.rejected.update(record.file for record in rejected)
        reading.kept += rejected[: KEPT_REJECTED - len(reading.kept)]
        parts.append(labels)
    return gathered(files, parts), reading


def gathered(files: Sequence[LabelFile], parts: Sequence[Labels]) -> Labels:
    def numbers(name: str, kind: type) -> np.ndarray:
        return np.concatenate([np.empty(0, kind), *(getattr(labels, name) for labels in parts)])

    def texts(name: str) -> pa.StringArray:
        return pa.concat_arrays([pa.array([], pa.string()), *(getattr(labels, name) for labels in parts)])

    keys, places, lines = numbers("keys", np.uint64), numbers("files", np.int32), numbers("lines", np.int64)
    return Labels(files, keys, places, lines, texts("data"), texts("encodings"))


def wanted_of(
    block: Block, files: Sequence[LabelFile], number: dict[str, int], wanted: Wanted
) -> tuple[Counter[str], Labels, list[Rejected]]:
    """How many records of each file a block has, the wanted ones, and those that can't be read."""
    records, places, rejected = parse(block)
    ids = pc.struct_field(records, ["eventMetadata", "eventId"])
    nameless = pc.fill_null(pc.equal(ids, ""), True).to_numpy(zero_copy_only=False)
    lines = block.lines
    for i in np.flatnonzero(nameless).tolist():
        rejected.append(rejected_line(lines[places[i]], NAMELESS))
    keys = hash_values(pc.fill_null(ids, ""))
    indices = np.flatnonzero(wanted(keys) & ~nameless)
    origins = [lines[place] for place in places[indices].tolist()]
    matches = records.take(pa.array(indices))
    labels = Labels(
        files,
        keys[indices],
        np.fromiter((number[file] for file, _, _ in origins), np.int32, len(origins)),
        np.fromiter((line for _, line, _ in origins), np.int64, len(origins)),
        pc.struct_field(matches, ["groundTruthData", "data"]),
        pc.struct_field(matches, ["groundTruthData", "encoding"]),
    )
    counts = Counter(lines[place][0] for place in places.tolist())
    return counts + Counter(record.file for record in rejected if record.reason != NAMELESS), labels, rejected


def as_of(files: Iterable[LabelFile]) -> str | None:
    """The end of the last hour in which labels of these files were collected; None if no folder says."""
    hours = [label.hour for label in files if label.hour]
    return iso(max(hours) + HOUR) if hours else None
