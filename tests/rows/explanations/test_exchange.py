"""Rows in the words of an endpoint, and the numbers in its answers."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model_monitor.errors import ConfigError
from model_monitor.rows.explanations.exchange import Translator
from model_monitor.rows.explanations.models import Exchange

NAMES = ("a", "b c")


def test_csv_has_whole_numbers_without_decimals_and_nothing_for_what_is_missing() -> None:
    rows = np.array([[5.0, 1.5], [np.nan, 1e20]])
    assert Translator(Exchange(), NAMES).question(rows) == b"5,1.5\n,1e+20\n"
    texts = np.array([[5.0, 'x,"y"'], [None, "007"]], object)
    assert Translator(Exchange(), NAMES).question(texts) == b'5,"x,""y"""\n,007\n'


@pytest.mark.parametrize(
    ("exchange", "body"),
    [
        (Exchange("application/json"), b"[[1,0.5],[null,2.0]]"),
        (
            Exchange("application/json", None, '{"instances":$records}', '{"features":$features}'),
            b'{"instances":[{"features":[1,0.5]},{"features":[null,2.0]}]}',
        ),
        (
            Exchange("application/json", None, "$records", '{"b": "${b c}", "a": ${a}}'),
            b'[{"b": 0.5, "a": 1},{"b": 2.0, "a": null}]',
        ),
        (
            Exchange("application/json", None, '{"data": $records}', "$features_kvp"),
            b'{"data": [{"a":1,"b c":0.5},{"a":null,"b c":2.0}]}',
        ),
        (
            Exchange("application/jsonlines", None, '{"names":$feature_names,"features":$features}'),
            b'{"names":["a","b c"],"features":[1,0.5]}\n{"names":["a","b c"],"features":[null,2.0]}\n',
        ),
    ],
    ids=["bare", "records", "by name", "object", "lines"],
)
def test_rows_are_put_into_templates(exchange: Exchange, body: bytes) -> None:
    assert Translator(exchange, NAMES).question(np.array([[1.0, 0.5], [np.nan, 2.0]])) == body


def test_texts_true_and_false_are_booleans_in_json_and_other_texts_stay() -> None:
    rows = np.array([["true", "1"], ["no", 2.0]], object)
    assert json.loads(Translator(Exchange("application/json"), NAMES).question(rows)) == [[True, "1"], ["no", 2]]


@pytest.mark.parametrize(
    ("exchange", "answer", "numbers"),
    [
        (Exchange(), "0.5\n0.25\n", [[0.5], [0.25]]),
        (Exchange(), "0.5,0.25", [[0.5], [0.25]]),
        (Exchange(), "0.5,1\r\n0.25,2\r\n", [[0.5, 1], [0.25, 2]]),
        (Exchange(probability=1), "yes,0.5\nno,0.25\n", [[0.5], [0.25]]),
        (Exchange(probability="1"), 'a,"[0.5, 0.25]"\nb,"[1, 0]"\n', [[0.5, 0.25], [1, 0]]),
        (Exchange(accept_type="application/json"), "[[0.5], [0.25]]", [[0.5], [0.25]]),
        (
            Exchange("application/json", probability="predictions[*].score", label="predictions[*].predicted_label"),
            '{"predictions": [{"score": 0.5, "predicted_label": 1}, {"score": 0.25, "predicted_label": 0}]}',
            [[0.5], [0.25]],
        ),
        (Exchange("application/json", label="$.out"), '{"out": [3, 4]}', [[3], [4]]),
        (Exchange("application/jsonlines", probability="score"), '{"score": 0.5}\n{"score": 0.25}\n', [[0.5], [0.25]]),
        (Exchange("application/jsonlines", probability="p"), '{"p": [1, 2]}\n{"p": [3, 4]}\n', [[1, 2], [3, 4]]),
    ],
)
def test_numbers_are_found_in_answers(exchange: Exchange, answer: str, numbers: list[list[float]]) -> None:
    assert Translator(exchange, NAMES).answers(answer.encode(), 2).tolist() == numbers


@pytest.mark.parametrize("answer", ['{"p": [0.25, 0.75]}', '{"p": [[0.25, 0.75]]}'])
def test_the_probabilities_of_a_single_row_are_one_row(answer: str) -> None:
    translator = Translator(Exchange("application/json", probability="p"), NAMES)
    assert translator.answers(answer.encode(), 1).tolist() == [[0.25, 0.75]]


@given(st.lists(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=2, max_size=2), min_size=1))
def test_numbers_arrive_as_they_were_sent(rows: list[list[float]]) -> None:
    table = np.array(rows)
    as_json = json.loads(Translator(Exchange("application/json"), NAMES).question(table))
    np.testing.assert_array_equal(np.array(as_json, float), table)
    as_csv = Translator(Exchange(), NAMES).question(table).decode().split()
    np.testing.assert_array_equal(np.array([line.split(",") for line in as_csv], float), table)


@pytest.mark.parametrize(
    ("exchange", "advice"),
    [
        (Exchange("application/jsonlines", content_template='{"x": 1}'), r"no \$features"),
        (Exchange("application/json", content_template='{"x": 1}'), r"no \$records"),
        (Exchange("application/json", record_template='{"x": "${age}"}'), "the features are a, b c"),
        (Exchange("application/json", record_template="$records"), "belongs into the content_template"),
        (Exchange(probability="score"), "give the index of a column"),
        (Exchange("application/json", probability="a[["), "is not JMESPath"),
    ],
)
def test_what_can_not_be_asked_says_what_to_edit(exchange: Exchange, advice: str) -> None:
    with pytest.raises(ConfigError, match=advice):
        Translator(exchange, NAMES)
