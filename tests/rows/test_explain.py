"""Attributions are Shapley values, of the same rows always the same, and their file says what it was made from."""

from __future__ import annotations

import itertools
import json
import logging
import math
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import shap
from hypothesis import given, settings
from hypothesis import strategies as st
from model_serving import csv_model, json_model, serving
from sklearn.ensemble import GradientBoostingRegressor, RandomForestClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression

from model_monitor.core.window import Window
from model_monitor.errors import ConfigError, DataError, StoreError
from model_monitor.monitors.attribution import Attribution
from model_monitor.rows import kernel_shap
from model_monitor.rows.explain import Explainer, background_of, cost, explain, rows_at
from model_monitor.rows.kernel_shap import KernelShap, default_samples
from model_monitor.rows.models import Exchange, ModelAt
from model_monitor.rows.select import Selection
from model_monitor.rows.summary import FOOTER, summary_of

Model = Callable[[np.ndarray], np.ndarray]

FEATURES = ("a", "b", "c")
BACKGROUND = ((0.0, 1.0, 2.0), (1.0, 0.5, 0.0))


def exact_values(model: Model, rows: np.ndarray, background: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Shapley values by their definition: every set of known features, with and without each (rows x features)."""
    n = rows.shape[1]
    sets = np.array(list(itertools.product([False, True], repeat=n)))
    bits = 1 << np.arange(n)[::-1]
    share = np.array([math.factorial(s) * math.factorial(n - s - 1) / math.factorial(n) for s in range(n)])
    found = np.zeros(rows.shape)
    for row, values in zip(rows, found, strict=True):
        answers = sum(w * model(np.where(sets, row, other)) for other, w in zip(background, weights, strict=True))
        for j in range(n):
            without = np.flatnonzero(~sets[:, j])
            gains = answers[without + bits[j]] - answers[without]
            values[j] = (share[sets[without].sum(axis=1)] * gains).sum()
    return found


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


def test_the_published_linear_learner_is_explained_within_two_percent(original: Path) -> None:
    """14 features, of whose 16,382 sets 2,076 are tried: the nine features that matter most, over rows."""
    instances = json.loads((original.parent / "adult/validation-dataset.json").read_text())["instances"]
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


def answers(rows: np.ndarray, features: list[str]) -> np.ndarray:
    return 2 * rows[:, 0] - rows[:, 1] * rows[:, 2]


def shares(rows: np.ndarray, features: list[str]) -> np.ndarray:
    odds = 1 / (1 + np.exp(-rows.sum(axis=1)))
    return np.column_stack([odds, 1 - odds])


def text_lengths(rows: np.ndarray, features: list[str]) -> list[float]:
    """Of rows a number, a text and a code with a leading zero."""
    for number, text, code in rows:
        assert number is None or isinstance(number, float)
        assert text is None or isinstance(text, str)
        assert isinstance(code, str)
    return [(number or 0.0) + len(text or "") * (code == "007") for number, text, code in rows]


def function(name: str) -> ModelAt:
    return ModelAt(callable=f"test_explain.{name}")


EXPLAINER = Explainer(function("answers"), FEATURES, BACKGROUND, rows=20)
TIME = datetime(2026, 1, 5, tzinfo=UTC)


def batch(count: int = 50, **columns: list[Any]) -> pa.RecordBatch:
    """Rows as they are collected: all texts."""
    chance = np.random.default_rng(0)
    values = {name: [f"{v:.2f}" for v in chance.normal(size=count)] for name in FEATURES}
    identity = {
        "@event_id": [f"e{i}" for i in range(count)],
        "@event_time": pa.array([TIME + timedelta(minutes=i) for i in range(count)], pa.timestamp("us", "UTC")),
    }
    return pa.record_batch({**identity, "score": ["0.5"] * count, **values, **columns})


def explained(folder: Path, explainer: Explainer = EXPLAINER, **more: Any) -> pa.Table:
    batches = more.pop("batches", [batch()])
    explain(batches, explainer, str(folder / "explained.parquet"), {"made": "from"}, **more)
    return pq.read_table(folder / "explained.parquet")


def attributions(table: pa.Table, label: str = "label0") -> np.ndarray:
    return np.column_stack([table.column(f"{label}|{name}").to_numpy() for name in FEATURES])


def test_a_file_of_explained_rows_is_what_the_monitor_observes(tmp_path: Path) -> None:
    table = explained(tmp_path, replace(EXPLAINER, rows=1000), keep=["score"])
    assert table.column_names == [
        *(f"label0|{name}" for name in FEATURES),
        "@expected|label0",
        "@event_id",
        "@event_time",
        "score",
    ]
    assert table.column("@event_id").to_pylist() == [f"e{i}" for i in range(50)]
    rows = np.column_stack([batch().column(name).cast("float64").to_numpy() for name in FEATURES])
    exact = exact_values(lambda r: answers(r, []), rows, np.array(BACKGROUND), np.array([0.5, 0.5]))
    np.testing.assert_allclose(attributions(table), exact, atol=1e-9)
    monitor = Attribution()
    state = monitor.observe(table.combine_chunks().to_batches()[0])
    assert monitor.expected(state) == {"label0": pytest.approx(answers(np.array(BACKGROUND), []).mean())}
    assert list(monitor.global_values(state)["label0"].values()) == pytest.approx(np.abs(exact).mean(axis=0).tolist())


def test_the_footer_says_what_it_was_made_from(tmp_path: Path) -> None:
    explained(tmp_path)
    summary = summary_of(str(tmp_path / "explained.parquet"))
    assert summary is not None
    assert (summary.origin, summary.records, summary.rows) == ({"made": "from"}, 50, 20)
    assert FOOTER in pq.read_metadata(tmp_path / "explained.parquet").metadata


def test_the_same_rows_give_the_same_bytes_however_they_are_cut(tmp_path: Path) -> None:
    path = tmp_path / "explained.parquet"
    explained(tmp_path)
    first = path.read_bytes()
    rows = batch()
    coded = rows.set_column(2, "score", rows.column("score").dictionary_encode())
    for batches in ([rows], [rows.slice(0, 7), rows.slice(7, 0), rows.slice(7)], [coded.slice(0, 30), rows.slice(30)]):
        explained(tmp_path, batches=batches)
        assert path.read_bytes() == first


def test_fewer_rows_are_some_of_the_same_with_the_same_attributions(tmp_path: Path) -> None:
    few, more = (explained(tmp_path, replace(EXPLAINER, rows=n)) for n in (5, 20))
    assert few.num_rows == 5
    places = [more.column("@event_id").to_pylist().index(one) for one in few.column("@event_id").to_pylist()]
    assert places == sorted(places)
    np.testing.assert_array_equal(attributions(more.take(places)), attributions(few))


def test_rows_of_a_dataset_have_no_ids_and_are_chosen_by_their_place(tmp_path: Path) -> None:
    rows = batch().drop_columns(["@event_id", "@event_time"])
    few, more = (
        explained(tmp_path, replace(EXPLAINER, rows=n), batches=[rows.slice(0, 9), rows.slice(9)]) for n in (5, 20)
    )
    assert few.column("@event_id").null_count == 5
    assert {tuple(row) for row in attributions(few)} < {tuple(row) for row in attributions(more)}


def test_a_model_with_several_outputs_has_a_label_for_each(tmp_path: Path) -> None:
    explainer = replace(EXPLAINER, model=function("shares"), label_headers=("yes", "no"))
    table = explained(tmp_path, explainer)
    np.testing.assert_allclose(attributions(table, "yes"), -attributions(table, "no"), atol=1e-12)
    assert table.column_names[-4:-2] == ["@expected|yes", "@expected|no"]
    with pytest.raises(ConfigError, match=r"names 1 outputs \(yes\), but the model gives 2 numbers"):
        explained(tmp_path, replace(explainer, label_headers=("yes",)))


def test_texts_stay_texts_and_numbers_become_numbers(tmp_path: Path) -> None:
    columns = {"a": ["1.5", None, "-2e1"], "b": ["one", "", None], "c": ["007", "7", "007"]}
    explainer = Explainer(function("text_lengths"), FEATURES, ((0.0, "none", "0"),), rows=10)
    table = explained(tmp_path, explainer, batches=[batch(3, **columns)])
    np.testing.assert_allclose(attributions(table).sum(axis=1), [1.5 + 3, 0.0, -20.0], atol=1e-12)


def test_a_served_model_gets_rows_as_they_were_captured(tmp_path: Path) -> None:
    columns = {"a": ["3", "4.5"], "b": ["DE", "x,y"], "c": ["true", "false"]}

    def model(document: list[Any]) -> dict[str, list[float]]:
        for a, b, c in document:
            assert isinstance(a, int | float) and isinstance(b, str) and isinstance(c, bool)
        return {"scores": [a + len(b) * c for a, b, c in document]}

    with serving(json_model(model)) as served:  # type: ignore[arg-type]
        at = ModelAt(url=served.url, exchange=Exchange("application/json", probability="scores", retries=0))
        table = explained(tmp_path, Explainer(at, FEATURES, ((1.0, "", "false"),)), batches=[batch(2, **columns)])
    np.testing.assert_allclose(attributions(table).sum(axis=1), [3 + 2 - 1, 4.5 - 1])


def test_a_model_that_fails_leaves_what_was_there_and_a_retry_makes_the_same(tmp_path: Path) -> None:
    fails = 0

    def sometimes(body: bytes) -> tuple[int, bytes]:
        nonlocal fails
        fails += 1
        return (503, b"") if fails > 2 else csv_model(lambda rows: answers(rows, []))(body)

    path = tmp_path / "explained.parquet"
    with serving(sometimes) as served:
        at = ModelAt(url=served.url, exchange=Exchange(retries=0, concurrency=1, batch_rows=30))
        with pytest.raises(StoreError, match="did not answer"):
            explained(tmp_path, replace(EXPLAINER, model=at))
        assert list(tmp_path.iterdir()) == []
        served.answer = csv_model(lambda rows: answers(rows, []))
        explained(tmp_path, replace(EXPLAINER, model=at))
        first = path.read_bytes()
        served.answer = lambda _: (200, b"nan\n")
        with pytest.raises(DataError):
            explained(tmp_path, replace(EXPLAINER, model=at))
    assert path.read_bytes() == first


def test_a_model_that_is_replaced_meanwhile_is_a_data_error(tmp_path: Path) -> None:
    def answer(body: bytes) -> tuple[int, bytes]:
        count = body.count(b"\n")
        return 200, (b"1,2\n" if count == 2 else b"1\n") * count

    told = "gives now 1 and 2 numbers for a row; is another one being deployed"
    with serving(answer) as served, pytest.raises(DataError, match=told):
        explained(tmp_path, replace(EXPLAINER, model=ModelAt(url=served.url)))


def test_without_rows_the_model_is_not_asked_and_the_file_has_none(tmp_path: Path) -> None:
    explainer = replace(EXPLAINER, model=ModelAt(url="http://127.0.0.1:9/"))
    for batches in ([], [batch(0)]):
        assert explained(tmp_path, explainer, batches=batches).num_rows == 0
        assert list(rows_at([str(tmp_path / "explained.parquet")], Selection())) == []


def test_the_cost_is_told_before_the_model_is_asked(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    explainer = replace(EXPLAINER, model=ModelAt(url="http://127.0.0.1:9/", exchange=Exchange(retries=0)))
    with caplog.at_level(logging.INFO), pytest.raises(StoreError):
        explained(tmp_path, explainer)
    assert "will be asked with 262 rows: 20 x 2 background x 6" in caplog.text
    assert cost(explainer, 20, 3) == 20 * 2 * 6 + 20 + 2
    assert cost(replace(explainer, num_samples=100), 1, 14) == 2 * 100 + 1 + 2
    assert [default_samples(n) for n in (10, 20)] == [1022, 2088]


def test_no_more_rows_are_asked_than_was_told(tmp_path: Path) -> None:
    with serving(csv_model(lambda rows: answers(rows, []))) as served:
        explainer = replace(EXPLAINER, model=ModelAt(url=served.url))
        explained(tmp_path, explainer)
    assert sum(body.count(b"\n") for body in served.bodies) == cost(explainer, 20, 3)


@pytest.mark.parametrize(
    ("change", "advice"),
    [
        ({"features": ("a", "speed", "b")}, "there is no column 'speed'.*: score, a, b, c"),
        ({"background": ()}, "needs background rows"),
        ({"background": ((1.0, 2.0),)}, "has 2 values where there are 3 features: a, b, c"),
        ({"weights": (1.0,)}, "one for each"),
        ({"num_samples": 2}, "at least the number of features"),
        ({"rows": 0}, "at least 1"),
        ({"seed": -1}, "a seed is"),
        ({"label_headers": ("a|b",)}, "can't be empty or have a |"),
        ({"label_headers": ("a", "a")}, "twice"),
        ({"method": "tree"}, "method: tree can't explain what test_explain.answers answers; set method: auto"),
    ],
)
def test_settings_that_can_not_be_used_say_what_to_edit(tmp_path: Path, change: dict[str, Any], advice: str) -> None:
    with pytest.raises(ConfigError, match=advice):
        explained(tmp_path, replace(EXPLAINER, **change))


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


def test_log_odds_of_the_published_booster_are_explained_exactly(original: Path, tmp_path: Path) -> None:
    pytest.importorskip("xgboost")
    table = np.loadtxt(original / "test-dataset-input-cols.csv", delimiter=",")[1:]
    names = tuple(f"f{i}" for i in range(69))
    rows = pa.record_batch({name: table[:, i] for i, name in enumerate(names)})
    background, _ = background_of([rows], names, 1)
    at = ModelAt(artefact=str(original / "xgb-churn-model.json"))
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


def test_a_background_of_a_small_dataset_is_its_rows() -> None:
    rows = pa.record_batch({"a": ["1", "2", None], "b": ["x", "y", "x"]})
    assert background_of([rows], ("b", "a")) == ((("x", 1.0), ("y", 2.0), ("x", None)), (1 / 3,) * 3)


def test_a_background_is_clustered_into_real_values_with_the_shares_of_the_clusters() -> None:
    chance = np.random.default_rng(0)
    centers = np.repeat([0, 10, 50], [100, 200, 300])
    columns = {
        "a": [f"{v:.3f}" for v in centers + chance.normal(size=600)],
        "b": [f"{v:.0f}" for v in 3 * centers + chance.normal(size=600)],
        "c": [f"group {v}" for v in centers],
    }
    rows = pa.record_batch(columns)
    found, weights = background_of([rows.slice(0, 250), rows.slice(250)], FEATURES, 3)
    assert [row[2] for row in found] == ["group 50", "group 10", "group 0"]
    assert weights == pytest.approx((1 / 2, 1 / 3, 1 / 6))
    for a, b, _ in found:
        assert f"{a:.3f}" in columns["a"] and f"{b:.0f}" in columns["b"]
    assert background_of([rows], FEATURES, 3) == (found, weights)
    assert len(background_of([rows], FEATURES)[0]) == 5
    assert len(background_of([rows.slice(0, 20)], FEATURES, 100)[0]) <= 20


def test_a_background_of_texts_is_the_most_frequent_rows() -> None:
    rows = pa.record_batch({"c": ["x"] * 30 + ["y"] * 60 + ["z"] * 10})
    assert background_of([rows], ("c",), 2) == ((("y",), ("x",)), (2 / 3, 1 / 3))


def test_no_rows_are_no_background() -> None:
    with pytest.raises(DataError, match="has no rows"):
        background_of([], FEATURES)


def test_rows_are_those_of_the_window(tmp_path: Path) -> None:
    pq.write_table(pa.Table.from_batches([batch()]), tmp_path / "rows.parquet")
    window = Window(TIME + timedelta(minutes=10), TIME + timedelta(minutes=15))
    table = explained(tmp_path, batches=rows_at([str(tmp_path / "rows.parquet")], Selection(window)))
    assert table.column("@event_id").to_pylist() == ["e10", "e11", "e12", "e13", "e14"]
