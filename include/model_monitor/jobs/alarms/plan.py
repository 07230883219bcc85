"""What has to change for the alarms in CloudWatch to be those that follow from an endpoint's constraints?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from model_monitor.config.endpoint import Endpoint
from model_monitor.config.execution import Assignment
from model_monitor.errors import ConfigError
from model_monitor.jobs.alarms.account import Account
from model_monitor.jobs.alarms.derived import Alarm, alarms_of, has_baseline, prefix_of
from model_monitor.monitors.model_quality import GREATER_THAN

SHOWN = ("Threshold", "ComparisonOperator", "Period", "EvaluationPeriods", "DatapointsToAlarm", "AlarmActions")


@dataclass(frozen=True)
class Plan:
    """Alarms to create, to change (with what differs, as texts), and names to delete; those that stay are counted.

    ``unlearned`` are the schedules without alarms for want of a baseline.
    """

    create: Sequence[Alarm]
    change: Sequence[tuple[Alarm, Sequence[str]]]
    delete: Sequence[str]
    unchanged: int
    unlearned: Sequence[str] = ()

    def lines(self) -> Iterator[str]:
        """The plan for a person."""
        yield from (f"no alarms of {name}: it has no baseline yet" for name in self.unlearned)
        yield from (f"+ create {alarm['AlarmName']}: {condition(alarm)}" for alarm in self.create)
        for alarm, differences in self.change:
            yield f"~ change {alarm['AlarmName']}: {', '.join(differences)}"
        yield from (f"- delete {name}" for name in self.delete)
        counts = len(self.create), len(self.change), len(self.delete), self.unchanged
        yield "{} to create, {} to change, {} to delete, {} unchanged".format(*counts)

    @property
    def is_empty(self) -> bool:
        return not (self.create or self.change or self.delete)

    def apply(self, account: Account) -> None:
        """Do it; after an error, what was done stays, and the next plan lacks it. Raises StoreError, ConfigError."""
        for alarm in [*self.create, *(alarm for alarm, _ in self.change)]:
            account.put(alarm)
        account.delete(self.delete)


def planned(endpoint: Endpoint, account: Account) -> Plan:
    """The plan of an endpoint. Raises ConfigError if an alarm of a name of ours is somebody else's, or a topic is not
    there, StoreError."""
    assignments = [Assignment(endpoint, schedule) for schedule in endpoint.schedules]
    wanted = {alarm["AlarmName"]: alarm for assignment in assignments for alarm in alarms_of(assignment)}
    for topic in sorted({topic for alarm in wanted.values() for topic in alarm["AlarmActions"]}):
        account.check_topic(topic)
    there = account.alarms(prefix_of(assignments[0]))
    create = [alarm for name, alarm in wanted.items() if name not in there]
    compared = [(alarm, differences(alarm, there[name])) for name, alarm in wanted.items() if name in there]
    change = [(alarm, different) for alarm, different in compared if different]
    for alarm, _ in change:
        if not account.owns(there[alarm["AlarmName"]]):
            raise ConfigError(f"the alarm {alarm['AlarmName']} was not made by this endpoint; rename or delete it")
    gone = [name for name, alarm in there.items() if name not in wanted and account.owns(alarm)]
    unlearned = [a.schedule.name for a in assignments if a.schedule.metrics.cloudwatch and not has_baseline(a)]
    return Plan(create, change, sorted(gone), len(compared) - len(change), unlearned)


def condition(alarm: Alarm) -> str:
    """When it alarms.

    >>> condition({"ComparisonOperator": "LessThanThreshold", "Threshold": 0.8})
    'below 0.8'
    """
    return f"{'above' if alarm['ComparisonOperator'] == GREATER_THAN else 'below'} {alarm['Threshold']:g}"


def differences(wanted: Alarm, there: dict[str, Any]) -> list[str]:
    """What of an alarm is otherwise than wanted, in words."""
    differing = [key for key in wanted if comparable(wanted[key]) != comparable(there.get(key))]
    differing += [key for key in ("Metrics", "MetricName") if key not in wanted and there.get(key)]
    return [f"{key} {there.get(key)} -> {wanted[key]}" if key in SHOWN else f"another {key}" for key in differing]


def comparable(value: Any) -> Any:
    """A value without the order of its lists, and without what is empty."""
    if isinstance(value, dict):
        return {key: comparable(part) for key, part in value.items() if part not in (None, [], "")}
    if isinstance(value, list):
        return sorted((comparable(part) for part in value), key=repr) or None
    return value
