"""Does nothing leave the process that was not to, and does all else stay as it was written?"""

from __future__ import annotations

import csv
import hashlib
import hmac
import io
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model_monitor import store
from model_monitor.errors import ConfigError
from model_monitor.recorder import Privacy, Recorder

KEY = b"a key of sixteen bytes or more"
SECRET = "Alice Secret"


def digest(text: str) -> str:
    return hmac.new(KEY, text.encode(), hashlib.sha256).hexdigest()[:32]


def of_json(privacy: Privacy, document: Any) -> Any:
    text = privacy.applied(document if isinstance(document, str) else json.dumps(document), "JSON", "INPUT")
    return None if text is None else json.loads(text)


def test_denied_fields_are_not_there_at_any_depth_and_numbers_stay_as_they_are_written() -> None:
    privacy = Privacy(deny=["name", "card.number"])
    text = '{"age": 1.0, "name": "A", "card": {"number": 1, "kind": "x"}, "number": 1e5, "more": [{"name": {"a": 1}}]}'
    assert privacy.applied(text, "JSON", "INPUT") == ('{"age":1.0,"card":{"kind":"x"},"number":1e5,"more":[null]}')


def test_only_allowed_fields_are_there() -> None:
    privacy = Privacy(allow=["age", "customer.plan"])
    document = {"age": 5, "name": "x", "customer": {"plan": "a", "name": "x"}, "other": {"age": 7, "plan": "b"}}
    assert of_json(privacy, document) == {"age": 5, "customer": {"plan": "a"}, "other": {"age": 7}}
    assert of_json(Privacy(allow=["customer"]), document) == {"customer": {"plan": "a", "name": "x"}}


def test_hashed_values_are_equal_where_values_are_and_the_same_in_csv_and_json() -> None:
    told = Privacy(hash=["name"], key=KEY, input_columns=["name", "age"])
    assert of_json(told, {"name": "Alice", "age": 5, "inner": {"name": 1.0}}) == {
        "name": digest("Alice"),
        "age": 5,
        "inner": {"name": digest("1.0")},
    }
    assert told.applied('Alice,5\n"Bob, B",6\n,7\n', "CSV", "INPUT") == (
        f"{digest('Alice')},5\n{digest('Bob, B')},6\n,7\n"
    )
    assert of_json(told, {"name": None}) == {"name": None}


def test_csv_columns_go_by_name_or_number_and_leave_an_empty_value_behind() -> None:
    assert Privacy(deny=["1"]).applied("a,b,c\nd,e,f", "CSV", "INPUT") == "a,,c\nd,,f"
    named = Privacy(allow=["age"], input_columns=["name", "age"])
    assert named.applied("x,5", "CSV", "INPUT") == ",5"
    assert named.applied("x,5,6", "CSV", "INPUT") is None, "which of them is the name?"
    assert named.applied("0.5\n", "CSV", "OUTPUT") == '""\n', "a list of what is allowed is one of both sides"


def test_texts_are_cut() -> None:
    privacy = Privacy(truncate=3)
    assert of_json(privacy, {"a": "abcdef", "b": 123456, "c": ["wxyz"]}) == {"a": "abc", "b": 123456, "c": ["wxy"]}
    assert privacy.applied("abcdef,12\n", "CSV", "INPUT") == "abc,12\n"


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ({"dataframe_split": {"columns": ["name", "age"], "data": [[SECRET, 5]]}},
         {"dataframe_split": {"columns": ["name", "age"], "data": [[None, 5]]}}),
        ({"data": {"names": ["age", "name"], "ndarray": [[5, SECRET]]}},
         {"data": {"names": ["age", "name"], "ndarray": [[5, None]]}}),
        ({"inputs": [{"name": "name", "shape": [1], "datatype": "BYTES", "data": [SECRET]}]},
         {"inputs": [{"name": "name", "shape": [1], "datatype": "BYTES"}]}),
        ({"instances": [{"name": SECRET, "age": 5}]}, {"instances": [{"age": 5}]}),
        ({"instances": [[SECRET, 5]]}, None),
        ([[SECRET, 5]], None),
        ([SECRET], None),
    ],
)  # fmt: skip
def test_the_forms_that_servers_use_are_understood_or_withheld(document: Any, expected: Any) -> None:
    assert of_json(Privacy(deny=["name"]), document) == expected


def test_rows_without_names_are_those_of_the_told_columns() -> None:
    privacy = Privacy(deny=["name"], input_columns=["name", "age"])
    assert of_json(privacy, {"instances": [[SECRET, 5], [SECRET, 6]]}) == {"instances": [[None, 5], [None, 6]]}
    assert of_json(privacy, {"instances": [[SECRET, 5, 6]]}) is None
    assert of_json(Privacy(deny=["name"], input_columns=["name"]), {"instances": [SECRET]}) == {}


LEAVES = st.none() | st.booleans() | st.integers() | st.text(max_size=5)
DOCUMENTS = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "b", "secret", "data"]), inner),
    max_leaves=20,
)


def under(document: Any, name: str, inside: bool = False) -> list[str]:
    """All texts below a key, marked so that they can be found."""
    if isinstance(document, dict):
        return [text for key, value in document.items() for text in under(value, name, inside or key == name)]
    if isinstance(document, list):
        return [text for value in document for text in under(value, name, inside)]
    return [document] if inside and isinstance(document, str) else []


def marked(document: Any, inside: bool = False) -> Any:
    if isinstance(document, dict):
        return {key: marked(value, inside or key == "secret") for key, value in document.items()}
    if isinstance(document, list):
        return [marked(value, inside) for value in document]
    return SECRET if inside and isinstance(document, str) else document


@given(DOCUMENTS, st.sampled_from(["deny", "hash"]))
def test_what_is_denied_or_hashed_never_leaves_whatever_it_is_in(document: Any, rule: str) -> None:
    rules: dict[str, Any] = {rule: ["secret"]} | ({"key": KEY} if rule == "hash" else {})
    text = Privacy(**rules).applied(json.dumps(marked(document)), "JSON", "INPUT")
    assert text is None or SECRET not in text


@given(st.lists(st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\0")), min_size=2, max_size=2)))
def test_rules_that_take_nothing_change_no_value(rows: list[list[str]]) -> None:
    written = io.StringIO(newline="")
    csv.writer(written, lineterminator="\r\n").writerows(rows)
    text = Privacy(deny=["other"], input_columns=["a", "b"]).applied(written.getvalue(), "CSV", "INPUT")
    assert text is not None and list(csv.reader(io.StringIO(text, newline=""))) == list(
        csv.reader(io.StringIO(written.getvalue(), newline=""))
    )


@pytest.mark.parametrize("text", ["", "{", "{}x", '{"a": NaN}', "[" * 2000, '{"a": "\\ud800"}', "nul"])
def test_what_is_no_json_is_withheld(text: str) -> None:
    assert Privacy(deny=["a"]).applied(text, "JSON", "INPUT") is None


def test_one_object_per_line_stays_that() -> None:
    assert Privacy(deny=["a"]).applied('{"a":1,"b":2}\n{"b":3}\n', "JSON", "INPUT") == '{"b":2}\n{"b":3}'


def test_nothing_reaches_the_disk_before_the_rules_were_applied(tmp_path: Path) -> None:
    privacy = Privacy(deny=["name"], hash=["mail"], key=KEY)
    with Recorder("churn", str(tmp_path / "capture"), spool=tmp_path / "spool", privacy=privacy) as recorder:
        body = json.dumps({"name": SECRET, "mail": SECRET, "age": 5})
        recorder.record(body, "0.5", input_content_type="application/json", output_content_type="text/plain")
        recorder.record(body[:-1], "0.5", input_content_type="application/json")
    [file] = store.list_files(str(tmp_path / "capture"))
    first, second = (json.loads(line)["captureData"] for line in store.read(file.address).splitlines())
    assert json.loads(first["endpointInput"]["data"]) == {"mail": digest(SECRET), "age": 5}
    for side in (first["endpointOutput"], second["endpointInput"]):
        assert side["data"] is None and side["withheld"] is True


@pytest.mark.parametrize(
    "rules",
    [
        {"hash": ["a"]},
        {"hash": ["a"], "key": b"short"},
        {"deny": ["a"], "allow": ["a"]},
        {"deny": ["a"], "hash": ["a"], "key": KEY},
        {"truncate": 0},
        {"deny": "name"},
    ],
)
def test_rules_that_contradict_each_other_are_refused(rules: dict[str, Any]) -> None:
    with pytest.raises(ConfigError):
        Privacy(**rules)


def test_the_key_is_not_shown() -> None:
    assert "sixteen" not in repr(Privacy(hash=["a"], key=KEY))
