"""What does a baseline's pair of model-quality files ask for, and on how many rows does it rest?"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from model_monitor.core.constraints import Estimate, Measure, Share
from model_monitor.core.distributions import Distribution
from model_monitor.errors import ConfigError
from model_monitor.monitors.model_quality import GREATER_THAN, LESS_THAN, ModelQuality, Quality
from model_monitor.results.documents import Document
from model_monitor.results.sagemaker import feature, spread_of

PREDICTIONS = "predictions"  # the member of statistics.json that the original does not have
SECTIONS = {
    "Regression": "regression",
    "BinaryClassification": "binary_classification",
    "MulticlassClassification": "multiclass_classification",
}


def member_of(monitor: ModelQuality, kind: str) -> str:
    """The name of the member with all ``metrics`` or all ``constraints`` of the monitor's problem type."""
    return f"{SECTIONS[monitor.problem_type]}_{kind}"


def members(kind: str) -> list[str]:
    return [f"{name}_{kind}" for name in SECTIONS.values()]


def section(document: Document, monitor: ModelQuality, kind: str) -> Document:
    """The metrics or constraints that a file holds. Raises ConfigError if it is of another problem type."""
    wanted = member_of(monitor, kind)
    if wanted not in document:
        others = [name for name in members(kind) if name in document]
        there = f"'{others[0]}'" if others else f"none of {', '.join(members(kind))}"
        raise ConfigError(
            f"problem_type {monitor.problem_type} needs '{wanted}', and the file has {there}: "
            f"correct the schedule's problem_type, or make the baseline again"
        )
    found = document[wanted]
    if not isinstance(found, dict):
        raise ConfigError(f"'{wanted}' must be an object with an entry for each metric")
    return found


def refuse_swapped(statistics: Document | None, constraints: Document | None) -> None:
    if set(members("constraints")) & set(statistics or {}) or set(members("metrics")) & set(constraints or {}):
        raise ConfigError("statistics.json and constraints.json are swapped")


def thresholds_in(asked: Document, operators: Mapping[str, str]) -> dict[str, float]:
    """The thresholds of ``constraints.json``, by metric; ``operators`` are those of the metrics that can be judged.

    Other keys of an entry are ignored, and an absent operator is the metric's own. Raises ConfigError for an entry that
    would not be judged as written: another metric, another operator, no number.
    """
    return {name: threshold(name, entry, operators) for name, entry in asked.items()}


def threshold(name: str, entry: Any, operators: Mapping[str, str]) -> float:
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
        found = float(value)
    except ValueError:
        return None
    return found if math.isfinite(found) else None


def values_in(known: Document, names: Iterable[str]) -> dict[str, float]:
    """The values of some metrics in ``statistics.json``; those that do not exist are left out."""
    values = {name: finite(entry_of(known, name).get("value")) for name in names if name in known}
    return {name: value for name, value in values.items() if value is not None}


def entry_of(known: Document, name: str) -> Document:
    entry = known[name]
    if not isinstance(entry, dict):
        raise ConfigError(f"'{name}' must be an object with a 'value' and a 'standard_deviation'")
    return entry


def measures_in(known: Document, statistics: Document, monitor: ModelQuality) -> dict[str, Measure]:
    """The baseline's measures, as far as ``statistics.json`` tells: shares as counts of its confusion matrix, others
    with their standard error.

    The original's deviations are no standard errors (they are of five samples of the same rows), and are not taken for
    such. A file whose deviations are standard errors has ``predictions``, which the original does not.
    """
    rows = int(finite((statistics.get("dataset") or {}).get("item_count")) or 0)
    has_errors = PREDICTIONS in statistics
    values = values_in(known, [name for name, entry in known.items() if isinstance(entry, dict) and "value" in entry])
    estimates: dict[str, Measure] = {
        name: Estimate(value, finite(known[name].get("standard_deviation")) if has_errors else None, rows)
        for name, value in values.items()
    }
    for shares in shares_in(known.get("confusion_matrix") or {}, monitor):
        counted = {name: share for name, share in shares.items() if name in values and share.n}
        if all(math.isclose(share.inside / share.n, values[name], abs_tol=1e-9) for name, share in counted.items()):
            return estimates | counted
    return estimates


def shares_in(matrix: Any, monitor: ModelQuality) -> Iterator[dict[str, Share]]:
    """The shares that a confusion matrix tells; of two classes for either as the positive one, the likelier first.

    Raises ConfigError if it is no matrix of counts.
    """
    try:
        cells = {(actual, predicted): int(n) for actual, row in matrix.items() for predicted, n in row.items()}
    except (AttributeError, TypeError, ValueError) as error:
        raise ConfigError(f"'confusion_matrix' must hold counts by actual and predicted label: {error!r}") from error
    hits = sum(n for (actual, predicted), n in cells.items() if actual == predicted)
    accuracy = {"accuracy": Share(hits, sum(cells.values()))}
    if monitor.problem_type != "BinaryClassification":
        yield accuracy
        return
    labels = {label for cell in cells for label in cell}
    likelier = sorted(labels, key=lambda label: (label == monitor.positive_label, label == "1", label), reverse=True)
    yield from (accuracy | shares_of(cells, label) for label in likelier)


def shares_of(cells: Mapping[tuple[str, str], int], positive: str) -> dict[str, Share]:
    """The shares of two classes, one of which is the positive one; a share of no rows where nothing is to be shared."""
    tp = cells.get((positive, positive), 0)
    fn = sum(n for (actual, predicted), n in cells.items() if actual == positive != predicted)
    fp = sum(n for (actual, predicted), n in cells.items() if predicted == positive != actual)
    tn = sum(cells.values()) - tp - fn - fp
    return {
        "recall": Share(tp, tp + fn),
        "precision": Share(tp, tp + fp),
        "true_positive_rate": Share(tp, tp + fn),
        "true_negative_rate": Share(tn, tn + fp),
        "false_positive_rate": Share(fp, tn + fp),
        "false_negative_rate": Share(fn, tp + fn),
    }


def predictions_written(monitor: ModelQuality, state: Quality) -> Document:
    """How the predictions of all rows are spread, as data quality writes a column."""
    missing = state.rows - state.predictions.present
    return feature(monitor.predictions_attribute, state.predictions, missing)


def predictions_in(statistics: Document) -> Distribution | None:
    """The same, read back; None if the file does not say. Raises ConfigError if it can't be read."""
    written = statistics.get(PREDICTIONS)
    if written is None:
        return None
    try:
        return spread_of(written)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ConfigError(f"'{PREDICTIONS}' can't be read: {error!r}") from error
