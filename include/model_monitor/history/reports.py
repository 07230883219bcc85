"""Find reports in the store."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from model_monitor import store
from model_monitor.config.endpoint import Endpoint
from model_monitor.config.execution import Assignment, Execution
from model_monitor.results.documents.protocol import EXECUTION
from model_monitor.store.addresses import parent_of


@dataclass(frozen=True, order=True)
class Place:
    """Where the report on a window is, and the folder of those it had as its labels came."""

    endpoint: str
    schedule: str
    report: str
    earlier: str

    @classmethod
    def of(cls, execution: Execution) -> Place:
        names = execution.endpoint.endpoint, execution.schedule.name
        return cls(*names, execution.report, execution.earlier_reports)


def places_of(endpoint: Endpoint) -> Iterator[Place]:
    """Where reports on an endpoint are, by address; also those of schedules that its file no longer has, as far as
    SageMaker's layout tells whose they are. Raises StoreError."""
    assignments = [Assignment(endpoint, schedule) for schedule in endpoint.schedules]
    if endpoint.source.names_endpoint:
        yield from places_below(endpoint, parent_of(assignments[0].reports), parent_of(assignments[0].all_earlier))
        return
    for one in assignments:
        yield from places_below(endpoint, one.reports, one.all_earlier, one.schedule.name)


def places_below(endpoint: Endpoint, reports: str, earlier: str, schedule: str | None = None) -> Iterator[Place]:
    """Those below two folders that have the same paths; without a name each schedule has a folder there."""
    for file in store.list_files(reports, (f"/{EXECUTION}",)):
        folder = parent_of(file.address)
        path = folder.partition("?")[0].removeprefix(reports.partition("?")[0].rstrip("/")).strip("/")
        yield Place(endpoint.endpoint, schedule or path.partition("/")[0], folder, store.join(earlier, path))


def versions_in(earlier: str) -> list[str]:
    """The folders of a window's earlier reports."""
    return [parent_of(file.address) for file in store.list_files(earlier, (f"/{EXECUTION}",))]
