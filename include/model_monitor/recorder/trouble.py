"""How is told what goes wrong in the background? In the log, but not for each of a million requests."""

from __future__ import annotations

import logging
import time

log = logging.getLogger("model_monitor.recorder")

TOLD_EVERY = 60.0  # seconds between two warnings of one part of the recorder


class Trouble:
    """Warns of the first, and of what there still is a minute later."""

    def __init__(self) -> None:
        self.told = -TOLD_EVERY

    def __call__(self, message: str, *values: object, trace: bool = False) -> None:
        if time.monotonic() - self.told >= TOLD_EVERY:
            self.told = time.monotonic()
            log.warning(message, *values, exc_info=trace)
