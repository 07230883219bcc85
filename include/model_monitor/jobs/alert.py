"""What a person is told of a window."""

from __future__ import annotations

from typing import Any

from model_monitor import store
from model_monitor.config.execution import Execution
from model_monitor.errors import DataError
from model_monitor.history.record import record
from model_monitor.results.documents.protocol import EXECUTION, VIOLATIONS, Document, decode
from model_monitor.results.execution import summary
from model_monitor.results.sealed import digest_of, unsealed


def alert(execution: Execution) -> dict[str, Any]:
    """Write the report into the history; its summary: status, counts, its address, one line, and a line per violation.

    Raises StoreError if the history does not answer: the report's files stand, and a retry writes it.
    """
    record(execution)
    folder = execution.report
    document = execution_in(folder)
    address = store.join(folder, VIOLATIONS)
    content = content_of(address)
    if digest_of(content) != document["digests"].get(VIOLATIONS):
        raise DataError(f"{address} is damaged, or of another run than {EXECUTION}; run the task before again")
    return summary(document, folder, decode(content, address)["violations"])


def execution_in(folder: str) -> Document:
    """``execution.json`` of a report. Raises DataError if it is not there, or damaged."""
    address = store.join(folder, EXECUTION)
    return decode(unsealed(content_of(address), address), address)


def content_of(address: str) -> bytes:
    try:
        return store.read(address)
    except FileNotFoundError as error:
        raise DataError(f"there is no {address}; run the task before this one first") from error
