"""Do payloads become the rows that Python's own csv and json modules read in them?"""

from __future__ import annotations

import base64
import csv
import io
import json
import subprocess
import sys
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from support.captures import NO_SIDE, lines, record, side
from support.decoded_rows import alone, decoded, refused

from model_monitor.rows import blocks, captures
from model_monitor.rows.payloads import payload
from model_monitor.rows.payloads.payload import Names


def test_outputs_come_before_inputs() -> None:
    assert list(alone("1,2\n", "0.5").pop().items()) == [("_c0", "0.5"), ("_c1", "1"), ("_c2", "2")]
    (row,) = alone({"b": 1, "a": 2}, {"z": 3})
    assert list(row) == ["z", "b", "a"]


@pytest.mark.parametrize(
    ("outputs", "inputs", "called"),
    [
        ((), (), ["_c0", "_c1", "_c2"]),
        (("p",), ("x", "y"), ["p", "x", "y"]),
        (("p",), ("x",), ["p", "x", "_c2"]),
        (("p",), ("x", "y", "z"), ["p", "x", "y"]),
        (("p", "q"), ("x",), ["p", "q", "x"]),  # by position, as SageMaker matches columns
    ],
)
def test_values_are_called_by_their_position(outputs: Any, inputs: Any, called: list[str]) -> None:
    (row,) = alone("1,2", "0.5", names=Names(outputs, inputs))
    assert list(row) == called


def test_inputs_alone_have_the_names_of_inputs() -> None:
    names = Names(("p",), ("x", "y"))
    assert alone("1,2", NO_SIDE, names=names) == [{"x": "1", "y": "2"}]
    assert alone(NO_SIDE, "0.5", names=names) == [{"p": "0.5"}]


def test_a_payload_of_several_rows_becomes_as_many() -> None:
    rows, rejected = decoded(
        [record("a", "1\n2\n3\n", "x\ny\nz"), record("b", "4", "w"), record("c", "5\n6", "u\nv\n")]
    )
    assert not rejected
    assert {event: [(row["_c0"], row["_c1"]) for row in some] for event, some in rows.items()} == {
        "a": [("x", "1"), ("y", "2"), ("z", "3")],
        "b": [("w", "4")],
        "c": [("u", "5"), ("v", "6")],
    }


def test_numbers_of_rows_that_differ_are_set_aside_with_both_numbers() -> None:
    rows, rejected = decoded([record("a", "1\n2\n3", "x\ny"), record("b", "1\n2", "x\ny")])
    assert list(rows) == ["b"]
    assert "2" in rejected["a"] and "3" in rejected["a"]
    assert "3" in refused([{"x": 1}] * 3, [{"y": 1}] * 2)


@pytest.mark.parametrize("ragged", ["1,2\n3\n", '1,"2"\n3\n'])
def test_a_payload_whose_rows_differ_in_width_is_set_aside(ragged: str) -> None:
    assert "differ" in refused(ragged, "x\ny")


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ('"a,b",2', ["a,b", "2"]),
        ('"a\nb",2\n', ["a\nb", "2"]),
        ('"a\r\nb",2\r\n', ["a\r\nb", "2"]),
        ('"say ""hi""",2', ['say "hi"', "2"]),
        (",,", [None, None, None]),
        ('"",1', [None, "1"]),
        ("", [None]),
        ("\n", [None]),
        (" 1, a ", [" 1", " a "]),
        ("日本,é€😀\n", ["日本", "é€😀"]),
        ("a\u2028b,\x0bc", ["a\u2028b", "\x0bc"]),
        ("NULL,nan,NA", ["NULL", "nan", "NA"]),
    ],
)
def test_csv_is_read_as_rfc_4180_says(text: str, values: list[str | None]) -> None:
    assert list(alone(text, NO_SIDE)[0].values()) == values
    beside, _ = decoded([record("e", text, NO_SIDE), record("quoted", '"q""q"', NO_SIDE)])
    assert list(beside["e"][0].values()) == values


VALUE = st.one_of(
    st.text(st.sampled_from('a1,"\n é'), max_size=5),
    st.text(st.characters(codec="utf-8", exclude_characters="\r"), max_size=5),
)
TABLE = st.integers(1, 3).flatmap(
    lambda width: st.lists(st.lists(VALUE, min_size=width, max_size=width), min_size=1, max_size=3)
)


def as_csv(rows: list[list[str]], end: str, quoting: Any) -> str:
    """RFC 4180 by Python's writer. Its single empty value is not written as a blank line, which ends may swallow."""
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator=end, quoting=quoting).writerows(rows)
    return text.getvalue()


@given(
    st.lists(
        st.tuples(TABLE, st.sampled_from(["\n", "\r\n"]), st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL])),
        max_size=5,
    )
)
def test_csv_payloads_are_what_was_written(tables: Any) -> None:
    rows, rejected = decoded([record(str(i), as_csv(*table), NO_SIDE) for i, table in enumerate(tables)])
    assert not rejected
    assert {int(i): [list(row.values()) for row in some] for i, some in rows.items()} == {
        i: [[value or None for value in row] for row in table] for i, (table, _, _) in enumerate(tables)
    }


@given(st.lists(st.text(st.sampled_from('a,"\n\r'), max_size=8), min_size=2, max_size=5))
@example(["x" * 200_000, '"q"'])
def test_a_csv_payload_is_read_alike_whatever_is_read_beside_it(texts: list[str]) -> None:
    together = decoded([record(str(i), text, NO_SIDE) for i, text in enumerate(texts)])
    apart = [decoded([record(str(i), text, NO_SIDE)]) for i, text in enumerate(texts)]
    assert together[0] == {key: rows for part, _ in apart for key, rows in part.items()}
    assert together[1] == {key: why for _, part in apart for key, why in part.items()}


def test_json_is_an_object_a_list_of_them_or_one_per_line() -> None:
    texts = ['{"a":1}', '[{"a":1}]', '[{"a":1},{"a":2}]', '{"a":1}\n{"a":2}\n', '{\n "a": 1\n}', "[]", "  [ ]"]
    found = [alone(side(text, "JSON"), NO_SIDE) for text in texts]
    assert found == [[{"a": "1"}] * 1, [{"a": "1"}], *[[{"a": "1"}, {"a": "2"}]] * 2, [{"a": "1"}], [], []]


def test_an_object_without_members_is_a_row_without_values() -> None:
    assert alone(side("{}", "JSON"), side("{}", "JSON")) == [{}]


@pytest.mark.parametrize("number", ["1", "1.0", "1e5", "1E5", "-0.5", "12345678901234567890", "5.0", "0", "1.5"])
@pytest.mark.parametrize("beside", ["2", "2.5", "2.0", '"x"', "null"])
def test_a_number_in_json_keeps_the_way_it_is_written(number: str, beside: str) -> None:
    texts = [f'{{"a":{number},"b":1.0}}', f'{{"b":1,"a":{beside}}}']
    rows, rejected = decoded([record(str(i), side(text, "JSON"), NO_SIDE) for i, text in enumerate(texts)])
    assert not rejected
    assert rows["0"] == [{"a": number, "b": "1.0"}]
    assert rows["1"] == [{"a": None if beside == "null" else beside.strip('"'), "b": "1"}]


def test_texts_of_json_stay_as_they_are() -> None:
    given = {"day": "2026-01-05", "time": "2026-01-05T03:00:00Z", "number": "007", "word": 'é "x"\u2028\n', "empty": ""}
    given |= {"none": None, "yes": True, "no": False}
    told = given | {"yes": "true", "no": "false"}
    assert alone(given, NO_SIDE) == [told]
    assert alone([given, given], NO_SIDE) == [told, told]


JSON_VALUE = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from([0.0, -0.0, 5.0, 1e22, 1e300, 0.1, 2**63, -(2**63)]),
    st.text(st.characters(codec="utf-8"), max_size=6),
    st.sampled_from(["2026-01-05", "12:00:00", "2026-01-05T03:00:00Z", "1", '": 1', "null"]),
)
NAME = st.sampled_from(["a", "b", "a.b", "é", 'q"', "x\\y", ""])
DICTS = st.dictionaries(NAME, JSON_VALUE, max_size=3)


def same(text: str | None, value: Any) -> bool:
    """Whether a text is a JSON value: a number with a fraction may be written otherwise, but not as a whole one."""
    if isinstance(value, float):
        return text is not None and float(text) == value and bool({".", "e", "E"} & set(text))
    if isinstance(value, bool):
        return text == str(value).lower()
    return text == (value if value is None else str(value))


@given(st.lists(st.one_of(DICTS, st.lists(DICTS, max_size=3)), min_size=1, max_size=5), st.booleans())
def test_json_payloads_are_what_was_written(documents: list[Any], ascii_only: bool) -> None:
    texts = [json.dumps(document, ensure_ascii=ascii_only) for document in documents]
    rows, rejected = decoded([record(str(i), side(text, "JSON"), NO_SIDE) for i, text in enumerate(texts)])
    assert not rejected
    for i, document in enumerate(documents):
        written = document if isinstance(document, list) else [document]
        assert len(rows.get(str(i), [])) == len(written)
        for row, values in zip(rows.get(str(i), []), written, strict=True):
            assert {name for name, text in row.items() if text is not None} <= set(values)
            for name, value in values.items():
                assert same(row[name], value), (name, row[name], value)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('{"a":{"b":1}}', "'a' is nested"),
        ('{"a":[1],"b":2}', "'a' is nested"),
        ("[[[1]]]", "nested"),
        ('[[{"a":1}]]', "nested"),
        ("null", "null"),
        ("[1,[2]]", "single values"),
        ('[1,{"a":2}]', "objects"),
        ("[[1],[2,3]]", "differ"),
        ('["\\ud800"]', "Unicode"),
        ('{"a":1}\n[1]', "names"),
        ("{", "JSON"),
        ("", "JSON"),
        ('{"a":1}\nx', "JSON"),
        ('{"a":"\\ud800"}', "Unicode"),
        ('{"\\ud800":{}}', ""),
        ("[" * 100_000, "JSON"),
        ('{"@event_id":"x"}', "@"),
    ],
)
@pytest.mark.parametrize("beside", ['{"c":1}', "[{}]"])
def test_json_that_is_not_flat_is_set_aside_with_a_reason_and_no_other_payload_is(
    text: str, words: str, beside: str
) -> None:
    rows, rejected = decoded([record("e", side(text, "JSON"), NO_SIDE), record("f", side(beside, "JSON"), NO_SIDE)])
    assert list(rows) == ["f"] and list(rejected) == ["e"]
    assert words in rejected["e"]
    rejected["e"].encode()


def test_json_lines_end_only_at_newlines() -> None:
    assert [row["a"] for row in alone(side('{"a":"x\u2028y"}\n{"a":"\x85"}', "JSON"), NO_SIDE)] == ["x\u2028y", "\x85"]


def test_a_name_in_output_and_input_is_set_aside_and_named() -> None:
    assert "'a'" in refused({"a": 1, "b": 2}, {"a": 3})
    rows, rejected = decoded([record("a", {"p": 1}, "0.5"), record("b", {"x": 1}, "0.5")], Names(("p",)))
    assert list(rejected) == ["a"] and rows["b"] == [{"p": "0.5", "x": "1"}]


SOME = st.dictionaries(st.sampled_from("xyz"), st.integers(0, 9), max_size=2)


@given(st.lists(st.tuples(SOME, SOME), min_size=1, max_size=4))
@example([({"y": 1}, {"x": 2}), ({"x": 3}, {"y": 4}), ({"z": 3}, {"z": 4})])
@example([({"y": 1}, {"x": 2}), ({"x": 3}, {"y": 4})])
def test_each_request_is_judged_by_itself_and_keeps_its_values(pairs: list[tuple[Any, Any]]) -> None:
    """Values used to be lost where a name was an output of one request and an input of another."""
    rows, rejected = decoded([record(str(i), given, output) for i, (given, output) in enumerate(pairs)])
    assert set(rejected) == {str(i) for i, (given, output) in enumerate(pairs) if given.keys() & output.keys()}
    for event, (row,) in rows.items():
        given, output = pairs[int(event)]
        assert {k: v for k, v in row.items() if v is not None} == {k: str(v) for k, v in (output | given).items()}


def packed(text: str | bytes, kind: str) -> dict[str, Any]:
    return side(base64.b64encode(text.encode() if isinstance(text, str) else text).decode(), "BASE64", kind)


def test_base64_is_read_where_its_content_type_says_what_is_in_it() -> None:
    assert alone(packed("1,é\n", "text/csv; charset=utf-8"), "0.5") == [{"_c0": "0.5", "_c1": "1", "_c2": "é"}]
    assert alone(packed('{"a":1.0}', "application/json"), NO_SIDE) == [{"a": "1.0"}]
    assert alone(packed('{"a":1.0}\n{"a":2}', "application/jsonlines"), NO_SIDE) == [{"a": "1.0"}, {"a": "2"}]


@pytest.mark.parametrize(
    "unreadable",
    [
        packed("<a>", "text/html"),
        packed(b"\xff\xfe", "text/csv"),
        packed("{", "application/json"),
        side("é€", "BASE64", "text/csv"),
        side("MQ=", "BASE64", "text/csv"),
        side("1", "CBOR", "application/cbor"),
        side("1", None),
        side("1", ""),
    ],
    ids=["html", "no text", "no JSON", "not ASCII", "padding", "unknown encoding", "no encoding", "empty encoding"],
)
def test_what_cannot_be_unpacked_is_set_aside_and_nothing_beside_it(unreadable: Any) -> None:
    rows, rejected = decoded([record("a"), record("e", unreadable), record("b"), record("f", NO_SIDE, unreadable)])
    assert sorted(rows) == ["a", "b"] and sorted(rejected) == ["e", "f"]
    assert all(reason and "\n" not in reason for reason in rejected.values())


def test_encodings_may_differ_between_the_sides_and_between_requests() -> None:
    rows, rejected = decoded(
        [record("a", "1,2", {"score": 0.5}), record("b", {"x": 1}, "0.5"), record("c", {"x": 1}, {"score": 0.25})]
    )
    assert not rejected
    assert rows == {
        "a": [{"score": "0.5", "_c0": "1", "_c1": "2"}],
        "b": [{"_c0": "0.5", "x": "1"}],
        "c": [{"score": "0.25", "x": "1"}],
    }


def test_a_request_without_either_side_is_set_aside() -> None:
    assert "neither" in refused(NO_SIDE, NO_SIDE)
    assert "neither" in refused(side(None), side(None))


def test_five_thousand_columns_are_columns_like_others() -> None:
    names = Names(("p",), tuple(f"feature {i}" for i in range(5000)))
    rows, rejected = decoded([record(str(e), ",".join(map(str, range(e, e + 5000))), "0.5") for e in range(20)], names)
    assert not rejected
    assert all(rows[str(e)][0]["feature 4999"] == str(e + 4999) and len(rows[str(e)][0]) == 5001 for e in range(20))


ALONE = """
import sys
from model_monitor.rows import blocks, captures
from model_monitor.rows.payloads import payload
block = blocks.Block([blocks.Piece("a.jsonl", 1, sys.stdin.buffer.read())])
found, rejected = payload.decode(captures.parse(block), payload.Names())
print([row for some in found for row in some.columns.to_pylist()], [one.line for one in rejected])
"""


@pytest.mark.parametrize("first", ["null", " null", "", "[3, {}]"])
def test_a_payload_that_is_no_object_is_set_aside_whatever_comes_after_it(first: str) -> None:
    """In a process of its own: Arrow's reader (26.0) ends it by a segmentation fault on a null that comes first."""
    records = [record("a", side(first, "JSON"), NO_SIDE), record("b", side('{"x":1}', "JSON"), NO_SIDE)]
    command = [sys.executable, "-c", ALONE]
    told = subprocess.run(command, input=lines(records), capture_output=True, timeout=60, check=False)
    assert (told.returncode, told.stdout.decode().strip()) == (0, "[{'x': '1'}] [1]"), told.stderr.decode()[-500:]


@pytest.mark.parametrize("number", ["NaN", "-Infinity", "1e400", "-0", "-0.0", "0.10", "1E-7", "123456789012345678"])
def test_an_odd_number_is_read_alike_in_a_list_and_alone(number: str) -> None:
    (one,) = alone(side(f'{{"a":{number}}}', "JSON"), NO_SIDE)
    (other, _) = alone(side(f'[{{"a":{number}}},{{"a":1}}]', "JSON"), NO_SIDE)
    assert one["a"] is not None and other["a"] is not None
    assert one["a"] == other["a"] or (float(one["a"]) == float(other["a"]) and whole(one["a"]) == whole(other["a"]))


def whole(number: str) -> bool:
    return number.lstrip("-").isdigit()


@pytest.mark.parametrize("texts", [['{"a":1}{"a":2}', ""], ['{"a":1}', '{"a":2}{"a":3}', " "], ['{"a":1}', "null"]])
def test_values_of_one_payload_are_never_those_of_another(texts: list[str]) -> None:
    rows, rejected = decoded([record(str(i), side(text, "JSON"), NO_SIDE) for i, text in enumerate(texts)])
    assert rows == {str(i): [{"a": "1"}] for i, text in enumerate(texts) if text == '{"a":1}'}
    assert len(rows) + len(rejected) == len(texts)


BY_SIDES = [  # names of outputs and inputs, how many values each has, and what these are called
    ((), (), (1, 2), (["_c0"], ["_c1", "_c2"])),
    (("s",), ("a", "b"), (1, 2), (["s"], ["a", "b"])),
    ((), ("s", "a", "b"), (1, 2), (["s"], ["a", "b"])),
    (("s", "a", "b"), (), (1, 2), (["s"], ["a", "b"])),
    ((), ("a", "b"), (1, 2), (["_c0"], ["a", "b"])),
    (("s", "t"), ("a", "b"), (1, 2), (["s"], ["a", "b"])),
    (("s",), ("a", "b"), (2, 2), (["s", "_c1"], ["a", "b"])),
    (("s",), ("a",), (1, 2), (["s"], ["a", "_c2"])),
    (("s",), ("a", "b", "c"), (1, 2), (["s"], ["a", "b"])),
    (("s",), ("a", "b"), (0, 2), ([], ["a", "b"])),
    (("s",), ("a", "b"), (0, 3), ([], ["a", "b", "_c2"])),
    (("s",), (), (2, 0), (["s", "_c1"], [])),
]


@pytest.mark.parametrize(("outputs", "inputs", "widths", "called"), BY_SIDES)
def test_values_keep_the_names_of_their_side(outputs: Any, inputs: Any, widths: Any, called: Any) -> None:
    assert Names(outputs, inputs).of_shape(*widths) == called


def test_outputs_may_come_last() -> None:
    names = Names(("score",), ("age", "city"), outputs_last=True)
    assert names.of_shape(1, 2) == (["score"], ["age", "city"])
    assert names.of_shape(2, 2) == (["score", "_c3"], ["age", "city"])
    block = blocks.Block(
        [blocks.Piece("a", 1, json.dumps(record("e", side("7,rome", "CSV"), side("0.5", "CSV"))).encode())]
    )
    [rows] = payload.decode(captures.parse(block), names)[0]
    assert rows.columns.to_pylist() == [{"age": "7", "city": "rome", "score": "0.5"}]
    assert rows.columns.column_names == ["age", "city", "score"]


@pytest.mark.parametrize("deep", ["[" * 200_000 + "]" * 200_000, '{"a":' * 200_000 + "1" + "}" * 200_000])
def test_a_payload_that_is_nested_without_end_is_set_aside_and_ends_no_process(deep: str) -> None:
    read = subprocess.run(  # PyArrow's reader would end this one
        [sys.executable, "-c", READ_JSON], input=f'{{"a":{deep}}}', capture_output=True, text=True, check=False
    )
    assert (read.returncode, read.stdout.strip()) == (0, "not JSON"), read.stderr[-300:]


READ_JSON = """
import sys
import pyarrow as pa
from model_monitor.rows.payloads.json_rows import rows_of_payload
from model_monitor.rows.payloads.sides import json_side
[problem] = json_side(pa.array([sys.stdin.read()]), read=rows_of_payload).problems.values()
print(problem)
"""
