"""What became of a source's records, and Parquet files of rows with this summary in their footer."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from fractions import Fraction
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from model_monitor import store
from model_monitor.core.window import iso
from model_monitor.errors import DataError, StoreError
from model_monitor.rows import sealed

FOOTER = b"model_monitor"  # marks a Parquet file of collected rows, and holds its summary
KEPT_REJECTED = 1000  # records set aside in a summary; more are only counted
KEPT_CHARACTERS = 2000
KEPT_REASONS = 1000  # a reason may quote a value; more of them count as others
OTHERS = "other reasons"

CHANGED = (
    "the sampling percentage changed: rows count alike in shares, distances and metrics, so the time with the higher "
    "percentage weighs more; counts of requests are scaled each by its own"
)


@dataclass(frozen=True, slots=True)
class Rejected:
    """A record set aside, and why. ``time`` is None if the record has none."""

    file: str
    line: int
    reason: str
    time: datetime | None = None
    text: str = ""


@dataclass
class Summary:
    """What became of the captured records of a span."""

    origin: dict[str, Any]  # what its file was made from
    records: int = 0
    rows: int = 0
    duplicates: int = 0
    rejected: int = 0
    failed: int = 0  # requests left out because they have no answer to judge
    reasons: Counter[str] = field(default_factory=Counter)
    kept: list[dict[str, Any]] = field(default_factory=list)
    shape: list[int] = field(default_factory=list)  # of the usual request: values of output and input; or not known
    headed: int = 0  # requests whose CSV starts with the names of its columns
    captured: dict[str, int] = field(default_factory=dict)  # different readable requests by percentage captured
    labels: dict[str, Any] = field(default_factory=dict)  # what was found of ground truth, if it was looked for

    def reject(self, record: Rejected) -> None:
        self.rejected += 1
        known = record.reason in self.reasons or len(self.reasons) < KEPT_REASONS
        self.reasons[record.reason if known else OTHERS] += 1
        if len(self.kept) < KEPT_REJECTED:
            place = {"file": record.file, "line": record.line, "reason": record.reason}
            text = {"time": record.time and iso(record.time), "record": record.text[:KEPT_CHARACTERS]}
            self.kept.append(place | text)


def percent(number: float) -> str:
    """A percentage as text.

    >>> [percent(number) for number in (20.0, 100.0, 12.5)]
    ['20', '100', '12.5']
    """
    return str(int(number)) if number.is_integer() else repr(number)


def sampling_of(captured: Iterable[Mapping[str, int]]) -> dict[str, Any]:
    """How requests were captured, and about how many there were; {} if all were captured.

    A request that was captured at p percent stands for 100/p (Horvitz & Thompson 1952, "A generalization of sampling
    without replacement from a finite universe").

    >>> sampling_of([{"20": 1000}, {"100": 10}])["requests"]
    5010
    """
    counts: Counter[str] = sum(map(Counter, captured), Counter())
    if not counts.keys() - {"100"}:
        return {}
    by_percentage = {p: counts[p] for p in sorted(counts, key=float)}
    sampling: dict[str, Any] = {
        "sampling": by_percentage,
        "requests": round(sum(n * 100 / Fraction(p) for p, n in by_percentage.items())),
    }
    return sampling | ({"note": CHANGED} if len(counts) > 1 else {})


def summary_of(address: str, whole: bool = False) -> Summary | None:
    """The summary in the footer of a file of rows; None if there is no such file. Raises DataError if the footer is
    damaged, with ``whole`` if anything is."""
    try:
        with sealed.opened(address) as file:
            fields = json.loads(pq.read_metadata(file).metadata[FOOTER])
            if whole:
                file.verify()
    except FileNotFoundError:
        return None
    return Summary(**(fields | {"reasons": Counter(fields["reasons"])}))


def usable(address: str, again: bool) -> Summary | None:
    """The summary of a file of rows that need not be made; None if there is no such file, or a damaged one. A task that
    is run ``again`` looks at all of it."""
    try:
        return summary_of(address, whole=again)
    except DataError:
        return None


@contextmanager
def undamaged(address: str) -> Iterator[None]:
    """Turn PyArrow's errors into a DataError for a damaged Parquet file, and a StoreError for a store."""
    try:
        yield
    except FileNotFoundError:
        raise
    except (pa.ArrowException, KeyError, ValueError, OSError) as error:  # a flipped bit may look like anything
        if getattr(error, "errno", None) or "AWS Error" in str(error):
            raise StoreError(f"{address}: {error}") from error
        reason = " ".join(str(error).split())
        raise DataError(f"{address} can't be read as Parquet: {reason}; restore or remove it") from error


def metadata_in(stream: Any) -> pq.FileMetaData:
    """What the footer of a Parquet file says. Raises ValueError if it has lost rows."""
    metadata = pq.read_metadata(stream)
    groups = sum(metadata.row_group(i).num_rows for i in range(metadata.num_row_groups))
    if groups != metadata.num_rows:
        raise ValueError(f"it should have {metadata.num_rows} rows, and has {groups}")
    return metadata


def batches_of(file: pq.ParquetFile, group: int, size: int, columns: Sequence[str] | None) -> Iterator[pa.RecordBatch]:
    """The rows of a row group in batches of at most ``size``. Raises ValueError if rows are lost."""
    rest = count = file.metadata.row_group(group).num_rows
    for batch in file.iter_batches(size, row_groups=[group], columns=columns, use_threads=True):
        rest -= batch.num_rows
        yield batch
    if rest:
        raise ValueError(f"{rest} of {count} rows are gone")


def writer_of(path: Path, schema: pa.Schema, coded: Sequence[str]) -> pq.ParquetWriter:
    """``coded`` are the columns whose values repeat, which are stored as codes. Texts have no statistics: nobody asks
    for their least and largest, and finding these is a quarter of writing."""
    return pq.ParquetWriter(
        path,
        schema,
        use_dictionary=list(coded) or False,
        compression="zstd",
        compression_level=1,
        write_page_checksum=True,
        write_statistics=[field.name for field in schema if not pa.types.is_string(field.type)],
    )


def add_footer(writer: pq.ParquetWriter, summary: Summary) -> None:
    writer.add_key_value_metadata({FOOTER: json.dumps(vars(summary)).encode()})


@contextmanager
def writing(address: str, schema: pa.Schema, coded: Sequence[str], summary: Summary) -> Iterator[pq.ParquetWriter]:
    """Write a file of rows; ``summary``, as it is at the end, becomes its footer."""
    with store.writing(address) as path:
        with writer_of(path, schema, coded) as writer:
            yield writer
            add_footer(writer, summary)
        sealed.seal(path)


@contextmanager
def opened(address: str) -> Iterator[pq.ParquetFile]:
    """A file of collected rows. Raises DataError if it is gone or damaged."""
    with collected_rows(address) as file:
        yield pq.ParquetFile(file, page_checksum_verification=True)


@contextmanager
def collected_rows(address: str) -> Iterator[sealed.Sealed]:
    """The bytes of a file of collected rows. Raises DataError if it is gone or damaged."""
    try:
        with sealed.opened(address) as file:
            yield file
    except FileNotFoundError as error:
        raise DataError(f"{address} is gone; run the task that made it again") from error


@contextmanager
def dataset_file(address: str) -> Iterator[Any]:
    """The bytes of a Parquet file that a person keeps. Raises DataError if it is damaged."""
    with undamaged(address), store.open_file(address) as stream:
        yield stream
