"""Are the rows of well-known servers' payloads read, and do others stay as they were?"""

from __future__ import annotations

import json
from itertools import product
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from support.captures import NO_SIDE, at, capture, endpoint_file, record, side
from support.decoded_rows import alone, decoded, refused

from model_monitor import jobs, store
from model_monitor.config.execution import Execution
from model_monitor.core.window import Window
from model_monitor.rows.payloads.json_rows import AS_WRITTEN, flat, rows_of_payload
from model_monitor.rows.payloads.payload import Names


def tensor(name: str, shape: list[int], data: list[Any], datatype: str = "FP32") -> dict[str, Any]:
    return {"name": name, "shape": shape, "datatype": datatype, "data": data}


@pytest.mark.parametrize(
    ("asked", "answered", "rows"),
    [
        (
            {"signature_name": "serving_default", "instances": [1.0, 2.0, 5.0]},
            {"predictions": [2.5, 3.0, 4.5]},
            [{"_c0": "2.5", "_c1": "1.0"}, {"_c0": "3.0", "_c1": "2.0"}, {"_c0": "4.5", "_c1": "5.0"}],
        ),
        (
            {"instances": [{"tag": "a", "age": 3}, {"tag": "b", "age": None}]},
            {"predictions": [{"label": "x", "score": 0.9}, {"label": "y", "score": 0.8}]},
            [
                {"label": "x", "score": "0.9", "tag": "a", "age": "3"},
                {"label": "y", "score": "0.8", "tag": "b", "age": None},
            ],
        ),
        (
            {"instances": [{"features": [1.5, 2]}, {"features": [0.3, 4]}]},
            {"predictions": [{"score": 0.9}, {"score": 0.2}]},
            [{"score": "0.9", "_c0": "1.5", "_c1": "2"}, {"score": "0.2", "_c0": "0.3", "_c1": "4"}],
        ),
        (
            {"inputs": {"a": [1, 2], "b": [[3, 4], [5, 6]]}},
            {"outputs": [[0.1], [0.2]]},
            [
                {"_c0": "0.1", "a": "1", "b_0": "3", "b_1": "4"},
                {"_c0": "0.2", "a": "2", "b_0": "5", "b_1": "6"},
            ],
        ),
        (
            {"inputs": [tensor("input-0", [2, 4], [[6.8, 2.8, 4.8, 1.4], [6.0, 3.4, 4.5, 1.6]])]},
            {
                "model_name": "iris",
                "id": "823248cc",
                "parameters": None,
                "outputs": [tensor("predict", [2, 1], [1, 1], "INT64")],
            },
            [
                {"predict": "1", "_c0": "6.8", "_c1": "2.8", "_c2": "4.8", "_c3": "1.4"},
                {"predict": "1", "_c0": "6.0", "_c1": "3.4", "_c2": "4.5", "_c3": "1.6"},
            ],
        ),
        (
            {
                "parameters": {"content_type": "pd"},
                "inputs": [tensor("age", [1], [7], "INT64"), tensor("city", [1, 1], ["rome"], "BYTES")],
                "outputs": [{"name": "scores"}],
            },
            {"outputs": [tensor("scores", [1, 2], [0.3, 0.7]), tensor("best", [1], [True], "BOOL")]},
            [{"scores_0": "0.3", "scores_1": "0.7", "best": "true", "age": "7", "city": "rome"}],
        ),
        (
            {"data": {"names": ["a", "b"], "ndarray": [[1, "x"], [3, None]]}, "meta": {"tags": {}}},
            {"data": {"names": ["t:0", "t:1"], "tensor": {"shape": [2, 2], "values": [0.1, 0.9, 0.2, 0.8]}}},
            [
                {"t:0": "0.1", "t:1": "0.9", "a": "1", "b": "x"},
                {"t:0": "0.2", "t:1": "0.8", "a": "3", "b": None},
            ],
        ),
        (
            {"dataframe_split": {"index": [0, 1], "columns": ["a", "b"], "data": [[1, 2], [3, 4]]}},
            {"predictions": [0.5, 0.25]},
            [{"_c0": "0.5", "a": "1", "b": "2"}, {"_c0": "0.25", "a": "3", "b": "4"}],
        ),
        (
            {"data": {"names": ["a", "b"], "ndarray": [1, 2]}},
            {"data": {"names": ["p"], "ndarray": [0.5]}},
            [{"p": "0.5", "a": "1", "b": "2"}],
        ),
        ({"dataframe_records": [{"a": 1}]}, {"predictions": {"p": [0.5]}}, [{"p": "0.5", "a": "1"}]),
        ([[1, 2]], [0.1], [{"_c0": "0.1", "_c1": "1", "_c2": "2"}]),
        ({"inputs": [[1, 2]], "outputs": ["score"]}, {"inputs": [[1, 2]], "outputs": [[0.5]]},
         [{"_c0": "0.5", "_c1": "1", "_c2": "2"}]),
        ({"inputs": {"a": 1, "b": "x"}}, side("0.7", "JSON"), [{"_c0": "0.7", "a": "1", "b": "x"}]),
        ([[1]], side('"setosa"', "JSON"), [{"_c0": "setosa", "_c1": "1"}]),
        (side('{"features": [1, 2]}\n{"features": [3, 4]}', "JSON"), side("[0]\n[1]", "JSON"),
         [{"_c0": "0", "_c1": "1", "_c2": "2"}, {"_c0": "1", "_c1": "3", "_c2": "4"}]),
    ],
    ids=["V1 scalars", "V1 objects", "SageMaker's own", "by column", "V2 iris", "V2 columns", "Seldon", "one list",
         "split", "records", "lists", "repeated inputs", "one row", "a text", "lines"],
)  # fmt: skip
def test_both_sides_of_a_request_are_read(asked: Any, answered: Any, rows: list[dict[str, Any]]) -> None:
    assert alone(asked, answered) == rows
    assert list(alone(asked, answered)[0]) == list(rows[0])


VALUE = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(st.characters(codec="utf-8"), max_size=4),
)
NAMES = st.lists(st.sampled_from(["a", "b", "data", "shape", "é", "x y"]), min_size=2, max_size=4, unique=True)
TABLES = NAMES.flatmap(
    lambda names: st.tuples(
        st.just(names), st.lists(st.lists(VALUE, min_size=len(names), max_size=len(names)), min_size=1, max_size=4)
    )
)


def as_text(value: Any) -> str | None:
    return value if value is None or isinstance(value, str) else json.dumps(value)


def named_forms(names: list[str], rows: list[list[Any]]) -> list[Any]:
    """A table in every form that has names."""
    objects = [dict(zip(names, row, strict=True)) for row in rows]
    columns = {name: [row[i] for row in rows] for i, name in enumerate(names)}
    every = [value for row in rows for value in row]
    forms: list[Any] = [
        {key: objects} for key in ("instances", "predictions", "inputs", "outputs", "dataframe_records")
    ]
    forms += [{key: columns} for key in ("inputs", "outputs", "predictions")]
    forms += [
        {key: [tensor(name, [len(rows), *more], values) for name, values in columns.items()]}
        for key, more in product(("inputs", "outputs"), ([], [1]))
    ]
    return [
        *forms,
        {"dataframe_split": {"columns": names, "data": rows}},
        {"data": {"names": names, "ndarray": rows}, "meta": {"puid": "x"}},
        {"data": {"names": names, "tensor": {"shape": [len(rows), len(names)], "values": every}}},
    ]


def bare_forms(rows: list[list[Any]]) -> list[Any]:
    """A table in every form that has none."""
    shape, every = [len(rows), len(rows[0])], [value for row in rows for value in row]
    forms: list[Any] = [{key: rows} for key in ("instances", "predictions", "inputs", "outputs")]
    forms += [{key: [tensor("any", shape, data)]} for key, data in product(("inputs", "outputs"), (rows, every))]
    return [
        *forms,
        rows,
        {"instances": [{"features": row} for row in rows]},
        {"inputs": {"any": rows}},
        {"dataframe_split": {"data": rows}},
        {"data": {"names": [], "ndarray": rows}},
        {"data": {"tensor": {"shape": shape, "values": every}}},
    ]


@given(TABLES)
@example((["a", "b"], [[None, None]]))  # PyArrow can't put such columns together
def test_a_table_is_the_same_in_every_form(table: tuple[list[str], list[list[Any]]]) -> None:
    names, rows = table
    wanted = [{name: as_text(value) for name, value in zip(names, row, strict=True)} for row in rows]
    forms = named_forms(names, rows) + bare_forms(rows)
    asked = [record(json.dumps(form), form, NO_SIDE) for form in forms]
    answered = [record(json.dumps(form), NO_SIDE, form) for form in forms]
    for records, declared in ((asked, Names(("unused",), tuple(names))), (answered, Names(tuple(names)))):
        found, rejected = decoded(records, declared)
        assert not rejected
        assert found == {json.dumps(form): wanted for form in forms}


FLAT = st.none() | st.booleans() | st.integers() | st.text(st.characters(codec="utf-8"), max_size=4)
ENVELOPES = [
    "instances",
    "predictions",
    "inputs",
    "outputs",
    "data",
    "dataframe_split",
    "dataframe_records",
    "features",
]


@given(st.dictionaries(st.sampled_from([*ENVELOPES, "a"]), FLAT, max_size=4), st.booleans())
@example({"data": "x", "instances": None}, True)
def test_what_is_flat_stays_so_whatever_it_is_called(row: dict[str, Any], several: bool) -> None:
    text = json.dumps([row, row] if several else row)
    before = json.loads(text, **AS_WRITTEN)
    assert rows_of_payload(text).rows == (before if several else [before])
    assert alone(side(text, "JSON"), NO_SIDE) == [flat(one) for one in (before if several else [before])]


KEYS = st.sampled_from([*ENVELOPES, "names", "columns", "ndarray", "tensor", "shape", "values", "datatype", "name"])
JSON = st.recursive(
    VALUE, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4), max_leaves=12
)


@given(JSON)
@example({"inputs": [{"name": "x", "shape": [10**12, 0], "datatype": "FP32", "data": []}]})
@example({"inputs": [{"name": "x", "shape": [-1, -1], "datatype": "FP32", "data": [1]}]})
@example({"inputs": [{"name": "x", "shape": [None], "datatype": "FP32", "data": [1]}]})
@example({"data": {"tensor": {"values": [1]}}})
@example({"data": {"names": {"a": 1}, "ndarray": [[1]]}})
@example({"dataframe_split": {"columns": [["a", "b"]], "data": [[1]]}})
def test_any_json_is_rows_or_set_aside_with_a_reason_and_nothing_beside_it(document: Any) -> None:
    rows, rejected = decoded(
        [record("e", side(json.dumps(document), "JSON"), NO_SIDE), record("f", [{"b": 2}], NO_SIDE)]
    )
    assert len(rows) + len(rejected) == 2 and "f" in rows
    assert all(reason and "\n" not in reason for reason in rejected.values())


@pytest.mark.parametrize(
    ("payload", "words"),
    [
        ({"instances": [{"signal": [1, 2]}]}, "'signal' is nested"),
        ({"a": {"b": 1}}, "'a' is nested"),
        ({"data": {"strange": [1]}}, "'data' is nested"),
        ({"instances": [[1, 2], [3]]}, "differ in their number of values"),
        ({"instances": [[1], {"a": 1}]}, "objects, lists or single values"),
        ({"inputs": {"a": [1, 2], "b": [1]}}, "2 in 'a', 1 in 'b'"),
        ({"inputs": {"a": [1, 2], "b": 1}}, "'inputs' is nested"),
        ({"inputs": [tensor("x", [2, 3], [1, 2])]}, "'x' has 2 values"),
        ({"inputs": [tensor("x", [3, 0], [])]}, "'x' has 0 values"),
        ({"inputs": [tensor("x", [1, 2, 2], [[[1, 2], [3, 4]]])]}, "3 dimensions"),
        (
            {"inputs": [{"name": "x", "shape": [1], "datatype": "FP32", "parameters": {"binary_data_size": 4}}]},
            "binary",
        ),
        ({"inputs": [tensor("x", [1], [1]), tensor("x", [1], [1])]}, "'x' is the name of two"),
        ({"inputs": [tensor("@x", [1], [1])]}, "@"),
        ({"dataframe_split": {"columns": ["a"], "data": [[1, 2]]}}, "1 names for 2 values"),
        ({"dataframe_split": {"columns": ["a", "a"], "data": [[1, 2]]}}, "'a' is the name of two"),
        ({"data": {"names": ["a"], "ndarray": [[[1]]]}}, "nested"),
        ([{"features": [1]}, {"a": 1}], "names"),
    ],
)
def test_what_makes_no_rows_is_set_aside_with_what_is_wrong(payload: Any, words: str) -> None:
    assert words in refused(payload, NO_SIDE)


@pytest.mark.parametrize("number", ["1", "1.0", "1e5", "12345678901234567890", "0.10", "-0"])
def test_numbers_stay_as_they_are_written(number: str) -> None:
    for text in (f'{{"instances":[[{number}]]}}', f"[{number}]", number, f'{{"data":{{"ndarray":[[{number}]]}}}}'):
        assert alone(side(text, "JSON"), NO_SIDE) == [{"_c0": number}]


@pytest.mark.parametrize(
    ("asked", "answered", "values"),
    [
        ([5.1, 3.5], "0.5", [["0.5", "5.1", "3.5"]]),
        ([5.1, 3.5], {"score": 1}, [["1", "5.1", "3.5"]]),
        ([5.1, 3.5], [0.5], [["0.5", "5.1", "3.5"]]),
        ({"instances": [[5.1, 3.5]]}, [0.1, 0.9], [["0.1", "0.9", "5.1", "3.5"]]),
        ([5.1, 3.5, 1], [0.1, 0.9], [["0.1", "0.9", "5.1", "3.5", "1"]]),
        ([5.1, 3.5], [0.1, 0.9], [["0.1", "5.1"], ["0.9", "3.5"]]),
        ([5.1, 3.5], "0.1\n0.9", [["0.1", "5.1"], ["0.9", "3.5"]]),
    ],
)
def test_a_list_of_single_values_is_as_many_rows_as_the_other_side_has(asked: Any, answered: Any, values: Any) -> None:
    assert [list(row.values()) for row in alone(asked, answered)] == values
    beside, rejected = decoded([record("x", [[1, 2]], [[3]]), record("e", asked, answered), record("y", {"a": 1}, [3])])
    assert not rejected and [list(row.values()) for row in beside["e"]] == values
    assert (beside["x"], beside["y"]) == ([{"_c0": "3", "_c1": "1", "_c2": "2"}], [{"_c0": "3", "a": "1"}])


def test_numbers_of_rows_that_no_reading_makes_equal_are_set_aside() -> None:
    assert refused([[1], [2], [3]], [0.1, 0.9]) == "output has 2 rows, input has 3"


def collected(folder: Any, records: list[Any], **settings: Any) -> dict[str, Any]:
    capture(folder / "capture", records)
    file = endpoint_file(folder, **settings)
    found: dict[str, Any] = json.loads(store.read(jobs.collect_window(Execution.of(file, "dq", Window(at(0), at(60))))))
    return found


@pytest.mark.parametrize("named_first", [True, False])
def test_where_some_have_names_and_others_none_the_fewer_are_set_aside(tmp_path: Any, named_first: bool) -> None:
    named = [record(f"n{i}", {"instances": [{"a": i}]}, [0.5], at(i / 10)) for i in range(5)]
    bare = [record(f"b{i}", {"instances": [[i, i]]}, [0.5], at(i / 10)) for i in range(8)]
    nothing = [record(f"e{i}", {"instances": []}, {"predictions": []}, at(i / 10)) for i in range(20)]
    records = [*nothing, *(named + bare if named_first else bare + named)]
    document = collected(tmp_path, records, max_rejected=1)
    assert (document["records"], document["rows"], document["rejected"]) == (33, 8, 5)
    [reason] = document["reasons"]
    assert "named values in the input where most records have 1 values in the output and 2 values in" in reason


def test_values_without_names_take_the_declared_ones(tmp_path: Any) -> None:
    import pyarrow.parquet as pq

    columns = {"outputs": ["score"], "inputs": ["age", "pay"]}
    document = collected(tmp_path, [record("a", {"instances": [[3, 4.0]]}, {"predictions": [0.5]})], columns=columns)
    [rows] = [pq.read_table(address).to_pylist() for address in document["partitions"]]
    assert {name: rows[0][name] for name in ("score", "age", "pay")} == {"score": "0.5", "age": "3", "pay": "4.0"}


@pytest.mark.parametrize(
    ("asked", "answered", "rows"),
    [
        (
            {"area": [50, 60], "rooms": [2, 3]},
            {"price": [1.5, 1.6]},
            [{"price": "1.5", "area": "50", "rooms": "2"}, {"price": "1.6", "area": "60", "rooms": "3"}],
        ),
        (
            {"area": [50], "at": [[1, 2]]},
            {"price": [1.5]},
            [{"price": "1.5", "area": "50", "at_0": "1", "at_1": "2"}],
        ),
        (
            {"area": 50},
            {"probabilities": [0.2, 0.8]},
            [{"probabilities_0": "0.2", "probabilities_1": "0.8", "area": "50"}],
        ),
        (NO_SIDE, {"price": [1.5, 1.6]}, [{"price": "1.5"}, {"price": "1.6"}]),
    ],
)
def test_an_object_of_lists_of_one_length_is_a_table_by_column(
    asked: Any, answered: Any, rows: list[dict[str, str]]
) -> None:
    assert alone(asked, answered) == rows


@pytest.mark.parametrize("answered", [{"a": [1, 2], "b": [1]}, {"a": [1], "b": 2}, {"a": [{"b": 1}]}])
def test_objects_of_other_lists_stay_nested_values(answered: Any) -> None:
    assert "is nested; a preprocessing script can flatten it" in refused({"x": 1}, answered)
