"""What does a report mean for the people who look after a model: is there trouble, of which cause, how severe?"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any

from model_monitor.alerts.machine import SCHEMA, SEVERITIES, Outcome
from model_monitor.config.alerts import UNJUDGED
from model_monitor.core.distances import DISTANCES
from model_monitor.core.window import Window
from model_monitor.errors import printable
from model_monitor.results import execution as executions

Document = Mapping[str, Any]
IsMuted = Callable[[str | None, str, str, date], bool]  # of a column, a check, a measure, and the window's last day

STRONG = 2.0  # times the bound, or the same part of it: a strong effect
SCHEMA_CHECKS = frozenset({"missing_column_check", "extra_column_check", "data_type_check"})
RULES_CHECK = "expectation_check"
STALE_CHECK = "stale_baseline_check"
CAUSES = {"data_quality": "data", "model_quality": "quality", "expectations": "rules"}  # of the others their own name
LONGEST_CAUSE = 200


def outcome_of(document: Document, severities: Mapping[str, int], is_muted: IsMuted) -> Outcome | None:
    """The outcome that ``execution.json`` stands for; None if nothing can be told of it. Of rows that can't be judged,
    for lack of a baseline or because labels may still come, it says only that they are there.

    ``severities`` are those of kinds of trouble without their effect, as indices.
    """
    schedule, window = document["schedule"], Window.of(**document["window"])
    match document["status"]:
        case executions.COMPLETED:
            trouble = "stale_baseline" if is_stale(document) else ""
            return Outcome(schedule, window, trouble, severity=severities[trouble] if trouble else 0)
        case executions.WITH_VIOLATIONS:
            found = violated(document, window, is_muted)
            return Outcome(
                schedule,
                window,
                "violations" if found else "",
                cause_of(document["monitor"], found),
                frozenset(subject_of(finding) for finding in found),
                raised(severities["violations"], found),
            )
        case executions.NO_DATA:
            return Outcome(schedule, window, "no_data", severity=severities["no_data"])
        case executions.LABELS_PENDING if document["labels"]["over"]:
            return Outcome(schedule, window, "labels_pending", severity=severities["labels_pending"])
        case executions.FAILED:
            cause = reason_in_general(document["reason"], schedule)
            return Outcome(schedule, window, "failed", cause, severity=severities["failed"])
    return Outcome(schedule, window, UNJUDGED) if document["counts"]["judged"] else None


def is_stale(document: Document) -> bool:
    """Whether the baseline was too old to judge by."""
    return any(found["check"] == STALE_CHECK and found["outcome"] != "holds" for found in document["findings"])


def violated(document: Document, window: Window, is_muted: IsMuted) -> list[Document]:
    """The violations that people are told of, the strongest first."""
    day = window.end.date()
    found = [
        finding
        for finding in document["findings"]
        if finding["outcome"] == "violated"
        and not is_muted(finding["column"], finding["check"], finding["measure"], day)
    ]
    return sorted(found, key=lambda finding: (finding["check"] not in SCHEMA_CHECKS, -times_beyond(finding)))


def cause_of(monitor: str, found: Sequence[Document]) -> str:
    """The reason in general, the same for all schedules with that reason. A change of the schema explains all else."""
    checks = {finding["check"] for finding in found}
    if not checks:
        return ""
    if checks & SCHEMA_CHECKS:
        return SCHEMA
    return "rules" if checks == {RULES_CHECK} else CAUSES.get(monitor.replace("-", "_"), monitor)


def subject_of(finding: Document) -> str:
    """The column, group or metric that a finding is about."""
    return printable(str(finding["column"] or finding["measure"]))


def reason_in_general(reason: str, schedule: str) -> str:
    """A failure's reason without what differs between schedules and windows: names, addresses and numbers.

    >>> reason_in_general("out/churn/dq/2026: 12 rows of dq can't be read", "dq")
    "…: … rows of … can't be read"
    """
    words = (word if not strange(word, schedule) else "…" + ":" * word.endswith(":") for word in reason.split())
    return printable(" ".join(words))[:LONGEST_CAUSE]


def strange(word: str, schedule: str) -> bool:
    return "/" in word or schedule in word or any(letter.isdigit() for letter in word)


def raised(severity: int, found: Sequence[Document]) -> int:
    """One level more for a strong effect. Rules that their author calls only info, one level less."""
    if any(finding["check"] in SCHEMA_CHECKS or times_beyond(finding) >= STRONG for finding in found):
        return min(severity + 1, len(SEVERITIES) - 1)
    is_mild = bool(found) and all(finding.get("severity") == "info" for finding in found)
    return max(severity - 1, 0) if is_mild else severity


def times_beyond(finding: Document) -> float:
    """How many times a number is its bound, or its bound the number, >= 1; 1 where that can't be told.

    >>> times_beyond({"observed": 0.3, "threshold": 0.1}), times_beyond({"observed": 0.2, "threshold": [0.5, 0.9]})
    (3.0, 2.5)
    """
    observed, threshold = finding["observed"], finding["threshold"]
    bounds = threshold if isinstance(threshold, list | tuple) else [threshold]
    numbers = [abs(bound) for bound in bounds if isinstance(bound, int | float)]
    distance = DISTANCES.get(finding.get("distance") or "")
    if not isinstance(observed, int | float) or not numbers or (distance and distance.is_p_value):
        return 1.0
    value = abs(observed)
    ratios = [max(value, bound) / min(value, bound) for bound in numbers if min(value, bound) > 0]
    return round(min(ratios), 9) if ratios else 1.0
