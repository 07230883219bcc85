"""How a monitor's State, constraints and findings are written as JSON files, and constraints read back."""

from __future__ import annotations

import json
import math
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, Protocol, TypeVar

from model_monitor.core.constraints import Constraint, Finding
from model_monitor.core.monitor import Monitor
from model_monitor.core.states import State
from model_monitor.errors import ConfigError

Document = dict[str, Any]

STATISTICS = "statistics.json"
CONSTRAINTS = "constraints.json"
ANALYSIS = "analysis.json"  # statistics and constraints at once, of bias and of feature attributions
VIOLATIONS = "constraint_violations.json"
EXECUTION = "execution.json"

LABEL_METRICS = ("requests", "matched", "unmatched", "records", "duplicates", "late", "mismatched", "coverage")

S = TypeVar("S", bound=State, contravariant=True)


class Documents(Protocol[S]):
    """The base class of the documents of a kind of monitor."""

    @property
    def statistics_name(self) -> str:
        """The name of the file of ``statistics``."""
        return STATISTICS

    @property
    def constraints_name(self) -> str:
        """The name of the file of ``suggested``; the same as that of ``statistics`` if one file is both."""
        return CONSTRAINTS

    @abstractmethod
    def statistics(self, state: S, constraints: Sequence[Constraint] = ()) -> Document:
        """``statistics.json`` of a State; what the constraints expect and the State lacks is listed as empty."""

    @abstractmethod
    def suggested(self, state: S) -> Document:
        """``constraints.json`` as suggested from a State."""

    @abstractmethod
    def constraints(self, statistics: Document | None, constraints: Document | None) -> list[Constraint]:
        """The constraints that a baseline's two files ask for; either may be absent. Raises ConfigError."""

    @abstractmethod
    def violations(self, findings: Sequence[Finding], state: S) -> Document:
        """``constraint_violations.json``: an entry per violated finding, an empty list if there is none."""

    def details(self, finding: Finding, state: S) -> Document:
        """What ``execution.json`` says of a finding beyond its numbers; {} for nothing."""
        return {}

    @property
    def reports_labels(self) -> bool:
        """Whether ``statistics.json`` counts the labels of the window; SageMaker's does not."""
        return True

    def ground_truth(self, labels: Mapping[str, Any]) -> Document:
        """The member of ``statistics.json`` about the window's labels; {} to write none."""
        return {"ground_truth": {name: labels[name] for name in LABEL_METRICS}} if self.reports_labels else {}

    def informed(self, statistics: Document | None) -> Monitor[Any] | None:
        """The monitor that reads a window as the rows of a baseline's ``statistics.json`` were read; None if that is
        the monitor as it is. Raises ConfigError."""
        return None

    @property
    def matches_by_position(self) -> bool:
        """Whether even columns with names of their own are matched with the baseline by position."""
        return False

    def column_names(self, statistics: Document | None, constraints: Document | None) -> list[str]:
        """The columns that a baseline knows, in its order; [] if it names none."""
        return []


def encode(document: Document) -> bytes:
    """JSON text as bytes: an entry of each list of the outermost object on a line of its own; never NaN."""

    def compact(value: Any) -> str:
        return json.dumps(value, ensure_ascii=False, allow_nan=False)

    def member(value: Any) -> str:
        entries = ",\n".join(compact(entry) for entry in value) if isinstance(value, list) else ""
        return f"[\n{entries}\n]" if entries else compact(value)

    return ("{" + ",\n".join(f"{compact(key)}: {member(value)}" for key, value in document.items()) + "}\n").encode()


def decode(content: bytes, address: str) -> Document:
    """A JSON object from a file's bytes. Raises ConfigError that names the file."""
    try:
        document = json.loads(content)
        json.dumps(document, ensure_ascii=False).encode()  # a lone surrogate could be read, and never written again
    except RecursionError as error:
        raise ConfigError(f"{address}: not JSON that can be read: nested too deeply") from error
    except ValueError as error:
        raise ConfigError(f"{address}: not JSON: {error}") from error
    if not isinstance(document, dict):
        raise ConfigError(f"{address}: a JSON object is expected, not {type(document).__name__}")
    return document


def in_front(segment: Mapping[str, str]) -> str:
    """What stands in front of a text about some rows: the segment, as column and value; "" if it is about all rows."""
    return "".join(f"[{column}={value}] " for column, value in segment.items())


def number(value: float | None) -> float | None:
    """A number that JSON can hold, else None."""
    return float(value) if value is not None and math.isfinite(value) else None
