"""What does a person set, and where does it put things?"""

from model_monitor.config.endpoint import (
    EXPLAINED,
    LABELLED,
    Endpoint,
    Schedule,
    beyond_the_schema,
    load,
    load_all,
)

__all__ = [
    "EXPLAINED",
    "LABELLED",
    "Endpoint",
    "Schedule",
    "beyond_the_schema",
    "load",
    "load_all",
]
