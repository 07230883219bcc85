"""Metrics to OpenTelemetry, by OTLP over HTTP. All names: docs/metrics.md."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import groupby
from typing import TYPE_CHECKING

from model_monitor import __version__
from model_monitor.errors import A_PAGE, ConfigError, DataError, MonitorError, StoreError, is_page
from model_monitor.monitors.attribution import DRIFT as ATTRIBUTION_DRIFT
from model_monitor.results.documents.protocol import Document
from model_monitor.results.sinks.executed import Executed
from model_monitor.results.sinks.sink import Point, cut

if TYPE_CHECKING:
    from opentelemetry.sdk.metrics.export import MetricsData
    from requests import Response

log = logging.getLogger(__name__)

PREFIX = "model_monitor"
MOST, MOST_BYTES = 2000, 2_000_000  # of a request; collectors take 4 MB and more
DESCRIPTIONS = {
    "window.rows": "Rows that were judged",
    "window.rejected": "Records that could not be read and were set aside",
    "window.violations": "Checks that were violated",
    "window.undefined": "Checks that had nothing to judge",
    "labels.coverage": "Share of requests with a label",
    "drifted_columns.share": "Share of compared columns that drifted",
    "check.violated": "1 if a check is violated, 0 if it holds",
    "drift": "Distance of a distribution from its baseline",
    "drift.threshold": "Distance from which on it is a violation, if chance does not explain it",
    "ndcg": "Likeness of the order of features to the baseline's, 1 for the same",
}
Number = tuple[str, dict[str, str], float | None, str]  # name, attributes, value, unit
STATUS_ADVICE = {
    401: "correct the credentials in OTEL_EXPORTER_OTLP_HEADERS, or in the connection",
    403: "correct the credentials in OTEL_EXPORTER_OTLP_HEADERS, or in the connection",
    404: "OTEL_EXPORTER_OTLP_ENDPOINT is the address to which /v1/metrics is added",
}


@dataclass(frozen=True)
class Otlp:
    """An OpenTelemetry receiver as the sink of an execution: the one that OTEL_EXPORTER_OTLP_ENDPOINT names.

    headers: are sent beside those of OTEL_EXPORTER_OTLP_HEADERS.
    """

    executed: Executed
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)

    name = "otlp"

    def points(self) -> Iterator[Point]:
        execution = self.executed.execution
        common = {key: str(execution[key]) for key in ("endpoint", "variant", "schedule")}
        for name, labels, value, unit in numbers_of(self.executed):
            if value is not None:
                every = tuple((common | labels).items())
                yield Point(f"{PREFIX}.{name}", every, self.executed.end, float(value), unit)

    def batches(self, points: Sequence[Point]) -> Iterator[Sequence[Point]]:
        ordered = sorted(points, key=lambda point: point.name)
        return cut(ordered, [100 + len(str(point.labels)) for point in ordered], MOST, MOST_BYTES)

    def send(self, batch: Sequence[Point]) -> None:
        """Raises StoreError if the receiver is out of reach or busy, ConfigError if it refuses, DataError if it leaves
        out some points."""
        try:
            from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
        except ImportError as error:
            raise ConfigError(f"{error}; install the package with its extra 'otlp'") from error
        from opentelemetry.sdk.metrics.export import MetricExportResult
        from requests import RequestException, Session

        answers: list[Response] = []
        try:
            with Session() as session, silent("opentelemetry.exporter.otlp.proto.http.metric_exporter"):
                session.hooks["response"].append(lambda answer, **_: answers.append(answer))
                exporter = OTLPMetricExporter(headers=dict(self.headers), session=session)
                result = exporter.export(data_of(batch))
        except (RequestException, ValueError) as error:
            raise ConfigError(f"OpenTelemetry's receiver can't be asked: {error}") from error
        answer = answers[-1] if answers else None
        if result is not MetricExportResult.SUCCESS or answer is None or not answer.ok or answer.is_redirect:
            raise refusal(answer)
        check_all_taken(answer.content, len(batch))


def numbers_of(executed: Executed) -> Iterator[Number]:
    """Every metric: what all windows have, what came of each check, and each number that was measured."""
    execution = executed.execution
    yield "window.rows", {}, execution["counts"]["judged"], "{row}"
    yield "window.rejected", {}, execution["counts"]["rejected"], "{record}"
    yield "window.violations", {}, executed.violations, "{check}"
    yield "window.undefined", {}, execution["undefined"], "{check}"
    yield "labels.coverage", {}, execution.get("labels", {}).get("coverage"), "1"
    yield from of_checks(execution["findings"])
    monitor = executed.monitor.rpartition(".")[2].lower()
    for entry in executed.measures:
        yield f"{monitor}.{in_style(entry['measure'])}", about(entry), entry["value"], ""


def of_checks(findings: Sequence[Document]) -> Iterator[Number]:
    """What came of the checks, and how far from the baseline each distribution is."""
    drifted = []
    for finding in findings:
        labels, outcome = about(finding) | {"check": finding["check"]}, finding["outcome"]
        labels |= {"measure": finding["measure"]}
        if outcome != "undefined":
            yield "check.violated", labels, outcome == "violated", ""
        if "distance" in finding:
            if finding["check"] == ATTRIBUTION_DRIFT:
                yield "ndcg", about(finding), finding["observed"], ""
                continue
            yield "drift", about(finding) | {"distance": finding["distance"]}, finding["observed"], ""
            yield "drift.threshold", about(finding) | {"distance": finding["distance"]}, finding["threshold"], ""
            if outcome != "undefined" and finding["column"] and not finding["segment"]:
                drifted.append(outcome == "violated")
    yield "drifted_columns.share", {}, sum(drifted) / len(drifted) if drifted else None, "1"


def about(entry: Document) -> dict[str, str]:
    """The attributes of a number: its column and its segment, where it has one."""
    column = {"column": entry["column"]} if entry["column"] else {}
    segment = ", ".join(f"{name}={value}" for name, value in entry["segment"].items())
    return column | ({"segment": segment} if segment else {})


def in_style(measure: str) -> str:
    """A measure's name in OpenTelemetry's style.

    >>> in_style("f0_5"), in_style("DI"), in_style("expect value between #2")
    ('f0_5', 'di', 'expect_value_between_2')
    """
    return re.sub("[^a-z0-9_]+", "_", measure.lower()).strip("_")[:200] or "value"


def data_of(batch: Sequence[Point]) -> MetricsData:
    """Points, sorted by name, as gauges whose time is the end of the window."""
    from opentelemetry.sdk.metrics import export as sdk
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.util.instrumentation import InstrumentationScope

    def gauge(name: str, points: Sequence[Point]) -> sdk.Metric:
        described = DESCRIPTIONS.get(name.removeprefix(f"{PREFIX}."), "")
        times = [int(point.time.timestamp()) * 1_000_000_000 for point in points]
        data = [
            sdk.NumberDataPoint(dict(point.labels), 0, time, point.value)  # type: ignore[arg-type]
            for point, time in zip(points, times, strict=True)
        ]
        return sdk.Metric(name, described, points[0].unit, sdk.Gauge(data))

    gauges = [gauge(name, list(points)) for name, points in groupby(batch, key=lambda point: point.name)]
    scope = sdk.ScopeMetrics(InstrumentationScope("model_monitor", __version__), gauges, "")
    resource = Resource.create({"service.name": "model-monitor"})
    return sdk.MetricsData([sdk.ResourceMetrics(resource, [scope], "")])


def refusal(answer: Response | None) -> MonitorError:
    """What it means that the points were not taken."""
    if answer is None:
        return StoreError("OpenTelemetry's receiver is out of reach; start it, or correct OTEL_EXPORTER_OTLP_ENDPOINT")
    code = answer.status_code
    words = A_PAGE if is_page(answer.content) else answer.content[:300].decode(errors="replace")
    sentence = f"OpenTelemetry's receiver said {code}: {words or answer.reason}"
    if code >= 500 or code in (408, 429):
        return StoreError(sentence)
    if answer.is_redirect:
        return ConfigError(f"{sentence}; it sends on to another address, which is not followed: name that one")
    return ConfigError(f"{sentence}; {STATUS_ADVICE.get(code, 'clear this task once that is mended')}")


def check_all_taken(content: bytes, sent: int) -> None:
    """Raise DataError if the receiver took only a part; it would leave out the rest again."""
    from google.protobuf.message import DecodeError
    from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceResponse

    try:
        partial = ExportMetricsServiceResponse.FromString(content).partial_success
    except DecodeError:  # JSON, or a text: the status alone counts
        return
    if partial.rejected_data_points:
        raise DataError(
            f"OpenTelemetry's receiver left out {partial.rejected_data_points} of {sent} points: "
            f"{partial.error_message or 'it did not say why'}"
        )


@contextmanager
def silent(name: str) -> Iterator[None]:
    """Keep a library's logger from quoting addresses and answers, which may hold a secret: our error tells it."""
    logger = logging.getLogger(name)
    before, logger.disabled = logger.disabled, True
    try:
        yield
    finally:
        logger.disabled = before
