"""What can go wrong, and what the reader should do about it.

MonitorError
├── ConfigError    an endpoint file, a script or an argument is wrong: edit it
├── DataError      the data can't be judged as it is: look at what was set aside
└── StoreError     the store did not answer: try again

Violations are results, never exceptions.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class MonitorError(Exception):
    """Base of every error that this package raises on purpose; its text is one clear sentence for a person."""


class ConfigError(MonitorError):
    """An endpoint file, a user's script or an argument is wrong."""


class DataError(MonitorError):
    """The data can't be read or judged; trying again would give the same answer.

    ``collected`` is what was read and set aside until then, as ``execution.json`` wants it; {} if nothing was.
    """

    def __init__(self, message: str, collected: Mapping[str, Any] | None = None) -> None:
        super().__init__(message)
        self.collected: dict[str, Any] = dict(collected or {})


class StoreError(MonitorError):
    """A store is out of reach or refused; trying again may help."""
