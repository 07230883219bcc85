"""The measures of one side of a facet against all others, from the counts of a State."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np

from model_monitor.core.measures import Measure, Undefined
from model_monitor.core.states import Counts
from model_monitor.core.states.counts import BOUND
from model_monitor.monitors.bias.conventions import Conventions
from model_monitor.monitors.bias.facets import Key
from model_monitor.monitors.bias.flips import Row, flips_of, rows_of
from model_monitor.monitors.bias.metrics import GROUPED, POST, PRE, Sides
from model_monitor.monitors.bias.reasons import NO_GROUP
from model_monitor.monitors.bias.tallies import Tallies, table_of
from model_monitor.monitors.bias.value_types import ABOVE, EQUAL
from model_monitor.monitors.values import in_order

Cells = Iterable[tuple[list[Key], int]]
Stages = tuple[dict[str, Measure], dict[str, Measure]]  # before and after training

TOO_MANY_GROUPS = f"the group variable has too many values: more than {BOUND:,} kinds of rows"


def all_undefined(why: Undefined) -> Stages:
    """The metrics of both stages, all undefined for one reason."""
    return dict.fromkeys(PRE, why), dict.fromkeys(POST, why)


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
        problem = why_nothing(state) or (scale if isinstance(scale, Undefined) else None)
        of_predictions = conventions.why_no_predictions(state.prediction, scale)
        return cls(conventions, ABOVE if scale is True else EQUAL, rows_of(state.sample), problem, of_predictions)

    def positive(self, code: int) -> bool:
        """Whether the code of a label or a prediction means positive."""
        return bool(code & self.bit)

    def measures(
        self, facet: int, cells: Cells, groups: Groups, is_d: Callable[[Key], bool]
    ) -> tuple[dict[str, Measure], dict[str, Measure], Sides]:
        """The metrics of both stages, in order, and the sides; ``facet`` is its place among the options' facets."""
        counts = np.zeros(8, np.int64)
        for (key, label, prediction), n in cells:
            counts[self.place(is_d(key), int(label), int(prediction))] += n
        sides = Sides.of(counts)
        if self.problem:
            return *all_undefined(self.problem), sides
        found = self.conventions.of_counts(counts) | self.of_groups(groups, sides, is_d)
        found["FT"] = self.flip_test(facet, is_d)
        why = self.of_predictions or self.conventions.why_none_accepted(sides)
        post: dict[str, Measure] = {name: why or found[name] for name in POST}
        return {name: found[name] for name in PRE}, post, sides

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


def why_nothing(state: Tallies) -> Undefined | None:
    """Why there is nothing to measure; None if there is."""
    if not state.rows:
        return Undefined("there is no row")
    if not state.labelled:
        return Undefined("no row has a label yet")
    if not state.judged:
        reasons = ", ".join(f"{reason}: {n}" for reason, n in sorted(state.unusable.values.items()))
        return Undefined(f"no labelled row can be used ({reasons})")
    return None
