"""What would another version of a baseline, other thresholds, or other settings change in the windows that are past?"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from model_monitor.config.endpoint import Schedule
from model_monitor.config.execution import Assignment
from model_monitor.config.trial import tried
from model_monitor.dashboard.page import Shown
from model_monitor.jobs.propose_baseline import propose_baseline
from model_monitor.results.documents.protocol import Document

MOST = 200  # changes that a page lists; the rest is counted
SETTINGS = {  # that can be tried out: what each of their values means; that of "" is the endpoint file's
    "noise": {
        "auto": "what past windows did, once there are 20",
        "history": "what past windows did; nothing is judged before there are 20",
        "sampling": "what rows alone do",
    },
    "reference": {"baseline": "nothing else"},  # what was compared with other windows stays as it was found
}


class Change(Shown):
    """What a constraint asks in the version in force, and in the one that is looked at; "" for nothing."""

    check: str
    of: str
    before: str
    after: str


class Flip(Shown):
    """A past window whose status would be another: what is violated only then, and what no more."""

    start: datetime
    end: datetime
    before: str
    after: str
    gained: tuple[str, ...]
    lost: tuple[str, ...]


class Difference(Shown):
    """What a version, or an edit of it, would change against the one in force: of ``windows`` that were judged again,
    how many are violated before and after."""

    added: tuple[str, ...]
    removed: tuple[str, ...]
    changes: tuple[Change, ...]
    more_changes: int
    same: int
    windows: int
    before: int
    after: int
    flips: tuple[Flip, ...]
    remark: str


def settings_of(schedule: Schedule) -> dict[str, dict[str, str]]:
    """The settings that can be tried out on a schedule; none where past windows say nothing of the next one."""
    return SETTINGS if schedule.has_past_windows else {}


def with_settings(assignment: Assignment, file: Path, settings: Mapping[str, str]) -> Assignment:
    """A schedule with some of its settings tried out, by name; "" is what its file has. Raises ConfigError."""
    trial = {name: value for name, value in settings.items() if value}
    return tried(file, assignment.schedule.name, trial) if trial else assignment


def difference_of(assignment: Assignment, folder: str, edited: Document | None, then: Assignment) -> Difference:
    """Judge past windows again: by a schedule and the version in force, and as it would be ``then``, by the version in
    a ``folder``, or as it is ``edited``. Raises ConfigError, DataError."""
    proposal = propose_baseline(assignment, folder, compares=True, constraints=edited, then=then)
    changes = [
        Change(check=c.check, of=f"{c.subject} {c.measure}".strip(), before=c.before, after=c.after)
        for c in proposal.comparison.changes
    ]
    flips = [
        Flip(start=f.window.start, end=f.window.end, before=f.before, after=f.after, gained=f.gained, lost=f.lost)
        for f in proposal.replayed.flips
    ]
    return Difference(
        added=proposal.comparison.added,
        removed=proposal.comparison.removed,
        changes=tuple(changes[:MOST]),
        more_changes=max(0, len(changes) - MOST),
        same=proposal.comparison.same,
        windows=proposal.replayed.windows,
        before=proposal.replayed.before,
        after=proposal.replayed.after,
        flips=tuple(flips),
        remark=proposal.remark or ("" if proposal.in_force else "No version is in force yet."),
    )
