"""Up to which moment are an endpoint's captures deleted, and can a window still be judged?"""

from __future__ import annotations

from datetime import datetime

from model_monitor import store
from model_monitor.config import Endpoint
from model_monitor.core.window import HOUR, Window, floor_hour, iso, moment
from model_monitor.errors import ConfigError
from model_monitor.results.documents import decode, encode


def mark_of(endpoint: Endpoint) -> str:
    """The address of the file that holds the moment."""
    return store.join(endpoint.output, "_retention", endpoint.endpoint, endpoint.variant, "until.json")


def deleted_until(endpoint: Endpoint) -> datetime | None:
    """The moment before which all hours are deleted; None if nothing ever was."""
    address = mark_of(endpoint)
    try:
        return moment(decode(store.read(address), address)["until"])
    except FileNotFoundError:
        return None


def mark(endpoint: Endpoint, until: datetime) -> None:
    """Note that all hours before a moment are deleted; an earlier moment than the one noted changes nothing."""
    noted = deleted_until(endpoint)
    if noted is None or noted < until:
        store.write(mark_of(endpoint), encode({"until": iso(until)}))


def needs_deleted(endpoint: Endpoint, window: Window, until: datetime | None) -> bool:
    """Whether a window's rows come from captures of hours before ``until``, so can't be collected again."""
    return until is not None and floor_hour(window.start) - endpoint.capture.straggler_hours * HOUR < until


def refuse_deleted(endpoint: Endpoint, window: Window) -> None:
    """Raise ConfigError for a window some of whose captures or rows are deleted: the rest is not the whole window."""
    until = deleted_until(endpoint)
    if until and needs_deleted(endpoint, window, until):
        is_own = endpoint.source.expires
        gone = "captures" if is_own else "rows of hours"
        first = "If you brought its captures back" if is_own else f"As {endpoint.capture.uri} was left alone"
        again = "first" if is_own else "to judge it again"
        raise ConfigError(
            f"{window} can't be judged any more: {gone} before {iso(until)} were deleted, see retention_days. An "
            f"earlier report on it stays as it is. {first}, remove {mark_of(endpoint)} {again}"
        )
