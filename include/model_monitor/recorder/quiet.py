"""What if capturing fails? It is logged, and whoever was to be captured goes on."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import ParamSpec, TypeVar

logger = logging.getLogger(__name__)

P = ParamSpec("P")
T = TypeVar("T")


class Quiet:
    """Calls that can't fail, for what stands in a request's way. Only the first failure is logged as an error, as a
    server may meet thousands of the same in a second; all are logged at level DEBUG."""

    def __init__(self) -> None:
        self.has_failed = False

    def __call__(self, call: Callable[P, T], *given: P.args, **named: P.kwargs) -> T | None:
        """What a call returns; None if it raises."""
        try:
            return call(*given, **named)
        except Exception:  # noqa: BLE001 - whatever it is
            self.tell()
            return None

    def tell(self) -> None:
        """Log the failure that is being handled."""
        if self.has_failed:
            logger.debug("A request was not captured", exc_info=True)
        else:
            self.has_failed = True
            logger.exception("A request was not captured; more of this is logged at level DEBUG")
