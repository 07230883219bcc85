"""Do the same features still matter most to the model?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, get_args

import numpy as np

from model_monitor.core.constraints import Constraint, Near, Unlearned
from model_monitor.core.importances import Importances
from model_monitor.core.measures import Measures, Share, Subject, Undefined
from model_monitor.core.monitor import USABLE, Monitor
from model_monitor.monitors.attribution.state import LARGEST, AggMethod, Explained, OfLabel, observe
from model_monitor.monitors.options import Compatibility, SharedOptions, probabilities
from model_monitor.monitors.set_aside import NOTHING, Usable, constraints_of, measures_of, parts_of
from model_monitor.monitors.traits import BUILT_IN

if TYPE_CHECKING:
    import pyarrow as pa

DRIFT = "feature_attribution_drift_check"  # what the constraint is called in reports
ATTRIBUTIONS = "attributions"  # the measure of a label that is judged: an ``Importances``; the finding observes NDCG
EXPECTED = "expected"  # the model's mean prediction on the background rows: a float


@dataclass(frozen=True)
class Conventions:
    """Whether a mode weighs chance, and passes over features that come in no order."""

    weighs_chance: bool = True
    needs_order: bool = True


CONVENTIONS: Mapping[Compatibility, Conventions] = {"calibrated": Conventions(), "sagemaker": Conventions(False, False)}


@dataclass(frozen=True)
class Attribution(SharedOptions, Monitor[Explained]):
    """How much each feature moves each of the model's outputs, over all explained rows, against a baseline.

    Rows are explained ones: a float64 column ``{label}|{feature}`` for each output and feature, e.g. ``approved|age``,
    and a constant column ``@expected|{label}`` for each output. Subject of a measure: ``Subject(label)``.

    agg_method: makes one number for each feature of the rows' attributions: the mean of their absolute values
        ("mean_abs") or of their squares ("mean_sq"), or their "median", which is signed.
    ndcg_threshold: NDCG (0..1) below which the order of the features has drifted, e.g. ``0.9``.
    level: probability (0..1) of the reported intervals.
    resamples, seed: how often (at least 100) importances are drawn for intervals and for the chance in NDCG.
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
        yield from probabilities(level=self.level)
        if self.resamples < 100 or self.seed < 0:
            yield "resamples are at least 100, and a seed is not negative"

    @property
    def conventions(self) -> Conventions:
        return CONVENTIONS[self.compatibility]

    @property
    def empty(self) -> Explained:
        return Explained(self.agg_method)

    def observe(self, batch: pa.RecordBatch) -> Explained:
        """Raises DataError if the rows are not explained ones."""
        return observe(self.agg_method, batch)

    def measure(self, state: Explained) -> Measures:
        """Of each label: ``attributions`` (Importances) and ``expected``; Undefined without a usable row. Of
        everything, calibrated: ``usable_rows``, the Share that was not set aside."""
        measures = measures_of(self.usable(state), Undefined("no row was explained"))
        for label, part in state.labels.items.items():
            attributions = self.importances(part)
            measures[Subject(label), ATTRIBUTIONS] = attributions
            measures[Subject(label), EXPECTED] = part.expected_value if part.n else attributions
        return measures

    def suggest(self, baseline: Explained) -> Iterator[Constraint]:
        values, errors = self.global_values(baseline), self.standard_errors(baseline)
        return self.constraints(values, errors, self.rows(baseline), self.usable(baseline))

    def usable(self, state: Explained) -> dict[str, Share]:
        """How many of the rows were not set aside; {} where chance is not weighed."""
        return {USABLE: Share(self.rows(state), state.rows)} if self.conventions.weighs_chance else {}

    def labels(self, state: Explained) -> list[str]:
        """The model's outputs, in the order of the columns."""
        return list(state.labels.items)

    def rows(self, state: Explained) -> int:
        """The number of rows explained and usable (no null, NaN or enormous attribution)."""
        return state.rows - state.skipped

    def unusable(self, state: Explained) -> dict[str, int]:
        """The number of rows left out, by reason."""
        return {f"an attribution is missing or beyond {LARGEST:g}": state.skipped} if state.skipped else {}

    def global_values(self, state: Explained) -> dict[str, dict[str, float]]:
        """``global_shap_values`` of ``analysis.json``, by label and feature; none for labels without explained rows."""
        return {
            label: dict(zip(part.sums.names, part.values.tolist(), strict=True))
            for label, part in state.labels.items.items()
            if part.n
        }

    def standard_errors(self, state: Explained) -> dict[str, dict[str, float]]:
        """The standard error of each of ``global_values``, for labels with at least two rows."""
        return {
            label: dict(zip(part.sums.names, np.sqrt(np.diag(part.covariance)).tolist(), strict=True))
            for label, part in state.labels.items.items()
            if part.n > 1
        }

    def expected(self, state: Explained) -> dict[str, float]:
        """By label: ``expected_value`` of ``analysis.json``."""
        return {label: part.expected_value for label, part in state.labels.items.items() if part.n}

    def importances(self, part: OfLabel) -> Importances | Undefined:
        """The importances of a label; Undefined without a usable row or, calibrated, if they have no order."""
        if not part.n:
            return Undefined("no row was explained")
        if self.conventions.needs_order and not part.values.any():
            return Undefined("no feature moves the model's answers, so they come in no order")
        covariance = part.covariance if part.n > 1 else None
        return Importances(part.sums.names, part.values, covariance, part.n, self.resamples, self.seed)

    def constraints(
        self,
        baseline: Mapping[str, Mapping[str, float]],
        errors: Mapping[str, Mapping[str, float]] | None = None,
        rows: int | None = None,
        usable: Usable = NOTHING,
    ) -> Iterator[Constraint]:
        """One for each label of a baseline's ``global_values``, e.g. as read back from ``analysis.json``.

        ``errors`` and ``rows`` are the baseline's ``standard_errors`` and ``rows`` if known. SageMaker's files have
        none: then only the live window's chance is weighed. ``usable``: as far as it is known how many of the
        baseline's rows were. A finding's ``observed`` is NDCG, its ``noise_floor`` how
        far chance takes that.
        """
        checks = max(1.0, len(baseline) + parts_of(usable))
        level = self.false_alarm_budget / checks if self.conventions.weighs_chance else None
        for label, values in baseline.items():
            to = expectation(values, (errors or {}).get(label), rows or 0)
            bound: Near | Unlearned = Near(to, "ndcg", self.ndcg_threshold, level)
            if self.conventions.needs_order and (len(values) < 2 or not any(values.values())):
                why = "a single feature is always in order" if any(values.values()) else "no feature moved the answers"
                bound = Unlearned(f"the baseline has no order of features: {why}")
            yield Constraint(DRIFT, Subject(label), ATTRIBUTIONS, bound)
        yield from constraints_of(usable, level if baseline else None)


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
    moves = [
        Moved(name, before.get(name), now.get(name), baseline.get(name), live.get(name))
        for name in features
        if before.get(name) != now.get(name)
    ]
    return sorted(moves, key=lambda m: -abs(m.rank_now - m.rank_before) if m.rank_now and m.rank_before else -np.inf)


def ranks(values: Mapping[str, float]) -> dict[str, int]:
    """The rank of each feature: one more than there are features of a larger absolute value."""
    sizes = np.abs([*values.values()])
    larger = len(sizes) - np.searchsorted(np.sort(sizes), sizes, side="right")
    return dict(zip(values, (larger + 1).tolist(), strict=True))
