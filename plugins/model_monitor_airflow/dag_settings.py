"""What do our DAGs share? Their names, their limits and when a task is tried again or given up."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

BASELINE = "-baseline"  # a schedule's baseline DAG has the schedule's name and this
DELIVERIES = "deliveries"  # the DAG that sends messages that could not be sent before
LATE_LABELS = "late_labels"  # the DAG that runs windows again when their labels have arrived
RETENTION = "retention"  # the DAG that deletes captures older than ``retention_days``
RETENTION_PREVIEW = "retention_preview"  # the DAG that only says what would be deleted

AT_ONCE = 4  # runs of one schedule at the same time
RERUNS = 200  # runs of past windows that late labels may add at once: more than the hours of a week

RETRIES: dict[str, Any] = {
    "retries": 3,
    "retry_delay": timedelta(seconds=30),
    "retry_exponential_backoff": True,
    "max_retry_delay": timedelta(minutes=10),
    "execution_timeout": timedelta(hours=6),
}
OPTIONAL_MOMENT: dict[str, Any] = {"default": None, "type": ["null", "string"], "format": "date-time"}  # of a Param
