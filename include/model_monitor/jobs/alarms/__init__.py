"""Alarms in CloudWatch that follow from the constraints in force: ``model-monitor alarms``."""

from model_monitor.jobs.alarms.plan import Plan as Plan
from model_monitor.jobs.alarms.plan import planned as planned
