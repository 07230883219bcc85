"""The views with stable names, which tools for charts and tables read: their columns and types (docs/history.md)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from model_monitor.history.tables import Moment, Text

WHOSE = {"endpoint": Text, "variant": Text, "schedule": Text, "monitor": Text}
WINDOW = {"window_start": Moment, "window_end": Moment}
COUNTS = ("violations", "undefined", "records", "duplicates", "rejected", "judged", "unusable")
LABELS = {"label_state": Text, "label_coverage": sa.Double, "labels_as_of": Moment}
NUMBERS = ("threshold_low", "threshold_high", "noise_floor")


def view(name: str, columns: Mapping[str, type[Any]]) -> sa.TableClause:
    return sa.table(name, *(sa.column(column, kind()) for column, kind in columns.items()))


WINDOW_STATUS = view(
    "window_status",
    {
        **WHOSE,
        **WINDOW,
        "status": Text,
        "reason": Text,
        **dict.fromkeys(COUNTS, sa.BigInteger),
        **LABELS,
        "baseline": Text,
        "report": Text,
    },
)
METRIC_VALUES = view(
    "metric_values",
    {
        **WHOSE,
        **WINDOW,
        "metric": Text,
        "column_name": Text,
        "segment": Text,
        "value": sa.Double,
        "low": sa.Double,
        "high": sa.Double,
        "row_count": sa.BigInteger,
        **dict.fromkeys(NUMBERS, sa.Double),
        "outcome": Text,
        "reason": Text,
        "status": Text,
        "label_state": Text,
        "baseline": Text,
    },
)
OPEN_ALERTS = view(
    "open_alerts",
    {
        "incident": sa.BigInteger,
        "endpoint": Text,
        "variant": Text,
        **dict.fromkeys(("kind", "cause", "severity", "owner", "schedules"), Text),
        "since": Moment,
        "opened": Moment,
        "last": Moment,
        "snoozed_until": Moment,
        "muted": sa.Boolean,
        "sentence": Text,
        "last_transition": Text,
        "last_transition_at": Moment,
        "made_by": Text,
        "last_sentence": Text,
    },
)
VIEWS = (WINDOW_STATUS, METRIC_VALUES, OPEN_ALERTS)
