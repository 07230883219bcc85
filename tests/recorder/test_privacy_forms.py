"""Do the rules hold in every form in which servers wrap rows, and against payloads made to get around them?"""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model_monitor.recorder import Privacy

KEY = b"a key of sixteen bytes or more"
SECRET = "Alice Secret"
COLUMNS = ["name", "age"]
V2 = {"name": "input-0", "datatype": "BYTES"}


def applied(document: Any, **rules: Any) -> Any:
    text = document if isinstance(document, str) else json.dumps(document)
    left = Privacy(**rules).applied(text, "JSON", "INPUT")
    return None if left is None else json.loads(left)


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ({"data": {"names": COLUMNS, "ndarray": [SECRET, 5]}}, {"data": {"names": COLUMNS, "ndarray": [None, 5]}}),
        ({"data": {"names": ["name"], "ndarray": [SECRET]}}, {"data": {"names": ["name"]}}),
        ({"data": {"names": COLUMNS, "ndarray": [SECRET, 5, 6]}}, None),
        ({"dataframe_split": {"columns": COLUMNS, "data": [SECRET, 5]}},
         {"dataframe_split": {"columns": COLUMNS, "data": [None, 5]}}),
        ({"data": {"names": COLUMNS, "tensor": {"shape": [2, 2], "values": [SECRET, 5, SECRET, 6]}}},
         {"data": {"names": COLUMNS, "tensor": {"shape": [2, 2], "values": [None, 5, None, 6]}}}),
        ({"data": {"tensor": {"shape": [1, 2], "values": [SECRET, 5]}}}, None),
        ({"inputs": [V2 | {"shape": [2, 2], "data": [SECRET, 5, SECRET, 6]}]}, None),
        ({"instances": [{"features": [SECRET, 5]}]}, None),
        ({"features": [SECRET, 5]}, None),
        (SECRET, None),
        (json.dumps(json.dumps({"name": SECRET})), None),
        ([{"age": 5}, SECRET], None),
        ('{"name": 1, "name": "Alice Secret", "age": 5}', {"age": 5}),
        ('{"n\\u0061me": "Alice Secret", "age": 5}', {"age": 5}),
        ({"name": SECRET, "data": [5]}, {"data": [5]}),
        ({"name": SECRET, "shape": 1, "datatype": 2}, {"shape": 1, "datatype": 2}),
    ],
)  # fmt: skip
def test_what_is_denied_is_found_in_each_form_or_all_is_withheld(document: Any, expected: Any) -> None:
    assert applied(document, deny=["name"]) == expected


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ({"inputs": [V2 | {"shape": [2, 2], "data": [SECRET, 5, SECRET, 6]}]},
         {"inputs": [V2 | {"shape": [2, 2], "data": [None, 5, None, 6]}]}),
        ({"inputs": [V2 | {"shape": [2, 2], "data": [[SECRET, 5], [SECRET, 6]]}]},
         {"inputs": [V2 | {"shape": [2, 2], "data": [[None, 5], [None, 6]]}]}),
        ({"inputs": [V2 | {"shape": [1, 3], "data": [SECRET, 5, 6]}]}, None),
        ({"inputs": [V2 | {"shape": [1, 2], "data": [SECRET, 5, SECRET]}]}, None),
        ({"inputs": [V2 | {"shape": ["1", "2"], "data": [SECRET, 5]}]}, None),
        ({"instances": [{"features": [SECRET, 5]}]}, {"instances": [{"features": [None, 5]}]}),
        ({"instances": [SECRET, 5]}, {"instances": [None, 5]}),
        ({"instances": [SECRET, 5, 6]}, None),
        ([SECRET, 5], [None, 5]),
        ({"data": {"ndarray": [[SECRET, 5]]}}, {"data": {"ndarray": [[None, 5]]}}),
        ({"data": {"tensor": {"shape": [1, 2], "values": [SECRET, 5]}}},
         {"data": {"tensor": {"shape": [1, 2], "values": [None, 5]}}}),
    ],
)  # fmt: skip
def test_values_without_names_are_those_of_the_told_columns(document: Any, expected: Any) -> None:
    assert applied(document, deny=["name"], input_columns=COLUMNS) == expected


def test_lists_of_names_are_fields_too() -> None:
    """Only where rows are beside them that they name."""
    assert applied({"names": [SECRET], "age": 5}, deny=["names"]) == {"age": 5}
    assert applied({"columns": [SECRET], "age": 5}, allow=["age"]) == {"columns": [None], "age": 5}
    assert applied({"names": [SECRET], "data": [[5]]}, deny=["names"]) == {"data": [[5]]}
    assert SECRET not in json.dumps(applied({"names": [SECRET], "age": 5}, hash=["names"], key=KEY))


def test_one_value_alone_is_that_of_the_one_told_column() -> None:
    assert applied(0.5, deny=["name"], input_columns=["score"]) == 0.5
    assert applied(0.5, deny=["score"], input_columns=["score"]) is None
    assert applied(0.5, truncate=3) == 0.5, "a rule that names no field can be applied to any"
    assert applied([0.5, "abcdef"], truncate=3) == [0.5, "abc"]
    assert Privacy(truncate=3, input_columns=["a"]).applied("abcdef,1\n", "CSV", "INPUT") == "abc,1\n"
    assert applied({"instances": [["abcdef"]]}, truncate=3) == {"instances": [["abc"]]}


@pytest.mark.parametrize("rules", [{"deny": ["name"]}, {"hash": ["name"], "key": KEY}])
def test_csv_whose_columns_are_not_told_is_withheld_if_a_rule_is_about_a_name(rules: dict[str, Any]) -> None:
    assert Privacy(**rules).applied(f"{SECRET},5\n", "CSV", "INPUT") is None
    told = Privacy(**rules, input_columns=COLUMNS).applied(f"{SECRET},5\n", "CSV", "INPUT")
    assert told is not None and SECRET not in told and told.endswith(",5\n")
    assert Privacy(deny=["0"]).applied(f"{SECRET},5\n", "CSV", "INPUT") == ",5\n"


@pytest.mark.parametrize("text", ["9" * 5000, '{"a": ' + "9" * 5000 + "}", "1e999", '{"a":' * 300 + "1" + "}" * 300])
def test_numbers_and_depths_that_python_can_not_have_are_withheld(text: str) -> None:
    Privacy(deny=["a"]).applied(text, "JSON", "INPUT")
    assert Privacy(deny=["name"]).applied('{"name": "x", "b":' + text + "}", "JSON", "INPUT") in (
        None,
        '{"b":' + text + "}",
    )


TABLES = st.lists(st.tuples(st.just(SECRET), st.integers(0, 9)).map(list), min_size=1, max_size=3)


@given(TABLES, st.sampled_from(["deny", "hash", "allow"]), st.booleans(), st.booleans())
def test_no_form_lets_a_named_column_through(rows: list[list[Any]], rule: str, told: bool, flat: bool) -> None:
    values = [value for row in rows for value in row] if flat else rows
    tensor = {"shape": [len(rows), 2]}
    forms: list[Any] = [
        rows,
        {"instances": rows},
        {"instances": [{"features": row} for row in rows]},
        {"instances": [dict(zip(COLUMNS, row, strict=True)) for row in rows]},
        {"inputs": {"name": [row[0] for row in rows], "age": [row[1] for row in rows]}},
        {"inputs": [V2 | tensor | {"data": values}]},
        {"dataframe_split": {"columns": COLUMNS, "index": [1], "data": values}},
        {"dataframe_records": [dict(zip(COLUMNS, row, strict=True)) for row in rows]},
        {"data": {"names": COLUMNS, "ndarray": values}},
        {"data": {"names": COLUMNS, "tensor": tensor | {"values": values}}},
        {"data": {"ndarray": values} if told else {"names": COLUMNS, "ndarray": values}},
    ]
    rules: dict[str, Any] = {rule: ["age"] if rule == "allow" else ["name"]} | ({"key": KEY} if rule == "hash" else {})
    privacy = Privacy(**rules, input_columns=COLUMNS if told else ())
    for form in forms:
        text = privacy.applied(json.dumps(form), "JSON", "INPUT")
        assert text is None or SECRET not in text, form
