"""What becomes of a window's numbers while CloudWatch does not take them?"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from support import amazon
from support.judged import WINDOW
from support.published import SCHEDULES, Published

from model_monitor.errors import ConfigError, DataError, StoreError
from model_monitor.results.sinks import aws
from model_monitor.results.sinks import cloudwatch as cloudwatch_sink

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


def test_what_cloudwatch_throttles_is_sent_by_botocore_and_then_by_the_next_try(
    endpoint: Published, monkeypatch: pytest.MonkeyPatch
) -> None:
    endpoint.turn_on(cloudwatch=True)
    throttled = (400, "ThrottlingException")
    with amazon.refusing(throttled) as served:
        amazon.use(served.url, monkeypatch)
        count = endpoint.publish("dq")["sent"]["cloudwatch"]
        assert len(served.bodies) == 2 and served.bodies[0] == served.bodies[1]
    with amazon.refusing(throttled, throttled) as served:
        amazon.use(served.url, monkeypatch, AWS_MAX_ATTEMPTS="2")
        with pytest.raises(StoreError, match="CloudWatch is busy"):
            endpoint.publish("mq")
        assert endpoint.publish("mq")["sent"]["cloudwatch"] > count // 2
        assert len(served.bodies) == 3


def test_a_try_after_a_failure_goes_on_with_the_next_batch(
    endpoint: Published, monkeypatch: pytest.MonkeyPatch
) -> None:
    endpoint.turn_on(cloudwatch=True)
    monkeypatch.setattr(cloudwatch_sink, "MOST", 4)
    with amazon.refusing((200, ""), (500, "InternalFailure")) as served:
        amazon.use(served.url, monkeypatch, AWS_MAX_ATTEMPTS="1")
        with pytest.raises(StoreError):
            endpoint.publish("dq")
        assert len(served.data()) == 8  # the second four did not arrive
        rest = endpoint.publish("dq")["sent"]["cloudwatch"]
        again = served.data()[4:8]
        names = [entry["MetricName"] for entry in served.data()[:4] + served.data()[8:]]
        assert len(names) == len(set(names)) == rest + 4
        assert again == served.data()[8:12]


@pytest.mark.parametrize(
    ("answer", "error", "words"),
    [
        ((403, "AccessDenied"), ConfigError, "allow cloudwatch:PutMetricData"),
        ((403, "InvalidClientTokenId"), ConfigError, "does not know these credentials"),
        ((503, "ServiceUnavailable"), StoreError, "CloudWatch is busy"),
        ((500, "InternalFailure"), StoreError, "CloudWatch is busy"),
        ((400, "InvalidParameterValue"), ConfigError, "CloudWatch refused"),
        (5.0, StoreError, "did not answer"),
    ],
)
def test_a_refusal_says_what_to_do_and_is_tried_again_where_that_helps(
    endpoint: Published, monkeypatch: pytest.MonkeyPatch, answer: Any, error: type[Exception], words: str
) -> None:
    endpoint.turn_on(cloudwatch=True)
    monkeypatch.setattr(aws, "READ_SECONDS", 0.2)
    before = {path: path.read_bytes() for path in endpoint.report("dq").rglob("*.json")}
    with amazon.refusing(answer) as served:
        amazon.use(served.url, monkeypatch, AWS_MAX_ATTEMPTS="1")
        with pytest.raises(error, match=words) as raised:
            endpoint.publish("dq")
        assert type(raised.value) is error and "secret" not in str(raised.value)
        assert endpoint.publish("dq")["sent"]["cloudwatch"] > 10
    assert before == {path: path.read_bytes() for path in endpoint.report("dq").rglob("*.json")}


def test_without_credentials_or_region_it_says_which_variables_to_set(
    endpoint: Published, monkeypatch: pytest.MonkeyPatch
) -> None:
    endpoint.turn_on(cloudwatch=True)
    amazon.use("http://127.0.0.1:9", monkeypatch)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    with pytest.raises(ConfigError, match="AWS_ACCESS_KEY_ID"):
        endpoint.publish("dq")
    monkeypatch.delenv("AWS_ENDPOINT_URL")
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    with pytest.raises(ConfigError, match="AWS_DEFAULT_REGION"):
        endpoint.publish("dq")


def test_a_window_of_long_ago_is_said_to_be_too_old_and_nothing_counts_as_sent(
    endpoint: Published, monkeypatch: pytest.MonkeyPatch
) -> None:
    endpoint.turn_on(cloudwatch=True)
    old = "InvalidParameterValue: Timestamp must specify a time no more than two weeks in the past"
    with amazon.refusing((400, old)) as served:
        amazon.use(served.url, monkeypatch)
        summary = endpoint.publish("dq")
        assert summary["sent"] == {} and "older than two weeks" in summary["message"]
        assert endpoint.publish("dq")["sent"]["cloudwatch"] > 10


def test_the_metrics_of_another_run_are_refused(endpoint: Published, cloudwatch: Any) -> None:
    endpoint.turn_on(cloudwatch=True)
    measures = endpoint.report("dq") / "measures.json"
    measures.write_bytes(measures.read_bytes().replace(b"300", b"301"))
    with pytest.raises(DataError, match="damaged, or of another run"):
        endpoint.publish("dq")
