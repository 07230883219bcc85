"""Would the answer be another one if the person were of the other side? The flip test, by nearest neighbours.

Black, Yeom & Fredrikson (2020), "FlipTest: fairness testing via optimal transport", as the original approximates it
(section 2.3 of the specification of bias).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np

from model_monitor.core.constraints import Undefined
from model_monitor.core.states import Sample
from model_monitor.monitors.bias.facets import Key
from model_monitor.monitors.bias.reasons import EMPTY_A, EMPTY_D, NOT_NUMERIC

NEIGHBOURS = 5
FEW_NEIGHBOURS, FEW_ROWS = 1, 9  # so many neighbours where side a has no more than so many rows
REACH = 24  # neighbours known of each row, of which a resample takes the nearest that it holds
RESAMPLES = 200  # at most: each asks all neighbours again
MAX_FEATURES = 200  # beyond, no row is kept: neighbours mean little there, and a State is to stay small
REPEATED = 4  # times the sample's size: so many rows at most, when rows that occur often are repeated


@dataclass(frozen=True, eq=False)
class Flips:
    """Features of both sides (rows x features, float64), and whether their predictions are positive."""

    a: np.ndarray
    a_positive: np.ndarray
    d: np.ndarray
    d_positive: np.ndarray

    @property
    def value(self) -> float:
        """Rows of d that are predicted positive and whose neighbours in a are not, less the converse, of all of d."""
        from sklearn.neighbors import KNeighborsClassifier

        model = KNeighborsClassifier(n_neighbors=neighbours(len(self.a))).fit(self.a, self.a_positive)
        as_if_a = model.predict(self.d)
        up, down = np.count_nonzero(self.d_positive & ~as_if_a), np.count_nonzero(~self.d_positive & as_if_a)
        return int(up - down) / len(self.d)

    def error(self, resamples: int, seed: int) -> float | None:
        """Standard error, by resampling the rows of both sides; None of fewer than two rows on one.

        A row of a that a resample holds twice is two neighbours. Nearest are those among ``REACH`` known ones.
        """
        if min(len(self.a), len(self.d)) < 2:
            return None
        from sklearn.neighbors import NearestNeighbors

        k = neighbours(len(self.a))
        known = NearestNeighbors(n_neighbors=min(REACH, len(self.a))).fit(self.a)
        nearest = known.kneighbors(self.d, return_distance=False)
        positive = self.a_positive[nearest]
        chance = np.random.default_rng(seed)
        found = []
        for _ in range(min(resamples, RESAMPLES)):
            held = np.bincount(chance.integers(0, len(self.a), len(self.a)), minlength=len(self.a))[nearest]
            taken = np.clip(k - (held.cumsum(axis=1) - held), 0, held)
            as_if_a = 2 * (taken * positive).sum(axis=1) > taken.sum(axis=1)
            verdicts = self.d_positive.astype(int) - as_if_a
            found.append(verdicts[chance.integers(0, len(self.d), len(self.d))].mean())
        return float(np.std(found, ddof=1))


def neighbours(rows: int) -> int:
    return NEIGHBOURS if rows > FEW_ROWS else FEW_NEIGHBOURS


@dataclass(frozen=True)
class Row:
    """What the sample kept of a row, see ``bias_sample.of``, and how often it was seen."""

    keys: list[Key | None]
    prediction: int
    own: list[list[str]]
    features: dict[str, float | str | None]
    times: int


def rows_of(sample: Sample) -> list[Row]:
    return [row_of(text, times) for (_, text), times in sample.rows.items()]


def row_of(text: str, times: int) -> Row:
    keys, prediction, own, features = json.loads(text)
    return Row(keys, prediction, own, features, times)


def flips_of(
    rows: Iterable[Row], facet: int, is_d: Callable[[Key], bool], is_positive: Callable[[int], bool], size: int
) -> Flips | Undefined:
    """The two sides of a facet, given by its place, without its own columns; or why they can't be compared.

    Rows that lack a feature or the facet are left out. Rows that occur several times are repeated, in proportion where
    that would be more than ``REPEATED`` times the sample's size.
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
    return sides(*(np.repeat(x, times, axis=0) for x in (features, positive, np.array([is_d(k) for _, k in whole]))))


def sides(features: np.ndarray, positive: np.ndarray, of_d: np.ndarray) -> Flips | Undefined:
    of_d = of_d.astype(bool)
    if not of_d.any():
        return Undefined(EMPTY_D["FT"])
    if of_d.all():
        return Undefined(EMPTY_A["FT"])
    return Flips(features[~of_d], positive[~of_d], features[of_d], positive[of_d])


def repeats(times: np.ndarray, size: int) -> np.ndarray:
    """How often each row is repeated: as often as it was seen or, beyond a bound, in proportion but at least once."""
    most = REPEATED * size
    if times.sum() <= most:
        return times
    scaled: np.ndarray = np.maximum(1, np.round(times * (most / times.sum()))).astype(np.int64)
    return scaled
