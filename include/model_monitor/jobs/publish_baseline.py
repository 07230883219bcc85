"""Put a version of a baseline in force, or reject it; who decided that, when and why is kept beside it."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import msgspec

from model_monitor import store
from model_monitor.config.execution import Assignment, Observation
from model_monitor.errors import ConfigError, DataError, MonitorError, printable, without_secrets
from model_monitor.history.baselines import record_baselines
from model_monitor.jobs.compute_metrics import load_state
from model_monitor.jobs.learned import learned_in, refuse_unrelated
from model_monitor.results.decision import DECISION, REJECTED, Choice, decision_of
from model_monitor.results.documents.protocol import Document
from model_monitor.results.handover import Evidence
from model_monitor.verdicts.baseline import baseline_files
from model_monitor.verdicts.published import Published
from model_monitor.verdicts.versions import EDITED_FROM, Version, description_in, name_for


@dataclass(frozen=True)
class Shown:
    """What a person saw before deciding: the digests of the version's files by name, and which version was in force."""

    digests: Mapping[str, str]
    in_force: str | None


def decide_baseline(assignment: Assignment, version: str, answer: Mapping[str, Any] | None, at: str) -> str | None:
    """Publish or reject a version, by the address of its folder, as a person answered; the address of the pointer to
    it, None for a rejected one. Raises ConfigError.

    answer: the members of a Choice, what was ``shown``, and ``constraints``; None if nobody was asked: a setting
        decides, ``at`` an ISO 8601 time.
    """
    if answer is None:
        return publish_baseline(assignment, version, Choice(at=at, automatic=True))
    choice = Choice(**{name: answer[name] for name in ("decision", "by", "at", "why")})
    if choice.decision == REJECTED:
        reject_baseline(assignment, version, choice)
        return None
    return publish_baseline(assignment, version, choice, Shown(**answer["shown"]), answer["constraints"])


def publish_baseline(
    assignment: Assignment,
    version: str,
    choice: Choice | None = None,
    shown: Shown | None = None,
    constraints: Document | None = None,
) -> str:
    """Put a version, by the address of its folder, in force; the address of the pointer to it.

    A version whose files were edited, or that gets other ``constraints`` (None: those it has), is published as one of
    its own. Without a ``choice`` nobody is asked, and an edit of the version that is in force stays so. Raises
    ConfigError, also if the version is no longer what a person was ``shown``, and StoreError if the history does not
    answer: doing it again then writes only there.
    """
    candidate = version_at(assignment, version)
    refuse_unrelated(assignment, learned_in(assignment, candidate.folder))
    if shown:
        refuse_changed(candidate, shown, Published.find(assignment))
    edited = candidate.with_constraints(assignment, constraints)
    edited.baseline(assignment).constraints(assignment.learner)  # an error names the file that a person edits
    wanted = edited.of_its_own(assignment)
    address = put_in_force(assignment, wanted, choice or Choice(at=wanted.learned or "", automatic=True))
    record_baselines(assignment)
    restore(assignment, candidate)  # last: until then, doing it again finds what was shown
    return address


def put_in_force(assignment: Assignment, wanted: Version, choice: Choice) -> str:
    """Write a version, the choice of it, and the pointer to it; the pointer's address."""
    current, pointer = in_force(assignment), Published(wanted.name, wanted.digests, wanted.learned)
    if choice.automatic:
        refuse_rejected(wanted)
        if current and (current == pointer or is_edit(assignment, current.name, wanted.name)):
            return assignment.published_baseline
    wanted.write()
    record(wanted, choice)
    return pointer.write(assignment)


def reject_baseline(assignment: Assignment, version: str, choice: Choice) -> str:
    """Reject a version, by the address of its folder, as it is now; the address of the decision. The version in force
    stays. Raises ConfigError if it is this one, and StoreError as ``publish_baseline`` does."""
    candidate = version_at(assignment, version)
    unwanted = candidate.of_its_own(assignment)
    if (published := in_force(assignment)) and published.name == unwanted.name:
        raise ConfigError(f"version {unwanted.name} is in force; publish another one first")
    unwanted.write()
    address = record(unwanted, choice)
    record_baselines(assignment)
    restore(assignment, candidate)
    return address


def version_at(assignment: Assignment, address: str) -> Version:
    """The version whose folder is at an address. Raises ConfigError if that is no version of the schedule's."""
    name, schedule = store.name_of(address), assignment.schedule.name
    if not assignment.monitor.traits.needs_baseline:
        raise ConfigError(f"schedule '{schedule}' judges by rules only, and has no baseline to publish")
    if store.join(assignment.baselines, name) != address.rstrip("/"):
        raise ConfigError(
            f"{address} is no version of the baseline of '{schedule}'; its versions are in {assignment.baselines}"
        )
    return Version.read(assignment, name)


def in_force(assignment: Assignment) -> Published | None:
    """The version in force; None if there is none, or its pointer is damaged, which publishing mends."""
    with contextlib.suppress(DataError):
        return Published.find(assignment)
    return None


def refuse_changed(version: Version, shown: Shown, now: Published | None) -> None:
    """Raise ConfigError if a decision is not about what there is now."""
    again = "clear the task approve, and those after it, to see what there is now and to decide on that"
    if version.digests != dict(shown.digests):
        raise ConfigError(
            f"{version.folder} is not what was approved: its files changed since they were shown; {again}"
        )
    name = now.name if now else None
    if name not in (shown.in_force, name_for(version.files)):
        raise ConfigError(
            f"version {version.name} was compared with {shown.in_force or 'no version'}, and meanwhile {name} was put "
            f"in force; {again}"
        )


def is_edit(assignment: Assignment, name: str, original: str) -> bool:
    """Whether a version is one that a person edited from another."""
    return description_in(store.join(assignment.baselines, name)).get(EDITED_FROM) == original


def refuse_rejected(version: Version) -> None:
    """Raise ConfigError if a person has rejected a version: no setting puts it in force."""
    if (decision := version.decision) and decision.decision == REJECTED:
        raise ConfigError(
            f"version {version.name} was {decision.choice}; to judge by it nevertheless, run model-monitor publish"
        )


def record(version: Version, choice: Choice) -> str:
    """Write a choice beside a version, on top of earlier ones; the address."""
    choice = msgspec.structs.replace(choice, why=printable(without_secrets(choice.why)))
    earlier = version.decision
    decision = earlier.followed_by(choice) if earlier else decision_of(choice)
    address = store.join(version.folder, DECISION)
    return address if decision == earlier else decision.write(address)


def restore(assignment: Assignment, edited: Version) -> None:
    """Put the files back that a version is named by, if they were edited: these are a version of their own by now."""
    if edited.is_edited and (learned := as_learned(assignment, edited)):
        for name, content in learned.files.items():
            store.write(store.join(learned.folder, name), content)


def as_learned(assignment: Assignment, edited: Version) -> Version | None:
    """A version before somebody edited its files, made from its State; None where that is gone, or suggests other
    constraints by now."""
    state = edited.description.get("state")
    if not isinstance(state, str):
        return None
    with contextlib.suppress(MonitorError):
        evidence = Evidence.read(Observation.holding(state).evidence)
        files = baseline_files(assignment.learner, load_state(state, assignment.learner, evidence.state))
        return replace(edited, files=files) if name_for(files) == edited.name else None
    return None
