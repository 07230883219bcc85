"""A first line of CSV that names its columns is no row, wherever payloads come from."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import pytest
from support.captures import HOUR, NO_SIDE, at, capture, endpoint_file, record, side
from support.decoded_rows import alone, decoded, parsed, refused
from support.truths import truth

from model_monitor import jobs, store
from model_monitor.config.execution import Execution
from model_monitor.core.window import Window
from model_monitor.results.reading import Report
from model_monitor.rows import captures
from model_monitor.rows.payloads import attributes, payload
from model_monitor.rows.payloads.payload import ContentTypes, Names
from model_monitor.rows.sources import batch_rows
from model_monitor.rows.sources.source import Listed

NAMES = Names(("score",), ("age", "plan"), types=ContentTypes(csv=("text/odd",)))
ROW = {"score": "0.5", "age": "20", "plan": "a"}

SPELLINGS = {  # of the input: a header and one row
    "plain": "age,plan\n20,a",
    "ends of lines": "age,plan\r\n20,a\r\n",
    "quotes": '"age","plan"\n20,"a"\n',
    "space": " age , plan\n20,a",
    "byte order mark": "\ufeffage,plan\n20,a",
    "another order": "plan,age\na,20",
}


def packed(text: str, kind: str) -> dict[str, Any]:
    return side(base64.b64encode(text.encode()).decode(), "BASE64", kind)


@pytest.mark.parametrize("text", SPELLINGS.values(), ids=list(SPELLINGS))
@pytest.mark.parametrize("output", ["0.5", "score\n0.5\n"])
@pytest.mark.parametrize("form", ["CSV", "BASE64", "BASE64 of another type"])
def test_a_header_names_the_columns_and_is_no_row(text: str, output: str, form: str) -> None:
    kind = "text/odd" if form.endswith("type") else "text/csv"
    sides = [side(one) if form == "CSV" else packed(one, kind) for one in (text, output)]
    assert alone(*sides, names=NAMES) == [ROW]


def test_each_request_may_have_one_or_not() -> None:
    texts = ["age,plan\n20,a\n21,b", "22,c\n23,d", "plan,age\ne,24\nf,25"]
    rows, rejected = decoded([record(f"e{i}", text, "0.1\n0.2") for i, text in enumerate(texts)], NAMES)
    assert not rejected
    assert [(row["age"], row["plan"]) for some in rows.values() for row in some] == [
        *(("20", "a"), ("21", "b"), ("22", "c"), ("23", "d"), ("24", "e"), ("25", "f"))
    ]


def test_the_requests_with_a_header_are_counted() -> None:
    records = [record("a", "age,plan\n1,x", "0.5"), record("b", "2,y", "0.5"), record("c", "3,z", "score\n0.5")]
    found, _ = payload.decode(parsed(records), NAMES)
    assert sum(rows.headed for rows in found) == 2


@pytest.mark.parametrize("names", [Names(("score",), ("age", "plan", "city")), Names(known=("score", "age", "plan"))])
def test_a_header_of_some_known_names_is_one(names: Names) -> None:
    (row,) = alone("age,plan\n20,a", "score\n0.5", names=names)
    assert row == ROW


NO_HEADERS = {  # of the input, with how many rows
    "values": ("20,a\n21,b", 2),
    "names that nobody declared": ("years,plan\n20,a", 2),
    "one name twice": ("age,age\n20,a", 2),
    "a value that is a name": ("20,plan\n21,age", 2),
    "names all the way, as of classes": ("age,plan\nplan,age", 2),
}


@pytest.mark.parametrize(("text", "count"), NO_HEADERS.values(), ids=list(NO_HEADERS))
def test_any_other_first_line_is_a_row(text: str, count: int) -> None:
    assert len(alone(text, NO_SIDE, names=NAMES)) == count


def test_a_single_value_that_is_a_name_is_a_row() -> None:
    (row,) = alone(NO_SIDE, "age", names=NAMES)
    assert row == {"score": "age"}


def test_without_names_nothing_is_a_header() -> None:
    assert len(alone("age,plan\n20,a", NO_SIDE)) == 2


def test_a_header_without_a_row_is_set_aside_with_its_names() -> None:
    reason = refused("age,plan\n", "0.5", names=NAMES)
    assert reason == "the first line is a header (age, plan), and no row follows"


def test_rows_of_another_length_than_their_header_are_set_aside() -> None:
    assert refused("age,plan\n20,a,7", "0.5", names=NAMES) == "rows of one payload differ in their number of values"


def test_a_header_stays_a_row_where_sagemaker_reads_it_as_one() -> None:
    names = Names(("score",), ("age", "plan"), keeps_headers=True)
    assert len(alone("age,plan\n20,a", "score\n0.5", names=names)) == 2
    reason = refused("age,plan\n20,a", "0.5", names=names)
    assert reason.startswith("output has 1 rows, input has 2; a first line of CSV names its columns")


def test_it_is_so_beside_json_that_paths_find(tmp_path: Path) -> None:
    decode = attributes.extracting(["predictions[*].score"], NAMES)
    found, rejected = decode(parsed([record("e", "plan,age\na,20", {"predictions": [{"score": 0.5}]})]))
    [rows] = found
    assert (rows.columns.to_pylist(), rows.headed) == ([{"predictions[*].score": "0.5", "age": "20", "plan": "a"}], 1)
    assert not rejected


def test_it_is_so_of_a_batch_transform(tmp_path: Path) -> None:
    (tmp_path / "part.csv.out").write_text("age,plan,score\n20,a,0.5\n")
    [entry] = store.list_files(str(tmp_path))
    made: list[Any] = []
    for block in batch_rows.blocks([Listed(entry, Window(at(0), at(60)), HOUR)], "csv"):
        found, rejected = payload.decode(captures.parse(block), Names(("score",), ("age", "plan"), outputs_last=True))
        made += [row for rows in found for row in rows.columns.to_pylist()] + [one.reason for one in rejected]
    assert made == [
        {"age": "20", "plan": "a", "score": "0.5"},
        "the first line is a header (age, plan, score), and no row follows",
    ]


@pytest.mark.parametrize("text", ["label\n1\n0\n", "label,plan\n1,a\n0,b"])
def test_it_is_so_of_labels(text: str) -> None:
    assert attributes.label_values(text, "CSV", "label") == ["1", "0"]
    assert truth("e", text)["groundTruthData"]["encoding"] == "CSV"


def judged(root: Path, **settings: Any) -> dict[str, Any]:
    """A window of 30 requests with a header against a baseline: its execution.json."""
    rows = [(f"0.{i % 10}", f"{20 + i % 9},{i % 2}") for i in range(60)]
    (root / "rows.csv").write_text("\n".join(["score,age,plan", *map(",".join, rows)]))
    asked = [record(f"e{i}", f"age,plan\n{x}\n", f"score\n{y}\n", at(i)) for i, (y, x) in enumerate(rows[:30])]
    capture(root / "capture", asked)
    file = endpoint_file(root, baseline={"dataset": str(root / "rows.csv")}, **settings)
    execution = Execution.of(file, "dq", Window(at(0), at(60)))
    version = jobs.suggest_constraints(execution, jobs.observe_baseline(execution), "2026-01-05T00:00:00Z")
    jobs.publish_baseline(execution, version)
    jobs.collect_window(execution)
    jobs.compute_metrics(execution)
    return Report.at(jobs.evaluate_constraints(execution)).execution


COLUMNS = {"outputs": ["score"], "inputs": ["age", "plan"]}


def test_a_schedule_says_how_many_requests_had_one(tmp_path: Path) -> None:
    found = judged(tmp_path, columns=COLUMNS)
    assert (found["status"], found["counts"]["judged"]) == ("Completed", 30)
    assert found["notes"] == ["in 30 requests the first line of CSV names its columns, and is no row"]


def test_without_declared_columns_it_is_a_row_and_a_note_says_what_it_may_be(tmp_path: Path) -> None:
    found = judged(tmp_path)
    assert (found["status"], found["counts"]["judged"]) == ("CompletedWithViolations", 60)
    [note] = found["notes"]
    assert note.startswith("30 rows may be a first line of CSV with names, as each column holds its own name")


def test_in_sagemakers_mode_it_is_a_row_and_a_note_says_so(tmp_path: Path) -> None:
    found = judged(tmp_path, columns=COLUMNS, options={"compatibility": "sagemaker"})
    assert (found["status"], found["counts"]["judged"]) == ("CompletedWithViolations", 60)
    [note] = found["notes"]
    assert note == "in 30 requests the first line of CSV names its columns, and counts as a row, as SageMaker reads it"
