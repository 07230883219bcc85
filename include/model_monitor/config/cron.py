"""Cron expressions, SageMaker's included, and their ticks."""

from __future__ import annotations

import copy
import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING

from model_monitor.errors import ConfigError

if TYPE_CHECKING:
    from croniter import croniter

SAGEMAKER = re.compile(r"cron\((?P<fields>[^()]*)\)")
DOCUMENTED = re.compile(r"cron\(0 (\*|[0-9]{1,2}(/[0-9]{1,2})?) \? \* \* \*\)")  # as SageMaker's documentation has them
HOURS = re.compile(r"(?P<start>\d{1,2})(/(?P<step>\d{1,2}))?")
ANY = ("*", "?")  # of the two fields of days AWS has one be ?
MONTH_DAY = re.compile(r"[0-9]{1,2}([,-][0-9]{1,2})*")
MONTH = re.compile(r"([0-9]{1,2}|[A-Z]{3})([,-]([0-9]{1,2}|[A-Z]{3}))*", re.IGNORECASE)
WEEKDAY = re.compile(r"([1-7]|SUN|MON|TUE|WED|THU|FRI|SAT)", re.IGNORECASE)


def standard(expression: str) -> str | None:
    """The five-field cron expression (UTC) of a schedule's ``cron``; None for ``NOW``, which only runs by hand.

    Accepts five fields, ``@hourly`` and the like, and SageMaker's. If N does not divide 24, its "every N hours"
    restarts at hour HH each day. Raises ConfigError.

    >>> standard("cron(0 17/12 ? * * *)"), standard("NOW")
    ('0 5,17 * * *', None)
    """
    expression = expression.strip()
    if expression == "NOW":
        return None
    match = SAGEMAKER.fullmatch(expression)
    cron = of_sagemaker(match["fields"], expression) if match else expression
    from croniter import croniter

    if len(cron.split()) not in (1, 5) or not croniter.is_valid(cron):
        raise ConfigError(f"'{expression}' is not a cron expression; write five fields, e.g. '0 * * * *'")
    try:
        previous(cron, datetime(2026, 1, 1, tzinfo=UTC))
    except ValueError as error:  # croniter's, of e.g. the 30th of February
        raise ConfigError(f"'{expression}' is never; write a cron expression that comes true") from error
    return cron


def of_sagemaker(fields: str, expression: str) -> str:
    """Five fields of AWS's six: minute, hour, day of month, month, day of week, year."""
    parts = fields.split()
    minute, hours, day, month, weekday, year = parts if len(parts) == 6 else [""] * 6
    days = day in ANY or MONTH_DAY.fullmatch(day)
    if minute != "0" or not days or not (month == "*" or MONTH.fullmatch(month)) or year not in ("*", ""):
        raise unreadable(expression)
    if day not in ANY and weekday not in ANY:
        raise unreadable(expression)
    rest = f"{'*' if day == '?' else day} {month} {of_weekdays(weekday, expression)}"
    if hours == "*":
        return f"0 * {rest}"
    match = HOURS.fullmatch(hours)
    start, step = (int(match["start"]), int(match["step"] or 24)) if match else (24, 24)
    if not (start <= 23 and 1 <= step <= 24):
        raise ConfigError(f"'{expression}': the hour must be 00-23, and the step 01-24")
    at = sorted({(start + passed) % 24 for passed in range(0, 24, step)})
    return f"0 {','.join(map(str, at))} {rest}"


def of_weekdays(field: str, expression: str) -> str:
    """AWS's days of the week, of which 1 is Sunday, as cron has them, where 0 is."""
    if field in ANY:
        return "*"
    if not re.fullmatch(rf"{WEEKDAY.pattern}([,-]{WEEKDAY.pattern})*", field, re.IGNORECASE):
        raise unreadable(expression)
    return re.sub("[1-7]", lambda digit: str(int(digit[0]) - 1), field.upper())


def unreadable(expression: str) -> ConfigError:
    return ConfigError(
        f"'{expression}' is none of cron(0 * ? * * *), cron(0 HH ? * * *), cron(0 HH/NN ? * * *), nor of these on some "
        "days, as cron(0 14 ? * MON *) and cron(0 0 1 * ? *); for anything else write a five-field expression"
    )


@lru_cache(1 << 12)
def previous(cron: str, time: datetime) -> datetime:
    """The last tick of a five-field expression strictly before a time, in UTC."""
    ticks = copy.copy(parsed(cron))  # it keeps where it is, and others may ask at the same time
    before: datetime = ticks.get_prev(datetime, start_time=time.astimezone(UTC))
    return before


@lru_cache
def parsed(cron: str) -> croniter:
    """Parsing takes longer than finding a tick."""
    from croniter import croniter

    return croniter(cron)


def period_before(cron: str, tick: datetime) -> timedelta:
    """The time between the previous tick and a tick."""
    return tick - previous(cron, tick)
