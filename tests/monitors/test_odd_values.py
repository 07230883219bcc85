"""Does one odd value among numbers leave the numbers compared, whatever carried it and however it is spelt?"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from model_monitor.core import fold
from model_monitor.core.evaluation import evaluate
from model_monitor.monitors.data_quality import DataQuality, Table
from model_monitor.results.documents import documents_of
from model_monitor.rows.sources.datasets import Dataset

N = 1000
ODD = ["NaN", "NA", "", "inf", "1,000", "50%", " 7", "null", "unknown"]


def csv_of(values: list[Any], file: Path) -> None:
    text = "".join(f"{quoted(value)},1\n" for value in values)
    file.with_suffix(".csv").write_text(f"x,y\n{text}")


def quoted(value: Any) -> str:
    return f'"{value}"' if isinstance(value, str) else repr(value)


def jsonl_of(values: list[Any], file: Path) -> None:
    file.with_suffix(".jsonl").write_text("".join(json.dumps({"x": value}) + "\n" for value in values))


def parquet_of(values: list[Any], file: Path) -> None:
    texts = pa.array([value if isinstance(value, str) else repr(value) for value in values])
    pq.write_table(pa.table({"x": texts}), file.with_suffix(".parquet"))


def bare_of(values: list[Any], file: Path) -> None:
    """JSON whose odd value is no text, as Python writes NaN and infinity."""
    bare = {"NaN": float("nan"), "inf": float("inf")}
    jsonl_of([bare.get(value, value) if isinstance(value, str) else value for value in values], file)


def observed(folder: Path) -> Table:
    return fold(DataQuality(), Dataset.at(str(folder)).batches())


def outcomes(baseline: Table, window: Table) -> dict[str, str]:
    """The outcome of each check of x, by the baseline's files as they are read back."""
    documents = documents_of(DataQuality())
    statistics, constraints = documents.statistics(baseline), documents.suggested(baseline)
    monitor: Any = documents.informed(statistics) or DataQuality()
    findings = evaluate(documents_of(monitor).constraints(statistics, constraints), monitor.measure(window))
    return {f.constraint.check: f.outcome for f in findings if f.constraint.subject.column == "x"}


@pytest.mark.parametrize("odd", ODD)
@pytest.mark.parametrize("write", [csv_of, jsonl_of, bare_of, parquet_of])
def test_a_single_odd_value_does_not_silence_the_drift_of_numbers(
    write: Callable[[list[Any], Path], None], odd: str, tmp_path: Path
) -> None:
    rng = np.random.default_rng(3)
    numbers = [round(value, 4) for value in rng.normal(size=3 * N).tolist()]
    samples = {
        "base": [*numbers[: N - 1], odd],
        "same": [*numbers[N : 2 * N - 1], odd],
        "moved": [value + 3 for value in numbers[2 * N :]],
        "odd": [odd if i % 2 else value for i, value in enumerate(numbers[N : 2 * N])],
    }
    for name, values in samples.items():
        (tmp_path / name).mkdir()
        write(values, tmp_path / name / "a")
    base, same, moved, many = (observed(tmp_path / name) for name in samples)
    assert set(outcomes(base, base).values()) <= {"holds"}
    assert set(outcomes(base, same).values()) <= {"holds"}
    assert outcomes(base, moved)["baseline_drift_check"] == "violated"
    assert "violated" in outcomes(base, many).values()


def test_words_that_became_numbers_are_compared_and_so_are_numbers_that_became_words() -> None:
    monitor = DataQuality()
    words = monitor.observe(pa.record_batch({"x": pa.array([f"w{i % 3}" for i in range(N)])}))
    numbers = monitor.observe(pa.record_batch({"x": pa.array(np.arange(N) * 1.5)}))
    assert outcomes(words, numbers)["baseline_drift_check"] == "violated"
    assert outcomes(numbers, words)["data_type_check"] == "violated"


def test_the_share_of_odd_values_may_differ_by_chance_and_no_more() -> None:
    monitor = DataQuality()

    def column(odd: int) -> Table:
        return monitor.observe(pa.record_batch({"x": pa.array([*map(str, range(N - odd)), *["NA"] * odd])}))

    assert outcomes(column(10), column(14))["data_type_check"] == "holds"
    assert outcomes(column(10), column(60))["data_type_check"] == "violated"


@pytest.mark.parametrize("option", ["numbers", "texts"])
def test_a_person_may_say_what_a_column_is(option: str) -> None:
    monitor = DataQuality(**{option: ("x",)})
    state = monitor.observe(pa.record_batch({"x": pa.array(["1", "a", "b"] if option == "numbers" else ["1", "2"])}))
    [expected] = monitor.expectations(state)
    assert expected.inferred_type == {"numbers": "Integral", "texts": "String"}[option]


def test_sagemaker_mode_learns_a_text_as_it_did() -> None:
    monitor = DataQuality(compatibility="sagemaker")
    state = monitor.observe(pa.record_batch({"x": pa.array(["1", "2", "NaN"])}))
    [expected] = monitor.expectations(state)
    assert expected.inferred_type == "String"
    assert expected.domain is None or "NaN" in expected.domain
    assert documents_of(monitor).informed(documents_of(monitor).statistics(state)) is None
