"""What did a person choose for each column, and which of them does the form show at once?

Of very many columns a part is shown: so many in a row, of those that a search finds. What was chosen for the others is
kept beside it, and only where it is not what was guessed, so that form and address stay small.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from model_monitor.dashboard.page import Name, Shown
from model_monitor.jobs.drafts.draft import Assigned
from model_monitor.jobs.drafts.looking import COLUMNS
from model_monitor.jobs.drafts.roles import ROLES, Column

PART = 100  # columns that are shown at once
GROUPS = 20  # values of a column that may tell groups apart
FACETS = 200  # columns that are proposed to tell groups apart


Texts = Annotated[list[Name], Field(max_length=COLUMNS)]


class OfColumns(BaseModel):
    """What the form asks about columns.

    at: the numbers of the columns that it showed, from 0 on. role: of each of them; "" for what was guessed. column:
    the names of those that have none of their own. private: numbers of columns. kept: what was chosen for others, such
    as "7 role ignore". find, part: which columns to show.
    """

    model_config = ConfigDict(frozen=True)

    at: Texts = []
    role: Texts = []
    column: Texts = []
    private: Texts = []
    kept: Texts = []
    find: Name = ""
    part: Annotated[int, Field(ge=1, le=COLUMNS)] = 1


@dataclass(frozen=True)
class Chosen:
    """What a person chose for a column; "" for what was guessed."""

    name: str = ""
    role: str = ""
    private: bool = False


class Row(Shown):
    """A column of the first records, and what a person made of it. ``examples``: none of a private one."""

    number: int
    name: str
    was: str
    kind: str
    role: str
    guess: str
    examples: tuple[str, ...]
    missing: int
    distinct: int
    side: str
    is_named: bool
    private: bool
    always_private: bool


class Table(Shown):
    """The rows that are shown, the ``part`` of all ``found`` that they are from 1 on, of ``parts``; what is kept of
    other columns; and those that may tell groups apart, by number."""

    rows: tuple[Row, ...]
    found: int
    part: int
    parts: int
    kept: tuple[str, ...]
    facets: tuple[tuple[int, str], ...]


def number_in(text: str) -> int:
    """The number that a text is; -1 if it is none."""
    return int(text) if text.isdecimal() and len(text) < 5 else -1


def chosen_in(asked: OfColumns, columns: Sequence[Column]) -> Mapping[int, Chosen]:
    """What was chosen, by number. Without ``at``, the form showed all columns in their order."""
    shown = [i for i in map(number_in, asked.at) if 0 <= i < len(columns)] if asked.at else [*range(len(columns))]
    roles = dict(zip(shown, asked.role, strict=False))
    names = dict(zip((i for i in shown if not columns[i].has_own_name), asked.column, strict=False))
    private = set(map(number_in, asked.private))
    for text in asked.kept:
        place, kind, *value = [*text.split(" ", 2), ""]
        i = number_in(place)
        if kind == "private":
            private.add(i)
        elif kind in ("role", "name"):
            (roles if kind == "role" else names).setdefault(i, value[0])
    texts = {i: text.strip() for i, text in names.items() if i < len(columns) and text.strip() != columns[i].name}
    every = sorted(private | roles.keys() | texts.keys())
    return {i: Chosen(texts.get(i, ""), roles.get(i, "").strip(), i in private) for i in every if 0 <= i < len(columns)}


def assigned(columns: Sequence[Column], chosen: Mapping[int, Chosen]) -> Iterator[Assigned]:
    """The columns with the names and roles that a person gave them. Raises ValidationError."""
    for i, one in enumerate(columns):
        own = chosen.get(i, Chosen())
        yield Assigned(
            name=name_of(one, own), role=own.role or one.role, side=one.side, private=one.is_private or own.private
        )


def name_of(column: Column, chosen: Chosen) -> str:
    return column.name if column.has_own_name else chosen.name or column.name


def table(columns: Sequence[Column], chosen: Mapping[int, Chosen], find: str, part: int, facet: str) -> Table:
    """What the form shows of the columns."""
    names = [name_of(one, chosen.get(i, Chosen())) for i, one in enumerate(columns)]
    matches = [i for i, name in enumerate(names) if find.lower() in name.lower()]
    parts = max(1, -(-len(matches) // PART))
    part = min(max(part, 1), parts)
    visible = matches[PART * (part - 1) : PART * part]
    hidden = [text for i, own in chosen.items() if i not in visible for text in texts_of(i, own)]
    facets = [(i, names[i]) for i in facets_in(columns, chosen, number_in(facet))]
    rows = tuple(row(i, columns[i], chosen.get(i, Chosen())) for i in visible)
    return Table(rows=rows, found=len(matches), part=part, parts=parts, kept=tuple(hidden), facets=tuple(facets))


def texts_of(number: int, chosen: Chosen) -> Iterator[str]:
    """A choice as the form keeps it."""
    if chosen.name:
        yield f"{number} name {chosen.name}"
    if chosen.role:
        yield f"{number} role {chosen.role}"
    if chosen.private:
        yield f"{number} private"


def facets_in(columns: Sequence[Column], chosen: Mapping[int, Chosen], facet: int) -> list[int]:
    """The columns that may tell groups apart; of very many those with few values, and ``facet``."""
    fitting = [i for i, one in enumerate(columns) if (chosen.get(i, Chosen()).role or one.role) in ("input", "ignore")]
    if len(fitting) <= FACETS:
        return fitting
    likely = sorted(fitting, key=lambda i: (i != facet, not 2 <= columns[i].distinct <= GROUPS))
    return sorted(likely[:FACETS])


def row(number: int, one: Column, chosen: Chosen) -> Row:
    return Row(
        number=number,
        name=name_of(one, chosen),
        was=one.name,
        kind=one.kind,
        role=chosen.role if chosen.role in ROLES else one.role,
        guess=one.role,
        examples=one.examples,
        missing=one.missing,
        distinct=one.distinct,
        side=one.side,
        is_named=one.has_own_name,
        private=one.is_private or chosen.private,
        always_private=one.is_private,
    )
