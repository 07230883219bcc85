"""Which numbers of a baseline's constraints may a person set in a form? Their places, names and values."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from copy import deepcopy
from typing import Any, NamedTuple

from model_monitor.errors import ConfigError
from model_monitor.results.documents.analysis import BIAS
from model_monitor.results.documents.protocol import Document, in_front

Place = tuple[str | int, ...]

RULES = {  # members of data quality's monitoring_config that are thresholds
    ("datatype_check_threshold",): "least share of values of the expected type",
    ("domain_content_threshold",): "least share of values that the baseline knows",
    ("distribution_constraints", "comparison_threshold"): "largest distance of numbers",
    ("distribution_constraints", "categorical_comparison_threshold"): "largest distance of categories",
}
SIDES = {"LessThanThreshold": "at least", "GreaterThanThreshold": "at most"}


class Threshold(NamedTuple):
    """A number in a document at a place, and what it bounds in words."""

    place: Place
    name: str
    value: Any

    @property
    def key(self) -> str:
        """The place as text: the name of its field."""
        return json.dumps(self.place, ensure_ascii=False)


def thresholds_in(document: Document) -> list[Threshold]:
    """The thresholds of a constraints file of any monitor, in its order; those of segments last."""
    found = list(of_part(document, (), ""))
    for i, entry in enumerate(objects(document.get("segments"))):
        found += of_part(entry, ("segments", i), in_front(members(entry.get("segment"))))
    return [threshold for threshold in found if is_number(threshold.value)]  # a person may have written anything


def of_part(part: Document, place: Place, front: str) -> Iterator[Threshold]:
    """Those about all rows, or about a segment's."""
    yield from of_columns(part, place, front)
    for member, entries in part.items():
        if member.endswith("_constraints"):
            for name, entry in members(entries).items():
                side = SIDES.get(str(members(entry).get("comparison_operator")), "threshold")
                value = members(entry).get("threshold")
                yield Threshold((*place, member, name, "threshold"), f"{front}{name} {side}", value)
        if member in BIAS:
            yield from of_facets(members(entries), (*place, member), front)
    for i, constraint in enumerate(objects(part.get("constraints"))):
        yield from of_bound(constraint, (*place, "constraints", i), front)


def of_columns(part: Document, place: Place, front: str) -> Iterator[Threshold]:
    """Data quality: the rules of all columns, then the completeness of each."""
    for path, words in RULES.items():
        value: Any = part.get("monitoring_config")
        for step in path:
            value = members(value).get(step)
        yield Threshold((*place, "monitoring_config", *path), front + words, value)
    for i, feature in enumerate(objects(part.get("features"))):
        name, at = feature.get("name"), (*place, "features", i)
        words = f"{front}{name}: least share of rows with a value"
        yield Threshold((*at, "completeness"), words, feature.get("completeness"))
        for member, value in members(feature.get("monitoringConfigOverrides")).items():
            yield Threshold((*at, "monitoringConfigOverrides", member), f"{front}{name}: {member}", value)


def of_facets(section: Document, place: Place, front: str) -> Iterator[Threshold]:
    """Bias: the baseline's value of each metric, from which its bounds follow."""
    for facet, entries in members(section.get("facets")).items():
        for i, entry in enumerate(objects(entries)):
            about = f"{front}{facet} = {entry.get('value_or_threshold')}"
            for j, metric in enumerate(objects(entry.get("metrics"))):
                at = (*place, "facets", facet, i, "metrics", j, "value")
                yield Threshold(at, f"{about}: {metric.get('name')} of the baseline", metric.get("value"))


def of_bound(constraint: Document, place: Place, front: str) -> Iterator[Threshold]:
    """Any other monitor: the ends, shares and distances of its bounds."""
    about = " ".join(str(constraint[name]) for name in ("column", "measure") if constraint.get(name))
    front += in_front(members(constraint.get("segment")))
    words = {
        ("between", "low"): "at least",
        ("between", "high"): "at most",
        ("within", "at_least"): "least share of known values",
        ("near", "threshold"): "largest distance",
    }
    for path, side in words.items():
        value = members(constraint.get(path[0])).get(path[1])
        yield Threshold((*place, *path), f"{front}{about} {side}", value)


def members(value: Any) -> Document:
    """A JSON object; {} of anything else, which a person may have written."""
    return value if isinstance(value, dict) else {}


def objects(value: Any) -> list[Document]:
    """The entries of a JSON list; those that are no objects are empty."""
    return [members(entry) for entry in value] if isinstance(value, list) else []


def is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def with_thresholds(document: Document, changes: Mapping[str, str]) -> Document:
    """The document with other numbers, as text by ``Threshold.key``. What is not among its thresholds is refused.

    Raises ConfigError.
    """
    known = {threshold.key: threshold for threshold in thresholds_in(document)}
    edited = deepcopy(document)
    for key, text in changes.items():
        if key not in known:
            raise ConfigError("the constraints changed meanwhile; look at them again")
        threshold = known[key]
        value = number_in(text, threshold.name)
        if value == threshold.value:
            continue
        *path, last = threshold.place
        target: Any = edited
        for step in path:
            target = target[step]
        target[last] = value
    return edited


def number_in(text: str, name: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise ConfigError(f"{name}: {text!r:.40} is no number")
    return value
