"""What became of a window? The note of its run says it in a sentence, beside the run in the grid.

A run by hand also says which window it judges, from its start on. A listener, as no task may write a note: Airflow's
scheduler calls it when a run has started or ended.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from airflow.listeners import hookimpl

if TYPE_CHECKING:
    from airflow.models import DagRun
    from sqlalchemy.orm import Session

SAYING = ("Alert", "RetrainingGate")  # operators whose result has a message
AFTERWARDS = ("healthy", "violated", "fail_on_violation", "publish_metrics", "alert_failure")  # judge nothing
LONGEST = 1000  # characters of a note


@hookimpl
def on_dag_run_running(dag_run: DagRun, msg: str) -> None:
    write_note(dag_run)


@hookimpl
def on_dag_run_success(dag_run: DagRun, msg: str) -> None:
    write_note(dag_run)


@hookimpl
def on_dag_run_failed(dag_run: DagRun, msg: str) -> None:
    write_note(dag_run)


def write_note(dag_run: DagRun) -> None:
    """Note what the task with a message said, or which one failed before it; a person's own note stays."""
    from sqlalchemy.orm import object_session

    session = object_session(dag_run)
    if session is None:
        return
    tasks = dag_run.get_task_instances(session=session)
    saying = next((task.task_id for task in tasks if task.operator in SAYING), None)
    note = dag_run.dag_run_note
    if saying is None or (note and note.user_id):
        return
    failed = [task.task_id for task in tasks if task.state == "failed" and task.task_id not in (saying, *AFTERWARDS)]
    result = result_of(dag_run.dag_id, dag_run.run_id, saying, session) or {}
    message = f"Not judged: {failed[0]} failed; its log says why." if failed else str(result.get("message", ""))
    window = judged_window(dag_run)
    is_told = bool(message) and all(time in message for time in window.split() if time[-1] == "Z")
    if text := ". ".join(filter(None, ["" if is_told else window, message])):
        links = {} if failed else result.get("links", {})
        dag_run.note = with_links(text, [f"{name}: {address}" for name, address in links.items()])


def with_links(text: str, links: Sequence[str]) -> str:
    """A note: a text, shortened if need be, and each link in a line of its own, unless that alone is too long."""
    end = "".join(f"\n\n{link}" for link in links)
    room = LONGEST - len(end)
    if room < LONGEST // 2:
        return with_links(text, [])
    return (text if len(text) <= room else text[: room - 1] + "…") + end


def judged_window(dag_run: DagRun) -> str:
    """The window of a run by hand: that of its form, else its data interval; "" of other runs, whose id tells it."""
    if dag_run.run_type != "manual":
        return ""
    conf = dag_run.conf or {}
    times = [conf.get("window_start"), conf.get("window_end")]
    if not any(times):
        interval = (dag_run.data_interval_start, dag_run.data_interval_end)
        times = [time and f"{time:%Y-%m-%dT%H:%M:%SZ}" for time in interval]
    return f"Window {times[0]} to {times[1]}" if all(times) else ""


def result_of(dag_id: str, run_id: str, task_id: str, session: Session) -> dict[str, Any] | None:
    """The object that a task of a run returned; None if it returned none."""
    from airflow.models.xcom import XComModel

    query = XComModel.get_many(run_id=run_id, dag_ids=dag_id, task_ids=task_id, key="return_value")
    entry = session.scalars(query).first()
    result = XComModel.deserialize_value(entry) if entry else None
    return result if isinstance(result, dict) else None
