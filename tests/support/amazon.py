"""Amazon on this machine: moto's server, which boto3 asks over HTTP, and a CloudWatch that refuses as it is told."""

from __future__ import annotations

import gzip
import json
import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
import requests
from moto.server import ThreadedMotoServer

from support.judged import WINDOW

ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "key",
    "AWS_SECRET_ACCESS_KEY": "secret",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_CONFIG_FILE": "/nonexistent",
    "AWS_SHARED_CREDENTIALS_FILE": "/nonexistent",
    "AWS_EC2_METADATA_DISABLED": "true",
}


def use(url: str, monkeypatch: pytest.MonkeyPatch, **more: str) -> None:
    """Have boto3 ask this address, with credentials that are nobody's."""
    for name, value in (ENVIRONMENT | {"AWS_ENDPOINT_URL": url} | more).items():
        monkeypatch.setenv(name, value)


@contextmanager
def serving_moto() -> Iterator[str]:
    """The address of a new moto server."""
    logging.getLogger("werkzeug").setLevel(logging.WARNING)  # it would tell each request
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    try:
        yield f"http://{host}:{port}"
    finally:
        server.stop()


def forget(url: str) -> None:
    """Have a moto server forget what it was told."""
    requests.post(f"{url}/moto-api/reset", timeout=10).raise_for_status()


@dataclass
class Refusing:
    """A CloudWatch that answers each request with the next of ``answers``, a status and a code of an error, or hangs
    for as many seconds; then with success. ``bodies`` are what it got, uncompressed; ``sizes`` as they came."""

    url: str
    answers: list[tuple[int, str] | float] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    sizes: list[int] = field(default_factory=list)
    stop: threading.Event = field(default_factory=threading.Event)

    def data(self) -> list[dict[str, Any]]:
        """All data that it was sent."""
        return [entry for body in self.bodies for entry in json.loads(body)["MetricData"]]


@contextmanager
def refusing(*answers: tuple[int, str] | float) -> Iterator[Refusing]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            served.sizes.append(len(body))
            served.bodies.append(gzip.decompress(body) if self.headers["Content-Encoding"] == "gzip" else body)
            answer = served.answers.pop(0) if served.answers else (200, "")
            if isinstance(answer, float):
                served.stop.wait(answer)
                self.close_connection = True
                return
            status, code = answer
            content = json.dumps({"__type": code, "message": f"{code}, said the server"} if code else {}).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/x-amz-json-1.0")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    served = Refusing(f"http://127.0.0.1:{server.server_port}", list(answers))
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield served
    finally:
        served.stop.set()
        server.shutdown()
        server.server_close()


def listed(client: Any, kind: str, schedule: str) -> list[dict[str, Any]]:
    """The metrics of a schedule, as SageMaker's notebooks list them."""
    dimensions = [{"Name": "Endpoint", "Value": "churn"}, {"Name": "MonitoringSchedule", "Value": schedule}]
    pages = client.get_paginator("list_metrics").paginate(
        Namespace=f"aws/sagemaker/Endpoints/{kind}-metrics", Dimensions=dimensions
    )
    return [metric for page in pages for metric in page["Metrics"]]


def values(client: Any, metric: dict[str, Any]) -> dict[str, Any]:
    """The one data point of a metric."""
    [point] = client.get_metric_statistics(
        Namespace=metric["Namespace"],
        MetricName=metric["MetricName"],
        Dimensions=metric["Dimensions"],
        StartTime=WINDOW.end - timedelta(hours=1),
        EndTime=WINDOW.end + timedelta(hours=1),
        Period=60,
        Statistics=["Average", "Sum", "SampleCount", "Minimum", "Maximum"],
    )["Datapoints"]
    return point


def by_name(client: Any, kind: str, schedule: str) -> dict[str, dict[str, Any]]:
    """The data point of each metric that has the two common dimensions only."""
    common = ["Endpoint", "MonitoringSchedule"]
    metrics = [m for m in listed(client, kind, schedule) if [d["Name"] for d in m["Dimensions"]] == common]
    return {metric["MetricName"]: values(client, metric) for metric in metrics}
