"""How does a page become HTML? Templates escape names and values, and an undefined one is an error."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jinja2 import Environment


@cache
def environment_of(package: str) -> Environment:
    """The templates of a package, in its folder ``templates``; filters and globals are for the caller to add."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    return Environment(
        loader=PackageLoader(package), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
