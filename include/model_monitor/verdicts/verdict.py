"""Does a window's State hold to the baseline? A pure function of both."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

from model_monitor.core.constraints import Bound, Constraint, Finding, Near, Unlearned, Within
from model_monitor.core.distances import is_closeness
from model_monitor.core.evaluation import evaluate, undefined
from model_monitor.core.measures import Measures, Undefined
from model_monitor.core.monitor import SET_ASIDE, Monitor, Traits
from model_monitor.core.observed import Observed
from model_monitor.core.window import Window, iso
from model_monitor.results import execution
from model_monitor.results.handover import Labels, Span
from model_monitor.results.odds import BASELINE, Odds, odds_of
from model_monitor.verdicts.baseline import Baseline
from model_monitor.verdicts.earlier import NOTHING, Earlier, Reference
from model_monitor.verdicts.noise import Noise, key_of, level_of
from model_monitor.verdicts.trailing import Trailing

OF_WINDOW = 0.5  # of the false-alarm budget, where trailing spans or a reference are judged too


@dataclass(frozen=True)
class Verdict:
    """Findings, the status that follows from them, and a reason where that is not SageMaker's.

    ``monitor`` is the one that measured: it may know its baseline. ``constraints`` are all that were to be judged,
    ``measures`` all that could be: none of no rows. ``beside``: what else was compared.
    """

    status: str
    reason: str
    findings: Sequence[Finding]
    monitor: Monitor[Any]
    constraints: Sequence[Constraint]
    measures: Measures
    beside: Sequence[Beside] = ()


@dataclass(frozen=True)
class Beside:
    """What was found by the checks that weigh chance: of the rows of a trailing span, or of the window against a
    reference, with the ``measures`` and the State of the rows that were judged."""

    of: Trailing | Reference
    findings: Sequence[Finding]
    measures: Measures
    observed: Observed

    @property
    def name(self) -> str:
        """What it is called: the reference, or the length of the span."""
        return self.of.name

    @property
    def counts(self) -> bool:
        """Whether it is judged, or only noted for later windows."""
        return not isinstance(self.of, Reference) or self.of.counts


@dataclass(frozen=True)
class Judge:
    """A schedule's monitor and its baseline, read once for any number of windows: ``learned`` are the baseline's
    constraints, and ``monitor`` reads a window as the baseline's rows were read. ``also`` judges trailing spans, and
    ``referee`` tells what a reference must keep to."""

    baseline: Baseline
    monitor: Monitor[Any]
    learned: Sequence[Constraint]
    referee: Monitor[Any]
    also: Mapping[timedelta, Judge] = field(default_factory=dict)

    @classmethod
    def of(
        cls, monitor: Monitor[Any], baseline: Baseline, also: Sequence[timedelta] = (), judges_twice: bool = False
    ) -> Judge:
        """With spans, or a reference (``judges_twice``), a window has half of the false-alarm budget, and they share
        the other half evenly. Raises ConfigError for files that are no baseline of the monitor."""
        others = len(also) + judges_twice
        own = baseline.inform(monitor.with_budget(OF_WINDOW) if others else monitor)
        each = monitor.with_budget((1 - OF_WINDOW) / others) if others else monitor
        judges = {length: cls.of(each, baseline).by_chance() for length in also}
        return cls(baseline, own, baseline.constraints(own), baseline.inform(each), judges)

    def by_chance(self) -> Judge:
        """The same without exact rules."""
        return replace(self, learned=by_chance(self.learned))

    def verdict(
        self,
        observed: Observed,
        labels: Labels | None = None,
        spans: Iterable[Trailing] = (),
        earlier: Earlier = NOTHING,
    ) -> Verdict:
        """The verdict on the State of a window, on ``spans`` that end with it, and against what ``earlier`` windows
        were like.

        While labels are pending it is by the measures that need none, and of no span; nor is that of no rows.
        """
        verdict = self.of_window(observed, labels, earlier.noise)
        if not observed.rows or (labels and labels.is_pending):
            return verdict
        judged = ((self.also.get(span.length), span) for span in spans)
        beside = [judge.of_span(span, earlier.over(span.length)) for judge, span in judged if judge]
        if earlier.reference:
            beside.append(self.against(earlier.reference, observed, verdict.measures))
        verdict = replace(verdict, beside=tuple(beside))
        if any(finding.outcome == "violated" for one in beside if one.counts for finding in one.findings):
            return replace(verdict, status=execution.WITH_VIOLATIONS)
        return verdict

    def of_span(self, span: Trailing, noise: Noise) -> Beside:
        measures = self.monitor.measure(span.observed.state)
        return Beside(span, list(map(noise.weigh, evaluate(self.learned, measures))), measures, span.observed)

    def against(self, reference: Reference, observed: Observed, measures: Measures) -> Beside:
        """A window by the constraints that its reference suggests, as far as they weigh chance and the baseline has
        them too: what nobody wants checked is not, and a segment that the baseline lacks may be a text of a few rows.
        """
        own = {key_of(one): one.bound for one in self.learned}
        suggested = by_chance(self.referee.suggest(reference.observed.state))
        constraints = [
            replace(one, bound=as_lenient(one.bound, own[key_of(one)])) for one in suggested if key_of(one) in own
        ]
        findings = list(map(reference.noise.weigh, evaluate(constraints, measures)))
        return Beside(reference, findings, measures, observed)

    def of_window(self, observed: Observed, labels: Labels | None, noise: Noise) -> Verdict:
        """The verdict on the State of a window alone."""
        monitor = self.monitor
        constraints = [*self.learned, *monitor.required(observed.state)]
        findings: list[Finding] = []
        available: Measures = {}
        if observed.rows or monitor.traits.judges_silence:
            measures = monitor.measure(observed.state)
            available = without_labels(monitor, measures) if labels and labels.is_pending else measures
            judged = map(noise.weigh, evaluate(constraints, available))
            findings = [*judged, *newcomers(monitor, measures, self.learned)]
        status, reason = status_of(observed, self.baseline, findings, labels, monitor.traits)
        return Verdict(status, reason, findings, monitor, constraints, available)


def by_chance(constraints: Iterable[Constraint]) -> list[Constraint]:
    """Those that weigh chance: an exact rule sees each row in its own window."""
    return [one for one in constraints if level_of(one.bound) is not None]


def as_lenient(bound: Bound, own: Bound) -> Bound:
    """A bound that a reference suggests, with the threshold that the baseline's own has: a person may have set it."""
    if isinstance(bound, Near) and isinstance(own, Near):
        lenient = min if is_closeness(bound.distance) else max
        return replace(bound, threshold=lenient(bound.threshold, own.threshold))
    if isinstance(bound, Within) and isinstance(own, Within):
        return replace(bound, at_least=min(bound.at_least, own.at_least))
    return bound


def judge(monitor: Monitor[Any], baseline: Baseline, observed: Observed, labels: Labels | None = None) -> Verdict:
    """The verdict on the State of one window. Raises ConfigError."""
    return Judge.of(monitor, baseline).verdict(observed, labels)


def odds_of_window(window: Window, by: str, verdict: Verdict, options: str = "") -> Odds:
    """How far beyond chance each check of a window was, for those after it to learn from; ``by``: the baseline's
    identity, ``options``: a digest of the schedule's."""
    named = [(BASELINE, verdict.findings), *((one.name, one.findings) for one in verdict.beside)]
    odds = tuple(odd for against, findings in named for odd in odds_of(against, findings))
    against = next((one.name for one in verdict.beside if one.counts and isinstance(one.of, Reference)), None)
    broken = [one.constraint for one in verdict.findings if one.outcome == "violated" and one.z is None]
    return Odds(
        window=Span(iso(window.start), iso(window.end)),
        by=by,
        judged_against=against,
        status=verdict.status,
        options=options,
        broken=tuple((one.check, one.subject.column, one.subject.segment, one.measure) for one in broken),
        odds=odds,
    )


def without_labels(monitor: Monitor[Any], measures: Measures) -> Measures:
    """The measures while labels are pending: those that need labels are undefined."""
    label_free = monitor.traits.measured_without_labels
    pending = Undefined("labels are pending")
    return {key: measure if key[1] in label_free else pending for key, measure in measures.items()}


def newcomers(monitor: Monitor[Any], measures: Measures, constraints: Sequence[Constraint]) -> Iterator[Finding]:
    """Undefined findings for subjects missing from the baseline: new groups, or groups too small to learn from."""
    check = monitor.traits.newcomer_check
    known = {constraint.subject for constraint in constraints}
    if check is None or not known:
        return
    subjects = {subject for subject, _ in measures if subject.column is not None}
    for subject in sorted(subjects - known, key=str):
        reason = f"the baseline says nothing of {subject}"
        yield undefined(Constraint(check, subject, "baseline", Unlearned(reason)), reason)


def status_of(
    observed: Observed,
    baseline: Baseline,
    findings: Sequence[Finding],
    labels: Labels | None,
    traits: Traits,
) -> tuple[str, str]:
    """The status, and the reason where it is not SageMaker's; measures that need no labels alone leave it undefined."""
    if not observed.rows and not (traits.judges_silence and baseline.exists):
        return execution.NO_DATA, "No records in this window"
    violated = any(finding.outcome == "violated" for finding in findings)
    if labels and labels.is_pending:
        return execution.WITH_VIOLATIONS if violated else execution.LABELS_PENDING, why_pending(labels)
    missing = traits.needs_baseline and not baseline.exists
    if violated:
        return execution.WITH_VIOLATIONS, "There is no baseline yet: only expectations were judged" if missing else ""
    if missing:
        return execution.NO_BASELINE, "Nothing to compare with: there is no baseline yet"
    judged = [f for f in findings if f.constraint.check != SET_ASIDE]
    primary = [f for f in judged if f.constraint.measure not in traits.measured_without_labels] or judged
    if primary and all(finding.outcome == "undefined" for finding in primary):
        return execution.UNDEFINED, f"No constraint could be judged: {primary[0].reason}"
    return execution.COMPLETED, ""


def why_pending(labels: Labels) -> str:
    """How many labels there are, how many it takes, and whether more are waited for."""
    share = f"{labels.minimum_coverage:.4%}".rstrip("0%").rstrip(".") + " %"
    coverage = f"{labels.matched} of {labels.requests} requests have a label"
    if not labels.matched and labels.unmatched:
        files = f"none of {labels.files} label files of its time" if labels.files else "there is no label file"
        coverage = f"No request has a label: {files} in {labels.source}{'' if labels.table else '/yyyy/mm/dd/hh'}"
        if labels.mismatch:
            read = f"{labels.unjoined} labels were read from {labels.source}, and none names a request"
            coverage = f"No request has a label: {read}: {labels.mismatch}"
    elif labels.mismatch:
        coverage += f" ({execution.they_name(labels.misnamed)} {labels.mismatch})"
    more = "no more are waited for" if labels.over else "the window is judged when more have come"
    return f"{coverage}, minimum_coverage is {share}; {more}"
