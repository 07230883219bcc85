"""The page of a report: what changed, could it be chance, why believe it, and where to look next.

It is made of the report's own documents alone, so that the same window gives the same bytes. Everything is in the file:
no script, no font, no address that a browser would ask. Names and values are escaped.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

from model_monitor.core.window import moment
from model_monitor.errors import printable, without_middle
from model_monitor.results import execution as executions
from model_monitor.results.documents.protocol import Document
from model_monitor.results.html.pictures import Pictures
from model_monitor.results.html.rendering import environment_of, minute
from model_monitor.results.past_windows import judged_beside
from model_monitor.results.sentences import number

if TYPE_CHECKING:
    from jinja2 import Template

REPORT = "report.html"
NONE = Pictures()
STYLE = re.compile(rb"<style>(.*?)</style>", re.DOTALL)
CHART = re.compile(r'<svg\b[^>]* class="chart".*?</svg>', re.DOTALL)
FILE = re.compile(rb'<a href="([\w.-]+)">\1</a>')
LONGEST = 120  # characters of a name or a text in a table
MOST = 200  # rows of a table; the JSON files have all

STATES = {  # of an execution: how its page is coloured, and what it says
    executions.COMPLETED: ("healthy", "Healthy"),
    executions.WITH_VIOLATIONS: ("violated", "Violated"),
    executions.FAILED: ("failed", "Could not be judged"),
    executions.NO_DATA: ("nothing", "No data"),
    executions.NO_BASELINE: ("nothing", "No baseline yet"),
    executions.UNDEFINED: ("nothing", "Nothing could be judged"),
    executions.LABELS_PENDING: ("nothing", "Labels pending"),
}
ORDER = {"violated": 0, "undefined": 1, "holds": 2}


def report_page(
    execution: Document, measures: Sequence[Document], files: Sequence[str], pictures: Pictures = NONE
) -> bytes:
    """The page about an ``execution.json`` and the entries of ``measures.json``, with pictures; ``files`` are the names
    of the files beside it."""
    state, words = STATES.get(execution["status"], ("nothing", execution["status"]))
    findings = sorted(execution["findings"], key=lambda finding: (ORDER[finding["outcome"]], -beyond(finding)))
    page = template("report.html.j2").render(
        pictures=pictures,
        execution=execution,
        state=state,
        words=words,
        title=title_of(execution),
        sentences=executions.sentences(execution),
        findings=findings[:MOST],
        checks=checks_in_words(findings[:MOST], findings),
        more_findings=len(findings) - MOST,
        has_baseline=bool(execution.get("baseline")),
        numbers=[measure for measure in measures if measure["value"] is not None][:MOST],
        more_numbers=len(measures) - MOST,
        facts=facts_of(execution),
        files=sorted(files),
    )
    return page.encode()


def charts_in(page: bytes) -> tuple[str, ...]:
    """The large pictures of a page, as SVG elements for another page that has the charts' style."""
    return tuple(CHART.findall(page.decode()))


def without_files(page: bytes) -> bytes:
    """A page for a place that lacks the files beside it: their names are no links."""
    return FILE.sub(rb"\1", page)


def policy_of(page: bytes) -> str:
    """What a browser may do with a page, as a Content-Security-Policy: apply the page's own style, and nothing else."""
    return policy(b"".join(STYLE.findall(page)[:1]))


def policy(style: bytes) -> str:
    return f"default-src 'none'; style-src 'sha256-{base64.b64encode(hashlib.sha256(style).digest()).decode()}'"


def title_of(execution: Document) -> str:
    window = execution.get("window") or {}
    start, end = (moment(window[side]) for side in ("start", "end")) if window else (None, None)
    span = f", {start:%Y-%m-%d %H:%M} to {end:%Y-%m-%d %H:%M} UTC" if window else ""
    return f"{execution.get('schedule') or execution.get('monitor', '')}{span}"


def beyond(finding: Document) -> float:
    """How far a finding is beyond what was allowed, relative to it; 0.0 if that can't be told."""
    observed, limit = finding["observed"], finding["threshold"]
    if not isinstance(observed, float) or not isinstance(limit, int | float) or not limit:
        return 0.0
    return abs(observed - limit) / abs(limit)


def checks_in_words(shown: Sequence[Document], findings: Sequence[Document]) -> list[str]:
    """What each finding is a check of: with its measure, where the check has several of a column."""
    measures: dict[str, set[str]] = {}
    for finding in findings:
        measures.setdefault(finding["check"], set()).add(finding["measure"])
    return [
        f"{check}: {finding['measure']}" if finding["column"] and len(measures[check]) > 1 else check
        for finding in shown
        for check in [finding["check"]]
    ]


def facts_of(execution: Document) -> list[tuple[str, str]]:
    """Why the verdict can be believed: which rows, labels and baseline it is made of."""
    counts = execution["counts"]
    judged = "none" if counts["judged"] is None else f"{counts['judged']:,}"
    facts = [("Rows judged", judged), ("Records read", f"{counts['records']:,}")]
    facts += [("Duplicates left out", f"{counts['duplicates']:,}")] if counts["duplicates"] else []
    set_aside = {**execution["rejected"]["reasons"]}
    facts.append(("Records set aside", reasons(counts["rejected"], set_aside)))
    facts.append(("Rows that the monitor could not use", reasons(counts["unusable"], execution["unusable"])))
    if explained := execution.get("explained"):
        facts.append(("Answers explained", f"{explained['rows']:,} of {explained['of']:,}"))
    if "capture" in execution:
        facts.append(("Captured", executions.captured_in_short(execution["capture"]).strip()))
    if labels := execution.get("labels"):
        share = "" if labels["coverage"] is None else f" ({percent(labels['coverage'])})"
        facts.append(("Labels", f"{labels['state']}: {labels['matched']:,} of {labels['requests']:,} requests{share}"))
        facts.append(("Labels until", minute(labels["as_of"]) if labels["as_of"] else "now"))
    baseline = execution.get("baseline") or {}
    version = baseline.get("version") or baseline.get("constraints") or baseline.get("statistics")
    stale = ", stale" if baseline.get("stale") else ""
    facts.append(("Baseline", f"{version}{stale}" if version else "none"))
    if beside := judged_beside(execution):
        facts.append(("Past windows", beside))
    facts += [("Note", note) for note in execution.get("notes", [])]
    return facts


def reasons(total: int, by_reason: Mapping[str, int]) -> str:
    listed = "; ".join(f"{reason}: {n:,}" for reason, n in by_reason.items())
    return f"{total:,}" + (f" ({listed})" if listed else "")


def percent(share: float) -> str:
    return f"{number(100 * share)} %"


@cache
def template(name: str) -> Template:
    environment = environment_of("model_monitor.results.html")
    environment.filters |= {"number": in_short, "short": short, "bounds": bounds}
    environment.filters["policy"] = lambda style: policy(style.encode())
    return environment.get_template(name)


def in_short(value: Any) -> str:
    return number(value) if isinstance(value, int | float) else "–"


def short(text: Any, longest: int = LONGEST) -> str:
    return without_middle(printable(str(text)), longest)


def bounds(threshold: Any) -> str:
    """A threshold, or both ends of what is allowed."""
    return " to ".join(map(in_short, threshold)) if isinstance(threshold, list) else in_short(threshold)
