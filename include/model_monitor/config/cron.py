"""Cron expressions, SageMaker's included, and their ticks."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from model_monitor.errors import ConfigError

SAGEMAKER = re.compile(r"cron\((?P<fields>[^()]*)\)")
HOURS = re.compile(r"(?P<start>\d{1,2})(/(?P<step>\d{1,2}))?")


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
    minute, hours, *rest = [*fields.split(), "", ""][: max(2, len(fields.split()))]
    if minute != "0" or rest != ["?", "*", "*", "*"]:
        raise ConfigError(
            f"'{expression}' is none of cron(0 * ? * * *), cron(0 HH ? * * *), cron(0 HH/NN ? * * *); "
            "for anything else write a five-field expression"
        )
    if hours == "*":
        return "0 * * * *"
    match = HOURS.fullmatch(hours)
    start, step = (int(match["start"]), int(match["step"] or 24)) if match else (24, 24)
    if not (start <= 23 and 1 <= step <= 24):
        raise ConfigError(f"'{expression}': the hour must be 00-23, and the step 01-24")
    at = sorted({(start + passed) % 24 for passed in range(0, 24, step)})
    return f"0 {','.join(map(str, at))} * * *"


def previous(cron: str, time: datetime) -> datetime:
    """The last tick of a five-field expression strictly before a time, in UTC."""
    from croniter import croniter

    before: datetime = croniter(cron, time.astimezone(UTC)).get_prev(datetime)
    return before


def period_before(cron: str, tick: datetime) -> timedelta:
    """The time between the previous tick and a tick."""
    return tick - previous(cron, tick)
