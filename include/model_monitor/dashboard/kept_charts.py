"""Charts of one's own: some metrics of an endpoint, over a span, each window's or a statistic of them."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from statistics import fmean, median
from typing import Any, Literal, get_args

from model_monitor.config import Endpoint
from model_monitor.core.window import Window, iso
from model_monitor.dashboard.courses import Point, Series, points_of, series_of, stored
from model_monitor.dashboard.page import Name, Shown
from model_monitor.dashboard.spans import span_of
from model_monitor.dashboard.visit import NoSuchPage, Visit
from model_monitor.errors import ConfigError
from model_monitor.history.incidents import Session
from model_monitor.jobs import kept_charts as jobs
from model_monitor.results.documents.protocol import decode

MOST = 60  # metrics that a form lists; the others are found by their name
STATISTICS: dict[str, Callable[[Sequence[float]], float]] = {
    "mean": fmean,
    "minimum": min,
    "maximum": max,
    "median": median,
}
Statistic = Literal["value", "mean", "minimum", "maximum", "median"]
Period = Literal["window", "day", "week", "month"]


class Pick(Shown):
    """A metric that can be chosen; ``key`` is what a form sends."""

    key: str
    schedule: str
    metric: str
    column: str | None
    segment: str | None

    @property
    def title(self) -> str:
        names = [self.metric.replace("_", " "), f"of {self.column}" if self.column else "", self.segment or ""]
        return " ".join(filter(None, names))


class Kept(Shown):
    """A chart that somebody keeps."""

    endpoint: str
    name: str
    by: str
    at: str


class Line(Shown):
    """A chosen metric, and its numbers."""

    pick: Pick
    points: tuple[Point, ...]


class Charts(Shown):
    """What is kept, what can be chosen of an endpoint, and what is chosen. ``may_edit``: of all that is chosen."""

    kept: tuple[Kept, ...]
    endpoints: tuple[str, ...]
    endpoint: str
    name: str
    by: str
    options: tuple[Pick, ...]
    more_options: int
    find: str
    lines: tuple[Line, ...]
    statistic: str
    period: str
    days: int | None
    since: str
    until: str
    may_edit: bool


def charts(
    visit: Visit,
    endpoint: Name = "",
    name: Name = "",
    pick: list[Name] = [],  # noqa: B006  FastAPI copies it
    statistic: Statistic = "value",
    period: Period = "window",
    days: Name = "",
    since: Name = "",
    until: Name = "",
    find: Name = "",
) -> Charts:
    """The kept charts, and one of them by ``name``, or the metrics that are picked.

    pick: metrics, each as its JSON list of schedule, metric, column and segment; at most six are drawn.
    days: so many days before now, instead of ``since`` and ``until``.
    find: a part of a metric's name, or of its column's.
    """
    chosen = visit.endpoint(endpoint) if endpoint else next(iter(visit.endpoints), None)
    listed = [(of, chart) for of in visit.endpoints for chart in jobs.kept_charts(of) if may_see(visit, chart)]
    wanted = asked_for(pick, statistic, period, days, since, until)
    if name and not pick:
        matches = [chart for of, chart in listed if (of.endpoint, chart.name) == (endpoint, name)]
        if not matches:
            raise NoSuchPage("nobody keeps a chart of this name, or you may not see it")
        wanted = matches[0]
    options, lines = options_and_lines(visit, chosen, wanted) if chosen else ([], [])
    fitting = [option for option in options if find.casefold() in f"{option.schedule} {option.title}".casefold()]
    names = {series.schedule for series in wanted.series}
    return Charts(
        kept=tuple(Kept(endpoint=of.endpoint, name=c.name, by=c.by, at=c.at) for of, c in listed),
        endpoints=tuple(dict.fromkeys(of.endpoint for of in visit.endpoints)),
        endpoint=chosen.endpoint if chosen else "",
        name=name,
        by=wanted.by,
        options=tuple(fitting[:MOST]),
        more_options=max(0, len(fitting) - MOST),
        find=find,
        lines=tuple(lines),
        statistic=wanted.statistic,
        period=wanted.period,
        days=wanted.days,
        since=wanted.since or "",
        until=wanted.until or "",
        may_edit=bool(names) and all(map(visit.viewer.may_edit, names)),
    )


def may_see(visit: Visit, chart: jobs.KeptChart) -> bool:
    """A chart is for those who may read all that it shows."""
    return visit.may_read_all(series.schedule for series in chart.series)


def asked_for(
    pick: Sequence[str], statistic: str, period: str, days: str, since: str, until: str, name: str = "", **who: str
) -> jobs.KeptChart:
    """What a form says. Raises ConfigError."""
    if statistic not in get_args(Statistic) or period not in get_args(Period):
        raise ConfigError(f"a chart shows {', '.join(get_args(Statistic))} of each {', '.join(get_args(Period))}")
    if days and not (days.isdecimal() and 0 < int(days[:6]) <= 36_500):
        raise ConfigError(f"'{days:.20}' is no number of days")
    if not days:
        span_of(since, until)
    return jobs.KeptChart(
        name=name,
        by=who.get("by", ""),
        at=who.get("at", ""),
        series=[series_in(key) for key in pick[: jobs.MOST]],
        statistic=statistic,  # type: ignore[arg-type]
        period=period,  # type: ignore[arg-type]
        days=int(days) if days else None,
        since=since or None if not days else None,
        until=until or None if not days else None,
    )


def series_in(key: str) -> jobs.Series:
    """A metric that was picked. Raises ConfigError."""
    parts: Any = decode(f'{{"of": {key}}}'.encode(), "pick")["of"]
    if not (isinstance(parts, list) and len(parts) == 4 and all(isinstance(p, str | None) for p in parts) and parts[1]):
        raise ConfigError("pick: a JSON list of schedule, metric, column and segment is expected")
    return jobs.Series(schedule=parts[0] or "", metric=parts[1], column=parts[2], segment=parts[3])


def key_of(schedule: str, metric: str, column: str | None, segment: str | None) -> str:
    return json.dumps([schedule, metric, column, segment], ensure_ascii=False)


def options_and_lines(visit: Visit, endpoint: Endpoint, wanted: jobs.KeptChart) -> tuple[list[Pick], list[Line]]:
    """All metrics of an endpoint's schedules, and the numbers of those that are wanted."""
    options, lines = [], []
    chosen = {key_of(s.schedule, s.metric, s.column, s.segment) for s in wanted.series}
    span = span_in(wanted, visit.now)
    with visit.reading(endpoint) as session:
        for schedule in endpoint.schedules if session else ():
            for series in series_of(session, endpoint.endpoint, schedule.name) if session else ():
                option = pick_of(schedule.name, series)
                options.append(option)
                if option.key in chosen and session:
                    points = numbers_of(session, endpoint.endpoint, schedule.name, series, span, wanted)
                    lines.append(Line(pick=option, points=tuple(points)))
    return options, lines


def pick_of(schedule: str, series: Series) -> Pick:
    about = (series.metric, series.column, series.segment)
    return Pick(key=key_of(schedule, *about), schedule=schedule, metric=about[0], column=about[1], segment=about[2])


def span_in(chart: jobs.KeptChart, now: datetime) -> Window | None:
    if chart.days:
        return Window(now - timedelta(days=chart.days), now)
    return span_of(chart.since or "", chart.until or "")


def numbers_of(
    session: Session, endpoint: str, schedule: str, series: Series, span: Window | None, chart: jobs.KeptChart
) -> list[Point]:
    """The numbers of each window, or the statistic of those of each period."""
    bounds = (span.start, span.end) if span else (None, None)
    points = points_of(session, endpoint, schedule, series, *bounds)
    return points if chart.statistic == "value" else summarised(points, chart.statistic, chart.period)


def summarised(points: Sequence[Point], statistic: str, period: str) -> list[Point]:
    """A statistic of the numbers of each period; of windows without a number there is none."""
    groups: dict[datetime, list[Point]] = {}
    for point in points:
        if point.value is not None:
            groups.setdefault(start_of(point.start, period), []).append(point)
    return [
        members[0].model_copy(
            update={
                "start": start,
                "end": members[-1].end,
                "value": STATISTICS[statistic]([point.value for point in members if point.value is not None]),
                "outcome": "violated" if any(point.outcome == "violated" for point in members) else None,
                **dict.fromkeys(("low", "high", "noise_floor", "threshold_low", "threshold_high", "reason", "rows")),
            }
        )
        for start, members in groups.items()
    ]


def start_of(time: datetime, period: str) -> datetime:
    """The start of the day, week (from Monday) or month, in UTC."""
    day = time.replace(hour=0, minute=0, second=0, microsecond=0)
    return {
        "window": time,
        "day": day,
        "week": day - timedelta(days=day.weekday()),
        "month": day.replace(day=1),
    }[period]


def keep(visit: Visit, endpoint: str, name: str, pick: Sequence[str], **shape: str) -> None:
    """Keep a chart under a name, as the viewer's. Raises ConfigError, NoSuchPage."""
    who = {"by": visit.viewer.name, "at": iso(visit.now.replace(microsecond=0))}
    jobs.keep_chart(visit.endpoint(endpoint), asked_for(pick, name=name.strip(), **shape, **who))


def delete(visit: Visit, endpoint: str, name: str) -> None:
    """Delete a kept chart. Raises ConfigError, NoSuchPage."""
    jobs.delete_chart(visit.endpoint(endpoint), name)


def schedules_of(visit: Visit, endpoint: str, name: str) -> list[str]:
    """The schedules that a kept chart shows; [] if there is none of this name."""
    charts = [chart for chart in jobs.kept_charts(visit.endpoint(endpoint)) if stored(chart.name) == stored(name)]
    return [series.schedule for chart in charts for series in chart.series]
