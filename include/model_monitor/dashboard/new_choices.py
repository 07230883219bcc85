"""What does the form *New monitor* ask, what is in it at first, and what draft does it make?"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from hashlib import sha256

from pydantic import Field, ValidationError

from model_monitor.config import Endpoint
from model_monitor.core.window import moment
from model_monitor.dashboard.new_columns import GROUPS, OfColumns, Texts, assigned, chosen_in, number_in
from model_monitor.dashboard.page import Name
from model_monitor.jobs.drafts.draft import Draft
from model_monitor.jobs.drafts.known import known_at
from model_monitor.jobs.drafts.looking import Look
from model_monitor.jobs.drafts.roles import Column
from model_monitor.jobs.drafts.roots import Misfit
from model_monitor.jobs.drafts.saving import Place

OF_COLUMNS = ("at", "role", "column", "private", "kept")
FEW_DAYS, WEEK = 5, timedelta(days=7)
OTHER_COLUMNS = "the newest file has other columns than before; look at what they are again"

FIELDS = {"monitors": "monitor", "columns": "column"}  # of a draft, as the form calls them
WORDS = {  # where pydantic's are for programmers
    "name": "letters, digits and hyphens are expected, at most 63",
    "threshold": "a number from 0 to 1 is expected",
    "learn_from": "a year, a month or a day is expected: 2026, 2026/01 or 2026/01/31",
    "problem": "choose one of the list",
    "noise": "choose one of the list",
    "reference": "choose one of the list",
    "monitor": "choose of the list",
    "role": "choose of the list",
}


class Asked(OfColumns):
    """The form, as it is in the address of the page.

    facet: the number of a column, from 0 on. seen: which columns the form was about; "" before it was filled in. show:
    "trial" for the file and what the last windows would have said. digest: of the file that was shown. saved: the name
    of a file that was saved.
    """

    address: Name = ""
    name: Name = ""
    output: Name = ""
    monitor: Texts = Field(default=[])
    cron: Name = ""
    labels: Name = ""
    label: Name = ""
    label_id: Name = ""
    problem: Name = ""
    threshold: Name = ""
    facet: Name = ""
    positive: Name = ""
    dataset: Name = ""
    learn_from: Name = ""
    noise: Name = ""
    reference: Name = ""
    owner: Name = ""
    seen: Name = ""
    digest: Name = ""
    show: Name = ""
    saved: Name = ""


def mark_of(columns: Sequence[Column]) -> str:
    """A mark by which other columns are told."""
    return sha256(repr([(one.name, one.role, one.side) for one in columns]).encode()).hexdigest()[:12]


def filled_in(asked: Asked, look: Look, place: Place, visible: Sequence[Endpoint]) -> Asked:
    """The form as a person left it; at first, with a choice in each field. What was chosen of other columns is
    dropped."""
    mark = mark_of(look.columns)
    if asked.seen == mark:
        return asked
    if asked.seen:
        return asked.model_copy(update={key: [] for key in OF_COLUMNS} | {"seen": mark})
    known = known_at(look, visible)
    name = place.free_name(known.endpoint if known else look.endpoint)
    truth = known.ground_truth if known else None
    own_label = next((one.name for one in look.columns if one.role == "label"), "label")
    first = {
        "name": name,
        "output": place.output_for(name, look, visible),
        "monitor": ["data_quality"],
        "cron": cron_for(look),
        "labels": truth.uri if truth else "",
        "label": truth.mapping.label if truth and truth.mapping else own_label,
        "label_id": truth.mapping.id if truth and truth.mapping else "",
        "problem": problem_of(look.columns),
        "threshold": "0.5",
        "facet": facet_in(look.columns),
        "positive": "1",
        "learn_from": span_to_learn(look) if not asked.dataset else "",
    }
    chosen = {key: value for key, value in asked.model_dump().items() if value}
    return Asked.model_validate({k: v or "" for k, v in first.items()} | chosen | {"seen": mark})


def problem_of(columns: Sequence[Column]) -> str:
    """What the model is asked for: a probability, a class, or a number of many."""
    answers = [one for one in columns if one.role == "prediction"]
    if any(one.role == "probability" for one in columns) or not answers:
        return "BinaryClassification"
    if answers[0].kind in ("number", "share"):
        return "Regression" if answers[0].distinct > GROUPS else "BinaryClassification"
    return "MulticlassClassification"


def facet_in(columns: Sequence[Column]) -> str:
    """The number of the first column that may tell groups apart; "" if there is none."""
    fitting = [
        (one.kind != "text", i)
        for i, one in enumerate(columns)
        if one.role == "input" and 2 <= one.distinct <= GROUPS and not one.is_private
    ]
    return str(min(fitting)[1]) if fitting else ""


def cron_for(look: Look) -> str:
    """Each day; each hour where there are few days to try."""
    days = (moment(look.last) - moment(look.first)).days if look.first and look.last else FEW_DAYS
    return "0 0 * * *" if days >= FEW_DAYS else "0 * * * *"


def span_to_learn(look: Look) -> str:
    """The first month with a week of requests, else the first whole day or just the first; "" if no time is known."""
    if not (look.first and look.last):
        return ""
    first, last = moment(look.first), moment(look.last)
    following = (first.replace(day=1) + timedelta(days=32)).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    if min(last, following) - first >= WEEK:
        return f"{first:%Y/%m}"
    if last - following >= WEEK:
        return f"{following:%Y/%m}"
    whole = first if first.hour == 0 else first + timedelta(days=1)
    return f"{whole if whole.date() < last.date() else first:%Y/%m/%d}"


def draft_in(asked: Asked, look: Look) -> tuple[Draft | None, list[Misfit]]:
    """What a person chose, or why it can't be."""
    fields = (
        "name",
        "output",
        "cron",
        "labels",
        "label",
        "label_id",
        "problem",
        "threshold",
        "positive",
        "dataset",
        "learn_from",
        "noise",
        "reference",
    )
    try:
        chosen = {field: getattr(asked, field).strip() for field in (*fields, "owner")}
        columns = tuple(assigned(look.columns, chosen_in(asked, look.columns)))
        chosen["facet"] = dict(enumerate(one.name for one in columns)).get(number_in(asked.facet), "")
        return Draft(columns=columns, monitors=tuple(asked.monitor), **chosen), []
    except ValidationError as error:
        return None, [misfit(entry["loc"], entry["msg"]) for entry in error.errors()]


def misfit(place: Sequence[str | int], message: str) -> Misfit:
    """What pydantic says of a field, in words of the form."""
    field = FIELDS.get(str(place[0]), str(place[0]))
    said = message.removeprefix("Value error, ")
    return Misfit(field, said if "${" in said else WORDS.get(field, said))
