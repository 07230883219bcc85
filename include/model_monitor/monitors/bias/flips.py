"""The flip test: would the answer change if the person were on the other side?

Black, Yeom & Fredrikson (2020), "FlipTest: fairness testing via optimal transport", by nearest neighbours as SageMaker
approximates it (docs/sagemaker-formats.md, Bias). First the rows that a State keeps for it, then the metric.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from model_monitor.core import batch as batches
from model_monitor.core.hashing import combine, hash_coded, hash_values
from model_monitor.core.measures import Undefined
from model_monitor.core.states import Sample
from model_monitor.core.states.sample import Key as SampleKey
from model_monitor.monitors.answers import absent
from model_monitor.monitors.bias.facets import Key, Members
from model_monitor.monitors.bias.options import Options
from model_monitor.monitors.bias.reasons import EMPTY, NOT_NUMERIC
from model_monitor.monitors.values import canonical, column, name_of, numbers

NEIGHBOURS = 5
FEW_NEIGHBOURS, FEW_ROWS = 1, 9  # neighbours where side a has at most 9 rows
REACH = 24  # neighbours searched for each row; a resample takes the nearest that it holds
RESAMPLES = 200  # at most, as each looks at all neighbours again
MAX_FEATURES = 200  # beyond, no row is kept: neighbours mean little, and a State stays small
REPEATED = 4  # times the sample's size is the most rows after repetition


def sample_of(options: Options, rows: pa.RecordBatch, members: list[Members], predictions: np.ndarray) -> Sample:
    """A sample of usable rows, by the hash of the event id or, without event ids, of the row's values.

    A row is kept as a JSON list: the facets' keys (null where there is none), the prediction's code, each facet's own
    columns, and the features by name: numbers, other texts as they are, null for none.
    """
    names = features_of(options, rows)
    if not options.has_predictions or not options.sample_rows or not rows.num_rows or len(names) > MAX_FEATURES:
        return Sample(options.sample_rows)
    alike = batches.EVENT_ID not in rows.schema.names  # rows of one content have one text, those of one event may not
    contents = [pa.array(predictions), *map(keys_of, members), *(column(rows, name) for name in names)]
    columns = contents if alike else [rows.column(batches.EVENT_ID)]
    hashes = combine(map(hash_column, columns), rows.num_rows, factor=3)
    lowest, first, counts = np.unique(hashes, return_index=True, return_counts=True)
    places, times = first[: options.sample_rows], counts[: options.sample_rows]
    if not alike:
        places = np.flatnonzero(hashes <= lowest[: options.sample_rows][-1])
        times = np.ones(len(places), np.int64)
    sample: dict[SampleKey, int] = {}
    column_names = batches.columns(rows)
    named = ([name_of(name, column_names) for name in facet.names] for facet in options.facets)
    own = [[name for name in names if name is not None] for names in named]
    sample_members = [Members(facet.keys, facet.index[places]) for facet in members]
    lines = texts(rows.take(pa.array(places)), names, sample_members, predictions[places], own)
    for row, text, n in zip(places.tolist(), lines, times, strict=True):
        key = (int(hashes[row]), text)
        sample[key] = sample.get(key, 0) + int(n)
    return Sample(options.sample_rows).adding(sample)


def features_of(options: Options, rows: pa.RecordBatch) -> list[str]:
    """The columns whose values make rows neighbours, before a facet's own are left out."""
    if options.features:
        return list(options.features)
    column_names = batches.columns(rows)
    answer = (options.ground_truth_attribute, options.inference_attribute, options.probability_attribute)
    taken = {name_of(attribute, column_names) for attribute in answer}
    return [name for name in column_names if name not in taken]


def keys_of(members: Members) -> pa.Array:
    """The key of each row as a text."""
    texts = pa.array([str(key) for key in members.keys], pa.string())
    return texts.take(pa.array(members.index, mask=members.index < 0))


def texts(
    rows: pa.RecordBatch, names: list[str], members: list[Members], predictions: np.ndarray, own: list[list[str]]
) -> Iterator[str]:
    """The JSON list of each row."""
    values = [values_of(column(rows, name)) for name in names]
    for i, prediction in enumerate(predictions.tolist()):
        keys = [facet.keys[facet.index[i]] if facet.index[i] >= 0 else None for facet in members]
        features = {name: value[i] for name, value in zip(names, values, strict=True)}
        yield json.dumps([keys, prediction, own, features], ensure_ascii=False)


def values_of(array: pa.Array) -> list[float | str | None]:
    """Numbers, texts that are not numbers, None for a missing value."""
    numeric = numbers(array)
    odd = pc.and_(pc.is_null(numeric), pa.array(~absent(array)))
    if not pc.any(odd).as_py():
        return list(numeric.to_pylist())
    others = canonical(array).to_pylist()
    columns = zip(numeric.to_pylist(), others, odd.to_pylist(), strict=True)
    return [other if strange else number for number, other, strange in columns]


def hash_column(array: pa.Array) -> np.ndarray:
    """A hash of each value, however the column is encoded."""
    kind = array.type
    if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_boolean(kind):
        array = array.cast(pa.int8()) if pa.types.is_boolean(kind) else array
        return hash_values(array.cast(pa.float64()))  # else nulls alone would decide whether whole numbers are floats
    if isinstance(array, pa.DictionaryArray):
        return hash_coded(array)
    is_text = pa.types.is_string(kind) or pa.types.is_large_string(kind)
    return hash_coded((array if is_text else canonical(array)).dictionary_encode())


@dataclass(frozen=True, eq=False)
class Flips:
    """Features of both sides (rows x features, float64), and whether their predictions are positive."""

    a: np.ndarray
    a_positive: np.ndarray
    d: np.ndarray
    d_positive: np.ndarray

    @property
    def value(self) -> float:
        """The share of d predicted positive while its neighbours in a are not, minus the share of the converse."""
        from sklearn.neighbors import KNeighborsClassifier

        model = KNeighborsClassifier(n_neighbors=neighbours(len(self.a))).fit(self.a, self.a_positive)
        as_if_a = model.predict(self.d)
        up, down = np.count_nonzero(self.d_positive & ~as_if_a), np.count_nonzero(~self.d_positive & as_if_a)
        return int(up - down) / len(self.d)

    def error(self, resamples: int, seed: int) -> float | None:
        """Standard error, by resampling the rows of both sides; None if a side has fewer than two.

        A row of a that a resample holds twice counts as two neighbours. Neighbours are among the ``REACH`` nearest.
        """
        if min(len(self.a), len(self.d)) < 2:
            return None
        from sklearn.neighbors import NearestNeighbors

        k = neighbours(len(self.a))
        known = NearestNeighbors(n_neighbors=min(REACH, len(self.a))).fit(self.a)
        nearest = known.kneighbors(self.d, return_distance=False)
        positive = self.a_positive[nearest]
        chance = np.random.default_rng(seed)
        means = []
        for _ in range(min(resamples, RESAMPLES)):
            held = np.bincount(chance.integers(0, len(self.a), len(self.a)), minlength=len(self.a))[nearest]
            taken = np.clip(k - (held.cumsum(axis=1) - held), 0, held)
            as_if_a = 2 * (taken * positive).sum(axis=1) > taken.sum(axis=1)
            verdicts = self.d_positive.astype(int) - as_if_a
            means.append(verdicts[chance.integers(0, len(self.d), len(self.d))].mean())
        return float(np.std(means, ddof=1))


def neighbours(rows: int) -> int:
    return NEIGHBOURS if rows > FEW_ROWS else FEW_NEIGHBOURS


@dataclass(frozen=True)
class Row:
    """How often a row of the sample occurred, and the row as ``sample_of`` keeps it."""

    times: int
    keys: list[Key | None]
    prediction: int
    own: list[list[str]]
    features: dict[str, float | str | None]


def rows_of(sample: Sample) -> list[Row]:
    return [Row(times, *json.loads(text)) for (_, text), times in sample.rows.items()]


def flips_of(
    rows: Iterable[Row], facet: int, is_d: Callable[[Key], bool], is_positive: Callable[[int], bool], size: int
) -> Flips | Undefined:
    """The two sides of the ``facet``-th facet, without its own columns; or why they can't be compared.

    Rows that lack a feature or the facet are left out. Rows that occurred several times are repeated, in proportion
    if that would exceed ``REPEATED`` times the sample's size.
    """
    known = [(row, key) for row in rows if (key := row.keys[facet]) is not None]
    if not known:
        return Undefined(f"no row was kept for the flip test; it takes from 1 to {MAX_FEATURES} columns, see features")
    names = [name for name in known[0][0].features if name not in known[0][0].own[facet]]
    odd = sorted({name for row, _ in known for name in names if isinstance(row.features.get(name), str)})
    if odd or not names:
        numeric = f"{NOT_NUMERIC}: {', '.join(odd)}; name numeric ones in features, or set sample_rows to 0"
        return Undefined(numeric if odd else "the flip test has no feature to compare by")
    whole = [(row, key) for row, key in known if all(row.features.get(name) is not None for name in names)]
    times = repeats(np.array([row.times for row, _ in whole], np.int64), size)
    features = np.array([[row.features[name] for name in names] for row, _ in whole], float).reshape(-1, len(names))
    positive = np.array([is_positive(row.prediction) for row, _ in whole], bool)
    of_d = np.array([is_d(key) for _, key in whole], bool)
    features, positive, of_d = (np.repeat(values, times, axis=0) for values in (features, positive, of_d))
    if not of_d.any():
        return Undefined(EMPTY["FT"][1])
    if of_d.all():
        return Undefined(EMPTY["FT"][0])
    return Flips(features[~of_d], positive[~of_d], features[of_d], positive[of_d])


def repeats(times: np.ndarray, size: int) -> np.ndarray:
    """How often each row is repeated: as often as it occurred or, beyond a bound, in proportion but at least once."""
    most = REPEATED * size
    if times.sum() <= most:
        return times
    return np.asarray(np.maximum(1, np.round(times * (most / times.sum()))), np.int64)
