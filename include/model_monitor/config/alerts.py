"""Who is told of a schedule's windows, when, and of what not?"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, time
from typing import Annotated, Any, Literal, NamedTuple
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from model_monitor.config.fields import Day, Settings

Severity = Literal["info", "warning", "critical"]
SEVERITIES: tuple[Severity, ...] = ("info", "warning", "critical")

MINUTES = 24 * 60
CLOCK = re.compile(r"(?P<hour>[01]?\d|2[0-3]):(?P<minute>[0-5]\d)(:00)?", re.ASCII)
DETAILS = ("channel", "to", "topic", "tag")  # one of them says where a connection's messages go


def is_no_address(name: str) -> str:
    if "://" in name:
        raise ValueError("an address may hold a secret; make an Airflow connection of it, and write its id here")
    return name


def written_as_clock(value: object) -> time:
    """A time of day. YAML 1.1 reads 22:00 without quotes as 1320, a number to the base of 60; so 22 is none."""
    if isinstance(value, time):
        return value
    if isinstance(value, int) and not isinstance(value, bool) and 60 <= value < MINUTES:
        return time(value // 60, value % 60)
    if isinstance(value, str) and (found := CLOCK.fullmatch(value)):
        return time(int(found["hour"]), int(found["minute"]))
    is_hour = isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 24
    raise ValueError(f'write a time of day from "00:00" to "23:59" in quotes, e.g. "{value if is_hour else 22:02}:00"')


def is_arn(topic: str) -> str:
    if not topic.startswith("arn:"):
        raise ValueError("write the topic's ARN, e.g. arn:aws:sns:eu-west-1:123456789012:models")
    return topic


def are_addresses(text: str) -> str:
    for address in text.split(","):
        if not all(address.strip().partition("@")):
            raise ValueError(f"'{address.strip()}' is no e-mail address; write e.g. team@example.com, lead@example.com")
    return text


def known_zone(name: str) -> str:
    try:
        return ZoneInfo(name).key
    except (KeyError, OSError, ValueError) as error:
        raise ValueError(f"there is no time zone '{name}'; write e.g. UTC or Europe/Vienna") from error


ConnectionId = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(is_no_address)]
Clock = Annotated[time, BeforeValidator(written_as_clock)]
Count = Annotated[int, Field(ge=1, le=100)]


class Destination(Settings):
    """Where messages go: an Airflow connection, and what its kind needs beside it."""

    connection: ConnectionId | None = Field(
        None, description="Id of an Airflow connection: Slack, Slack webhook, SMTP, AWS or Apprise"
    )
    webhook: ConnectionId | None = Field(None, description="Instead: id of an HTTP connection that gets JSON")
    channel: str | None = Field(None, description="Slack's channel, e.g. #ml")
    to: Annotated[str, AfterValidator(are_addresses)] | None = Field(
        None, description="E-mail addresses, separated by commas"
    )
    topic: Annotated[str, AfterValidator(is_arn)] | None = Field(None, description="ARN of an SNS topic")
    tag: str | None = Field(None, description="Which of the services of an Apprise connection; all if absent")

    @model_validator(mode="after")
    def _is_one_place(self) -> Destination:
        if (self.connection is None) == (self.webhook is None):
            raise ValueError("write either connection or webhook, the id of an Airflow connection")
        details = [name for name in DETAILS if getattr(self, name) is not None]
        if len(details) > 1 or (self.webhook and details):
            raise ValueError(f"{' and '.join(details)} are of different kinds of connections; write one entry for each")
        return self

    @property
    def text(self) -> str:
        """The same as one text, which ``of`` reads; it holds no secret."""
        return self.model_dump_json(exclude_none=True)

    @classmethod
    def of(cls, text: str) -> Destination:
        return cls.model_validate_json(text)

    def __str__(self) -> str:
        detail = next((value for name in DETAILS if (value := getattr(self, name))), "")
        return f"{self.connection or self.webhook} {detail}".strip()


class QuietHours(Settings):
    """Hours of the day in which messages wait for the end of these hours."""

    start: Clock = Field(description='e.g. "22:00"')
    end: Clock = Field(description='e.g. "07:00", of the next day if it is before the start')
    timezone: Annotated[str, AfterValidator(known_zone)] = Field("UTC", description="e.g. Europe/Vienna")
    unless: Severity | Literal["never"] = Field(
        "critical", description="Severity from which on a message does not wait"
    )

    @model_validator(mode="after")
    def _has_hours(self) -> QuietHours:
        if self.start == self.end:
            raise ValueError(f'start and end are both "{self.start:%H:%M}"; write two times, or leave quiet_hours out')
        return self

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.timezone)


class Mute(Settings):
    """Findings that reports show and nobody is told of: of a column, a check, or a check of a column."""

    column: str | None = Field(None, description="A column, or the group or metric that a check is about")
    check: str | None = Field(None, description="A check as reports call it, e.g. baseline_drift_check, or a measure")
    until: Day | None = Field(None, description="First day from which on people are told again")

    @model_validator(mode="after")
    def _names_something(self) -> Mute:
        if self.column is None and self.check is None:
            raise ValueError("name a column, a check, or both")
        return self

    def covers(self, column: str | None, check: str, measure: str, day: date) -> bool:
        """Whether a finding of a window that ends on a day is muted."""
        if self.until is not None and day >= self.until:
            return False
        return self.column in (None, column, measure) and self.check in (None, check, measure)


class KindSettings(Settings):
    """Windows that could not be judged, of one kind; what is absent is as for violations."""

    enabled: bool = Field(True, description="Whether anybody is told")
    to: tuple[Destination, ...] | None = Field(None, description="Who is told, instead of those of violations")
    datapoints: Count = Field(1, description="So many of the last evaluation_windows open an alert")
    evaluation_windows: Count = Field(1, description="See datapoints")
    severity: Severity | None = Field(None, description="Instead of the schedule's")


class Alerts(Settings):
    """Who is told, when, and of what not; a schedule's settings override the endpoint's, and these defaults.yaml's."""

    to: tuple[Destination, ...] = Field((), description="Who is told; nobody if empty")
    datapoints: Count = Field(1, description="So many violated windows of the last evaluation_windows open an alert")
    evaluation_windows: Count = Field(1, description="See datapoints; SageMaker's EvaluationPeriod")
    closing_windows: Count = Field(2, description="So many windows in a row without violations close it")
    severity: Severity = Field("warning", description="How much the model matters; strong effects count one level more")
    owner: str | None = Field(None, max_length=200, description="Who looks after the model; named in messages")
    quiet_hours: QuietHours | None = Field(None, description="When messages wait")
    mute: tuple[Mute, ...] = Field((), description="Findings that nobody is told of")
    no_data: KindSettings = Field(KindSettings(), description="Windows without a record")
    labels_pending: KindSettings = Field(KindSettings(), description="Windows whose labels never came")
    failed: KindSettings = Field(KindSettings(), description="Windows whose run failed")
    stale_baseline: KindSettings = Field(KindSettings(), description="Windows judged by a baseline beyond stale_after")

    def rule(self, kind: str) -> Rule:
        """What opens and closes alerts of a kind, who is told of them, and their severity without effect."""
        if kind == "violations":
            return Rule(self.datapoints, self.evaluation_windows, self.closing_windows, self.severity, self.to)
        own: KindSettings = getattr(self, kind)
        to = () if not own.enabled else self.to if own.to is None else own.to
        return Rule(own.datapoints, own.evaluation_windows, 1, own.severity or self.severity, to)

    @property
    def destinations(self) -> list[Destination]:
        """Everyone who may be told, each once."""
        return list(dict.fromkeys(d for kind in KINDS for d in self.rule(kind).to))

    def problems(self) -> Iterator[tuple[str, str]]:
        """What contradicts itself once all settings are together: the section ("" for the top), and why."""
        for name in ("", *KINDS[1:]):
            section, place = self.section(name), name and f"{name}."
            if section.datapoints > section.evaluation_windows:
                why = (
                    f"{place}datapoints is {section.datapoints}, more than {place}evaluation_windows, "
                    f"{section.evaluation_windows}; no windows could open an alert"
                )
                yield name, why

    def section(self, name: str) -> Alerts | KindSettings:
        """The settings of violations for "", else those of a kind."""
        found: Alerts | KindSettings = getattr(self, name) if name else self
        return found


KINDS = ("violations", "no_data", "labels_pending", "failed", "stale_baseline")
UNJUDGED = "unjudged"  # of a window with rows that can't be judged yet: it is no trouble, and no sign of health


class Rule(NamedTuple):
    """M of N windows open an alert, so many good ones in a row close it; its severity, and who is told."""

    datapoints: int
    evaluation_windows: int
    closing_windows: int
    severity: Severity
    to: tuple[Destination, ...]


def merged(*layers: Alerts) -> Alerts:
    """Settings of which each overrides those before it, key by key; lists are replaced."""
    total: dict[str, Any] = {}
    for layer in layers:
        for key, value in layer.model_dump(exclude_unset=True).items():
            known = total.get(key)
            total[key] = known | value if isinstance(known, dict) and isinstance(value, dict) else value
    return Alerts.model_validate(total)
