"""Do the same features still matter most to the model?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, get_args

import numpy as np

from model_monitor.core import importances
from model_monitor.core.constraints import Constraint, Near, Unlearned
from model_monitor.core.importances import Importances
from model_monitor.core.measures import Measure, Measures, Subject, Undefined
from model_monitor.core.monitor import Monitor
from model_monitor.monitors import checks
from model_monitor.monitors.attribution.state import LARGEST, AggMethod, Explained, OfLabel, observe
from model_monitor.monitors.options import SharedOptions
from model_monitor.monitors.traits import BUILT_IN

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["ATTRIBUTIONS", "DRIFT", "EXPECTED", "Attribution", "Explained", "Moved", "moved", "ndcg"]

DRIFT = "feature_attribution_drift_check"  # what the constraint is called in reports
ATTRIBUTIONS = "attributions"  # the measure of a label that is judged: an ``Importances``; the finding observes NDCG
EXPECTED = "expected"  # the model's mean prediction on the background rows: a float


@dataclass(frozen=True)
class Attribution(SharedOptions, Monitor[Explained]):
    """How much each feature moves each of the model's outputs, over all explained rows, against a baseline.

    Rows are explained ones: a float64 column ``{label}|{feature}`` for each output and feature, e.g. ``approved|age``,
    and a constant column ``@expected|{label}`` for each output. Subject of a measure: ``Subject(label)``.

    agg_method: turns the attributions of rows into one number for each feature: "mean_abs", the mean of their absolute
        values; "median", which is signed; or "mean_sq", the mean of their squares.
    ndcg_threshold: NDCG (0..1) below which the order of the features has drifted, e.g. ``0.9``.
    compatibility: "calibrated" weighs chance: violated only if the upper end of NDCG's interval is below the threshold
        too. "sagemaker" compares NDCG itself.
    level: probability (0..1) of the reported intervals.
    resamples: how often importances are drawn for intervals and for the chance in NDCG, at least 100.
    seed: of these draws, 0 or more.
    false_alarm_budget: probability (0..1) of any violation in a window of unchanged attributions (calibrated only).
    """

    agg_method: AggMethod = "mean_abs"
    ndcg_threshold: float = 0.90
    level: float = 0.95
    resamples: int = 1000
    seed: int = 0

    traits: ClassVar = BUILT_IN["attribution"]

    def problems(self) -> Iterator[str]:
        yield from super().problems()
        if self.agg_method not in get_args(AggMethod):
            yield f"agg_method is mean_abs, median or mean_sq, not {self.agg_method!r}"
        if not 0 <= self.ndcg_threshold <= 1:
            yield f"ndcg_threshold is between 0 and 1, not {self.ndcg_threshold}"
        yield from checks.probabilities(level=self.level)
        if self.resamples < 100 or self.seed < 0:
            yield "resamples are at least 100, and a seed is not negative"

    @property
    def empty(self) -> Explained:
        return Explained(self.agg_method)

    def observe(self, batch: pa.RecordBatch) -> Explained:
        """Raises DataError if the rows are not explained ones."""
        return observe(self.agg_method, batch)

    def measure(self, state: Explained) -> Measures:
        """Of each label: ``attributions`` (Importances) and ``expected``; Undefined without a usable row, and
        calibrated attributions that are all 0, which have no order."""
        measures: dict[tuple[Subject, str], Measure] = {}
        for label, one in state.labels.items.items():
            subject, nothing = Subject(label), Undefined("no row was explained")
            measures[subject, ATTRIBUTIONS] = self.judged(one) if one.n else nothing
            measures[subject, EXPECTED] = one.expected_value if one.n else nothing
        return measures

    def suggest(self, baseline: Explained) -> Iterator[Constraint]:
        return self.constraints(self.global_values(baseline), self.standard_errors(baseline), self.rows(baseline))

    def labels(self, state: Explained) -> list[str]:
        """The model's outputs, in the order of the columns."""
        return list(state.labels.items)

    def features(self, state: Explained) -> list[str]:
        """The features, in the order of the columns."""
        return list(next((one.sums.names for one in state.labels.items.values()), ()))

    def rows(self, state: Explained) -> int:
        """The number of rows explained and usable (no null, NaN or enormous attribution)."""
        return state.rows - state.skipped

    def unusable(self, state: Explained) -> dict[str, int]:
        """The number of rows left out, by reason."""
        return {f"an attribution is missing or beyond {LARGEST:g}": state.skipped} if state.skipped else {}

    def global_values(self, state: Explained) -> dict[str, dict[str, float]]:
        """``global_shap_values`` of ``analysis.json``, by label and feature; none for labels without explained rows."""
        return {
            label: dict(zip(one.sums.names, one.values.tolist(), strict=True))
            for label, one in state.labels.items.items()
            if one.n
        }

    def standard_errors(self, state: Explained) -> dict[str, dict[str, float]]:
        """The standard error of each of ``global_values``, for labels with at least two rows."""
        return {
            label: dict(zip(one.sums.names, np.sqrt(np.diag(one.covariance)).tolist(), strict=True))
            for label, one in state.labels.items.items()
            if one.n > 1
        }

    def expected(self, state: Explained) -> dict[str, float]:
        """By label: ``expected_value`` of ``analysis.json``."""
        return {label: one.expected_value for label, one in state.labels.items.items() if one.n}

    def judged(self, one: OfLabel) -> Importances | Undefined:
        """The importances of a label with at least one row; calibrated, Undefined if they have no order."""
        if self.calibrated and not one.values.any():
            return Undefined("no feature moves the model's answers, so they come in no order")
        return self.importances(one)

    def importances(self, one: OfLabel) -> Importances:
        """Of a label with at least one row."""
        covariance = one.covariance if one.n > 1 else None
        return Importances(one.sums.names, one.values, covariance, one.n, self.resamples, self.seed)

    def constraints(
        self,
        baseline: Mapping[str, Mapping[str, float]],
        errors: Mapping[str, Mapping[str, float]] | None = None,
        rows: int | None = None,
    ) -> Iterator[Constraint]:
        """One for each label of a baseline's ``global_values``, e.g. as read back from ``analysis.json``.

        ``errors`` and ``rows`` are the baseline's ``standard_errors`` and ``rows`` if known. SageMaker's files have
        none: then only the live window's chance is weighed. The bound is ``Near(to=Importances, distance="ndcg",
        threshold=ndcg_threshold)``, or calibrated ``Unlearned`` where the baseline has no order to keep; a finding's
        ``observed`` is NDCG, its ``noise_floor`` how far chance takes that.
        """
        level = self.false_alarm_budget / max(1, len(baseline)) if self.calibrated else None
        for label, values in baseline.items():
            to = expectation(values, (errors or {}).get(label), rows or 0)
            bound: Near | Unlearned = Near(to, "ndcg", self.ndcg_threshold, level)
            if self.calibrated and (len(values) < 2 or not any(values.values())):
                why = "a single feature is always in order" if any(values.values()) else "no feature moved the answers"
                bound = Unlearned(f"the baseline has no order of features: {why}")
            yield Constraint(DRIFT, Subject(label), ATTRIBUTIONS, bound)

    def interval(
        self,
        state: Explained,
        baseline: Mapping[str, Mapping[str, float]],
        errors: Mapping[str, Mapping[str, float]] | None = None,
        rows: int | None = None,
    ) -> dict[str, tuple[float, float] | None]:
        """By label of the baseline: the interval of NDCG at ``level``, from resampling; None below two rows. The other
        arguments are those of ``constraints``."""
        found: dict[str, tuple[float, float] | None] = {}
        for label, values in baseline.items():
            one, to = state.labels.items.get(label), expectation(values, (errors or {}).get(label), rows or 0)
            if one is None or not one.n:
                found[label] = None
            else:
                found[label] = importances.ndcg_interval(self.importances(one), to, (1 - self.level) / 2)
        return found


def expectation(values: Mapping[str, float], errors: Mapping[str, float] | None, rows: int) -> Importances:
    """A baseline's importances. Files have their errors but not the correlations; without those, chance weighs a
    little more."""
    covariance = np.diag(np.square([errors[name] for name in values])) if errors and rows > 1 else None
    return Importances(tuple(values), np.array([*values.values()], np.float64), covariance, rows)


@dataclass(frozen=True)
class Moved:
    """A feature whose rank (1 is the largest value) differs from the baseline's; None where it does not occur."""

    feature: str
    rank_before: int | None
    rank_now: int | None
    value_before: float | None
    value_now: float | None


def moved(baseline: Mapping[str, float], live: Mapping[str, float]) -> list[Moved]:
    """The features of one label whose ranks differ: first absent ones (which have no rank), then those that moved
    furthest; ties in the order of the baseline. Ranks are by absolute value; equal ones share the better rank."""
    before, now = ranks(baseline), ranks(live)
    features = [*baseline, *(name for name in live if name not in baseline)]
    found = [
        Moved(name, before.get(name), now.get(name), baseline.get(name), live.get(name))
        for name in features
        if before.get(name) != now.get(name)
    ]
    return sorted(found, key=lambda m: -abs(m.rank_now - m.rank_before) if m.rank_now and m.rank_before else -np.inf)


def ranks(values: Mapping[str, float]) -> dict[str, int]:
    """The rank of each feature: one more than there are features of a larger absolute value."""
    sizes = np.abs([*values.values()])
    larger = len(sizes) - np.searchsorted(np.sort(sizes), sizes, side="right")
    return dict(zip(values, (larger + 1).tolist(), strict=True))


def ndcg(baseline: Mapping[str, float], live: Mapping[str, float]) -> float | None:
    """How well live values keep the order of the baseline's: 0..1, 1 is the same order; None without a common feature.

    ``core.importances.ndcg`` of plain numbers.
    """
    return importances.ndcg(Importances.of(live), Importances.of(baseline))
