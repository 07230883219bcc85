"""Metrics that a user's script wrote by SageMaker's file protocol: a JSON object on each line of any file of a folder.

Facts: docs/sagemaker-formats.md, Metrics in CloudWatch.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from model_monitor import store
from model_monitor.core.window import moment
from model_monitor.errors import ConfigError
from model_monitor.results.sinks.cloudwatch import CloudWatch
from model_monitor.results.sinks.sagemaker_metrics import within_limits
from model_monitor.results.sinks.sink import Point, StatisticSet

FOLDER = "metrics/cloudwatch"  # below a report
EXAMPLE = '{"MetricName": "late", "Timestamp": "2026-01-31T04:00:00Z", "Value": 0.07}'
MEMBERS = {"MetricName", "Timestamp", "Dimensions", "Value", "StatisticValues", "Unit"}
SET = ("SampleCount", "Sum", "Minimum", "Maximum")


@dataclass(frozen=True)
class ScriptMetrics(CloudWatch):
    """CloudWatch as the sink of what the script of a report wrote, in the namespace of the schedule's monitor."""

    report: str = ""

    name = "cloudwatch_script"

    def points(self) -> Iterator[Point]:
        """The points of all files; one whose value is NaN is left out. Raises ConfigError that names file and line,
        StoreError."""
        for file in store.list_files(store.join(self.report, FOLDER)):
            for number, line in enumerate(store.read(file.address).splitlines(), 1):
                if line.strip():
                    try:
                        yield from point_of(line)
                    except (ValueError, RecursionError) as error:
                        raise ConfigError(f"{file.address} line {number}: {error}, e.g. {EXAMPLE}") from error


def point_of(line: bytes) -> Iterator[Point]:
    """The point of a line; none if it is undefined. Raises ValueError."""
    entry = json.loads(line)
    if not isinstance(entry, dict) or entry.keys() - MEMBERS:
        raise ValueError(f"write a JSON object with {', '.join(sorted(MEMBERS))} only")
    name, unit = entry.get("MetricName"), entry.get("Unit", "")
    if not (isinstance(name, str) and name and isinstance(unit, str)):
        raise ValueError("MetricName must be a text that is not empty, and Unit a text")
    if ("Value" in entry) == ("StatisticValues" in entry):
        raise ValueError("write exactly one of Value and StatisticValues")
    value = numbers_in(entry["Value"] if "Value" in entry else entry["StatisticValues"])
    if (finite := within_limits(value)) is not None:
        yield Point(name, dimensions_in(entry.get("Dimensions", [])), time_in(entry.get("Timestamp")), finite, unit)


def numbers_in(value: Any) -> float | StatisticSet:
    if isinstance(value, Mapping) and value.keys() == set(SET):
        return StatisticSet(*(number_in(value[name]) for name in SET))
    return number_in(value)


def number_in(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"Value must be a number, and StatisticValues have {', '.join(SET)}; not {value!r:.40}")
    try:
        return float(value)
    except OverflowError:
        return float("inf") if value > 0 else float("-inf")


def time_in(text: Any) -> datetime:
    if not isinstance(text, str):
        raise ValueError("Timestamp must be a time in ISO 8601")
    return moment(text)


def dimensions_in(entries: Any) -> tuple[tuple[str, str], ...]:
    if not isinstance(entries, list) or not all(is_dimension(entry) for entry in entries):
        raise ValueError("Dimensions must be a list of objects with the texts Name and Value")
    return tuple((entry["Name"], entry["Value"]) for entry in entries)


def is_dimension(entry: Any) -> bool:
    return isinstance(entry, dict) and entry.keys() == {"Name", "Value"} and all(map(is_text, entry.values()))


def is_text(value: Any) -> bool:
    return isinstance(value, str)
