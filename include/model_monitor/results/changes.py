"""What changed in a column, or in a number, from some rows to others? In the column's unit, and in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from model_monitor.core.constraints import Between, Constraint, Finding, Near, Within
from model_monitor.core.distances import is_closeness
from model_monitor.core.distributions import Categories, Distribution, Numbers
from model_monitor.core.evaluation import evaluate
from model_monitor.core.measures import Measures, Share, Subject
from model_monitor.results import sentences
from model_monitor.results.anonymous import Anonymity
from model_monitor.results.sentences import NAMED, number, percent, quantiles, quoted, sentence_of

SPREAD, VALUES, COMPLETENESS = "spread", "values", "completeness"
LEVEL = 0.01  # of chance, where no constraint says how much of it is allowed
THRESHOLD = 0.1  # of a distance, where no constraint sets one
SHARES = {0.05: "5 % below", 0.25: "lower quartile", 0.5: "median", 0.75: "upper quartile", 0.95: "5 % above"}


@dataclass(frozen=True)
class Side:
    """A column in some rows: how its values are distributed, and which share of the rows has one; None if unknown."""

    spread: Distribution | None = None
    completeness: Share | None = None

    @classmethod
    def of(cls, measures: Measures, subject: Subject) -> Side:
        """A column as it was measured."""
        spread, share = measures.get((subject, SPREAD)), measures.get((subject, COMPLETENESS))
        return cls(
            spread if isinstance(spread, Numbers | Categories) else None, share if isinstance(share, Share) else None
        )

    @classmethod
    def expected(cls, constraints: Sequence[Constraint], subject: Subject) -> Side:
        """A column as a baseline's constraints remember it."""
        bounds = {c.measure: c.bound for c in constraints if c.subject == subject}
        spread, share = nearness(constraints, subject), bounds.get(COMPLETENESS)
        drawn = share.drawn if isinstance(share, Between) and isinstance(share.drawn, Share) else None
        known = bounds.get(VALUES)
        values = known.drawn if isinstance(known, Within) else None
        return cls(spread.bound.to if spread and isinstance(spread.bound, Near) else values, drawn)

    @property
    def rows(self) -> int | None:
        """How many rows have a value; None if unknown."""
        return self.spread.n if isinstance(self.spread, Numbers | Categories) else None


class Change(NamedTuple):
    """A number of a column before and after, as text in its unit."""

    name: str
    before: str
    after: str


def nearness(constraints: Sequence[Constraint], subject: Subject) -> Constraint | None:
    """The constraint that compares a column's distribution with the baseline's; None if there is none."""
    near = (
        c for c in constraints if c.subject == subject and isinstance(c.bound, Near) and c.measure.startswith(SPREAD)
    )
    return next(near, None)


def compared(before: Side, after: Side, subject: Subject, rule: Constraint | None) -> Finding | None:
    """How far a column moved from one side to the other, and whether chance explains it: by the distance, threshold and
    level of the baseline's ``rule`` (None: usual ones). None if the sides have no distributions of the same kind."""
    if type(before.spread) is not type(after.spread) or before.spread is None or after.spread is None:
        return None
    if rule and isinstance(rule.bound, Near):
        judged = replace(rule, measure=SPREAD, bound=replace(rule.bound, to=before.spread))
    else:
        distance = "kolmogorov_smirnov" if isinstance(before.spread, Numbers) else "largest_share_change"
        judged = Constraint("drift", subject, SPREAD, Near(before.spread, distance, THRESHOLD, LEVEL))
    [finding] = evaluate([judged], {(subject, SPREAD): after.spread})
    return finding


def in_words(before: Side, after: Side, finding: Finding | None, anonymity: Anonymity) -> list[str]:
    """What changed: the distribution with its distance, values that are new, and what is missing. [] if nothing did
    that chance does not explain."""
    words = []
    if finding and is_beyond_chance(finding):
        words.append(moved(finding, after, anonymity))
    words += new_values(before, after, finding.constraint.subject if finding else Subject(), anonymity)
    return words + missing_values(before.completeness, after.completeness)


def moved(finding: Finding, after: Side, anonymity: Anonymity) -> str:
    """From what to what a distribution moved, and how far; of private numbers only how far."""
    subject, bound = finding.constraint.subject, finding.constraint.bound
    if isinstance(after.spread, Numbers) and subject.column in anonymity.private and isinstance(bound, Near):
        return f"its values are spread otherwise ({'; '.join(sentences.compared(bound, finding))})"
    return sentence_of(finding, {(subject, SPREAD): after.spread}, anonymity).removeprefix(f"{subject}: ")


def missing_values(before: Share | None, after: Share | None) -> list[str]:
    """How the share of missing values changed; [] if by no more than chance takes it."""
    if before is None or after is None or before.value is None or after.value is None:
        return []
    bound = Between(before.value, before.value, LEVEL, before)
    [finding] = evaluate([Constraint(COMPLETENESS, Subject(), COMPLETENESS, bound)], {(Subject(), COMPLETENESS): after})
    words = f"missing {percent(1 - before.value)} → {percent(1 - after.value)} of rows"
    return [words] if finding.outcome == "violated" else []


def is_beyond_chance(finding: Finding) -> bool:
    """Whether a distance is more than chance takes it, whatever the threshold."""
    bound = finding.constraint.bound
    assert isinstance(bound, Near)
    if finding.observed is None:
        return False
    if is_closeness(bound.distance):
        return finding.outcome == "violated"
    return finding.observed > (finding.noise_floor or 0.0)


def new_values(before: Side, after: Side, subject: Subject, anonymity: Anonymity) -> list[str]:
    """The values that only the later side has, the most frequent named; [] if that is none, or can't be told."""
    old, new = before.spread, after.spread
    if not (isinstance(old, Categories) and isinstance(new, Categories)) or old.rest or not old.n:
        return []
    rows = {value: n for value, n in new.counts.items() if value not in old.counts}
    if not rows:
        return []
    named = sorted(nameable(rows, subject, anonymity), key=lambda value: (-rows[value], value))[:NAMED]
    listed = [f"{quoted(value)} ({rows[value]:,} rows)" for value in named]
    more = [f"{len(rows) - len(named)} more"] if named and len(rows) > len(named) else []
    share = percent(sum(rows.values()) / new.n) if new.n else percent(0.0)
    word = "1 new value" if len(rows) == 1 else f"{len(rows):,} new values"
    return [f"{word} in {share} of values" + (f": {', '.join([*listed, *more])}" if listed else "")]


def nameable(rows: dict[str, int], subject: Subject, anonymity: Anonymity) -> list[str]:
    """The values that may be named: those of enough rows, of columns that are not private."""
    if subject.column in anonymity.private:
        return []
    return [value for value, n in rows.items() if n >= anonymity.fewest]


def names_shown(before: Side, after: Side, subject: Subject, anonymity: Anonymity) -> list[str]:
    """The values of both sides that may be named: enough rows of either have them."""
    sides = [side.spread.counts for side in (before, after) if isinstance(side.spread, Categories)]
    most = {value: max(counts.get(value, 0) for counts in sides) for counts in sides for value in counts}
    return nameable(most, subject, anonymity)


def in_unit(before: Side, after: Side) -> list[Change]:
    """The quantiles of numbers on both sides, in their unit, and the share of missing values; "–" where unknown."""
    changes = []
    spreads = [side.spread for side in (before, after)]
    if any(isinstance(spread, Numbers) and spread.n for spread in spreads):
        columns = [quantile_texts(spread) for spread in spreads]
        changes = [Change(name, *texts) for name, *texts in zip(SHARES.values(), *columns, strict=True)]
    missing = [side.completeness for side in (before, after)]
    texts = [percent(1 - share.value) if share and share.value is not None else "–" for share in missing]
    return [*changes, *([Change("missing", *texts)] if texts != ["–", "–"] else [])]


def quantile_texts(spread: Distribution | None) -> list[str]:
    if not isinstance(spread, Numbers) or not spread.n:
        return ["–"] * len(SHARES)
    return [number(float(value)) for value in quantiles(spread, list(SHARES))]
