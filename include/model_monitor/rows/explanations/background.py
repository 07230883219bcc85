"""Choose the background rows, which stand for "this feature is not known"."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np
import pyarrow as pa

from model_monitor.errors import ConfigError, DataError
from model_monitor.rows.explanations import tables

Value = float | str | None
Row = tuple[Value, ...]

MOST_ROWS = 12  # taken as they are; SageMaker makes at most so many itself
CLUSTERS = 5  # the cost of explaining a row grows with them
SAMPLE = 10_000
STARTS = 10  # of k-means


def background_of(
    batches: Iterable[pa.RecordBatch], features: Sequence[str], num_clusters: int | None = None, seed: int = 0
) -> tuple[tuple[Row, ...], tuple[float, ...]]:
    """Background rows and their weights (sum 1) from a dataset. Raises ConfigError, DataError if there are no rows.

    Without ``num_clusters``, up to 12 rows are taken as they are and more are clustered into 5: k-means of the scaled
    numeric columns. A row stands for each cluster: its numbers are the column's values nearest to the cluster's means,
    its other values those of the nearest row, its weight is the cluster's share. Without numeric columns the most
    frequent rows are taken. Of a dataset of more than 10,000 rows, 10,000 are sampled.
    """
    if num_clusters is not None and num_clusters < 1:
        raise ConfigError(f"num_clusters is at least 1, not {num_clusters}")
    rows, _ = tables.sample(batches, features, SAMPLE)
    if not rows.num_rows:
        raise DataError("the dataset for the background has no rows; give another, or rows as background")
    names = list(features) or [name for name in rows.column_names if not name.startswith("@")]
    columns = [rows.column(name) for name in names]
    numeric = [tables.is_numeric(column) is not False for column in columns]
    table = tables.matrix(columns, numeric)
    if num_clusters is None and len(table) <= MOST_ROWS:
        return as_rows(table), (1 / len(table),) * len(table)
    places = [i for i, yes in enumerate(numeric) if yes]
    count = num_clusters or CLUSTERS
    return clustered(table, places, count, seed) if places else most_frequent(table, count)


def clustered(
    table: np.ndarray, numeric: list[int], count: int, seed: int
) -> tuple[tuple[Row, ...], tuple[float, ...]]:
    """A row for each cluster, and the cluster's share of all rows."""
    from sklearn.cluster import KMeans

    numbers = table[:, numeric].astype(np.float64)
    known = ~np.isnan(numbers)
    means = np.array([column[has].mean() if has.any() else 0.0 for column, has in zip(numbers.T, known.T, strict=True)])
    filled = np.where(known, numbers, means)
    scale = filled.std(axis=0)
    scaled = (filled - means) / np.where(scale > 0, scale, 1.0)
    distinct = len(np.unique(scaled, axis=0))
    clusters = KMeans(min(count, distinct), n_init=STARTS, random_state=seed).fit(scaled)
    nearest = [int(np.square(scaled - center).sum(axis=1).argmin()) for center in clusters.cluster_centers_]
    rows = table[nearest]
    for row, center in zip(rows, clusters.cluster_centers_, strict=True):
        for place, column, middle in zip(numeric, scaled.T, center, strict=True):
            row[place] = table[np.abs(column - middle).argmin(), place]
    shares = np.bincount(clusters.labels_) / len(table)
    order = np.lexsort((np.array(nearest), -shares))
    return as_rows(rows[order]), tuple(shares[order].tolist())


def most_frequent(table: np.ndarray, count: int) -> tuple[tuple[Row, ...], tuple[float, ...]]:
    """The most frequent rows, and their shares among these."""
    top = Counter(as_rows(table)).most_common(count)
    total = sum(n for _, n in top)
    return tuple(row for row, _ in top), tuple(n / total for _, n in top)


def as_rows(table: np.ndarray) -> tuple[Row, ...]:
    """Rows as tuples, None where a value is missing."""
    return tuple(tuple(None if value != value else value for value in row) for row in table.tolist())


def table_of(background: Sequence[Row], features: Sequence[str]) -> tuple[np.ndarray, list[bool | None]]:
    """Background rows as a ``tables.matrix``, and which features are numeric (None: no row has a value). Raises
    ConfigError without rows, or for rows of another width."""
    if not background:
        raise ConfigError("an explainer needs background rows: give some, or a dataset to make them from")
    if odd := next((row for row in background if len(row) != len(features)), None):
        raise ConfigError(
            f"a background row has {len(odd)} values where there are {len(features)} features: {', '.join(features)}"
        )
    numeric: list[bool | None] = []
    for column in zip(*background, strict=True):
        values = [value for value in column if value is not None and value == value]
        numeric.append(not any(isinstance(value, str) for value in values) if values else None)
    if any(yes is False for yes in numeric):
        rows = [[plain(value, yes) for value, yes in zip(row, numeric, strict=True)] for row in background]
        return np.array(rows, object), numeric
    return np.array([[np.nan if v is None else float(v) for v in row] for row in background]), numeric


def plain(value: Value, numeric: bool | None) -> Value:
    """A value of a background row; a number among texts is a text."""
    if value is None or isinstance(value, str) or value != value:
        return None if value != value else value
    return float(value) if numeric else str(value)
