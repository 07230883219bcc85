"""Metrics to Amazon CloudWatch, named as SageMaker names them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from urllib.parse import quote

from model_monitor.errors import ConfigError
from model_monitor.results.sealed import digest_of
from model_monitor.results.sinks import aws, sagemaker_metrics
from model_monitor.results.sinks.executed import Executed
from model_monitor.results.sinks.sink import Point, StatisticSet, TooOld, cut

MOST, MOST_BYTES = 1000, 500_000  # of a request: CloudWatch's number, and half its megabyte, as it is encoded again
LONGEST_NAME, LONGEST_VALUE = 255, 1024
PERMISSION = "cloudwatch:PutMetricData"
OLD = "two weeks"


@dataclass(frozen=True)
class CloudWatch:
    """CloudWatch as the sink of an execution.

    login: a client of boto3; None for one with the environment's credentials.
    """

    executed: Executed
    login: Any = field(default=None, compare=False)

    name = "cloudwatch"

    @cached_property
    def client(self) -> Any:
        return self.login or aws.client_of("cloudwatch")

    @property
    def namespace(self) -> str:
        return sagemaker_metrics.namespace(self.executed.monitor, self.executed.names_endpoint)

    def points(self) -> Iterator[Point]:
        return sagemaker_metrics.points(self.executed)

    def batches(self, points: Sequence[Point]) -> Iterator[Sequence[Point]]:
        sizes = [len(quote(json.dumps(datum(point), default=str))) for point in points]
        return cut(points, sizes, MOST, MOST_BYTES)

    def send(self, batch: Sequence[Point]) -> None:
        try:
            with aws.asking("CloudWatch", PERMISSION):
                self.client.put_metric_data(Namespace=self.namespace, MetricData=[datum(point) for point in batch])
        except ConfigError as error:
            if OLD not in str(error):
                raise
            raise TooOld(f"CloudWatch takes nothing that is older than {OLD}") from error


def datum(point: Point) -> dict[str, Any]:
    """A point as PutMetricData takes it."""
    value = point.value
    numbers: dict[str, Any] = {"Value": value}
    if isinstance(value, StatisticSet):
        names = "SampleCount", "Sum", "Minimum", "Maximum"
        numbers = {"StatisticValues": dict(zip(names, map(float, value), strict=True))}
    return {
        "MetricName": fitted(point.name, LONGEST_NAME),
        "Dimensions": dimensions(point.labels),
        "Timestamp": point.time,
        **numbers,
        **({"Unit": point.unit} if point.unit else {}),
    }


def dimensions(labels: Sequence[tuple[str, str]]) -> list[dict[str, str]]:
    """Dimensions as CloudWatch takes them."""
    return [{"Name": fitted(name, LONGEST_NAME), "Value": fitted(value, LONGEST_VALUE)} for name, value in labels]


def fitted(text: str, longest: int) -> str:
    """A text as CloudWatch takes it: other characters than ASCII's as escapes, no space at the ends, not empty, and the
    middle of a long one left out; its end tells long ones apart.

    >>> fitted("größe", 255), fitted(" ", 255)
    ('gr\\\\xf6\\\\xdfe', '-')
    """
    text = "".join(c if c.isascii() and c.isprintable() else c.encode("unicode_escape").decode() for c in text)
    text = text.strip().lstrip(":") or "-"
    if len(text) <= longest:
        return text
    return f"{text[: longest - 17]}~{digest_of(text.encode())[:16]}"
