"""Is the model asked as usual, and does it answer, in time and without errors?"""

from model_monitor.monitors.traffic.monitor import Informed, Traffic

__all__ = ["Informed", "Traffic"]
