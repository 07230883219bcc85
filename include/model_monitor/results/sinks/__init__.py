"""Where do metrics go? To Amazon CloudWatch and to OpenTelemetry, from a report's files."""

from model_monitor.results.sinks.executed import Executed as Executed
from model_monitor.results.sinks.sink import Point as Point
from model_monitor.results.sinks.sink import Sink as Sink
from model_monitor.results.sinks.sink import StatisticSet as StatisticSet
