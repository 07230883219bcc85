"""The metrics of bias are the published numbers, with SageMaker's quirks where it has them and without in ours."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model_monitor.monitors.bias.metrics import (
    Grouped,
    Side,
    Sides,
    after_training,
    before_training,
    conditional_disparity,
    distances,
    over,
)

FACET = "MFFMFMFFMMFF"
LABEL = [0, 1, 1, 1, 1, 0, 0, 0, 1, 0, 0, 0]
PREDICTION = [1, 1, 1, 0, 0, 0, 1, 1, 0, 1, 0, 0]


def sides(of_d: list[bool], label: list[int], prediction: list[int]) -> Sides:
    cells = np.zeros(8, int)
    for d, y, p in zip(of_d, label, prediction, strict=True):
        cells[4 * d + (0 if p else 2) + ((1 - y) if p else (0 if y else 1))] += 1
    return Sides.of(cells)


def metrics(s: Sides, as_sagemaker: bool = True) -> dict[str, float]:
    found = before_training(s, as_sagemaker) | after_training(s, as_sagemaker)
    return {name: float(value) for name, value in found.items()}


def of_table(facet: str, label: list[int] = LABEL, prediction: list[int] = PREDICTION) -> dict[str, float]:
    return metrics(sides([f == facet for f in FACET], label, prediction))


PUBLISHED = {  # of smclarify's unit tests, for facet F
    "CI": -1 / 6,
    "DCA": 1 / 4,
    "DCR": 1 / 3,
    "RD": -2 / 3,
    "SD": 1 / 6,
    "DRR": 1 / 3,
    "AD": -13 / 35,
    "DAR": -1 / 2,
    "TE": -1 / 2,
    "GE": 0.24556213017751485,
}


@pytest.mark.parametrize(("name", "value"), PUBLISHED.items())
def test_a_published_table_gives_the_published_numbers_and_the_other_side_the_other_sign(
    name: str, value: float
) -> None:
    assert of_table("F")[name] == pytest.approx(value)
    assert of_table("M")[name] == pytest.approx(value if name == "GE" else -value)


def test_disparate_impact_is_the_inverse_for_the_other_side_and_may_be_infinite() -> None:
    assert of_table("F")["DI"] == pytest.approx(10 / 7)
    assert of_table("M")["DI"] == pytest.approx(7 / 10)
    assert of_table("F", prediction=[0, 1, 1, 0, 1, 0, 1, 1, 0, 0, 1, 1])["DI"] == math.inf
    assert of_table("F", prediction=[1, 0, 0, 1, 1, 1, 0, 1, 1, 1, 0, 1])["DRR"] == pytest.approx(0.5)


def of_labels(of_d: str, labels: str = "TTTFFF", as_sagemaker: bool = True) -> dict[str, float]:
    positive = [int(c == "T") for c in labels]
    return metrics(sides([c == "T" for c in of_d], positive, positive), as_sagemaker)


def test_sagemaker_compares_only_labels_that_both_sides_have() -> None:
    found = of_labels("TFFFFF")
    assert found["KL"] == pytest.approx(-0.366516, abs=1e-6)
    assert found["JS"] == pytest.approx(0.06641431438228168, rel=1e-14)
    assert found["LP"] == pytest.approx(0.6)
    assert of_labels("TFFFTF")["KL"] == of_labels("TFFFTF")["JS"] == of_labels("TFFFTF")["LP"] == 0.0
    assert all(math.isnan(of_labels("FFFFFF")[name]) for name in ("KL", "JS", "LP", "TVD", "KS"))
    one_sided = of_labels("TTFF", "TTTF")
    expected = {"KL": -0.34657359027997264, "LP": 0.5, "TVD": 0.25, "KS": 0.5}
    assert {name: one_sided[name] for name in expected} == pytest.approx(expected)


def test_data_of_one_label_on_the_other_side_give_sagemakers_numbers() -> None:
    found = of_labels("FFTT", "TTTF")
    assert found["KL"] == pytest.approx(0.6931471805599453)
    assert found["JS"] == pytest.approx(0.04247475919884931)
    assert (found["LP"], found["TVD"], found["KS"]) == (0.5, 0.25, 0.5)


def test_ours_compares_all_labels() -> None:
    found = of_labels("FFTT", "FFTT", as_sagemaker=False)
    assert found["KL"] == math.inf
    assert found["JS"] == pytest.approx(math.log(2))
    assert (found["TVD"], found["KS"]) == (1.0, 1.0)
    assert found["LP"] == pytest.approx(math.sqrt(2))


def test_the_documentations_arithmetic() -> None:
    assert float(distances(np.array([0.2, 0.8]), np.array([0.7, 0.3]), False)["KL"]) == pytest.approx(0.5341, abs=5e-5)
    three = distances(np.array([0.4, 0.4, 0.2]), np.array([0.2, 0.1, 0.7]), False)
    assert float(three["KS"]) == pytest.approx(0.5)
    found = after_training(Sides(side(65, 5, 5, 18), side(20, 6, 7, 20)), True)
    assert float(found["RD"]) == pytest.approx(0.1878, abs=5e-5)
    found = after_training(Sides(side(1, 10, 1, 20), side(1, 5, 1, 18)), True)
    assert float(found["SD"]) == pytest.approx(0.1159, abs=5e-5)
    found = after_training(Sides(side(1, 6, 8, 1), side(1, 2, 5, 1)), True)
    assert float(found["TE"]) == pytest.approx(1.1667, abs=5e-5)
    found = after_training(Sides(side(35, 35, 0, 0), side(40, 60, 0, 0)), True)
    assert float(found["DAR"]) == pytest.approx(0.10)
    found = after_training(Sides(side(1, 0, 20, 80), side(1, 0, 10, 40)), True)
    assert float(found["DRR"]) == 0.0
    found = after_training(Sides(side(60, 0, 10, 0), side(20, 10, 0, 0)), True)
    assert float(found["DCA"]) == pytest.approx(0.5)
    found = after_training(Sides(side(50, 10, 0, 0), side(30, 0, 10, 0)), True)
    assert float(found["DCA"]) == pytest.approx(-0.5)
    found = after_training(Sides(side(0, 0, 10, 50), side(0, 10, 0, 30)), True)
    assert float(found["DCR"]) == pytest.approx(0.5)
    found = after_training(Sides(side(0, 10, 0, 60), side(0, 0, 10, 20)), True)
    assert float(found["DCR"]) == pytest.approx(-0.5)
    found = after_training(Sides(side(60, 0, 40, 0), side(50, 0, 50, 0)), True)
    assert float(found["DI"]) == pytest.approx(0.8333, abs=5e-5)
    found = after_training(Sides(side(70, 0, 30, 0), side(50, 0, 50, 0)), True)
    assert float(found["AD"]) == pytest.approx(0.2)


def side(*cells: int) -> Side:
    return Side(*map(np.array, cells))


def test_conditional_disparity_is_the_published_one() -> None:
    facet = "MMMFFFFMMMMFMMFMFFMMFMMF"
    positive = [0, 1, 1, 0, 1, 0, 1, 1, 1, 1, 0, 1, 1, 1, 0, 0, 0, 0, 1, 0, 0, 1, 1, 0]
    group = [1, 0, 2, 2, 1, 1, 2, 1, 1, 2, 0, 1, 2, 0, 1, 1, 1, 2, 0, 1, 0, 0, 1, 1]
    for of_d, expected in (("F", 0.3982142857), ("M", -0.3982142857)):
        cells = np.zeros((4, 3))
        for f, p, g in zip(facet, positive, group, strict=True):
            cells[1 - p, g] += 1
            cells[3 - p, g] += f == of_d
        found = conditional_disparity(Grouped(*cells), True)
        assert float(found) == pytest.approx(expected, abs=1e-10)


@pytest.mark.parametrize(
    ("a", "d", "expected"),
    [  # cells TP FP FN TN of both sides; the edge cases of docs/sagemaker-formats.md, Bias
        ((0, 0, 2, 2), (1, 1, 1, 1), {"DI": math.inf, "DCA": math.inf, "DAR": -0.5}),
        ((0, 0, 2, 2), (0, 0, 1, 1), {"DI": 0.0, "DCA": 0.0, "TE": 0.0}),
        ((1, 1, 1, 1), (0, 0, 2, 2), {"DI": 0.0, "DCA": -math.inf}),
        ((2, 0, 2, 2), (2, 0, 0, 2), {"TE": -math.inf}),
        ((2, 0, 0, 2), (2, 0, 0, 2), {"TE": 0.0, "GE": 0.0}),
        ((0, 2, 0, 2), (0, 1, 0, 1), {"RD": 0.0}),
        ((2, 0, 2, 0), (1, 0, 1, 0), {"SD": 0.0}),
        ((0, 0, 1, 1), (0, 0, 1, 1), {"GE": 0.5}),
        ((0, 0, 0, 0), (1, 1, 1, 1), {"GE": 0.25}),
        ((0, 2, 0, 0), (0, 2, 0, 0), {"GE": 0.0}),
    ],
)
def test_sagemakers_edge_cases(a: tuple[int], d: tuple[int], expected: dict[str, float]) -> None:
    found = metrics(Sides(side(*a), side(*d)))
    assert {name: found[name] for name in expected} == pytest.approx(expected)


CELLS = st.lists(st.integers(0, 5), min_size=8, max_size=8)


@given(st.lists(CELLS, min_size=1, max_size=4), st.booleans())
def test_many_tables_at_once_give_what_each_gives_alone(tables: list[list[int]], as_sagemaker: bool) -> None:
    together = Sides.of(np.array(tables))
    for i, table in enumerate(tables):
        alone = metrics(Sides.of(np.array(table)), as_sagemaker)
        both = before_training(together, as_sagemaker) | after_training(together, as_sagemaker)
        assert {name: float(value[i]) for name, value in both.items()} == pytest.approx(alone, nan_ok=True)


@given(CELLS)
def test_where_ours_has_a_number_it_is_sagemakers_but_for_distances_of_unequal_labels(cells: list[int]) -> None:
    s = Sides.of(np.array(cells))
    ours, sagemaker = metrics(s, as_sagemaker=False), metrics(s)
    shared = all(x > 0 for x in (s.a.positives, s.a.negatives, s.d.positives, s.d.negatives))
    for name, value in ours.items():
        if math.isfinite(value) and (shared or name not in ("KL", "JS", "LP", "TVD", "KS")):
            assert sagemaker[name] == pytest.approx(value)


@given(CELLS)
def test_sagemaker_never_has_nan_where_both_sides_have_a_row_and_share_a_label(cells: list[int]) -> None:
    s = Sides.of(np.array(cells))
    if s.a.n and s.d.n and ((s.a.positives and s.d.positives) or (s.a.negatives and s.d.negatives)):
        nan = {name for name, value in metrics(s).items() if math.isnan(value)}
        assert nan <= {"GE"}
        assert bool(nan) == (s.a.fn + s.d.fn == s.a.n + s.d.n)


def test_quotients_of_nothing() -> None:
    above, below = np.array([0, 1, -1, 1]), np.array([0, 0, 0, 2])
    assert over(above, below, as_sagemaker=True).tolist() == [0.0, math.inf, -math.inf, 0.5]
    assert np.isnan(over(above, below, as_sagemaker=False)[0])
