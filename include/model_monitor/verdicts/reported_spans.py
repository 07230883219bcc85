"""What reports say of trailing spans: beside the findings of the window, each under a name of its own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

from pydantic import TypeAdapter

from model_monitor.core.constraints import Finding
from model_monitor.results.documents.protocol import Document, Documents
from model_monitor.results.execution import written
from model_monitor.verdicts.verdict import OfSpan

OVER = " over "  # between the name of a check, or a measure, and the length of the span that it is about


def add_to(document: Document, spans: Sequence[OfSpan], details: Callable[[OfSpan, Finding], Document]) -> None:
    """Add what was found of spans to an ``execution.json``; what could not be judged of them is left out."""
    if not spans:
        return
    document["spans"] = [summary_of(one) for one in spans]
    for one in spans:
        judged = [finding for finding in one.findings if finding.outcome != "undefined"]
        document["findings"] += [entry_of(one, finding, details) for finding in judged]
        document["violations"] += sum(finding.outcome == "violated" for finding in judged)


def summary_of(one: OfSpan) -> Document:
    """How long a span is, and of how many windows and rows."""
    span = one.span
    about = {"windows": span.windows, "missing": span.missing, "rows": span.observed.rows}
    return {"length": iso(span.length), **about}


def entry_of(one: OfSpan, finding: Finding, details: Callable[[OfSpan, Finding], Document]) -> Document:
    """A finding as plain data, under names that no finding of a window has."""
    entry = written(finding) | details(one, finding)
    length = iso(one.span.length)
    named = {name: f"{entry[name]}{OVER}{length}" for name in ("check", "measure")}
    sentence = {"sentence": f"{entry['sentence']}, {one.span.words}"} if "sentence" in entry else {}
    return entry | named | sentence | {"span": length}


def with_violations(found: Document, spans: Sequence[OfSpan], documents: Documents[Any]) -> Document:
    """``constraint_violations.json`` of a window and of its spans."""
    entries = [
        entry | renamed(entry, one)
        for one in spans
        for entry in documents.violations(one.findings, one.span.observed.state)["violations"]
    ]
    return found | {"violations": [*found["violations"], *entries]} if entries else found


def renamed(entry: Document, one: OfSpan) -> Document:
    check = f"{entry['constraint_check_type']}{OVER}{iso(one.span.length)}"
    return {"constraint_check_type": check, "description": f"{capitalized(one.span.words)}: {entry['description']}"}


def capitalized(text: str) -> str:
    return text[:1].upper() + text[1:]


def iso(length: timedelta) -> str:
    """
    >>> iso(timedelta(days=1)), iso(timedelta(hours=6))
    ('P1D', 'PT6H')
    """
    return str(TypeAdapter(timedelta).dump_python(length, mode="json"))
