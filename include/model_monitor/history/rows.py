"""Turn what a report says into rows of the tables; pure, so that writing now and rebuilding later give the same.

Findings on what the baseline lacks have no row, only a share in the count ``undefined``: they may name a text of a few
requests, which retention takes out of reports and could not take out of here.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from model_monitor.core.distances import is_closeness
from model_monitor.core.window import moment
from model_monitor.results.anonymous import NEWCOMER
from model_monitor.results.documents.protocol import Document
from model_monitor.results.reading import Report
from model_monitor.store import name_of
from model_monitor.store.addresses import parent_of

Row = dict[str, Any]
Key = tuple[str, str | None, str | None]  # measure, column, segment

WORST_FIRST = ("violated", "holds", "undefined")  # of several findings on one number


def segment_text(segment: Mapping[str, str]) -> str | None:
    """A segment as a JSON object, outermost column first; None for all rows."""
    return json.dumps(segment, ensure_ascii=False) if segment else None


def series_of(name: str, column: str | None = None, segment: str | None = None) -> int:
    """The number of a metric's series: the first 64 bits, signed, of the SHA-256 of its name, column and segment.

    >>> series_of("f1")
    5473323328154679775
    """
    digest = hashlib.sha256(json.dumps([name, column, segment]).encode()).digest()
    return int.from_bytes(digest[:8], "big", signed=True)


def execution_row(report: Report, folder: str) -> Row:
    """The values of a row of ``executions``, but for its schedule."""
    document, counts = report.execution, report.execution["counts"]
    return {
        "window_start": report.window.start,
        "window_end": report.window.end,
        **{name: counts[name] for name in ("records", "duplicates", "rejected", "judged", "unusable")},
        "undefined": document["undefined"],
        "baseline": baseline_of(document.get("baseline") or {}),
        "report": folder,
        "digest": report.digest,
        **verdict_row(document),
    }


def verdict_row(document: Document) -> Row:
    """What ``verdicts`` and ``executions`` both say: status and labels."""
    labels = document.get("labels") or {}
    return {
        "status": document["status"],
        "reason": document["reason"],
        "violations": document["violations"],
        "label_state": labels.get("state"),
        "label_coverage": labels.get("coverage"),
        "labels_as_of": when(labels.get("as_of")),
    }


def when(text: str | None) -> datetime | None:
    return moment(text) if text else None


def baseline_of(addresses: Mapping[str, str | None]) -> str | None:
    """The version of a baseline, by the addresses of its files; an address where the schedule names files.

    >>> baseline_of({"constraints": "s3://b/out/_baselines/churn/dq/0c1d/constraints.json"})
    '0c1d'
    """
    address = addresses.get("constraints") or addresses.get("statistics")
    if not address:
        return None
    place = address.partition("?")[0]
    return name_of(parent_of(place)) if "/_baselines/" in place else place


def finding_rows(report: Report) -> list[Row]:
    """The values of rows of ``findings``, but for their execution."""
    allowed = {key_of(entry): (entry.get("at_least"), entry.get("at_most")) for entry in report.measures}
    rows: list[Row] = []
    for finding in report.execution["findings"]:
        if finding["measure"] != NEWCOMER:
            low, high = threshold_of(finding, allowed.get(key_of(finding)))
            rows.append(
                {
                    "position": len(rows),
                    "check_name": finding["check"],
                    "measure": finding["measure"],
                    "column_name": finding["column"],
                    "segment": segment_text(finding["segment"]),
                    "outcome": finding["outcome"],
                    "observed": finding["observed"],
                    "threshold_low": low,
                    "threshold_high": high,
                    "noise_floor": finding["noise_floor"],
                    "distance": finding.get("distance"),
                    "reason": finding["reason"],
                }
            )
    return rows


def key_of(entry: Document) -> Key:
    return entry["measure"], entry["column"], segment_text(entry["segment"])


def threshold_of(
    finding: Document, allowed: tuple[float | None, float | None] | None
) -> tuple[float | None, float | None]:
    """The least and the greatest value that a finding's bound allows. ``execution.json`` does not tell which of both a
    single number is: a distance is bounded above, a closeness and the share of a distribution below, a number as
    ``allowed`` says.

    >>> threshold_of({"threshold": 0.9, "distance": "ndcg"}, None)
    (0.9, None)
    >>> threshold_of({"threshold": 0.1, "distance": "kolmogorov_smirnov"}, None)
    (None, 0.1)
    """
    threshold = finding["threshold"]
    if isinstance(threshold, list):
        return threshold[0], threshold[1]
    if threshold is None:
        return None, None
    low, high = allowed or (None, None)
    if distance := finding.get("distance"):
        return (threshold, None) if is_closeness(distance) else (None, threshold)
    is_above = high is not None and threshold >= high and threshold != low
    return (None, threshold) if is_above else (threshold, None)


def metric_rows(report: Report, findings: Iterable[Row]) -> list[Row]:
    """The values of rows of ``metrics``, but for execution and schedule: each number of the window with the worst
    finding on it; then what findings observed of distributions, such as their drift, named by the check."""
    judged: dict[Key, Row] = {}
    for finding in sorted(findings, key=lambda row: WORST_FIRST.index(row["outcome"])):
        judged.setdefault((finding["measure"], finding["column_name"], finding["segment"]), finding)
    rows = []
    for entry in report.measures:
        finding = judged.get(key_of(entry), {})
        ends = {name: entry.get(name) for name in ("value", "low", "high", "reason")}
        rows.append(
            metric(key_of(entry), finding)
            | ends
            | {
                "row_count": entry.get("rows"),
                "threshold_low": entry.get("at_least"),
                "threshold_high": entry.get("at_most"),
            }
        )
    measured = {key_of(entry) for entry in report.measures}
    for finding in findings:
        key = finding["measure"], finding["column_name"], finding["segment"]
        if key not in measured and finding["observed"] is not None:
            rows.append(metric((finding["check_name"], *key[1:]), finding) | {"value": finding["observed"]})
    return [row | {"position": position} for position, row in enumerate(rows)]


def metric(key: Key, finding: Mapping[str, Any]) -> Row:
    """A metric without its number."""
    name, column, segment = key
    taken = ("threshold_low", "threshold_high", "noise_floor", "outcome")
    return {
        "series": series_of(name, column, segment),
        "name": name,
        "column_name": column,
        "segment": segment,
        **dict.fromkeys(("value", "low", "high", "row_count", "reason")),
        **{field: finding.get(field) for field in taken},
    }
