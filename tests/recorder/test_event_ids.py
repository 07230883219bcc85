"""Are event ids UUIDs of version 4, and unique across threads, forks and copies of a process?"""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from uuid import RFC_4122, UUID

import pytest

from model_monitor.recorder import process
from model_monitor.recorder.process import EventIds, new_event_id


def many(ids: EventIds, count: int) -> list[str]:
    return [ids() for _ in range(count)]


def test_they_are_uuids_of_version_4_as_text() -> None:
    for _ in range(3):
        for text in many(EventIds(), 100):
            one = UUID(text)
            assert (one.version, one.variant, str(one)) == (4, RFC_4122, text)


def test_none_is_given_twice_to_threads_that_ask_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "PREFIX_SECONDS", 0.0005)  # so that threads also meet at a new beginning
    ids = EventIds()
    with ThreadPoolExecutor(8) as threads:
        found = list(itertools.chain(*threads.map(lambda _: many(ids, 20_000), range(8))))
    assert len(set(found)) == len(found)
    assert len({one[:24] for one in found}) > 8


def test_a_child_has_others_than_its_parent_and_its_siblings() -> None:
    new_event_id()
    told = []
    for _ in range(3):
        reads, writes = os.pipe()
        child = os.fork()
        if not child:
            os.write(writes, " ".join(many(new_event_id, 50)).encode())
            os._exit(0)
        os.close(writes)
        with os.fdopen(reads, "rb") as stream:
            told += stream.read().decode().split()
        os.waitpid(child, 0)
    found = told + many(new_event_id, 50)
    assert len(set(found)) == len(found) == 200


def test_two_copies_of_a_process_go_on_with_others_after_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1000.0
    monkeypatch.setattr(process.time, "monotonic", lambda: now)
    one, copy = EventIds(), EventIds()
    one()
    beginning, numbers = one.current
    reached = next(numbers)
    one.current, copy.current, copy.expires = (beginning, counted(reached)), (beginning, counted(reached)), one.expires
    assert one() == copy()
    now += 1
    assert set(many(one, 1000)).isdisjoint(many(copy, 1000))


def counted(first: int) -> Iterator[int]:
    return itertools.count(first)
