"""Are the answers as good for one group as for everybody else?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar

from model_monitor.core.constraints import Constraint, Unlearned
from model_monitor.core.measures import EVERYTHING, Estimate, Measure, Measures, Share, Subject
from model_monitor.core.monitor import USABLE, Monitor
from model_monitor.monitors.answers import why_none_is_usable
from model_monitor.monitors.bias import tallies, value_types
from model_monitor.monitors.bias.conventions import CONVENTIONS, Conventions, number_in
from model_monitor.monitors.bias.entries import Entry, entries_of
from model_monitor.monitors.bias.metrics import GROUPED, PRE
from model_monitor.monitors.bias.options import Options
from model_monitor.monitors.bias.tallies import NO_VALUE, Tallies
from model_monitor.monitors.set_aside import NOTHING, Usable, constraints_of, measures_of, parts_of
from model_monitor.monitors.traits import BUILT_IN

if TYPE_CHECKING:
    import pyarrow as pa

BIAS_DRIFT = "bias_drift_check"  # ``check`` of every constraint
COVERAGE = "coverage"  # the one measure beside the metrics


def usable_of(facet: str) -> str:
    """The measure of how many rows have a value of a facet."""
    return f"{USABLE} of {facet}"


@dataclass(frozen=True)
class Bias(Options, Monitor[Tallies]):
    """Bias metrics of labels (pre-training) and of predictions (post-training), against those of a baseline."""

    traits: ClassVar = BUILT_IN["bias"]

    @cached_property
    def conventions(self) -> Conventions:
        return CONVENTIONS[self.compatibility](self)

    @property
    def empty(self) -> Tallies:
        return tallies.empty(self)

    def observe(self, batch: pa.RecordBatch) -> Tallies:
        return tallies.observe(self.conventions, batch)

    def measure(self, state: Tallies) -> Measures:
        """Each entry's metrics by its subject; of everything ``coverage``, the Share of rows with a label, and,
        calibrated, ``usable_rows``, of those the Share that was not set aside, and of these the Share with a value of
        each facet."""
        measures: dict[tuple[Subject, str], Measure] = {
            (EVERYTHING, COVERAGE): Share(state.labelled, state.rows),
            **measures_of(self.usable(state), why_none_is_usable(state.rows, state.labelled, state.unusable)),
        }
        for entry in self.entries(state):
            for name, measure in entry.metrics.items():
                measures[entry.subject, name] = self.judged(entry, measure)
        return measures

    def judged(self, entry: Entry, measure: Measure) -> Measure:
        """A measure of an entry; Undefined if a side has too few rows to judge it."""
        too_few = entry.side_below(self.conventions.minimum_per_side)
        return too_few if too_few and isinstance(measure, Estimate) else measure

    def suggest(self, baseline: Tallies) -> Iterator[Constraint]:
        return self.constraints(self.entries(baseline), self.usable(baseline))

    def usable(self, state: Tallies) -> dict[str, Share]:
        """How many of the rows with a label were not set aside, and of these have a value of each facet; {} where
        chance is not weighed."""
        if self.conventions.as_sagemaker:
            return {}
        without = state.unusable.values
        of_facets = {
            f.title: Share(state.judged - without.get(f"{NO_VALUE}{f.title}", 0), state.judged) for f in self.facets
        }
        return {USABLE: Share(state.judged, state.labelled)} | {usable_of(title): s for title, s in of_facets.items()}

    def entries(self, state: Tallies) -> list[Entry]:
        """In the order of ``facets``, those of one facet by value; a single undefined one if there are too many."""
        return entries_of(self.conventions, state)

    def constraints(self, baseline: Iterable[Entry], usable: Usable = NOTHING) -> Iterator[Constraint]:
        """The constraints that a baseline's entries imply, which may have been read back from ``analysis.json``, and
        those of how many of its rows were ``usable``, as far as that is known.

        calibrated: a metric that the baseline lacks, or has of fewer than ``minimum_per_side`` rows, is reported as
        undefined; SageMaker passes over it. A baseline without a single number implies no constraint.
        """
        metrics = [
            (entry, name, self.judged(entry, measure))
            for entry in baseline
            for name, measure in sorted(entry.metrics.items())
            if name in (self.judge or (*PRE, *self.of_predictions))
        ]
        numbers = sum(number_in(measure) is not None for _, _, measure in metrics)
        usable = NOTHING if self.conventions.as_sagemaker else usable
        checks = max(1.0, numbers + parts_of(usable))
        for entry, name, measure in metrics if numbers else ():
            bound = self.conventions.bound_of(name, measure, checks)
            if bound and not (isinstance(bound, Unlearned) and self.is_switched_off(name)):
                yield Constraint(BIAS_DRIFT, entry.subject, name, bound)
        yield from constraints_of(usable if numbers else NOTHING, self.false_alarm_budget / checks)

    def is_switched_off(self, name: str) -> bool:
        """Whether the options leave a metric out."""
        return (name in GROUPED and self.group_variable is None) or (name == "FT" and not self.sample_rows)

    def label_text(self, state: Tallies) -> str:
        """SageMaker's ``label_value_or_threshold``: ``1``, ``1,2`` or ``(0.5, 0.99]``."""
        criterion = self.label_values_or_threshold
        return value_types.text_of(criterion, self.conventions.on_a_scale(state.label, criterion) is True, state.label)

    def unusable(self, state: Tallies) -> dict[str, int]:
        """The number of labelled rows that were set aside, by reason; without a facet's value, for that facet only."""
        return dict(sorted(state.unusable.values.items()))
