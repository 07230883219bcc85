"""What happened to one schedule on one window? ``execution.json``, and what a person is told of it."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import msgspec

from model_monitor import __version__
from model_monitor.core.constraints import Between, Bound, Finding, Near, Unlearned, Within
from model_monitor.errors import printable
from model_monitor.results.documents.protocol import Document, in_front, number
from model_monitor.results.handover import PENDING, Evidence, SetAside

COMPLETED = "Completed"
WITH_VIOLATIONS = "CompletedWithViolations"
FAILED = "Failed"
NO_DATA = "NoData"
NO_BASELINE = "BaselineMissing"
UNDEFINED = "Undefined"  # there were rows, but no constraint found anything to judge
LABELS_PENDING = "LabelsPending"  # too few requests have a label to judge them

UNJUDGED = "unjudged"  # columns with values whose drift was not judged, and why

MAX_LINES = 20  # of violations in an alert; all are in the report
EXAMPLES = 20  # at most so many records set aside are listed; rejected/records.jsonl has more, and their text


def execution(
    about: Document,
    status: str,
    reason: str,
    evidence: Evidence,
    judged: int | None,
    findings: Sequence[Finding] = (),
    unusable: Mapping[str, int] = MappingProxyType({}),
    details: Callable[[Finding], Document] = lambda finding: {},
    notes: Sequence[str] = (),
) -> Document:
    """All there is to know, and nothing that another run over the same window would say otherwise: no clock, no host.

    ``judged`` is the number of rows that were looked at, None if it did not come to that; ``unusable`` are those of
    them that the monitor had to set aside, by reason; ``details`` says more of a finding than its numbers; ``notes``
    say in sentences how rows became what was judged, where a person should know.
    """
    collected, labels, explained = evidence.collected, evidence.labels, evidence.explained
    counts = {name: getattr(collected, name) for name in ("records", "rows", "duplicates", "rejected")}
    return {
        "version": 1,
        "status": status,
        "reason": reason,
        **about,
        "counts": counts | {"judged": judged, "unusable": sum(unusable.values())},
        **({"capture": collected.capture} if collected.capture else {}),
        **({"labels": msgspec.to_builtins(labels)} if labels else {}),
        **({"explained": {"rows": explained.rows, "of": explained.of}} if explained else {}),
        "unusable": dict(unusable),
        "rejected": {
            "reasons": evidence.reasons,
            "examples": [without_text(record) for record in evidence.kept[:EXAMPLES]],
        },
        **({"notes": list(notes)} if notes else {}),
        "violations": sum(f.outcome == "violated" for f in findings),
        "undefined": sum(f.outcome == "undefined" for f in findings),
        "findings": [written(f) | details(f) for f in findings],
        "inputs": msgspec.to_builtins(evidence.inputs),
        "versions": {"model-monitor": __version__},
    }


def without_text(record: SetAside) -> Document:
    """Where a record is and why it was set aside; its text is only where retention deletes it."""
    return {"file": record.file, "line": record.line, "reason": record.reason, "time": record.time}


def written(finding: Finding) -> Document:
    """A finding as plain data: what was judged, the effect, the threshold and the noise floor."""
    constraint, bound = finding.constraint, finding.constraint.bound
    effect = {"distance": bound.distance} if isinstance(bound, Near) else {}
    return {
        "check": constraint.check,
        "measure": constraint.measure,
        "column": constraint.subject.column,
        "segment": dict(constraint.subject.segment),
        "outcome": finding.outcome,
        "observed": number(finding.observed),
        "threshold": threshold_of(bound),
        "noise_floor": number(finding.noise_floor),
        "p_value": number(finding.p_value),
        **({} if finding.windows is None else {"past_windows": finding.windows}),
        **effect,
        "reason": finding.reason,
    }


def threshold_of(bound: Bound) -> float | list[float] | None:
    """The number that a bound compares with, or both ends of what it allows; None if the baseline had none."""
    if isinstance(bound, Unlearned):
        return None
    if isinstance(bound, Between):
        sides = [side for side in (bound.low, bound.high) if side is not None and math.isfinite(side)]
        return sides if len(sides) > 1 else next(iter(sides), None)
    return bound.at_least if isinstance(bound, Within) else bound.threshold


def summary(document: Document, report: str, violations: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """What a person is told: one line, and a line per violation, up to ``MAX_LINES``."""
    window, status = f"{document['window']['start']}/{document['window']['end']}", document["status"]
    rows, rejected = document["counts"]["judged"] or 0, document["counts"]["rejected"]
    counts = f"{rows} rows{captured_in_short(document.get('capture'))}, {counted(document['violations'], 'violation')}"
    message = f"{document['schedule']} {window}: {status}, {counts}"
    message += f", {counted(rejected, 'record')} set aside" if rejected else ""
    message += f", {counted(document['counts']['unusable'], 'row')} unusable" if document["counts"]["unusable"] else ""
    message += labels_in_short(document.get("labels"))
    message += undefined_in_short(document)
    message += ", judged by a stale baseline" if document.get("baseline", {}).get("stale") else ""
    lines = sentences(document) or list(map(line, violations))
    more = [f"and {len(lines) - MAX_LINES} more in {report}"] if len(lines) > MAX_LINES else []
    return {
        "status": status,
        "judged": status in (COMPLETED, WITH_VIOLATIONS),
        "rows": rows,
        "violations": document["violations"],
        "rejected": rejected,
        **{name: document[name] for name in ("capture", "labels") if name in document},
        "report": report,
        "window": window,
        "message": printable(f"{message}. {document['reason']}".rstrip(". ") + "."),
        "details": [printable(text) for text in [*lines[:MAX_LINES], *more, *document.get("notes", [])]],
    }


def sentences(document: Document) -> list[str]:
    """What was violated, each in a sentence."""
    return [finding["sentence"] for finding in document["findings"] if "sentence" in finding]


def counted(n: int, noun: str) -> str:
    """
    >>> counted(1, "row"), counted(0, "row")
    ('1 row', '0 rows')
    """
    return f"{n} {noun}{'' if n == 1 else 's'}"


def they_name(labels: int) -> str:
    """
    >>> they_name(1), they_name(2)
    ('1 label names', '2 labels name')
    """
    return f"{counted(labels, 'label')} name{'s' if labels == 1 else ''}"


def set_aside_in_short(document: Document) -> str:
    """What was not judged, as parts of a sentence: the reasons are in the report."""
    rejected, unusable = document["counts"]["rejected"], document["counts"]["unusable"]
    description = f", {counted(rejected, 'record')} set aside" if rejected else ""
    description += f", {counted(unusable, 'row')} unusable ({', '.join(document['unusable'])})" if unusable else ""
    return description + labels_in_short(document.get("labels"))


def undefined_in_short(document: Document) -> str:
    """How many checks found nothing to judge, and why the first one did not, as a part of a sentence; "" if none."""
    undefined = counted(document["undefined"], "check")
    return f", {undefined} undefined{why_undefined(document)}" if document["undefined"] else ""


def why_undefined(document: Document) -> str:
    """Why the first undefined check is, in brackets; "" where the status says it already."""
    first = next((finding for finding in document["findings"] if finding["outcome"] == "undefined"), None)
    if first is None or first["reason"] in document["reason"]:
        return ""
    column = first["column"]
    return f" ({first['reason']})" if not column or column in first["reason"] else f" ({column}: {first['reason']})"


def captured_in_short(capture: Document | None) -> str:
    """At which percentage rows were captured, and of about how many requests, as a part of a sentence; "" where every
    request was."""
    if not capture:
        return ""
    percentages = list(capture["sampling"])
    at = f"{percentages[0]} %" if len(percentages) == 1 else f"{percentages[0]} to {percentages[-1]} %"
    of = f", of about {capture['requests']} requests" if "requests" in capture else ""
    return f" captured at {at}{of}"


def labels_in_short(labels: Document | None) -> str:
    """How far labels have come, as a part of a sentence; "" where none are needed."""
    if not labels or labels["coverage"] is None:
        return ""
    bad = labels["rejected"] + labels["mismatched"]
    set_aside = f", {counted(bad, 'label')} set aside" if bad else ""
    misnamed = f", {they_name(labels['misnamed'])} {labels['mismatch']}" if labels.get("misnamed") else ""
    known = "" if labels["state"] == PENDING else misnamed  # else the reason says it
    return f", labels {labels['state']} ({labels['matched']} of {labels['requests']} requests){set_aside}{known}"


def line(violation: dict[str, Any]) -> str:
    """An entry of ``constraint_violations.json`` in one line: its segment, what it is about, the check, the words."""
    segment = in_front(violation.get("segment", {}))
    about = violation.get("feature_name") or violation.get("metric_name", "")
    words = violation["description"].removeprefix(segment)
    return f"{segment}{about}: {violation['constraint_check_type']}: {words}"
