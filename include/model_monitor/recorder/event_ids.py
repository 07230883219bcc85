"""Make event ids: UUIDs that cost next to nothing."""

from __future__ import annotations

import itertools
import os
import random
import time
from collections.abc import Iterator
from uuid import uuid4

PREFIX_SECONDS = 1.0  # how long one prefix is used, so that two copies of a process (from a snapshot) soon differ
DIGITS = 10**11  # the least number of twelve decimal digits


class EventIds:
    """UUIDs (version 4) with a random prefix and twelve digits that count up: unique, but guessable.

    ``uuid.uuid4`` makes a system call for each id, which costs a served request many times as much.
    """

    def __init__(self) -> None:
        self.forked()

    def forked(self) -> None:
        """Start over: a forked process must not continue its parent's numbers."""
        self.expires = 0.0  # monotonic
        self.current: tuple[str, Iterator[int]] = ("", itertools.count())  # one attribute: threads replace it at once

    def __call__(self) -> str:
        if time.monotonic() >= self.expires:
            self.current = (str(uuid4())[:24], itertools.count(random.SystemRandom().randrange(DIGITS, 5 * DIGITS)))
            self.expires = time.monotonic() + PREFIX_SECONDS
        prefix, numbers = self.current
        return prefix + str(next(numbers))


new_event_id = EventIds()
os.register_at_fork(after_in_child=new_event_id.forked)
