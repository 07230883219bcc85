"""Messages reach real servers through Airflow's notifiers; what a server refuses is said, without a secret."""

from __future__ import annotations

import email
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.message import Message
from pathlib import Path
from typing import Any

import boto3
import pytest
from aiosmtpd.controller import Controller
from support import amazon
from support.listening import Listening, listening
from support.seaweed import free_port

from model_monitor.alerts.letters import Letter
from model_monitor.config.alerts import Destination
from model_monitor.errors import ConfigError
from model_monitor.results.charts import Point, course, png
from model_monitor_airflow.notifiers import NotDelivered, send

SENTENCE = "churn: the requests no longer look as they did: {{ 7 * 7 }} <b>amount</b>, since 2026-01-05 00:00 UTC."
MESSAGE = {
    "version": 1,
    "event": "opened",
    "sentence": SENTENCE,
    "severity": "critical",
    "kind": "violations",
    "cause": "data",
    "endpoint": "churn",
    "variant": "AllTraffic",
    "schedule": "dq",
    "schedules": ["dq"],
    "since": "2026-01-05T00:00:00Z",
    "window": {"start": "2026-01-05T00:00:00Z", "end": "2026-01-05T01:00:00Z"},
    "findings": [],
    "count": 0,
    "incident": "churn/AllTraffic/dq/violations/2026-01-05T01:00:00Z",
    "links": {"report": "s3://lake/churn/dq"},
}
KEY = "0f" * 16


def letter(chart: bytes | None = None) -> Letter:
    return Letter(1, 1, "", KEY, MESSAGE, chart)


def connect(monkeypatch: pytest.MonkeyPatch, name: str, **given: Any) -> None:
    monkeypatch.setenv(f"AIRFLOW_CONN_{name.upper()}", json.dumps(given))


@pytest.fixture
def server() -> Iterator[Listening]:
    with listening() as served:
        yield served


def test_a_webhook_gets_the_message_as_json_with_its_key_and_the_connection_s_login(
    server: Listening, monkeypatch: pytest.MonkeyPatch
) -> None:
    connect(monkeypatch, "pager", conn_type="http", host=f"{server.url}/hooks/model", login="me", password="pass-word")
    send(Destination(webhook="pager"), letter())
    assert server.bodies == [MESSAGE]
    assert server.headers[0]["idempotency-key"] == KEY
    assert server.headers[0]["authorization"].startswith("Basic ")
    assert server.paths == ["/hooks/model"]


def test_a_webhook_that_points_elsewhere_is_not_followed(server: Listening, monkeypatch: pytest.MonkeyPatch) -> None:
    with listening() as other:
        server.answers.append((307, {"Location": f"{other.url}/steal"}, b""))
        connect(monkeypatch, "pager", conn_type="http", host=server.url, password="pass-word")
        with pytest.raises(NotDelivered, match=r"answers 307 and points to 127.0.0.1, which is not followed"):
            send(Destination(webhook="pager"), letter())
        assert not other.paths


@pytest.mark.parametrize("status", [429, 500])
def test_a_webhook_that_refuses_says_why_and_when_to_come_again(
    server: Listening, monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    server.answers.append((status, {"Retry-After": "120"}, b"no"))
    connect(monkeypatch, "pager", conn_type="http", host=server.url)
    with pytest.raises(NotDelivered, match=f"answers {status}") as failure:
        send(Destination(webhook="pager"), letter())
    assert failure.value.retry_after == 120


def test_a_webhook_s_path_is_in_no_log_and_no_error(
    server: Listening, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with listening() as gone:
        url = gone.url
    caplog.set_level("INFO")
    for host in (f"{url}/hooks/SECRETPATH", f"{server.url}/other/SECRETPATH"):
        server.answers.append((500, {}, b"no"))
        connect(monkeypatch, "pager", conn_type="http", host=host)
        with pytest.raises(NotDelivered, match=r"it does not answer: ConnectionError|answers 500") as failure:
            send(Destination(webhook="pager"), letter())
        assert "SECRETPATH" not in str(failure.value)
    assert server.paths == ["/other/SECRETPATH"]
    assert "SECRETPATH" not in caplog.text


def slack(server: Listening, monkeypatch: pytest.MonkeyPatch) -> Destination:
    extra = {"base_url": f"{server.url}/api/"}
    connect(monkeypatch, "chat", conn_type="slack", password="xoxb-SECRET-TOKEN", extra=extra)
    return Destination(connection="chat", channel="#ml")


def test_slack_gets_the_sentence_in_its_channel_and_no_text_is_a_template(
    server: Listening, monkeypatch: pytest.MonkeyPatch
) -> None:
    send(slack(server, monkeypatch), letter())
    (body,) = server.bodies
    assert server.paths == ["/api/chat.postMessage"]
    assert body["channel"] == "#ml"
    (attachment,) = json.loads(body["attachments"])
    assert "{{ 7 * 7 }} &lt;b&gt;amount" in attachment["text"]


POSTED = (200, {}, b'{"ok": true, "channel": "C024BE91L", "ts": "1503435956.000247"}')


def test_slack_gets_the_chart_in_the_thread_of_the_message(server: Listening, monkeypatch: pytest.MonkeyPatch) -> None:
    where = {"ok": True, "upload_url": f"{server.url}/upload/here", "file_id": "F123ABC456"}
    server.answers += [POSTED, (200, {}, json.dumps(where).encode())]
    send(slack(server, monkeypatch), letter(b"a picture"))
    steps = ["chat.postMessage", "files.getUploadURLExternal", "files.completeUploadExternal"]
    assert [path for path in server.paths if "/api/" in path] == [f"/api/{step}" for step in steps]
    assert server.bodies[server.paths.index("/upload/here")] == b"a picture"
    completed = server.bodies[-1].decode()
    assert "channel_id=C024BE91L" in completed and "thread_ts=1503435956.000247" in completed
    assert "F123ABC456" in completed


def test_a_chart_that_slack_refuses_sends_no_message_twice(
    server: Listening, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    server.answers += [POSTED, (200, {}, b'{"ok": false, "error": "missing_scope"}')]
    send(slack(server, monkeypatch), letter(b"a picture"))  # raises nothing, so it is not tried again
    assert "the app needs the scope files:write" in caplog.text and "missing_scope" in caplog.text
    assert server.paths.count("/api/chat.postMessage") == 1 and "SECRET" not in caplog.text


@pytest.mark.parametrize(
    ("status", "answer", "says"),
    [
        (429, b'{"ok": false, "error": "ratelimited"}', "ratelimited"),
        (500, b"<html>oops</html>", "SlackApiError"),
        (200, b'{"ok": false, "error": "channel_not_found"}', "channel_not_found"),
    ],
)
def test_slack_that_refuses_is_an_error_without_its_token(
    server: Listening, monkeypatch: pytest.MonkeyPatch, status: int, answer: bytes, says: str
) -> None:
    server.answers.append((status, {"Retry-After": "30", "Content-Type": "application/json"}, answer))
    with pytest.raises(NotDelivered, match=says) as failure:
        send(slack(server, monkeypatch), letter())
    assert failure.value.retry_after == 30
    assert "SECRET" not in str(failure.value)


def test_a_slack_webhook_that_can_not_be_reached_does_not_show_its_path(monkeypatch: pytest.MonkeyPatch) -> None:
    with listening() as gone:
        url = gone.url
    connect(monkeypatch, "hook", conn_type="slackwebhook", password=f"{url}/services/T0000/B0000/SECRET")
    with pytest.raises(NotDelivered) as failure:
        send(Destination(connection="hook"), letter())
    assert "SECRET" not in str(failure.value)


class Mailbox:
    """A mail server's handler: what it got, and whether it refuses."""

    def __init__(self) -> None:
        self.mails: list[Message] = []
        self.refuses = False

    async def handle_DATA(self, server: object, session: object, envelope: Any) -> str:  # noqa: N802
        if self.refuses:
            return "451 4.7.1 try again later"
        self.mails.append(email.message_from_bytes(envelope.content))
        return "250 OK"


@pytest.fixture
def mailbox(monkeypatch: pytest.MonkeyPatch) -> Iterator[Mailbox]:
    box, port = Mailbox(), free_port()
    controller = Controller(box, hostname="127.0.0.1", port=port)
    controller.start()
    extra = {"disable_ssl": True, "disable_tls": True, "from_email": "monitor@example.com"}
    connect(monkeypatch, "mail", conn_type="smtp", host="127.0.0.1", port=port, extra=extra)
    yield box
    controller.stop()


MAIL = Destination(connection="mail", to="ann@example.com, bob@example.com")


def test_a_mail_has_the_sentence_and_the_chart_and_an_id_of_its_own(mailbox: Mailbox) -> None:
    start = datetime(2026, 1, 5, tzinfo=UTC)
    points = [Point(start + timedelta(hours=h), h / 10, None, 0.3, "violated" if h > 3 else "holds") for h in range(6)]
    chart = png(course(points, "amount (drift)"))
    send(MAIL, letter(chart))
    (mail,) = mailbox.mails
    assert mail["Subject"] == "CRITICAL opened: churn, data"
    assert mail["To"] == "ann@example.com, bob@example.com"
    assert mail["Message-ID"] == f"<{KEY}@model-monitor>"
    text, picture = mail.get_payload()
    assert "{{ 7 * 7 }} &lt;b&gt;amount" in text.get_payload(decode=True).decode()
    assert picture.get_filename() == "chart.png"
    assert picture.get_payload(decode=True) == chart
    assert chart.startswith(b"\x89PNG")


def test_a_mail_server_that_refuses_is_an_error(mailbox: Mailbox) -> None:
    mailbox.refuses = True
    with pytest.raises(NotDelivered, match="451"):
        send(MAIL, letter())


def test_a_mail_server_that_is_down_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    with listening() as gone:
        port = gone.port
    extra = {"disable_ssl": True, "disable_tls": True, "from_email": "monitor@example.com", "timeout": 2}
    connect(monkeypatch, "mail", conn_type="smtp", host="127.0.0.1", port=port, extra=extra)
    with pytest.raises(NotDelivered, match="refused"):
        send(MAIL, letter())


@pytest.fixture
def sns(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    with amazon.serving_moto() as url:
        extra = {"region_name": "eu-west-1", "endpoint_url": url}
        connect(monkeypatch, "cloud", conn_type="aws", login="key", password="secret-of-cloud", extra=extra)
        yield url


def clients(url: str) -> tuple[Any, Any]:
    login = {"aws_access_key_id": "key", "aws_secret_access_key": "secret"}
    sns, sqs = (boto3.client(n, endpoint_url=url, region_name="eu-west-1", **login) for n in ("sns", "sqs"))
    return sns, sqs


def test_a_message_to_sns_arrives_in_a_queue(sns: str) -> None:
    topics, queues = clients(sns)
    topic = topics.create_topic(Name="models")["TopicArn"]
    queue = queues.create_queue(QueueName="on-call")["QueueUrl"]
    arn = queues.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    topics.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    send(Destination(connection="cloud", topic=topic), letter())
    (message,) = queues.receive_message(QueueUrl=queue)["Messages"]
    body = json.loads(message["Body"])
    assert body["Subject"] == "CRITICAL opened: churn, data"
    assert SENTENCE in body["Message"]
    assert body["MessageAttributes"]["severity"]["Value"] == "critical"


def test_a_topic_in_order_takes_each_message_once(sns: str) -> None:
    topics, queues = clients(sns)
    fifo = {"FifoTopic": "true", "ContentBasedDeduplication": "false"}
    topic = topics.create_topic(Name="models.fifo", Attributes=fifo)["TopicArn"]
    queue = queues.create_queue(QueueName="told.fifo", Attributes={"FifoQueue": "true"})["QueueUrl"]
    arn = queues.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    topics.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn, Attributes={"RawMessageDelivery": "true"})
    for _ in range(2):  # the worker died before it noted that the message was sent
        send(Destination(connection="cloud", topic=topic), letter())
    found = queues.receive_message(QueueUrl=queue, MaxNumberOfMessages=10, AttributeNames=["All"])["Messages"]
    assert [SENTENCE in message["Body"] for message in found] == [True]
    assert found[0]["Attributes"]["MessageDeduplicationId"] == KEY
    assert found[0]["Attributes"]["MessageGroupId"] == "churn"


def test_a_topic_that_is_not_there_is_an_error_that_names_it(sns: str) -> None:
    topic = "arn:aws:sns:eu-west-1:123456789012:gone"
    with pytest.raises(NotDelivered, match="NotFound"):
        send(Destination(connection="cloud", topic=topic), letter())


def test_apprise_reaches_its_services_and_says_when_one_refuses(
    server: Listening, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    config = {"path": f"json://127.0.0.1:{server.port}/team", "tag": "on-call"}
    connect(monkeypatch, "any", conn_type="apprise", extra={"config": config})
    send(Destination(connection="any", tag="on-call"), letter())
    assert server.bodies[0]["title"] == "CRITICAL opened: churn, data"
    assert server.bodies[0]["type"] == "failure"
    server.answers.append((500, {}, b""))
    with pytest.raises(NotDelivered, match="did not deliver"):
        send(Destination(connection="any"), letter())


@pytest.mark.parametrize(
    ("destination", "given", "says"),
    [
        (Destination(connection="nobody"), None, "there is no Airflow connection 'nobody'"),
        (Destination(connection="it"), {"conn_type": "ftp"}, "of type ftp; use one of type slack"),
        (Destination(webhook="it"), {"conn_type": "smtp"}, "use one of type http"),
    ],
)
def test_a_connection_that_can_not_be_used_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch, destination: Destination, given: Any, says: str
) -> None:
    if given:
        connect(monkeypatch, "it", **given)
    with pytest.raises(ConfigError, match=says):
        send(destination, letter())
