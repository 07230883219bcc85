"""Shared by bias and attribution: reading and writing ``analysis.json``, both statistics and constraints."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from model_monitor.errors import ConfigError
from model_monitor.results.documents.protocol import Document

VERSION = "1.0"
BIAS = ("post_training_bias_metrics", "pre_training_bias_metrics")  # the sections of bias, in the file's order
EXPLANATIONS = "explanations"  # the section of feature attributions
INFINITE = {"Infinity": math.inf, "-Infinity": -math.inf}
OTHERS = {  # by a member that the file of another monitor has
    "violations": "a constraint_violations.json",
    "features": "a file of data quality",
    "measures": "a file of another monitor",
    "constraints": "a file of another monitor",
}


def text_of(value: float) -> str:
    """A number in a sentence, as SageMaker writes it here: Python's shortest, and infinity in words.

    >>> text_of(0.374894782529513), text_of(float("-inf"))
    ('0.374894782529513', '-Infinity')
    """
    return repr(float(value)) if math.isfinite(value) else ("Infinity" if value > 0 else "-Infinity")


def short(value: float) -> str:
    """A number that is only an aside, to four digits."""
    return f"{value:.4g}" if math.isfinite(value) else text_of(value)


def rows_counted(usable: int, unusable: Mapping[str, int]) -> Document:
    """How many rows were usable (``item_count``) and ``unusable``, by reason, which SageMaker does not write. They are
    no object: SageMaker's SDK of model cards takes each object of the file for a section with facets."""
    by_reason = [{"reason": reason, "rows": rows} for reason, rows in unusable.items()]
    return {"item_count": usable} | ({"unusable": by_reason} if by_reason else {})


def unusable_in(document: Mapping[str, Any]) -> dict[str, int] | None:
    """How many rows a baseline set aside, by reason, as ``rows_counted`` wrote it; None in a file of SageMaker's.

    Raises ConfigError.
    """
    if "item_count" not in document:
        return None
    entries = objects_at(document.get("unusable", []), "'unusable'")
    return {str(entry.get("reason")): count_at(entry, "rows", "'unusable'") for entry in entries}


def number_written(value: float) -> float | str:
    """A number, or the text that stands for an infinite one."""
    return float(value) if math.isfinite(value) else text_of(value)


def number_read(value: Any) -> float | None:
    """A number or infinity, read back; None if it is neither."""
    if isinstance(value, str):
        return INFINITE.get(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return float(value) if math.isfinite(value) else None
    except OverflowError:  # JSON has whole numbers of any length
        return None


def sections(
    statistics: Document | None, constraints: Document | None, wanted: Sequence[str], monitor: str
) -> Document:
    """The wanted sections of a file, which may be given as either of a baseline's two. Raises ConfigError that tells
    whose file it is if it has none of them, or one that is no object."""
    document = constraints if constraints is not None else statistics
    contents = {name: document[name] for name in wanted if name in document} if document else {}
    if not contents:
        raise ConfigError(
            f"{monitor} needs an analysis.json with {' or '.join(repr(name) for name in wanted)}, and this is "
            f"{whose(document or {})}; correct the address, or make the baseline again"
        )
    for name, content in contents.items():
        object_at(content, f"'{name}'")
    return contents


def whose(document: Document) -> str:
    """The kind of a file, in words."""
    if EXPLANATIONS in document:
        return "the analysis.json of feature attributions"
    if any(name in document for name in BIAS):
        return "the analysis.json of bias"
    if any(name.endswith(("_metrics", "_constraints")) for name in document):
        return "a file of model quality"
    known = [words for name, words in OTHERS.items() if name in document]
    return known[0] if known else "none"


def object_at(value: Any, place: str) -> Mapping[str, Any]:
    """A JSON object. Raises ConfigError that names its place."""
    if not isinstance(value, Mapping):
        raise ConfigError(f"{place} must be an object, not {value!r:.40}")
    return value


def objects_at(value: Any, place: str) -> list[Mapping[str, Any]]:
    """A list of JSON objects. Raises ConfigError that names its place."""
    if not isinstance(value, list) or not all(isinstance(entry, Mapping) for entry in value):
        raise ConfigError(f"{place} must be a list of objects")
    return value


def error_at(entry: Mapping[str, Any], name: str, place: str) -> float | None:
    """The standard error of a number in a file; None if the file has none. Raises ConfigError."""
    value = entry.get(name)
    if value is None:
        return None
    error = number_read(value)
    if error is None or not 0 <= error < math.inf:
        raise ConfigError(f"{place}: '{name}' must be a number of at least 0, not {value!r:.40}; or delete it")
    return error


def count_at(entry: Mapping[str, Any], name: str, place: str) -> int:
    """The number of rows in a file; 0 if the file has none. Raises ConfigError."""
    value = entry.get(name, 0)
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise ConfigError(f"{place}: '{name}' must be a whole number of rows, not {value!r:.40}; or delete it")
    return value
