"""A window that was judged, and what is said of the incidents that it is part of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from model_monitor.alerts.machine import Change, Incident, Outcome
from model_monitor.alerts.messages import Message, message_of, sentence
from model_monitor.core.window import Window, iso
from model_monitor.history.incidents import Place

if TYPE_CHECKING:
    from model_monitor.config.alerts import QuietHours


@dataclass(frozen=True)
class News:
    """A window that was judged. ``outcome`` is None if nothing can be told of it.

    ``about`` is its ``execution.json``, ``found`` the violations that count. ``tells``: whether people may be told.
    """

    schedule: str
    window: Window
    outcome: Outcome | None
    about: Mapping[str, Any]
    found: Sequence[Mapping[str, Any]] = ()
    tells: bool = False
    owner: str | None = None
    quiet: QuietHours | None = None
    links: Mapping[str, str] = field(default_factory=dict)

    @property
    def place(self) -> Place:
        return Place(self.about["endpoint"], self.about["variant"])


def describe(news: News, incident: Incident, change: Change) -> str:
    """A transition in a sentence; with numbers if it came with this window."""
    is_own = (change.key.schedule, change.key.start, change.key.end) == (
        news.schedule,
        news.window.start,
        news.window.end,
    )
    if is_own:
        return sentence(change.kind, incident, news.about, news.found)
    return in_general(news.place, incident, change)


def in_general(place: Place, incident: Incident, change: Change) -> str:
    """A transition in a sentence without numbers."""
    window = {"start": iso(change.key.start), "end": iso(change.key.end)}
    return sentence(change.kind, incident, {"endpoint": place.endpoint, "window": window, "status": ""}, ())


def message_about(news: News, event: str, incident: Incident, name: str) -> Message:
    """The message of a transition. ``name`` is the incident's."""
    message = message_of(event, incident, news.about, news.found)
    return message | {"incident": name, "owner": news.owner, "links": dict(news.links)}
