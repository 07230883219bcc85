"""Are the answers as good for one group as for the rest?"""

from model_monitor.monitors.bias.monitor import BIAS_DRIFT, COVERAGE, Bias, Entry, Facet

__all__ = ["BIAS_DRIFT", "COVERAGE", "Bias", "Entry", "Facet"]
