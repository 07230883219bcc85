"""Bounds on the columns of requests, whose names the caller of an endpoint may choose.

A request with more than ``COLUMNS_AT_MOST`` values in a row is set aside. If the requests of a span together have more
columns than that, those are set aside that have a column which is rare in a sample of the requests. The sample, and so
the decision, does not depend on the order of requests, or on how they are cut into files and blocks.
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

COLUMNS_AT_MOST = 10_000  # of a row, and of a span
SAMPLED_REQUESTS = 200
WIDE = 200  # names of a single object
ONE_IN = 16  # texts whose names are counted before the names of all are
TOO_WIDE = f"more than {COLUMNS_AT_MOST} values in a row"
RARE = f"it has a column that few others have, where all have more than {COLUMNS_AT_MOST} together"

names_in = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


def are_crowded(texts: pa.StringArray) -> bool:
    """Whether flat JSON objects may have more names than a table of them should have columns: a single wide object, of
    which it takes long to make one, or many that are unlike each other."""
    marks = pc.count_substring(texts, ":").to_numpy(zero_copy_only=False)
    if len(marks) == 1:
        return bool(marks[0] > WIDE)
    if marks.sum() <= COLUMNS_AT_MOST:
        return False
    some = np.flatnonzero((marks > 2 * np.median(marks)) | (np.arange(len(marks)) % ONE_IN == 0))
    widest, names = distinct(texts.take(pa.array(some)).to_pylist())
    if names <= widest + COLUMNS_AT_MOST // ONE_IN:
        return names > COLUMNS_AT_MOST
    return distinct(texts.to_pylist())[1] > COLUMNS_AT_MOST


def distinct(texts: Iterable[str]) -> tuple[int, int]:
    """How many names the widest of some JSON objects has, and all have."""
    names: set[str] = set()
    widest = 0
    for text in texts:
        try:
            own = names_in(text)
        except (msgspec.DecodeError, RecursionError, ValueError):
            continue  # no flat object of Unicode: other code says so
        names.update(own)
        widest = max(widest, len(own))
        if len(names) > COLUMNS_AT_MOST:
            break
    return widest, len(names)


def apart(requests: Sequence[int], names_of: Iterable[Collection[str]]) -> Iterator[list[int]]:
    """Requests in groups whose tables have few columns: a table has a cell for each request and column."""
    group: list[int] = []
    names: set[str] = set()
    for request, own in zip(requests, names_of, strict=True):
        if group and len(names.union(own)) > COLUMNS_AT_MOST:
            yield group
            group, names = [], set()
        group.append(request)
        names.update(own)
    if group:
        yield group


class Census:
    """The names of columns of the requests with the smallest hashes."""

    def __init__(self) -> None:
        self.sample: list[tuple[int, tuple[str, ...]]] = []  # a heap, the largest hash first

    def wanted(self, hashes: np.ndarray) -> np.ndarray:
        """The indices of requests that may belong to the sample."""
        order: np.ndarray = np.argsort(hashes, kind="stable")[:SAMPLED_REQUESTS]
        is_full = len(self.sample) >= SAMPLED_REQUESTS
        return order[hashes[order] <= -self.sample[0][0]] if is_full else order

    def add(self, hashed: int, tables: Iterable[pa.Table]) -> None:
        """Add a request, whose rows are in ``tables``."""
        columns = (column for table in tables for column in zip(table.column_names, table.columns, strict=True))
        names = sorted({name for name, values in columns if values.null_count < len(values)})
        heapq.heappush(self.sample, (-hashed, tuple(names)))
        if len(self.sample) > SAMPLED_REQUESTS:
            heapq.heappop(self.sample)

    @property
    def common(self) -> frozenset[str]:
        """The most frequent names, of those that more than one request has."""
        counts = Counter(name for _, names in self.sample for name in names)
        often = sorted((name for name, count in counts.items() if count > 1), key=lambda name: (-counts[name], name))
        return frozenset(often[:COLUMNS_AT_MOST])


def rare(columns: pa.Table, counts: np.ndarray, common: frozenset[str]) -> np.ndarray:
    """Which requests, of ``counts`` rows each, have a value in a column that is not common."""
    has = np.zeros(columns.num_rows, bool)
    for name in columns.column_names:
        if name not in common:
            has |= columns.column(name).is_valid().to_numpy()
    odd = np.zeros(len(counts), bool)
    odd[np.repeat(np.arange(len(counts)), counts)[has]] = True
    return odd
