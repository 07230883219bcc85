"""What do a user's own metrics say?"""

from __future__ import annotations

import importlib
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np

from model_monitor.core.constraints import Estimate, Measure, Undefined
from model_monitor.core.states import Keyed, Moments
from model_monitor.errors import DataError
from model_monitor.monitors.regression import mean_of

if TYPE_CHECKING:
    import pyarrow as pa

    from model_monitor.monitors.model_quality import ModelQuality
    from model_monitor.monitors.quality import Quality


@dataclass(frozen=True)
class CustomMetric:
    """A number of a user's own, by the dotted path of a function.

    of_rows: ``function(rows: pa.RecordBatch)`` gives a number for each row; the metric is their mean. It sees the rows
        that have a usable label and prediction, with all their columns; NaN and null leave a row out.
    of_state: ``function(monitor: ModelQuality, state: Quality)`` gives the number itself, or a Share, Estimate,
        Undefined or None; e.g. a cost from ``monitor.confusion_matrix(state)``. Not called without a usable row.
    better: which side is good. Without it the metric is reported, never judged.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = {"extra": "forbid"}

    of_rows: str | None = None
    of_state: str | None = None
    better: Literal["higher", "lower"] | None = None

    def __post_init__(self) -> None:
        if (self.of_rows is None) == (self.of_state is None):
            raise ValueError("a metric needs either of_rows or of_state, the dotted path of a function")
        if self.better not in (None, "higher", "lower"):
            raise ValueError(f"better is higher or lower, not {self.better!r}")
        function_at(self.of_rows or self.of_state or "")


def function_at(path: str) -> Callable[..., Any]:
    """The function of a dotted path; raises ValueError if there is none."""
    module, _, name = path.rpartition(".")
    try:
        function: Callable[..., Any] = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError, ValueError) as error:
        raise ValueError(f"there is no function at '{path}' ({error}); give its dotted path") from error
    if not callable(function):
        raise ValueError(f"'{path}' is no function")
    return function


def sums_of(metrics: Mapping[str, CustomMetric], rows: pa.RecordBatch) -> Keyed[Moments]:
    """The sums of each metric of rows. Raises DataError if a function does not give a number for each row."""
    sums: dict[str, Moments] = {}
    for name, metric in metrics.items():
        if metric.of_rows and rows.num_rows:
            sums[name] = Moments.of(numbers_of(metric.of_rows, rows))
    return Keyed(Moments(), sums)


def numbers_of(path: str, rows: pa.RecordBatch) -> np.ndarray:
    try:
        values = np.asarray(function_at(path)(rows), np.float64)
    except (TypeError, ValueError) as error:
        raise DataError(
            f"{path} failed on {rows.num_rows} rows ({error}); it must give a number for each row"
        ) from error
    if values.shape != (rows.num_rows,):
        raise DataError(f"{path} gave {values.shape} numbers for {rows.num_rows} rows; it must give one for each row")
    finite: np.ndarray = values[np.isfinite(values)]
    return finite


def custom_of(monitor: ModelQuality, state: Quality) -> dict[str, Measure]:
    """A user's own metrics by name; of at least one usable row."""
    return {name: measure_of(name, metric, monitor, state) for name, metric in monitor.metrics.items()}


def measure_of(name: str, metric: CustomMetric, monitor: ModelQuality, state: Quality) -> Measure:
    if metric.of_rows:
        found: Measure = mean_of(state.custom.items.get(name, Moments()), f"{metric.of_rows} gave no number")
    else:
        found = function_at(metric.of_state or "")(monitor, state)
        found = found.item() if isinstance(found, np.generic) else found
    value = found.value if isinstance(found, Estimate) else found
    if isinstance(value, float) and not math.isfinite(value):
        return Undefined(f"{name} is not finite")
    return found
