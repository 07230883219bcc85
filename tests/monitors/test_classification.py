"""Classification metrics against scikit-learn and SageMaker's published numbers."""

from __future__ import annotations

import math
from dataclasses import astuple
from functools import partial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as judge

from model_monitor.core.measures import Estimate, Measure, Share, Undefined
from model_monitor.monitors.model_quality import binary, multiclass
from model_monitor.monitors.model_quality.classification import (
    BETAS,
    WEIGHTED,
    Confusion,
    Table,
    error_of,
    f_of,
    sagemaker_binary,
    sagemaker_multiclass,
    share_error,
    weighted,
    weighted_error,
)

CELLS = st.integers(0, 30)
CODING = binary.Coding("1", "0")


def number(measure: Measure) -> float | None:
    return measure.value if isinstance(measure, Share | Estimate) else None


def rows_of(c: Confusion) -> tuple[np.ndarray, np.ndarray]:
    """Truths and predictions, 0 or 1."""
    truth = np.repeat([1, 0, 1, 0], [c.tp, c.fp, c.fn, c.tn])
    return truth, np.repeat([1, 1, 0, 0], [c.tp, c.fp, c.fn, c.tn])


@given(CELLS, CELLS, CELLS, CELLS)
def test_two_class_metrics_are_those_of_scikit_learn_or_undefined(tp: int, fp: int, fn: int, tn: int) -> None:
    c = Confusion(tp, fp, fn, tn)
    if not c.n:
        return
    truth, predicted = rows_of(c)
    found = binary.shares(c, CODING) | binary.f_scores(c, CODING)
    expected = {
        "recall": judge.recall_score(truth, predicted, zero_division=np.nan),
        "precision": judge.precision_score(truth, predicted, zero_division=np.nan),
        "accuracy": judge.accuracy_score(truth, predicted),
        "true_negative_rate": judge.recall_score(truth, predicted, pos_label=0, zero_division=np.nan),
        **{name: judge.fbeta_score(truth, predicted, beta=beta, zero_division=np.nan) for name, beta in BETAS.items()},
    }
    for name, value in expected.items():
        if math.isnan(value):
            assert isinstance(found[name], Undefined), name
        else:
            assert number(found[name]) == pytest.approx(value, abs=1e-12), name


@given(CELLS, CELLS, CELLS, CELLS)
def test_sagemakers_formulas_are_those_of_scikit_learn_with_zero_for_nothing(tp, fp, fn, tn) -> None:
    c = Confusion(tp, fp, fn, tn)
    if not c.n:
        return
    truth, predicted = rows_of(c)
    found = sagemaker_binary(c, c.constant(False), 0.5)
    assert found["recall"] == pytest.approx(judge.recall_score(truth, predicted, zero_division=0), abs=1e-12)
    assert found["precision"] == pytest.approx(judge.precision_score(truth, predicted, zero_division=0), abs=1e-12)
    for name, beta in BETAS.items():
        expected = judge.fbeta_score(truth, predicted, beta=beta, zero_division=0)
        assert found[name] == pytest.approx(expected, abs=1e-12)
    majority = np.full(c.n, int(c.positives > c.negatives))
    for name, score in (("accuracy", judge.accuracy_score), ("f1", partial(judge.f1_score, zero_division=0))):
        assert found[f"{name}_best_constant_classifier"] == pytest.approx(score(truth, majority), abs=1e-12)


def test_sagemakers_binary_example_is_reproduced_bit_for_bit() -> None:
    """Its documentation's confusion matrix {0: {0: 1, 1: 2}, 1: {0: 0, 1: 1}}."""
    found = sagemaker_binary(Confusion(tp=1, fp=2, fn=0, tn=1), Confusion(), 1.0)
    assert found["precision"] == 0.3333333333333333
    assert (found["true_negative_rate"], found["false_positive_rate"]) == (0.33333333333333337, 0.6666666666666666)
    assert (found["f0_5"], found["f1"], found["f2"]) == (0.3846153846153846, 0.5, 0.7142857142857143)


DOCUMENTED = Table.of({("0", "0"): 1180, ("0", "1"): 510, ("1", "0"): 268, ("1", "1"): 138})


def test_sagemakers_multiclass_example_is_reproduced() -> None:
    found = sagemaker_multiclass(DOCUMENTED)
    assert list(found) == list(multiclass.NAMES)
    expected = [0.6288167938931297, 0.6288167938931297, 0.6983172269629505]
    expected += [0.6803947317178771, 0.6571162346664904, 0.6384024354394601]
    assert list(found.values()) == pytest.approx(expected, abs=2e-16)
    # Its constant classifier of then answered "1".
    ones = Table(DOCUMENTED.labels, np.array([0, 1]), np.array([1, 1]), DOCUMENTED.actual)
    expected = [0.19370229007633588, 0.19370229007633588, 0.03752057718081697]
    expected += [0.04473443104152011, 0.06286421244683643, 0.10570313141262414]
    assert list(sagemaker_multiclass(ones).values()) == pytest.approx(expected, abs=2e-16)
    majority = multiclass.as_sagemaker(DOCUMENTED)["accuracy_best_constant_classifier"]
    assert majority == pytest.approx(1690 / 2096)


LABELS = st.sampled_from(["a", "b", "c", "10", "9"])


@given(st.dictionaries(st.tuples(LABELS, LABELS), st.integers(1, 20), min_size=1))
def test_weighted_metrics_are_those_of_scikit_learn(cells: dict[tuple[str, str], int]) -> None:
    """Rows that occur more than once are its sample weights."""
    truth, predicted = [pair[0] for pair in cells], [pair[1] for pair in cells]
    options = {"average": "weighted", "sample_weight": list(cells.values()), "zero_division": 0}
    for found in (multiclass.metrics(Table.of(cells)), multiclass.as_sagemaker(Table.of(cells))):
        values = {name: measure if isinstance(measure, float) else number(measure) for name, measure in found.items()}
        assert values["weighted_recall"] == pytest.approx(judge.recall_score(truth, predicted, **options), abs=1e-12)
        assert values["weighted_precision"] == pytest.approx(
            judge.precision_score(truth, predicted, **options), abs=1e-12
        )
        for name, beta in BETAS.items():
            expected = judge.fbeta_score(truth, predicted, beta=beta, **options)
            assert values[f"weighted_{name}"] == pytest.approx(expected, abs=1e-12)


def test_a_class_that_was_never_predicted_has_no_precision_and_counts_for_it() -> None:
    t = Table.of({("a", "a"): 3, ("b", "a"): 1})
    assert weighted(t, WEIGHTED["weighted_precision"]) == pytest.approx(0.75 * 0.75)


def test_equally_frequent_labels_make_the_smaller_the_constant_answer() -> None:
    t = Table.of({("10", "10"): 2, ("9", "10"): 2})
    assert t.labels == ("9", "10")
    assert t.constant().answer.tolist() == [0, 0]
    assert Confusion(tp=1, fn=1, tn=2).constant(positive_is_smaller=True) == Confusion(tp=2, fp=2)
    assert Confusion(tp=1, fn=1, tn=2).constant(positive_is_smaller=False) == Confusion(fn=2, tn=2)


def jackknife(values: list[float], weights: list[int]) -> float:
    """Its textbook form (Efron 1982): the spread of what is left without each row."""
    n = sum(weights)
    mean = np.average(values, weights=weights)
    return math.sqrt((n - 1) / n * float(np.dot(weights, (np.array(values) - mean) ** 2)))


@pytest.mark.parametrize("beta", BETAS.values())
def test_the_error_of_f_is_that_of_leaving_out_rows(beta: float) -> None:
    c = Confusion(tp=300, fp=120, fn=80, tn=900)
    left = [Confusion(299, 120, 80, 900), Confusion(300, 119, 80, 900), Confusion(300, 120, 79, 900)]
    values = [f_of(beta, *astuple(one)) for one in [*left, Confusion(300, 120, 80, 899)]]
    expected = jackknife(values, [300, 120, 80, 900])
    assert error_of(partial(f_of, beta), c) == pytest.approx(expected, rel=0.01)


@pytest.mark.parametrize("name", WEIGHTED)
def test_the_error_of_a_weighted_metric_is_that_of_leaving_out_rows(name: str) -> None:
    cells = {("a", "a"): 300, ("a", "b"): 40, ("b", "b"): 200, ("b", "c"): 30, ("c", "c"): 90, ("c", "a"): 60}
    values = [weighted(Table.of(cells | {pair: n - 1}), WEIGHTED[name]) for pair, n in cells.items()]
    expected = jackknife(values, list(cells.values()))
    assert weighted_error(Table.of(cells), WEIGHTED[name]) == pytest.approx(expected, rel=0.02)


@given(CELLS, CELLS, CELLS, CELLS)
def test_an_error_is_never_zero(tp: int, fp: int, fn: int, tn: int) -> None:
    c = Confusion(tp, fp, fn, tn)
    assert error_of(partial(f_of, 1.0), c) > 0
    assert share_error(0, 1) and share_error(5, 5)
    assert share_error(0, 0) is None


def test_errors_of_ten_thousand_classes_take_little_time_and_memory() -> None:
    cells = {(str(i), str(i)): 5 for i in range(9_990)} | {(str(i), str(i + 1)): 1 for i in range(10)}
    t = Table.of(cells)
    assert 0 < weighted_error(t, WEIGHTED["weighted_f1"]) < 0.1
    assert len(t.matrix()) == 9_990 and t.matrix()["3"] == {"3": 5, "4": 1}
