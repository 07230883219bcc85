"""An endpoint, its history, and the people who are told: for tests of alerts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import select

from model_monitor import config
from model_monitor.alerts.following import follow
from model_monitor.alerts.letters import Letter
from model_monitor.alerts.machine import Outcome
from model_monitor.alerts.news import News
from model_monitor.config.alerts import Destination
from model_monitor.core.window import Window, iso
from model_monitor.history.database import History
from model_monitor.jobs.deliver import deliver
from model_monitor.jobs.people import closings_of, rules_of

START = datetime(2026, 1, 5, tzinfo=UTC)
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
NOW = datetime(2026, 1, 10, 12, tzinfo=UTC)
ENDPOINT = """\
endpoint: churn
capture: {uri: captures}
output: out
alerts: {to: [{connection: chat, channel: "#ml"}]}
schedules:
  - {name: a, monitor: data_quality}
  - {name: b, monitor: data_quality, alerts: {to: [{webhook: pager}]}}
  - {name: c, monitor: model_quality, ground_truth: {uri: labels}, alerts: {datapoints: 2, evaluation_windows: 3}}
"""
FINDING = {
    "check": "baseline_drift_check",
    "measure": "drift",
    "column": "amount",
    "segment": {},
    "outcome": "violated",
}


def hour(number: int) -> Window:
    return Window(START + number * HOUR, START + (number + 1) * HOUR)


@dataclass
class World:
    """An endpoint, its history, and what people got: destination and message."""

    folder: Path
    text: str = ENDPOINT
    sent: list[tuple[str, Letter]] = field(default_factory=list)
    refusing: Mapping[str, Exception] = field(default_factory=dict)
    name: str = "churn"

    def __post_init__(self) -> None:
        path = self.folder / "churn.yaml"
        path.write_text(self.text)
        self.endpoint = config.load(path)
        history = History.of(self.endpoint)
        assert history is not None
        history.upgrade()
        self.history = history

    def judge(
        self, number: int, trouble: str = "", schedule: str = "a", tells: bool = True, now: datetime = NOW, **more: Any
    ) -> None:
        """Another window of a schedule is judged."""
        window = hour(number)
        is_bad = trouble == "violations"
        outcome = Outcome(
            schedule,
            window,
            trouble,
            more.pop("cause", "data" if is_bad else ""),
            frozenset(more.pop("subjects", {"amount"})) if is_bad else frozenset(),
            more.pop("severity", 1),
        )
        about = {
            "endpoint": self.name,
            "variant": "AllTraffic",
            "schedule": schedule,
            "monitor": "data_quality",
            "window": {"start": iso(window.start), "end": iso(window.end)},
            "status": "CompletedWithViolations" if is_bad else "Completed",
            "reason": "",
            "findings": [],
        }
        found = [FINDING | {"observed": 0.25, "threshold": 0.1, "noise_floor": None}] if is_bad else []
        news = News(schedule, window, outcome, about, found, tells, **more)
        with self.history.session() as session:
            follow(session, news, rules_of(self.endpoint), now, closings_of(self.endpoint))

    def deliver(self, now: datetime = NOW) -> list[str]:
        return deliver(self.endpoint, self.send, now)

    def send(self, destination: Destination, letter: Letter) -> None:
        if error := self.refusing.get(str(destination)):
            raise error
        self.sent.append((str(destination), letter))

    @property
    def told(self) -> list[tuple[str, str]]:
        """Which events were sent to whom, after sending what is due."""
        self.deliver()
        return [(destination, letter.message["event"]) for destination, letter in self.sent]

    def rows(self, table: type[Any]) -> list[Any]:
        with self.history.reading() as session:
            found = list(session.scalars(select(table).order_by(table.id)))
            session.expunge_all()
            return found
