"""What a person does about incidents from a page: snooze, mute and close."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, timedelta
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from model_monitor.core.window import iso
from model_monitor.dashboard.alerts import schedules_of, whole
from model_monitor.dashboard.page import Name, Why
from model_monitor.dashboard.visit import Visit
from model_monitor.errors import ConfigError, printable
from model_monitor.jobs.acts import act
from model_monitor.jobs.closing import close
from model_monitor.jobs.people import Act

LONGEST_SNOOZE = 24 * 90  # hours


class OfEndpoint(BaseModel):
    """What all acts say: about which endpoint, and why."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    endpoint: Name
    variant: Name = "AllTraffic"
    why: Why = ""


class OfIncident(OfEndpoint):
    """An act on one incident, by its number in the endpoint's history."""

    number: Annotated[int, Field(ge=1, lt=2**63)]


class Snooze(OfIncident):
    """Tell nobody of an incident for some hours."""

    hours: Annotated[int, Field(ge=1, le=LONGEST_SNOOZE)] = 24


class Close(OfIncident):
    """Say that an incident is over."""


class Mute(OfEndpoint):
    """Tell nobody of findings of a column from now on, or until a day (ISO 8601)."""

    column: Annotated[str, StringConstraints(min_length=1, max_length=20_000, pattern=r"^[^\x00]*$")]
    until: date | None = None


def concerned(visit: Visit, form: OfIncident) -> Collection[str]:
    """The schedules of the incident that an act is about."""
    return schedules_of(visit, form.endpoint, form.variant, form.number)


def all_schedules(visit: Visit, form: OfEndpoint) -> Collection[str]:
    """All schedules of the endpoint: a mute counts for each."""
    return [schedule.name for schedule in whole(visit, form.endpoint, form.variant).schedules]


def snooze(visit: Visit, form: Snooze) -> str:
    until = visit.now.replace(microsecond=0) + timedelta(hours=form.hours)
    done = Act(kind="snooze", at=iso(visit.now), by=person(visit), until=iso(until), why=printable(form.why))
    act(whole(visit, form.endpoint, form.variant), done, form.number)
    return visit.links.alerts(endpoint=form.endpoint)


def mute(visit: Visit, form: Mute) -> str:
    if form.until and form.until <= visit.now.date():
        raise ConfigError(f"{form.until} has come; choose a day to come, on which people are told again")
    until = form.until.isoformat() if form.until else ""
    done = Act(
        kind="mute", at=iso(visit.now), by=person(visit), column=form.column, until=until, why=printable(form.why)
    )
    act(whole(visit, form.endpoint, form.variant), done)
    return visit.links.alerts(endpoint=form.endpoint)


def close_incident(visit: Visit, form: Close) -> str:
    endpoint = whole(visit, form.endpoint, form.variant)
    close(endpoint, form.number, person(visit), iso(visit.now), printable(form.why))
    return visit.links.alerts(endpoint=form.endpoint)


def person(visit: Visit) -> str:
    """Who does it, by the login."""
    return printable(visit.viewer.name)
