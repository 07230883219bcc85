"""Reading a baseline's pair of model-quality files: thresholds, measures, the distribution of predictions, labels."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from model_monitor.core.distributions import Distribution
from model_monitor.core.measures import Estimate, Measure, Share
from model_monitor.errors import ConfigError
from model_monitor.monitors.model_quality import GREATER_THAN, LESS_THAN, ModelQuality
from model_monitor.monitors.model_quality.binary import AU_PRC, Coding, shares
from model_monitor.monitors.model_quality.classification import Confusion
from model_monitor.monitors.set_aside import Usable
from model_monitor.monitors.values import in_order, label_of
from model_monitor.results.documents.data_quality_baseline import spread_of
from model_monitor.results.documents.protocol import Document
from model_monitor.results.documents.set_aside import usable_in

PREDICTIONS, UNDEFINED = "predictions", "undefined"  # members of statistics.json that SageMaker does not write
SECTIONS = {
    "Regression": "regression",
    "BinaryClassification": "binary_classification",
    "MulticlassClassification": "multiclass_classification",
}
MEMBERS = {kind: [f"{name}_{kind}" for name in SECTIONS.values()] for kind in ("metrics", "constraints")}


def member_of(monitor: ModelQuality, kind: str) -> str:
    """The name of the member with all ``metrics`` or all ``constraints`` of the monitor's problem type."""
    return f"{SECTIONS[monitor.problem_type]}_{kind}"


def section(document: Document, monitor: ModelQuality, kind: str) -> Document:
    """The metrics or constraints that a file holds. Raises ConfigError if it is of another problem type."""
    wanted = member_of(monitor, kind)
    if wanted not in document:
        others = [name for name in MEMBERS[kind] if name in document]
        there = f"'{others[0]}'" if others else f"none of {', '.join(MEMBERS[kind])}"
        raise ConfigError(
            f"problem_type {monitor.problem_type} needs '{wanted}', and the file has {there}: "
            f"correct the schedule's problem_type, or make the baseline again"
        )
    entries = document[wanted]
    if not isinstance(entries, dict):
        raise ConfigError(f"'{wanted}' must be an object with an entry for each metric")
    return entries


def is_newer(known: Document) -> bool:
    """Whether the metrics of a file are as SageMaker's containers write them since 2024."""
    entries = [entry for entry in known.values() if isinstance(entry, Mapping)]
    return AU_PRC in known or any(entry.get("standard_deviation", 0) is None for entry in entries)


def refuse_swapped(statistics: Document | None, constraints: Document | None) -> None:
    if set(MEMBERS["constraints"]) & set(statistics or {}) or set(MEMBERS["metrics"]) & set(constraints or {}):
        raise ConfigError("statistics.json and constraints.json are swapped")


def refuse_impossible(thresholds: Mapping[str, float], monitor: ModelQuality) -> None:
    """Raise ConfigError for a threshold that the metric's value never reaches."""
    for name, value in thresholds.items():
        least, most = limits_of(monitor, name)
        if not least <= value <= most:
            sides = f"is at least {least:g}" if most == math.inf else f"is at most {most:g}"
            sides = "is between 0 and 1, so that 90 % is 0.9" if (least, most) == (0.0, 1.0) else sides
            raise ConfigError(
                f"'{name}' {sides}: its threshold can't be {value:g}; or delete its entry if it shall not be judged"
            )


def limits_of(monitor: ModelQuality, name: str) -> tuple[float, float]:
    """The least and the largest value that a metric can have; infinite where there is none."""
    if name in monitor.metrics:
        return -math.inf, math.inf
    if monitor.problem_type == "Regression":
        return (-math.inf, 1.0) if name == "r2" else (0.0, math.inf)
    return 0.0, 1.0


def threshold_in(name: str, entry: Any, operators: Mapping[str, str]) -> float:
    """The threshold of a metric's entry in ``constraints.json``; ``operators`` are those of the metrics that can be
    judged.

    Other keys are ignored, and an absent operator is the metric's own. Raises ConfigError for an entry that would not
    be judged as written: another metric, another operator, or no number.
    """
    if name not in operators:
        raise ConfigError(
            f"'{name}' is no metric that can be judged here, so delete its entry; there are {', '.join(operators)}"
        )
    own = operators[name]
    example = f'"{name}": {{"threshold": 0.5, "comparison_operator": "{own}"}}'
    if not isinstance(entry, Mapping):
        raise ConfigError(f"'{name}' must be an object, e.g. {example}")
    operator = entry.get("comparison_operator")
    if operator not in (own, None):
        side = {LESS_THAN: "higher", GREATER_THAN: "lower"}[own]
        raise ConfigError(f"'{name}' is better {side}, so its comparison_operator is {own}, not {operator!r}")
    value = finite(entry.get("threshold"))
    if value is None:
        raise ConfigError(
            f"'{name}' needs a number as threshold, not {entry.get('threshold')!r}, e.g. {example}; "
            f"or delete its entry if it shall not be judged"
        )
    return value


def finite(value: Any) -> float | None:
    """A finite number, which may be written as a text; else None."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def values_in(known: Document, names: Iterable[str]) -> dict[str, float]:
    """The values of some metrics in ``statistics.json``; those that do not exist are left out."""
    values = {name: finite(entry_of(known, name).get("value")) for name in names if name in known}
    return {name: value for name, value in values.items() if value is not None}


def why_unknown(statistics: Document, known: Document, names: Iterable[str]) -> dict[str, str]:
    """Why ``statistics.json`` holds no threshold for some metrics, by metric; those that have one are left out. Raises
    ConfigError."""
    undefined = statistics.get(UNDEFINED, {})
    if not isinstance(undefined, Mapping):
        raise ConfigError(f"'{UNDEFINED}' must be an object with a reason for each metric")
    reasons = {}
    for name in names:
        entry = entry_of(known, name) if name in known else None
        if why := (entry or {"reason": undefined.get(name)}).get("reason"):
            reasons[name] = f"the baseline has no {name} to compare with: {why}"
        elif entry is None:
            reasons[name] = f"the baseline has no {name}; make it again"
        elif finite(entry.get("value")) is None:
            reasons[name] = f"the baseline has no {name} to compare with"
    return reasons


def entry_of(known: Document, name: str) -> Document:
    entry = known[name]
    if not isinstance(entry, dict):
        raise ConfigError(f"'{name}' must be an object with a 'value' and a 'standard_deviation'")
    return entry


def measures_in(known: Document, statistics: Document, monitor: ModelQuality) -> dict[str, Measure]:
    """The baseline's measures, as far as ``statistics.json`` has them: shares as counts of its confusion matrix, others
    with their standard error.

    SageMaker's deviations, of five samples of the same rows, are not standard errors and not used as such. Only a file
    with ``predictions``, which SageMaker does not write, has standard errors.

    Raises ConfigError for an impossible number of rows or error.
    """
    rows, has_errors = rows_in(statistics), PREDICTIONS in statistics
    values = values_in(known, [name for name, entry in known.items() if isinstance(entry, dict) and "value" in entry])
    estimates: dict[str, Measure] = {
        name: Estimate(value, error_in(known[name], name) if has_errors else None, rows)
        for name, value in values.items()
    }
    for by_name in shares_in(cells_in(known), monitor):
        counted = {name: s for name, s in by_name.items() if name in values and isinstance(s, Share) and s.n}
        if all(math.isclose(share.inside / share.n, values[name], abs_tol=1e-9) for name, share in counted.items()):
            return estimates | counted
    return estimates


def rows_in(statistics: Document) -> int:
    """The number of rows of the file's metrics; 0 if it does not say. Raises ConfigError."""
    dataset = statistics.get("dataset") or {}
    if not isinstance(dataset, Mapping):
        raise ConfigError("'dataset' must be an object, e.g. {\"item_count\": 1000}")
    try:
        return count(dataset.get("item_count") or 0)
    except ValueError as error:
        raise ConfigError(f"'item_count' must be a number of rows: {error}; correct or delete it") from error


def usable_of(statistics: Document, constraints: Document) -> Usable:
    """How many of the baseline's labelled rows were usable; {} in a file of SageMaker's, which does not say. Raises
    ConfigError."""
    if PREDICTIONS not in statistics:
        return {}
    unusable = (statistics.get("dataset") or {}).get("unusable") or {}
    try:
        lost = sum(count(n) for n in unusable.values())
    except (AttributeError, ValueError) as error:
        raise ConfigError(f"'unusable' must hold a number of rows for each reason: {error}") from error
    return usable_in(constraints, rows_in(statistics), lost)


def error_in(entry: Document, name: str) -> float | None:
    """A metric's standard error; None if unknown. Raises ConfigError for a negative one."""
    error = finite(entry.get("standard_deviation"))
    if error is not None and error < 0:
        raise ConfigError(f"'{name}' can't have the standard_deviation {error:g}; correct or delete it")
    return error


def count(value: Any) -> int:
    """A number of rows. Raises ValueError if it is not one."""
    number = finite(value)
    if number is None or number < 0 or number != int(number):
        raise ValueError(f"{value!r:.40} is no number of rows")
    return int(number)


def cells_in(known: Document) -> dict[tuple[str, str], int]:
    """Rows by actual and predicted label; {} if the file has no confusion matrix. Raises ConfigError if it is none."""
    matrix = known.get("confusion_matrix") or {}
    try:
        return {(actual, predicted): count(n) for actual, row in matrix.items() for predicted, n in row.items()}
    except (AttributeError, TypeError, ValueError) as error:
        raise ConfigError(f"'confusion_matrix' must hold counts by actual and predicted label: {error}") from error


def labels_in(cells: Mapping[tuple[str, str], int]) -> tuple[str, ...]:
    """The labels of the rows of a confusion matrix, in order."""
    labels = (label_of(label) for cell, n in cells.items() if n for label in cell)
    return tuple(in_order({label for label in labels if label is not None}))


def shares_in(cells: Mapping[tuple[str, str], int], monitor: ModelQuality) -> Iterator[Mapping[str, Measure]]:
    """The shares of a confusion matrix; for two classes, with either as the positive one, the likelier first."""
    hits = sum(n for (actual, predicted), n in cells.items() if actual == predicted)
    accuracy: dict[str, Measure] = {"accuracy": Share(hits, sum(cells.values()))}
    if not monitor.is_binary:
        yield accuracy
        return
    labels = {label for cell in cells for label in cell}
    likelier = sorted(labels, key=lambda label: (label == monitor.positive_label, label == "1", label), reverse=True)
    yield from (shares(confusion(cells, label), Coding(label, "")) | accuracy for label in likelier)


def confusion(cells: Mapping[tuple[str, str], int], positive: str) -> Confusion:
    """Rows of two classes, given the positive one."""
    tp = cells.get((positive, positive), 0)
    fn = sum(n for (actual, predicted), n in cells.items() if actual == positive != predicted)
    fp = sum(n for (actual, predicted), n in cells.items() if predicted == positive != actual)
    return Confusion(tp, fp, fn, sum(cells.values()) - tp - fn - fp)


def predictions_in(statistics: Document) -> Distribution | None:
    """How the predictions of all rows are spread; None if the file does not say. Raises ConfigError."""
    written = statistics.get(PREDICTIONS)
    if written is None:
        return None
    try:
        return spread_of(written)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ConfigError(f"'{PREDICTIONS}' can't be read: {error!r}") from error
