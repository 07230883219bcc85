"""Are the model's answers still as good as they were, now that the truth is known?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar, Literal

from model_monitor.core import ranking
from model_monitor.core.constraints import Constraint, Near
from model_monitor.core.distributions import Distribution, Numbers
from model_monitor.core.measures import EVERYTHING, Measure, Measures, Share, Subject, Undefined
from model_monitor.core.monitor import Monitor
from model_monitor.core.states import Keyed
from model_monitor.core.states.counts import BOUND
from model_monitor.monitors import columns, resamples
from model_monitor.monitors import values as ground_truth
from model_monitor.monitors.model_quality import binary, multiclass, regression
from model_monitor.monitors.model_quality.binary import Coding
from model_monitor.monitors.model_quality.bounds import bound_of
from model_monitor.monitors.model_quality.custom_metrics import CustomMetric, custom_of
from model_monitor.monitors.model_quality.options import problems
from model_monitor.monitors.model_quality.outcomes import Classified, Estimated
from model_monitor.monitors.model_quality.quality import (
    Quality,
    error_of,
    observe,
    plain,
    value_of,
    why_no_threshold,
    why_nothing,
)
from model_monitor.monitors.options import SharedOptions
from model_monitor.monitors.traits import BUILT_IN

if TYPE_CHECKING:
    import pyarrow as pa

ProblemType = Literal["Regression", "BinaryClassification", "MulticlassClassification"]
BETTER = {
    "Regression": regression.BETTER,
    "BinaryClassification": binary.BETTER,
    "MulticlassClassification": multiclass.BETTER,
}

# What the constraints are called in reports; the operators name the violating side, as the original's do.
LESS_THAN = "LessThanThreshold"
GREATER_THAN = "GreaterThanThreshold"
PREDICTION_DRIFT = "prediction_drift_check"

COVERAGE = "coverage"  # measures beside the metrics
PREDICTIONS = "predictions"

FEW = 0.1  # of the rows may have labels that are none of the known classes

NEVER_JUDGED = "f0_5"  # the original suggests this constraint and never evaluates it


@dataclass(frozen=True)
class ModelQuality(SharedOptions, Monitor[Quality]):
    """Classification or regression metrics against those of a baseline.

    problem_type: decides which metrics there are.
    inference_attribute: the column of the predicted label or number, or its index.
    probability_attribute: the column of the score of a binary classification (0..1), or its index; or of vectors of the
        probabilities of ``class_names``. Without it, a predicted label counts as a score of 0 or 1.
    probability_threshold_attribute: without ``inference_attribute``, a score above it (0..1) predicts the positive one.
    ground_truth_attribute: the column of the truth, or its index.
    positive_label: of a binary classification; None: "1" where that is a label, else the larger of the two.
    class_names: of the elements of a vector of probabilities, which is read as the class of its largest or, for a
        binary classification, as the score of the positive label. They are also the labels that there are; without
        them a window's are those of its baseline.
    compatibility: "calibrated" counts rows and weighs chance; a window of unchanged quality raises any violation with
        at most the probability ``false_alarm_budget``, as far as its rows are independent (different labels of one
        request, or rows of one, are not) and the baseline has some hundred rows whose errors have no heavy tails.
        "sagemaker" reproduces the original's numbers and decisions.
    judge: the metrics that are judged, of those that could be; () for all.
    drift_threshold: how far the distribution of all predictions may be from the baseline's (calibrated only).
    seed: of the original's five resamples of 80 % of the rows (sagemaker only).
    metrics: a user's own, by name.
    """

    problem_type: ProblemType
    inference_attribute: str | int | None = None
    probability_attribute: str | int | None = None
    probability_threshold_attribute: float = 0.5
    ground_truth_attribute: str | int = "label"
    positive_label: str | None = None
    class_names: tuple[str, ...] = ()
    judge: tuple[str, ...] = ()
    drift_threshold: float = 0.1
    seed: int = 0
    metrics: Mapping[str, CustomMetric] = field(default_factory=dict)

    traits: ClassVar = BUILT_IN["model_quality"]

    def problems(self) -> Iterator[str]:
        yield from super().problems()
        yield from problems(self)

    @property
    def names(self) -> list[str]:
        """The metrics there are, without custom ones."""
        if self.problem_type == "Regression":
            return [*regression.BETTER, *(regression.OURS if self.calibrated else ())]
        if self.problem_type == "MulticlassClassification":
            return multiclass.names()
        return binary.names(self.probability_attribute is not None) if self.calibrated else binary.ORIGINAL

    @property
    def positive(self) -> str | None:
        return None if self.positive_label is None else ground_truth.label_of(self.positive_label)

    @property
    def classes(self) -> tuple[str, ...]:
        return tuple(ground_truth.label_of(name) or name for name in self.class_names)

    @property
    def positive_class(self) -> int:
        """Which of ``classes`` is the positive one."""
        return self.classes.index(binary.positive_of(self.classes, self.positive)) if self.classes else 0

    @property
    def predictions_attribute(self) -> str:
        """The column, or its index as a text, whose distribution is ``predictions``: the score if there is one."""
        scored = self.problem_type == "BinaryClassification" and self.probability_attribute is not None
        attribute = self.inference_attribute
        return str(self.probability_attribute if scored or attribute is None else attribute)

    @property
    def empty(self) -> Quality:
        nothing = Estimated() if self.problem_type == "Regression" else Classified()
        return Quality(outcomes=nothing, resamples=Keyed(nothing))

    def observe(self, batch: pa.RecordBatch) -> Quality:
        return observe(self, batch)

    def measure(self, state: Quality) -> Measures:
        """Of everything: each of ``metrics_of`` by its name, and ``coverage`` (Share of rows with a label); of the
        attribute that is judged for drift: ``predictions`` (a distribution, or None)."""
        return {
            **{(EVERYTHING, name): measure for name, measure in self.metrics_of(state).items()},
            (EVERYTHING, COVERAGE): Share(state.labelled, state.rows),
            (Subject(self.predictions_attribute), PREDICTIONS): self.predictions(state),
        }

    def suggest(self, baseline: Quality) -> Iterator[Constraint]:
        return self.constraints(self.thresholds(baseline), self.metrics_of(baseline), self.predictions(baseline))

    def predictions(self, state: Quality) -> Distribution | None:
        """How the predictions of all rows are distributed, with or without label; None if there are none."""
        return columns.spread(state.predictions, state.rows - state.predictions.present)

    def metrics_of(self, state: Quality) -> dict[str, Measure]:
        """Every scalar metric by its JSON name: the original's first, in its order, then ours, then custom ones.

        The names depend on the monitor alone, never on the state; undefined ones are ``Undefined``.
        """
        reading = self.reading(state)
        if isinstance(reading, Undefined):
            return dict.fromkeys([*self.names, *self.metrics], reading)
        found = self.of_outcomes(self.judged(state), reading)
        return {name: found[name] for name in self.names} | custom_of(self, state)

    def reading(self, state: Quality) -> Coding | Undefined | None:
        """How labels are to be read (None where there is nothing to tell), or why nothing can be measured."""
        outcomes = self.judged(state)
        if not state.judged:
            return Undefined(why_nothing(state))
        if isinstance(outcomes, Estimated):
            return None
        if outcomes.pairs.rest:
            return Undefined(f"there are more than {BOUND:,} pairs of truth and prediction; is this a regression?")
        if self.problem_type == "BinaryClassification":
            return binary.coding_of(outcomes, self.positive, self.classes, not self.calibrated)
        return multiclass.why_none(outcomes, self.classes) if self.calibrated else None

    def judged(self, state: Quality) -> Classified | Estimated:
        """What came of the rows that metrics are of: all usable ones but (calibrated) a few of a binary classification
        whose label is none of the known classes. Where more than ``FEW`` of them are such, none is left out, and then
        nothing is measured."""
        outcomes = state.outcomes
        of_two = self.calibrated and len(self.classes) == 2 and self.problem_type == "BinaryClassification"
        if not of_two or isinstance(outcomes, Estimated) or outcomes.pairs.rest:
            return outcomes
        kept = outcomes.within(self.classes)
        has_scores = bool(kept.scored.items) or self.probability_attribute is None
        return kept if has_scores and outcomes.n - kept.n <= FEW * outcomes.n else outcomes

    def of_outcomes(self, outcomes: Classified | Estimated, coding: Coding | None) -> dict[str, Measure]:
        """All metrics but custom ones; of at least one row."""
        if isinstance(outcomes, Estimated):
            found = regression.metrics(outcomes)
            return found if self.calibrated else {name: plain(measure) for name, measure in found.items()}
        if coding is None:
            table = multiclass.table_of(outcomes)
            return multiclass.metrics(table) if self.calibrated else multiclass.as_original(table)
        return binary.metrics(outcomes, coding) if self.calibrated else binary.as_original(outcomes, coding)

    def deviations(self, state: Quality) -> dict[str, float | None]:
        """The standard error of every metric of ``metrics_of`` (sagemaker: the standard deviation of its five
        resamples, None below 200 rows); None if not known."""
        metrics = self.metrics_of(state)
        if self.calibrated:
            return {name: error_of(measure) for name, measure in metrics.items()}
        reading, parts = self.reading(state), list(state.resamples.items.values())
        if isinstance(reading, Undefined) or state.judged < resamples.ENOUGH or not all(part.n for part in parts):
            return dict.fromkeys(metrics)
        found = [self.of_outcomes(part, reading) for part in parts]
        return {name: resamples.deviation([value_of(part.get(name)) for part in found]) for name in metrics}

    def confusion_matrix(self, state: Quality) -> dict[str, dict[str, int]] | None:
        """Rows by actual (outer) and predicted (inner) label, labels in order; None for regression or if undefined."""
        reading, outcomes = self.reading(state), self.judged(state)
        if isinstance(outcomes, Estimated) or isinstance(reading, Undefined):
            return None
        return multiclass.table_of(outcomes).matrix() if reading is None else binary.matrix(outcomes, reading)

    def curves(self, state: Quality, points: int) -> ranking.Curves | None:
        """The ROC and precision-recall curves with at most so many points; None but for binary classification, and if
        undefined."""
        reading, outcomes = self.reading(state), self.judged(state)
        if not isinstance(reading, Coding) or not isinstance(outcomes, Classified):
            return None
        return ranking.curves(*binary.ranked(outcomes, reading), points)

    def residual_quantiles(self, state: Quality) -> dict[str, float] | None:
        """Quantiles "0.01", "0.05", "0.25", "0.5", "0.75", "0.95", "0.99" of truth - prediction; None but for
        regression, and of no rows."""
        outcomes = state.outcomes
        return regression.residual_quantiles(outcomes) if isinstance(outcomes, Estimated) else None

    def better(self, name: str) -> Literal["higher", "lower"] | None:
        """Which side of a metric is good; None: it is never constrained, or there is no such metric."""
        return self.metrics[name].better if name in self.metrics else BETTER[self.problem_type].get(name)

    def judges(self, name: str) -> bool:
        """Whether a metric is judged."""
        return self.better(name) is not None and (not self.judge or name in self.judge)

    def thresholds(self, baseline: Quality) -> dict[str, float]:
        """What ``suggest`` asks: the baseline's exact values of the constrained metrics, but for those that
        ``why_no_threshold`` names."""
        metrics = {name: measure for name, measure in self.metrics_of(baseline).items() if self.judges(name)}
        values = {name: value_of(m) for name, m in metrics.items() if self.why_no_threshold(m) is None}
        return {name: value for name, value in values.items() if value is not None}

    def why_no_threshold(self, measure: Measure) -> str | None:
        """Why a baseline's measure can't be a threshold, such as an undefined one, or (calibrated) an estimate whose
        error nobody knows; None if it can."""
        return why_no_threshold(measure, self.calibrated)

    def constraints(
        self, thresholds: Mapping[str, float], baseline: Mapping[str, Measure], predictions: Distribution | None
    ) -> Iterator[Constraint]:
        """The constraints that hold metrics to thresholds, which a person may have edited.

        A threshold equal to the baseline's measure (up to 1e-12) is ``drawn`` from it. ``baseline``: ``metrics_of`` as
        far as known; ``predictions``: None if they are not compared. Thresholds of metrics that the monitor does not
        constrain are passed over.
        """
        judged = [name for name in (*self.names, *self.metrics) if name in thresholds and self.judges(name)]
        if not self.calibrated:
            for name in judged:
                if name != NEVER_JUDGED:
                    yield self.constraint(name, thresholds[name], None, None)
            return
        level = self.false_alarm_budget / max(1, len(judged) + (predictions is not None))
        for name in judged:
            yield self.constraint(name, thresholds[name], level, baseline.get(name))
        if predictions is not None:
            distance = "kolmogorov_smirnov" if isinstance(predictions, Numbers) else "largest_share_change"
            bound = Near(predictions, distance, self.drift_threshold, level)
            yield Constraint(PREDICTION_DRIFT, Subject(self.predictions_attribute), PREDICTIONS, bound)

    def constraint(self, name: str, threshold: float, level: float | None, baseline: Measure) -> Constraint:
        better = self.better(name)
        check = LESS_THAN if better == "higher" else GREATER_THAN
        return Constraint(check, EVERYTHING, name, bound_of(better, threshold, level, baseline))

    def unusable(self, state: Quality) -> dict[str, int]:
        """How many labelled rows were set aside, by reason; {} if none was."""
        reasons = dict(state.unusable.values)
        if odd := state.judged - self.judged(state).n:
            reasons[f"label or prediction is none of {', '.join(self.classes)}"] = odd
        return dict(sorted(reasons.items()))
