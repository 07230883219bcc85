"""One message on its way to one destination."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from model_monitor.alerts.messages import text_of, title_of
from model_monitor.alerts.telling import key_of
from model_monitor.core.window import moment
from model_monitor.history.incidents import Place, Session, course, open_while
from model_monitor.history.tables import Delivery
from model_monitor.results.charts import Point, Span

REPEATED = "This message may have come before: the worker that sent it stopped before it could note so."


@dataclass(frozen=True)
class Letter:
    """A message, its ``key`` for receivers that take each message once, and the PNG of a chart, if there is one."""

    delivery: int
    attempt: int
    destination: str
    key: str
    message: Mapping[str, Any]
    chart: bytes | None = None

    @property
    def title(self) -> str:
        return title_of(self.message)

    @property
    def text(self) -> str:
        return text_of(self.message)

    def with_chart(self, chart: bytes | None) -> Letter:
        return replace(self, chart=chart)


def letter_of(delivery: Delivery, was_sending: bool) -> Letter:
    """The letter of a message that is due. Whoever was to send it before may have done so."""
    message = json.loads(delivery.transition.message or "{}")
    if was_sending:
        message["sentence"] += f" {REPEATED}"
    return Letter(
        delivery.id,
        delivery.attempts,
        delivery.destination,
        key_of(delivery),
        message,
    )


def course_of(session: Session, letter: Letter) -> tuple[list[Point], list[Span]]:
    """How the number of a letter's first finding went over windows, and while alerts of its cause were open; empty if
    it is about none."""
    message = letter.message
    if not message.get("findings") or message["event"] == "test":
        return [], []
    place, schedule = Place(message["endpoint"], message["variant"]), message["schedule"]
    points = course(session, place, schedule, message["findings"][0], moment(message["window"]["end"]))
    return points, open_while(session, place, schedule, message["kind"], message["cause"])
