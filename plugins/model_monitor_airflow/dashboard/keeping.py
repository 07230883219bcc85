"""The forms of the page on charts of one's own: keep one under a name, delete one."""

from __future__ import annotations

from collections.abc import Collection
from typing import Literal

from pydantic import BaseModel

from model_monitor.dashboard import kept_charts
from model_monitor.dashboard.page import Name
from model_monitor.dashboard.visit import Visit


class Named(BaseModel):
    """A chart of an endpoint, by name."""

    endpoint: Name
    name: Name


class Chart(Named):
    """What a chart shows."""

    pick: list[Name] = []
    statistic: Literal["value", "mean", "minimum", "maximum", "median"] = "value"
    period: Literal["window", "day", "week", "month"] = "window"
    days: Name = ""
    since: Name = ""
    until: Name = ""


def schedules_in(visit: Visit, form: Chart) -> Collection[str]:
    """The schedules of the metrics that are picked."""
    endpoint = visit.endpoint(form.endpoint)
    names = {kept_charts.series_in(key).schedule for key in form.pick}
    return names if names <= {schedule.name for schedule in endpoint.schedules} else []


def schedules_of(visit: Visit, form: Named) -> Collection[str]:
    """The schedules that a kept chart shows."""
    return kept_charts.schedules_of(visit, form.endpoint, form.name)


def keep(visit: Visit, form: Chart) -> str:
    shape = form.model_dump(include={"statistic", "period", "days", "since", "until"})
    kept_charts.keep(visit, form.endpoint, form.name, form.pick, **shape)
    return visit.links.page("/charts", {"endpoint": form.endpoint, "name": form.name.strip()})


def delete(visit: Visit, form: Named) -> str:
    kept_charts.delete(visit, form.endpoint, form.name)
    return visit.links.page("/charts", {"endpoint": form.endpoint})
