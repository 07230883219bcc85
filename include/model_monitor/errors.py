"""What can go wrong, and what the reader should do about it.

MonitorError
├── ConfigError    an endpoint file, a script or an argument is wrong: edit it
├── DataError      the data can't be judged as it is: look at what was set aside
└── StoreError     the store did not answer: try again

Violations are results, never exceptions.
"""

from __future__ import annotations

LONGEST = 5000  # characters


class MonitorError(Exception):
    """Base of every error that this package raises on purpose; its text is one clear sentence for a person. What it
    quotes comes from anywhere, so the middle of a text longer than LONGEST is left out.

    >>> len(str(MonitorError("x" * 1_000_000)))
    5000
    """

    def __init__(self, message: str) -> None:
        half = (LONGEST - 5) // 2
        too_long = len(message) > LONGEST
        super().__init__(f"{message[: LONGEST - half - 5]} ... {message[-half:]}" if too_long else message)


class ConfigError(MonitorError):
    """An endpoint file, a user's script or an argument is wrong."""


class DataError(MonitorError):
    """The data can't be read or judged; trying again would give the same answer.

    ``evidence`` is what was read and set aside until then (``results.handover.Evidence``); None if nothing was.
    """

    def __init__(self, message: str, evidence: object = None) -> None:
        super().__init__(message)
        self.evidence = evidence


class StoreError(MonitorError):
    """A store is out of reach or refused; trying again may help."""


def printable(text: str) -> str:
    """A text in one line, with escapes for control characters: names of columns come from whoever calls the endpoint.

    >>> printable("plan\\n[INFO] 0 violations\\x1b[2J")
    'plan\\\\n[INFO] 0 violations\\\\x1b[2J'
    """
    return "".join(c if c.isprintable() else c.encode("unicode_escape", "surrogatepass").decode() for c in text)
