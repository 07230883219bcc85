"""What does a person set, and where does it put things?"""

from model_monitor.config.endpoint import (
    BASELINE,
    EXPLAINED,
    LABELLED,
    LATE_LABELS,
    RETENTION,
    Endpoint,
    Schedule,
    beyond_the_schema,
    load,
    load_all,
)

__all__ = [
    "BASELINE",
    "EXPLAINED",
    "LABELLED",
    "LATE_LABELS",
    "RETENTION",
    "Endpoint",
    "Schedule",
    "beyond_the_schema",
    "load",
    "load_all",
]
