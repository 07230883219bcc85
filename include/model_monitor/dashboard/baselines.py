"""By which baseline is a schedule judged, who decided that, and what would another one, or other thresholds, change?"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import msgspec

from model_monitor.config.execution import Assignment
from model_monitor.core.window import iso
from model_monitor.dashboard.differences import Difference, difference_of, settings_of, with_settings
from model_monitor.dashboard.page import Name, Shown
from model_monitor.dashboard.power import Power, power_of
from model_monitor.dashboard.visit import NoSuchPage, Visit
from model_monitor.errors import ConfigError, DataError, StoreError, without_secrets
from model_monitor.jobs.known_versions import KnownVersion, constraints_in, known_versions, shown_now
from model_monitor.jobs.publish_baseline import Shown as Seen
from model_monitor.jobs.publish_baseline import publish_baseline, reject_baseline
from model_monitor.results.decision import APPROVED, REJECTED, Choice
from model_monitor.results.documents.protocol import decode
from model_monitor.results.thresholds import thresholds_in, with_thresholds

MOST = 200  # thresholds and files that a page lists; the rest is counted
LONGEST_WHY = 2000  # characters


class Decision(Shown):
    """Who decided what, when and why; a setting did if ``automatic``."""

    decision: str
    by: str | None
    at: str
    why: str
    automatic: bool


class Version(Shown):
    """A version of the baseline; ``decisions`` are all, the last one last."""

    name: str
    learned: str | None
    rows: int | None
    inputs: tuple[str, ...]
    edited_from: str | None
    is_edited: bool
    in_force: bool
    decisions: tuple[Decision, ...]
    problem: str


class Threshold(Shown):
    """A number that a form sets; ``edited`` is the text that is tried out, None where that is as it was."""

    key: str
    name: str
    value: float
    edited: str | None


class Baselines(Shown):
    """The versions of a schedule's baseline, one of which is looked at: ``version``. ``edit``: what is tried out of it,
    as a JSON object; ``noise`` and ``reference``: the settings that are, "" for the file's; ``settings``: what each of
    those may be, and means. ``waits``: the newest version, if nobody decided on it. ``seen`` is sent back with a
    decision, to tell whether anything changed meanwhile."""

    endpoint: str
    schedule: str
    monitor: str
    approval: str | None
    versions: tuple[Version, ...]
    version: str
    in_force: str | None
    waits: str | None
    difference: Difference | None
    thresholds: tuple[Threshold, ...]
    more_thresholds: int
    find: str
    edit: str
    noise: str
    reference: str
    settings: dict[str, dict[str, str]]
    seen: str
    may_edit: bool
    power: Power | None
    problem: str | None


def baselines(
    visit: Visit,
    endpoint: Name,
    schedule: Name,
    version: Name = "",
    edit: Name = "",
    find: Name = "",
    power: Name = "",
    noise: Name = "",
    reference: Name = "",
) -> Baselines:
    """The versions of a baseline, and what the named one would change: else the newest that nobody decided on, or the
    one in force.

    edit: a JSON object of thresholds by their key, which are tried out and not saved; so are noise and reference, the
    settings of the schedule.
    find: a part of a threshold's name. power: "yes" to work out what the version sees.
    """
    assignment = with_baseline(visit, endpoint, schedule)
    versions = known_versions(assignment)
    chosen = chosen_version(versions, version)
    changes, settings = changes_in(edit), {"noise": noise, "reference": reference}
    view = view_of(visit, assignment, chosen, changes, settings) if chosen else NOTHING
    matches = [t for t in view.thresholds if find.casefold() in t.name.casefold() or t.edited is not None]
    return Baselines(
        endpoint=endpoint,
        schedule=schedule,
        monitor=assignment.schedule.monitor,
        approval=assignment.schedule.baseline.approval,
        versions=tuple(map(version_of, versions)),
        version=chosen.name if chosen else "",
        in_force=next((one.name for one in versions if one.in_force), None),
        waits=next((one.name for one in versions[:1] if is_undecided(one)), None),
        difference=view.difference,
        thresholds=tuple(sorted(matches, key=lambda t: t.edited is None)[:MOST]),
        more_thresholds=max(0, len(matches) - MOST),
        find=find,
        edit=edit if changes else "",
        **settings,
        settings=settings_of(assignment.schedule),
        seen=view.seen,
        may_edit=visit.viewer.may_edit(schedule),
        power=power_of(assignment, chosen.name) if chosen and power else None,
        problem=view.problem,
    )


@dataclass(frozen=True)
class View:
    """A version: its thresholds, what is sent back with a decision, and what it would change; ``problem``: what can't
    be told."""

    thresholds: Sequence[Threshold] = ()
    seen: str = ""
    difference: Difference | None = None
    problem: str | None = None


NOTHING = View()


def view_of(
    visit: Visit,
    assignment: Assignment,
    version: KnownVersion,
    changes: Mapping[str, str],
    settings: Mapping[str, str],
) -> View:
    """A version as it is, and what it would change with other thresholds, or where the schedule has other settings."""
    view = NOTHING
    try:
        document = constraints_in(assignment, version.name)
        numbers = thresholds_in(document)
        thresholds = [Threshold(key=t.key, name=t.name, value=t.value, edited=changes.get(t.key)) for t in numbers]
        view = View(thresholds, written(shown_now(assignment, version.name)))
        if changes or any(settings.values()) or not version.in_force or version.is_edited:
            edited = with_thresholds(document, changes) if changes else None
            then = with_settings(assignment, visit.file_of(assignment.endpoint), settings)
            view = replace(view, difference=difference_of(assignment, version.folder, edited, then))
    except (ConfigError, DataError, StoreError) as error:
        return replace(view, problem=str(error))
    return view


def with_baseline(visit: Visit, endpoint: str, schedule: str) -> Assignment:
    """The schedule. Raises NoSuchPage, also for one that judges by rules only."""
    assignment = visit.assignment(endpoint, schedule)
    if not assignment.monitor.traits.needs_baseline:
        raise NoSuchPage(f"{schedule} judges by rules only, and has no baseline")
    return assignment


def chosen_version(versions: Sequence[KnownVersion], name: str) -> KnownVersion | None:
    """The version of a name; without one the newest that nobody decided on, or else the one in force, or else the
    newest. Raises NoSuchPage."""
    if name:
        if match := next((one for one in versions if one.name == name), None):
            return match
        raise NoSuchPage("the schedule has no baseline of this version")
    newer = versions[: next((i for i, one in enumerate(versions) if one.in_force), len(versions))]
    return next(iter([*filter(is_undecided, newer), *(one for one in versions if one.in_force), *versions]), None)


def is_undecided(version: KnownVersion) -> bool:
    return not (version.decisions or version.problem or version.in_force)


def changes_in(edit: str) -> dict[str, str]:
    """The thresholds that are tried out: text by key. Raises ConfigError."""
    document = decode(edit.encode(), "edit") if edit else {}
    if not all(isinstance(value, str) for value in document.values()):
        raise ConfigError("edit: a JSON object of texts by the thresholds' keys is expected")
    return document


def version_of(version: KnownVersion) -> Version:
    decisions = [Decision(**msgspec.structs.asdict(choice)) for choice in version.decisions]
    return Version(
        name=version.name,
        learned=version.learned,
        rows=version.rows,
        inputs=tuple(map(without_secrets, version.inputs[:MOST])),
        edited_from=version.edited_from,
        is_edited=version.is_edited,
        in_force=version.in_force,
        decisions=tuple(decisions),
        problem=version.problem,
    )


def written(seen: Seen) -> str:
    return json.dumps({"digests": dict(seen.digests), "in_force": seen.in_force})


def tried_out(
    visit: Visit, endpoint: str, schedule: str, version: str, places: Sequence[str], values: Sequence[str]
) -> str:
    """What a form changes of a version's thresholds, as ``edit`` of the page; "" if nothing. Raises ConfigError."""
    assignment = with_baseline(visit, endpoint, schedule)
    if len(places) != len(values) or not any(one.name == version for one in known_versions(assignment)):
        raise ConfigError("the form is not complete; open the page again")
    document, asked = constraints_in(assignment, version), dict(zip(places, values, strict=True))
    with_thresholds(document, asked)
    numbers = {threshold.key: threshold.value for threshold in thresholds_in(document)}
    changed = {key: text.strip() for key, text in asked.items() if float(text) != numbers[key]}
    return json.dumps(changed, ensure_ascii=False) if changed else ""


def reject(visit: Visit, endpoint: str, schedule: str, version: str, why: str) -> None:
    """Reject a version: as the viewer, now. Raises ConfigError, NoSuchPage."""
    assignment = with_baseline(visit, endpoint, schedule)
    reject_baseline(assignment, folder_of(assignment, version), choice_of(visit, REJECTED, why))


def approve(visit: Visit, endpoint: str, schedule: str, version: str, edit: str, why: str, seen: str) -> None:
    """Put a version in force, with the thresholds of ``edit``: as the viewer, now. It passes the same gate as an answer
    to the task *approve*. Raises ConfigError, also if it is no longer what was ``seen``, and NoSuchPage."""
    assignment = with_baseline(visit, endpoint, schedule)
    folder, changes = folder_of(assignment, version), changes_in(edit)
    constraints = with_thresholds(constraints_in(assignment, version), changes) if changes else None
    publish_baseline(assignment, folder, choice_of(visit, APPROVED, why), seen_in(seen), constraints)


def folder_of(assignment: Assignment, version: str) -> str:
    """The folder of a version, by name. Raises NoSuchPage."""
    if match := next((one for one in known_versions(assignment) if one.name == version), None):
        return match.folder
    raise NoSuchPage("the schedule has no baseline of this version")


def choice_of(visit: Visit, decision: Literal["approved", "rejected"], why: str) -> Choice:
    at = iso(visit.now.replace(microsecond=0))
    return Choice(decision=decision, by=visit.viewer.name, at=at, why=why[:LONGEST_WHY])


def seen_in(text: str) -> Seen:
    """What the page showed. Raises ConfigError."""
    document: Mapping[str, Any] = decode(text.encode(), "the form")
    digests, in_force = document.get("digests"), document.get("in_force")
    if not isinstance(digests, dict) or not isinstance(in_force, str | None):
        raise ConfigError("the form is not complete; open the page again")
    return Seen(digests, in_force)
