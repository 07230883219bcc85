"""What does each task do? One verb of ``model_monitor.jobs``: it names its inputs and passes on an address."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException

from model_monitor.core.window import iso
from model_monitor.errors import MonitorError, StoreError
from windows import window_of

if TYPE_CHECKING:
    from airflow.sdk import Context


@contextmanager
def retried_only_if_that_helps() -> Iterator[None]:
    """A store may answer the next time; any other MonitorError would come again, so it ends the task at once."""
    try:
        yield
    except StoreError:
        raise
    except MonitorError as error:
        raise AirflowFailException(str(error)) from error


class VerbOperator(BaseOperator):
    """Base of all: one verb on one schedule of one endpoint file."""

    ui_color = "#eef4fb"

    def __init__(self, *, endpoint_file: str, schedule: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.endpoint_file = endpoint_file
        self.schedule = schedule


class CollectWindow(VerbOperator):
    """The window's captured requests as rows; returns their address."""

    def execute(self, context: Context) -> str:
        from model_monitor import jobs  # heavy imports belong to the worker, not to DAG parsing

        with retried_only_if_that_helps():
            return jobs.collect_window(self.endpoint_file, self.schedule, window_of(context))


class ComputeMetrics(VerbOperator):
    """The State of the window's rows; returns its address."""

    def execute(self, context: Context) -> str:
        from model_monitor import jobs

        with retried_only_if_that_helps():
            return jobs.compute_metrics(self.endpoint_file, self.schedule, window_of(context))


class EvaluateConstraints(VerbOperator):
    """The State against the baseline's constraints; returns the address of the report's folder."""

    def execute(self, context: Context) -> str:
        from model_monitor import jobs

        with retried_only_if_that_helps():
            return jobs.evaluate_constraints(self.endpoint_file, self.schedule, window_of(context))


class Alert(VerbOperator):
    """What a person is told about the window; returns the summary.

    Skipped where nothing was judged, be it for want of data or of a baseline: that is not green. Violations are
    results, so they fail this task alone, and only where the schedule says ``fail_on_violation``. The summary is kept
    in each case.
    """

    def __init__(self, *, fail_on_violation: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.fail_on_violation = fail_on_violation

    def execute(self, context: Context) -> dict[str, Any]:
        from model_monitor import jobs
        from model_monitor.results.execution import COMPLETED, WITH_VIOLATIONS

        with retried_only_if_that_helps():
            summary = jobs.alert(self.endpoint_file, self.schedule, window_of(context))
        self.log.info("\n".join([summary["message"], *summary["details"]]))
        context["ti"].xcom_push("return_value", summary)
        if summary["status"] not in (COMPLETED, WITH_VIOLATIONS):
            raise AirflowSkipException(summary["message"])
        if summary["status"] == WITH_VIOLATIONS and self.fail_on_violation:
            raise AirflowFailException(summary["message"])
        return summary


class ObserveBaseline(VerbOperator):
    """The State of the baseline dataset, which the run's params can replace; returns its address."""

    def execute(self, context: Context) -> str:
        from model_monitor import jobs

        asked = {key: context["params"].get(key) for key in ("dataset", "format", "header")}
        with retried_only_if_that_helps():
            return jobs.observe_baseline(self.endpoint_file, self.schedule, **asked)


class SuggestConstraints(VerbOperator):
    """Statistics and constraints of a baseline's State; returns the address of the new version."""

    template_fields: Sequence[str] = ("state",)

    def __init__(self, *, state: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.state = state

    def execute(self, context: Context) -> str:
        from model_monitor import jobs

        created = iso(context["dag_run"].run_after)
        with retried_only_if_that_helps():
            return jobs.suggest_constraints(self.endpoint_file, self.schedule, self.state, created)


class PublishBaseline(VerbOperator):
    """The version that the schedule judges against from now on; returns the address of the pointer to it."""

    template_fields: Sequence[str] = ("version",)

    def __init__(self, *, version: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.version = version

    def execute(self, context: Context) -> str:
        from model_monitor import jobs

        with retried_only_if_that_helps():
            return jobs.publish_baseline(self.endpoint_file, self.schedule, self.version)
