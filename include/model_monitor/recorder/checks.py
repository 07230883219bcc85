"""Refuse settings of a recorder that cannot be meant."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

from model_monitor.errors import ConfigError
from model_monitor.store import addresses

WHEN_FULL = ("drop_oldest", "drop_newest", "block")


def check(endpoint: str, variant: str, capture: Sequence[str], when_full: str, bounds: Sequence[float]) -> None:
    """Raise ConfigError for an invalid name, choice or bound."""
    for name in (endpoint, variant):
        if not re.fullmatch(addresses.NAME, name):
            raise ConfigError(f"{name!r} is no name of an endpoint or variant: up to 63 letters, digits, inner hyphens")
    if isinstance(capture, str) or not capture or not {*capture} <= {"input", "output"}:
        raise ConfigError(f"capture is ('input',), ('output',) or both, not {capture!r}")
    if when_full not in WHEN_FULL:
        raise ConfigError(f"when_full is one of {', '.join(WHEN_FULL)}, not {when_full!r}")
    if not all(0 < bound < math.inf for bound in bounds):
        raise ConfigError("intervals and bounds are finite numbers above 0")
