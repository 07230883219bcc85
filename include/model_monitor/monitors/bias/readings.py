"""Which metrics do the counts of two sides give, and how sure are they?"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from model_monitor.core.constraints import Estimate, Measure, Undefined
from model_monitor.core.states import Counts
from model_monitor.core.states.counts import BOUND
from model_monitor.monitors.bias import flips as bias_flip_test
from model_monitor.monitors.bias import intervals as bias_intervals
from model_monitor.monitors.bias import metrics as bias_metrics
from model_monitor.monitors.bias import tallies as bias_tallies
from model_monitor.monitors.bias import value_types as bias_typing
from model_monitor.monitors.bias.facets import Key
from model_monitor.monitors.bias.flips import Row
from model_monitor.monitors.bias.metrics import GROUPED, POST, PRE, Sides
from model_monitor.monitors.bias.reasons import NO_GROUP, NO_POSITIVE_PREDICTION, NOT_NUMERIC, OTHER_TYPE, why_none
from model_monitor.monitors.bias.value_types import ABOVE, EQUAL
from model_monitor.monitors.values import in_order

if TYPE_CHECKING:
    from model_monitor.monitors.bias import Bias
    from model_monitor.monitors.bias.tallies import Tallies

Cells = Iterable[tuple[list[Key], int]]
Stages = tuple[dict[str, Measure], dict[str, Measure]]  # before and after training

TOO_MANY_GROUPS = f"the group variable has too many values: more than {BOUND:,} kinds of rows"


def nothing(why: Undefined) -> Stages:
    """All metrics of both stages, for one reason undefined."""
    return dict.fromkeys(PRE, why), dict.fromkeys(POST, why)


@dataclass(frozen=True)
class Groups:
    """Rows by group: their cells, and the place of each group; or why they can't be told apart."""

    cells: list[tuple[list[Key], int]]
    places: dict[str, int]
    problem: Undefined | None = None

    @classmethod
    def of(cls, counts: Counts) -> Groups:
        if counts.rest:
            return cls([], {}, Undefined(TOO_MANY_GROUPS))
        cells = list(bias_tallies.table_of(counts))
        return cls(cells, {name: i for i, name in enumerate(in_order({str(cell[0]) for cell, _ in cells}))})


@dataclass(frozen=True)
class Reading:
    """How a State's counts are read: which codes are positive, and why nothing can be said, of the whole or of the
    predictions."""

    monitor: Bias
    bit: int
    sampled: list[Row]
    problem: Undefined | None = None
    of_predictions: Undefined | None = None

    @classmethod
    def of(cls, monitor: Bias, state: Tallies) -> Reading:
        given, calibrated = monitor.label_values_or_threshold, monitor.calibrated
        scale = bias_typing.on_a_scale(state.label, given, calibrated)
        problem = why_nothing(state) or (scale if isinstance(scale, Undefined) else None)
        mismatch = None
        if not calibrated and state.prediction.n:
            of_prediction = bias_typing.on_a_scale(state.prediction, given, calibrated)
            mismatch = Undefined(OTHER_TYPE) if of_prediction != scale else None
        sampled = bias_flip_test.rows_of(state.sample)
        return cls(monitor, ABOVE if scale is True else EQUAL, sampled, problem, mismatch)

    @property
    def original(self) -> bool:
        return not self.monitor.calibrated

    def positive(self, code: int) -> bool:
        """Whether the code of a label or a prediction says that it is positive."""
        return bool(code & self.bit)

    def measures(
        self, facet: int, cells: Cells, groups: Groups, is_d: Callable[[Key], bool]
    ) -> tuple[dict[str, Measure], dict[str, Measure], Sides]:
        """All metrics of both stages, in order, and the sides; ``facet`` is its place among the monitor's."""
        counts = np.zeros(8, np.int64)
        for (key, label, prediction), n in cells:
            counts[self.place(is_d(key), int(label), int(prediction))] += n
        sides = Sides.of(counts)
        if self.problem:
            return *nothing(self.problem), sides
        found = self.of_counts(counts, sides) | self.of_groups(groups, sides, is_d)
        found["FT"] = self.flip_test(facet, is_d)
        pre, post = {name: found[name] for name in PRE}, {name: found[name] for name in POST}
        if self.of_predictions:
            post = dict.fromkeys(POST, self.of_predictions)
        elif self.original and not (sides.a.accepted + sides.d.accepted):
            # The original makes no report at all of predictions of which none is positive.
            post = dict.fromkeys(POST, Undefined(NO_POSITIVE_PREDICTION))
        return pre, post, sides

    def place(self, is_d: bool, label: int, prediction: int) -> int:
        """Which of the eight counts of ``Sides.of`` a row belongs to."""
        if self.positive(prediction):  # true or false positive
            return 4 * is_d + (not self.positive(label))
        return 4 * is_d + (2 if self.positive(label) else 3)

    def of_counts(self, counts: np.ndarray, sides: Sides) -> dict[str, Measure]:
        """The metrics that need neither groups nor neighbours."""
        values = bias_metrics.before_training(sides, self.original) | bias_metrics.after_training(sides, self.original)
        errors: dict[str, float | None] = {}
        if not self.original:
            errors = bias_intervals.errors_of(counts, self.monitor.resamples, self.monitor.seed, self.monitor.level)
        return {name: self.measure(name, float(value), errors, sides) for name, value in values.items()}

    def of_groups(self, groups: Groups, sides: Sides, is_d: Callable[[Key], bool]) -> dict[str, Measure]:
        """CDDL and CDDPL."""
        if self.monitor.group_variable is None or groups.problem:
            return dict.fromkeys(GROUPED, groups.problem or Undefined(NO_GROUP))
        if not groups.cells:
            return dict.fromkeys(GROUPED, Undefined("no row has a value of the group variable"))
        counts = np.zeros((len(groups.places), 8), np.int64)
        for (group, key, label, prediction), n in groups.cells:
            counts[groups.places[str(group)], self.place(is_d(key), int(label), int(prediction))] += n
        values = {
            name: bias_metrics.conditional_disparity(bias_intervals.by_group(counts, name == "CDDL"), self.original)
            for name in GROUPED
        }
        errors: dict[str, float | None] = {}
        if not self.original:
            m = self.monitor
            errors = bias_intervals.group_errors_of(counts, m.resamples, m.seed, m.level)
        return {name: self.measure(name, float(value), errors, sides) for name, value in values.items()}

    def measure(self, name: str, value: float, errors: dict[str, float | None], sides: Sides) -> Measure:
        if np.isnan(value) or (np.isinf(value) and not self.original):
            return Undefined(why_none(name, sides, self.original))
        return value if self.original else Estimate(value, errors[name], int(sides.a.n + sides.d.n))

    def flip_test(self, facet: int, is_d: Callable[[Key], bool]) -> Measure:
        m = self.monitor
        if not m.sample_rows:
            return Undefined("sample_rows is 0: there is no flip test")
        flips = bias_flip_test.flips_of(self.sampled, facet, is_d, self.positive, m.sample_rows)
        if isinstance(flips, Undefined):
            plain = self.original and flips.reason.startswith(NOT_NUMERIC)
            return Undefined(NOT_NUMERIC) if plain else flips
        if self.original:
            return flips.value
        few = min(len(flips.a), len(flips.d)) < m.minimum_per_side
        return Estimate(flips.value, None if few else flips.error(m.resamples, m.seed), len(flips.d))


def why_nothing(state: Tallies) -> Undefined | None:
    """Why there is nothing to measure, if that is so."""
    if not state.rows:
        return Undefined("there is no row")
    if not state.labelled:
        return Undefined("no row has a label yet")
    if not state.judged:
        reasons = ", ".join(f"{reason}: {n}" for reason, n in sorted(state.unusable.values.items()))
        return Undefined(f"no labelled row can be used ({reasons})")
    return None
