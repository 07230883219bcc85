"""Are the model's answers still as good as they were, now that the truth is known?"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from model_monitor.core import ranking
from model_monitor.core.constraints import Constraint, Near
from model_monitor.core.distributions import Distribution, Numbers
from model_monitor.core.measures import EVERYTHING, Measure, Measures, Share, Subject, Undefined
from model_monitor.core.monitor import USABLE, Monitor
from model_monitor.core.states.counts import BOUND
from model_monitor.monitors import columns, set_aside
from model_monitor.monitors.answers import why_none_is_usable
from model_monitor.monitors.model_quality import binary, custom_metrics, multiclass, regression
from model_monitor.monitors.model_quality.binary import Coding
from model_monitor.monitors.model_quality.conventions import value_of
from model_monitor.monitors.model_quality.options import Options
from model_monitor.monitors.model_quality.outcomes import Classified, Estimated
from model_monitor.monitors.model_quality.state import Quality, empty, observe
from model_monitor.monitors.set_aside import NOTHING, Usable, constraints_of, measures_of
from model_monitor.monitors.traits import BUILT_IN

if TYPE_CHECKING:
    import pyarrow as pa

# The constraints' names in reports; the operators name the violating side, as SageMaker's do.
LESS_THAN = "LessThanThreshold"
GREATER_THAN = "GreaterThanThreshold"
PREDICTION_DRIFT = "prediction_drift_check"

COVERAGE = "coverage"  # measures beside the metrics
PREDICTIONS = "predictions"

AUC = "auc"
SAME = {  # metrics by the one that they mirror
    "true_positive_rate": "recall",
    "false_negative_rate": "recall",
    "false_positive_rate": "true_negative_rate",
}

FEW = 0.1  # of the rows may have labels that are none of the known classes


@dataclass(frozen=True)
class ModelQuality(Options, Monitor[Quality]):
    """Classification or regression metrics against those of a baseline."""

    traits: ClassVar = BUILT_IN["model_quality"]

    @property
    def empty(self) -> Quality:
        return empty(self)

    def observe(self, batch: pa.RecordBatch) -> Quality:
        return observe(self, batch)

    def measure(self, state: Quality) -> Measures:
        """Of everything: each of ``metrics_of`` by its name, ``coverage`` (the Share of rows with a label) and,
        calibrated, ``usable_rows`` (of those, the Share that was not set aside); of the predictions' column:
        ``predictions`` (a distribution, or None)."""
        return {
            **{(EVERYTHING, name): measure for name, measure in self.metrics_of(state).items()},
            (EVERYTHING, COVERAGE): Share(state.labelled, state.rows),
            **measures_of(self.usable(state), why_none_is_usable(state.rows, state.labelled, state.unusable)),
            (Subject(self.predictions_attribute), PREDICTIONS): self.predictions(state),
        }

    def suggest(self, baseline: Quality) -> Iterator[Constraint]:
        metrics, predictions = self.metrics_of(baseline), self.predictions(baseline)
        return self.constraints(self.thresholds(baseline), metrics, predictions, self.usable(baseline))

    def usable(self, state: Quality) -> dict[str, Share]:
        """How many of the rows with a label were not set aside; {} where chance is not weighed."""
        judges = self.conventions.level(self.false_alarm_budget, 1) is not None
        return {USABLE: Share(self.judged(state).n, state.labelled)} if judges else {}

    def predictions(self, state: Quality) -> Distribution | None:
        """How the predictions of all rows are distributed, with or without label; None if there are none."""
        return columns.spread(state.predictions, state.rows - state.predictions.present)

    def metrics_of(self, state: Quality) -> dict[str, Measure]:
        """Every scalar metric of the monitor by its JSON name: SageMaker's first, then ours, then custom ones."""
        reading = self.reading(state)
        if isinstance(reading, Undefined):
            return dict.fromkeys([*self.names, *self.metrics], reading)
        measures = self.conventions.metrics(self.judged(state), reading)
        custom = custom_metrics.measures_of(self.metrics, state.custom, state.judged, self, state)
        return {name: measures[name] for name in self.names} | custom

    def reading(self, state: Quality) -> Coding | Undefined | None:
        """How labels are read (None but for a binary classification), or why nothing can be measured."""
        outcomes = self.judged(state)
        if not state.judged:
            return why_none_is_usable(state.rows, state.labelled, state.unusable)
        if isinstance(outcomes, Estimated):
            return None
        if outcomes.pairs.rest:
            return Undefined(f"there are more than {BOUND:,} pairs of truth and prediction; is this a regression?")
        if self.is_binary:
            return self.conventions.coding_of(outcomes, self.positive, self.classes)
        return self.conventions.why_no_classes(outcomes, self.classes)

    def judged(self, state: Quality) -> Classified | Estimated:
        """The outcomes of all usable rows but (calibrated) up to a share ``FEW`` of a binary classification whose label
        is none of the known classes. If these are more, none is left out, and nothing is measured."""
        outcomes = state.outcomes
        of_two = self.conventions.leaves_out_other_labels and len(self.classes) == 2 and self.is_binary
        if not of_two or isinstance(outcomes, Estimated) or outcomes.pairs.rest:
            return outcomes
        subset = outcomes.within(self.classes)
        has_scores = bool(subset.scored.items) or self.probability_attribute is None
        return subset if has_scores and outcomes.n - subset.n <= FEW * outcomes.n else outcomes

    def deviations(self, state: Quality) -> dict[str, float | None]:
        """The standard error of every metric of ``metrics_of`` (sagemaker: the standard deviation of its five
        resamples, None below 200 rows); None if unknown."""
        reading, parts = self.reading(state), list(state.resamples.items.values())
        resampled: list[dict[str, Measure]] = []
        if not isinstance(reading, Undefined) and all(part.n for part in parts):
            resampled = [self.conventions.metrics(part, reading) for part in parts]
        return self.conventions.deviations(self.metrics_of(state), resampled, state.judged)

    def confusion_matrix(self, state: Quality) -> dict[str, dict[str, int]] | None:
        """Rows by actual (outer) and predicted (inner) label, labels in order; None for regression or if undefined."""
        reading, outcomes = self.reading(state), self.judged(state)
        if isinstance(outcomes, Estimated) or isinstance(reading, Undefined):
            return None
        return multiclass.table_of(outcomes).matrix() if reading is None else binary.matrix(outcomes, reading)

    def curves(self, state: Quality, points: int) -> ranking.Curves | None:
        """The curves of a binary classification with at most so many points; None if undefined."""
        reading, outcomes = self.reading(state), self.judged(state)
        if not isinstance(reading, Coding) or not isinstance(outcomes, Classified):
            return None
        return ranking.curves(*binary.ranked(outcomes, reading), points)

    def kept_promises(self, state: Quality) -> list[tuple[float, Share]]:
        """The mean probability of bins of a binary classification's rows, and their shares of positives; [] without."""
        reading, outcomes = self.reading(state), self.judged(state)
        if not isinstance(reading, Coding) or not isinstance(outcomes, Classified):
            return []
        return binary.kept_promises(*binary.sides(outcomes, reading))

    def residual_quantiles(self, state: Quality) -> dict[str, float] | None:
        """Quantiles of truth - prediction by their share, e.g. "0.05"; None but for regression, and of no rows."""
        outcomes = state.outcomes
        return regression.residual_quantiles(outcomes) if isinstance(outcomes, Estimated) else None

    def thresholds(self, baseline: Quality) -> dict[str, float]:
        """The exact values of the baseline's judged metrics, but for those that can't be thresholds."""
        metrics = {name: measure for name, measure in self.metrics_of(baseline).items() if self.judges(name)}
        why_not = self.conventions.why_no_threshold
        values = {name: value_of(measure) for name, measure in metrics.items() if why_not(measure) is None}
        return {name: value for name, value in values.items() if value is not None}

    def constraints(
        self,
        thresholds: Mapping[str, float],
        baseline: Mapping[str, Measure],
        predictions: Distribution | None,
        usable: Usable = NOTHING,
    ) -> Iterator[Constraint]:
        """The constraints that hold judged metrics to thresholds, which a person may have edited.

        ``baseline``: ``metrics_of`` as far as known; ``predictions``: None if they are not compared; ``usable``: as far
        as it is known how many of the baseline's rows were.
        """
        names = [name for name in (*self.names, *self.metrics) if name in thresholds and self.judges(name)]
        predictions = self.conventions.compared(predictions)
        drawn = {name for name in names if self.conventions.is_drawn(thresholds[name], baseline.get(name))}
        parts = parts_of([*names, *([PREDICTIONS] if predictions is not None else [])], drawn)
        level = self.conventions.level(self.false_alarm_budget, sum(parts.values()) + set_aside.parts_of(usable))
        for name in filter(self.conventions.is_evaluated, names):
            better = self.better(name)
            own = None if level is None else level * parts[test_of(name, drawn)]
            bound = self.conventions.bound_of(better, thresholds[name], own, baseline.get(name))
            yield Constraint(LESS_THAN if better == "higher" else GREATER_THAN, EVERYTHING, name, bound)
        if predictions is not None:
            distance = "kolmogorov_smirnov" if isinstance(predictions, Numbers) else "largest_share_change"
            near = Near(predictions, distance, self.drift_threshold, level)
            yield Constraint(PREDICTION_DRIFT, Subject(self.predictions_attribute), PREDICTIONS, near)
        yield from constraints_of(usable, level if names else None)

    def unusable(self, state: Quality) -> dict[str, int]:
        """The number of labelled rows that were set aside, by reason; {} if none was."""
        reasons = dict(state.unusable.values)
        if odd := state.judged - self.judged(state).n:
            reasons[f"label or prediction is none of {', '.join(self.classes)}"] = odd
        return dict(sorted(reasons.items()))


def test_of(name: str, drawn: Collection[str]) -> str:
    """What a check tests: two metrics that say the same of the same rows, both ``drawn`` from the baseline, are one."""
    if name in drawn:
        return SAME.get(name, name)
    return f"{name} as set" if name in SAME.values() else name


def parts_of(checks: Sequence[str], drawn: Collection[str]) -> dict[str, int]:
    """The parts of the false-alarm budget that each test has: one, but the area under the ROC curve as many as all
    others together, since it alone is of all thresholds and sees most changes of a score."""
    parts = dict.fromkeys((test_of(name, drawn) for name in checks), 1)
    return parts | ({AUC: max(1, len(parts) - 1)} if AUC in parts else {})
