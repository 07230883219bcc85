"""Do the same features still matter most to the model?"""

from model_monitor.monitors.attribution.monitor import ATTRIBUTIONS, DRIFT, EXPECTED, Attribution, Moved, moved

__all__ = ["ATTRIBUTIONS", "DRIFT", "EXPECTED", "Attribution", "Moved", "moved"]
