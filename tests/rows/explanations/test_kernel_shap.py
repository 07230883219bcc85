"""Kernel SHAP gives Shapley values, and those of the library with the same coalitions."""

from __future__ import annotations

import itertools
import json
from math import comb
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shap
from hypothesis import given, settings
from hypothesis import strategies as st
from support.shapley import Model, exact_values

from model_monitor.rows.explanations import kernel_shap
from model_monitor.rows.explanations.kernel_shap import KernelShap, default_samples


def product(rows: np.ndarray) -> np.ndarray:
    return np.sin(rows).prod(axis=1) + rows[:, 0] * rows[:, -1]


def column(model: Model) -> Model:
    return lambda rows: model(rows)[:, None]


def kernel(model: Model, background: np.ndarray, weights: np.ndarray | None = None, **more: Any) -> KernelShap:
    given = np.ones(len(background)) if weights is None else weights
    samples = more.pop("samples", default_samples(background.shape[1]))
    return KernelShap(column(model), background, given / given.sum(), samples, **more)


NUMBERS = st.sampled_from([-2.0, -1.0, 0.0, 0.5, 1.0, 3.0])


@settings(max_examples=40)
@given(st.integers(1, 6).flatmap(lambda n: st.lists(st.lists(NUMBERS, min_size=n, max_size=n), min_size=2, max_size=5)))
def test_with_every_set_of_features_kernel_shap_is_exact(values: list[list[float]]) -> None:
    table = np.array(values)
    rows, background, weights = table[:1], table[1:], np.arange(1.0, len(table))
    explainer = kernel(product, background, weights)
    expected = explainer.expected()
    found = explainer.attributions(rows, expected)[:, :, 0]
    np.testing.assert_allclose(found, exact_values(product, rows, background, weights / weights.sum()), atol=1e-9)
    np.testing.assert_allclose(found.sum(axis=1) + expected, product(rows), atol=1e-9)


@pytest.mark.parametrize("use_logit", [False, True])
@pytest.mark.parametrize("samples", [30, 300])
def test_attributions_are_those_of_the_library_with_the_same_seed(samples: int, use_logit: bool) -> None:
    chance = np.random.default_rng(0)
    coefficients = chance.normal(size=(12, 2))

    def model(rows: np.ndarray) -> np.ndarray:
        return 1 / (1 + np.exp(-np.sin(rows) @ coefficients))

    background, rows = chance.normal(size=(3, 12)), chance.normal(size=(4, 12))
    rows[1, 3:9] = background[:, 3:9] = 0.5  # these don't differ from the background in a row
    explainer = KernelShap(model, background, np.full(3, 1 / 3), samples, 7, use_logit)
    found = explainer.attributions(rows, explainer.expected())
    library = shap.KernelExplainer(model, background, link="logit" if use_logit else "identity")
    for i, row in enumerate(rows):
        np.random.seed(7)
        theirs = library.shap_values(row[None], nsamples=samples, l1_reg=False, silent=True)[0]
        np.testing.assert_allclose(found[i], theirs, atol=1e-9)
    np.testing.assert_allclose(explainer.expected(), library.expected_value, rtol=1e-12)


W = [0.0393863693, -0.128012985, -1.25980950e-08, 0.0349345244, 0.353404790, -0.259979904, -0.00378628052]
W += [-0.113209136, 0.0997803733, 0.893729389, 0.000317798083, 0.000662831357, 0.0337790512, 0.0140294572]


def test_the_published_linear_learner_is_explained_within_two_percent(churn_run: Path) -> None:
    """14 features, of whose 16,382 sets 2,076 are tried: the nine features that matter most, over rows."""
    instances = json.loads((churn_run.parent / "adult/validation-dataset.json").read_text())["instances"]
    table = np.array([instance["features"] for instance in instances], float)

    def model(rows: np.ndarray) -> np.ndarray:
        return 1 / (1 + np.exp(-(rows @ np.array(W) - 9.085369)))

    explainer = kernel(model, table.mean(axis=0)[None])
    rows, expected = table[::11], explainer.expected()
    found = explainer.attributions(rows, expected)[:, :, 0]
    np.testing.assert_allclose(found.sum(axis=1) + expected, model(rows), rtol=0, atol=1e-9)
    exact = np.abs(exact_values(model, rows, explainer.background, explainer.weights)).mean(axis=0)
    largest = np.argsort(-exact)[:9]
    np.testing.assert_allclose(np.abs(found).mean(axis=0)[largest], exact[largest], rtol=0.02)


def test_rows_that_do_not_fit_into_memory_at_once_give_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    chance = np.random.default_rng(0)
    background, rows = chance.normal(size=(4, 7)), chance.normal(size=(5, 7))
    explainer = kernel(product, background)
    expected = explainer.expected()
    whole = explainer.attributions(rows, expected)
    for cells in (1, 100, 5000):
        monkeypatch.setattr(kernel_shap, "CELLS", cells)
        np.testing.assert_allclose(explainer.attributions(rows, expected), whole, atol=1e-12)


def test_the_global_source_of_chance_is_left_as_it_was() -> None:
    np.random.seed(3)
    first = np.random.random()
    np.random.seed(3)
    kernel_shap.drawn(12, 100, 5)
    assert np.random.random() == first


def test_the_private_names_of_the_library_hold_its_coalitions_and_their_weights() -> None:
    """``drawn`` reads ``maskMatrix``, ``kernelWeights`` and ``nsamplesAdded``, which the library does not promise."""
    explainer = shap.KernelExplainer(lambda rows: rows.sum(axis=1), np.zeros((1, 4)))
    explainer.shap_values(np.ones((1, 4)), nsamples=14, l1_reg=False, silent=True)
    assert explainer.nsamplesAdded == 14 == 2**4 - 2
    known, weights = kernel_shap.drawn(4, 14, seed=0)
    every = set(itertools.product([False, True], repeat=4))
    assert {tuple(row) for row in known.tolist()} == every - {(False,) * 4, (True,) * 4}
    sizes = known.sum(axis=1)
    theirs = np.array([3 / (comb(4, size) * size * (4 - size)) for size in sizes.tolist()])  # Lundberg & Lee (2017)
    np.testing.assert_allclose(weights, theirs / theirs.sum(), rtol=1e-12)
