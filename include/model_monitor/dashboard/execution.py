"""What was found on one window, why believe it, and what next? By its report, or by an earlier one of the window."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from pydantic import Field

from model_monitor.config.execution import Execution as Window
from model_monitor.core.window import Window as Span
from model_monitor.dashboard.health import WORDS, Health, health_of
from model_monitor.dashboard.page import Moment, Name, Shown
from model_monitor.dashboard.visit import NoSuchPage, Visit
from model_monitor.history import overviews
from model_monitor.jobs.marks import marks_of
from model_monitor.jobs.report_pages import page_in
from model_monitor.results import execution as executions
from model_monitor.results.html import charts_in
from model_monitor.results.html.report import ORDER, beyond, checks_in_words, facts_of
from model_monitor.results.marks import NEITHER, Mark
from model_monitor.results.reading import Report

MOST = 100  # findings in the table; the report has all
SENTENCES = 12
SAID = {
    "bad": "bad: later windows are not measured by it",
    "healthy": "healthy: later windows are measured by it, whatever stood out",
}


class Marked(Shown):
    """What a person said of a window; ``says`` is "neither" where nobody did, or took it back."""

    says: str
    by: str
    why: str
    words: str
    may_edit: bool


class Finding(Shown):
    """What came of a check, and the check ``in_words``; bounds are None where there is none on that side."""

    check: str
    in_words: str
    measure: str
    column: str | None
    segment: dict[str, str]
    outcome: str
    observed: float | None
    threshold: float | list[float] | None
    noise_floor: float | None
    reason: str
    sentence: str | None


class Version(Shown):
    """What was found by how far labels had come; ``version`` is "" of the newest."""

    version: str
    labels_as_of: datetime | None
    label_state: str | None
    words: str
    violations: int


class Execution(Shown):
    """The report of a window, and its neighbours. ``report``: the address of its ``report.html``, None if there is
    none; ``pictures`` are those in it, as SVG."""

    endpoint: str
    variant: str
    schedule: str
    monitor: str
    start: datetime
    end: datetime
    health: Health
    words: str
    reason: str
    violations: int
    undefined: int
    checks: int
    sentences: tuple[str, ...]
    more_sentences: int
    facts: tuple[tuple[str, str], ...]
    findings: tuple[Finding, ...]
    more_findings: int
    blind: str | None
    as_of: str
    versions: tuple[Version, ...]
    previous: tuple[datetime, datetime] | None
    next: tuple[datetime, datetime] | None
    has_baseline: bool
    report: str | None = None
    marked: Marked | None = None
    pictures: tuple[str, ...] = Field(default=(), exclude=True)


def execution(visit: Visit, endpoint: Name, schedule: Name, start: Moment, end: Moment, as_of: Name = "") -> Execution:
    """The newest report of a window, or with ``as_of`` the one by the labels that had come by then."""
    window = window_of(visit, endpoint, schedule, start, end)
    row, versions, neighbours = remembered(visit, window)
    folder = folder_of(window, as_of, versions)
    report = Report.find(folder)
    if report is None:
        reason = f"it was {row['status']}, and its report is gone" if row else "its run's log says more"
        raise NoSuchPage(f"there is no report of this window: {reason}")
    page = page_in(folder)
    address = visit.links.report(endpoint, schedule, start, end, as_of=as_of)
    pages = {
        "report": address if page else None,
        "pictures": charts_in(page) if page else (),
        "marked": marked(visit, window),
    }
    return shown(window, report.execution, as_of, versions, neighbours).model_copy(update=pages)


def marked(visit: Visit, window: Window) -> Marked | None:
    """What is said of a window; None where no later window is measured by it."""
    if not window.schedule.learns_from_windows or not window.is_scheduled:
        return None
    mark = marks_of(window).of(window.window) or Mark(window.window, NEITHER)
    may_edit = visit.viewer.may_edit(window.schedule.name)
    return Marked(says=mark.says, by=mark.by, why=mark.why, words=SAID.get(mark.says, ""), may_edit=may_edit)


def window_of(visit: Visit, endpoint: str, schedule: str, start: datetime, end: datetime) -> Window:
    """The schedule on a window. Raises NoSuchPage."""
    if start >= end:
        raise NoSuchPage("a window ends after it starts")
    return visit.assignment(endpoint, schedule).on(Span(start, end))


def folder_of(window: Window, as_of: str, versions: Collection[Version]) -> str:
    """Where the report is, or the one of this version. Raises NoSuchPage."""
    if not as_of:
        return window.report
    if as_of not in {version.version for version in versions}:
        raise NoSuchPage(f"this window has no report {as_of}")
    return f"{window.earlier_reports}/{as_of}"


Neighbours = tuple[tuple[datetime, datetime] | None, tuple[datetime, datetime] | None]


def remembered(visit: Visit, window: Window) -> tuple[Mapping[Any, Any] | None, tuple[Version, ...], Neighbours]:
    """What the history has of a window: its row, its earlier reports, and the windows before and after it."""
    name, start = (window.endpoint.endpoint, window.schedule.name), window.window.start
    with visit.reading(window.endpoint) as session:
        if session is None:
            return None, (), (None, None)
        row, before, after = overviews.window_between(session, *name, start, window.window.end)
        versions = [version_of(v) for v in overviews.verdicts_of(session, row["id"])] if row else []
    return row, tuple(versions), (span_of(before), span_of(after))


def span_of(row: Mapping[Any, Any] | None) -> tuple[datetime, datetime] | None:
    return (row["window_start"], row["window_end"]) if row else None


def version_of(row: Mapping[Any, Any]) -> Version:
    return Version(
        version=row["version"],
        labels_as_of=row["labels_as_of"],
        label_state=row["label_state"],
        words=WORDS[health_of(row["status"])],
        violations=row["violations"],
    )


def shown(
    window: Window, document: Mapping[str, Any], as_of: str, versions: tuple[Version, ...], neighbours: Neighbours
) -> Execution:
    health, sentences = health_of(document["status"]), executions.sentences(dict(document))
    findings = sorted(document["findings"], key=lambda f: (ORDER[f["outcome"]], -beyond(f)))
    baseline = document.get("baseline") or {}
    return Execution(
        endpoint=window.endpoint.endpoint,
        variant=window.endpoint.variant,
        schedule=window.schedule.name,
        monitor=window.schedule.monitor,
        start=window.window.start,
        end=window.window.end,
        health=health,
        words=WORDS[health],
        reason=document["reason"],
        violations=document["violations"],
        undefined=document["undefined"],
        checks=len(findings),
        sentences=tuple(sentences[:SENTENCES]),
        more_sentences=max(len(sentences) - SENTENCES, 0),
        facts=tuple(facts_of(dict(document))),
        findings=tuple(map(finding_of, findings[:MOST], checks_in_words(findings[:MOST], findings))),
        more_findings=max(len(findings) - MOST, 0),
        blind=executions.why_undefined(dict(document)).strip(" ()") or None,
        as_of=as_of,
        versions=versions,
        previous=neighbours[0],
        next=neighbours[1],
        has_baseline=bool(baseline.get("version")),
    )


def finding_of(finding: Mapping[str, Any], in_words: str) -> Finding:
    names = ("check", "measure", "column", "outcome", "observed", "threshold", "noise_floor", "reason")
    segment = {str(column): str(value) for column, value in finding["segment"].items()}
    return Finding(
        **{name: finding[name] for name in names}, segment=segment, in_words=in_words, sentence=finding.get("sentence")
    )
