"""Is the share of rows that a monitor can use still as large as in the baseline?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from model_monitor.core.constraints import Between, Constraint
from model_monitor.core.measures import EVERYTHING, Measure, Share, Subject, Undefined
from model_monitor.core.monitor import SET_ASIDE

Usable = Mapping[str, Share | float]  # by measure: of how many rows, or the least share if a person set one
NOTHING: Usable = {}

PART = 0.1  # of another check's share of the false-alarm budget: what it must find is large, and takes little from them


def measures_of(usable: Mapping[str, Share], why_none: Undefined) -> dict[tuple[Subject, str], Measure]:
    """The shares as measures; without rows they are undefined for the reason ``why_none``."""
    return {(EVERYTHING, name): share if share.n else why_none for name, share in usable.items()}


def constraints_of(usable: Usable, level: float | None) -> Iterator[Constraint]:
    """The constraints that a baseline's shares imply; none where chance is not weighed. ``level``: that of another
    check."""
    if level is None:
        return
    for name, share in judged(usable).items():
        drawn, least = (share, share.value) if isinstance(share, Share) else (None, share)
        yield Constraint(SET_ASIDE, EVERYTHING, name, Between(low=least, level=PART * level, drawn=drawn))


def parts_of(usable: Usable) -> float:
    """How many other checks share the budget as much as these do."""
    return PART * len(judged(usable))


def judged(usable: Usable) -> Usable:
    """The shares that are bounds: those of any rows."""
    return {name: share for name, share in usable.items() if not isinstance(share, Share) or share.n}
