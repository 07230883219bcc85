"""What does a person set, and where does it put things?"""

from model_monitor.config.defaults import alerts_of, tells_anyone
from model_monitor.config.endpoint import Endpoint, Schedule
from model_monitor.config.files import (
    claims,
    files_in,
    held_back,
    load,
    load_all,
    notices_in,
    problems_in,
    refuse_held_back,
    without_defaults,
)

__all__ = [
    "Endpoint",
    "Schedule",
    "alerts_of",
    "claims",
    "files_in",
    "held_back",
    "load",
    "load_all",
    "notices_in",
    "problems_in",
    "refuse_held_back",
    "tells_anyone",
    "without_defaults",
]
