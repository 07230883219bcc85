"""Who looks, and at what? All that a page lists, counts or draws comes from here, and the viewer may read it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from model_monitor.config import Endpoint
from model_monitor.config.execution import Assignment
from model_monitor.dashboard.links import Links
from model_monitor.errors import MonitorError
from model_monitor.history.database import History
from model_monitor.history.incidents import Session
from model_monitor.history.places import why_none

if TYPE_CHECKING:
    from model_monitor.jobs.drafts.saving import Place


class NoSuchPage(MonitorError):
    """There is nothing of this name, or the viewer may not know of it: both read the same."""


class NotAllowed(MonitorError):
    """The viewer may see this, and not change it."""


class Viewer(Protocol):
    """Who looks. The name of a schedule is the id of its DAG."""

    @property
    def name(self) -> str: ...
    def may_read(self, dag_id: str) -> bool: ...
    def may_edit(self, dag_id: str) -> bool: ...
    def may_run(self, dag_id: str) -> bool: ...
    @property
    def may_add(self) -> bool:
        """Whether new endpoints may be added."""


class Everybody:
    """Whoever opens a static site: everything in it may be read, and nothing changed."""

    name = ""
    may_add = False

    def may_read(self, dag_id: str) -> bool:
        return True

    def may_edit(self, dag_id: str) -> bool:
        return False

    def may_run(self, dag_id: str) -> bool:
        return False


def recorded(endpoint: Endpoint) -> History | None:
    """The database of an endpoint's history; None if there is none."""
    return None if why_none(endpoint) else History.of(endpoint)


@dataclass(frozen=True)
class Visit:
    """A viewer, the endpoint files of the deployment, the moment that counts as now, how pages are addressed, and where
    the history of an endpoint is.

    ``place``: where new endpoint files go; None where there can't be any.
    """

    viewer: Viewer
    files: Mapping[Path, Endpoint]
    now: datetime
    links: Links
    history_of: Callable[[Endpoint], History | None] = recorded
    place: Place | None = None

    @cached_property
    def endpoints(self) -> tuple[Endpoint, ...]:
        """The endpoints with a schedule that the viewer may read; they have no other schedules than these."""
        return tuple(self._readable.values())

    @cached_property
    def _readable(self) -> Mapping[Path, Endpoint]:
        readable = {}
        for path, endpoint in self.files.items():
            schedules = tuple(s for s in endpoint.schedules if self.viewer.may_read(s.name))
            if len(schedules) == len(endpoint.schedules):
                readable[path] = endpoint
            elif schedules:
                readable[path] = endpoint.model_copy(update={"schedules": schedules})
        return readable

    @cached_property
    def hidden(self) -> tuple[Endpoint, ...]:
        """The endpoints of which the viewer may read no schedule."""
        return tuple(endpoint for path, endpoint in self.files.items() if path not in self._readable)

    @cached_property
    def schedules(self) -> frozenset[str]:
        """The names of the schedules that the viewer may read."""
        return frozenset(s.name for endpoint in self.endpoints for s in endpoint.schedules)

    def may_read_all(self, names: Iterable[str]) -> bool:
        """Whether the viewer may read all of some schedules, as what concerns several of them may name each."""
        return self.schedules.issuperset(names)

    def endpoint(self, name: str, variant: str | None = None) -> Endpoint:
        """The endpoint of a name, and of a variant if it has several. Raises NoSuchPage."""
        for endpoint in self.endpoints:
            if endpoint.endpoint == name and variant in (None, endpoint.variant):
                return endpoint
        raise NoSuchPage(f"there is no endpoint {name}, or you may not see it")

    def assignment(self, endpoint: str, schedule: str) -> Assignment:
        """A schedule of an endpoint. Raises NoSuchPage."""
        for candidate in self.endpoints:
            for own in candidate.schedules:
                if (candidate.endpoint, own.name) == (endpoint, schedule):
                    return Assignment(candidate, own)
        raise NoSuchPage(f"there is no schedule {schedule} of {endpoint}, or you may not see it")

    def endpoint_of(self, dag_id: str) -> Endpoint:
        """The endpoint whose schedule has this DAG. Raises NoSuchPage."""
        for endpoint in self.endpoints:
            if any(schedule.name == dag_id for schedule in endpoint.schedules):
                return endpoint
        raise NoSuchPage(f"there is no schedule {dag_id}, or you may not see it")

    def file_of(self, endpoint: Endpoint) -> Path:
        """The file of an endpoint."""
        return next(path for path, known in self._readable.items() if known is endpoint)

    @cached_property
    def groups(self) -> Sequence[tuple[History | None, Sequence[Endpoint]]]:
        """The endpoints by the database of their history; those without one last."""
        groups: dict[History | None, list[Endpoint]] = {}
        for endpoint in self.endpoints:
            groups.setdefault(self.history_of(endpoint), []).append(endpoint)
        return sorted(groups.items(), key=lambda group: group[0] is None)

    @contextmanager
    def reading(self, endpoint: Endpoint) -> Iterator[Session | None]:
        """A transaction that reads an endpoint's history; None if nothing was recorded. Raises StoreError."""
        history = next(history for history, members in self.groups if endpoint in members)
        with open_for_reading(history) as session:
            yield session


@contextmanager
def open_for_reading(history: History | None) -> Iterator[Session | None]:
    """The same of a history."""
    if history is None or not history.exists:
        yield None
        return
    with history.reading() as session:
        yield session
