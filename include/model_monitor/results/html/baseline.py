"""The page of a baseline's version: what is normal, why believe it, and what is asked of each window."""

from __future__ import annotations

from collections.abc import Sequence

from model_monitor.core.constraints import Constraint
from model_monitor.results.documents.protocol import Document
from model_monitor.results.execution import threshold_of
from model_monitor.results.html.pictures import Pictures
from model_monitor.results.html.rendering import minute
from model_monitor.results.html.report import MOST, reasons, template


def about(constraint: Constraint) -> str:
    """The column, or the number where it is about no column, with the segment."""
    name = str(constraint.subject)
    return name if constraint.subject.column is not None else f"{constraint.measure} {name}".strip()


def baseline_page(
    schedule: str, description: Document, constraints: Sequence[Constraint], files: Sequence[str], pictures: Pictures
) -> bytes:
    """The page about a ``baseline.json`` and its constraints, with pictures; ``files`` are the names beside it."""
    rows = [{"about": about(c), "check": c.check, "threshold": threshold_of(c.bound)} for c in constraints[:MOST]]
    facts = [
        ("Rows", f"{description['rows']:,}"),
        ("Records set aside", reasons(description["rejected"], description["reasons"])),
        ("Learned", minute(description["created"])),
        ("From", ", ".join(str(one["file"]) for one in description["inputs"][:3]) or "no file"),
        *(("Note", sentence) for sentence in description.get("odd_values", [])[:MOST]),
    ]
    page = template("baseline.html.j2").render(
        schedule=schedule,
        version=description["version"],
        monitor=description["monitor"],
        facts=facts,
        constraints=rows,
        more_constraints=len(constraints) - MOST,
        files=sorted(files),
        pictures=pictures,
    )
    return page.encode()
