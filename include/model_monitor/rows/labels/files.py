"""Which labels have come? Ground-truth records, read as SageMaker has them (section 6.1 of the specification).

One JSON object per line, or a list of them; the folder ``yyyy/mm/dd/hh`` of a file tells when its labels were
collected. Whoever reads says which ids are wanted, so that memory is bounded by the labels of some requests, however
many others came with them.
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
    """A file of labels and the hour in which they were collected; None where its folder does not tell.

    ``since`` is the first hour in which they may have been collected: another one where the folder tells only a day.
    """

    hour: datetime | None
    file: store.File
    since: datetime | None = None

    @classmethod
    def of(cls, file: store.File) -> LabelFile:
        since, hour = collected_in(file.address)
        return cls(hour, file, since)


def collected_in(address: str) -> tuple[datetime | None, datetime | None]:
    """The first and the last hour that a file's folder tells: the same, or those of a day; None where it tells none."""
    found = list(HOUR_FOLDER.finditer(address.partition("?")[0]))
    try:
        day = datetime.strptime(found[-1]["day"], "%Y/%m/%d").replace(tzinfo=UTC)
        first, last = (int(found[-1]["hour"] or hour) for hour in (0, 23))
        return day.replace(hour=first), day.replace(hour=last)
    except (IndexError, ValueError):
        return None, None


def came_before(address: str, moment: datetime) -> bool:
    """Whether the hour that a file's folder tells had ended by a moment."""
    hour = collected_in(address)[1]
    return hour is not None and hour + HOUR <= moment


@dataclass(frozen=True)
class Labels:
    """Label records, column by column, in the order of collection hour, file and line.

    ``keys`` are hashes of their ids, ``files`` indices into ``read``, ``lines`` 1-based numbers.
    """

    read: Sequence[LabelFile]
    keys: np.ndarray
    files: np.ndarray
    lines: np.ndarray
    data: pa.StringArray
    encodings: pa.StringArray

    def __len__(self) -> int:
        return len(self.keys)

    def take(self, indices: np.ndarray) -> Labels:
        some = pa.array(indices)
        return Labels(
            self.read,
            self.keys[indices],
            self.files[indices],
            self.lines[indices],
            self.data.take(some),
            self.encodings.take(some),
        )

    def of_files(self, addresses: Collection[str]) -> Labels:
        """The records of some of the files."""
        chosen = np.array([label.file.address in addresses for label in self.read], bool)
        return self if chosen.all() else self.take(np.flatnonzero(chosen[self.files]))

    def sorted_by_key(self) -> Labels:
        """The same by rising key; records of one key stay in their order."""
        return self.take(np.argsort(self.keys, kind="stable"))

    def reject(self, index: int, reason: str) -> Rejected:
        """The record at an index, set aside."""
        file = self.read[int(self.files[index])]
        text = f"{self.encodings[index]}: {self.data[index]}"
        return Rejected(file.file.address, int(self.lines[index]), reason, file.hour, text)

    def repeats(self) -> np.ndarray:
        """Which records say the same as an earlier one with the same key."""
        said = pc.dictionary_encode(self.as_json()).indices.to_numpy()
        order = np.lexsort((np.arange(len(self)), said, self.keys))
        keys, said = self.keys[order], said[order]
        again = np.zeros(len(self), bool)
        again[order[1:]] = (keys[1:] == keys[:-1]) & (said[1:] == said[:-1])
        return again

    def hour_of(self, indices: np.ndarray) -> list[str]:
        """When some of the records were collected: the hour as ISO 8601, empty where it is not known."""
        hours = [iso(file.hour) if file.hour else "" for file in self.read]
        return [hours[i] for i in self.files[indices].tolist()]

    def as_json(self) -> pa.StringArray:
        """The ``groundTruthData`` object of each record, as JSON."""
        return joined('{"data":', quoted(self.data), ',"encoding":', quoted(self.encodings), "}")

    def values(self, attribute: str | int) -> Values:
        """The labels in each record's data; an encoding that is not told is CSV."""
        return values_of(self.data, pc.fill_null(self.encodings, "CSV"), attribute)


@dataclass(frozen=True)
class Values:
    """The labels in each of some records: ``counts[i]`` texts from ``starts[i]`` on, or why they can't be read."""

    texts: pa.StringArray
    starts: np.ndarray
    counts: np.ndarray
    problems: dict[int, str] = field(default_factory=dict)


@dataclass
class Reading:
    """What was read: how many records each file has, how many of them can't be read, and some of those."""

    records: Counter[str] = field(default_factory=Counter)
    rejected: Counter[str] = field(default_factory=Counter)
    kept: list[Rejected] = field(default_factory=list)

    def summary(self, origin: dict[str, Any]) -> Summary:
        """The beginning of a summary of what is made of some of the files, those that ``origin`` lists."""
        mine = [address for address, _, _ in origin["files"]]
        counts = {address: [self.records[address], self.rejected[address]] for address in mine}
        summary = Summary(origin, labels={"files": counts})
        for one in self.kept:
            if one.file in counts:
                summary.reject(one)
        summary.rejected = sum(self.rejected[address] for address in mine)
        return summary


def read(files: Sequence[LabelFile], wanted: Wanted) -> tuple[Labels, Reading]:
    """The wanted records of some files, and what was read to find them."""
    number = {label.file.address: i for i, label in enumerate(files)}
    found, reading = [], Reading()
    for counts, labels, rejected in ahead(
        lambda b: wanted_of(b, files, number, wanted), blocks([f.file for f in files])
    ):
        reading.records.update(counts)
        reading.rejected.update(one.file for one in rejected)
        reading.kept += rejected[: KEPT_REJECTED - len(reading.kept)]
        found.append(labels)
    return gathered(files, found), reading


def gathered(files: Sequence[LabelFile], found: Sequence[Labels]) -> Labels:
    def numbers(name: str, kind: type) -> np.ndarray:
        return np.concatenate([np.empty(0, kind), *(getattr(labels, name) for labels in found)])

    def texts(name: str) -> pa.StringArray:
        return pa.concat_arrays([pa.array([], pa.string()), *(getattr(labels, name) for labels in found)])

    keys, places, lines = numbers("keys", np.uint64), numbers("files", np.int32), numbers("lines", np.int64)
    return Labels(files, keys, places, lines, texts("data"), texts("encodings"))


def wanted_of(
    block: Block, files: Sequence[LabelFile], number: dict[str, int], wanted: Wanted
) -> tuple[Counter[str], Labels, list[Rejected]]:
    """How many records of each file a block has, those that matter, and those that can't be read."""
    records, places, rejected = parse(block)
    ids = pc.struct_field(records, ["eventMetadata", "eventId"])
    nameless = pc.fill_null(pc.equal(ids, ""), True).to_numpy(zero_copy_only=False)
    lines = block.lines
    for i in np.flatnonzero(nameless).tolist():
        rejected.append(rejected_line(lines[places[i]], NAMELESS))
    keys = hash_values(pc.fill_null(ids, ""))
    chosen = np.flatnonzero(wanted(keys) & ~nameless)
    here = [lines[place] for place in places[chosen].tolist()]
    some = records.take(pa.array(chosen))
    labels = Labels(
        files,
        keys[chosen],
        np.fromiter((number[file] for file, _, _ in here), np.int32, len(here)),
        np.fromiter((line for _, line, _ in here), np.int64, len(here)),
        pc.struct_field(some, ["groundTruthData", "data"]),
        pc.struct_field(some, ["groundTruthData", "encoding"]),
    )
    counts = Counter(lines[place][0] for place in places.tolist())
    return counts + Counter(one.file for one in rejected if one.reason != NAMELESS), labels, rejected


def values_of(data: pa.StringArray, encodings: pa.StringArray, attribute: str | int) -> Values:
    """The labels in some records' data; those that are written alike are read once."""
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


def as_of(files: Iterable[LabelFile]) -> str | None:
    """How far labels had come when some files were all: the end of the last hour that they tell; None of none."""
    hours = [label.hour for label in files if label.hour]
    return iso(max(hours) + HOUR) if hours else None
