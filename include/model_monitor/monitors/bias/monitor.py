"""Are the answers as good for one group as for the rest?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

from model_monitor.core.constraints import (
    EVERYTHING,
    Constraint,
    Estimate,
    Measure,
    Measures,
    Share,
    Subject,
    Unlearned,
)
from model_monitor.core.states import Keyed, Sample
from model_monitor.monitors.bias import tallies as bias_tallies
from model_monitor.monitors.bias import value_types as bias_typing
from model_monitor.monitors.bias.bounds import bound_of, number_in
from model_monitor.monitors.bias.entries import Entry, entries_of
from model_monitor.monitors.bias.facets import Facet, Name
from model_monitor.monitors.bias.metrics import GROUPED
from model_monitor.monitors.bias.options import problems
from model_monitor.monitors.bias.tallies import Tallies, Tally

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["BIAS_DRIFT", "COVERAGE", "Bias", "Entry", "Facet", "Tallies"]

BIAS_DRIFT = "bias_drift_check"  # ``check`` of every constraint
COVERAGE = "coverage"  # a measure beside the metrics


@dataclass(frozen=True)
class Bias:
    """Metrics of bias of labels (pre-training) and of predictions (post-training), against those of a baseline.

    facets: whom to compare with the rest.
    ground_truth_attribute: the column of the truth, or its index.
    inference_attribute: the column of the predicted label, or its index.
    probability_attribute: without it, the column of the score (0..1) of the positive label, or its index.
    probability_threshold_attribute: a score above it (0..1) predicts the positive label.
    label_values_or_threshold: which labels are positive: these values, or (a single number) all above it, told as
        ``bias_typing.on_a_scale`` says.
    group_variable: the column, or its index, within whose values CDDL and CDDPL compare; None: they are undefined.
    features: numeric columns by which the flip test finds neighbours; () is every judged column but the label, the
        predictions and the facet's own.
    compatibility: "calibrated" weighs chance; a window as fair as the baseline raises any violation with at most the
        probability ``false_alarm_budget``. "sagemaker" reproduces the original's numbers and decisions.
    judge: the metrics that are judged, by the original's keys; () for all 21.
    level: of the interval around a metric (0..1); the interval by which it is judged is wider where the budget over
        all metrics asks for it.
    resamples, seed: how often counts are drawn again to tell a metric's error, and by which chance (calibrated only).
    minimum_per_side: rows of each side below which nothing is judged (calibrated only).
    sample_rows: different rows that the flip test looks at, at most.
    """

    facets: tuple[Facet, ...]
    ground_truth_attribute: Name = "label"
    inference_attribute: Name | None = None
    probability_attribute: Name | None = None
    probability_threshold_attribute: float = 0.5
    label_values_or_threshold: tuple[str | int | float, ...] = ("1",)
    group_variable: Name | None = None
    features: tuple[str, ...] = ()
    compatibility: Literal["calibrated", "sagemaker"] = "calibrated"
    judge: tuple[str, ...] = ()
    level: float = 0.95
    resamples: int = 1000
    seed: int = 0
    minimum_per_side: int = 50
    sample_rows: int = 2000
    false_alarm_budget: float = 0.01

    needs_no_labels: ClassVar = frozenset({COVERAGE})  # measures that are judged while labels are pending
    of_newcomers: ClassVar = BIAS_DRIFT  # the check that a group is undefined in which the baseline does not know

    def __post_init__(self) -> None:
        if problem := next(problems(self), None):
            raise ValueError(problem)

    @property
    def calibrated(self) -> bool:
        return self.compatibility == "calibrated"

    @property
    def empty(self) -> Tallies:
        none = {bias_tallies.key_of(i, facet): Tally() for i, facet in enumerate(self.facets)}
        return Tallies(facets=Keyed(Tally(), none), sample=Sample(self.sample_rows))

    def observe(self, batch: pa.RecordBatch) -> Tallies:
        return bias_tallies.observe(self, batch)

    def measure(self, state: Tallies) -> Measures:
        """Of each entry's subject, each of its metrics: calibrated an Estimate, or Undefined below
        ``minimum_per_side`` rows; sagemaker a float. Of everything ``coverage``, the Share of rows with a label."""
        measures: dict[tuple[Subject, str], Measure] = {(EVERYTHING, COVERAGE): Share(state.labelled, state.rows)}
        for entry in self.entries(state):
            for name, measure in entry.metrics.items():
                measures[entry.subject, name] = self.judged(entry, measure)
        return measures

    def judged(self, entry: Entry, measure: Measure) -> Measure:
        """A measure of an entry, as far as there are rows enough to judge it."""
        too_few = entry.side_below(self.minimum_per_side) if self.calibrated else None
        return too_few if too_few and isinstance(measure, Estimate) else measure

    def suggest(self, baseline: Tallies) -> Iterator[Constraint]:
        return self.constraints(self.entries(baseline))

    def entries(self, state: Tallies) -> list[Entry]:
        """In the order of ``facets``, those of one facet by value.

        A facet whose sides are given has its entry in any case; one without has an entry for each value that occurs,
        or a single one that is undefined where there are too many.
        """
        return entries_of(self, state)

    def constraints(self, baseline: Iterable[Entry]) -> Iterator[Constraint]:
        """What a baseline's entries, maybe read back from ``analysis.json``, ask of each metric that has a number.

        sagemaker: no metric may be further from 0 than the baseline's, in either direction. calibrated: a metric's
        interval must reach the range that the baseline allows with its own uncertainty: as far from parity (0, for DI 1
        on the scale of logarithms) as the far end of the baseline's interval, in either direction. An error of None,
        as the original's file says none, makes it as far as the baseline's value. A metric that the baseline lacks, or
        has of fewer than ``minimum_per_side`` rows, is undefined then, so that somebody hears of it; the original
        passes over it. A baseline without a single such number asks nothing.
        """
        metrics = (
            (entry, name, self.judged(entry, m)) for entry in baseline for name, m in sorted(entry.metrics.items())
        )
        found = [one for one in metrics if not self.judge or one[1] in self.judge]
        numbers = sum(number_in(measure) is not None for _, _, measure in found)
        level = min(1 - self.level, self.false_alarm_budget / max(1, numbers)) if self.calibrated else None
        if not numbers:
            return
        for entry, name, measure in found:
            bound = bound_of(name, measure, level)
            if bound and not (isinstance(bound, Unlearned) and self.is_switched_off(name)):
                yield Constraint(BIAS_DRIFT, entry.subject, name, bound)

    def is_switched_off(self, name: str) -> bool:
        """Whether the options ask for no such metric."""
        return (name in GROUPED and self.group_variable is None) or (name == "FT" and not self.sample_rows)

    def label_text(self, state: Tallies) -> str:
        """The original's ``label_value_or_threshold``: ``1``, ``1,2`` or ``(0.5, 0.99]``."""
        given = self.label_values_or_threshold
        scale = bias_typing.on_a_scale(state.label, given, self.calibrated)
        return bias_typing.text_of(given, scale is True, state.label)

    def unusable(self, state: Tallies) -> dict[str, int]:
        """How many labelled rows were set aside, by reason; those without a facet's value only for that facet."""
        return dict(sorted(state.unusable.values.items()))
