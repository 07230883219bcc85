"""What reports say of trailing spans and references: beside a window's own findings, each under a name of its own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from model_monitor.core.constraints import Finding
from model_monitor.results.documents.protocol import Document, Documents
from model_monitor.results.execution import written
from model_monitor.verdicts.earlier import Reference
from model_monitor.verdicts.trailing import Trailing
from model_monitor.verdicts.verdict import Beside

OVER, AGAINST = " over ", " against "  # between the name of a check, or a measure, and that of a span or a reference


def add_to(document: Document, beside: Sequence[Beside], details: Callable[[Beside, Finding], Document]) -> None:
    """Add what was found of spans and references to an ``execution.json``; what could not be judged is left out."""
    judged = [one for one in beside if one.counts]
    for kind in ("spans", "references"):
        if abouts := [about_of(one) for one in judged if kind_of(one) == kind]:
            document[kind] = abouts
    for one in judged:
        findings = [finding for finding in one.findings if finding.outcome != "undefined"]
        document["findings"] += [entry_of(one, finding, details) for finding in findings]
        document["violations"] += sum(finding.outcome == "violated" for finding in findings)


def kind_of(one: Beside) -> str:
    return "references" if isinstance(one.of, Reference) else "spans"


def about_of(one: Beside) -> Document:
    """How long a span is, or what a reference is called, and of how many windows and rows."""
    if isinstance(one.of, Reference):
        return {"name": one.of.name, "windows": one.of.windows, "rows": one.of.observed.rows}
    span = one.of
    return {"length": span.name, "windows": span.windows, "missing": span.missing, "rows": span.observed.rows}


def name_of(of: Trailing | Reference) -> str:
    """What follows the name of a check, or a measure."""
    return f"{AGAINST if isinstance(of, Reference) else OVER}{of.name}"


def entry_of(one: Beside, finding: Finding, details: Callable[[Beside, Finding], Document]) -> Document:
    """A finding as plain data, under names that no finding of a window has."""
    entry = written(finding) | details(one, finding)
    named = {name: f"{entry[name]}{name_of(one.of)}" for name in ("check", "measure")}
    sentence = {"sentence": f"{entry['sentence']}, {one.of.words}"} if "sentence" in entry else {}
    about = {"reference" if isinstance(one.of, Reference) else "span": one.of.name}
    return entry | named | sentence | about


def with_violations(found: Document, beside: Sequence[Beside], documents: Documents[Any]) -> Document:
    """``constraint_violations.json`` of a window, of its spans, and against its reference."""
    entries = [
        entry | renamed(entry, one)
        for one in beside
        if one.counts
        for entry in documents.violations(one.findings, one.observed.state)["violations"]
    ]
    return found | {"violations": [*found["violations"], *entries]} if entries else found


def renamed(entry: Document, one: Beside) -> Document:
    check = f"{entry['constraint_check_type']}{name_of(one.of)}"
    return {"constraint_check_type": check, "description": f"{capitalized(one.of.words)}: {entry['description']}"}


def capitalized(text: str) -> str:
    return text[:1].upper() + text[1:]
