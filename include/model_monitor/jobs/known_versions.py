"""Which versions of a baseline are there, who decided on each, and by which one is judged?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from model_monitor import store
from model_monitor.config.execution import Assignment
from model_monitor.errors import MonitorError
from model_monitor.jobs.publish_baseline import Shown
from model_monitor.results.decision import Choice
from model_monitor.results.documents.protocol import Document
from model_monitor.verdicts.published import Published
from model_monitor.verdicts.versions import EDITED_FROM, Version, names_of


@dataclass(frozen=True)
class KnownVersion:
    """A version: its folder, when and from how many rows it was learned, from which it was edited (None: from none),
    the decisions on it, the last one last, and whether windows are judged by it. ``problem``: why it can't be read.
    """

    name: str
    folder: str
    learned: str | None = None
    rows: int | None = None
    inputs: Sequence[str] = ()
    edited_from: str | None = None
    is_edited: bool = False
    in_force: bool = False
    decisions: Sequence[Choice] = field(default_factory=list)
    problem: str = ""


def known_versions(assignment: Assignment) -> list[KnownVersion]:
    """All versions, the newest first; one that is damaged does not hide the others. Raises DataError for a damaged
    pointer."""
    published = Published.find(assignment)
    versions = [describe(assignment, name, published) for name in names_of(assignment)]
    return sorted(versions, key=lambda version: (version.learned or "", version.name), reverse=True)


def describe(assignment: Assignment, name: str, published: Published | None) -> KnownVersion:
    folder, in_force = store.join(assignment.baselines, name), bool(published and published.name == name)
    try:
        version = Version.read(assignment, name)
        decision = version.decision
    except MonitorError as error:
        return KnownVersion(name, folder, in_force=in_force, problem=str(error))
    about = version.description
    return KnownVersion(
        name,
        folder,
        version.learned,
        about.get("rows"),
        [str(entry.get("file")) for entry in about.get("inputs", ())],
        about.get(EDITED_FROM),
        version.is_edited,
        in_force,
        [*decision.earlier, decision.choice] if decision else [],
    )


def constraints_in(assignment: Assignment, version: str) -> Document:
    """The constraints of a version, by name, that a person may edit. Raises ConfigError."""
    return Version.read(assignment, version).constraints(assignment)


def shown_now(assignment: Assignment, version: str) -> Shown:
    """What a person who looks at a version, by name, sees: to compare when the answer comes. Raises ConfigError."""
    published = Published.find(assignment)
    return Shown(Version.read(assignment, version).digests, published.name if published else None)
