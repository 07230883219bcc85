"""The laws of monitors: the acceptance test of each, ours or a user's."""

from __future__ import annotations

import math
import random
import reprlib
from typing import TYPE_CHECKING

import numpy as np

from model_monitor.core.distances import kolmogorov_smirnov, largest_share_change
from model_monitor.core.distributions import SKETCH_RANK_ERROR, Categories, Numbers
from model_monitor.core.evaluation import evaluate
from model_monitor.core.importances import Importances
from model_monitor.core.measures import Estimate, Measure, Measures
from model_monitor.core.monitor import Monitor, S, fold
from model_monitor.core.states import dump, load, total

if TYPE_CHECKING:
    import pyarrow as pa


def check(monitor: Monitor[S], rows: pa.RecordBatch, seed: int = 0) -> None:
    """Raise AssertionError that names the law if the monitor breaks one on these rows.

    The State does not depend on how rows are cut or ordered (sums of floats up to 1e-9 relative, sketches up to their
    rank error), nor on whether States are added one by one or at once; no rows add nothing; a baseline satisfies its
    own suggestions; an empty window never passes; a State survives its codec, and the same State gives the same bytes;
    what is stored of it is alike.
    """
    whole = monitor.observe(rows)
    measures = monitor.measure(whole)
    chance = random.Random(seed)
    for name, batches in cuts(rows, chance):
        assert_alike(monitor.measure(fold(monitor, batches)), measures, f"the State depends on {name}")
        at_once = total([monitor.empty, *map(monitor.observe, batches)])
        assert_alike(monitor.measure(at_once), measures, f"the State, added at once, depends on {name}")
    for state, side in [(whole + monitor.empty, "right"), (monitor.empty + whole, "left")]:
        assert_alike(monitor.measure(state), measures, f"adding no rows on the {side} changes the State")
    nothing = monitor.observe(rows.slice(0, 0))
    assert_alike(monitor.measure(nothing + whole), measures, "observing no rows adds something")
    constraints = list(monitor.suggest(whole))
    unsatisfied = [f for f in evaluate(constraints, measures) if f.outcome == "violated"]
    assert not unsatisfied, f"a baseline violates its own suggestions: {unsatisfied}"
    judged = [*constraints, *monitor.required(monitor.empty)]
    green = [f for f in evaluate(judged, monitor.measure(monitor.empty)) if f.outcome == "holds"]
    assert not green, f"an empty window passes: {green}"
    saved = dump(whole)
    assert_alike(monitor.measure(load(saved, monitor.empty)), measures, "a State does not survive its codec")
    assert dump(load(saved, monitor.empty)) == saved, "saving a State again gives other bytes"
    assert_alike(
        monitor.measure(monitor.kept(whole)), measures, "what is stored of a State is another one", uncounted=1
    )


def cuts(rows: pa.RecordBatch, chance: random.Random) -> list[tuple[str, list[pa.RecordBatch]]]:
    """The same rows, cut and ordered in other ways."""
    ends = sorted(chance.randint(0, rows.num_rows) for _ in range(5))
    pieces = [rows.slice(a, b - a) for a, b in zip([0, *ends], [*ends, rows.num_rows], strict=True)]
    order = list(range(rows.num_rows))
    chance.shuffle(order)
    cuts = {"how rows are cut": pieces, "the order of batches": pieces[::-1], "the order of rows": [rows.take(order)]}
    return list(cuts.items())


def assert_alike(observed: Measures, expected: Measures, law: str, uncounted: int = 0) -> None:
    """``uncounted``: how many rows of a category may be missing in its count."""
    assert observed.keys() == expected.keys(), f"{law}: measures differ: {observed.keys() ^ expected.keys()}"
    for key, measure in expected.items():
        assert alike(observed[key], measure, uncounted), (
            f"{law}: {key[0]} {key[1]} is {reprlib.repr(observed[key])}, not {reprlib.repr(measure)}"
        )


def alike(a: Measure, b: Measure, uncounted: int = 0) -> bool:
    if isinstance(a, Numbers) and isinstance(b, Numbers):
        return a.n == b.n and (not a.n or (kolmogorov_smirnov(a, b) or 0.0) <= 2 * SKETCH_RANK_ERROR)
    if isinstance(a, Importances) and isinstance(b, Importances):
        return (a.names, a.n) == (b.names, b.n) and close(a.values, b.values) and close(a.covariance, b.covariance)
    if isinstance(a, Categories) and isinstance(b, Categories):
        change = largest_share_change(a, b) or 0.0
        return (a.n, a.missing) == (b.n, b.missing) and round(change * a.n, 6) <= uncounted
    if isinstance(a, Estimate) and isinstance(b, Estimate):
        return a.n == b.n and alike(a.value, b.value) and alike(a.error, b.error)
    if isinstance(a, int | float) and isinstance(b, int | float):
        return math.isclose(a, b, rel_tol=1e-9, abs_tol=1e-9)
    return type(a) is type(b) and a == b


def close(a: np.ndarray | None, b: np.ndarray | None) -> bool:
    return a is b if a is None or b is None else bool(np.allclose(a, b, rtol=1e-9, atol=1e-9))
