"""Which alarms follow from a schedule's constraints?"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from model_monitor.config.cron import period_before, previous
from model_monitor.config.endpoint import Schedule
from model_monitor.config.execution import Assignment
from model_monitor.config.monitors import traits_of
from model_monitor.core.constraints import Constraint
from model_monitor.monitors.model_quality import GREATER_THAN
from model_monitor.results.documents.data_quality_baseline import emits
from model_monitor.results.sinks import cloudwatch, sagemaker_metrics
from model_monitor.results.sinks.constrained import metric_of, places_in, sides_of
from model_monitor.verdicts.baseline import Baseline

Alarm = dict[str, Any]  # the arguments of PutMetricAlarm

HOUR, WEEK = 3600, 7 * 86400
LONGEST = {True: WEEK, False: 86400}  # seconds that CloudWatch looks back, by whether a period is an hour or more
ANCHOR, TICKS = datetime(2026, 1, 1, tzinfo=UTC), 50
WORDS = "Made by model-monitor alarms, which undoes edits."


def prefix_of(assignment: Assignment) -> str:
    """What the names of an endpoint's alarms begin with."""
    return f"model-monitor/{assignment.endpoint.endpoint}/{assignment.endpoint.variant}/"


def alarms_of(assignment: Assignment) -> list[Alarm]:
    """The alarms of a schedule, by name: one on ``violations``, and one for each side of each constraint on all rows
    whose number is published. [] if it sends nothing to CloudWatch, or has nothing to judge by. Raises ConfigError."""
    schedule, needs_baseline = assignment.schedule, traits_of(assignment.schedule.monitor).needs_baseline
    baseline = Baseline.of(assignment) if needs_baseline else Baseline()
    if not (schedule.metrics.cloudwatch and emits(baseline.constraints_document) and has_baseline(assignment)):
        return []
    metrics = Metrics.of(assignment)
    alarms = [metrics.on_violations()]
    if needs_baseline:
        bias = places_in(baseline.constraints_document or baseline.statistics)
        for constraint in baseline.constraints(assignment.learner):
            alarms += metrics.on_constraint(constraint, bias)
    return sorted(alarms, key=lambda alarm: str(alarm["AlarmName"]))


def has_baseline(assignment: Assignment) -> bool:
    """Whether there is what a schedule judges by."""
    return not traits_of(assignment.schedule.monitor).needs_baseline or Baseline.of(assignment).exists


@dataclass(frozen=True)
class Metrics:
    """The metrics of a schedule: their namespace and common dimensions; the names of its alarms, and what all share."""

    prefix: str
    namespace: str
    labels: sagemaker_metrics.Labels
    shared: Alarm
    period: int

    @classmethod
    def of(cls, assignment: Assignment) -> Metrics:
        endpoint, schedule = assignment.endpoint, assignment.schedule
        names_endpoint = endpoint.source.names_endpoint
        about = {"endpoint": endpoint.endpoint, "schedule": schedule.name}
        period, topic = period_of(schedule), schedule.metrics.alarm_topic
        needed, of = points_of(schedule, period)
        shared = {
            "EvaluationPeriods": of,
            "DatapointsToAlarm": needed,
            "TreatMissingData": "missing",  # neither good nor bad: the alarm has INSUFFICIENT_DATA
            "AlarmActions": [topic] if topic else [],
        }
        return cls(
            f"{prefix_of(assignment)}{schedule.name}/",
            sagemaker_metrics.namespace(schedule.monitor.replace("-", "_"), names_endpoint),
            sagemaker_metrics.dimensions(about, names_endpoint),
            shared,
            period,
        )

    def on_violations(self) -> Alarm:
        alarm = self.named(sagemaker_metrics.VIOLATIONS, f"Checks of a window are violated. {WORDS}")
        return alarm | self.one(sagemaker_metrics.VIOLATIONS, {}) | limit(GREATER_THAN, 0.0)

    def on_constraint(self, constraint: Constraint, bias: dict[Any, sagemaker_metrics.Labels]) -> Iterator[Alarm]:
        """An alarm for each side of a constraint.

        A bound with a level is only violated beyond what chance explains, which CloudWatch can't work out: that alarm
        looks at the number in windows that have violations.
        """
        metric = metric_of(constraint, bias)
        for operator, threshold in sides_of(constraint) if metric else ():
            if metric is None or not math.isfinite(threshold):
                continue
            name, labels = metric
            own = ", ".join(labels.values())
            title = f"{name}{f' {own}' if own else ''} {operator}"
            weighs_chance = getattr(constraint.bound, "level", None) is not None
            aside = " in a window with violations" if weighs_chance else ""
            description = f"{constraint.check}: {name} is beyond {threshold:.6g}{aside}. {WORDS}"
            query = self.if_violated(name, labels, threshold) if weighs_chance else self.one(name, labels)
            yield self.named(title, description) | query | limit(operator, threshold)

    def named(self, title: str, description: str) -> Alarm:
        name = cloudwatch.fitted(self.prefix + title, cloudwatch.LONGEST_NAME)
        words = cloudwatch.fitted(description, cloudwatch.LONGEST_VALUE)
        return {"AlarmName": name, "AlarmDescription": words, **self.shared}

    def one(self, name: str, labels: sagemaker_metrics.Labels) -> Alarm:
        return {**self.metric(name, labels), "Statistic": "Average", "Period": self.period}

    def if_violated(self, name: str, labels: sagemaker_metrics.Labels, threshold: float) -> Alarm:
        """The number where there are violations, else the threshold, which is not beyond itself."""
        expression = f"IF(violations > 0, metric, {Decimal(repr(threshold)):f})"
        return {
            "Metrics": [
                {"Id": "judged", "Expression": expression, "Label": name, "ReturnData": True},
                self.input("metric", name, labels),
                self.input("violations", sagemaker_metrics.VIOLATIONS, {}),
            ]
        }

    def input(self, id: str, name: str, labels: sagemaker_metrics.Labels) -> Alarm:
        stat = {"Metric": self.metric(name, labels), "Period": self.period, "Stat": "Average"}
        return {"Id": id, "MetricStat": stat, "ReturnData": False}

    def metric(self, name: str, labels: sagemaker_metrics.Labels) -> Alarm:
        every = tuple((self.labels | labels).items())
        fitted = cloudwatch.fitted(name, cloudwatch.LONGEST_NAME)
        return {"Namespace": self.namespace, "MetricName": fitted, "Dimensions": cloudwatch.dimensions(every)}


def limit(operator: str, threshold: float) -> Alarm:
    return {"ComparisonOperator": operator, "Threshold": threshold + 0.0}  # no -0


def period_of(schedule: Schedule) -> int:
    """The seconds between windows, at least a minute and at most a week; of irregular ones the shortest."""
    cron = schedule.timetable
    if cron is None:
        shortest = schedule.length or timedelta(hours=1)
    else:
        gaps, tick = [], previous(cron, ANCHOR)
        for _ in range(TICKS):
            gaps.append(period_before(cron, tick))
            tick -= gaps[-1]
        shortest = min(gaps)
    minutes = max(1, int(shortest.total_seconds()) // 60)
    return min(WEEK, minutes * 60)


def points_of(schedule: Schedule, period: int) -> tuple[int, int]:
    """M and N of the schedule's alerts, M of the last N; 1 of 1 if CloudWatch does not look back so far."""
    needed, of = schedule.alerts.datapoints, schedule.alerts.evaluation_windows
    return (needed, of) if of * period <= LONGEST[period >= HOUR] else (1, 1)
