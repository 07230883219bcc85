"""What a person is told of a window."""

from __future__ import annotations

from typing import Any

from model_monitor import store
from model_monitor.config.execution import Execution
from model_monitor.errors import DataError
from model_monitor.results.documents.protocol import EXECUTION, VIOLATIONS, Document, decode
from model_monitor.results.execution import summary


def alert(execution: Execution) -> dict[str, Any]:
    """The summary of a report: status, counts, its address, one line, and a line per violation."""
    folder = execution.report
    return summary(document_in(folder, EXECUTION), folder, document_in(folder, VIOLATIONS)["violations"])


def document_in(folder: str, name: str) -> Document:
    """A file of a report. Raises DataError if it is not there."""
    address = store.join(folder, name)
    try:
        return decode(store.read(address), address)
    except FileNotFoundError as error:
        raise DataError(f"there is no {address}; run the task before this one first") from error
