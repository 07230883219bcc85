"""Entries: the metrics of each facet and value, as a report lists them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from operator import eq

from model_monitor.core.measures import Measure, Subject, Undefined
from model_monitor.core.states.counts import BOUND
from model_monitor.monitors.bias.conventions import Conventions
from model_monitor.monitors.bias.facets import Facet, Key
from model_monitor.monitors.bias.measures import Groups, Reading, all_undefined
from model_monitor.monitors.bias.tallies import Tallies, Tally, table_of
from model_monitor.monitors.bias.tallies import key_of as tally_key
from model_monitor.monitors.bias.value_types import ABOVE, EQUAL, key_of, least, text_of
from model_monitor.monitors.values import in_order

MAX_VALUES = 100  # of a facet without given values


@dataclass(frozen=True)
class Entry:
    """All metrics of one facet and one value of it: one object of a facet's list in SageMaker's ``analysis.json``.

    facet: the facet's name in reports, ``Facet.title``.
    value: SageMaker's ``value_or_threshold``: ``0``, ``1,2``, or ``(40, 90]`` with the data's maximum.
    pre, post: measures by SageMaker's keys in order: ``CDDL CI DPL JS KL KS LP TVD``, and ``AD CDDPL DAR DCA DCR DI
        DPPL DRR FT GE RD SD TE``. Calibrated: an ``Estimate`` (``error`` None if unknown, ``n`` rows) or ``Undefined``.
        sagemaker: a float, which may be infinite, or ``Undefined`` with SageMaker's error text.
    rows_a, rows_d: rows of each side; None if unknown, as in a file of SageMaker's.
    key: the value's part of ``subject``; derived from ``value`` if empty.
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
        """The subject of its constraints and measures: ``Sex = 0``, or ``Age > 40`` whatever the largest number is.

        ``segment`` stays free for ``By`` and ``Segmented``. An entry read back from ``analysis.json`` has the same
        subject as the live one, which is how a finding leads to its entry.
        """
        return Subject(f"{self.facet} {self.key or key_of(self.value)}")

    @property
    def metrics(self) -> dict[str, Measure]:
        """The metrics of both stages."""
        return self.pre | self.post

    def side_below(self, minimum: int) -> Undefined | None:
        """Why a side has too few rows to judge; None if neither has."""
        for side, rows in (("with", self.rows_d), ("without", self.rows_a)):
            if rows is not None and rows < minimum:
                return Undefined(
                    f"{rows} rows {side} {self.subject} are too few to judge; {minimum - rows} more are needed"
                )
        return None


@dataclass(frozen=True)
class Choice:
    """Which facet keys are on the sensitive side, and the side's name."""

    is_d: Callable[[Key], bool]
    value: str
    key: str


def entries_of(conventions: Conventions, state: Tallies) -> list[Entry]:
    """See ``Bias.entries``. A subject that two facets name has one entry, the first's."""
    reading = Reading.of(conventions, state)
    found = []
    for i, facet in enumerate(conventions.options.facets):
        tally = state.facets.items[tally_key(i, facet)]
        chosen = choices(conventions, facet, tally)
        if isinstance(chosen, Undefined):
            pre, post = all_undefined(chosen)
            found.append(Entry(facet.title, ",".join(map(str, facet.given)), pre, post))
            continue
        cells, groups = list(table_of(tally.cells)), Groups.of(tally.groups)
        for choice in chosen:
            pre, post, sides = reading.measures(i, cells, groups, choice.is_d)
            found.append(Entry(facet.title, choice.value, pre, post, int(sides.a.n), int(sides.d.n), choice.key))
    return list({entry.subject: entry for entry in reversed(found)}.values())[::-1]


def choices(conventions: Conventions, facet: Facet, tally: Tally) -> list[Choice] | Undefined:
    """The sensitive sides of a facet, by value; or why there are none."""
    if tally.cells.rest:
        return Undefined(f"facet {facet.title} has too many values: more than {BOUND:,} kinds of rows")
    given, typed = facet.given, tally.typed
    scale: bool | Undefined = bool(facet.thresholds)
    if not facet.thresholds and not facet.values and len(facet.names) == 1:
        scale = conventions.on_a_scale(typed, given)
    if isinstance(scale, Undefined):
        return scale
    if given:
        text = text_of(given, scale, typed)
        bit = ABOVE if scale else EQUAL
        key = f"> {least(given)}" if scale else key_of(text)
        return [Choice(lambda code: bool(int(code) & bit), text, key)]
    values = in_order({key for (key, *_), _ in table_of(tally.cells) if isinstance(key, str)})
    if len(values) > MAX_VALUES:
        return Undefined(
            f"facet {facet.title} has {len(values):,} different values, more than {MAX_VALUES}: give values or "
            "thresholds, or group its values before they are captured"
        )
    shown = {"0": "False", "1": "True"} if typed.n and typed.booleans == typed.n else {}
    return [Choice(partial(eq, value), shown.get(value, value), f"= {value}") for value in values]
