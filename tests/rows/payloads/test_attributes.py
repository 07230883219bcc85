"""Do paths lead to the predictions and labels that a person would point at in the payload?"""

from __future__ import annotations

import base64
import json
from typing import Any

import jmespath
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from support.captures import NO_SIDE, lines, record, side

from model_monitor.errors import ConfigError
from model_monitor.rows import blocks, captures
from model_monitor.rows.payloads.attributes import extracting, label_values
from model_monitor.rows.payloads.jsonpaths import compiled, is_path
from model_monitor.rows.payloads.payload import Names

Row = dict[str, str | None]
NAMELESS = Names()

LINEAR_LEARNER = {"predictions": [{"score": 0.99, "predicted_label": 1}, {"score": 0.25, "predicted_label": 0}]}
MULTICLASS = {"predictions": [{"score": [0.1, 0.7, 0.2], "predicted_label": 1}]}
TRANSFORMER = [{"label": "POSITIVE", "score": 0.9991}, {"label": "NEGATIVE", "score": 0.5}]
BLAZING_TEXT = [{"label": ["__label__3"], "prob": [0.97]}]
JOINED = {
    "SageMakerOutput": {"predictions": [{"predicted_label": 1, "score": 0.9899773597717285}]},
    "instances": [{"features": [28, 2]}],
}
INSTANCES = {"instances": [{"features": [28, 2]}, {"features": [51, 0]}]}
ONE_BY_ONE = '{"predicted_label": 1, "score": {"of": 0.5}}\n{"predicted_label": 0, "score": {"of": 0.25}}\n'

numbers = st.from_regex(r"\A-?(0|[1-9][0-9]{0,25})(\.[0-9]{1,25})?([eE][+-]?[0-9]{1,3})?\Z")
scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text("aé\"\\,'\n")


def decoded(records: list[Any], paths: list[str], names: Names = NAMELESS) -> tuple[dict[str, list[Row]], Any]:
    """The rows of each request and the reason of each that was rejected, by event id."""
    read = captures.parse(blocks.Block([blocks.Piece("a.jsonl", 1, lines(records))]))
    ids = read.metadata("eventId").to_pylist()
    found, rejected = extracting(paths, names)(read)
    rows: dict[str, list[Row]] = {}
    for some in found:
        table = iter(some.columns.to_pylist())
        for request, count in zip(some.requests.tolist(), some.counts.tolist(), strict=True):
            rows[ids[request]] = [next(table) for _ in range(count)]
    return rows, {ids[one.line - 1]: one.reason for one in rejected}


def alone(given: Any, output: Any, *paths: str, names: Names = NAMELESS) -> list[Row]:
    """The rows of one request, which may not be rejected."""
    rows, rejected = decoded([record("e", given, output)], list(paths), names)
    assert not rejected
    return rows["e"]


def refused(given: Any, output: Any, *paths: str) -> str:
    rows, rejected = decoded([record("e", given, output)], list(paths))
    assert not rows
    reason: str = rejected["e"]
    return reason


def as_json(text: str, mode: str = "OUTPUT") -> Any:
    return side(text, "JSON", mode=mode)


@pytest.mark.parametrize(
    ("attribute", "expected"),
    [
        ("predictions[*].score", True), ("predictions[0].score", True), ("a.b", True), ("[0]", True), ("@", True),
        ("$", True), ("$.score", True), ("a|b", True), ("{a: b}", True), ("length(x)", True), ("&a", True),
        ("score", False), ("_c0", False), ("Churn?", False), ("account length", False), ("0", False), (0, False),
        ("", False),
    ],
)  # fmt: skip
def test_a_path_is_told_from_a_name_or_an_index(attribute: Any, expected: bool) -> None:
    assert is_path(attribute) is expected


@pytest.mark.parametrize(
    ("path", "document", "values"),
    [
        ("predictions[*].score", LINEAR_LEARNER, [0.99, 0.25]),
        ("$.predictions[*].score", LINEAR_LEARNER, [0.99, 0.25]),
        ("predictions[0].score", LINEAR_LEARNER, [0.99]),
        ("$.predictions[0].score", LINEAR_LEARNER, [0.99]),
        ("predictions[*].score", MULTICLASS, [[0.1, 0.7, 0.2]]),
        ("$.predictions[*].score", MULTICLASS, [[0.1, 0.7, 0.2]]),
        ("predictions[0].score", MULTICLASS, [0.1, 0.7, 0.2]),
        ("$.predictions[0].score", MULTICLASS, [0.1, 0.7, 0.2]),
        ("[predictions[0].score]", MULTICLASS, [[0.1, 0.7, 0.2]]),
        ("SageMakerOutput.predictions[*].predicted_label", JOINED, [1]),
        ("instances[*].features", JOINED, [[28, 2]]),
        ("$..predicted_label", JOINED, [1]),
        ("[*].label", TRANSFORMER, ["POSITIVE", "NEGATIVE"]),
        ("[*].prob[0]", BLAZING_TEXT, [0.97]),
        ("max_by([], &score).label", TRANSFORMER, ["POSITIVE"]),
        ("[?score > `0.9`].label", TRANSFORMER, ["POSITIVE"]),
        ("$[?@.score > 0.9].label", TRANSFORMER, ["POSITIVE"]),
        ("$", 0.5, [0.5]),
        ("$", "[1, 2]", ["[1, 2]"]),
        ("$.a", "text", []),
        ("$.a", {"a": None}, []),
        ("a.b", {"a": {"b": None}}, []),
        ("a.b", {"c": 1}, []),
        ("a[*].b", {"a": {"b": 1}}, []),
        ("a[*].b", {"a": "b"}, []),
        ("max(a)", {"b": 1}, []),
        ("a.b < `1`", {"a": {"b": "x"}}, []),
    ],
)  # fmt: skip
def test_a_path_leads_to_these_values_in_order(path: str, document: Any, values: list[Any]) -> None:
    assert compiled(path)(document) == values


@given(st.lists(st.dictionaries(st.sampled_from("ab"), scalars)))
def test_values_stay_at_the_position_of_their_record_where_jmespath_leaves_out_nulls(records: list[Any]) -> None:
    values = compiled("x[*].a")({"x": records})
    assert values == [one.get("a") for one in records]
    assert [v for v in values if v is not None] == jmespath.search("x[*].a", {"x": records})


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("predictions[*", "JMESPath"),
        ("a-b.c", "double quotes"),
        ("a..b", "JMESPath"),
        ("$.predictions[*", "JSONPath"),
        ("$score", "unexpected token 'score'"),
        ("$.a | $.b", "JSONPath"),
        ("$.a.length()", "JSONPath"),
        ("@.score", "start the path with $"),
        ("&", "JMESPath"),
    ],
)
def test_a_path_that_cant_be_parsed_is_told_with_what_is_wrong(path: str, told: str) -> None:
    with pytest.raises(ConfigError, match=r"^'.*") as error:
        extracting([path], NAMELESS)
    assert path in str(error.value) and told in str(error.value) and "\n" not in str(error.value)


@pytest.mark.parametrize("path", ["largest(scores)", "[*].max(a, b)"])
def test_a_function_that_does_not_exist_is_an_error_of_the_path_not_of_a_record(path: str) -> None:
    with pytest.raises(ConfigError, match="is not JMESPath"):
        decoded([record("e", NO_SIDE, [{"scores": [1]}])], [path])


@given(st.text("$.[]*?@&{}()|ab01'\"`:,-<= !", min_size=1))
@example("[::0]")
@example("$[?@.a == $..b]")
@pytest.mark.filterwarnings("ignore::PendingDeprecationWarning")  # old spellings of JMESPath literals
def test_any_text_is_a_path_or_a_config_error_and_never_fails_on_a_document(text: str) -> None:
    try:
        find = compiled(text)
        for document in ({"a": [{"b": 1}, {"b": None}]}, [[0, "1"]], "a", 1.5, None, True):
            assert isinstance(find(document), list)
    except ConfigError as error:
        assert text in str(error)


@given(numbers)
@example("-0")
@example("1" * 5000)
@example("1e400")
def test_numbers_keep_the_way_they_are_written(number: str) -> None:
    text = f'{{"p": [{{"s": {number}, "v": [{number}, {{"x": {number}}}]}}]}}'
    assert alone(NO_SIDE, as_json(text), "p[*].s", "$.p[0].s", "p[*].v") == [
        {"p[*].s": number, "$.p[0].s": number, "p[*].v": f'[{number},{{"x":{number}}}]'}
    ]
    assert label_values(f'{{"i": [{{"label": {number}}}]}}', "JSON", "i[*].label") == [number]
    assert label_values(f'{{"label": {number}}}', "JSON", "label") == [number]
    assert label_values(f"[{number}]", "JSON", "label") == label_values(number, "JSON", "label") == [number]


def test_true_false_and_null_are_written_as_in_flat_payloads() -> None:
    output = {"p": [{"s": True}, {"s": None}, {"s": False}, {"s": "x"}, {}]}
    values = [row["p[*].s"] for row in alone(NO_SIDE, output, "p[*].s")]
    assert values == ["true", None, "false", "x", None]


@given(st.recursive(scalars, lambda inner: st.lists(inner) | st.dictionaries(st.text('aé"'), inner), max_leaves=8))
def test_a_nested_value_becomes_compact_json_of_the_same(value: Any) -> None:
    (row,) = alone(NO_SIDE, {"p": [{"v": [value]}]}, "p[*].v")
    assert row["p[*].v"] == json.dumps([value], separators=(",", ":"), ensure_ascii=False)


def test_a_value_nested_too_deeply_costs_its_request_only() -> None:
    deep = as_json('{"p": [{"s": ' + "[" * 950 + "]" * 950 + "}]}")
    rows, rejected = decoded([record("a", NO_SIDE, deep), record("b", NO_SIDE, {"p": [{"s": 1}]})], ["p[*].s"])
    assert rejected["a"] in ("nested too deeply", "not JSON") and list(rows) == ["b"]


@pytest.mark.parametrize(
    ("output", "path", "values"),
    [
        (LINEAR_LEARNER, "predictions[*].predicted_label", ["1", "0"]),
        (LINEAR_LEARNER, "$.predictions[*].predicted_label", ["1", "0"]),
        (MULTICLASS, "predictions[*].score", ["[0.1,0.7,0.2]"]),
        (JOINED, "SageMakerOutput.predictions[*].score", ["0.9899773597717285"]),
        (JOINED, "instances[*].features", ["[28,2]"]),
        ({"predictions": [[0.1], [0.9]]}, "predictions[*][0]", ["0.1", "0.9"]),
        ([0.1, 0.9], "$", ["0.1", "0.9"]),
        (as_json("0.7"), "$", ["0.7"]),
        (as_json("0.7"), "[0]", ["0.7"]),
        (as_json(ONE_BY_ONE), "[*].score.of", ["0.5", "0.25"]),
        (as_json(ONE_BY_ONE), "score.of", ["0.5", "0.25"]),
        (as_json(ONE_BY_ONE), "$.score.of", ["0.5", "0.25"]),
        (as_json(ONE_BY_ONE.partition("\n")[0] + "\n"), "[*].score.of", ["0.5"]),
        (as_json('{"a": {"b": 1}}\n\n{"a": null}\n'), "a.b", ["1", None]),
    ],
)
def test_these_payloads_give_these_rows(output: Any, path: str, values: list[str]) -> None:
    assert [row[path] for row in alone(NO_SIDE, output, path)] == values


def test_base64_of_json_is_read_as_json() -> None:
    packed = base64.b64encode(json.dumps(LINEAR_LEARNER).encode()).decode()
    output = side(packed, "BASE64", "application/json", mode="OUTPUT")
    assert alone(NO_SIDE, output, "predictions[*].score") == [
        {"predictions[*].score": "0.99"},
        {"predictions[*].score": "0.25"},
    ]


def test_what_the_output_lacks_is_looked_for_in_the_input() -> None:
    assert alone(INSTANCES, LINEAR_LEARNER, "predictions[*].score", "instances[*].features") == [
        {"predictions[*].score": "0.99", "instances[*].features": "[28,2]"},
        {"predictions[*].score": "0.25", "instances[*].features": "[51,0]"},
    ]
    (row,) = alone({"a": {"x": "asked"}}, {"a": {"x": "answered"}}, "a.x")
    assert row == {"a.x": "answered"}
    assert alone(INSTANCES, NO_SIDE, "instances[0].features[0]") == [{"instances[0].features[0]": "28"}]


def test_a_path_that_finds_nothing_anywhere_is_missing_in_all_rows() -> None:
    rows = alone(NO_SIDE, LINEAR_LEARNER, "predictions[*].score", "predictions[*].lable")
    assert [row["predictions[*].lable"] for row in rows] == [None, None]


def test_requests_with_and_without_a_value_have_the_same_columns() -> None:
    records = [record("a", NO_SIDE, {"p": {"s": 1}}), record("b", NO_SIDE, {"p": {"s": 1, "t": 2}})]
    rows, rejected = decoded(records, ["p.s", "p.t"])
    assert rows == {"a": [{"p.s": "1", "p.t": None}], "b": [{"p.s": "1", "p.t": "2"}]} and not rejected


@pytest.mark.parametrize(
    ("given", "output", "told"),
    [
        (NO_SIDE, NO_SIDE, "neither input nor output was captured"),
        ("1,2", "0.5", "the output is CSV, which has no 'p[*].s', 'q.t'; give an index or a name instead of a path"),
        ("1,2", as_json("{"), "not JSON"),
        ("1,2", as_json('{"p":\n[]}\n{'), "not JSON"),
        ("1,2", as_json("[" * 100_000), "not JSON"),
        (as_json("{", "INPUT"), {"p": [{"s": 1}]}, "not JSON"),
        ("1,2", {"p": [{"s": None}]}, "nothing at 'p[*].s', 'q.t'"),
        ("1,2", [], "nothing at 'p[*].s', 'q.t'"),
        ("1,2", {"p": [{"s": 1}, {"s": 2}], "q": {"t": 3}},
         "the paths find different numbers of values: 2 at 'p[*].s', 1 at 'q.t'"),
        ("1,2", {"p": [{"s": "\ud800"}]}, "not Unicode text"),
        ("1,2", {"p": [{"s": ["\ud800"]}]}, "not Unicode text"),
        ("1,2", side("x", "PARQUET"), "unknown encoding 'PARQUET'"),
        ("1,2", side("!", "BASE64", "application/json"), "not a text in BASE64"),
        ("1,2", side("AA==", "BASE64", "image/png"), "BASE64 of 'image/png'"),
    ],
)  # fmt: skip
def test_a_request_that_has_no_rows_is_rejected_with_the_reason(given: Any, output: Any, told: str) -> None:
    assert refused(given, output, "p[*].s", "q.t").startswith(told)


def test_one_bad_request_costs_no_other() -> None:
    records = [record("a", "1", LINEAR_LEARNER), record("b", "1", "0.5"), record("c", "1\n2", LINEAR_LEARNER)]
    rows, rejected = decoded(records, ["predictions[*].score"])
    assert list(rejected) == ["b"] and sorted(rows) == ["a", "c"]


def test_the_scalars_of_top_level_objects_come_along_with_one_row() -> None:
    output = {"model": {"score": 0.5}, "version": 7, "id": "out", "@time": "x"}
    (row,) = alone({"age": 30, "id": "in", "tags": ["a"]}, output, "model.score")
    assert list(row.items()) == [("model.score", "0.5"), ("version", "7"), ("id", "out"), ("age", "30")]


def test_the_scalars_of_a_list_of_as_many_objects_come_along() -> None:
    people = [{"sex": "f", "at": {"x": 1}}, {"sex": "m", "age": 3.0}]
    assert alone(people, LINEAR_LEARNER, "predictions[*].score") == [
        {"predictions[*].score": "0.99", "sex": "f", "age": None},
        {"predictions[*].score": "0.25", "sex": "m", "age": "3.0"},
    ]
    assert alone([*people, {}], LINEAR_LEARNER, "predictions[1].score") == [{"predictions[1].score": "0.25"}]


def test_csv_input_with_as_many_rows_comes_along_under_its_names() -> None:
    names = Names(("score",), ("age", "city"))
    rows = alone('30,"a,b"\n,c\n', LINEAR_LEARNER, "predictions[*].score", names=names)
    assert [(row["age"], row["city"]) for row in rows] == [("30", "a,b"), (None, "c")]
    (row,) = alone("1,2", {"p": {"s": 1}}, "p.s")
    assert row == {"p.s": "1", "_c0": "1", "_c1": "2"}


@pytest.mark.parametrize("given", ["1,2", "1\n2\n3", "1,2\n3", '"1\n2', side("AA==", "BASE64", "image/png")])
def test_input_that_does_not_fit_the_rows_brings_no_columns(given: Any) -> None:
    assert [list(row) for row in alone(given, LINEAR_LEARNER, "predictions[*].score")] == [["predictions[*].score"]] * 2


def test_csv_inputs_of_different_widths_are_of_different_shapes() -> None:
    records = [record("a", "1,2", {"p": {"s": 1}}), record("b", "1,2,3", {"p": {"s": 1}}), record("c", {}, {"p": [1]})]
    read = captures.parse(blocks.Block([blocks.Piece("a.jsonl", 1, lines(records))]))
    found, _ = extracting(["p.s", "p[0]"], NAMELESS)(read)
    assert [(rows.shape, rows.requests.tolist()) for rows in found] == [((-1, -1), [2]), ((-1, 2), [0]), ((-1, 3), [1])]


@pytest.mark.parametrize(
    ("data", "attribute", "labels"),
    [
        ("1", "label", ["1"]), ("1\n", 0, ["1"]), ("1\r\n0\r\n", "i[*].label", ["1", "0"]), ("", "label", [None]),
        ("\n", "label", [None]), ('"a,b"', "label", ["a,b"]), ('""', "label", [None]), ("x,1", 1, ["1"]),
        ("x,1\ny,0\n", "1", ["1", "0"]), ("x,\n1", 1, [None, "1"]), ("1\n\n0", "label", ["1", None, "0"]),
        ("1e-3", "label", ["1e-3"]), ("True.", "label", ["True."]),
    ],
)  # fmt: skip
@pytest.mark.parametrize("encoding", ["CSV", None])
def test_labels_of_csv(data: str, encoding: str | None, attribute: Any, labels: list[str | None]) -> None:
    assert label_values(data, encoding, attribute) == labels


@pytest.mark.parametrize(
    ("data", "attribute", "labels"),
    [
        ('{"instances": [{"label": 0}, {"label": 1}]}', "instances[*].label", ["0", "1"]),
        ('{"instances": [{"label": 0}, {"label": 1}]}', "$.instances[*].label", ["0", "1"]),
        ('{"instances": [{"label": 0}, {"label": null}, {}]}', "instances[*].label", ["0", None, None]),
        ('{"instances": [{"label": 0}]}', "instances[0].label", ["0"]),
        ('[{"label": 0}, {"label": 1}]', "[*].label", ["0", "1"]),
        ('{"label": {"is": "yes"}}', "label.is", ["yes"]),
        ('[{"label": {"is": "yes"}}, {"label": {"is": "no"}}]', "label.is", ["yes", "no"]),
        ('{"label": 1}\n{"label": 0}\n', "[*].label", ["1", "0"]),
        ('{"label": 1}\n{"label": 0}\n', "label", ["1", "0"]),
        ('{"label": 1}\n', "[*].label", ["1"]),
        ('{"label": true, "other": 1}', "label", ["true"]),
        ('{"y": 1.50}', "label", ["1.50"]),
        ('{"0": "a", "1": "b"}', 1, ["b"]),
        ('{"label": [0, 1]}', "label", ["0", "1"]),
        ('{"label": null}', "label", [None]),
        ('{"a.b": 1, "a": {"b": 2}}', "a.b", ["2"]),
        ("[0, null, false, \"x\"]", "label", ["0", None, "false", "x"]),
        ("[0, 1]", "instances[*].label", ["0", "1"]),
        ("[]", "label", []),
        ("0", "instances[*].label", ["0"]),
        ('"yes"', "label", ["yes"]),
        ("null", "label", [None]),
    ],
)  # fmt: skip
def test_labels_of_json(data: str, attribute: Any, labels: list[str | None]) -> None:
    assert label_values(data, "JSON", attribute) == labels


@given(scalars)
def test_one_label_is_the_same_written_as_a_scalar_a_list_or_an_object(value: Any) -> None:
    shapes = [value, [value], {"label": value}, {"y": value}, [{"label": value}], {"label": [value]}]
    first, *others = [label_values(json.dumps(shape), "JSON", "label") for shape in shapes]
    assert others == [first] * len(others)
    if value is not None:
        nested = json.dumps({"instances": [{"label": value}]})
        paths = ("instances[*].label", "instances[0].label", "$.instances[*].label", "$..label")
        assert [label_values(nested, "JSON", path) for path in paths] == [first] * 4


@pytest.mark.parametrize(
    ("data", "encoding", "attribute", "told"),
    [
        ("a,b,1", "CSV", "label", "3 values; give an index as ground_truth_attribute"),
        ("a,b,1", "CSV", "x[0]", "3 values; give an index as ground_truth_attribute"),
        ("a,b,1", "CSV", -1, "3 values; give an index as ground_truth_attribute"),
        ("1\na,b", None, 2, "2 values; index 2 is not among them"),
        ('"1', "CSV", "label", "not CSV: unexpected end of data"),
        ("MQ==", "BASE64", "label", "labels in BASE64 can't be read; write them as CSV or JSON"),
        ("1", "csv", "label", "labels in csv can't be read; write them as CSV or JSON"),
        ("", "JSON", "label", "not JSON"),
        ("yes", "JSON", "label", "not JSON"),
        ('{"a": 1, "b": 2}', "JSON", "label", "nothing at 'label'; the keys are 'a', 'b'"),
        ('[{"label": 1}, {"a": 1, "b": 2}]', "JSON", "label", "nothing at 'label'; the keys are 'a', 'b'"),
        ("{}", "JSON", "label", "nothing at 'label'"),
        ('{"a": 1, "b": 2}', "JSON", "x.y", "nothing at 'x.y'; the keys are 'a', 'b'"),
        ('{"instances": [{"label": null}]}', "JSON", "instances[*].label",
         "nothing at 'instances[*].label'; the keys are 'instances'"),
        (json.dumps(dict.fromkeys("abcdefghijklm", 1)), "JSON", "label",
         "nothing at 'label'; the keys are 'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', ..."),
        ('{"instances": [{"label": 1}]}', "JSON", "label",
         "a label is nested; give the path to it as ground_truth_attribute, e.g. instances[*].label"),
        ("[[1]]", "JSON", "label",
         "a label is nested; give the path to it as ground_truth_attribute, e.g. instances[*].label"),
        ('"\\ud800"', "JSON", "label", "not Unicode text"),
    ],
)  # fmt: skip
def test_labels_that_cant_be_read_say_why(data: str, encoding: str, attribute: Any, told: str) -> None:
    with pytest.raises(ValueError) as error:
        label_values(data, encoding, attribute)
    assert str(error.value) == told


def test_a_wrong_path_to_labels_is_an_error_of_the_path() -> None:
    with pytest.raises(ConfigError, match="is not JMESPath"):
        label_values('{"a": 1}', "JSON", "a[")


PEOPLE = {"instances": [{"sex": "f", "at": {"x": 1}, "age": 3.0}, {"sex": "m"}], "id": "x"}


def test_what_is_flat_in_an_envelope_of_the_input_comes_along() -> None:
    assert alone(PEOPLE, LINEAR_LEARNER, "predictions[*].score") == [
        {"predictions[*].score": "0.99", "sex": "f", "age": "3.0"},
        {"predictions[*].score": "0.25", "sex": "m", "age": None},
    ]
    split = {"dataframe_split": {"columns": ["sex"], "data": [["f"], ["m"]]}}
    assert [row["sex"] for row in alone(split, LINEAR_LEARNER, "predictions[*].score")] == ["f", "m"]
    alone_it_also_has = alone({"instances": [{"sex": "f"}], "id": "x"}, MULTICLASS, "predictions[0].predicted_label")
    assert alone_it_also_has == [{"predictions[0].predicted_label": "1", "id": "x", "sex": "f"}]


def test_values_without_names_come_along_where_inputs_are_named() -> None:
    names = Names(inputs=("age", "pay"))
    assert alone(INSTANCES, LINEAR_LEARNER, "predictions[*].score", names=names) == [
        {"predictions[*].score": "0.99", "age": "28", "pay": "2"},
        {"predictions[*].score": "0.25", "age": "51", "pay": "0"},
    ]


@pytest.mark.parametrize(
    "given",
    [
        {"instances": [[1], [2], [3]]},
        {"instances": [[1], [2, 3]]},
        {"instances": [[1], {"a": 1}]},
        {"instances": [{"a": 1}]},
        {"inputs": {"a": [1], "b": [1, 2]}},
        [],
    ],
)
def test_an_envelope_that_does_not_fit_the_rows_brings_no_columns(given: Any) -> None:
    rows = alone(given, LINEAR_LEARNER, "predictions[*].score", names=Names(inputs=("age",)))
    assert [list(row) for row in rows] == [["predictions[*].score"]] * 2
