"""Entries: the metrics of each facet and value, as a report lists them, from the counts of a State."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from operator import eq

import numpy as np

from model_monitor.core.measures import Measure, Subject, Undefined
from model_monitor.core.states import Counts
from model_monitor.core.states.counts import BOUND
from model_monitor.monitors.answers import why_none_is_usable
from model_monitor.monitors.bias.conventions import Conventions
from model_monitor.monitors.bias.facets import Facet, Key
from model_monitor.monitors.bias.flips import Row, flips_of, rows_of
from model_monitor.monitors.bias.metrics import GROUPED, PRE, Sides
from model_monitor.monitors.bias.reasons import NO_GROUP
from model_monitor.monitors.bias.tallies import Tallies, Tally, table_of
from model_monitor.monitors.bias.tallies import key_of as tally_key
from model_monitor.monitors.bias.value_types import ABOVE, EQUAL, key_of, least, text_of
from model_monitor.monitors.values import in_order

MAX_VALUES = 100  # of a facet without given values
TOO_MANY_GROUPS = f"the group variable has too many values: more than {BOUND:,} kinds of rows"


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
        """The subject of its constraints and measures: ``Sex = 0``, or ``Age > 40`` whatever the largest number is. An
        entry read back from ``analysis.json`` has the same."""
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


@dataclass(frozen=True)
class Groups:
    """Rows by group: their cells, and the place of each group; or why groups can't be told apart."""

    cells: list[tuple[list[Key], int]]
    places: dict[str, int]
    problem: Undefined | None = None

    @classmethod
    def of(cls, counts: Counts) -> Groups:
        if counts.rest:
            return cls([], {}, Undefined(TOO_MANY_GROUPS))
        cells = list(table_of(counts))
        return cls(cells, {name: i for i, name in enumerate(in_order({str(cell[0]) for cell, _ in cells}))})


@dataclass(frozen=True)
class Reading:
    """How the counts of a State are read: the bit of a positive code, the rows of the flip test, and why all metrics,
    or those of predictions, are undefined."""

    conventions: Conventions
    bit: int
    sampled: list[Row]
    problem: Undefined | None
    of_predictions: Undefined | None

    @classmethod
    def of(cls, conventions: Conventions, state: Tallies) -> Reading:
        scale = conventions.on_a_scale(state.label, conventions.options.label_values_or_threshold)
        problem = scale if isinstance(scale, Undefined) else None
        if not state.judged:
            problem = why_none_is_usable(state.rows, state.labelled, state.unusable)
        of_predictions = conventions.why_no_predictions(state.prediction, scale)
        return cls(conventions, ABOVE if scale is True else EQUAL, rows_of(state.sample), problem, of_predictions)

    def positive(self, code: int) -> bool:
        """Whether the code of a label or a prediction means positive."""
        return bool(code & self.bit)

    def measures(
        self, facet: int, cells: list[tuple[list[Key], int]], groups: Groups, is_d: Callable[[Key], bool]
    ) -> tuple[dict[str, Measure], dict[str, Measure], Sides]:
        """The metrics of both stages, in order, and the sides; ``facet`` is its place among the options' facets."""
        counts: np.ndarray = np.zeros(8, np.int64)
        for (key, label, prediction), n in cells:
            counts[self.place(is_d(key), int(label), int(prediction))] += n
        sides = Sides.of(counts)
        if self.problem:
            of_predictions = self.conventions.options.of_predictions
            return dict.fromkeys(PRE, self.problem), dict.fromkeys(of_predictions, self.problem), sides
        metrics = self.conventions.of_counts(counts) | self.of_groups(groups, sides, is_d)
        metrics["FT"] = self.flip_test(facet, is_d)
        why = self.of_predictions or self.conventions.why_none_accepted(sides)
        post: dict[str, Measure] = {name: why or metrics[name] for name in self.conventions.options.of_predictions}
        return {name: metrics[name] for name in PRE}, post, sides

    def place(self, is_d: bool, label: int, prediction: int) -> int:
        """Which of the eight counts of ``Sides.of`` a row belongs to."""
        if self.positive(prediction):  # true or false positive
            return 4 * is_d + (not self.positive(label))
        return 4 * is_d + (2 if self.positive(label) else 3)

    def of_groups(self, groups: Groups, sides: Sides, is_d: Callable[[Key], bool]) -> dict[str, Measure]:
        """CDDL and CDDPL."""
        if self.conventions.options.group_variable is None or groups.problem:
            return dict.fromkeys(GROUPED, groups.problem or Undefined(NO_GROUP))
        if not groups.cells:
            return dict.fromkeys(GROUPED, Undefined("no row has a value of the group variable"))
        counts = np.zeros((len(groups.places), 8), np.int64)
        for (group, key, label, prediction), n in groups.cells:
            counts[groups.places[str(group)], self.place(is_d(key), int(label), int(prediction))] += n
        return self.conventions.of_groups(counts, sides)

    def flip_test(self, facet: int, is_d: Callable[[Key], bool]) -> Measure:
        size = self.conventions.options.sample_rows
        if not size:
            return Undefined("sample_rows is 0: there is no flip test")
        flips = flips_of(self.sampled, facet, is_d, self.positive, size)
        if isinstance(flips, Undefined):
            return self.conventions.why_no_flips(flips)
        return self.conventions.flip_test(flips)


def entries_of(conventions: Conventions, state: Tallies) -> list[Entry]:
    """See ``Bias.entries``. A subject that two facets name has one entry, the first's."""
    reading = Reading.of(conventions, state)
    entries = []
    for i, facet in enumerate(conventions.options.facets):
        tally = state.facets.items[tally_key(i, facet)]
        d_sides = choices(conventions, facet, tally)
        if isinstance(d_sides, Undefined):
            value = ",".join(map(str, facet.criterion))
            pre: dict[str, Measure] = dict.fromkeys(PRE, d_sides)
            post: dict[str, Measure] = dict.fromkeys(conventions.options.of_predictions, d_sides)
            entries.append(Entry(facet.title, value, pre, post))
            continue
        cells, groups = list(table_of(tally.cells)), Groups.of(tally.groups)
        for choice in d_sides:
            pre, post, sides = reading.measures(i, cells, groups, choice.is_d)
            entries.append(Entry(facet.title, choice.value, pre, post, int(sides.a.n), int(sides.d.n), choice.key))
    return list({entry.subject: entry for entry in reversed(entries)}.values())[::-1]


def choices(conventions: Conventions, facet: Facet, tally: Tally) -> list[Choice] | Undefined:
    """The sensitive sides of a facet, by value; or why there are none."""
    if tally.cells.rest:
        return Undefined(f"facet {facet.title} has too many values: more than {BOUND:,} kinds of rows")
    criterion, typed = facet.criterion, tally.typed
    scale: bool | Undefined = bool(facet.thresholds)
    if not facet.thresholds and not facet.values and len(facet.names) == 1:
        scale = conventions.on_a_scale(typed, criterion)
    if isinstance(scale, Undefined):
        return scale
    if criterion:
        text = text_of(criterion, scale, typed)
        bit = ABOVE if scale else EQUAL
        key = f"> {least(criterion)}" if scale else key_of(text)
        return [Choice(lambda code: bool(int(code) & bit), text, key)]
    values = in_order({key for (key, *_), _ in table_of(tally.cells) if isinstance(key, str)})
    if len(values) > MAX_VALUES:
        return Undefined(
            f"facet {facet.title} has {len(values):,} different values, more than {MAX_VALUES}: give values or "
            "thresholds, or group its values before they are captured"
        )
    shown = {"0": "False", "1": "True"} if typed.n and typed.booleans == typed.n else {}
    return [Choice(partial(eq, value), shown.get(value, value), f"= {value}") for value in values]
