"""Batches are observed on all cores, and added in their order."""

from __future__ import annotations

import threading
from dataclasses import dataclass

import pytest

from model_monitor.engines.local import LOCAL
from model_monitor.store.ahead import CORES


@dataclass(frozen=True)
class Meeting:
    """A monitor each of whose observations waits for another at the same time."""

    barrier: threading.Barrier

    @property
    def empty(self) -> tuple[int, ...]:
        return ()

    def observe(self, batch: int) -> tuple[int, ...]:
        self.barrier.wait()
        return (batch,)


@pytest.mark.skipif(CORES < 2, reason="needs two cores")
def test_batches_of_one_piece_are_observed_at_the_same_time_and_added_in_order() -> None:
    assert LOCAL.fold(Meeting(threading.Barrier(2, timeout=20)), [10, 20], lambda n: range(n, n + 4)) == (
        *range(10, 14),
        *range(20, 24),
    )
