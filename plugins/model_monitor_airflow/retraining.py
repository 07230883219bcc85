"""May a model be learned anew? A gate for DAGs that are scheduled on violated windows."""

from __future__ import annotations

from types import ModuleType
from typing import TYPE_CHECKING, Any

from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException

from model_monitor.core.window import Window
from model_monitor_airflow.operators import ScheduleOperator

if TYPE_CHECKING:
    from airflow.sdk import Context


class RetrainingGate(ScheduleOperator):
    """Lets a run go on only if the violated window that started it is a reason to learn the model anew.

    Else it is skipped, and so is what follows; the run's note has the reasons. Returns the window, and a message. A run
    by hand names its window: ``{"window_start": …, "window_end": …}``.
    """

    def verb(self, jobs: ModuleType, context: Context) -> dict[str, Any]:
        window = window_told(context)
        reasons = jobs.reasons_against_retraining(self.assignment().on(window))
        verdict = f"blocked: {'; '.join(reasons)}" if reasons else "labels are final, quality fell, and rows are sound"
        answer = {"window": str(window), "reasons": reasons, "message": f"{self.schedule} {window}: {verdict}."}
        self.log.info(answer["message"])
        context["ti"].xcom_push("return_value", answer)
        if reasons:
            raise AirflowSkipException(answer["message"])
        return answer


def window_told(context: Context) -> Window:
    """The newest window of the events that started the run, or the one that a person named."""
    conf = context["dag_run"].conf or {}
    if conf.get("window_start") and conf.get("window_end"):
        return Window.of(conf["window_start"], conf["window_end"])
    events = [event for found in context["triggering_asset_events"].values() for event in found]
    windows = [Window.of(*event.extra["window"].split("/")) for event in events if "window" in (event.extra or {})]
    if not windows:
        raise AirflowFailException("no violated window started this run; name one as window_start and window_end")
    return max(windows, key=lambda window: window.end)
