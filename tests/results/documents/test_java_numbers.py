"""Numbers in sentences are Java's."""

from __future__ import annotations

import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model_monitor.results.documents.words import java_text

PUBLISHED = [
    (5.092682820403929e-4, "5.092682820403929E-4"),  # in a violation that AWS published
    (1e-10, "1.0E-10"),
    (1e7, "1.0E7"),
    (0.001, "0.001"),
    (100.0, "100.0"),
    (9999999.0, "9999999.0"),
    (0.0009999, "9.999E-4"),
    (12345678.9, "1.23456789E7"),
    (1e22, "1.0E22"),
    (1.7976931348623157e308, "1.7976931348623157E308"),  # Double.MAX_VALUE
    (0.0, "0.0"),
    (-0.0, "-0.0"),
    (-1, "-1.0"),
    (-2.5e-5, "-2.5E-5"),
    (math.nan, "NaN"),
    (None, "NaN"),
    (math.inf, "Infinity"),
    (-math.inf, "-Infinity"),
]


@pytest.mark.parametrize(("value", "text"), PUBLISHED)
def test_a_double_is_written_as_java_does(value, text: str) -> None:
    assert java_text(value) == text


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_every_double_reads_back_as_itself_and_has_javas_form(value: float) -> None:
    text = java_text(value)
    assert float(text) == value
    assert re.fullmatch(r"-?(\d{1,7}\.\d+|[1-9]\.\d+E-?\d+)", text)
