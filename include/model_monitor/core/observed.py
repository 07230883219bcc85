"""How many rows were observed, beside a monitor's State of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from model_monitor.core.monitor import Observer
from model_monitor.core.states import Record

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True)
class Observed(Record):
    """How many rows were observed, and the monitor's State of them."""

    rows: int
    state: Any


@dataclass(frozen=True)
class Counting:
    """A monitor that also counts its rows."""

    monitor: Observer[Any]

    @property
    def empty(self) -> Observed:
        return Observed(0, self.monitor.empty)

    def observe(self, batch: pa.RecordBatch) -> Observed:
        return Observed(batch.num_rows, self.monitor.observe(batch))
