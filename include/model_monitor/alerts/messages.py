"""What is a person told? One sentence of cause, the numbers that matter, since when, and where to look."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from model_monitor.alerts.machine import SEVERITIES, Incident
from model_monitor.alerts.outcomes import STALE_CHECK
from model_monitor.core.window import iso
from model_monitor.errors import printable, without_middle

Document = Mapping[str, Any]
Message = dict[str, Any]

VERSION = 1  # of a message's JSON
MOST = 20  # findings in a message; all are in the report
NAMED = 3  # of them in its sentence
LONGEST = 1500  # characters of a sentence

WORDS = {  # by cause, what is no longer as in the baseline
    "schema": "columns are missing, new or of another type",
    "data": "the requests no longer look as they did in the baseline",
    "quality": "the model's answers are worse than those in the baseline",
    "bias": "the model treats a group otherwise than in the baseline",
    "attribution": "other features move the answers than in the baseline",
    "rules": "rules are broken",
    "traffic": "requests come, fail or take otherwise than in the baseline",
}


def message_of(event: str, incident: Incident, about: Document, found: Sequence[Document]) -> Message:
    """The message of a transition, as plain data.

    ``about`` is ``execution.json`` of the window that brought it, ``found`` its violations that count, the strongest
    first.
    """
    return {
        "version": VERSION,
        "event": event,
        "sentence": sentence(event, incident, about, found),
        "severity": SEVERITIES[incident.severity],
        "kind": incident.kind,
        "cause": incident.cause,
        "endpoint": about["endpoint"],
        "variant": about["variant"],
        "schedule": about["schedule"],
        "schedules": sorted(incident.schedules),
        "since": iso(incident.since.start),
        "window": dict(about["window"]),
        "status": about["status"],
        "findings": [plain(finding) for finding in found[:MOST]],
        "count": len(found),
    }


def plain(finding: Document) -> dict[str, Any]:
    """A finding's numbers."""
    names = ("check", "measure", "column", "segment", "observed", "threshold", "noise_floor")
    return {name: finding.get(name) for name in names} | {"sentence": number_words(finding)}


def sentence(event: str, incident: Incident, about: Document, found: Sequence[Document]) -> str:
    """What is wrong and since when, or that it is over, in one sentence."""
    name, since = about["endpoint"], readable(incident.since.start)
    if event == "closed":
        end = readable(incident.last.end)
        if closing := incident.closing:
            why = f": {closing.why.rstrip('.')}" if closing.why else ""
            cause = what(incident, about, ())
            return one_line(f"{name}: closed by {closing.by}{why}. It was open since {since}: {cause}.")
        return one_line(f"{name}: over: {what(incident, about, ())}. This lasted from {since} to {end}.")
    words = what(incident, about, found)
    again = " This is worse than before." if event == "escalated" else ""
    return one_line(f"{name}: {words}, since {since}.{again}")


def what(incident: Incident, about: Document, found: Sequence[Document]) -> str:
    """What is wrong: with numbers if findings are known, else with the names of columns and metrics."""
    match incident.kind:
        case "no_data":
            return f"no request was captured for {listed(sorted(incident.schedules))}"
        case "labels_pending":
            labels = about.get("labels") or {}
            have = f": {labels['matched']} of {labels['requests']} requests have one" if labels else ""
            return f"too few labels came to judge {listed(sorted(incident.schedules))}{have}"
        case "failed":
            why = f": {about['reason'].rstrip('.')}" if about["status"] == "Failed" and about["reason"] else ""
            return f"{listed(sorted(incident.schedules))} can't be judged{why}"
        case "stale_baseline":
            old = [finding["reason"] for finding in about.get("findings", ()) if finding["check"] == STALE_CHECK]
            return f"{listed(sorted(incident.schedules))}: {old[0] if old else 'the baseline is too old to judge by'}"
    if numbers := listed([number_words(finding) for finding in found], NAMED):
        return f"{general(incident)}: {numbers}"
    return f"{general(incident)} ({listed(sorted(incident.subjects))})"


def general(incident: Incident) -> str:
    return WORDS.get(incident.cause, f"{incident.cause} finds violations")


def number_words(finding: Document) -> str:
    """A finding in words: its report's, or its numbers.

    >>> number_words({"column": "amount", "measure": "drift", "segment": {}, "observed": 0.25, "threshold": 0.1})
    'amount (drift) is 0.25, at most 0.1 is expected'
    """
    if finding.get("sentence") or finding["observed"] is None:
        return printable(finding.get("sentence") or number_name(finding))
    observed = finding["observed"]
    return f"{number_name(finding)} is {observed:.4g}{expected(observed, finding['threshold'])}"


def number_name(finding: Document) -> str:
    """What a finding's number is called."""
    segment = "".join(f" where {column} is {value}" for column, value in finding["segment"].items())
    about = f"{finding['column']} ({finding['measure']})" if finding["column"] else str(finding["measure"])
    return printable(about + segment)


def expected(observed: float, threshold: Any) -> str:
    """What a number should have been, as a part of a sentence.

    >>> expected(0.7, [0.8, 1.2]), expected(3, None)
    (', at least 0.8 is expected', '')
    """
    bounds = threshold if isinstance(threshold, list | tuple) else [threshold]
    numbers = [bound for bound in bounds if isinstance(bound, int | float)]
    if not numbers:
        return ""
    bound = min(numbers, key=lambda number: abs(number - observed))
    return f", at {'most' if observed > bound else 'least'} {bound:.4g} is expected"


def listed(names: Sequence[str], most: int = 10) -> str:
    """Names with commas, and how many more there are.

    >>> listed(["a", "b", "c", "d"], 2)
    'a, b and 2 more'
    """
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def one_line(text: str) -> str:
    return without_middle(printable(text), LONGEST)


def readable(time: datetime) -> str:
    return f"{time.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def title_of(message: Document) -> str:
    """A line for subjects: what happened to which endpoint."""
    mark = "[test] " if message["event"] == "test" else ""
    return one_line(
        f"{mark}{message['severity'].upper()} {message['event']}: {message['endpoint']}, {about_what(message)}"
    )


def about_what(message: Document) -> str:
    kind = str(message["kind"])
    return str(message["cause"]) if kind == "violations" else kind.replace("_", " ")


def text_of(message: Document) -> str:
    """The whole message as lines of text."""
    more = message["count"] - len(message["findings"])
    lines = [
        message["sentence"],
        "",
        *(f"* {number_words(finding)}" for finding in message["findings"]),
        *([f"* and {more} more, in the report"] if more > 0 else []),
        "",
        f"severity: {message['severity']}",
        f"since: {message['since']}",
        f"schedules: {', '.join(message['schedules'])}",
        *([f"owner: {message['owner']}"] if message.get("owner") else []),
        *(f"{name}: {link}" for name, link in message.get("links", {}).items() if link),
    ]
    return "\n".join(printable(line) for line in lines).replace("\n\n\n", "\n\n")
