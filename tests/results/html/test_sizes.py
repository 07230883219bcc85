"""Is the page of each monitor small enough to be mailed, whatever there are many of?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from results.html.test_pictures import OPEN
from results.html.test_report_page import EXECUTION

from model_monitor.core.constraints import Between, Constraint, Finding
from model_monitor.core.evaluation import evaluate
from model_monitor.core.measures import Measures, Subject
from model_monitor.core.monitor import Monitor
from model_monitor.core.segments import By, Segmented
from model_monitor.core.states import Keyed, Moments
from model_monitor.monitors.attribution import Attribution
from model_monitor.monitors.bias import Bias
from model_monitor.monitors.bias.facets import Facet
from model_monitor.monitors.data_quality import DataQuality
from model_monitor.monitors.model_quality import ModelQuality
from model_monitor.monitors.traits import BUILT_IN
from model_monitor.results import execution as executions
from model_monitor.results.documents import documents_of
from model_monitor.results.html import baseline_page, pictures_of, pictures_of_baseline, report_page
from model_monitor.results.measured import measured
from model_monitor.results.sentences import sentence_of

RNG = np.random.default_rng(0)
FEW = 10  # columns, groups or features that are observed; the page has copies of what was found of them
LIMITS = [(30, 300_000), (1000, 1_000_000)]  # how many there are then, and bytes at most
NAME = "a_column_with_a_name_of_its_own_{}"
LABELLED = {"ground_truth_attribute": "y", "probability_attribute": "p", "probability_threshold_attribute": 0.5}
DESCRIPTION = {"version": "0c1d", "rows": 500, "rejected": 0, "reasons": {}, "created": "2026-01-05", "inputs": []}
Rows = pa.RecordBatch
Case = tuple[Monitor[Any], Rows, Rows]


@dataclass(frozen=True)
class Means(Monitor[Keyed[Moments]]):
    """A monitor of one's own: the mean of each column."""

    @property
    def empty(self) -> Keyed[Moments]:
        return Keyed(Moments())

    def observe(self, batch: Rows) -> Keyed[Moments]:
        return Keyed(Moments(), {n: Moments.of(batch.column(n).to_numpy()) for n in batch.schema.names})

    def measure(self, state: Keyed[Moments]) -> Measures:
        return {(Subject(name), "mean"): one.mean for name, one in state.items.items()}

    def suggest(self, baseline: Keyed[Moments]) -> Iterator[Constraint]:
        for name, one in baseline.items.items():
            yield Constraint("mean_check", Subject(name), "mean", Between(high=one.mean + 1))


def columns(monitor: Monitor[Any]) -> Case:
    before, now = (
        pa.record_batch({NAME.format(i): RNG.normal(mean, 1, 200) for i in range(FEW)}) for mean in (0.0, 3.0)
    )
    return monitor, before, now


def labelled(monitor: Monitor[Any]) -> Case:
    """Rows of some groups; at first answers are right, then they are not, and the first group is always refused."""
    rows = 200 * FEW
    answers, groups = RNG.integers(0, 2, rows), np.arange(rows) % FEW
    scores = answers * 0.8 + 0.1
    about = {"group": [NAME.format(group) for group in groups]}
    before = pa.record_batch(about | {"p": scores, "y": answers})
    now = pa.record_batch(about | {"p": np.where(groups == 0, 0.1, scores), "y": RNG.permutation(answers)})
    return monitor, before, now


def explained(monitor: Monitor[Any]) -> Case:
    """Rows whose first features matter most, and then the last ones."""
    sizes = np.geomspace(1, 0.01, FEW)
    before, now = (
        pa.record_batch(
            {f"label0|{NAME.format(i)}": RNG.normal(0, size, 50) for i, size in enumerate(order)}
            | {"@expected|label0": np.full(50, 0.5)}
        )
        for order in (sizes, sizes[::-1])
    )
    return monitor, before, now


QUALITY = ModelQuality(problem_type="BinaryClassification", **LABELLED)
BIAS = Bias(facets=(Facet("group"),), label_values_or_threshold=(1,), judge=("DI", "RD"), sample_rows=0, **LABELLED)
CASES = {
    "data_quality": columns(DataQuality()),
    "model_quality": labelled(Segmented(QUALITY, (By("group", QUALITY),))),
    "bias": labelled(BIAS),
    "attribution": explained(Attribution(resamples=100)),
    "of one's own": columns(Means()),
}
WITHOUT_ROWS = ("traffic", "expectations")  # each of their findings is about a rule, or about all requests


def copied(constraint: Constraint, copy: int) -> Constraint:
    """The same of another column, or of another segment."""
    subject = constraint.subject
    column = f"{subject.column}_{copy}" if subject.column is not None else None
    segment = tuple((name, f"{value}_{copy}") for name, value in subject.segment)
    return replace(constraint, subject=Subject(column, segment))


def told(finding: Finding, measures: Measures) -> dict[str, Any]:
    is_violated = finding.outcome == "violated"
    return executions.written(finding) | ({"sentence": sentence_of(finding, measures, OPEN)} if is_violated else {})


def pages_of(many: int, monitor: Monitor[Any], before: Rows, now: Rows) -> tuple[bytes, bytes]:
    """The page of a window in which as much is violated as can be, and that of its baseline."""
    baseline, state = monitor.observe(before), monitor.observe(now)
    learned, found, copies = [*monitor.suggest(baseline)], monitor.measure(state), range(many // FEW)
    constraints = [copied(one, copy) for copy in copies for one in learned]
    measures = {
        (copied(one, copy).subject, one.measure): found.get((one.subject, one.measure))
        for copy in copies
        for one in learned
    }
    findings = [*evaluate(constraints, measures)]
    violations = sum(finding.outcome == "violated" for finding in findings)
    assert violations
    entries = measured(measures, constraints, monitor.traits)["measures"]
    statistics = documents_of(monitor).statistics(state, learned)
    pictures = pictures_of(monitor, state, findings, measures, entries, statistics, OPEN)
    document = EXECUTION | {"findings": [told(f, measures) for f in findings], "violations": violations}
    normal = pictures_of_baseline(monitor, baseline, constraints, statistics, OPEN)
    about = DESCRIPTION | {"monitor": "any"}
    return (
        report_page(document, entries, ["execution.json"], pictures),
        baseline_page("shop", about, constraints, ["baseline.json"], normal),
    )


def test_each_monitor_is_among_these() -> None:
    assert {*CASES} == {*BUILT_IN, "of one's own"} - {*WITHOUT_ROWS}


@pytest.mark.parametrize("kind", CASES)
@pytest.mark.parametrize(("many", "most"), LIMITS)
def test_the_pages_of_a_window_and_of_a_baseline_are_small(kind: str, many: int, most: int) -> None:
    for page in pages_of(many, *CASES[kind]):
        assert len(page) <= most


@pytest.mark.parametrize(("rules", "most"), LIMITS)
def test_so_is_that_of_many_rules_each_of_which_is_broken(rules: int, most: int) -> None:
    finding = {"measure": "expect_column_values_to_be_between", "segment": {}, "outcome": "violated", "reason": ""}
    numbers = {"observed": 0.9, "threshold": 1.0, "noise_floor": None, "check": "expectation_check"}
    words = "{} has at least 20 seats: 72 of 5,443 rows break it (1.32 %), e.g. '4', '2', '5', '6', '7'"
    names = map(NAME.format, range(rules))
    findings = [finding | numbers | {"column": name, "sentence": words.format(name)} for name in names]
    assert len(report_page(EXECUTION | {"findings": findings}, [], ["execution.json"])) <= most
