"""Standard cron and SageMaker's few expressions."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from croniter import croniter

from model_monitor.config import cron
from model_monitor.errors import ConfigError

EXPRESSIONS = [
    ("cron(0 * ? * * *)", "0 * * * *"),
    ("cron(0 12 ? * * *)", "0 12 * * *"),
    ("cron(0 00 ? * * *)", "0 0 * * *"),
    ("cron(0 0/24 ? * * *)", "0 0 * * *"),
    ("cron(0 17/12 ? * * *)", "0 5,17 * * *"),
    ("cron(0 0/2 ? * * *)", "0 0,2,4,6,8,10,12,14,16,18,20,22 * * *"),
    ("cron(0 17/5 ? * * *)", "0 3,8,13,17,22 * * *"),
    ("cron(0 * * * ? *)", "0 * * * *"),
    ("cron(0 12 * * ? *)", "0 12 * * *"),
    ("cron(0 17/12 * * ? *)", "0 5,17 * * *"),
    ("cron(0 * * * * *)", "0 * * * *"),
    ("cron(0 14 ? * MON *)", "0 14 * * MON"),
    ("cron(0 14 ? * mon-fri *)", "0 14 * * MON-FRI"),
    ("cron(0 14 ? * 1,7 *)", "0 14 * * 0,6"),
    ("cron(0 0 1 * ? *)", "0 0 1 * *"),
    ("cron(0 0 1,15 JAN,JUL ? *)", "0 0 1,15 JAN,JUL *"),
    (" */15 * * * * ", "*/15 * * * *"),
    ("@daily", "@daily"),
    ("NOW", None),
]


@pytest.mark.parametrize(("written", "standard"), EXPRESSIONS)
def test_an_expression_becomes_standard_cron(written: str, standard: str | None) -> None:
    assert cron.standard(written) == standard


WRONG = [
    "cron(0 */4 * * ? *)",
    "cron(5 * ? * * *)",
    "cron(0 * ? * * 2026)",
    "cron(0 0 L * ? *)",
    "cron(0 0 ? * 2#1 *)",
    "cron(0 0 1 * MON *)",
    "cron(0 * ? *)",
    "cron(0 24 ? * * *)",
    "cron(0 0/0 ? * * *)",
    "cron(0 0/25 ? * * *)",
]


@pytest.mark.parametrize("written", [*WRONG, "cron()", "cron(", "", "0 * * *", "* * * * * *", "61 * * * *", "now"])
def test_any_other_is_refused_with_advice(written: str) -> None:
    with pytest.raises(ConfigError, match=r"write|must be"):
        cron.standard(written)


@pytest.mark.parametrize("step", range(1, 25))
def test_every_n_hours_starts_anew_at_its_hour_each_day(step: int) -> None:
    ticks = croniter(cron.standard(f"cron(0 9/{step} ? * * *)"), datetime(2026, 1, 1, 8, 59, tzinfo=UTC))
    day = [ticks.get_next(datetime) for _ in range(-(-24 // step) + 1)]
    assert day[0].hour == day[-1].hour == 9
    assert {b - a for a, b in pairwise(day[:-1])} <= {timedelta(hours=step)}


def test_a_ticks_period_goes_back_to_the_tick_before() -> None:
    tick = datetime(2026, 1, 1, 3, tzinfo=UTC)
    assert cron.period_before("0 3,8,13,17,22 * * *", tick) == timedelta(hours=5)
