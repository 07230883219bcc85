"""Where metrics of the windows go: the section ``metrics`` of an endpoint file and of its schedules."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from model_monitor.config.fields import Settings

Topic = Annotated[str, Field(pattern=r"^arn:aws[a-z-]*:sns:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_-]{1,256}(\.fifo)?$")]
Connection = Annotated[str, Field(min_length=1)]


class Metrics(Settings):
    """Which systems get the numbers of each window. A schedule's settings override the endpoint's."""

    cloudwatch: bool = Field(False, description="Whether they go to Amazon CloudWatch, named as SageMaker names them")
    cloudwatch_connection: Connection | None = Field(
        None, description="The Airflow connection to AWS; else the workers' own credentials, AWS_ACCESS_KEY_ID, ..."
    )
    alarm_topic: Topic | None = Field(None, description="The SNS topic that the alarms of model-monitor alarms notify")
    otlp: bool = Field(False, description="Whether they go to OpenTelemetry, at OTEL_EXPORTER_OTLP_ENDPOINT")
    otlp_connection: Connection | None = Field(
        None, description="The Airflow connection whose secret is sent as headers, beside OTEL_EXPORTER_OTLP_HEADERS"
    )

    @model_validator(mode="after")
    def _sets_what_is_on(self) -> Metrics:
        for key, sink in (
            ("cloudwatch_connection", "cloudwatch"),
            ("alarm_topic", "cloudwatch"),
            ("otlp_connection", "otlp"),
        ):
            is_given = {key, sink} <= self.model_fields_set
            if is_given and getattr(self, key) and not getattr(self, sink):
                raise ValueError(f"{key} is of no use while {sink} is false; leave one out")
        return self

    @property
    def is_on(self) -> bool:
        return self.cloudwatch or self.otlp

    def under(self, endpoint: Metrics) -> Metrics:
        """A schedule's settings, and the endpoint's where the schedule has none."""
        return Metrics.model_construct(**{**dict(endpoint), **self.model_dump(exclude_unset=True)})
