"""Custom metrics: a user's own functions of rows, or of a State."""

from __future__ import annotations

import importlib
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np

from model_monitor.core.measures import Estimate, Measure, Share, Undefined
from model_monitor.core.states import Keyed, Moments
from model_monitor.errors import DataError, MonitorError
from model_monitor.monitors.model_quality.regression import mean_of

if TYPE_CHECKING:
    import pyarrow as pa

NUMBERS = int | float | np.integer | np.floating


@dataclass(frozen=True)
class CustomMetric:
    """A user's own number, by the dotted path of a function, e.g. ``"shop.metrics.cost_of"``.

    of_rows: ``function(rows: pa.RecordBatch)`` gives a number for each row with a usable label and prediction; the
        metric is their mean. NaN and null leave a row out.
    of_state: ``function(monitor: ModelQuality, state: Quality)`` gives the number itself, or a Share, Estimate (not
        judged without an error where chance is weighed), Undefined or None; e.g. a cost from
        ``monitor.confusion_matrix(state)``. Not called without a usable row.
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
    except Exception as error:  # a user's module may raise anything when it is imported
        raise ValueError(f"there is no function at '{path}' ({in_short(error)}); give its dotted path") from error
    if not callable(function):
        raise ValueError(f"'{path}' is no function")
    return function


def in_short(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"


def called(name: str, path: str, about: str, *arguments: object) -> Any:
    """The result of a metric's function. Raises DataError, naming the metric, the function and its input (``about``),
    if the function raises anything, as a user's code can."""
    try:
        return function_at(path)(*arguments)
    except MonitorError:
        raise
    except Exception as error:
        raise DataError(f"metric '{name}': {path} failed on {about}: {in_short(error)}; correct it") from error


def sums_of(metrics: Mapping[str, CustomMetric], rows: pa.RecordBatch) -> Keyed[Moments]:
    """The sums of each metric of rows. Raises DataError if a function does not give a number for each row."""
    sums: dict[str, Moments] = {}
    for name, metric in metrics.items():
        if metric.of_rows and rows.num_rows:
            sums[name] = Moments.of(numbers_of(name, metric.of_rows, rows))
    return Keyed(Moments(), sums)


def numbers_of(name: str, path: str, rows: pa.RecordBatch) -> np.ndarray:
    about = f"{rows.num_rows} rows with the columns {', '.join(rows.schema.names)}"
    result = called(name, path, about, rows)
    try:
        values = np.asarray(result, np.float64)
    except (TypeError, ValueError, OverflowError) as error:
        raise DataError(f"metric '{name}': {path} must give a number for each row, not {result!r:.60}") from error
    if values.shape != (rows.num_rows,):
        gave = f"an array of shape {values.shape}" if values.shape else f"{result!r:.60}"
        raise DataError(f"metric '{name}': {path} gave {gave} for {rows.num_rows} rows; it must give one for each row")
    return np.asarray(values[np.isfinite(values)])


def measures_of(
    metrics: Mapping[str, CustomMetric], sums: Keyed[Moments], rows: int, *arguments: object
) -> dict[str, Measure]:
    """The custom metrics by name, of at least one usable row; ``arguments`` are those of the functions ``of_state``.
    Raises DataError if a function gives no number."""
    return {name: measure_of(name, metric, sums, rows, *arguments) for name, metric in metrics.items()}


def measure_of(name: str, metric: CustomMetric, sums: Keyed[Moments], rows: int, *arguments: object) -> Measure:
    if metric.of_rows:
        return mean_of(sums.items.get(name, Moments()), f"{metric.of_rows} gave no number")
    path = metric.of_state or ""
    result = called(name, path, f"the State of {rows} rows", *arguments)
    result = result.item() if isinstance(result, np.generic) else result
    if result is None:
        return Undefined(f"{path} gave no number")
    if not is_measure(result):
        kinds = "a number, Share, Estimate, Undefined or None"
        raise DataError(f"metric '{name}': {path} must give {kinds}, not {result!r:.60}")
    return result if isinstance(result, Undefined) else checked(name, result)


def is_measure(result: object) -> bool:
    """Whether it is a valid measure; finite or not."""
    match result:
        case Share(inside=inside, n=n):
            return isinstance(inside, int | np.integer) and isinstance(n, int | np.integer) and 0 <= inside <= n
        case Estimate(value=value, error=error, n=n):
            numeric = all(isinstance(part, NUMBERS) for part in (value, 0.0 if error is None else error))
            return numeric and isinstance(n, int | np.integer) and n >= 0 and not (error or 0.0) < 0
        case Undefined():
            return True
    return isinstance(result, NUMBERS)


def checked(name: str, result: float | Share | Estimate) -> Measure:
    """The same with plain numbers inside; why there is none if it is of no rows or not finite."""
    if isinstance(result, Share):
        return Share(int(result.inside), int(result.n)) if result.n else Undefined(f"{name} is a share of no rows")
    value = finite(result.value if isinstance(result, Estimate) else result)
    if value is None:
        return Undefined(f"{name} is not finite")
    if isinstance(result, Estimate):
        return Estimate(value, None if result.error is None else finite(result.error), int(result.n), result.largest)
    return value


def finite(value: float) -> float | None:
    """A number as a float; None if it is not finite."""
    try:
        number = float(value)
    except OverflowError:  # a whole number beyond float64's range
        return None
    return number if math.isfinite(number) else None
