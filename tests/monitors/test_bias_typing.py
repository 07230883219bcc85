"""Whether a number is a value or a threshold: SageMaker's rules with its traps, and ours without."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from model_monitor.core.measures import Undefined
from model_monitor.core.states import dump, load
from model_monitor.monitors.bias.value_types import (
    ABOVE,
    EQUAL,
    NO_NUMBER,
    NO_THRESHOLD,
    Typed,
    codes,
    key_of,
    on_a_scale,
    on_a_scale_in_sagemaker,
    text_of,
)


def typed(values: Any) -> Typed:
    return Typed.of(pa.array(values))


def sagemaker(values: Any, *given: Any) -> bool | Undefined:
    return on_a_scale_in_sagemaker(typed(values), given)


@pytest.mark.parametrize(
    ("values", "given", "expected"),
    [
        ([1, 2, 3, 4], (2,), True),  # whole numbers, many of them different
        ([0, 1] * 20, (1,), True),  # 2 of 40 is a twentieth, so even labels of 0 and 1 are a scale,
        ([0, 1] * 20 + [1], (1,), False),  # and of 41 they are values
        ([1, 2, 3, 4], (2, 3), False),  # several are always values
        (["1", "2", "3", "4"], (2,), True),  # texts of whole numbers count as these
        (["1"] * 30 + ["2"], (2,), True),
        (["1"] * 60 + ["2"], (2,), False),
        ([0.0, 1.0] * 50, (1.0,), True),  # other numbers are always a scale
        (["0.5", "1"] * 50, (1,), True),
        (["a", "b"], ("a",), False),
        (["1", "b"] * 2, ("1",), False),
        ([True, False], (True,), False),
        (["True", "False"], ("True",), False),
        ([None, *[1, 2] * 50], (1,), True),  # with a gap, whole numbers are floats to SageMaker
        ([1, 2, 3], (), Undefined(NO_THRESHOLD)),
        ([1.5] * 100, (), Undefined(NO_THRESHOLD)),
        ([1.5, 2.5], ("x",), Undefined(NO_NUMBER)),
        (["a", "b"], (), False),
    ],
)
def test_sagemaker_tells_by_type_and_share_of_different_values(values: Any, given: Any, expected: Any) -> None:
    assert sagemaker(values, *given) == expected


@pytest.mark.parametrize(
    ("values", "given", "expected"),
    [
        ([0, 1] * 5, (1,), False),
        ([0, 1] * 500, (1,), False),
        ([0.0, 1.0] * 5, (1.0,), False),
        ([0, 1] * 5, (0.5,), True),  # no such label can be meant
        (list(range(18, 80)) * 100, (40,), True),
        (list(range(18, 80)) * 100, (40, 41), False),
        (["a", "b"], (0.5,), False),
        ([1.5, 2.5] * 40, (), False),
    ],
)
def test_ours_does_not_ask_how_many_rows_there_are(values: Any, given: Any, expected: Any) -> None:
    assert on_a_scale(typed(values), given) is expected


@pytest.mark.parametrize(
    ("values", "given", "expected"),
    [
        ([0, 3, 4], (2,), "(2, 4]"),
        ([0.25, 0.9936148802477393], (0.5,), "(0.5, 0.9936148802477393]"),
        ([1.0, 3.0], (5.0,), "(3.0, 5.0]"),  # a threshold above all
        ([0.0, 1.0], (1.0,), ""),  # a threshold that is the largest
        ([-3.0, -2.0], (2.0,), ""),  # or whose absolute value is
        ([1, 9], (2, 5), "(2, 5],(5, 9]"),
        ([1, 9], ("2",), "(2.0, 9.0]"),  # SageMaker makes a number of a text
    ],
)
def test_intervals_are_written_as_sagemaker_does(values: Any, given: Any, expected: str) -> None:
    assert text_of(given, True, typed(values)) == expected


def test_values_are_written_as_they_were_given() -> None:
    assert [text_of(given, False) for given in (("0",), (1, 2), ("bird", "cat"), (1.0,))] == [
        "0",
        "1,2",
        "bird,cat",
        "1.0",
    ]


def test_texts_name_the_same_subject_whatever_the_maximum_and_the_spelling() -> None:
    assert key_of("(40, 90]") == key_of("(40.0, 88.0]") == key_of("(40, 50],(50, 90]") == "> 40"
    assert key_of("1,2") == key_of("2.0,1") == "= 1,2"
    assert key_of("(unknown)") == "= (unknown)"


def test_a_row_is_equal_however_its_value_is_written_and_above_only_strictly() -> None:
    assert codes(pa.array(["1", "1.0", "true", '"1"', "2", "x", None]), (1,)).tolist() == [
        *([EQUAL] * 4),
        *(ABOVE, 0, 0),
    ]
    assert codes(pa.array([1.5, 2.0, 3.0]), (2, 3)).tolist() == [0, EQUAL, EQUAL + ABOVE]
    assert codes(pa.array(["F", "M"]), ("F",)).tolist() == [EQUAL, 0]


def test_what_a_type_is_told_by_adds() -> None:
    values = [*map(str, range(50)), "2.5", "x", "True", "", None]
    whole = Typed.of(pa.array(values))
    parts = Typed.of(pa.array(values[:20])) + Typed.of(pa.array(values[20:]))
    for found in (whole, parts, Typed.of(pa.array(values).dictionary_encode()), load(dump(whole), Typed())):
        assert (found.whole, found.fractional, found.texts, found.booleans, found.n) == (50, 1, 1, 1, 53)
        assert found.missing == 2
        assert round(found.distinct.estimate) == 53 - 1  # True means 1
        assert found.numbers.maximum == 49
    assert Typed.of(pa.array(np.arange(5.0))).fractional == 5
