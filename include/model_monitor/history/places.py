"""Where is the history of an endpoint? Imports no SQLAlchemy."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from model_monitor.store.addresses import scheme_of

if TYPE_CHECKING:
    from model_monitor.config.endpoint import Endpoint

VARIABLE = "MODEL_MONITOR_HISTORY"
FILE = "history.sqlite"
NOTHING = "nothing was recorded yet; model-monitor reindex reads the store"


def why_none(endpoint: Endpoint) -> str | None:
    """Why an endpoint has no history; None if it has one."""
    if os.environ.get(VARIABLE) or not scheme_of(endpoint.output):
        return None
    return (
        f"{endpoint.output} is an object store, which can't hold a database: no history is kept, and no alerts. "
        f"Set {VARIABLE} to the URL of one, e.g. postgresql://user:password@host/database"
    )
