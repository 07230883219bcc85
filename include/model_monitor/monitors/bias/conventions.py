"""The two ways to count, measure and judge bias: calibrated, and as SageMaker does."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from model_monitor.core.batch import without_repeats
from model_monitor.core.constraints import Between, Unlearned
from model_monitor.core.measures import Estimate, Measure, Undefined
from model_monitor.monitors.bias import reasons, value_types
from model_monitor.monitors.bias.flips import Flips
from model_monitor.monitors.bias.metrics import (
    PARITY,
    Sides,
    errors_of,
    group_errors_of,
    group_values_of,
    values_of,
)
from model_monitor.monitors.bias.options import Options
from model_monitor.monitors.bias.value_types import Criterion, Typed
from model_monitor.monitors.options import Compatibility

if TYPE_CHECKING:
    import pyarrow as pa

ErrorsOf = Callable[[np.ndarray, int, int, float], dict[str, float | None]]

LARGEST_LOG = 700.0  # whose exponential is still a double


@dataclass(frozen=True)
class Conventions:
    """The calibrated mode: measures have standard errors, and what does not exist is undefined."""

    options: Options

    as_sagemaker: ClassVar = False  # whether the formulas are SageMaker's, and rows without a facet value on side a

    @property
    def minimum_per_side(self) -> int:
        """How many rows each side needs to be judged."""
        return self.options.minimum_per_side

    def counted(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """The rows that count: those with a repeated event id only once."""
        return without_repeats(batch)

    def on_a_scale(self, typed: Typed, criterion: Criterion) -> bool | Undefined:
        """Whether the given value of a column is a threshold; Undefined if the data can't tell."""
        return value_types.on_a_scale(typed, criterion)

    def why_no_predictions(self, prediction: Typed, label_scale: bool | Undefined) -> Undefined | None:
        """Why the predictions' type rules out their metrics; None if it does not."""
        return None

    def why_none_accepted(self, sides: Sides) -> Undefined | None:
        """Why the counts of predictions rule out their metrics; None if they do not."""
        return None

    def of_counts(self, counts: np.ndarray) -> dict[str, Measure]:
        """The metrics that need neither groups nor neighbours, of the eight counts of ``Sides.of``."""
        return self.measures(values_of(counts, self.as_sagemaker), errors_of, counts, Sides.of(counts))

    def of_groups(self, counts: np.ndarray, sides: Sides) -> dict[str, Measure]:
        """CDDL and CDDPL, of counts with the axes group and the eight of ``Sides.of``."""
        return self.measures(group_values_of(counts, self.as_sagemaker), group_errors_of, counts, sides)

    def measures(
        self, values: dict[str, np.ndarray], errors_of: ErrorsOf, counts: np.ndarray, sides: Sides
    ) -> dict[str, Measure]:
        """Each metric's measure; Undefined if there is no such number."""
        errors = errors_of(counts, self.options.resamples, self.options.seed, self.options.level)
        n = int(sides.a.n + sides.d.n)
        return {
            name: Estimate(float(value), errors[name], n)
            if np.isfinite(value)
            else Undefined(reasons.why_none(name, sides))
            for name, value in values.items()
        }

    def flip_test(self, flips: Flips) -> Measure:
        """The measure FT; its error is unknown where a side has too few rows."""
        few = min(len(flips.a), len(flips.d)) < self.options.minimum_per_side
        error = None if few else flips.error(self.options.resamples, self.options.seed)
        return Estimate(flips.value, error, len(flips.d))

    def why_no_flips(self, why: Undefined) -> Undefined:
        return why

    def bound_of(self, name: str, measure: Measure, metrics: float) -> Between | Unlearned | None:
        """The bound that a baseline metric implies; None if no value could be worse.

        ``metrics``: how many of the baseline share the false-alarm budget. The bound reaches as far from parity as the
        baseline's value, in either direction; twice and half are equally far for a ratio. The value is drawn from the
        baseline's rows, so that its error counts beside the window's.
        """
        value = number_in(measure)
        if value is None:
            reason = measure.reason if isinstance(measure, Undefined) else "it does not say"
            return Unlearned(f"the baseline has no {name}: {reason}")
        if math.isinf(value):
            return None
        level = min(1 - self.options.level, self.options.false_alarm_budget / max(1, metrics)) / 2  # of each side
        drawn = measure if isinstance(measure, Estimate) and measure.n > 1 else None
        if PARITY.get(name):
            if value <= 0:
                return None
            far = math.exp(min(LARGEST_LOG, abs(math.log(value))))
            return Between(low=1 / far, high=far, level=level, drawn=drawn)
        return Between(low=-abs(value), high=abs(value), level=level, drawn=drawn)


class SageMakerConventions(Conventions):
    """SageMaker's way: measures are plain numbers, maybe infinite, and every row counts."""

    as_sagemaker = True
    minimum_per_side = 0

    def counted(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        return batch

    def on_a_scale(self, typed: Typed, criterion: Criterion) -> bool | Undefined:
        return value_types.on_a_scale_in_sagemaker(typed, criterion)

    def why_no_predictions(self, prediction: Typed, label_scale: bool | Undefined) -> Undefined | None:
        scale = self.on_a_scale(prediction, self.options.label_values_or_threshold)
        return Undefined(reasons.OTHER_TYPE) if prediction.n and scale != label_scale else None

    def why_none_accepted(self, sides: Sides) -> Undefined | None:
        return None if sides.a.accepted + sides.d.accepted else Undefined(reasons.NO_POSITIVE_PREDICTION)

    def measures(
        self, values: dict[str, np.ndarray], errors_of: ErrorsOf, counts: np.ndarray, sides: Sides
    ) -> dict[str, Measure]:
        return {
            name: Undefined(reasons.why_none_in_sagemaker(name, sides)) if np.isnan(value) else float(value)
            for name, value in values.items()
        }

    def flip_test(self, flips: Flips) -> Measure:
        return flips.value

    def why_no_flips(self, why: Undefined) -> Undefined:
        return Undefined(reasons.NOT_NUMERIC) if why.reason.startswith(reasons.NOT_NUMERIC) else why

    def bound_of(self, name: str, measure: Measure, metrics: float) -> Between | Unlearned | None:
        value = number_in(measure)
        return None if value is None else Between(low=-abs(value), high=abs(value))


CONVENTIONS: Mapping[Compatibility, type[Conventions]] = {"calibrated": Conventions, "sagemaker": SageMakerConventions}


def number_in(measure: Measure) -> float | None:
    """A measure as a number, which may be infinite; None if it is none."""
    value = measure.value if isinstance(measure, Estimate) else measure
    return float(value) if isinstance(value, int | float) else None
