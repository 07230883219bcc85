"""Compare a version of a baseline with the one in force, for a person who is asked about it. Nothing is written."""

from __future__ import annotations

from dataclasses import replace

from model_monitor.config.execution import Assignment
from model_monitor.jobs.earlier_windows import side_of
from model_monitor.jobs.publish_baseline import as_learned, version_at
from model_monitor.jobs.replay_windows import judged_twice
from model_monitor.results.documents.protocol import Document
from model_monitor.verdicts.comparison import compare
from model_monitor.verdicts.proposal import Proposal
from model_monitor.verdicts.published import Published
from model_monitor.verdicts.versions import Version

WINDOWS = 30


def propose_baseline(
    assignment: Assignment,
    version: str,
    compares: bool = False,
    windows: int = WINDOWS,
    constraints: Document | None = None,
    then: Assignment | None = None,
) -> Proposal:
    """A version, by the address of its folder, beside the one in force, and how each would judge the last windows; with
    ``constraints``, the version as it would be with these, and with ``then``, by the schedule as it would be.

    Where nobody has to be asked, nothing is compared unless it ``compares`` anyway. Raises ConfigError, DataError.
    """
    found = version_at(assignment, version).with_constraints(assignment, constraints)
    published = Published.find(assignment)
    replaces, settled = published.name if published else None, settled_by(assignment, found, published)
    decided = str(decision.choice) if (decision := found.decision) else ""
    proposal = Proposal(found, replaces=replaces, settled=settled, decided=decided)
    if settled and not compares:
        return proposal
    proposed = found.baseline(assignment)
    asked = proposed.constraints(assignment.learner)
    current = in_force_of(assignment, published)
    if current is None:
        remark = f"Version {replaces} is in force and was edited, so nothing is compared with it." if replaces else ""
        return replace(proposal, comparison=compare([], asked, assignment.private), remark=remark)
    before = current.baseline(assignment)
    comparison = compare(before.constraints(assignment.learner), asked, assignment.private)
    replayed = judged_twice(
        assignment, side_of(assignment, before), side_of(then or assignment, proposed), last=windows
    )
    return replace(proposal, in_force=current, comparison=comparison, replayed=replayed)


def settled_by(assignment: Assignment, version: Version, published: Published | None) -> str:
    """Why nobody has to be asked about a version; "" if a person has to be."""
    approval = assignment.schedule.baseline.approval
    if published and published.digests == version.digests:
        return f"version {version.name} is in force already"
    if approval == "auto":
        return "approval: auto, nobody is asked"
    if approval is None and published is None:
        return "the first version is published without asking"
    return ""


def in_force_of(assignment: Assignment, published: Published | None) -> Version | None:
    """The version in force as it was published; None if there is none, or its files are others by now."""
    if published is None:
        return None
    version = Version.read(assignment, published.name)
    return version if version.digests == published.digests else as_learned(assignment, version)
