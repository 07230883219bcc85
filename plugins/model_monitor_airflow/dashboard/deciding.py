"""The forms of the page on baselines: try thresholds out, put a version in force, or reject it."""

from __future__ import annotations

from collections.abc import Collection
from typing import Literal

from pydantic import BaseModel

from model_monitor.dashboard.baselines import approve, reject, tried_out
from model_monitor.dashboard.page import Name
from model_monitor.dashboard.visit import Visit


class OfSchedule(BaseModel):
    """What all of them are about."""

    endpoint: Name
    schedule: Name
    version: Name


class Trial(OfSchedule):
    """Thresholds: the key of each, and the number in its field as text."""

    place: list[Name] = []
    value: list[Name] = []


class Decided(OfSchedule):
    """A decision, why, the thresholds that go with it, and what the page showed."""

    decision: Literal["approved", "rejected"]
    why: Name = ""
    edit: Name = ""
    seen: Name = ""


def schedules(visit: Visit, form: OfSchedule) -> Collection[str]:
    """The schedule whose baseline it is, if the endpoint has one of this name."""
    visit.assignment(form.endpoint, form.schedule)
    return [form.schedule]


def preview(visit: Visit, form: Trial) -> str:
    """The page with what the thresholds would change; nothing is written."""
    edit = tried_out(visit, form.endpoint, form.schedule, form.version, form.place, form.value)
    return visit.links.baselines(form.endpoint, form.schedule, version=form.version, edit=edit)


def decide(visit: Visit, form: Decided) -> str:
    """A version is in force, or rejected."""
    about = form.endpoint, form.schedule, form.version
    if form.decision == "rejected":
        reject(visit, *about, form.why)
    else:
        approve(visit, *about, form.edit, form.why, form.seen)
    return visit.links.baselines(form.endpoint, form.schedule)
