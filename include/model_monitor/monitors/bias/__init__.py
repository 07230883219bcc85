"""Are the answers as good for one group as for everybody else?"""

from model_monitor.monitors.bias.entries import Entry
from model_monitor.monitors.bias.facets import Facet
from model_monitor.monitors.bias.monitor import BIAS_DRIFT, COVERAGE, Bias

__all__ = ["BIAS_DRIFT", "COVERAGE", "Bias", "Entry", "Facet"]
