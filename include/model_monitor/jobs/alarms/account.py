"""The alarms and topics of an AWS account; of alarms only those with our tag are ever changed or deleted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from model_monitor.errors import ConfigError
from model_monitor.jobs.alarms.derived import Alarm
from model_monitor.results.sealed import digest_of
from model_monitor.results.sinks.aws import asking, client_of

TAG = "model-monitor"
AT_ONCE = 100  # alarms that one request deletes


@dataclass(frozen=True)
class Account:
    """The account of the environment's credentials; ``output`` is the endpoint's, whose alarms are marked with it."""

    output: str

    @cached_property
    def cloudwatch(self) -> Any:
        return client_of("cloudwatch")

    @property
    def tag(self) -> dict[str, str]:
        """An endpoint of the same name that writes elsewhere, e.g. of another stage, has another value."""
        return {"Key": TAG, "Value": digest_of(self.output.encode())[:16]}

    def alarms(self, prefix: str) -> dict[str, dict[str, Any]]:
        """The alarms whose name begins so, whoever made them, by name."""
        with asking("CloudWatch", "cloudwatch:DescribeAlarms"):
            pages = self.cloudwatch.get_paginator("describe_alarms").paginate(
                AlarmNamePrefix=prefix, AlarmTypes=["MetricAlarm"]
            )
            return {alarm["AlarmName"]: alarm for page in pages for alarm in page["MetricAlarms"]}

    def owns(self, alarm: dict[str, Any]) -> bool:
        """Whether an alarm is one that we made for this endpoint."""
        with asking("CloudWatch", "cloudwatch:ListTagsForResource"):
            tags = self.cloudwatch.list_tags_for_resource(ResourceARN=alarm["AlarmArn"])["Tags"]
        return self.tag in tags

    def put(self, alarm: Alarm) -> None:
        with asking("CloudWatch", "cloudwatch:PutMetricAlarm and cloudwatch:TagResource"):
            self.cloudwatch.put_metric_alarm(**alarm, Tags=[self.tag])

    def delete(self, names: Sequence[str]) -> None:
        for start in range(0, len(names), AT_ONCE):
            with asking("CloudWatch", "cloudwatch:DeleteAlarms"):
                self.cloudwatch.delete_alarms(AlarmNames=list(names[start : start + AT_ONCE]))

    def check_topic(self, topic: str) -> None:
        """Raise ConfigError if there is no such topic: CloudWatch would take the alarm, and nobody would be told."""
        sns = client_of("sns")
        with asking("SNS", "sns:GetTopicAttributes"):
            try:
                sns.get_topic_attributes(TopicArn=topic)
            except sns.exceptions.NotFoundException as error:
                raise ConfigError(f"there is no SNS topic {topic}; make it, or correct metrics.alarm_topic") from error
