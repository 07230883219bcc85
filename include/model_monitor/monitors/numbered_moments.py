"""Which numbers are dates or times? Seconds since 1970 move on with each window, as dates do.

Only names tell such numbers from amounts and ids, and only values tell which of the columns with such a name are
none, so that both are asked: a column that is taken for one is not compared.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

import numpy as np

from model_monitor.core.distributions import Distribution, Numbers
from model_monitor.monitors.moments import MOMENT, NOT_COMPARED

FIRST, LAST = 946_684_800, 4_102_444_800  # the years 2000 to 2099, in seconds since 1970
NEARLY_ALL = 0.99  # of the numbers that do not stand for no moment
LEAST = 19_000_101  # as a number: the first day of 1900
SOME, FEW_YEARS = 20, 0.2  # different numbers; the most that they differ, as a share of the years since 1970
STAND_INS = (-1.0, 0.0)  # what people write where there is no moment
WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
WORDS = re.compile(
    "at|begin|began|created|dates?|datetime|dt|days?|deadline|due|end|ended|epoch|expire[sd]|expiry|finished|hour|login"
    "|modified|moment|month|on|requested|seen|since|start|started|times?|timestamps?|ts|unix|until|updated|utc|when"
)
ENDINGS = re.compile(
    r"\w+(?:time|timestamp|epoch)|(?:first|last|start|end|event|order|due|birth|ship|pay|sale|trade|book|creation|created"
    r"|updated|expiry|request|log|unix)(?:date|at|ts|on)"
)


def since_1970(per_second: float) -> Callable[[np.ndarray], np.ndarray]:
    def are_moments(values: np.ndarray) -> np.ndarray:
        return np.asarray((values >= FIRST * per_second) & (values < LAST * per_second))

    return are_moments


def are_days(values: np.ndarray) -> np.ndarray:
    """Which numbers are a year, a month and a day in eight digits."""
    years, months, days = values // 10_000, values // 100 % 100, values % 100
    is_day = (years >= 1900) & (years < 2100) & (months >= 1) & (months <= 12) & (days >= 1) & (days <= 31)
    return np.asarray(is_day & (values == np.floor(values)))


DAYS = "yyyymmdd"
UNITS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "seconds since 1970": since_1970(1),
    "milliseconds since 1970": since_1970(1e3),
    "microseconds since 1970": since_1970(1e6),
    "nanoseconds since 1970": since_1970(1e9),
    DAYS: are_days,
}


def kind_in(unit: str) -> str:
    """The type of values that are moments in a unit.

    >>> kind_in("seconds since 1970")
    'Moment (seconds since 1970)'
    """
    return f"{MOMENT} ({unit})"


KINDS_OF_UNITS = frozenset(map(kind_in, UNITS))


def is_named_as_moments(name: str) -> bool:
    """Whether a column's name says that it holds dates or times.

    >>> [is_named_as_moments(name) for name in ("created_at", "eventTime", "pickup.ts", "unixdate", "departureTimeMs")]
    [True, True, True, True, True]
    >>> [is_named_as_moments(name) for name in ("candidate_id", "sentiment", "amount", "rating", "endorsed")]
    [False, False, False, False, False]
    """
    words = [word.lower() for word in WORD.findall(name)]
    return any(WORDS.fullmatch(word) or ENDINGS.fullmatch(word) for word in words)


def shares_of_units(numbers: Numbers) -> dict[str, float]:
    """The share (0..1) of the numbers that are moments in each unit that occurs; no number is one in two units."""
    n = numbers.n
    rows = {unit: int(numbers.weights[are(numbers.values)].sum()) for unit, are in UNITS.items()} if n else {}
    return {unit: count / n for unit, count in rows.items() if count}


def unit_of(numbers: Numbers) -> str | None:
    """The unit in which most numbers, and nearly all that do not stand for no moment, are moments; None if there is
    none.

    >>> unit_of(Numbers.counted({1767225600.0: 5, 1767312000.0: 4, 0.0: 1})), unit_of(Numbers.counted({59.0: 1}))
    ('seconds since 1970', None)
    """
    if not numbers.n or numbers.values[-1] < LEAST:
        return None
    unit, share = max(shares_of_units(numbers).items(), key=lambda entry: entry[1], default=("", 0.0))
    absent = int(numbers.weights[np.isin(numbers.values, STAND_INS)].sum()) / max(1, numbers.n)
    return unit if share > 0.5 and share >= NEARLY_ALL * (1 - absent) else None


def with_units(kinds: Mapping[str, int], numeric: tuple[str, ...], numbers: Numbers) -> dict[str, int]:
    """How many values each type has; all of the ``numeric`` types are moments in a unit if ``unit_of`` tells one: a
    sketch does not tell how many exactly stand for no moment."""
    if (unit := unit_of(numbers)) is None:
        return dict(kinds)
    others = {kind: n for kind, n in kinds.items() if kind not in numeric}
    return others | {kind_in(unit): sum(kinds.get(kind, 0) for kind in numeric)}


def unit_of_some(numbers: Numbers) -> str | None:
    """The unit of numbers that may be moments, whatever their name: at least ``SOME`` different ones of a few years."""
    unit = unit_of(numbers)
    if unit is None:
        return None
    moments = numbers.values[UNITS[unit](numbers.values)]
    is_short = unit == DAYS or moments[-1] - moments[0] < FEW_YEARS * moments[0]
    return unit if is_short and len(np.unique(moments)) >= SOME else None


def why_not_compared(spread: Distribution | None) -> str:
    """Why a column of dates or times is not compared; of numbers whose unit shows, also how they would be."""
    unit = unit_of(spread) if isinstance(spread, Numbers) else None
    if unit is None:
        return NOT_COMPARED
    about = NOT_COMPARED.replace(" are not", f" ({unit}) are not", 1)
    return f"numbers that are {about}; options: {{numbers: [...]}} has them compared"


def advice(names: str, unit: str) -> str:
    """What to do about columns whose numbers may be moments, and are compared."""
    return (
        f"{names}: the numbers may be dates and times ({unit}), of which new ones come with each window; they are "
        "compared as numbers. If they are moments, name them in options: {moments: [...]}"
    )
