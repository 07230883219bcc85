"""The share of rows that a monitor could use, in its files: as a baseline has it, and where it is violated."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from model_monitor.core.constraints import Finding
from model_monitor.core.measures import Share
from model_monitor.core.monitor import USABLE
from model_monitor.errors import ConfigError
from model_monitor.monitors.set_aside import Usable
from model_monitor.results.documents.protocol import Document
from model_monitor.results.documents.words import describe


def usable_in(document: Mapping[str, Any], usable: int, set_aside: int) -> Usable:
    """How many of a baseline's rows were usable, or the least share if a person wrote one into the file that is edited,
    as its member ``usable_rows``. Raises ConfigError."""
    least = document.get(USABLE)
    if least is None:
        return {USABLE: Share(usable, usable + set_aside)}
    if isinstance(least, bool) or not isinstance(least, int | float) or not 0 <= least <= 1:
        raise ConfigError(f"'{USABLE}' is the least share of rows that can be used, from 0 to 1, not {least!r:.40}")
    return {USABLE: float(least)}


def violation(finding: Finding) -> Document:
    """The entry of ``constraint_violations.json``."""
    constraint = finding.constraint
    words = describe(constraint.check, constraint.measure, constraint.bound, finding.observed or 0.0)
    return {"metric_name": constraint.measure, "constraint_check_type": constraint.check, "description": words}
