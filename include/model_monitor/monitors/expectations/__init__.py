"""Do the rows keep to the rules that people set: any expectation of Great Expectations, on each window?"""

from model_monitor.monitors.expectations.joined import Joined
from model_monitor.monitors.expectations.monitor import Expectations
from model_monitor.monitors.expectations.rules import Rule

__all__ = ["Expectations", "Joined", "Rule"]
