"""Under which id is a request captured that has none of its own? A UUID that costs next to nothing."""

from __future__ import annotations

import itertools
import os
import random
import time
from collections.abc import Iterator
from uuid import uuid4

SECONDS = 1.0  # with the same beginning, so that the copy of a process soon has another: one restored from a snapshot
DIGITS = 10**11  # the least number of twelve decimal digits


class EventIds:
    """Random UUIDs (version 4) whose last twelve digits count: unique, and no secret.

    ``uuid.uuid4`` asks the operating system for each, which a served request pays many times as much for.
    """

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """Begin anew: in a process that was forked."""
        self.until = 0.0  # monotonic
        self.now: tuple[str, Iterator[int]] = ("", itertools.count())  # one thing, as threads share it

    def __call__(self) -> str:
        if time.monotonic() >= self.until:
            self.now = (str(uuid4())[:24], itertools.count(random.SystemRandom().randrange(DIGITS, 5 * DIGITS)))
            self.until = time.monotonic() + SECONDS
        beginning, numbers = self.now
        return beginning + str(next(numbers))


new_event_id = EventIds()
os.register_at_fork(after_in_child=new_event_id.forget)
