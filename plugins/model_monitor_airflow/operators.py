"""What does each task do? It runs one verb of ``model_monitor.jobs`` and passes on an address."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from datetime import datetime
from types import ModuleType
from typing import TYPE_CHECKING, Any

from airflow.providers.standard.operators.branch import BranchMixIn
from airflow.sdk import Asset, BaseOperator
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException

from model_monitor.core.window import Window, iso
from model_monitor.errors import MonitorError, StoreError, printable
from model_monitor_airflow.assets import HEALTHY, VIOLATED
from model_monitor_airflow.connections import clustered, headers_of
from model_monitor_airflow.dag_settings import RETENTION_PREVIEW
from model_monitor_airflow.notifiers import delivered, links_of
from model_monitor_airflow.pages import PageLink, ReportLink, addresses_of
from model_monitor_airflow.quiet import quiet
from model_monitor_airflow.windows import labels_until, now_of, tells_of, window_of

if TYPE_CHECKING:
    from airflow.sdk import Context, XComArg

    from model_monitor.config.execution import Assignment, Execution


class EndpointOperator(BaseOperator):
    """Base of all tasks: runs one verb on one endpoint file, and retries only where that can help.

    A store may answer the next time. Any other ``MonitorError`` would come again, so it fails the task at once.
    """

    ui_color = "#eef4fb"

    def __init__(self, *, endpoint_file: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.endpoint_file = endpoint_file

    def execute(self, context: Context) -> Any:
        from model_monitor import jobs  # heavy imports belong to the worker, not to DAG parsing

        try:
            with quiet():
                return self.verb(jobs, context)
        except StoreError as error:  # without its cause, whose text may quote a secret and would be logged
            raise StoreError(printable(str(error))) from None
        except MonitorError as error:
            raise AirflowFailException(printable(str(error))) from None

    @abstractmethod
    def verb(self, jobs: ModuleType, context: Context) -> Any:
        """Call the verb; what it returns is the task's XCom."""


class ScheduleOperator(EndpointOperator):
    """Base of the tasks of one schedule."""

    def __init__(self, *, schedule: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.schedule = schedule

    def assignment(self) -> Assignment:
        """The schedule, read from its endpoint file."""
        from model_monitor.config.execution import Assignment

        return Assignment.load(self.endpoint_file, self.schedule)

    def execution(self, context: Context) -> Execution:
        """The schedule on the window that this run judges."""
        return self.assignment().on(window_of(context))

    def observing(self, context: Context) -> Execution:
        """The same, for a verb that reads rows: where the endpoint file names a cluster, by its connection."""
        return clustered(self.execution(context))


class CollectWindow(ScheduleOperator):
    """Reads the window's captured requests as rows; returns their address."""

    def verb(self, jobs: ModuleType, context: Context) -> Any:
        return jobs.collect_window(self.observing(context))


class MergeGroundTruth(ScheduleOperator):
    """Joins the window's rows with the labels that have arrived; returns the address of a summary."""

    def verb(self, jobs: ModuleType, context: Context) -> Any:
        return jobs.merge_ground_truth(self.observing(context), labels_until(context))


class ExplainWindow(ScheduleOperator):
    """Has the model explain a sample of the window's rows; returns the address of a summary.

    Each request carries the secret of the Airflow connection ``connection``.
    """

    def __init__(self, *, connection: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.connection = connection

    def verb(self, jobs: ModuleType, context: Context) -> Any:
        return jobs.explain_window(self.observing(context), headers_of(self.connection))


class ComputeMetrics(ScheduleOperator):
    """Computes the State of the window's rows; returns its address."""

    def verb(self, jobs: ModuleType, context: Context) -> Any:
        return jobs.compute_metrics(self.observing(context))


class EvaluateConstraints(ScheduleOperator):
    """Judges the State by the baseline's constraints; returns the address of the report's folder."""

    def verb(self, jobs: ModuleType, context: Context) -> Any:
        execution = self.execution(context)
        report = jobs.evaluate_constraints(execution)
        self.log.info(lines_of(execution))
        return report


class JudgeWindow(ExplainWindow):
    """Does what the tasks from *collect_window* to *evaluate_constraints* do, with the same files; returns the address
    of the report's folder."""

    def verb(self, jobs: ModuleType, context: Context) -> Any:
        execution = self.observing(context)
        report = jobs.judge_window(execution, labels_until(context), headers_of(self.connection))
        self.log.info(lines_of(execution))
        return report


class Alert(ScheduleOperator, BranchMixIn):
    """Tells a person about the window; returns the summary, also where it skips.

    It is skipped if nothing was judged, for lack of data or of a baseline: that is not green. Else it is followed by
    one of the tasks *healthy* and *violated*, where there are any.
    """

    operator_extra_links = (PageLink(), ReportLink())

    def verb(self, jobs: ModuleType, context: Context) -> dict[str, Any]:
        execution = self.execution(context)
        links = links_of(context, execution)
        summary: dict[str, Any] = jobs.alert(execution, tells_of(context, execution), links)
        summary["links"] = addresses_of(execution)
        found = [summary["message"], *summary["details"], lines_of(execution)]
        self.log.info("\n".join([*found, *delivered(execution.endpoint)]))
        context["ti"].xcom_push("return_value", summary)
        if not summary["judged"]:
            raise AirflowSkipException(summary["message"])
        if self.downstream_task_ids:
            self.do_branch(context, VIOLATED if summary["violations"] else HEALTHY)
        return summary


class AlertFailure(ScheduleOperator):
    """Tells people that a window could not be judged, as a task before the alert failed; returns the summary."""

    def verb(self, jobs: ModuleType, context: Context) -> dict[str, Any]:
        execution = self.execution(context)
        summary: dict[str, Any] = jobs.alert_failure(
            execution, tells_of(context, execution), links_of(context, execution)
        )
        self.log.info("\n".join([summary["message"], *delivered(execution.endpoint)]))
        return summary


def lines_of(execution: Execution) -> str:
    """Where to look at a window, for a log."""
    return "\n".join(f"{name}: {address}" for name, address in addresses_of(execution).items())


class Deliver(EndpointOperator):
    """Sends the messages of an endpoint that are due; returns a line for each."""

    def verb(self, jobs: ModuleType, context: Context) -> list[str]:
        from model_monitor.config import load

        lines = delivered(load(self.endpoint_file))
        self.log.info("\n".join(lines) or "nothing is due")
        return lines


class Verdict(BaseOperator):
    """An end of a judged window's run. The event of its asset tells other DAGs, with what *alert* returned as extra.

    A task of its own, as what is declared as its outlet is there before the first event: two first events of an asset
    that a task names while it runs can be in each other's way.
    """

    def __init__(self, *, asset: Asset, **kwargs: Any) -> None:
        super().__init__(outlets=[asset], **kwargs)
        self.asset = asset

    def execute(self, context: Context) -> None:
        context["outlet_events"][self.asset].extra = context["ti"].xcom_pull(task_ids="alert")


class FailOnViolation(BaseOperator):
    """Fails the run of a window with violations, with what the task *alert* said, for schedules that ask for it."""

    template_fields: Sequence[str] = ("message",)

    def __init__(self, *, message: str = "{{ ti.xcom_pull(task_ids='alert')['message'] }}", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.message = message

    def execute(self, context: Context) -> None:
        raise AirflowFailException(self.message)


class FindGrownWindows(ScheduleOperator):
    """Finds past windows with new labels; returns the arguments of a TriggerDagRunOperator for each.

    It finds none while the schedule's DAG is paused or has more than ``busy`` unfinished runs: the same windows would
    queue again each time. It finds at most ``at_once``, so that the DAG stays below its ``max_active_runs``: at that
    limit Airflow makes no scheduled runs and later forgets those it missed. The next run finds the remaining windows.
    """

    def __init__(self, *, busy: int, at_once: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.busy = busy
        self.at_once = at_once

    def verb(self, jobs: ModuleType, context: Context) -> list[dict[str, Any]]:
        now = now_of(context)
        if not self.is_free(context["ti"]):
            return []
        windows = jobs.grown_windows(self.assignment(), now)
        self.log.info("by %s, %s windows have new labels: %s", iso(now), len(windows), ", ".join(map(str, windows)))
        return [rerun(window, now) for window in windows[: self.at_once]]

    def is_free(self, ti: Any) -> bool:
        """Whether the schedule's DAG would start new runs now."""
        paused = ti.get_dag(self.schedule).is_paused
        active = ti.get_dr_count(self.schedule, states=["queued", "running"])
        self.log.info("%s: %s, %s unfinished runs", self.schedule, "paused" if paused else "not paused", active)
        return not paused and active <= self.busy


def rerun(window: Window, now: datetime) -> dict[str, Any]:
    """A run that judges a window again by the labels until now; its id allows one run per window and moment."""
    conf = {"window_start": iso(window.start), "window_end": iso(window.end), "labels_until": iso(now)}
    return {
        "trigger_run_id": "late_labels__{window_start}__{window_end}__as_of_{labels_until}".format(**conf),
        "conf": conf,
    }


class DeleteExpired(EndpointOperator):
    """Deletes what an endpoint has kept for longer than its ``retention_days``; returns a description and counts.

    With ``deletes=False`` it only returns them, and may look ahead: a later *now* would delete young captures.
    """

    def __init__(self, *, deletes: bool, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.deletes = deletes

    def verb(self, jobs: ModuleType, context: Context) -> dict[str, Any]:
        now = now_of(context)
        if self.deletes and (unknown := sorted({*(context["dag_run"].conf or {})} - {"now"})):
            raise AirflowFailException(f"there is no {unknown[0]}; run {RETENTION_PREVIEW} to look without deleting")
        if now > context["dag_run"].run_after and self.deletes:
            raise AirflowFailException(f"now {iso(now)} is after the run itself; run {RETENTION_PREVIEW} to look ahead")
        summary: dict[str, Any] = jobs.delete_expired(self.endpoint_file, now, not self.deletes)
        self.log.info(summary["message"])
        return summary


class ObserveBaseline(ScheduleOperator):
    """Computes the State of the baseline dataset, which the run's params can replace; returns its address.

    Where a model explains the rows, each request carries the secret of the Airflow connection ``connection``.
    """

    def __init__(self, *, connection: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.connection = connection

    def verb(self, jobs: ModuleType, context: Context) -> Any:
        params, assignment = context["params"], clustered(self.assignment())
        dataset = jobs.dataset_of(assignment, params.get("dataset"), params.get("format"), params.get("header"))
        return jobs.observe_baseline(assignment, dataset, headers_of(self.connection))


class SuggestConstraints(ScheduleOperator):
    """Suggests statistics and constraints from a baseline's State; returns the address of the new version."""

    template_fields: Sequence[str] = ("state",)

    def __init__(self, *, state: str | XComArg, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.state = state

    def verb(self, jobs: ModuleType, context: Context) -> Any:
        created = iso(context["dag_run"].run_after)
        return jobs.suggest_constraints(self.assignment(), self.state, created)
