"""A report's page, for whoever shows it."""

from __future__ import annotations

from model_monitor import store
from model_monitor.results.html import REPORT
from model_monitor.results.reading import read_or_none


def page_in(folder: str) -> bytes | None:
    """``report.html`` of a report's folder; None if there is none. Raises StoreError."""
    return read_or_none(store.join(folder, REPORT))
