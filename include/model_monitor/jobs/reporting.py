"""Leave a report where a window can't be judged."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from model_monitor.config.execution import Execution
from model_monitor.errors import ConfigError, DataError
from model_monitor.jobs import late_labels
from model_monitor.results.report import reporting_failure


@contextmanager
def reported(execution: Execution) -> Iterator[None]:
    """Leave a report of why a window could not be judged. With labels, the window is not judged again until there are
    others."""
    try:
        with reporting_failure(execution.report, execution.about):
            yield
    except (ConfigError, DataError):
        if execution.schedule.ground_truth:
            late_labels.mark_failed(execution)
        raise
