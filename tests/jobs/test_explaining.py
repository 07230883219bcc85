"""Is a window explained once, on the same rows, and again when anything about it changed?"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from support.loans import (
    BEFORE,
    EXPLAINED,
    FEATURES,
    ROWS,
    WEIGHTS,
    WINDOW,
    dataset,
    endpoint,
    explained,
    files_below,
    judged,
    learn,
    linear,
    traffic,
)
from support.served_models import Served, csv_model, rows_of, serving

from model_monitor import jobs
from model_monitor.config.execution import Assignment, Execution
from model_monitor.errors import DataError, StoreError
from model_monitor.jobs.explain_window import explained_dataset
from model_monitor.rows.sources.datasets import Dataset


@pytest.fixture
def served() -> Iterator[Served]:
    with serving(csv_model(linear)) as server:
        yield server


def test_a_window_without_captures_asks_no_model_and_is_no_data(tmp_path: Path, served: Served) -> None:
    dataset(tmp_path)
    file = endpoint(tmp_path, served.url)
    assert judged(file)[0]["status"] == "NoData"
    assert served.bodies == []
    learn(file)
    asked = len(served.bodies)
    traffic(tmp_path)
    assert judged(file, BEFORE)[0]["status"] == "NoData"
    assert len(served.bodies) == asked
    assert judged(file)[0]["status"] == "Completed"


def test_a_window_is_explained_on_a_sample_and_the_report_says_of_how_many(tmp_path: Path, served: Served) -> None:
    background = dataset(tmp_path).mean(axis=0)
    asked = traffic(tmp_path)
    file = endpoint(tmp_path, served.url, explain={"background": [background.tolist()]})
    found = explained(file)
    assert (found["rows"], found["of"]) == (20, ROWS)
    table = pq.read_table(tmp_path / EXPLAINED)
    ids = [int(event.removeprefix("e")) for event in table.column("@event_id").to_pylist()]
    values = np.column_stack([table.column(f"label0|{name}").to_numpy() for name in FEATURES])
    np.testing.assert_allclose(values, (asked[ids] - background) * WEIGHTS, atol=1e-9)
    assert len(set(ids)) == 20
    learn(file)
    told, report = judged(file)
    execution = json.loads((report / "execution.json").read_text())
    assert (told["status"], execution["explained"], told["rows"]) == ("Completed", {"rows": 20, "of": ROWS}, 20)


def test_fewer_rows_are_some_of_the_same(tmp_path: Path, served: Served) -> None:
    dataset(tmp_path)
    traffic(tmp_path)
    chosen = []
    for rows in (20, 5):
        explained(endpoint(tmp_path, served.url, explain={"rows": rows}))
        chosen.append(set(pq.read_table(tmp_path / EXPLAINED).column("@event_id").to_pylist()))
    assert len(chosen[1]) == 5
    assert chosen[1] < chosen[0]


def test_without_a_baseline_a_window_is_described_and_not_judged(tmp_path: Path, served: Served) -> None:
    dataset(tmp_path)
    traffic(tmp_path)
    told, report = judged(endpoint(tmp_path, served.url))
    assert told["status"] == "BaselineMissing"
    values = json.loads((report / "analysis.json").read_text())["explanations"]["kernel_shap"]["label0"]
    assert list(values["global_shap_values"]) == list(FEATURES)


def test_a_rerun_asks_nothing_and_writes_the_same_bytes(tmp_path: Path, served: Served) -> None:
    dataset(tmp_path)
    traffic(tmp_path)
    file = endpoint(tmp_path, served.url)
    learn(file)
    judged(file)
    once, asked = files_below(tmp_path / "out"), len(served.bodies)
    judged(file)
    learn(file)
    assert files_below(tmp_path / "out") == once
    assert len(served.bodies) == asked
    shutil.rmtree(tmp_path / "out")
    learn(file)
    judged(file)
    assert files_below(tmp_path / "out") == once


def test_new_captures_are_explained(tmp_path: Path, served: Served) -> None:
    dataset(tmp_path)
    traffic(tmp_path, 30)
    file = endpoint(tmp_path, served.url)
    assert explained(file)["of"] == 30
    traffic(tmp_path, 40)
    assert explained(file)["of"] == 40


@pytest.mark.parametrize(
    "change", [{"num_samples": 4}, {"rows": 21}, {"seed": 1}, {"background": [[0, 0, 0]]}, {"label_headers": ["loan"]}]
)
def test_another_setting_explains_anew(tmp_path: Path, served: Served, change: dict[str, Any]) -> None:
    dataset(tmp_path)
    traffic(tmp_path)
    before = explained(endpoint(tmp_path, served.url))
    asked = len(served.bodies)
    after = explained(endpoint(tmp_path, served.url, explain=change))
    assert len(served.bodies) > asked
    assert before["partitions"] != after["partitions"]


def test_another_address_of_the_model_explains_anew(tmp_path: Path, served: Served) -> None:
    dataset(tmp_path)
    traffic(tmp_path)
    before = explained(endpoint(tmp_path, served.url))
    with serving(csv_model(lambda rows: rows @ WEIGHTS[::-1])) as other:
        after = explained(endpoint(tmp_path, other.url))
        assert other.bodies
    assert before["partitions"] != after["partitions"]


def test_another_baseline_dataset_is_explained_anew(tmp_path: Path, served: Served) -> None:
    dataset(tmp_path)
    file = endpoint(tmp_path, served.url, explain={"background": [[0, 0, 0]]})
    first = jobs.observe_baseline(Assignment.load(file, "loans"))
    dataset(tmp_path, 100)
    assert jobs.observe_baseline(Assignment.load(file, "loans")) != first
    assert len(list((tmp_path / "out/_baselines/churn/loans/explained").iterdir())) == 2


def test_segments_are_judged_apart(tmp_path: Path, served: Served) -> None:
    dataset(tmp_path)
    traffic(tmp_path)
    file = endpoint(tmp_path, served.url, segments=["country"], explain={"rows": 60})
    learn(file)
    told, report = judged(file)
    assert told["status"] == "Completed"
    segments = json.loads((report / "analysis.json").read_text())["segments"]
    found = {one["segment"]["country"]: one["item_count"] for one in segments}
    assert (sorted(found), sum(found.values())) == (["AT", "BE"], 60)


def test_headers_go_with_each_request_and_into_no_file(tmp_path: Path, served: Served) -> None:
    dataset(tmp_path)
    traffic(tmp_path)
    file = endpoint(tmp_path, served.url)
    jobs.collect_window(Execution.of(file, "loans", WINDOW))
    jobs.explain_window(Execution.of(file, "loans", WINDOW), {"Authorization": "Bearer s3cret"})
    jobs.observe_baseline(Assignment.load(file, "loans"), headers={"Authorization": "Bearer s3cret"})
    assert {headers["Authorization"] for headers in served.headers} == {"Bearer s3cret"}
    assert not [name for name, content in files_below(tmp_path).items() if b"s3cret" in content]


def test_a_model_that_is_down_is_a_store_to_try_again(tmp_path: Path, served: Served) -> None:
    dataset(tmp_path)
    traffic(tmp_path)
    file = endpoint(tmp_path, served.url)
    served.answer = lambda body: (503, b"not yet")
    with pytest.raises(StoreError, match="did not answer; asked 1 times, the last time: status 503: not yet"):
        explained(file)
    assert not (tmp_path / EXPLAINED).exists()
    served.answer = csv_model(linear)
    assert explained(file)["rows"] == 20


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (lambda body: (200, b"1\n" * (len(rows_of(body)) - 1)), "must give one for each row"),
        (lambda body: (200, b"nan\n" * len(rows_of(body))), "answers NaN or infinity for row"),
        (lambda body: (400, b"what is this?"), "refuses a batch with status 400: what is this?"),
    ],
)
def test_answers_that_cannot_be_used_fail_the_window_with_a_report_of_why(
    tmp_path: Path, served: Served, answer: Any, told: str
) -> None:
    dataset(tmp_path)
    traffic(tmp_path)
    file = endpoint(tmp_path, served.url)
    served.answer = answer
    with pytest.raises(DataError, match=told) as raised:
        explained(file)
    execution = json.loads((tmp_path / "out/churn/loans/2026/01/05/04/execution.json").read_text())
    assert (execution["status"], execution["reason"]) == ("Failed", str(raised.value))
    served.answer = csv_model(linear)
    assert judged(file)[0]["status"] == "BaselineMissing"


def test_a_window_that_was_not_collected_is_not_explained(tmp_path: Path, served: Served) -> None:
    dataset(tmp_path)
    with pytest.raises(DataError, match="run the task before this one first"):
        jobs.explain_window(Execution.of(endpoint(tmp_path, served.url), "loans", WINDOW))


def test_a_dataset_is_explained_with_all_its_rows_below_the_limit(tmp_path: Path, served: Served) -> None:
    dataset(tmp_path, 15)
    assignment = Assignment.load(endpoint(tmp_path, served.url), "loans")
    rows = Dataset.at(explained_dataset(assignment, Dataset.at(str(tmp_path / "baseline.csv"), "csv")), "parquet")
    assert sum(batch.num_rows for piece in rows.pieces() for batch in rows.rows(piece)) == 15


def test_segments_that_are_added_later_explain_anew(tmp_path: Path, served: Served) -> None:
    dataset(tmp_path)
    traffic(tmp_path)
    explained(endpoint(tmp_path, served.url))
    file = endpoint(tmp_path, served.url, segments=["country"])
    learn(file)
    assert judged(file)[0]["status"] == "Completed"


def test_the_model_is_asked_with_columns_that_are_not_judged_otherwise(tmp_path: Path, served: Served) -> None:
    dataset(tmp_path)
    traffic(tmp_path)
    columns = {"outputs": ["score"], "inputs": [*FEATURES, "country"], "exclude": ["age"]}
    file = endpoint(tmp_path, served.url, columns=columns)
    learn(file)
    assert judged(file)[0]["status"] == "Completed"


def test_a_baseline_of_which_too_much_cannot_be_read_asks_no_model(tmp_path: Path, served: Served) -> None:
    dataset(tmp_path)
    with (tmp_path / "baseline.csv").open("a") as lines:
        lines.write("torn,\n" * 20)
    file = endpoint(tmp_path, served.url)
    with pytest.raises(DataError, match="20 of 220 records can't be read"):
        jobs.observe_baseline(Assignment.load(file, "loans"))
    assert served.bodies == []
    file = endpoint(tmp_path, served.url, max_rejected=0.1)
    for _ in range(2):
        learn(file)
        [version] = (tmp_path / "out/_baselines/churn/loans").glob("*/baseline.json")
        about = json.loads(version.read_text())
        assert (about["rejected"], about["rows"]) == (20, 20)
        assert [one["file"] for one in about["inputs"]] == [str(tmp_path / "baseline.csv")]
