"""Do a window's numbers arrive by OTLP, and what if the receiver takes them not?"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from support import amazon
from support.judged import WINDOW
from support.otlp_receiver import leaving_out, receiving
from support.published import SCHEDULES, Published

from model_monitor.errors import ConfigError, DataError, StoreError

END = WINDOW.end
BOTH = ["Endpoint", "MonitoringSchedule"]


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> Published:
    endpoint = Published(tmp_path_factory.mktemp("published"), cloudwatch=True, otlp=True)
    endpoint.judge(*SCHEDULES)
    return endpoint


@pytest.fixture
def endpoint(judged: Published, tmp_path: Path) -> Published:
    return judged.copied(tmp_path)


@pytest.fixture(scope="module")
def moto() -> Iterator[str]:
    with amazon.serving_moto() as url:
        yield url


@pytest.fixture
def cloudwatch(moto: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    amazon.use(moto, monkeypatch)
    amazon.forget(moto)
    return boto3.client("cloudwatch")


def test_opentelemetry_gets_gauges_at_the_windows_end(endpoint: Published, monkeypatch: pytest.MonkeyPatch) -> None:
    endpoint.turn_on(otlp=True)
    with receiving() as receiver:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", receiver.url)
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "api-key=hidden")
        monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=test")
        for name in SCHEDULES:
            assert endpoint.publish(name, headers={"Authorization": "Bearer t"})["sent"]["otlp"] > 5
    assert set(receiver.paths) == {"/v1/metrics"}
    assert all((h["api-key"], h["authorization"]) == ("hidden", "Bearer t") for h in receiver.headers)
    assert receiver.resources[0]["service.name"] == "model-monitor"
    assert receiver.resources[0]["deployment.environment.name"] == "test"
    seconds = int(END.timestamp())
    assert {point.time for point in receiver.points} == {seconds * 10**9}
    assert {(p.attributes["endpoint"], p.attributes["variant"]) for p in receiver.points} == {("churn", "AllTraffic")}
    assert receiver.values("model_monitor.window.rows", schedule="dq") == {(): 300.0}
    assert receiver.values("model_monitor.labels.coverage", schedule="mq") == {(): pytest.approx(200 / 300)}
    measures = endpoint.read("mq", "measures.json")["measures"]
    [f2] = [one["value"] for one in measures if one["measure"] == "f2"]
    assert receiver.values("model_monitor.model_quality.f2", schedule="mq") == {(): f2}
    complete = receiver.values("model_monitor.data_quality.completeness", schedule="dq")
    assert complete == {(column,): 1.0 for column in ("score", "a", "b", "c")}
    drift = receiver.values("model_monitor.drift", schedule="dq", column="a")
    findings = endpoint.read("dq", "execution.json")["findings"]
    [finding] = [f for f in findings if (f["measure"], f["column"]) == ("spread", "a")]
    assert drift == {(finding["distance"],): finding["observed"]}
    assert receiver.values("model_monitor.bias.di", schedule="bias").keys() == {("c = 1",)}
    assert receiver.values("model_monitor.ndcg", schedule="why").keys() == {("label0",)}
    violated = receiver.values("model_monitor.check.violated", schedule="dq")
    assert violated["missing_column_check", "columns"] == 1.0 and sum(violated.values()) == 1.0


@pytest.mark.parametrize(
    ("answer", "error", "words"),
    [
        ((500, b"no disk", {}), StoreError, "no disk"),
        ((429, b"", {"Retry-After": "60"}), StoreError, "429"),
        ((401, b'{"token": "hidden"}', {}), ConfigError, "OTEL_EXPORTER_OTLP_HEADERS"),
        ((404, b"<html>login</html>", {}), ConfigError, "OTEL_EXPORTER_OTLP_ENDPOINT"),
        ((302, b"", {"Location": "http://127.0.0.1:9/"}), ConfigError, "not followed"),
        (leaving_out(2, "too old"), DataError, "left out 2 of .* too old"),
    ],
)
def test_what_a_receiver_does_not_take_is_said_and_sent_by_the_next_try(
    endpoint: Published, monkeypatch: pytest.MonkeyPatch, caplog: Any, answer: Any, error: type[Exception], words: str
) -> None:
    endpoint.turn_on(otlp=True)
    with receiving(answer) as receiver:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", receiver.url)
        with pytest.raises(error, match=words) as raised:
            endpoint.publish("dq")
        assert type(raised.value) is error
        receiver.points.clear()
        assert endpoint.publish("dq")["sent"]["otlp"] == len(receiver.points) > 10
    assert "hidden" not in str(raised.value) and "hidden" not in caplog.text


def test_a_receiver_that_is_not_there_keeps_cloudwatch_from_nothing(
    endpoint: Published, cloudwatch: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    endpoint.turn_on(cloudwatch=True, otlp=True)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "1")
    with pytest.raises(StoreError, match="out of reach"):
        endpoint.publish("dq")
    assert amazon.by_name(cloudwatch, "data", "dq")["rows"]["Sum"] == 300


def test_a_cloudwatch_that_denies_keeps_no_number_from_opentelemetry(
    endpoint: Published, monkeypatch: pytest.MonkeyPatch
) -> None:
    endpoint.turn_on(cloudwatch=True, otlp=True)
    with amazon.refusing((403, "AccessDenied")) as served, receiving() as receiver:
        amazon.use(served.url, monkeypatch)
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", receiver.url)
        with pytest.raises(ConfigError, match="PutMetricData"):
            endpoint.publish("dq")
        assert receiver.values("model_monitor.window.rows") == {(): 300.0}


def test_no_log_quotes_an_address_with_a_key_in_it(
    endpoint: Published, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    endpoint.turn_on(otlp=True)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", "http://127.0.0.1:9/v1/metrics?license=hidden")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "3")
    with pytest.raises(StoreError) as raised:
        endpoint.publish("dq")
    assert "hidden" not in str(raised.value) + caplog.text
