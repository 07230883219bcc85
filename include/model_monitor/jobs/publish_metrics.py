"""Send a window's numbers to the systems that show them: CloudWatch and OpenTelemetry."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from model_monitor.config.execution import Execution
from model_monitor.errors import MonitorError, StoreError
from model_monitor.results.documents.data_quality_baseline import emits
from model_monitor.results.sinks import Executed, Sink
from model_monitor.results.sinks.cloudwatch import CloudWatch
from model_monitor.results.sinks.otlp import Otlp
from model_monitor.results.sinks.script_metrics import ScriptMetrics
from model_monitor.results.sinks.sent import send_new
from model_monitor.results.sinks.sink import TooOld
from model_monitor.verdicts.baseline import document_at


def publish_metrics(
    execution: Execution, cloudwatch: Any = None, headers: Mapping[str, str] = MappingProxyType({})
) -> dict[str, Any]:
    """Send the numbers of a report to each sink of the schedule: how many each got (``sent``), why one takes none of
    so old a window (``too_old``), and a line that says both (``message``).

    cloudwatch: a client of boto3, where a connection gives one. headers: for OpenTelemetry's receiver.

    A sink gets a number once, whatever a later report of the window says of it. One that does not answer keeps no other
    from getting its own. Raises StoreError if trying again may help, else the first error.
    """
    executed = Executed.read(execution.report, execution.source.names_endpoint)
    sent: dict[str, int] = {}
    too_old: list[str] = []
    errors: list[MonitorError] = []
    for sink in sinks_of(execution, executed, cloudwatch, headers):
        try:
            sent[sink.name] = send_new(sink, execution.sent_metrics(sink.name))
        except TooOld as error:
            too_old.append(str(error))
        except MonitorError as error:
            errors.append(error)
    if errors:
        raise kind_of(errors)("; ".join(map(str, errors)))
    words = [f"{count} numbers sent to {name}" for name, count in sent.items()] + too_old
    message = f"{execution.schedule.name} {execution.window}: {', '.join(words) or 'nothing to send'}"
    return {"sent": sent, "too_old": too_old, "message": message}


def sinks_of(execution: Execution, executed: Executed, client: Any, headers: Mapping[str, str]) -> Iterator[Sink]:
    """Where numbers go; the monitor's own go nowhere if its constraints say ``emit_metrics: Disabled``."""
    settings, emits = execution.schedule.metrics, emits_metrics(executed)
    if settings.cloudwatch and emits:
        yield CloudWatch(executed, client)
    if settings.cloudwatch and execution.schedule.postprocess:
        yield ScriptMetrics(executed, client, execution.report)
    if settings.otlp and emits:
        yield Otlp(executed, headers)


def emits_metrics(executed: Executed) -> bool:
    """SageMaker's switch in the constraints that the window was judged by; on if they don't say. Raises ConfigError."""
    return emits(document_at(executed.execution.get("baseline", {}).get("constraints")))


def kind_of(errors: Sequence[MonitorError]) -> type[MonitorError]:
    """StoreError if one of them is: then all are tried again."""
    kinds = [type(error) for error in errors]
    return StoreError if StoreError in kinds else kinds[0]
