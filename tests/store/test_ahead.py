"""Work ahead of its consumer ends without waiting, wherever its generator ends."""

from __future__ import annotations

import threading
from itertools import islice

import pytest

from model_monitor.store.ahead import ahead

LONG = 30  # seconds


def test_results_come_in_the_order_of_the_items() -> None:
    assert list(ahead(lambda n: n * n, range(50), 3)) == [n * n for n in range(50)]


def test_what_work_raises_comes_in_its_place() -> None:
    results = ahead(lambda n: 1 // (3 - n), range(9), 2)
    assert list(islice(results, 3)) == [0, 0, 1]
    with pytest.raises(ZeroDivisionError):
        next(results)


def test_whoever_takes_no_more_does_not_wait_for_work_that_goes_on() -> None:
    """As the garbage collector does it, in a thread that may be the one that the work waits for."""
    goes_on = threading.Event()
    results = ahead(lambda n: n == 0 or goes_on.wait(LONG), range(9), 2)
    assert next(results) is True
    leaving = threading.Thread(target=results.close)
    leaving.start()
    leaving.join(LONG / 2)
    waited = leaving.is_alive()
    goes_on.set()
    assert not waited
