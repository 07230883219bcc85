"""Texts that are numbers of digits with at most a minus and a point, as nearly all are: read without patterns."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from model_monitor.core.states import Counts
from model_monitor.core.written import written_in
from model_monitor.monitors.canonical import of_texts
from model_monitor.monitors.typed_numbers import PROBE_ROWS, TypedNumbers, many_different

MINUS, POINT, SLASH, ZERO, NINE = b"-./09"  # ASCII has no other between minus and nine but digits


def plain_numbers(array: pa.Array, as_written: bool) -> TypedNumbers | None:
    """The numbers of texts that are mostly distinct; None unless all of them are plain and finite."""
    if not pa.types.is_string(array.type) or not many_different(texts := array.drop_null()):
        return None
    starts, ends, written = written_in(texts)
    if (written - np.uint8(MINUS) > NINE - MINUS).any() or (written == SLASH).any():
        return None
    try:
        numbers = texts.cast(pa.float64()).to_numpy()
    except pa.ArrowInvalid:
        return None
    points = np.flatnonzero(written == POINT)
    places = places_of(points, starts, ends)
    if not np.isfinite(numbers).all() or (points == starts[places]).any() or (points + 1 == ends[places]).any():
        return None
    if (written[points - 1] < ZERO).any():  # "-.5"
        return None
    has_point = np.zeros(len(texts), bool)
    has_point[places] = True
    is_respelt = has_point & (written[ends - 1] == ZERO)
    if not as_written and is_respelt.any():
        if not many_different(of_texts(texts.slice(0, PROBE_ROWS))):
            return None
        respelt = of_texts(texts.filter(pa.array(is_respelt)))
        has_point[is_respelt] = pc.match_substring(respelt, ".").to_numpy(zero_copy_only=False)
    return TypedNumbers(numbers, int(len(texts) - has_point.sum()), Counts(rest=len(texts)))


def places_of(points: np.ndarray, starts: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """The text that each of the points is in; most often each text has one."""
    if len(points) == len(starts) and (points >= starts).all() and (points < ends).all():
        return np.arange(len(points))
    return np.searchsorted(ends, points.astype(ends.dtype), "right")
