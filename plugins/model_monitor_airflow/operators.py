"""What does each task do? One verb of ``model_monitor.jobs``: it names its inputs and passes on an address."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException

from model_monitor.core.window import Window, iso
from model_monitor.errors import MonitorError, StoreError
from model_monitor_airflow.connections import headers_of
from model_monitor_airflow.windows import labels_until, now_of, window_of

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


class MergeGroundTruth(VerbOperator):
    """The window's rows with the labels that have come for them; returns the address of what was found."""

    def execute(self, context: Context) -> str:
        from model_monitor import jobs

        with retried_only_if_that_helps():
            return jobs.merge_ground_truth(self.endpoint_file, self.schedule, window_of(context), labels_until(context))


class ExplainWindow(VerbOperator):
    """A sample of the window's rows with their attributions, from the model; returns the address of what was found.

    ``connection`` is the Airflow connection whose secret goes with each request.
    """

    def __init__(self, *, connection: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.connection = connection

    def execute(self, context: Context) -> str:
        from model_monitor import jobs

        with retried_only_if_that_helps():
            headers = headers_of(self.connection)
            return jobs.explain_window(self.endpoint_file, self.schedule, window_of(context), headers)


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


class FindGrownWindows(VerbOperator):
    """The past windows that labels have come for; returns the arguments of a TriggerDagRunOperator for each.

    None while the schedule's DAG is paused or has more than ``busy`` runs to do, lest the same windows queue again each
    time. At most ``at_once``, which with those stay below its ``max_active_runs``: where that is reached Airflow makes
    no scheduled runs, and forgets those that it missed. What is left out is found the next time.
    """

    def __init__(self, *, busy: int, at_once: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.busy = busy
        self.at_once = at_once

    def execute(self, context: Context) -> list[dict[str, Any]]:
        from model_monitor.jobs import late_labels

        now = now_of(context)
        if not self.is_free(context["ti"]):
            return []
        with retried_only_if_that_helps():
            windows = late_labels.grown(self.endpoint_file, self.schedule, now)
        self.log.info("by %s labels have come for %s windows: %s", iso(now), len(windows), ", ".join(map(str, windows)))
        return [rerun(window, now) for window in windows[: self.at_once]]

    def is_free(self, ti: Any) -> bool:
        """Whether the schedule's DAG would take up its runs now."""
        paused = ti.get_dag(self.schedule).is_paused
        active = ti.get_dr_count(self.schedule, states=["queued", "running"])
        self.log.info("%s is %s and has %s runs to do", self.schedule, "paused" if paused else "not paused", active)
        return not paused and active <= self.busy


def rerun(window: Window, now: datetime) -> dict[str, Any]:
    """A run that judges a window again by the labels until now; of the same two, there can only be one."""
    conf = {"window_start": iso(window.start), "window_end": iso(window.end), "labels_until": iso(now)}
    return {
        "trigger_run_id": "late_labels__{window_start}__{window_end}__as_of_{labels_until}".format(**conf),
        "conf": conf,
    }


class DeleteExpired(BaseOperator):
    """What an endpoint has kept for longer than its ``retention_days``, deleted; returns what was, in words and counts.

    A dry run deletes nothing and says the same. Only it may look ahead: by a *now* that is still to come, what is young
    would be deleted.
    """

    ui_color = "#eef4fb"

    def __init__(self, *, endpoint_file: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.endpoint_file = endpoint_file

    def execute(self, context: Context) -> dict[str, Any]:
        from model_monitor.jobs.retention import expiry

        now, dry_run = now_of(context), bool(context["params"].get("dry_run"))
        if now > context["dag_run"].run_after and not dry_run:
            raise AirflowFailException(f"now {iso(now)} is after the run itself; set dry_run to look ahead")
        with retried_only_if_that_helps():
            told = expiry.delete_expired(self.endpoint_file, now, dry_run)
        self.log.info(told["message"])
        return told


class ObserveBaseline(VerbOperator):
    """The State of the baseline dataset, which the run's params can replace; returns its address.

    ``connection`` is the Airflow connection whose secret goes with each request, where rows are explained by a model.
    """

    def __init__(self, *, connection: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.connection = connection

    def execute(self, context: Context) -> str:
        from model_monitor import jobs

        asked = {key: context["params"].get(key) for key in ("dataset", "format", "header")}
        with retried_only_if_that_helps():
            headers = headers_of(self.connection)
            return jobs.observe_baseline(self.endpoint_file, self.schedule, **asked, headers=headers)


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
