"""What do the endpoint files say of what a person looks at? Names of values, and which of them are private."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from model_monitor.config.endpoint import Endpoint
from model_monitor.config.neighbours import canonical
from model_monitor.jobs.drafts.looking import Look
from model_monitor.jobs.drafts.roles import Column


def known_at(look: Look, endpoints: Iterable[Endpoint]) -> Endpoint | None:
    """The endpoint whose requests a person looks at; None if it is a new one."""
    for known in endpoints:
        is_same = look.kind != "endpoint" or (known.endpoint, known.variant) == (look.endpoint, look.variant)
        if known.capture.kind == look.kind and is_same and canonical(known.capture.uri) == canonical(look.uri):
            return known
    return None


def informed(look: Look, endpoints: Sequence[Endpoint]) -> Look:
    """A look with the names that an endpoint's file gives its values, and without what is seen of private columns: of
    those that any file calls so."""
    known = known_at(look, endpoints)
    private = {name for endpoint in endpoints for name in endpoint.columns.private}
    columns = named(look.columns, known) if known else look.columns
    return replace(look, columns=tuple(one.hidden() if one.name in private else one for one in columns))


def named(columns: Sequence[Column], known: Endpoint) -> tuple[Column, ...]:
    """Columns under the names that a file declares, by position on their side."""
    left = {"output": iter(known.columns.outputs), "input": iter(known.columns.inputs), "": iter(())}
    return tuple(
        column if column.has_own_name else replace(column, name=next(left[column.side], column.name))
        for column in columns
    )
