"""Since when is what a window violates violated? Read from the reports on the windows before it."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from model_monitor.config.execution import Execution
from model_monitor.core.window import iso
from model_monitor.errors import DataError
from model_monitor.jobs.past_windows import apart, observed_executions
from model_monitor.results.documents.protocol import Document
from model_monitor.results.reading import Report

MOST = 100  # reports that are read

Violation = tuple[str, str, str | None, str]  # check, measure, column, segment


def sentences_since(execution: Execution, document: Document) -> list[str]:
    """The sentence of each violation of a window's ``execution.json``, and since when it is one, if not only since this
    window."""
    sentences = {violation_in(one): one["sentence"] for one in document["findings"] if "sentence" in one}
    lasting, first = set(sentences), dict[Violation, str]()
    for earlier in islice(apart(before(execution), MOST), MOST if sentences else 0):
        lasting &= violated_in(earlier)
        if not lasting:
            break
        first |= dict.fromkeys(lasting, iso(earlier.window.start))
    return [sentence + (f", since {first[one]}" if one in first else "") for one, sentence in sentences.items()]


def before(execution: Execution) -> Iterator[Execution]:
    """The executions whose windows end before one begins, newest first."""
    for earlier in observed_executions(execution.past, execution.tick):
        if earlier.window.end <= execution.window.start:
            yield earlier


def violated_in(execution: Execution) -> set[Violation]:
    """What a window violates; nothing if its report is not there, or damaged."""
    try:
        report = Report.find(execution.report)
    except DataError:
        return set()
    findings = report.execution["findings"] if report else []
    return {violation_in(finding) for finding in findings if finding["outcome"] == "violated"}


def violation_in(finding: Document) -> Violation:
    return finding["check"], finding["measure"], finding["column"], str(sorted(finding["segment"].items()))
