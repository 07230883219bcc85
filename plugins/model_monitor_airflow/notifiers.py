"""How does a message reach people? Through the notifier of its Airflow connection's type.

Texts of messages hold what callers of an endpoint wrote, so no notifier may render them as templates: ``notify`` is
called directly. What a notifier raises may quote a connection, so its secrets are taken out.
"""

from __future__ import annotations

import html
import json
import logging
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

from model_monitor.errors import ConfigError, MonitorError, StoreError, printable, without_secrets
from model_monitor_airflow.pages import addresses_of, base_url

if TYPE_CHECKING:
    from airflow.sdk import Connection, Context

    from model_monitor.alerts.letters import Letter
    from model_monitor.config import Endpoint
    from model_monitor.config.alerts import Destination
    from model_monitor.config.execution import Execution

PATIENCE = 30  # seconds for a server to answer
SUBJECT = 100  # characters that SNS takes
SHORTEST_SECRET = 6  # characters
log = logging.getLogger(__name__)

COLOURS = {"info": "#4c6b8a", "warning": "#d68910", "critical": "#c0392b"}


class NotDelivered(StoreError):
    """A message was not taken; trying again may help, after ``retry_after`` seconds if the server said so."""

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


def send(destination: Destination, letter: Letter) -> None:
    """Send a message. Raises NotDelivered, or ConfigError where a person has to mend the connection first; neither
    quotes a secret."""
    from airflow.sdk import Connection

    name = destination.connection or destination.webhook or ""
    try:
        connection = Connection.get(name)
    except Exception as error:  # noqa: BLE001 each backend of connections has errors of its own
        raise ConfigError(f"there is no Airflow connection '{name}': {without_secrets(str(error))}") from None
    sender = SENDERS.get("http" if destination.webhook else connection.conn_type)
    if sender is None or (destination.webhook and connection.conn_type not in ("http", "https")):
        wanted = "http" if destination.webhook else ", ".join(SENDERS)
        raise ConfigError(f"connection '{name}' is of type {connection.conn_type}; use one of type {wanted}")
    try:
        sender(connection, destination, letter)
    except MonitorError:
        raise
    except Exception as error:  # noqa: BLE001 each notifier has errors of its own, and their text may quote secrets
        text = without(list(secrets_of(connection)), f"{type(error).__name__}: {error}")
        raise NotDelivered(text, retry_after_of(error)) from None


def delivered(endpoint: Endpoint) -> list[str]:
    """Send what is due; a line for each message. A history that does not answer is a line, too: what is due waits."""
    from model_monitor import jobs

    try:
        return list(jobs.deliver(endpoint, send))
    except StoreError as error:
        return [printable(f"messages wait: {error}")]


def links_of(context: Context, execution: Execution) -> dict[str, str]:
    """Where a message's reader finds more: the window's page, its report, and the run in Airflow. Empty if Airflow does
    not know its own address."""
    run, base = context["dag_run"], base_url()
    address = f"{base}/dags/{quote(run.dag_id)}/runs/{quote(run.run_id, safe='')}"
    return {**addresses_of(execution), "run": address} if base else {}


def secrets_of(connection: Connection) -> Iterator[str]:
    """The texts of a connection that may be secret: its password, what is in its extra, and the path of its address."""
    yield connection.password or ""
    for part in (connection.host or "", connection.schema or ""):
        address = urlsplit(part if "://" in part else f"http://{part}")
        yield from (address.path, address.query, address.password or "")
    yield from leaves(connection.extra_dejson)


def leaves(value: Any) -> Iterator[str]:
    """The texts in plain data."""
    if isinstance(value, Mapping):
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            yield from leaves(item)
    elif isinstance(value, str):
        yield value


def without(secrets: list[str], text: str) -> str:
    """A text without these secrets, the longest first."""
    for secret in sorted({s.strip("/") for s in secrets}, key=len, reverse=True):
        if len(secret) >= SHORTEST_SECRET:
            text = text.replace(secret, "…")
    return without_secrets(text)


def retry_after_of(error: Exception) -> float | None:
    """For how many seconds a server asked to wait."""
    known = getattr(error, "retry_after", None)
    headers = getattr(getattr(error, "response", None), "headers", None) or {}
    text = known if known is not None else {k.lower(): v for k, v in headers.items()}.get("retry-after")
    try:
        return float(text) if text is not None else None
    except (TypeError, ValueError):
        return None


def send_slack(connection: Connection, destination: Destination, letter: Letter) -> None:
    """As Airflow's SlackNotifier does, which does not tell where the message is that the chart belongs to."""
    from airflow.providers.slack.hooks.slack import SlackHook

    if destination.channel is None:
        raise ConfigError("a Slack API connection needs a channel, as in {connection: slack, channel: '#ml'}")
    hook = SlackHook(slack_conn_id=connection.conn_id, timeout=PATIENCE)
    message = {
        "channel": destination.channel,
        "username": "Model Monitor",
        "text": letter.title,
        "attachments": json.dumps([attachment_of(letter)]),
        "unfurl_links": False,
    }
    answer = hook.call("chat.postMessage", json=message)
    if letter.chart:
        file: Any = {"content": letter.chart, "filename": "chart.png", "title": letter.title}
        try:
            hook.send_file_v2(channel_id=answer["channel"], thread_ts=answer["ts"], file_uploads=file)
        except Exception as error:  # noqa: BLE001 the message is there; trying again would send it twice
            text = without(list(secrets_of(connection)), f"{type(error).__name__}: {error}")
            log.warning("Slack has the message but not its chart; the app needs the scope files:write: %s", text)


def send_slack_webhook(connection: Connection, destination: Destination, letter: Letter) -> None:
    from airflow.providers.slack.notifications.slack_webhook import SlackWebhookNotifier

    notifier = SlackWebhookNotifier(
        slack_webhook_conn_id=connection.conn_id,
        text=letter.title,
        attachments=[attachment_of(letter)],
        unfurl_links=False,
        timeout=PATIENCE,
    )
    notify(notifier)


def notify(notifier: Any) -> None:
    """Send, without rendering texts as templates."""
    notifier.notify({})


def attachment_of(letter: Letter) -> dict[str, Any]:
    """The message with a bar in the colour of its severity; Slack's own marks in names of columns mean nothing."""
    text = letter.text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    colour = COLOURS["info"] if letter.message["event"] == "closed" else COLOURS[letter.message["severity"]]
    return {"color": colour, "text": text, "fallback": letter.title, "mrkdwn_in": []}


def send_mail(connection: Connection, destination: Destination, letter: Letter) -> None:
    from airflow.providers.smtp.notifications.smtp import SmtpNotifier

    if destination.to is None:
        raise ConfigError("an SMTP connection needs an address, as in {connection: smtp_default, to: team@example.com}")
    with tempfile.TemporaryDirectory() as folder:
        notifier = SmtpNotifier(
            smtp_conn_id=connection.conn_id,
            to=[address.strip() for address in destination.to.split(",")],
            subject=letter.title,
            html_content=page_of(letter),
            files=chart_files(letter, folder),
            custom_headers={"Message-ID": f"<{letter.key}@model-monitor>", "X-Idempotency-Key": letter.key},
        )
        notify(notifier)


def page_of(letter: Letter) -> str:
    """The message as HTML."""
    first, _, rest = letter.text.partition("\n")
    return f"<p><b>{html.escape(first)}</b></p><pre>{html.escape(rest.strip())}</pre>"


def chart_files(letter: Letter, folder: str) -> list[str]:
    """The chart as a file; none if there is no chart."""
    if letter.chart is None:
        return []
    path = Path(folder) / "chart.png"
    path.write_bytes(letter.chart)
    return [str(path)]


def send_sns(connection: Connection, destination: Destination, letter: Letter) -> None:
    from airflow.providers.amazon.aws.hooks.sns import SnsHook
    from airflow.providers.amazon.aws.notifications.sns import SnsNotifier

    topic = destination.topic
    if topic is None or topic.count(":") < 5:
        raise ConfigError("an AWS connection needs a topic, as in {connection: aws_default, topic: 'arn:aws:sns:...'}")
    names = ("event", "severity", "endpoint", "incident")
    attributes = {name: str(letter.message.get(name) or "-") for name in names} | {"key": letter.key}
    subject = letter.title.encode("ascii", "replace").decode()[:SUBJECT]
    where: dict[str, Any] = {"aws_conn_id": connection.conn_id, "region_name": topic.split(":")[3] or None}
    what: dict[str, Any] = {"message": letter.text, "subject": subject, "message_attributes": attributes}
    if topic.endswith(".fifo"):  # it drops a message that it has had; the notifier can't address it
        what |= {"message_deduplication_id": letter.key, "message_group_id": str(letter.message["endpoint"])}
        SnsHook(**where).publish_to_target(target_arn=topic, **what)  # type: ignore[no-untyped-call]
    else:
        notify(SnsNotifier(target_arn=topic, **where, **what))


def send_apprise(connection: Connection, destination: Destination, letter: Letter) -> None:
    """As Airflow's AppriseNotifier does, which does not tell whether the message was taken."""
    import apprise
    from airflow.providers.apprise.hooks.apprise import AppriseHook

    services = apprise.Apprise()
    AppriseHook(apprise_conn_id=connection.conn_id).set_config_from_conn(connection, services)
    kinds = {"info": "info", "warning": "warning", "critical": "failure"}
    kind = "success" if letter.message["event"] == "closed" else kinds[letter.message["severity"]]
    with tempfile.TemporaryDirectory() as folder:
        taken = services.notify(
            title=letter.title,
            body=letter.text,
            notify_type=kind,
            tag=destination.tag or "all",
            attach=chart_files(letter, folder) or None,
        )
    if not taken:
        raise NotDelivered("Apprise did not deliver to all services; its log says to which one and why")


def send_webhook(connection: Connection, destination: Destination, letter: Letter) -> None:
    """Post the message; HttpHook knows the address and the login, but its own ``run`` logs the address, which may be
    secret."""
    import requests
    from airflow.providers.http.hooks.http import HttpHook

    hook = HttpHook(method="POST", http_conn_id=connection.conn_id)
    headers = {"Content-Type": "application/json", "Idempotency-Key": letter.key}
    with hook.get_conn(headers) as session:
        try:
            answer = session.post(
                hook.url_from_endpoint(None),
                data=json.dumps(letter.message, allow_nan=False),
                allow_redirects=False,
                timeout=PATIENCE,
            )
        except requests.RequestException as error:  # its text has the address
            raise NotDelivered(f"it does not answer: {type(error).__name__}") from None
    status = answer.status_code
    if 300 <= status < 400:
        place = urlsplit(answer.headers.get("Location", "")).hostname or "elsewhere"
        raise NotDelivered(f"it answers {status} and points to {place}, which is not followed; correct the connection")
    if status >= 300:
        raise NotDelivered(f"it answers {status} {answer.reason}", retry_after_of_header(answer.headers))


def retry_after_of_header(headers: Mapping[str, str]) -> float | None:
    text = headers.get("Retry-After", "")
    return float(text) if text.isdecimal() else None


SENDERS: dict[str, Callable[[Connection, Destination, Letter], None]] = {
    "slack": send_slack,
    "slackwebhook": send_slack_webhook,
    "smtp": send_mail,
    "aws": send_sns,
    "apprise": send_apprise,
    "http": send_webhook,
}
