"""Rows become attributions, of the same rows always the same, in a file that says what it was made from."""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from support.explained_rows import BACKGROUND, EXPLAINER, FEATURES, TIME, answers, attributions, batch, explained
from support.served_models import csv_model, json_model, serving
from support.shapley import exact_values

from model_monitor.core.window import Window
from model_monitor.errors import ConfigError, DataError, StoreError
from model_monitor.monitors.attribution import Attribution
from model_monitor.rows.explanations.explain import Collected, Explainer, cost
from model_monitor.rows.explanations.kernel_shap import default_samples
from model_monitor.rows.explanations.models import Exchange, ModelAt
from model_monitor.rows.sealed import seal
from model_monitor.rows.select import Selection
from model_monitor.rows.sources.row_groups import row_groups_of
from model_monitor.rows.summary import FOOTER, summary_of
from model_monitor.store.ahead import HERE


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
        assert list(row_groups_of([str(tmp_path / "explained.parquet")])) == []


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
        (
            {"method": "tree"},
            "method: tree can't explain what support.explained_rows.answers answers; set method",
        ),
    ],
)
def test_settings_that_can_not_be_used_say_what_to_edit(tmp_path: Path, change: dict[str, Any], advice: str) -> None:
    with pytest.raises(ConfigError, match=advice):
        explained(tmp_path, replace(EXPLAINER, **change))


def test_rows_are_those_of_the_window(tmp_path: Path) -> None:
    pq.write_table(pa.Table.from_batches([batch()]), tmp_path / "rows.parquet")
    seal(tmp_path / "rows.parquet")
    window = Window(TIME + timedelta(minutes=10), TIME + timedelta(minutes=15))
    table = explained(tmp_path, batches=Collected([str(tmp_path / "rows.parquet")], Selection(window), HERE))
    assert table.column("@event_id").to_pylist() == ["e10", "e11", "e12", "e13", "e14"]
