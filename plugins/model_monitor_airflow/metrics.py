"""The task that sends a window's numbers to CloudWatch and OpenTelemetry, with the secrets of Airflow connections."""

from __future__ import annotations

from collections.abc import Mapping
from types import ModuleType
from typing import TYPE_CHECKING, Any

from airflow.sdk.exceptions import AirflowSkipException

from model_monitor_airflow.connections import connection_of, headers_of
from model_monitor_airflow.operators import ScheduleOperator

if TYPE_CHECKING:
    from airflow.sdk import Context

    from model_monitor.config.metrics import Metrics


class PublishMetrics(ScheduleOperator):
    """Sends the numbers of the window's report; returns how many each system got. Skipped if the window is too long ago
    for them.

    ``cloudwatch_connection`` and ``otlp_connection`` are Airflow connections; None for the worker's environment.
    """

    def __init__(
        self, *, cloudwatch_connection: str | None = None, otlp_connection: str | None = None, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.cloudwatch_connection = cloudwatch_connection
        self.otlp_connection = otlp_connection

    @classmethod
    def of(cls, settings: Metrics, target: Mapping[str, str]) -> PublishMetrics:
        """The task of a schedule."""
        connections = {name: getattr(settings, name) for name in ("cloudwatch_connection", "otlp_connection")}
        return cls(task_id="publish_metrics", **connections, **target)

    def verb(self, jobs: ModuleType, context: Context) -> dict[str, Any]:
        client, headers = client_of(self.cloudwatch_connection), otlp_headers(self.otlp_connection)
        summary: dict[str, Any] = jobs.publish_metrics(self.execution(context), client, headers)
        self.log.info(summary["message"])
        if summary["too_old"] and not any(summary["sent"].values()):
            raise AirflowSkipException(summary["message"])
        return summary


def otlp_headers(connection: str | None) -> dict[str, str]:
    """The headers of an Airflow connection; {} for None. Raises ConfigError."""
    if connection is not None:
        connection_of(connection)
    return headers_of(connection)


def client_of(connection: str | None) -> Any:
    """A client of CloudWatch with the login of an Airflow connection to AWS; None for None. Raises ConfigError."""
    if connection is None:
        return None
    from airflow.providers.amazon.aws.hooks.base_aws import AwsBaseHook
    from botocore.exceptions import NoRegionError

    from model_monitor.errors import ConfigError

    connection_of(connection)  # the hook would go on without one
    try:
        return AwsBaseHook(aws_conn_id=connection, client_type="cloudwatch").get_conn()
    except NoRegionError:
        example = '{"region_name": "eu-west-1"}'
        raise ConfigError(
            f"the connection '{connection}' has no region; add {example} to its extra, or set AWS_DEFAULT_REGION"
        ) from None
