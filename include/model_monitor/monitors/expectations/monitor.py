"""The monitor of rules: chunks of rows are tallied, and what needs a whole column is held up to a stated size."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar

from model_monitor.core import batch as batches
from model_monitor.core.constraints import Constraint
from model_monitor.core.measures import Measure, Measures, Subject, Undefined
from model_monitor.core.monitor import Monitor
from model_monitor.monitors.expectations.rowwise import condition_of, tallies
from model_monitor.monitors.expectations.rules import Rule, measure_names
from model_monitor.monitors.expectations.state import Asked, Checked, Held, Names, Tally
from model_monitor.monitors.expectations.suite import Suite
from model_monitor.monitors.expectations.values import readings_of
from model_monitor.monitors.expectations.whole import Outcome, outcome_of, outcomes
from model_monitor.monitors.traits import BUILT_IN

if TYPE_CHECKING:
    import pyarrow as pa

CHECK = "expectation_check"
MEGABYTE = 1 << 20


@dataclass(frozen=True)
class Expectations(Monitor[Checked]):
    """Rules that hold of any window, whatever is usual.

    rules: expectations of Great Expectations.
    whole_window_mb: what needs a whole column is judged on at most so many megabytes of the columns it needs.
    private: columns of which no value is kept as an example; "*" for all.
    """

    rules: tuple[Rule, ...] = ()
    whole_window_mb: float = 64
    private: tuple[str, ...] = ()

    traits: ClassVar = BUILT_IN["expectations"]

    def __post_init__(self) -> None:
        if not self.whole_window_mb > 0:
            raise ValueError(f"whole_window_mb is above 0, not {self.whole_window_mb}")

    @cached_property
    def suite(self) -> Suite:
        """The rules as GX's objects. Raises ConfigError for a rule that GX does not accept."""
        return Suite(self.rules)

    @cached_property
    def keys(self) -> list[tuple[Subject, str]]:
        """The subject and the name of each rule's measure."""
        names = measure_names(self.rules)
        return [(rule.subject, name) for rule, name in zip(self.rules, names, strict=True)]

    @property
    def by_rows(self) -> list[int]:
        """The places of the rules that chunks of rows can tell."""
        return [place for place, rule in enumerate(self.rules) if rule.how == "rows"]

    @property
    def by_columns(self) -> list[int]:
        return [place for place, rule in enumerate(self.rules) if rule.how != "rows"]

    @property
    def limit(self) -> int:
        return int(self.whole_window_mb * MEGABYTE)

    @property
    def empty(self) -> Checked:
        return Checked(self.asked, tallies=(Tally(),) * len(self.rules), held=Held(self.limit))

    @cached_property
    def asked(self) -> Asked:
        """All that a State depends on: not on what is compared with a share of rows, nor on words."""
        asked = [[rule.type, {key: v for key, v in rule.kwargs.items() if key != "mostly"}] for rule in self.rules]
        text = json.dumps([asked, self.private], sort_keys=True, default=str)
        return Asked(hashlib.sha256(text.encode()).hexdigest()[:16])

    def observe(self, batch: pa.RecordBatch) -> Checked:
        import pyarrow as pa

        batch = batches.without_repeats(batch)
        names = batches.columns(batch)
        if not batch.num_rows or not self.rules:
            return replace(self.empty, rows=batch.num_rows, names=Names(tuple(names)))
        columns = {name: batch.column(name) for name in names}
        found = tallies(self.suite, self.by_rows, columns, batch.num_rows, frozenset(self.private))
        told = tuple(found.get(place, Tally()) for place in range(len(self.rules)))
        held = Held.of(batch, self.needed(names), self.limit)
        pa.default_memory_pool().release_unused()  # it keeps some for each thread
        return Checked(self.asked, batch.num_rows, Names(tuple(names)), told, held)

    def needed(self, names: list[str]) -> set[str]:
        """The columns that are held."""
        return {column for place in self.by_columns for column in self.needed_by(place, names)}

    def needed_by(self, place: int, names: list[str]) -> set[str]:
        """The columns that a rule must see whole; none if it is about the number of rows or the columns' names."""
        rule, condition = self.rules[place], condition_of(self.suite.expectations[place])
        if rule.how == "names":
            return set()
        return set(names) if rule.how == "sql" else set(readings_of(rule, condition, names))

    def measure(self, state: Checked) -> Measures:
        """By subject and rule: the share of rows that keep it, or the number that it is about."""
        measures: dict[tuple[Subject, str], Measure] = {}
        for key, outcome in zip(self.keys, self.outcomes(state), strict=True):
            measures[key] = outcome.measure
        return measures

    def suggest(self, baseline: Checked) -> Iterator[Constraint]:
        """Nothing: rules are set by people."""
        return iter(())

    def required(self, state: Checked) -> Iterator[Constraint]:
        for rule, (subject, name) in zip(self.rules, self.keys, strict=True):
            yield Constraint(CHECK, subject, name, rule.bound())

    def outcomes(self, state: Checked) -> list[Outcome]:
        """What came of each rule; GX is asked once about the columns that a State holds."""
        whole = self.of_columns(state) if self.by_columns else {}
        rules = enumerate(self.rules)
        return [whole[i] if i in whole else outcome_of(rule, state.tallies[i]) for i, rule in rules]

    def of_columns(self, state: Checked) -> dict[int, Outcome]:
        memory: dict[Suite, dict[int, Outcome]] = state.held.memory
        if self.suite not in memory:
            memory[self.suite] = self.judged_on(state)
        return memory[self.suite]

    def judged_on(self, state: Checked) -> dict[int, Outcome]:
        places, hidden = self.by_columns, frozenset(self.private)
        if state.held.is_whole:
            return outcomes(self.suite, places, state, hidden)
        size = f"{state.held.size / MEGABYTE:.1f} MB, more than the {self.whole_window_mb:g} MB of whole_window_mb"
        refused = Outcome(Undefined(f"it needs whole columns, which take {size}"))
        without = [place for place in places if not self.needed_by(place, list(state.names.names))]
        return dict.fromkeys(places, refused) | outcomes(self.suite, without, state, hidden)
