"""The two ways to measure and judge model quality: calibrated, and as SageMaker does."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np

from model_monitor.core.batch import without_repeats
from model_monitor.core.constraints import Between
from model_monitor.core.distributions import Distribution
from model_monitor.core.measures import Estimate, Measure, Share, Undefined
from model_monitor.monitors import resamples
from model_monitor.monitors.model_quality import binary, multiclass, regression
from model_monitor.monitors.model_quality.binary import Coding
from model_monitor.monitors.model_quality.classification import share_error
from model_monitor.monitors.model_quality.outcomes import Classified, Estimated
from model_monitor.monitors.options import Compatibility

if TYPE_CHECKING:
    import pyarrow as pa

Better = Literal["higher", "lower"]
NEVER_JUDGED = "f0_5"  # SageMaker suggests this constraint and never evaluates it


class Conventions:
    """The calibrated mode: measures are shares or have standard errors, and what does not exist is undefined."""

    leaves_out_other_labels: ClassVar = True  # a few rows whose label is none of two known classes
    regression_names: ClassVar[Sequence[str]] = (*regression.BETTER, *regression.OURS)

    def counted(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """The rows that count: those with a repeated event id only once."""
        return without_repeats(batch)

    def resamples(self, batch: pa.RecordBatch, seed: int) -> np.ndarray:
        """Whether each row is in each resample whose metrics are kept: booleans, (resamples, rows)."""
        return np.empty((0, batch.num_rows), bool)

    def binary_names(self, scored: bool) -> list[str]:
        """The metrics of a binary classification; ``scored``: there is a probability."""
        return binary.names(scored)

    def coding_of(self, state: Classified, positive: str | None, classes: tuple[str, ...]) -> Coding | Undefined:
        return binary.coding_of(state, positive, classes)

    def why_no_classes(self, state: Classified, classes: tuple[str, ...]) -> Undefined | None:
        """Why the labels of a multiclass classification can't be compared; None if they can."""
        return multiclass.why_none(state, classes)

    def metrics(self, outcomes: Classified | Estimated, coding: Coding | None) -> dict[str, Measure]:
        """All metrics but custom ones, of at least one row; ``coding`` is that of a binary classification."""
        if isinstance(outcomes, Estimated):
            return regression.metrics(outcomes)
        if coding is None:
            return multiclass.metrics(multiclass.table_of(outcomes))
        return binary.metrics(outcomes, coding)

    def deviations(
        self, metrics: Mapping[str, Measure], resampled: Sequence[Mapping[str, Measure]], rows: int
    ) -> dict[str, float | None]:
        """The ``standard_deviation`` of each metric: its standard error; None if unknown."""
        return {name: error_of(measure) for name, measure in metrics.items()}

    def why_no_threshold(self, measure: Measure) -> str | None:
        """Why a baseline's measure can't be a threshold; None if it can."""
        if isinstance(measure, Undefined):
            return measure.reason
        if value_of(measure) is None:
            return "it is no number"
        if isinstance(measure, Estimate):
            if measure.error is None:
                return "its standard error is not known"
            if not math.isfinite(measure.error):
                return "numbers are too large for its standard error"
        return None

    def is_evaluated(self, name: str) -> bool:
        """Whether a suggested constraint on a metric is evaluated at all."""
        return True

    def compared(self, predictions: Distribution | None) -> Distribution | None:
        """The baseline's predictions that a window's are compared with; None if they are not compared."""
        return predictions

    def level(self, budget: float, parts: float) -> float | None:
        """The probability (0..1) with which chance alone may break one of so many parts; None: unlimited."""
        return budget / max(1, parts)

    def is_drawn(self, threshold: float, baseline: Measure) -> bool:
        """Whether a threshold is what the baseline itself measured."""
        value = value_of(baseline)
        return value is not None and math.isclose(threshold, value, rel_tol=1e-12, abs_tol=1e-12)

    def bound_of(self, better: Better | None, threshold: float, level: float | None, baseline: Measure) -> Between:
        """The side of a threshold on which a metric must be.

        A threshold equal to the baseline's measure (up to 1e-12) is ``drawn`` from it.
        """
        drawn = baseline if self.is_drawn(threshold, baseline) and isinstance(baseline, Share | Estimate) else None
        if better == "higher":
            return Between(low=threshold, level=level, drawn=drawn)
        return Between(high=threshold, level=level, drawn=drawn)


class SageMakerConventions(Conventions):
    """SageMaker's way: measures are plain numbers, 0/0 is 0, every row counts and chance is not weighed."""

    leaves_out_other_labels = False
    regression_names = (*regression.BETTER,)

    def counted(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        return batch

    def resamples(self, batch: pa.RecordBatch, seed: int) -> np.ndarray:
        return resamples.chosen(batch, seed)

    def binary_names(self, scored: bool) -> list[str]:
        return binary.SAGEMAKER

    def coding_of(self, state: Classified, positive: str | None, classes: tuple[str, ...]) -> Coding | Undefined:
        return binary.coding_of(state, positive, classes, as_sagemaker=True)

    def why_no_classes(self, state: Classified, classes: tuple[str, ...]) -> Undefined | None:
        return None

    def metrics(self, outcomes: Classified | Estimated, coding: Coding | None) -> dict[str, Measure]:
        if isinstance(outcomes, Estimated):
            return {name: plain(measure) for name, measure in regression.metrics(outcomes).items()}
        if coding is None:
            return multiclass.as_sagemaker(multiclass.table_of(outcomes))
        return binary.as_sagemaker(outcomes, coding)

    def deviations(
        self, metrics: Mapping[str, Measure], resampled: Sequence[Mapping[str, Measure]], rows: int
    ) -> dict[str, float | None]:
        """The standard deviation of the metric's five resamples; None below 200 rows."""
        if rows < resamples.ENOUGH or not resampled:
            return dict.fromkeys(metrics)
        return {name: resamples.deviation([value_of(part.get(name)) for part in resampled]) for name in metrics}

    def why_no_threshold(self, measure: Measure) -> str | None:
        return super().why_no_threshold(value_of(measure) if isinstance(measure, Estimate) else measure)

    def is_evaluated(self, name: str) -> bool:
        return name != NEVER_JUDGED

    def compared(self, predictions: Distribution | None) -> Distribution | None:
        return None

    def level(self, budget: float, parts: float) -> float | None:
        return None

    def bound_of(self, better: Better | None, threshold: float, level: float | None, baseline: Measure) -> Between:
        return super().bound_of(better, threshold, None, None)


CONVENTIONS: Mapping[Compatibility, Conventions] = {"calibrated": Conventions(), "sagemaker": SageMakerConventions()}


def value_of(measure: Measure) -> float | None:
    """A measure as a number; None if it is none, or not finite."""
    value = measure.value if isinstance(measure, Share | Estimate) else measure
    return float(value) if isinstance(value, int | float) and math.isfinite(value) else None


def error_of(measure: Measure) -> float | None:
    """The standard error of a measure; None if unknown."""
    if isinstance(measure, Share):
        return share_error(measure.inside, measure.n)
    return measure.error if isinstance(measure, Estimate) else None


def plain(measure: Measure) -> Measure:
    """A measure as a bare number, or why there is none."""
    value = value_of(measure)
    return measure if value is None or isinstance(measure, Undefined) else value
