"""What is remembered of answers whose truth is known: the State of model quality, and how rows become one."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from model_monitor.core.batch import without_repeats
from model_monitor.core.measures import Estimate, Measure, Share, Undefined
from model_monitor.core.states import Counts, Keyed, Moments, Record
from model_monitor.monitors import answers, columns, resamples
from model_monitor.monitors.columns import Column
from model_monitor.monitors.model_quality.classification import share_error
from model_monitor.monitors.model_quality.custom_metrics import sums_of
from model_monitor.monitors.model_quality.outcomes import Classified, Estimated

if TYPE_CHECKING:
    from model_monitor.monitors.model_quality import ModelQuality


@dataclass(frozen=True)
class Quality(Record):
    """The State: ``rows``, ``labelled`` ones and, of these, ``unusable`` ones by reason; what came of the usable ones
    and (sagemaker) of five resamples of them; the predictions of all rows; the sums of custom metrics."""

    rows: int = 0
    labelled: int = 0
    unusable: Counts = Counts()
    outcomes: Classified | Estimated = field(default_factory=Classified)
    resamples: Keyed[Classified | Estimated] = field(default_factory=lambda: Keyed(Classified()))
    predictions: Column = field(default_factory=Column)
    custom: Keyed[Moments] = field(default_factory=lambda: Keyed(Moments()))

    @property
    def judged(self) -> int:
        """How many rows the metrics are of: labelled and usable."""
        return self.outcomes.n


def observe(monitor: ModelQuality, batch: pa.RecordBatch) -> Quality:
    """The State of some rows; of none whatever their columns are."""
    if monitor.calibrated:
        batch = without_repeats(batch)
    if not batch.num_rows:
        return monitor.empty
    found = answers_of(monitor, batch)
    usable = found.usable
    parts: dict[str, Classified | Estimated] = {}
    if not monitor.calibrated and usable.any():
        rows = resamples.chosen(batch, monitor.seed)
        parts = {str(i): outcomes_of(monitor, found, usable & kept, whole=False) for i, kept in enumerate(rows)}
    return Quality(
        batch.num_rows,
        int(np.count_nonzero(found.labelled)),
        Counts(found.reasons),
        outcomes_of(monitor, found, usable),
        Keyed(monitor.empty.outcomes, parts),
        columns.observe(found.judged_for_drift),
        sums_of(monitor.metrics, batch.filter(pa.array(usable))),
    )


def answers_of(monitor: ModelQuality, batch: pa.RecordBatch) -> answers.Answers:
    truth, answer = monitor.ground_truth_attribute, monitor.inference_attribute
    if monitor.problem_type == "Regression":
        return answers.of_regression(batch, truth, answer if answer is not None else 0)
    scored = monitor.positive_class if monitor.problem_type == "BinaryClassification" else None
    return answers.of_classification(batch, truth, answer, monitor.probability_attribute, monitor.classes, scored)


def outcomes_of(
    monitor: ModelQuality, found: answers.Answers, rows: np.ndarray, whole: bool = True
) -> Classified | Estimated:
    """What came of some usable rows (a boolean for each row)."""
    chosen = pa.array(rows)
    truth = found.truth.filter(chosen)
    predicted = None if found.predicted is None else found.predicted.filter(chosen)
    if monitor.problem_type == "Regression":
        assert predicted is not None
        return Estimated.of(truth.to_numpy(), predicted.to_numpy(), whole)
    scores = None if found.scores is None else found.scores[rows]
    if predicted is None:
        assert scores is not None
        predicted = pa.array(scores > monitor.probability_threshold_attribute)
    return Classified.of(truth, predicted, scores, whole)


def why_nothing(state: Quality) -> str:
    """Why a State without a usable row has none."""
    if not state.rows:
        return "there is no row"
    if not state.labelled:
        return "no row has a label yet"
    reasons = ", ".join(f"{reason}: {n}" for reason, n in sorted(state.unusable.values.items()))
    return f"no labelled row can be used ({reasons})"


def value_of(measure: Measure) -> float | None:
    """A measure as a number; None if it is none, or not finite."""
    value = measure.value if isinstance(measure, Share | Estimate) else measure
    return float(value) if isinstance(value, int | float) and math.isfinite(value) else None


def error_of(measure: Measure) -> float | None:
    """The standard error of a measure; None if it is not known."""
    if isinstance(measure, Share):
        return share_error(measure.inside, measure.n)
    return measure.error if isinstance(measure, Estimate) else None


def plain(measure: Measure) -> Measure:
    """A measure as a bare number, or why there is none."""
    value = value_of(measure)
    return measure if value is None or isinstance(measure, Undefined) else value


def why_no_threshold(measure: Measure, weighs_chance: bool) -> str | None:
    """Why a baseline's measure is nothing that a window could be compared with; None if it is."""
    if isinstance(measure, Undefined):
        return measure.reason
    if value_of(measure) is None:
        return "it is no number"
    if weighs_chance and isinstance(measure, Estimate):
        if measure.error is None:
            return "its standard error is not known"
        if not math.isfinite(measure.error):
            return "numbers are too large for its standard error"
    return None
