"""How does a page become HTML? Templates escape names and values, and an undefined one is an error.

Characters of a text that are not printed, such as those that turn what follows them round, stand there as escapes. The
filter ``exact`` is for what a form sends back, and ``lines`` for a text of several lines.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from model_monitor.core.window import moment
from model_monitor.errors import inert, printable

if TYPE_CHECKING:
    from jinja2 import Environment


class Exact(str):
    """A text that a template writes as it is; characters of HTML are escaped as anywhere."""

    __slots__ = ()


@cache
def environment_of(package: str) -> Environment:
    """The templates of a package, in its folder ``templates``; more filters and globals are for the caller to add."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    made = Environment(
        loader=PackageLoader(package),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=written,
    )
    made.filters |= {"exact": exact, "lines": lambda text: Exact(inert(text))}
    return made


def written(value: Any) -> Any:
    """A value as a template writes it; HTML of our own is no plain text, and stays."""
    return printable(value) if type(value) is str else value


def minute(text: str | None) -> str:
    """A moment that is written in ISO 8601; another text as it is.

    >>> minute("2026-11-29T16:41:59.990917Z"), minute("yesterday"), minute(None)
    ('2026-11-29 16:41 UTC', 'yesterday', '–')
    """
    try:
        return f"{moment(text):%Y-%m-%d %H:%M} UTC" if text else "–"
    except ValueError:
        return printable(text or "")


def exact(value: Any) -> Any:
    return Exact(value) if isinstance(value, str) else value
