"""The form of a window's page by which a person says that it was bad, or healthy."""

from __future__ import annotations

from collections.abc import Collection
from typing import Literal

from pydantic import BaseModel, ConfigDict

from model_monitor.core.window import Window, iso
from model_monitor.dashboard.page import Moment, Name, Why
from model_monitor.dashboard.visit import Visit
from model_monitor.errors import ConfigError, printable
from model_monitor.jobs.marks import mark_windows
from model_monitor.results.marks import Mark


class Marking(BaseModel):
    """Say what to think of a window."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    endpoint: Name
    schedule: Name
    start: Moment
    end: Moment
    says: Literal["bad", "healthy", "neither"] = "neither"
    why: Why = ""


def concerned(visit: Visit, form: Marking) -> Collection[str]:
    """The schedule whose window it is."""
    return [visit.assignment(form.endpoint, form.schedule).schedule.name]


def mark(visit: Visit, form: Marking) -> str:
    if form.start >= form.end:
        raise ConfigError("a window ends after it starts")
    endpoint = visit.assignment(form.endpoint, form.schedule).endpoint
    done = Mark(Window(form.start, form.end), form.says, printable(visit.viewer.name), printable(form.why))
    mark_windows(endpoint, [form.schedule], done, iso(visit.now))
    return visit.links.execution(form.endpoint, form.schedule, form.start, form.end)
