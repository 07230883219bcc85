"""When a schedule runs, and over which window."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import NamedTuple

from pydantic import TypeAdapter

from model_monitor.config import cron as crons
from model_monitor.config.retention import longest_period
from model_monitor.errors import ConfigError
from model_monitor.sagemaker.importing.definition import Definition
from model_monitor.sagemaker.importing.document import OfSchedule
from model_monitor.sagemaker.importing.shapes import Json

DAILY = "cron(0 0 ? * * *)"
DELAY = timedelta(minutes=5)  # what an endpoint file waits if it says nothing
NONE = timedelta(0)

DURATION = re.compile(
    r"(?P<sign>.?)P(?:(?P<weeks>[0-9]+)W)?(?:(?P<days>[0-9]+)D)?"
    r"(?P<time>T(?:(?P<late_days>[0-9]+)D)?(?:(?P<hours>[0-9]+)H)?(?:(?P<minutes>[0-9]+)M)?(?:(?P<seconds>[0-9]+)S)?)?"
)
UNITS = ("weeks", "days", "hours", "minutes", "seconds")


class Span(NamedTuple):
    """A window as distances back from the tick: from ``start`` until ``end``, start > end >= 0."""

    start: timedelta
    end: timedelta


def back(text: str, place: str, about: OfSchedule, key: str) -> timedelta:
    """How far back from the tick an offset lies, >= 0. Raises ConfigError."""
    match = DURATION.fullmatch(text.strip())
    parts = {unit: int(match[unit] or 0) for unit in UNITS} if match else {}
    if not match or not any(match[unit] for unit in (*UNITS, "late_days")):
        raise ConfigError(
            f"schedule '{about.name}': {place} '{text}' is no duration that can be read; write -P1D, -PT6H or -PT30M"
        )
    parts["days"] += int(match["late_days"] or 0)
    try:
        delta = timedelta(**parts)
    except OverflowError as error:
        raise ConfigError(f"schedule '{about.name}': {place} '{text}' is longer than any window") from error
    if match["late_days"]:
        about.look(key, f"{place} is {text}, which is not ISO 8601 (days go before T); it is read as {written(-delta)}")
    if match["sign"] != "-" and delta:
        about.look(key, f"{place} is {text}, without a minus; it is read as {written(-delta)}, before the tick")
    return delta


def written(duration: timedelta) -> str:
    """ISO 8601."""
    return str(TypeAdapter(timedelta).dump_python(duration, mode="json"))


def times_of(definition: Definition, about: OfSchedule) -> Json:
    """``cron``, and where they are needed ``window``, ``delay`` and the ``offset`` of ground truth."""
    config: Json = definition.schedule["MonitoringScheduleConfig"].get("ScheduleConfig", {})
    labelled = definition.needs_labels
    expression = config.get("ScheduleExpression")
    if expression is None:
        expression = DAILY
        about.look("cron", "there is no ScheduleConfig: it ran once a day, at an hour that AWS chose; choose one")
    try:
        cron = crons.standard(expression)
    except ConfigError as error:
        raise ConfigError(f"schedule '{about.name}': ScheduleExpression {error}") from error
    if cron is not None and not crons.DOCUMENTED.fullmatch(expression.strip()):
        about.look("cron", f"ScheduleExpression {expression} means {cron} in five fields")
        expression = cron
    analysis = span_of(config, "DataAnalysisStartTime", "DataAnalysisEndTime", cron, about, "window")
    key = "ground_truth" if labelled else "window"
    offsets = span_of(definition.input, "StartTimeOffset", "EndTimeOffset", cron, about, key)
    if cron is None:
        return by_hand(analysis, offsets, about)
    if analysis and offsets:
        about.look("cron", "there are both DataAnalysisStartTime and StartTimeOffset; the offsets are taken")
    span = offsets or analysis
    if span is None:
        return {"cron": expression}
    if labelled:
        return {"cron": expression, "offset": {"start": written(-span.start), "end": written(-span.end)}}
    if not span.end:
        return {"cron": expression, "window": written(span.start)}
    about.look(
        "cron",
        f"SageMaker judges the window that ends {written(span.end)} before {expression}; this is the same window and "
        "the same time of the run, told by the window's end, so its report is in the folder of that hour",
    )
    window, delay = written(span.start - span.end), written(max(span.end, DELAY))
    return {"cron": earlier(cron, span.end, about), "window": window, "delay": delay}


def by_hand(analysis: Span | None, offsets: Span | None, about: OfSchedule) -> Json:
    """The times of a schedule that runs once, now: here a person starts it and gives the window."""
    if offsets:
        about.no_counterpart("StartTimeOffset, EndTimeOffset", "a run by hand judges the window given in its form")
    window = f"from {written(-analysis.start)} to {written(-analysis.end)}, " if analysis else ""
    about.look("cron", f"NOW: it judged once, {window}and here it runs by hand, over the window that you give")
    return {"cron": "NOW"} | ({"window": written(analysis.start - analysis.end)} if analysis else {})


def span_of(values: Json, start: str, end: str, cron: str | None, about: OfSchedule, key: str) -> Span | None:
    """The window of two offsets; None without both. A missing start is one period before the end."""
    if start not in values and end not in values:
        return None
    until = back(values[end], end, about, key) if end in values else NONE
    if start in values:
        since = back(values[start], start, about, key)
    else:
        since = until + (longest_period(cron) if cron else timedelta(hours=1))
        about.look(key, f"there is {end} but no {start}; it is taken as {written(-since)}")
    if since <= until:
        problem = f"{start} {written(-since)} is not before {end} {written(-until)}"
        raise ConfigError(f"schedule '{about.name}': {problem}; correct the JSON, and give it with --from-json")
    return Span(since, until)


def earlier(cron: str, by: timedelta, about: OfSchedule) -> str:
    """The cron expression with all ticks moved back. Raises ConfigError.

    >>> from model_monitor.sagemaker.importing.document import OfSchedule, Remarks
    >>> earlier("0 5,17 * * *", timedelta(hours=6), OfSchedule(Remarks(), 0, "a"))
    '0 11,23 * * *'
    """
    if by % timedelta(minutes=1):
        raise ConfigError(f"schedule '{about.name}': an offset of {written(by)} is no whole number of minutes")
    match = re.fullmatch(r"(?P<minute>[0-9]{1,2}) (?P<hours>\*|[0-9]{1,2}(,[0-9]{1,2})*) \* \* \*", cron)
    if not match:
        raise ConfigError(
            f"schedule '{about.name}' runs at '{cron}', and a window that ends {written(by)} before has no cron of its "
            "own; correct ScheduleExpression in the JSON, and give it with --from-json"
        )
    hours = range(24) if match["hours"] == "*" else map(int, match["hours"].split(","))
    moved = sorted((60 * hour + int(match["minute"]) - by // timedelta(minutes=1)) % 1440 for hour in hours)
    moved_hours = "*" if len(moved) == 24 else ",".join(str(minute // 60) for minute in moved)
    return f"{moved[0] % 60} {moved_hours} * * *"
