"""The State of model quality, and how rows become one."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from model_monitor.core.states import Counts, Keyed, Moments, Record
from model_monitor.monitors import answers, columns
from model_monitor.monitors.columns import Column
from model_monitor.monitors.model_quality.custom_metrics import sums_of
from model_monitor.monitors.model_quality.options import Options
from model_monitor.monitors.model_quality.outcomes import Classified, Estimated


@dataclass(frozen=True)
class Quality(Record):
    """The State: all ``rows``, the ``labelled`` ones and, of these, the ``unusable`` ones by reason; the outcomes of
    the usable ones and (sagemaker) of five resamples of them; all rows' predictions; the sums of custom metrics."""

    rows: int = 0
    labelled: int = 0
    unusable: Counts = Counts()
    outcomes: Classified | Estimated = field(default_factory=Classified)
    resamples: Keyed[Classified | Estimated] = field(default_factory=lambda: Keyed(Classified()))
    predictions: Column = field(default_factory=Column)
    custom: Keyed[Moments] = field(default_factory=lambda: Keyed(Moments()))

    @property
    def judged(self) -> int:
        """The number of rows that the metrics are of: labelled and usable."""
        return self.outcomes.n


def empty(options: Options) -> Quality:
    """The State of no rows."""
    nothing = Estimated() if options.problem_type == "Regression" else Classified()
    return Quality(outcomes=nothing, resamples=Keyed(nothing))


def observe(options: Options, batch: pa.RecordBatch) -> Quality:
    """The State of a batch; an empty batch needs no columns."""
    conventions = options.conventions
    batch = conventions.counted(batch)
    if not batch.num_rows:
        return empty(options)
    row_answers = answers_of(options, batch)
    resamples = conventions.resamples(batch, options.seed) if row_answers.usable.any() else ()
    parts = {
        str(i): outcomes_of(options, row_answers, row_answers.usable & rows, whole=False)
        for i, rows in enumerate(resamples)
    }
    return Quality(
        batch.num_rows,
        int(np.count_nonzero(row_answers.labelled)),
        Counts(row_answers.reasons),
        outcomes_of(options, row_answers, row_answers.usable),
        Keyed(empty(options).outcomes, parts),
        columns.observe(row_answers.judged_for_drift),
        sums_of(options.metrics, batch.filter(pa.array(row_answers.usable))),
    )


def answers_of(options: Options, batch: pa.RecordBatch) -> answers.Answers:
    truth, answer = options.ground_truth_attribute, options.inference_attribute
    if options.problem_type == "Regression":
        return answers.of_regression(batch, truth, answer if answer is not None else 0)
    scored = options.positive_class if options.is_binary else None
    return answers.of_classification(batch, truth, answer, options.probability_attribute, options.classes, scored)


def outcomes_of(
    options: Options, row_answers: answers.Answers, rows: np.ndarray, whole: bool = True
) -> Classified | Estimated:
    """The outcomes of usable rows (a boolean for each row); not ``whole``: what the resampled metrics need only."""
    mask = pa.array(rows)
    truth = row_answers.truth.filter(mask)
    predicted = None if row_answers.predicted is None else row_answers.predicted.filter(mask)
    if options.problem_type == "Regression":
        assert predicted is not None
        return Estimated.of(truth.to_numpy(), predicted.to_numpy(), whole)
    scores = None if row_answers.scores is None else row_answers.scores[rows]
    if predicted is None:
        assert scores is not None
        predicted = pa.array(scores > options.probability_threshold_attribute)
    return Classified.of(truth, predicted, scores, whole)
