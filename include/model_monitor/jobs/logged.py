"""What a verb did, in a line for the log of its task: how much it read, what it set aside, and where things are."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence

from model_monitor.core.window import Window
from model_monitor.errors import printable
from model_monitor.results.documents.protocol import Document
from model_monitor.results.execution import (
    MAX_LINES,
    counted,
    set_aside_in_short,
    undefined_in_short,
)
from model_monitor.results.handover import Collected, Labels, Merged

log = logging.getLogger("model_monitor.jobs")

REASONS = 5  # for setting aside that a line names


def say(*sentences: str) -> None:
    """Log sentences in one line."""
    log.info("%s", printable(". ".join(sentences)))


def say_collected(what: Window | str, collected: Collected) -> None:
    """Records and rows that were read, from which files, and where the rows are."""
    files = [one.file for one in collected.inputs]
    read = f"{what}: {counted(collected.records, 'record')} read from {counted(len(files), 'file')}{span_of(files)}"
    repeated = f", {collected.duplicates} repeated" if collected.duplicates else ""
    rows = f"{counted(collected.rows, 'row')}{repeated}{set_aside(collected.rejected, collected.reasons)}"
    targets = [address for address in collected.partitions if address]
    say(read, rows + (f", in {counted(len(targets), 'file')}{span_of(targets)}" if targets else ""))


def say_merged(window: Window, merged: Merged, address: str) -> None:
    """Labels that were read, and how many requests have one."""
    labels = merged.labels
    if labels is None:
        return
    files = [address for address, _, _ in merged.label_files]
    read = f"{window}: {counted(labels.files, 'label file')}{span_of(files)} in {labels.source}"
    say(read, matched(labels) + set_aside(labels.rejected + labels.mismatched, merged.reasons), f"Summary: {address}")


def say_judged(window: Window, document: Document, report: str, sentences: Sequence[str]) -> None:
    """What came of a window: its status, each violation in ``sentences``, and notes."""
    count, rows = document["violations"], counted(document["counts"]["judged"] or 0, "row")
    short = set_aside_in_short(document) + undefined_in_short(document)
    why = [document["reason"]] if document["reason"] else []
    status = f"{window}: {document['status']}, {rows}, {counted(count, 'violation')}{short}"
    say(status, *why, f"Report: {report}")
    for sentence in sentences[:MAX_LINES]:
        say(sentence)
    for note in document.get("notes", [])[:MAX_LINES]:
        say(f"Note: {note}")


def matched(labels: Labels) -> str:
    more = f", {labels.unjoined} labels of none of them" if labels.unjoined else ""
    return f"{labels.matched} of {labels.requests} requests have a label: {labels.state}{more}"


def set_aside(count: int, reasons: Mapping[str, int]) -> str:
    """How many were set aside, and why; "" if none was."""
    if not count:
        return ""
    why = "; ".join(f"{reason} ({n})" for reason, n in list(reasons.items())[:REASONS])
    return f", {count} set aside: {why}" if why else f", {count} set aside"


def span_of(addresses: Sequence[str]) -> str:
    """The first and the last of some addresses."""
    if not addresses:
        return ""
    return f" ({addresses[0]})" if len(addresses) == 1 else f" ({addresses[0]} to {addresses[-1]})"
