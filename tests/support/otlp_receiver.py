"""An OpenTelemetry receiver on this machine: OTLP over HTTP, decoded by OpenTelemetry's own protobuf."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
    ExportMetricsServiceResponse,
)

Answer = tuple[int, bytes, dict[str, str]]


def leaving_out(points: int, why: str) -> Answer:
    answer = ExportMetricsServiceResponse()
    answer.partial_success.rejected_data_points, answer.partial_success.error_message = points, why
    return 200, answer.SerializeToString(), {}


@dataclass(frozen=True)
class Received:
    """A data point: its metric, unit, attributes, time in nanoseconds since 1970, and value."""

    name: str
    unit: str
    attributes: dict[str, str]
    time: int
    value: float


@dataclass
class Receiver:
    """What was received: points, headers of requests, attributes of resources. ``answers`` come first, then success."""

    url: str
    answers: list[Answer] = field(default_factory=list)
    points: list[Received] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    resources: list[dict[str, str]] = field(default_factory=list)

    def values(self, name: str, **attributes: str) -> dict[tuple[str, ...], float]:
        """The values of a metric with these attributes, by the values of its other attributes."""
        return {
            tuple(
                v for k, v in sorted(p.attributes.items()) if k not in ("endpoint", "variant", "schedule", *attributes)
            ): p.value
            for p in self.points
            if p.name == name and attributes.items() <= p.attributes.items()
        }

    def take(self, body: bytes) -> None:
        for resource in ExportMetricsServiceRequest.FromString(body).resource_metrics:
            self.resources.append(texts(resource.resource.attributes))
            for metric in (metric for scope in resource.scope_metrics for metric in scope.metrics):
                for point in metric.gauge.data_points:
                    about = texts(point.attributes)
                    assert point.WhichOneof("value") == "as_double"
                    self.points.append(Received(metric.name, metric.unit, about, point.time_unix_nano, point.as_double))


def texts(attributes: Any) -> dict[str, str]:
    return {one.key: one.value.string_value for one in attributes}


@contextmanager
def receiving(*answers: Answer) -> Iterator[Receiver]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            receiver.headers.append({key.lower(): value for key, value in self.headers.items()})
            receiver.paths.append(self.path)
            status, content, headers = receiver.answers.pop(0) if receiver.answers else (200, b"", {})
            if status == 200:
                receiver.take(body)
            self.send_response(status)
            for name, value in ({"Content-Length": str(len(content))} | headers).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    receiver = Receiver(f"http://127.0.0.1:{server.server_port}", list(answers))
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield receiver
    finally:
        server.shutdown()
        server.server_close()
