"""What was learned of a baseline's dataset is said, and one that has nothing to do with the endpoint is refused."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

import pytest
from support.captures import endpoint_file

from model_monitor import jobs
from model_monitor.__main__ import main
from model_monitor.config.execution import Assignment
from model_monitor.errors import ConfigError
from model_monitor.jobs.learned import Learned

CREATED = "2026-01-05T00:00:00Z"
CLASSES = {"problem_type": "BinaryClassification", "inference_attribute": "answer"}
FACETS = {"facets": [{"name": "sex", "value_or_threshold": ["F"]}], "label_values_or_threshold": [1]}
EXPLAIN = {"model": {"callable": "test_learned.summed"}, "background": [[40, 1]], "rows": 10}
SCHEDULES: dict[str, dict[str, Any]] = {  # each monitor that learns of columns
    "data_quality": {},
    "model_quality": {"options": CLASSES, "ground_truth": {"uri": "labels"}},
    "bias": {"options": FACETS | {"inference_attribute": "answer"}, "ground_truth": {"uri": "labels"}},
    "attribution": {"explain": EXPLAIN | {"features": ["age", "calls"]}},
}
COLUMNS = {"outputs": ["answer"], "inputs": ["age", "calls", "sex"]}
TYPES = {"answer": "Integral", "age": "Integral", "calls": "Integral", "sex": "String", "label": "Integral"}


def summed(rows: Any, features: Any) -> Any:
    """The answers of a model."""
    return rows.sum(axis=1)


def assignment(root: Path, monitor: str, columns: dict[str, Any] = COLUMNS, **settings: Any) -> Assignment:
    lines = [f"{i % 3 % 2},{20 + i % 40},{i % 9},{'FM'[i % 2]},{i % 5 % 2}" for i in range(200)]
    (root / "rows.csv").write_text("\n".join(["answer,age,calls,sex,label", *lines]) + "\n")
    baseline = {"dataset": str(root / "rows.csv")}
    own = {"monitor": monitor, "baseline": baseline, "columns": columns} | SCHEDULES[monitor] | settings
    return Assignment.load(endpoint_file(root, **own), "dq")


def learned(a: Assignment) -> str:
    return jobs.suggest_constraints(a, jobs.observe_baseline(a), CREATED)


@pytest.mark.parametrize("monitor", SCHEDULES)
def test_rows_and_columns_with_their_types_are_said_and_kept(tmp_path: Path, caplog: Any, monitor: str) -> None:
    a = assignment(tmp_path, monitor)
    with caplog.at_level(logging.INFO):
        version = learned(a)
    assert (
        "learned from 200 rows, 5 columns: answer (Integral), age (Integral)" in caplog.text or monitor == "attribution"
    )
    assert json.loads((Path(version) / "baseline.json").read_text())["columns"] == TYPES
    assert jobs.learned_in(a, version).columns == TYPES
    assert jobs.learned_in(a, version).absent == ()


@pytest.mark.parametrize("monitor", SCHEDULES)
def test_declared_columns_that_the_dataset_lacks_are_named(tmp_path: Path, caplog: Any, monitor: str) -> None:
    a = assignment(
        tmp_path, monitor, COLUMNS | {"inputs": ["age", "calls", "sex", "plan", "city"], "exclude": ["city"]}
    )
    with caplog.at_level(logging.INFO):
        version = learned(a)
    assert "named under columns, and not in the dataset: plan\n" in caplog.text
    assert jobs.learned_in(a, version).summary["absent"] == ["plan"]


@pytest.mark.parametrize("monitor", SCHEDULES)
def test_a_dataset_without_any_declared_column_is_no_baseline(tmp_path: Path, monitor: str) -> None:
    other = {"outputs": ["score"], "inputs": ["a", "b", "c"]}
    with pytest.raises(ConfigError, match="are answer, age, calls, sex, label, and columns names score, a, b"):
        learned(assignment(tmp_path, monitor, other))
    version = learned(assignment(tmp_path, monitor))
    renamed = assignment(tmp_path, monitor, other)
    with pytest.raises(ConfigError, match="no column that the endpoint has"):
        jobs.publish_baseline(renamed, version)


def test_an_answer_by_its_place_may_be_called_otherwise_in_the_dataset(tmp_path: Path) -> None:
    by_place = CLASSES | {"inference_attribute": "0"}
    a = assignment(tmp_path, "model_quality", {"outputs": ["score"], "inputs": ["a"]}, options=by_place)
    assert jobs.publish_baseline(a, learned(a))


ODD = [  # values among 1..40, what the column becomes, and what is said of it
    (
        "calibrated",
        ["NA"],
        "Integral",
        "x is compared as numbers, although 1 of its 41 values is no number: 'NA' (1 row)",
    ),
    ("sagemaker", ["NA"], "String", "x is learned as text, because 1 of its 41 values is no number: 'NA' (1 row)"),
    (
        "calibrated",
        ["a"] * 30 + ["b"] * 20,
        "String",
        "x is learned as text, because 50 of its 90 values are no numbers: 'a' (30 rows), 'b' (20 rows)",
    ),
]


@pytest.mark.parametrize(("mode", "odd", "kind", "said"), ODD)
@pytest.mark.parametrize("private", [False, True])
def test_a_column_of_numbers_and_other_values_is_explained(
    tmp_path: Path, caplog: Any, mode: str, odd: list[str], kind: str, said: str, private: bool
) -> None:
    (tmp_path / "odd.csv").write_text("\n".join(["x,y", *(f"{value},1" for value in [*range(1, 41), *odd])]) + "\n")
    columns = {"inputs": ["x", "y"]} | ({"private": ["x"]} if private else {})
    options = {"compatibility": mode}
    a = assignment(tmp_path, "data_quality", columns, baseline={"dataset": str(tmp_path / "odd.csv")}, options=options)
    with caplog.at_level(logging.INFO):
        version = learned(a)
    description = json.loads((Path(version) / "baseline.json").read_text())
    expected = said.partition(":")[0] if private else said
    assert (description["columns"]["x"], description["odd_values"]) == (kind, [expected])
    assert f"{expected}\n" in caplog.text
    assert jobs.learned_in(a, version).summary["odd_values"] == [expected]


def test_the_command_line_says_it_when_a_baseline_is_learned_and_published(tmp_path: Path, capsys: Any) -> None:
    a = assignment(tmp_path, "data_quality", COLUMNS | {"inputs": ["age", "calls", "sex", "plan"]})
    version = Path(learned(a)).name
    capsys.readouterr()
    assert main(["publish", str(tmp_path / "endpoint.yaml"), "dq", version]) == 0
    told = capsys.readouterr().out
    assert "learned from 200 rows, 5 columns: answer (Integral)" in told
    assert "named under columns, and not in the dataset: plan" in told
    arguments = ["--dataset", str(tmp_path / "rows.csv"), "--output", str(tmp_path / "base")]
    assert main(["baseline", "data-quality", *arguments]) == 0
    assert "learned from 200 rows, 5 columns: answer (Integral)" in capsys.readouterr().out


def test_names_by_the_thousand_are_shortened(tmp_path: Path) -> None:
    found = Learned(1, {f"c{i}": "Integral" for i in range(5000)}, [f"d{i}" for i in range(5000)])
    assert max(map(len, found.sentences)) < 1000
    assert (len(found.summary["columns"]), found.summary["more_columns"], len(found.summary["absent"])) == (
        100,
        4900,
        100,
    )


@pytest.mark.parametrize(("days", "is_told"), [(1, True), (2, True), (4, False)])
def test_a_baseline_of_too_few_days_of_requests_says_what_it_cant_tell(
    days: int, is_told: bool, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    times = [f"2026-01-{1 + i // 24:02d}T{i % 24:02d}:30:00Z" for i in range(24 * days)]
    (tmp_path / "log.csv").write_text("\n".join(["event_time", *times]) + "\n")
    base = tmp_path / "base"
    assert main(["baseline", "traffic", "--dataset", str(tmp_path / "log.csv"), "--output", str(base)]) == 0
    out = capsys.readouterr().out
    assert ("not judged: requests_surprise, silence_surprise: the baseline has" in out) is is_told
    assert "not judged: error_share: no request of the baseline tells whether it failed" in out


@pytest.mark.parametrize("spell", ["{:.2f}%", "${:,.2f}", "{:,.2f}", "€ {:.0f}", "{:.2f} €"])
@pytest.mark.parametrize("comma", [False, True])
def test_numbers_that_are_written_with_signs_are_told(
    spell: str, comma: bool, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    texts = [spell.format(1234.5 + i) for i in range(50)]
    texts = [text.translate(str.maketrans(",.", ".,")) for text in texts] if comma else texts
    (tmp_path / "a.csv").write_text("x;y\n" + "".join(f"{text};1\n" for text in texts))
    assert main(["baseline", "data-quality", "--dataset", f"{tmp_path}/a.csv", "--output", f"{tmp_path}/b"]) == 0
    out = capsys.readouterr().out
    assert f"x is learned as text, but most of its values are numbers with signs, such as '{texts[0]}'" in out
