"""What is measured of each facet and value?"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from operator import eq
from typing import TYPE_CHECKING

from model_monitor.core.constraints import Measure, Subject, Undefined
from model_monitor.core.states.counts import BOUND
from model_monitor.monitors.bias import tallies as bias_tallies
from model_monitor.monitors.bias import value_types as bias_typing
from model_monitor.monitors.bias.facets import Facet, Key
from model_monitor.monitors.bias.readings import Groups, Reading, nothing
from model_monitor.monitors.bias.value_types import ABOVE, EQUAL
from model_monitor.monitors.values import in_order

if TYPE_CHECKING:
    from model_monitor.monitors.bias import Bias
    from model_monitor.monitors.bias.tallies import Tallies, Tally

MAX_VALUES = 100  # entries of a facet for which no values are given


@dataclass(frozen=True)
class Entry:
    """All metrics of one facet and one value of it: one object of a facet's list in the original's ``analysis.json``.

    facet: what reports call the facet, ``Facet.title``.
    value: the original's ``value_or_threshold``: ``0``, ``1,2``, or ``(40, 90]`` with the data's maximum.
    pre, post: measures by the original's keys in order: ``CDDL CI DPL JS KL KS LP TVD``, and ``AD CDDPL DAR DCA DCR DI
        DPPL DRR FT GE RD SD TE``. Calibrated: ``Estimate`` (``error`` None if nobody knows it; of so many rows ``n``)
        or ``Undefined``. sagemaker: a float, which may be infinite, or ``Undefined`` with the original's error text.
    rows_a, rows_d: how many rows are on each side; None if not known, as of an original's file.
    key: what tells its value from others in ``subject``; told from ``value`` if empty.
    """

    facet: str
    value: str
    pre: dict[str, Measure]
    post: dict[str, Measure]
    rows_a: int | None = None
    rows_d: int | None = None
    key: str = ""

    @property
    def subject(self) -> Subject:
        """What its constraints and measures are about: ``Sex = 0``, or ``Age > 40`` whatever the largest number is.

        ``segment`` stays free for ``By`` and ``Segmented``. An entry read back from ``analysis.json`` has the subject
        of the live one, so that the entry of a finding is that of the same subject.
        """
        return Subject(f"{self.facet} {self.key or bias_typing.key_of(self.value)}")

    @property
    def metrics(self) -> dict[str, Measure]:
        """Those of both stages."""
        return self.pre | self.post

    def side_below(self, minimum: int) -> Undefined | None:
        """Why there are too few rows to judge, if that is so."""
        for side, rows in (("with", self.rows_d), ("without", self.rows_a)):
            if rows is not None and rows < minimum:
                return Undefined(
                    f"{rows} rows {side} {self.subject} are too few to judge; {minimum - rows} more are needed"
                )
        return None


@dataclass(frozen=True)
class Choice:
    """Which facet keys are on the sensitive side, and what that is called."""

    is_d: Callable[[Key], bool]
    value: str
    key: str


def entries_of(monitor: Bias, state: Tallies) -> list[Entry]:
    """See ``Bias.entries``. What two facets name has one entry, the first's."""
    reading = Reading.of(monitor, state)
    found = []
    for i, facet in enumerate(monitor.facets):
        tally = state.facets.items[bias_tallies.key_of(i, facet)]
        chosen = choices(facet, tally, monitor.calibrated)
        if isinstance(chosen, Undefined):
            pre, post = nothing(chosen)
            found.append(Entry(facet.title, ",".join(map(str, facet.given)), pre, post))
            continue
        cells, groups = list(bias_tallies.table_of(tally.cells)), Groups.of(tally.groups)
        for choice in chosen:
            pre, post, sides = reading.measures(i, cells, groups, choice.is_d)
            found.append(Entry(facet.title, choice.value, pre, post, int(sides.a.n), int(sides.d.n), choice.key))
    return list({entry.subject: entry for entry in reversed(found)}.values())[::-1]


def choices(facet: Facet, tally: Tally, calibrated: bool) -> list[Choice] | Undefined:
    """The sensitive sides of a facet, by value; or why there are none."""
    if tally.cells.rest:
        return Undefined(f"facet {facet.title} has too many values: more than {BOUND:,} kinds of rows")
    given, typed = facet.given, tally.typed
    scale: bool | Undefined = bool(facet.thresholds)
    if not facet.thresholds and not facet.values and len(facet.names) == 1:
        scale = bias_typing.on_a_scale(typed, given, calibrated)
    if isinstance(scale, Undefined):
        return scale
    if given:
        text = bias_typing.text_of(given, scale, typed)
        bit = ABOVE if scale else EQUAL
        key = f"> {bias_typing.least(given)}" if scale else bias_typing.key_of(text)
        return [Choice(lambda code: bool(int(code) & bit), text, key)]
    values = in_order({key for (key, *_), _ in bias_tallies.table_of(tally.cells) if isinstance(key, str)})
    if len(values) > MAX_VALUES:
        return Undefined(
            f"facet {facet.title} has {len(values):,} different values, more than {MAX_VALUES}: give values or "
            "thresholds, or group its values before they are captured"
        )
    shown = {"0": "False", "1": "True"} if typed.n and typed.booleans == typed.n else {}
    return [Choice(partial(eq, value), shown.get(value, value), f"= {value}") for value in values]
