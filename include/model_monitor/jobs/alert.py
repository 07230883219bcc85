"""What a person is told of a window: now, in the task's summary, and by a message if it changes an incident."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from types import MappingProxyType
from typing import Any, Literal

from model_monitor import store
from model_monitor.alerts.following import follow
from model_monitor.alerts.news import News
from model_monitor.alerts.outcomes import outcome_of, violated
from model_monitor.config import alerts_of
from model_monitor.config.execution import Execution
from model_monitor.errors import DataError
from model_monitor.history import incidents
from model_monitor.history.database import History
from model_monitor.history.incidents import Place, Session
from model_monitor.history.record import record
from model_monitor.jobs.people import closings_of, is_muted, mutes_of, rules_of, severities_of
from model_monitor.results.documents.protocol import Document
from model_monitor.results.execution import FAILED, summary
from model_monitor.results.html import REPORT
from model_monitor.results.reading import Report

Tells = Literal["always", "if newest", "if final", "never"]  # whether people may be told of a window
NO_LINKS: Mapping[str, str] = MappingProxyType({})
UNKNOWN = "the run failed before it was judged; its log says why"


def alert(execution: Execution, tells: Tells = "never", links: Mapping[str, str] = NO_LINKS) -> dict[str, Any]:
    """Record a report in the history, bring incidents up to date and write down what people have to be told.

    The summary of the report: status, counts, its address, one line, and a line per violation. ``links`` are shown in
    messages, by name. Raises StoreError if the history does not answer, ConfigError if it is unclear who is told.
    """
    record(execution)
    report = Report.at(execution.report)
    told = summary(report.execution, report.folder, report.violations)
    follow_report(execution, tells, links)
    return told


def alert_failure(execution: Execution, tells: Tells = "never", links: Mapping[str, str] = NO_LINKS) -> dict[str, Any]:
    """The same for a window whose run failed, with or without a report that says why."""
    record(execution)
    document = failure_in(execution)
    follow_report(execution, tells, links, failed=True)
    return {"status": FAILED, "message": f"{document['schedule']}: {document['reason']}", "report": execution.report}


def failure_in(execution: Execution) -> Document:
    """The report on a failed window; one made up if there is none, or an earlier one."""
    try:
        document = Report.at(execution.report).execution
    except DataError:
        document = {}
    if document.get("status") == FAILED:
        return document
    return {**execution.about, "status": FAILED, "reason": UNKNOWN, "findings": []}


def follow_report(execution: Execution, tells: Tells, links: Mapping[str, str], failed: bool = False) -> None:
    """Bring incidents up to date with a window. Nothing where no history is kept."""
    history = History.of(execution.endpoint)
    if history is None:
        return
    rules = rules_of(execution.endpoint)
    with history.session() as session:
        # Of two runs of one window, the later one has read the files as they are left.
        incidents.lock(session, Place(execution.endpoint.endpoint, execution.endpoint.variant))
        news = news_of(session, execution, tells, links, failed)
        follow(session, news, rules, incidents.clock(session), closings_of(execution.endpoint))


def addresses(execution: Execution, links: Mapping[str, str], failed: bool) -> dict[str, str]:
    """Where a message's reader finds more; of a window that failed there is no ``report.html``."""
    folder = execution.report
    found = {"report": folder, "html": store.join(folder, REPORT), **links}
    return {name: address for name, address in found.items() if not (failed and name == "html")}


def news_of(session: Session, execution: Execution, tells: Tells, links: Mapping[str, str], failed: bool) -> News:
    """What a window's report means for people."""
    alerts = alerts_of(execution.endpoint, execution.schedule)
    name, window = execution.schedule.name, execution.window
    muted = partial(is_muted, mutes_of(execution.endpoint, alerts, window))
    document = failure_in(execution) if failed else Report.at(execution.report).execution
    labels = document.get("labels") or {}
    may_tell = {
        "always": True,
        "if newest": incidents.is_newest(session, Place(document["endpoint"], document["variant"]), name, window),
        "if final": labels.get("state") == "final" or bool(labels.get("over")),
        "never": False,
    }
    return News(
        schedule=name,
        window=window,
        outcome=outcome_of(document, severities_of(alerts), muted),
        about=document,
        found=violated(document, window, muted),
        tells=may_tell[tells],
        owner=alerts.owner,
        quiet=alerts.quiet_hours,
        links=addresses(execution, links, failed),
    )
