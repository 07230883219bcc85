"""What is a window explained with: which background, features and model; and is what makes no sense refused?"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from support.captures import endpoint_file
from support.loans import EXPLAINED, FEATURES, dataset, endpoint, explained, linear, traffic
from support.served_models import Served, csv_model, serving

from model_monitor import config
from model_monitor.config.execution import Assignment
from model_monitor.errors import ConfigError
from model_monitor.jobs.explain_window import explainer_of


@pytest.fixture
def served() -> Iterator[Served]:
    with serving(csv_model(linear)) as server:
        yield server


def explainer(file: str) -> Any:
    return explainer_of(Assignment.load(file, "loans"))


def test_the_background_is_given_as_rows_as_a_file_or_is_the_baselines_dataset(tmp_path: Path, served: Served) -> None:
    rows = dataset(tmp_path, 10)
    assert explainer(endpoint(tmp_path, served.url)).background == tuple(map(tuple, rows.tolist()))
    file = endpoint(tmp_path, served.url, explain={"background": [[1, 2, None], [0, "x", 3]]})
    assert explainer(file).background == ((1.0, 2.0, None), (0.0, "x", 3.0))
    (tmp_path / "background.csv").write_text("debt,income,age\n3,2,1\n")
    file = endpoint(tmp_path, served.url, explain={"background": "background.csv"})
    assert (explainer(file).background, explainer(file).weights) == (((1.0, 2.0, 3.0),), (1.0,))
    (tmp_path / "background.jsonl").write_text('{"debt": 3, "income": 2, "age": 1}\n')
    file = endpoint(tmp_path, served.url, explain={"background": "background.jsonl"}, baseline={})
    assert explainer(file).background == ((1.0, 2.0, 3.0),)


def test_a_larger_background_is_clustered(tmp_path: Path, served: Served) -> None:
    dataset(tmp_path)
    found = explainer(endpoint(tmp_path, served.url, explain={"num_clusters": 3}))
    assert len(found.background) == len(found.weights) == 3
    assert sum(found.weights) == pytest.approx(1)


def test_the_model_is_asked_with_the_inputs_if_features_are_not_named(tmp_path: Path, served: Served) -> None:
    rows = dataset(tmp_path)
    traffic(tmp_path)
    columns = {"outputs": ["score"], "inputs": [*FEATURES, "country"]}
    explain = {"features": [], "background": [[*rows[0].tolist(), "AT"]]}
    file = endpoint(tmp_path, served.url, columns=columns, explain=explain)
    assert explainer(file).features == (*FEATURES, "country")
    served.answer = csv_model_of_text
    explained(file)
    names = pq.read_schema(tmp_path / EXPLAINED).names
    assert [name for name in names if name.startswith("label0|")] == [f"label0|{n}" for n in (*FEATURES, "country")]


def csv_model_of_text(body: bytes) -> tuple[int, bytes]:
    """Belgians are worth one more."""
    rows = body.decode().splitlines()
    return 200, "".join(f"{float(row.split(',')[0]) + (row.endswith('BE'))}\n" for row in rows).encode()


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        (
            {"baseline": {}},
            "nothing stands for an unknown feature; set explain: {background: ...} or baseline: {dataset",
        ),
        ({"explain": {"background": "nowhere.csv"}}, "nowhere.csv"),
        ({"explain": {"background": [[1, 2]]}}, "has 2 values where there are 3 features"),
        ({"explain": {"features": ["age", "height"]}}, "there is no column 'height' to explain"),
        ({"explain": {"features": ["age", "height"], "background": [[1, 2]]}}, "there is no column 'height'"),
        ({"explain": {"num_samples": 1}}, "num_samples is at least the number of features"),
        ({"explain": {"label_headers": ["no", "yes"]}}, "names 2 outputs"),
        ({"columns": {}, "explain": {"features": []}}, "nothing says what the features of the model"),
    ],
)
def test_what_cannot_be_explained_is_told_and_reported(
    tmp_path: Path, served: Served, settings: dict[str, Any], told: str
) -> None:
    dataset(tmp_path)
    traffic(tmp_path)
    file = endpoint(tmp_path, served.url, **settings)
    with pytest.raises(ConfigError) as raised:
        explained(file)
    assert told in str(raised.value)
    assert "\n" not in str(raised.value)
    execution = json.loads((tmp_path / "out/churn/loans/2026/01/05/04/execution.json").read_text())
    assert (execution["status"], execution["reason"]) == ("Failed", str(raised.value))


def test_attribution_and_explain_go_together(tmp_path: Path) -> None:
    for settings in ({"monitor": "attribution"}, {"explain": {"model": {"url": "http://m"}}}):
        with pytest.raises(ConfigError, match=r"monitor attribution and explain: \{model: ...\} go together"):
            config.load(endpoint_file(tmp_path, **settings))


@pytest.mark.parametrize(
    ("explain", "told"),
    [
        ({}, "model"),
        ({"model": {}}, "a model is at one of url, sagemaker_endpoint, artefact, callable; given: none"),
        ({"model": {"url": "http://m", "callable": "a.b"}}, "given: url, callable"),
        ({"model": {"url": "http://user:secret@m"}}, "credentials belong into the environment"),
        ({"model": {"url": "http://m", "timeout": 3}}, "timeout"),
        ({"model": {"url": "http://m", "exchange": {"headers": {}}}}, "headers"),
        ({"model": {"url": "http://m"}, "samples": 3}, "did you mean 'num_samples'?"),
    ],
)
def test_a_model_that_makes_no_sense_is_refused_with_the_endpoint_file(
    tmp_path: Path, explain: dict[str, Any], told: str
) -> None:
    with pytest.raises(ConfigError) as raised:
        config.load(endpoint_file(tmp_path, monitor="attribution", explain=explain))
    assert told in str(raised.value)
    assert str(tmp_path / "endpoint.yaml:1: schedules.0.explain") in str(raised.value)


def test_an_artefacts_address_counts_from_the_endpoint_file(tmp_path: Path) -> None:
    addresses = {"models/loans.json": str(tmp_path / "models/loans.json")}
    addresses |= {address: address for address in ("s3://models/loans.json", "mlflow:models:/loans/1")}
    for written, meant in addresses.items():
        explain = {"model": {"artefact": written}}
        found = config.load(endpoint_file(tmp_path, monitor="attribution", explain=explain)).schedule("dq").explain
        assert found is not None
        assert found.model.artefact == meant
