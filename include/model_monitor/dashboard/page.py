"""A page: where it is, what it shows, and what it may be asked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

Name = Annotated[str, StringConstraints(max_length=20_000, pattern=r"^[^\x00]*$")]  # what a query may ask for
Why = Annotated[str, StringConstraints(max_length=1000, strip_whitespace=True)]  # what a person did something


def in_utc(time: datetime) -> datetime:
    """A moment in UTC, of a year that windows may have. Raises ValueError."""
    if not 1970 < time.year < 3000:
        raise ValueError("no window is so early or late")
    return (time if time.tzinfo else time.replace(tzinfo=UTC)).astimezone(UTC)


Moment = Annotated[datetime, AfterValidator(in_utc)]
Number = Annotated[int, Field(ge=1, le=1000)]  # of a page of a long list


class Shown(BaseModel):
    """What a page shows: its JSON, and all that its template knows."""

    model_config = ConfigDict(frozen=True)


@dataclass(frozen=True)
class Page:
    """A page of the dashboard.

    ``view`` takes the visit, and by name what the path and the query hold; it has annotations for all of them.
    ``label`` is its name in the navigation; "" if it has no place there. ``adds``: it is only for those who may add
    endpoints, and so in no static site.
    """

    name: str
    path: str
    view: Callable[..., Shown]
    template: str
    label: str = ""
    adds: bool = False


@dataclass(frozen=True)
class File:
    """A self-contained page that was written with a report; ``view`` takes what a page's does, and gives its bytes."""

    name: str
    path: str
    view: Callable[..., bytes]
