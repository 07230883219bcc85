"""Monitor an endpoint without code: look at its requests, choose, see the file and what it would have said, save it."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

from model_monitor.config import Endpoint
from model_monitor.config.neighbours import canonical
from model_monitor.core.window import moment
from model_monitor.dashboard.controls import Control, control_of
from model_monitor.dashboard.new_choices import OTHER_COLUMNS, Asked, draft_in, filled_in
from model_monitor.dashboard.new_columns import Table, chosen_in, table
from model_monitor.dashboard.page import Shown
from model_monitor.dashboard.visit import NoSuchPage, NotAllowed, Visit
from model_monitor.errors import ConfigError, MonitorError
from model_monitor.jobs.drafts import saving
from model_monitor.jobs.drafts.draft import CRONS, MONITORS, NEED_LABELS, NOISES, REFERENCES, permitted, text_of
from model_monitor.jobs.drafts.known import informed, known_at
from model_monitor.jobs.drafts.looking import Look, Several, look
from model_monitor.jobs.drafts.preview import Judged, preview
from model_monitor.jobs.drafts.roles import OF_TABLES, ROLES
from model_monitor.jobs.drafts.roots import (
    Misfit,
    Roots,
    belonging_to,
    captures_of,
    is_inside,
    learned_from,
    named,
    written_by,
)
from model_monitor.jobs.drafts.saving import Place

FOLDERS = 100  # that are proposed
NO_TIME = "the records have no time that can be read, so no window can be tried"


class Found(Shown):
    """What is at the address: a table of ``width`` columns. known: the endpoint, if it is monitored already."""

    uri: str
    kind: str
    format: str
    endpoint: str
    variant: str
    records: int
    first: str | None
    last: str | None
    width: int
    columns: Table
    known: str


class Saved(Shown):
    """A file that was saved. The rest is empty until Airflow knows its DAGs, and if the viewer may not read them."""

    name: str
    endpoint: str = ""
    variant: str = ""
    controls: tuple[Control, ...] = ()


class New(Shown):
    """The form: folders to choose from, what is asked, what was found, and what is wrong with it, by field; the file,
    and what it would have said. ``why_not_saved``: None if it may be saved here."""

    asked: Asked
    folders: tuple[str, ...]
    found: Found | None
    problems: dict[str, str]
    text: str
    digest: str
    judged: tuple[Judged, ...]
    not_tried: str
    why_not_saved: str | None
    saved: Saved | None
    roles: dict[str, str] = ROLES
    of_tables: tuple[str, ...] = OF_TABLES
    monitors: dict[str, str] = MONITORS
    need_labels: tuple[str, ...] = NEED_LABELS
    crons: dict[str, str] = CRONS
    noises: dict[str, str] = NOISES
    references: dict[str, str] = REFERENCES


class Desk:
    """What somebody who may add endpoints may look at, learn from and write to."""

    def __init__(self, visit: Visit) -> None:
        """Raises NotAllowed, NoSuchPage."""
        if visit.place is None:
            raise NoSuchPage("endpoint files can't be made here")
        if not visit.viewer.may_add:
            raise NotAllowed("to add an endpoint needs the permission to edit DAGs")
        self.place: Place = visit.place
        self.files: Sequence[Endpoint] = tuple(visit.files.values())
        self.visible: Sequence[Endpoint] = visit.endpoints
        seen = {canonical(place) for endpoint in visit.endpoints for place in belonging_to(endpoint)}
        others = {canonical(place) for endpoint in visit.hidden for place in belonging_to(endpoint)}
        closed = (*written_by(self.files), *sorted(others - seen))
        private = [e for e in self.files if e.columns.private]
        self.look_at = Roots((*captures_of(self.visible), *named()), (*closed, *learned_from(private)))
        self.learn_from = Roots((*learned_from(self.visible), *named()), closed)
        self.write_to = Roots((*(e.output for e in self.visible), *named()), closed)

    def look(self, address: str) -> Look:
        """Raises MonitorError."""
        return informed(look(address, self.look_at), self.files)


def new_monitor(visit: Visit, asked: Asked) -> New:
    """The form *New monitor*; with ``show=trial`` the file that it makes, and what its last windows would have said.

    Nothing is written. Raises NotAllowed to who may not add endpoints.
    """
    desk = Desk(visit)
    saved = saved_as(visit, asked.saved) if asked.saved else None
    found: Look | None = None
    problems: dict[str, str] = {}
    folders: Sequence[str] = desk.look_at.folders
    if asked.address and not saved:
        try:
            found = desk.look(asked.address)
        except MonitorError as error:
            problems["address"] = str(error)
            folders = error.folders if isinstance(error, Several) else folders
    form = filled_in(asked, found, desk.place, desk.visible) if found else asked
    if asked.seen not in ("", form.seen):
        problems["role"] = OTHER_COLUMNS
    text, not_tried = "", ""
    judged: Sequence[Judged] = ()
    if found and asked.show == "trial" and not problems:
        text, endpoint, problems = drafted(form, found, desk)
        if endpoint:
            judged, not_tried = tried(endpoint, found)
    return New(
        asked=form,
        folders=tuple(folders[:FOLDERS]),
        found=shown(found, form, desk) if found else None,
        problems=problems,
        text=text,
        digest=digest_of(text),
        judged=tuple(judged),
        not_tried=not_tried,
        why_not_saved=saving.why_not_saved(desk.place.folder),
        saved=saved,
    )


def digest_of(text: str) -> str:
    return sha256(text.encode()).hexdigest()[:16] if text else ""


def drafted(form: Asked, found: Look, desk: Desk) -> tuple[str, Endpoint | None, dict[str, str]]:
    """The text of the file and its endpoint, or what is wrong by field; the first of several things of a field."""
    draft, wrong = draft_in(form, found)
    if draft:
        draft, wrong = draft.settled(found, desk.learn_from, desk.write_to)
        if found.kind == "table" and found.format == "jsonl" and is_inside(draft.output, found.uri):
            wrong.append(Misfit("output", "reports would lie among the table's files; choose a folder elsewhere"))
    else:
        addresses = {name: getattr(form, name).strip() for name in ("labels", "dataset", "output")}
        wrong = [*wrong, *permitted(addresses, desk.learn_from, desk.write_to)[1]]
    if draft is None or wrong:
        return "", None, {one.field: str(one) for one in reversed(wrong)}
    text = text_of(draft, found)
    try:
        return text, desk.place.endpoint(text, draft.name), {}
    except ConfigError as error:
        return text, None, {"name" if "choose another name" in str(error) else "file": str(error)}


def tried(endpoint: Endpoint, found: Look) -> tuple[list[Judged], str]:
    """What the last windows would have said, or why they were not asked."""
    if not (found.first and found.last):
        return [], NO_TIME
    try:
        return preview(endpoint, moment(found.first), moment(found.last)), ""
    except MonitorError as error:
        return [], str(error)


def shown(found: Look, form: Asked, desk: Desk) -> Found:
    """What was found, with the names and roles that the form has."""
    about = {name: getattr(found, name) for name in ("uri", "kind", "format", "endpoint", "variant", "records")}
    known = known_at(found, desk.visible)
    chosen = chosen_in(form, found.columns)
    return Found(
        **about,
        first=found.first,
        last=found.last,
        width=len(found.columns),
        columns=table(found.columns, chosen, form.find, form.part, form.facet),
        known=known.endpoint if known else "",
    )


def saved_as(visit: Visit, name: str) -> Saved:
    """A saved file, with what the viewer may know of it."""
    endpoint = next((e for e in visit.endpoints if visit.file_of(e).stem == name), None)
    if endpoint is None:
        return Saved(name=name)
    controls = [control_of(visit, endpoint, schedule) for schedule in endpoint.schedules]
    known = tuple(control for control in controls if control)
    return Saved(name=name, endpoint=endpoint.endpoint, variant=endpoint.variant, controls=known)


def save(visit: Visit, asked: Asked) -> Path | None:
    """Save the file that the form makes, if it is the one that was shown; None if there is something to change first.

    Raises NotAllowed, and ConfigError where a deployment keeps its files elsewhere, or the file can't be written.
    """
    desk = Desk(visit)
    if why := saving.why_not_saved(desk.place.folder):
        raise ConfigError(why)
    try:
        found = desk.look(asked.address)
    except MonitorError:  # the form says why
        return None
    form = filled_in(asked, found, desk.place, desk.visible)
    text, endpoint, _ = drafted(form, found, desk)
    if endpoint is None or digest_of(text) != asked.digest:
        return None
    return saving.save(text, form.name.strip(), desk.place.folder)
