"""The files of the monitor of requests: its measures, what is usual, and violations in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from model_monitor.core.constraints import Between, Constraint, Finding
from model_monitor.core.measures import EVERYTHING, Measure, Share
from model_monitor.errors import ConfigError
from model_monitor.monitors.traffic import Informed, Traffic
from model_monitor.monitors.traffic.monitor import NAMES
from model_monitor.monitors.traffic.usual import Usual, learn
from model_monitor.results.documents.plain import PlainDocuments
from model_monitor.results.documents.protocol import Document

# The number to look at, of a measure that says how surprising it is.
CHARTED = {"requests_surprise": "requests", "silence_surprise": "longest_silence_seconds"}
CHARTED |= {f"slower_than_{name}": f"latency_{name}_ms" for name in NAMES}
LISTS = ("requests", "latencies_ms")  # what is usual by hour of the day


@dataclass(frozen=True)
class TrafficDocuments(PlainDocuments):
    """Plain ones, and in ``statistics.json`` what is usual: an entry of ``hours`` for each hour of the day (UTC)."""

    monitor: Traffic

    def statistics(self, state: Any, constraints: Sequence[Constraint] = ()) -> Document:
        return super().statistics(state, constraints) | written(learn(state))

    def informed(self, statistics: Document | None) -> Traffic | None:
        if statistics is None:
            return None
        try:
            return Informed.of(self.monitor, usual_in(statistics))
        except (KeyError, TypeError, ValueError) as error:
            raise ConfigError(f"statistics.json tells not what is usual: {error!r}; make the baseline again") from error

    def violations(self, findings: Sequence[Finding], state: Any) -> Document:
        measures = {name: measure for (_, name), measure in self.monitor.measure(state).items()}
        return {
            "violations": [
                {
                    "feature_name": CHARTED.get(finding.constraint.measure, finding.constraint.measure),
                    "constraint_check_type": finding.constraint.check,
                    "description": described(finding, measures),
                }
                for finding in findings
                if finding.outcome == "violated"
            ]
        }

    def details(self, finding: Finding, state: Any) -> Document:
        """How many requests came, and how many are usual, where what is judged is how surprising that is."""
        if finding.constraint.measure != "requests_surprise":
            return {}
        measures = self.monitor.measure(state)
        return {name: measures.get((EVERYTHING, name)) for name in ("requests", "usual_requests")}


def described(finding: Finding, measures: dict[str, Measure]) -> str:
    """A violation in words."""
    name, bound, observed = finding.constraint.measure, finding.constraint.bound, finding.observed or 0.0
    often = f"chance explains that in one of {1 / max(observed, 1e-9):,.0f} windows"
    if name == "requests_surprise":
        came, usual = number(measures["requests"]), number(measures["usual_requests"])
        return f"{came:,.0f} requests came, where {usual:,.0f} are usual at these hours; {often}."
    if name == "silence_surprise":
        minutes = number(measures["longest_silence_seconds"]) / 60
        return f"No request came for {minutes:,.0f} minutes; {often}."
    most = bound.high or 0.0 if isinstance(bound, Between) else 0.0
    if name.startswith("slower_than_"):
        quantile = name.removeprefix("slower_than_")
        now = number(measures[f"latency_{quantile}_ms"])
        return (
            f"{observed:.2%} of the answers took longer than the {quantile} of their hour and the tolerance, where "
            f"{most:.2%} usually take longer than the {quantile}. It is {now:,.0f} ms."
        )
    words = {"error_share": "requests failed", "lost_share": "records could not be read"}
    return f"{observed:.2%} of the {words[name]}; {most:.2%} is the most, and chance does not explain the rest."


def number(measure: Measure) -> float:
    value = measure.value if isinstance(measure, Share) else measure
    return float(value) if isinstance(value, int | float) else 0.0


def written(usual: Usual) -> Document:
    """What is usual as plain data; ``usual_in`` reads it back."""
    own = asdict(usual)
    hours = [
        {
            "hour": hour,
            "requests": usual.requests[hour],
            "latency_ms": {name: row[hour] for name, row in zip(NAMES, usual.latencies_ms, strict=True)},
        }
        for hour in range(24)
    ]
    return {"usual": {name: value for name, value in own.items() if name not in LISTS}, "hours": hours}


def usual_in(statistics: Document) -> Usual:
    """Raises KeyError, TypeError or ValueError."""
    hours = sorted(statistics["hours"], key=lambda hour: int(hour["hour"]))
    if [hour["hour"] for hour in hours] != list(range(24)):
        raise ValueError("hours are those from 0 to 23")
    own = statistics["usual"]
    return Usual(
        requests=tuple(hour["requests"] for hour in hours),
        latencies_ms=tuple(tuple(hour["latency_ms"][name] for hour in hours) for name in NAMES),
        **(own | {"spreads": tuple(own["spreads"])}),
    )
