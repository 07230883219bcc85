"""Is a window a reason to learn a model anew? If labels are final, quality truly fell, and the rows are sound."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from model_monitor.config.execution import Execution
from model_monitor.config.monitors import traits_of
from model_monitor.core.monitor import SET_ASIDE
from model_monitor.results import execution as executions
from model_monitor.results.documents.protocol import Document
from model_monitor.results.handover import FINAL
from model_monitor.results.reading import Report

# What a broken pipeline violates; drift alone is what a model is learned anew for.
UNSOUND = frozenset(
    {
        *("missing_column_check", "extra_column_check", "data_type_check", "completeness_check", "expectation_check"),
        SET_ASIDE,
    }
)
LONGEST_WINDOW = timedelta(days=62)  # of another schedule, that may overlap


def reasons_against_retraining(execution: Execution) -> list[str]:
    """What speaks against learning the model anew because of a window, each in a sentence; [] if nothing does.

    The other schedules of the endpoint, by the history, tell whether the window's rows are sound. Raises DataError if
    the window has no report, StoreError if the history does not answer.
    """
    document = Report.at(execution.report).execution
    return [*of_labels(document), *of_quality(execution, document), *of_rows(execution)]


def of_labels(document: Document) -> list[str]:
    labels = document.get("labels")
    if labels is None:
        return ["the schedule has no labels, so it can't tell whether the model is worse"]
    if labels["state"] != FINAL:
        return [f"labels are {labels['state']}: {labels['matched']} of {labels['requests']} requests have one"]
    return []


def of_quality(execution: Execution, document: Document) -> list[str]:
    """Whether a measure that needs labels is violated: prediction drift alone is no loss of quality."""
    label_free = traits_of(execution.schedule.monitor).measured_without_labels
    violated = [f for f in document["findings"] if f["outcome"] == "violated"]
    if any(f["check"] == SET_ASIDE for f in violated):
        return ["fewer rows can be used than of the baseline: the pipeline may be broken, not the model"]
    fell = [f for f in violated if f["measure"] not in label_free]
    return [] if fell else ["no metric that needs labels is worse than the baseline, beyond chance"]


def of_rows(execution: Execution) -> list[str]:
    """What other schedules found of the pipeline that the window's rows came through."""
    from model_monitor.history import queries  # brings SQLAlchemy
    from model_monitor.history.database import History

    history = History.of(execution.endpoint)
    if history is None or history.revision is None:
        return ["no history is kept, so nobody can tell whether the rows are sound"]
    name, window = execution.endpoint.endpoint, execution.window
    with history.reading() as session:
        rows = queries.windows(session, name, since=window.start - LONGEST_WINDOW, until=window.end)
    beside = [r for r in rows if r["schedule"] != execution.schedule.name and r["window_end"] > window.start]
    if not beside:
        return ["no other schedule of the endpoint judged rows of this window, so nobody can tell if they are sound"]
    return [reason for row in beside for reason in of_window(row)]


def of_window(row: Any) -> list[str]:
    """What speaks against the rows of one window of another schedule; a rule that only warns does not."""
    about = f"{row['schedule']} {row['window_start']:%Y-%m-%d %H:%M}"
    if row["status"] == executions.FAILED:
        return [f"{about} could not be judged: {row['reason']}"]
    report = Report.find(row["report"])
    findings = report.execution["findings"] if report else ()
    violated = [f for f in findings if f["outcome"] == "violated" and f.get("severity", "critical") == "critical"]
    broken = sorted({f["check"] for f in violated} & UNSOUND)
    return [f"{about} violates {', '.join(broken)}: the pipeline may be broken, not the model"] if broken else []
