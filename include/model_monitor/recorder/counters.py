"""Count requests and what became of them, from any thread or signal handler."""

from __future__ import annotations

import threading

DROP_REASONS = ("queue", "spool", "disk", "closed")
NAMES = ("recorded", "sampled_out", "sent", "adopted", "bytes", "failures", *(f"dropped_{why}" for why in DROP_REASONS))


class Counters:
    """Numbers that only grow, all from 0; instruments.py says what each of them counts."""

    def __init__(self) -> None:
        self.lock = threading.RLock()  # reentrant: a signal handler may record while another request is counted
        self.numbers = dict.fromkeys(NAMES, 0)

    def add(self, **increments: int) -> None:
        with self.lock:
            for name, increment in increments.items():
                self.numbers[name] += increment

    def read(self) -> dict[str, int]:
        with self.lock:
            return dict(self.numbers)
