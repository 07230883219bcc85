"""What does a person set, and where does it put things?"""

from model_monitor.config.endpoint import Endpoint, Schedule
from model_monitor.config.files import load, load_all, problems_in

__all__ = ["Endpoint", "Schedule", "load", "load_all", "problems_in"]
