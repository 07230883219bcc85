"""Where a model shows how it answers, attributions are exact: what Kernel SHAP estimates, without chance."""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sklearn.ensemble import GradientBoostingRegressor, RandomForestClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression
from support.explained_rows import BACKGROUND, EXPLAINER, FEATURES, attributions, batch, explained

from model_monitor.errors import ConfigError
from model_monitor.monitors.attribution import Attribution
from model_monitor.rows.explanations.explain import Explainer, background_of, explain
from model_monitor.rows.explanations.models import ModelAt


def saved(folder: Path, model: Any) -> ModelAt:
    joblib.dump(model, folder / "model.joblib")
    return ModelAt(artefact=str(folder / "model.joblib"), trust=True)


TRAIN = np.random.default_rng(1).normal(size=(200, 3))
TARGET = TRAIN[:, 0] - TRAIN[:, 1] * TRAIN[:, 2]


@pytest.mark.parametrize(
    ("model", "method"),
    [
        (GradientBoostingRegressor(n_estimators=20).fit(TRAIN, TARGET), "tree"),
        (RandomForestClassifier(10, random_state=0).fit(TRAIN, TARGET > 0), "tree"),
        (RandomForestClassifier(10, random_state=0).fit(TRAIN, np.digitize(TARGET, [-1, 1])), "tree"),
        (LinearRegression().fit(TRAIN, TARGET), "linear"),
    ],
    ids=["boosted trees", "forest of two classes", "forest of three classes", "linear"],
)
def test_exact_explainers_give_what_kernel_shap_estimates(tmp_path: Path, model: Any, method: Any) -> None:
    explainer = replace(EXPLAINER, model=saved(tmp_path, model), weights=(3.0, 1.0))
    by_kernel = explained(tmp_path, replace(explainer, method="kernel"))
    for chosen in (method, "auto"):
        exact = explained(tmp_path, replace(explainer, method=chosen))
        assert exact.column_names == by_kernel.column_names
        for name in by_kernel.column_names[: -2 - len(FEATURES)]:
            np.testing.assert_allclose(exact.column(name), by_kernel.column(name), atol=1e-5)


def test_log_odds_of_a_logistic_regression_are_linear(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    model = LogisticRegression().fit(TRAIN, TARGET > 0)
    explainer = replace(EXPLAINER, model=saved(tmp_path, model), background=BACKGROUND[:1], use_logit=True)
    with caplog.at_level(logging.INFO):
        found = attributions(explained(tmp_path, explainer))
    assert "exactly" in caplog.text
    rows = np.column_stack([batch().column(name).cast("float64").to_numpy() for name in FEATURES])
    by_id = np.isin(np.arange(50), [int(i[1:]) for i in explained(tmp_path).column("@event_id").to_pylist()])
    np.testing.assert_allclose(found, model.coef_ * (rows[by_id] - np.array(BACKGROUND[0])), atol=1e-9)
    np.testing.assert_allclose(attributions(explained(tmp_path, replace(explainer, method="kernel"))), found, atol=1e-6)
    caplog.clear()
    with caplog.at_level(logging.INFO):  # the mean of log-odds is not the log-odds of the mean
        explained(tmp_path, replace(explainer, background=BACKGROUND))
    assert "exactly" not in caplog.text


def test_log_odds_of_the_published_booster_are_explained_exactly(churn_run: Path, tmp_path: Path) -> None:
    pytest.importorskip("xgboost")
    table = np.loadtxt(churn_run / "test-dataset-input-cols.csv", delimiter=",")[1:]
    names = tuple(f"f{i}" for i in range(69))
    rows = pa.record_batch({name: table[:, i] for i, name in enumerate(names)})
    background, _ = background_of([rows], names, 1)
    at = ModelAt(artefact=str(churn_run / "xgb-churn-model.json"))
    explainer = Explainer(at, names, background, rows=10, num_samples=20_000, use_logit=True)
    monitor = Attribution()
    found = []
    for method in ("tree", "auto", "kernel"):
        explain([rows], replace(explainer, method=method), str(tmp_path / "x.parquet"), {})  # type: ignore[arg-type]
        state = monitor.observe(pq.read_table(tmp_path / "x.parquet").combine_chunks().to_batches()[0])
        found.append(np.array([*monitor.expected(state).values(), *monitor.global_values(state)["label0"].values()]))
    np.testing.assert_array_equal(found[0], found[1])
    largest = np.argsort(-np.abs(found[0]))[:9]
    np.testing.assert_allclose(found[2][largest], found[0][largest], rtol=0.02)
    with pytest.raises(ConfigError, match="use_logit: true for boosted trees"):  # its probabilities are no sum of trees
        explain([rows], replace(explainer, method="tree", use_logit=False), str(tmp_path / "x.parquet"), {})
