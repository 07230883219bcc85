"""What changes if a schedule is judged by one baseline instead of another? A pure function of their constraints."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from model_monitor.core.constraints import Between, Bound, Constraint, Near, Unlearned, Within
from model_monitor.core.distances import DISTANCES, is_closeness
from model_monitor.core.evaluation import evaluate
from model_monitor.core.measures import Subject
from model_monitor.results.anonymous import FEWEST_ROWS

COLUMNS = "columns"  # the measure whose categories are the names of all columns
NAMED = (COLUMNS, "types")  # measures whose categories are no values of rows
LISTED = 5  # categories
Key = tuple[str, Subject, str]


@dataclass(frozen=True, slots=True)
class Change:
    """What one baseline asks of a subject and the other does not, or does otherwise; "" where it asks nothing."""

    check: str
    subject: Subject
    measure: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Comparison:
    """The columns that only one of two baselines knows, what else changes, and how many constraints stay."""

    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    changes: tuple[Change, ...] = ()
    same: int = 0


def compare(before: Sequence[Constraint], after: Sequence[Constraint], private: Collection[str] = ()) -> Comparison:
    """What changes from the constraints of one baseline to those of another.

    A distribution that is no further from the earlier one than chance takes it stays. Values of ``private`` columns
    ("*": of all), and values in few rows, are counted and not named.
    """
    old, new = by_key(before), by_key(after)
    known, names = columns_of(before), columns_of(after)
    changes = []
    for key in dict.fromkeys((*new, *old)):
        _, subject, measure = key
        hidden = measure not in NAMED and ("*" in private or subject.column in private)
        was, is_now = old.get(key), new.get(key)
        if measure != COLUMNS and (words := difference(was, is_now, hidden)):
            changes.append(Change(*key, *words))
    return Comparison(
        tuple(name for name in names if name not in known),
        tuple(name for name in known if name not in names),
        tuple(changes),
        len(old.keys() & new.keys()) - sum(bool(change.before and change.after) for change in changes),
    )


def by_key(constraints: Sequence[Constraint]) -> dict[Key, Constraint]:
    return {(c.check, c.subject, c.measure): c for c in constraints}


def columns_of(constraints: Sequence[Constraint]) -> dict[str, None]:
    """The names of the columns that a baseline knows, as keys in its order."""
    named = {c.subject.column: None for c in constraints if c.subject.column is not None}
    listed = [c.bound.categories for c in constraints if c.measure == COLUMNS and isinstance(c.bound, Within)]
    return named | dict.fromkeys(sorted(name for names in listed for name in names if name not in named))


def difference(before: Constraint | None, after: Constraint | None, hidden: bool) -> tuple[str, str] | None:
    """What two constraints with the same key ask, in words; None if that is the same."""
    if before and after and isinstance(before.bound, Near) and isinstance(after.bound, Near):
        return of_distributions(before, after, before.bound, after.bound)
    words = tuple(words_of(c.bound, c.measure) if c else "" for c in (before, after))
    if before and after and isinstance(before.bound, Within) and isinstance(after.bound, Within):
        values = of_values(before.bound, after.bound, hidden) if after.measure not in NAMED else ""
        words = words[0], words[1] + values
        return words if values or words[0] != words[1] else None
    return (words[0], words[1]) if words[0] != words[1] else None


def of_distributions(before: Constraint, after: Constraint, old: Near, new: Near) -> tuple[str, str] | None:
    """How far a distribution moved, if it did by more than chance, or is judged by another threshold."""
    [finding] = evaluate([before], {(before.subject, before.measure): new.to})
    has_moved = finding.outcome != "holds" or (
        not is_closeness(old.distance) and (finding.observed or 0.0) > (finding.noise_floor or 0.0)
    )
    words = words_of(old, before.measure), words_of(new, after.measure)
    if not has_moved:
        return words if words[0] != words[1] else None
    moved = f"{distance_in_words(old)} {shown(finding.observed)}" if finding.observed is not None else finding.reason
    judged = ", which would be a violation" if finding.outcome == "violated" else ""
    return words[0], f"{words[1]}; compared with what is in force: {moved}{judged}"


def of_values(before: Within, after: Within, hidden: bool) -> str:
    """How many values are new and gone, named as far as enough rows have them; "" if none is."""
    parts = []
    for word, one, other in (("new", after, before), ("gone", before, after)):
        values = sorted(one.categories - other.categories)
        counts = one.drawn.counts if one.drawn else {}
        named = [value for value in values if counts.get(value, 0) >= FEWEST_ROWS and not hidden][:LISTED]
        listed = f" ({', '.join(map(repr, named))}{', …' if len(named) < len(values) else ''})" if named else ""
        parts += [f"{len(values)} {word}{listed}"] if values else []
    return ": " + ", ".join(parts) if parts else ""


def words_of(bound: Bound, measure: str) -> str:
    """What a bound allows, in a few words."""
    match bound:
        case Between(low=low, high=high):
            if low is not None and low == high:
                return f"as many as {shown(low)}"
            sides = [f"at least {shown(low)}"] * is_finite(low) + [f"at most {shown(high)}"] * is_finite(high)
            return " and ".join(sides) or "any number"
        case Within(categories=categories, at_least=least, counted=counted):
            share = "" if counted or least == 1 else f"{100 * least:.4g} % "
            return share + (" or ".join(sorted(categories)) if measure in NAMED else f"of {len(categories)} values")
        case Near(threshold=threshold) as near:
            side = "at least" if is_closeness(near.distance) else "at most"
            return f"{distance_in_words(near)} {side} {shown(threshold)}"
        case Unlearned(reason=reason):
            return f"not learned: {reason}"
    raise TypeError(f"not a bound: {bound!r}")


def distance_in_words(bound: Near) -> str:
    return "p-value" if DISTANCES[bound.distance].is_p_value else bound.distance.replace("_", " ")


def is_finite(number: float | None) -> bool:
    return number is not None and math.isfinite(number)


def shown(number: float | None) -> str:
    return "none" if number is None else f"{number:.4g}"
