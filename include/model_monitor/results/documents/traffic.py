"""The files of the monitor of requests: its measures, what is usual, and violations in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from model_monitor.core.constraints import Between, Constraint, Finding
from model_monitor.core.measures import Measure, Share
from model_monitor.errors import ConfigError
from model_monitor.monitors.traffic import Informed, Traffic
from model_monitor.monitors.traffic.monitor import NAMES, UNKNOWN
from model_monitor.monitors.traffic.usual import Usual, learn
from model_monitor.results.documents.plain import PlainDocuments
from model_monitor.results.documents.protocol import Document

# The number to look at, of a measure that says how surprising it is.
SURPRISES = {"requests_surprise": "requests", "silence_surprise": "longest_silence_seconds"}
CHARTED = SURPRISES | {f"slower_than_{name}": f"latency_{name}_ms" for name in NAMES}
LISTS = ("requests", "latencies_ms")  # what is usual by hour of the day


@dataclass(frozen=True)
class TrafficDocuments(PlainDocuments):
    """Plain ones, and in ``statistics.json`` what is usual: an entry of ``hours`` for each hour of the day (UTC)."""

    monitor: Traffic

    def statistics(self, state: Any, constraints: Sequence[Constraint] = ()) -> Document:
        document = super().statistics(state, constraints)
        measures = [entry for entry in document["measures"] if entry.get("reason") != UNKNOWN.reason]
        return document | {"measures": measures} | written(learn(state))

    def informed(self, statistics: Document | None) -> Traffic | None:
        if statistics is None:
            return None
        try:
            return Informed.of(self.monitor, usual_in(statistics))
        except (KeyError, TypeError, ValueError) as error:
            raise ConfigError(f"statistics.json tells not what is usual: {error!r}; make the baseline again") from error

    def violations(self, findings: Sequence[Finding], state: Any) -> Document:
        return {
            "violations": [
                {
                    "feature_name": CHARTED.get(finding.constraint.measure, finding.constraint.measure),
                    "constraint_check_type": finding.constraint.check,
                    "description": f"{self.described(finding, state)}.",
                }
                for finding in findings
                if finding.outcome == "violated"
            ]
        }

    def details(self, finding: Finding, state: Any) -> Document:
        """Of counts and silence, the number that a person looks at, with the bounds that chance and tolerance leave it;
        ``chance`` is what was judged."""
        name = finding.constraint.measure
        own: Document = {}
        if name in SURPRISES and finding.outcome != "undefined":
            observed, threshold = self.looked_at(finding, state)
            own = {"measure": CHARTED[name], "observed": observed, "threshold": threshold, "chance": finding.observed}
        if finding.outcome != "violated":
            return own
        return own | {"sentence": f"{CHARTED.get(name, name)}: {self.described(finding, state)}"}

    def looked_at(self, finding: Finding, state: Any) -> tuple[float, list[float] | float]:
        """The requests that came with the fewest and the most that are usual, or the longest silence in seconds with
        the longest that is."""
        bound = finding.constraint.bound
        assert isinstance(self.monitor, Informed) and isinstance(bound, Between)
        numbers = {name: number(measure) for (_, name), measure in self.monitor.measure(state).items()}
        observed = numbers[CHARTED[finding.constraint.measure]]
        if finding.constraint.measure == "requests_surprise":
            return observed, list(self.monitor.usual_range(state, bound.low or 0.0))
        return observed, self.monitor.usual_silence(state, bound.low or 0.0)

    def described(self, finding: Finding, state: Any) -> str:
        """A violation in words, without a full stop."""
        name, bound, share = finding.constraint.measure, finding.constraint.bound, f"{finding.observed or 0.0:.2%}"
        numbers = {name: number(measure) for (_, name), measure in self.monitor.measure(state).items()}
        if name in SURPRISES and isinstance(self.monitor, Informed):
            observed, threshold = self.looked_at(finding, state)
            if isinstance(threshold, list):
                usual = f"{numbers['usual_requests']:,.0f} are usual at these hours, and {threshold[0]:,.0f} to"
                return f"{observed:,.0f} came, where {usual} {threshold[1]:,.0f} would be no surprise"
            return f"none for {observed / 60:,.0f} minutes, where {threshold / 60:,.1f} would be no surprise"
        most = f"{bound.high or 0.0:.2%}" if isinstance(bound, Between) else ""
        if name.startswith("slower_than_"):
            quantile = name.removeprefix("slower_than_")
            now = numbers[f"latency_{quantile}_ms"]
            slower = f"{share} took longer than the usual {quantile} of their hour and the tolerance"
            return f"now {now:,.0f} ms; {slower}, where {most} usually take longer than the {quantile}"
        what = {"error_share": "of the requests failed", "lost_share": "of the records could not be read"}
        return f"{share} {what[name]}; {most} is the most that is allowed, and chance does not explain the rest"


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
