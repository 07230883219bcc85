"""Do a recorder's counters reach OpenTelemetry, and its options reach S3?"""

from __future__ import annotations

import http.server
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

METRICS = """
import sys
from opentelemetry import metrics
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from model_monitor.recorder import Recorder

root = sys.argv[1]
recorders = [Recorder(name, root + "/capture", spool=root + "/spool", sampling_percentage=50) for name in ("a", "b")]
reader = InMemoryMetricReader()
metrics.set_meter_provider(MeterProvider([reader]))  # later than the recorders, as an application may
for i in range(100):
    recorders[0].record(b"1", b"2", event_id=f"e{i}")
recorders[0].flush()
for recorder in recorders:
    recorder.close()
recorders[0].record(b"1", b"2", event_id="e0" if recorders[0].wants("e0") else "e1")
found = {}
for resource in reader.get_metrics_data().resource_metrics:
    for scope in resource.scope_metrics:
        for metric in scope.metrics:
            for point in metric.data.data_points:
                about, name = dict(point.attributes), metric.name.removeprefix("model_monitor.capture.")
                found[name, about["endpoint"], about.get("reason")] = point.value
counters = recorders[0].counters()
for name in ("recorded", "sampled_out", "sent", "bytes", "failures", "spooled", "queued", "lag", "sampling_percentage"):
    assert found[name, "a", None] == counters[name], name
assert found["recorded", "a", None] + found["sampled_out", "a", None] >= 100 and found["recorded", "b", None] == 0
assert found["dropped", "a", "closed"] == counters["dropped_closed"]
assert found["sent", "a", None] > 20 and about["variant"] == "AllTraffic"
"""


def test_opentelemetry_has_each_recorders_numbers(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-c", METRICS, str(tmp_path)], check=True, timeout=60)


class Listening(http.server.BaseHTTPRequestHandler):
    """Remembers the files it was sent, and answers 200."""

    heard: list[tuple[str, dict[str, str]]]

    def do_PUT(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"] or 0))
        self.heard.append((self.path, {name.lower(): value for name, value in self.headers.items()}))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def listening() -> Iterator[tuple[int, list[tuple[str, dict[str, str]]]]]:
    heard: list[tuple[str, dict[str, str]]] = []
    handler = type("Handler", (Listening,), {"heard": heard})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_port, heard
        server.shutdown()
        thread.join()


def test_a_kms_key_goes_with_each_file_on_s3(
    tmp_path: Path, listening: tuple[int, list[tuple[str, dict[str, str]]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    from model_monitor.recorder import Recorder

    port, heard = listening
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{port}")
    key = "arn:aws:kms:eu-west-1:111122223333:key/1234abcd"
    with Recorder("churn", "s3://bucket//captures//", spool=tmp_path, kms_key_id=key) as recorder:
        recorder.record(b"1", b"2")
    [(path, headers)] = heard
    assert path.startswith("/bucket/captures/churn/AllTraffic/") and "//" not in path
    assert headers["x-amz-server-side-encryption"] == "aws:kms"
    assert headers["x-amz-server-side-encryption-aws-kms-key-id"] == key
