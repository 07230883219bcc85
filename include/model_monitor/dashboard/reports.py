"""The page ``report.html`` of a window, or of a learned baseline, for those who may read the schedule's DAG."""

from __future__ import annotations

from model_monitor.dashboard import baselines
from model_monitor.dashboard.execution import folder_of, remembered, window_of
from model_monitor.dashboard.page import Moment, Name
from model_monitor.dashboard.visit import NoSuchPage, Visit
from model_monitor.jobs.report_pages import page_in
from model_monitor.results import html


def window_report(visit: Visit, endpoint: Name, schedule: Name, start: Moment, end: Moment, as_of: Name = "") -> bytes:
    """The page of a window's newest report, or with ``as_of`` of the one by the labels that had come by then."""
    window = window_of(visit, endpoint, schedule, start, end)
    return page_at(folder_of(window, as_of, remembered(visit, window)[1]))


def baseline_report(visit: Visit, endpoint: Name, schedule: Name, version: Name = "") -> bytes:
    """The page of a version that was learned."""
    return page_at(baselines.folder_of(visit.assignment(endpoint, schedule), version))


def page_at(folder: str) -> bytes:
    page = page_in(folder)
    if page is None:
        raise NoSuchPage("there is no report.html; it may have been deleted, or an older version wrote the report")
    return html.without_files(page)


def policy_of(page: bytes) -> str:
    """What a browser may do with such a page: show it, with its own style, and nothing else."""
    return f"{html.policy_of(page)}; base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
