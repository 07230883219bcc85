"""Which addresses may a person name? Those below some folders, but not what is closed to them there."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from model_monitor import store
from model_monitor.config.endpoint import Endpoint
from model_monitor.config.execution import Assignment
from model_monitor.config.neighbours import canonical
from model_monitor.errors import ConfigError, printable
from model_monitor.store import addresses

VARIABLE = "MODEL_MONITOR_NEW_BELOW"  # folders, with spaces between them
LONGEST = 1000  # characters of an address
OURS = ("_*", "merge")  # what an output holds of rows, States and reports


class Misfit(ConfigError):
    """A choice that can't be; ``field`` is its name in the form."""

    def __init__(self, field: str, text: str) -> None:
        super().__init__(text)
        self.field = field


def named(environment: Mapping[str, str] = os.environ) -> list[str]:
    """The folders of the setting."""
    return environment.get(VARIABLE, "").split()


@dataclass(frozen=True)
class Roots:
    """The folders below which a person may name an address, and what is closed to them there; its last part may be a
    pattern of names, with * at its end."""

    folders: tuple[str, ...]
    closed: tuple[str, ...] = ()

    def permitted(self, address: str) -> str:
        """The address, with the query of the root that it is below. Only texts are compared, and a disk's links
        followed: nothing is asked of a server. Raises ConfigError."""
        address = address.strip()
        if not address or len(address) > LONGEST or printable(address) != address:
            raise ConfigError(f"write an address: a folder or a file, of at most {LONGEST} characters")
        addresses.check(address)
        base, query = addresses.split(address)
        for root in self.folders:
            root_base, root_query = addresses.split(root)
            if query in ("", root_query) and is_inside(base, root_base):
                whole = base.rstrip("/") + root_query
                if self.is_closed(whole):
                    raise ConfigError(nothing_at(whole))
                return whole
        raise ConfigError(f"{address} is not below a folder that may be used here: {self.words}")

    def is_closed(self, address: str) -> bool:
        """Whether an address is, or is inside, what is closed."""
        base, _ = addresses.split(address)
        return any(is_inside(base, addresses.split(place)[0]) for place in self.closed)

    def hides(self, folder: str) -> bool:
        """Whether something that is closed, and has a name like any other, is inside a folder."""
        base, _ = addresses.split(folder)
        named = (place for place in self.closed if not place.endswith("*"))
        return any(is_inside(addresses.split(place)[0], base) for place in named)

    def closing(self, places: Iterable[str]) -> Roots:
        """The same with more that is closed."""
        return replace(self, closed=(*self.closed, *places))

    @property
    def words(self) -> str:
        """The folders, for a person."""
        return ", ".join(self.folders) or f"there is none; set {VARIABLE} to one or more, with spaces between them"


def nothing_at(address: str) -> str:
    """What is said where nothing is, and of what is closed, so that nobody learns which it is."""
    return f"there is nothing at {address}"


def captures_of(endpoints: Iterable[Endpoint]) -> list[str]:
    """The folders of endpoints' requests."""
    return list(dict.fromkeys(endpoint.capture.uri for endpoint in endpoints))


def learned_from(endpoints: Iterable[Endpoint]) -> list[str]:
    """Where endpoints' labels and datasets are."""
    return list(dict.fromkeys(address for endpoint in endpoints for address in lessons(endpoint)))


def lessons(endpoint: Endpoint) -> Iterator[str]:
    truths = [endpoint.ground_truth, *(schedule.ground_truth for schedule in endpoint.schedules)]
    yield from (truth.uri for truth in truths if truth and truth.uri)
    yield from (schedule.baseline.dataset for schedule in endpoint.schedules if schedule.baseline.dataset)


def written_by(endpoints: Iterable[Endpoint]) -> list[str]:
    """What the monitors of endpoints write: rows and States hold what was asked of a model."""
    return list(dict.fromkeys(store.join(e.output, name) for e in endpoints for name in OURS))


def belonging_to(endpoint: Endpoint) -> Iterator[str]:
    """All that is only for those who may see an endpoint."""
    source = endpoint.capture
    own = (endpoint.endpoint, endpoint.variant) if endpoint.source.names_endpoint else ()
    yield store.join(source.uri, *own)
    yield from lessons(endpoint)
    yield from (Assignment(endpoint, schedule).reports for schedule in endpoint.schedules)


def is_inside(address: str, root: str) -> bool:
    """Whether an address without query is a folder's own or below it, whatever links lead to.

    >>> is_inside("s3://b/x/y", "s3://b/x"), is_inside("s3://b/x/../y", "s3://b/x"), is_inside("s3://b/xy", "s3://b/x")
    (True, False, False)
    >>> is_inside("s3://b/_rows/y", "s3://b/_*")
    True
    """
    if addresses.scheme_of(address):
        if {".", "..", ""} & set(address.partition("://")[2].rstrip("/").split("/")):
            return False
    elif not Path(address.removeprefix("file://")).is_absolute():
        return False
    return begins(canonical(address).rstrip("/").split("/"), canonical(root).rstrip("/").split("/"))


def begins(inner: Sequence[str], outer: Sequence[str]) -> bool:
    """Whether a path begins with the parts of another, of which the last may end with *."""
    *above, last = outer
    if len(inner) < len(outer) or list(inner[: len(above)]) != above:
        return False
    at = inner[len(above)]
    return at.startswith(last[:-1]) if last.endswith("*") else at == last
