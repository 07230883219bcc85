"""Which addresses may a person name? Those below the folders of known endpoints, and of a setting."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from model_monitor.config.endpoint import Endpoint
from model_monitor.errors import ConfigError, printable
from model_monitor.store import addresses

VARIABLE = "MODEL_MONITOR_NEW_BELOW"  # folders, with spaces between them
LONGEST = 1000  # characters of an address


@dataclass(frozen=True)
class Roots:
    """The folders that may be looked at, and below which a new endpoint may write."""

    folders: tuple[str, ...]

    @classmethod
    def to_read(cls, endpoints: Iterable[Endpoint], environment: Mapping[str, str] = os.environ) -> Roots:
        """Where these endpoints' captures, labels and datasets are, and the folders of the setting. Outputs are not
        among them: what other endpoints' rows say is there."""
        own = [address for endpoint in endpoints for address in addresses_of(endpoint)]
        return cls(tuple(dict.fromkeys([*named(environment), *own])))

    @classmethod
    def to_write(cls, endpoints: Iterable[Endpoint], environment: Mapping[str, str] = os.environ) -> Roots:
        """Where these endpoints' outputs are, and the folders of the setting."""
        return cls(tuple(dict.fromkeys([*(e.output for e in endpoints), *named(environment)])))

    def permitted(self, address: str) -> str:
        """The address, with the query of the root that it is below. Only texts are compared, and a disk's links
        followed: nothing is asked of a server. Raises ConfigError."""
        address = address.strip()
        if not address or len(address) > LONGEST or printable(address) != address:
            raise ConfigError(f"write an address: a folder or a file, of at most {LONGEST} characters")
        base, query = addresses.split(address)
        for root in self.folders:
            root_base, root_query = addresses.split(root)
            if query in ("", root_query) and is_inside(base, root_base):
                return base.rstrip("/") + root_query
        raise ConfigError(f"{address} is not below a folder that may be looked at here: {self.words}")

    @property
    def words(self) -> str:
        """The folders, for a person."""
        return ", ".join(self.folders) or f"there is none; set {VARIABLE} to one or more, with spaces between them"


def named(environment: Mapping[str, str]) -> list[str]:
    """The folders of the setting."""
    return environment.get(VARIABLE, "").split()


def addresses_of(endpoint: Endpoint) -> list[str]:
    """What an endpoint reads."""
    truths = [endpoint.ground_truth, *(schedule.ground_truth for schedule in endpoint.schedules)]
    labels = [truth.uri for truth in truths if truth and truth.uri]
    datasets = [schedule.baseline.dataset for schedule in endpoint.schedules if schedule.baseline.dataset]
    return [endpoint.capture.uri, *labels, *datasets]


def is_inside(address: str, root: str) -> bool:
    """Whether an address without query is a folder's own or below it, whatever links lead to.

    >>> is_inside("s3://b/x/y", "s3://b/x"), is_inside("s3://b/x/../y", "s3://b/x"), is_inside("s3://b/xy", "s3://b/x")
    (True, False, False)
    """
    scheme = addresses.scheme_of(address)
    if scheme != addresses.scheme_of(root):
        return False
    if scheme:
        inner, outer = (text.partition("://")[2].rstrip("/").split("/") for text in (address, root))
        return inner[: len(outer)] == outer and not {".", "..", ""} & set(inner)
    inner_path, outer_path = (Path(text.removeprefix("file://")) for text in (address, root))
    return inner_path.is_absolute() and inner_path.resolve().is_relative_to(outer_path.resolve())
