"""A monitor with rules beside it: one State of both, and the findings of both."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Self

from model_monitor.core.constraints import Constraint
from model_monitor.core.measures import Measures
from model_monitor.core.monitor import Monitor, Traits
from model_monitor.core.states import Record

if TYPE_CHECKING:
    import pyarrow as pa

    from model_monitor.core.window import Window


@dataclass(frozen=True)
class Both(Record):
    """The State of a monitor, and that of the rules beside it."""

    own: Any
    rules: Any


@dataclass(frozen=True)
class Joined(Monitor[Both]):
    """``own`` learns and judges as ever; ``rules`` need no baseline."""

    own: Monitor[Any]
    rules: Monitor[Any]

    @property
    def traits(self) -> Traits:  # type: ignore[override]  # read from the monitor inside, never set
        return self.own.traits

    @property
    def empty(self) -> Both:
        return Both(self.own.empty, self.rules.empty)

    def observe(self, batch: pa.RecordBatch) -> Both:
        return Both(self.own.observe(batch), self.rules.observe(batch))

    def measure(self, state: Both) -> Measures:
        return {**self.own.measure(state.own), **self.rules.measure(state.rules)}

    def suggest(self, baseline: Both) -> Iterator[Constraint]:
        return self.own.suggest(baseline.own)

    def required(self, state: Both) -> Iterator[Constraint]:
        yield from self.own.required(state.own)
        yield from self.rules.required(state.rules)

    def unusable(self, state: Both) -> dict[str, int]:
        return self.own.unusable(state.own)

    def watch(self, window: Window | None, records: int, set_aside: int) -> Both:
        return replace(self.empty, own=self.own.watch(window, records, set_aside))

    def kept(self, state: Both) -> Both:
        return Both(self.own.kept(state.own), self.rules.kept(state.rules))

    def with_budget(self, share: float) -> Self:
        return replace(self, own=self.own.with_budget(share))
