"""Do a page's pictures show what changed, no more than may be named, and in a page of bounded size?"""

from __future__ import annotations

import re
import subprocess
import sys
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from results.html.test_report_page import EXECUTION, FINDING, HOSTILE, Page
from sklearn.calibration import calibration_curve

from model_monitor.core.constraints import Constraint, Finding, Near
from model_monitor.core.distributions import Numbers
from model_monitor.core.evaluation import evaluate
from model_monitor.core.importances import Importances
from model_monitor.core.measures import Subject
from model_monitor.core.monitor import Monitor
from model_monitor.monitors.bias import Bias
from model_monitor.monitors.bias.facets import Facet
from model_monitor.monitors.data_quality import DataQuality
from model_monitor.monitors.model_quality import ModelQuality
from model_monitor.results import charts
from model_monitor.results.anonymous import Anonymity
from model_monitor.results.documents import documents_of
from model_monitor.results.html import pictures_of, pictures_of_baseline, report_page
from model_monitor.results.html.pictures import Pictures
from model_monitor.results.measured import measured

RNG = np.random.default_rng(0)
N = 500
BEFORE = pa.RecordBatch.from_pydict(
    {"age": RNG.normal(40, 9, N), "plan": ["a", "b"] * (N // 2), "size": RNG.normal(0, 1, N)}
)
NOW = pa.RecordBatch.from_pydict(
    {
        "age": RNG.normal(55, 9, N),
        "plan": ["a"] * 30 + ["ada@home"] * 3 + ["new"] * (N - 33),
        "size": RNG.normal(0, 1, N),
    }
)
SCORES = RNG.uniform(0, 1, N)
LABELS = (RNG.uniform(0, 1, N) < SCORES).astype(int)
LABELLED = pa.RecordBatch.from_pydict({"p": SCORES, "y": LABELS, "sex": np.where(np.arange(N) % 2, "f", "m")})
WORSE = pa.RecordBatch.from_pydict(
    {"p": SCORES, "y": RNG.permutation(LABELS), "sex": np.where((np.arange(N) % 2) & (SCORES < 0.8), "f", "m")}
)
BIAS = Bias(
    facets=(Facet("sex"),),
    ground_truth_attribute="y",
    probability_attribute="p",
    probability_threshold_attribute=0.5,
    label_values_or_threshold=(1,),
    judge=("DI", "RD"),
    sample_rows=0,
)
QUALITY = ModelQuality(
    problem_type="BinaryClassification",
    probability_attribute="p",
    probability_threshold_attribute=0.5,
    ground_truth_attribute="y",
)
OPEN = Anonymity()


def judged(monitor: Monitor[Any], before: pa.RecordBatch, now: pa.RecordBatch, anonymity: Anonymity = OPEN) -> Pictures:
    """The pictures of a window against a baseline, as ``evaluate_constraints`` makes them."""
    constraints, state = [*monitor.suggest(monitor.observe(before))], monitor.observe(now)
    measures = monitor.measure(state)
    entries = measured(measures, constraints, monitor.traits)["measures"]
    statistics = documents_of(monitor).statistics(state, constraints)
    return pictures_of(monitor, state, [*evaluate(constraints, measures)], measures, entries, statistics, anonymity)


def titles(drawn: Any) -> list[str]:
    return [re.findall(r"<title[^>]*>([^<]*)</title>", svg)[0] for svg in drawn]


def test_a_violated_column_is_drawn_large_and_each_column_small() -> None:
    pictures = judged(DataQuality(), BEFORE, NOW)
    assert sorted(titles(pictures.changed)) == ["age", "age: by how much", "plan"]
    assert {(one.name, one.outcome) for one in pictures.columns} == {
        ("age", "violated"),
        ("plan", "violated"),
        ("size", "holds"),
    }
    page = report_page(EXECUTION, [], ["execution.json"], pictures).decode()
    assert page.count('class="chart"') == 3 and page.count('class="small"') == 3
    assert page.index("What changed") < page.index('class="chart"') < page.index("Why believe it")


def test_healthy_windows_are_drawn_without_altair() -> None:
    """Of each monitor that has large pictures where something is violated: the tests below draw them."""
    code = (
        "import sys; sys.path.insert(0, 'tests'); from results.html.test_pictures import *;"
        "[sys.modules.pop(name) for name in [*sys.modules] if name.split('.')[0] in ('altair', 'vl_convert')];"
        "assert judged(DataQuality(), BEFORE, BEFORE).columns;"
        "assert {judged(m, LABELLED, LABELLED).quality for m in (QUALITY, BIAS)} == {()}; ranked('holds', 1.0);"
        "assert not {'altair', 'vl_convert'} & sys.modules.keys()"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_values_of_few_rows_and_of_private_columns_are_in_no_picture() -> None:
    drawn = "".join(judged(DataQuality(), BEFORE, NOW).changed)
    assert "new" in drawn and "ada@home" not in drawn
    private = judged(DataQuality(), BEFORE, NOW, Anonymity(private=("age", "plan")))
    assert [one.name for one in private.columns] == ["size"] and not private.changed


def test_the_same_window_gives_the_same_page() -> None:
    once, again = (report_page(EXECUTION, [], [], judged(DataQuality(), BEFORE, NOW)) for _ in range(2))
    assert once == again


def test_a_classifiers_curves_are_drawn_and_its_promises_are_those_of_scikit_learn() -> None:
    assert titles(judged(QUALITY, LABELLED, WORSE).quality) == [
        "Confusion matrix",
        "ROC",
        "Precision and recall",
        "Calibration",
    ]
    kept = QUALITY.kept_promises(QUALITY.observe(LABELLED))
    observed, predicted = calibration_curve(LABELS, SCORES, n_bins=10)
    assert [mean for mean, _ in kept] == pytest.approx(predicted)
    assert [share.value for _, share in kept] == pytest.approx(observed)
    assert sum(share.n for _, share in kept) == N


def test_bias_is_drawn_for_each_judged_metric() -> None:
    assert titles(judged(BIAS, LABELLED, WORSE).changed) == ["DI", "RD"]


def test_features_are_drawn_by_rank_where_they_moved() -> None:
    pictures = ranked("violated", 0.4)
    assert titles(pictures.changed) == ["label0: what matters most"]
    assert "age rank 1 to 3" in pictures.changed[0]


def ranked(outcome: Any, observed: float) -> Pictures:
    """The pictures of a window whose features changed their order."""
    subject = Subject("label0")
    near = Near(Importances.of({"age": 0.5, "plan": 0.2, "size": 0.1}), "ndcg", 0.9)
    finding = Finding(Constraint("feature_attribution_drift_check", subject, "attributions", near), outcome, observed)
    measures = {(subject, "attributions"): Importances.of({"age": 0.1, "plan": 0.2, "size": 0.5})}
    return pictures_of(DataQuality(), None, [finding], measures, [], {}, OPEN)


def test_a_baseline_shows_what_is_normal() -> None:
    monitor = DataQuality()
    constraints = [*monitor.suggest(monitor.observe(BEFORE))]
    pictures = pictures_of_baseline(monitor, None, constraints, {}, Anonymity(private=("size",)))
    assert [(one.name, one.window) for one in pictures.columns] == [("age", []), ("plan", [])]


def test_without_the_extra_columns_are_still_drawn_small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "vl_convert", None)
    monkeypatch.setattr(charts, "can_draw", lambda: False)
    pictures = judged(DataQuality(), BEFORE, NOW)
    assert not pictures.changed and len(pictures.columns) == 3


@pytest.mark.parametrize(("columns", "most"), [(30, 300_000), (1000, 1_000_000)])
def test_a_page_is_small_even_if_each_column_is_violated(columns: int, most: int) -> None:
    before, now = (Numbers(np.sort(RNG.normal(mean, 1, 200)), np.ones(200, int)) for mean in (0, 3))
    near, findings, measures = Near(before, "kolmogorov_smirnov", 0.1, 0.001), [], {}
    for i in range(columns):
        subject = Subject(f"a column with a name of its own {i}")
        findings.append(Finding(Constraint("baseline_drift_check", subject, "spread", near), "violated", 0.8, 0.2))
        measures[subject, "spread"] = now
    pictures = pictures_of(DataQuality(), None, findings, measures, [], {}, OPEN)
    assert len(pictures.columns) + pictures.more_columns == columns
    documents = [FINDING | {"column": f"a column with a name of its own {i}"} for i in range(columns)]
    page = report_page(EXECUTION | {"findings": documents}, [], ["execution.json"], pictures)
    assert len(page) <= most


@pytest.mark.parametrize("name", HOSTILE)
def test_names_of_others_are_inert_in_pictures(name: str) -> None:
    before, now = (batch.rename_columns([name, "plan", "size"]) for batch in (BEFORE, NOW))
    page = report_page(EXECUTION, [], [], judged(DataQuality(), before, now))
    assert not {"script", "img"} & {*Page(page).tags}
    assert len(page) < 60_000
    assert re.search(rb"[\x00-\x08\x0b-\x1f]", page) is None
