"""Which version of a schedule's baseline is in force? ``published.json``, the pointer to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from model_monitor import store
from model_monitor.config.execution import Assignment
from model_monitor.errors import DataError
from model_monitor.results.documents.protocol import decode, encode
from model_monitor.results.sealed import sealed, unsealed


@dataclass(frozen=True)
class Published:
    """A version's name, the SHA-256 of its files by name, and when it was learned (ISO 8601; None: nobody knows)."""

    name: str
    digests: Mapping[str, str] = field(default_factory=dict)
    learned: str | None = None

    @classmethod
    def find(cls, assignment: Assignment) -> Published | None:
        """The version in force; None if there is none. Raises DataError for a damaged pointer."""
        pointer = assignment.published_baseline
        try:
            content = store.read(pointer)
        except FileNotFoundError:
            return None
        remedy = advice(assignment, "VERSION")
        document = decode(unsealed(content, pointer, remedy), pointer)
        name, digests = document.get("version"), document.get("digests")
        if not (isinstance(name, str) and isinstance(digests, dict)):
            raise DataError(f"{pointer} is another file's content; {remedy}")
        return cls(name, digests, document.get("learned"))

    def write(self, assignment: Assignment) -> str:
        """Put the version in force; the address of the pointer."""
        document = {"version": self.name, "digests": dict(self.digests), "learned": self.learned}
        return store.write(assignment.published_baseline, sealed(encode(document)))


def advice(assignment: Assignment, version: str) -> str:
    """How to put a version of a schedule's baseline in force, as it is."""
    name = assignment.schedule.name
    return (
        f"run model-monitor publish ENDPOINT_FILE {name} {version}, or clear the task approve, and those after it, of "
        f"the DAG {name}-baseline"
    )
