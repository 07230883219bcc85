"""The truths and predictions of a batch, and the rows without a usable one, by reason."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from model_monitor.core.batch import LABELLED
from model_monitor.core.measures import Undefined
from model_monitor.core.states import Counts
from model_monitor.monitors import values as ground_truth

NO_LABEL = "no label value"
NO_PREDICTION = "no prediction"
LABEL_NO_NUMBER = "not a number: label"
PREDICTION_NO_NUMBER = "not a number: prediction"
NO_PROBABILITY = "no probability"
PROBABILITY_NO_NUMBER = "probability is not a number"
OUTSIDE = "probability outside [0, 1]"
VECTOR = "a vector of probabilities; set class_names"
OTHER_LENGTH = "a vector of another length than class_names"


@dataclass
class Sieve:
    """The rows of a batch that are left, and how many were set aside for which reason: each row for its first."""

    left: np.ndarray
    reasons: dict[str, int] = field(default_factory=dict)

    def set_aside(self, reason: str, bad: np.ndarray) -> None:
        """Take out the rows where ``bad`` is true."""
        if hit := int(np.count_nonzero(self.left & bad)):
            self.reasons[reason] = hit
            self.left = self.left & ~bad


@dataclass(frozen=True)
class Answers:
    """Predictions of all rows of a batch, and the truths of the usable ones.

    All arrays have one length. ``labelled`` and ``usable`` are boolean. ``scores`` are float64, NaN where a row has
    none; None if the monitor has no probability. ``truth`` and ``predicted`` (None if there are only scores) are texts
    or, for regression, float64.
    """

    labelled: np.ndarray
    usable: np.ndarray
    reasons: dict[str, int]
    truth: pa.Array
    predicted: pa.Array | None
    scores: np.ndarray | None = None

    @property
    def judged_for_drift(self) -> pa.Array:
        """The score if there is one, else the prediction."""
        return self.predicted if self.scores is None else pa.array(self.scores, from_pandas=True)


def labelled(batch: pa.RecordBatch) -> np.ndarray:
    """Whether each row has a label record; all rows have one if nothing was merged."""
    if LABELLED not in batch.schema.names:
        return np.ones(batch.num_rows, bool)
    return truths(pc.fill_null(batch.column(LABELLED), False))


def truths(array: pa.BooleanArray) -> np.ndarray:
    return np.asarray(array, bool)


def absent(array: pa.Array) -> np.ndarray:
    """Whether each value is null, NaN or a text of nothing but space."""
    if isinstance(array, pa.DictionaryArray):
        array = array.dictionary.take(array.indices)
    if pa.types.is_string(array.type) or pa.types.is_large_string(array.type):
        return truths(pc.fill_null(pc.equal(pc.utf8_trim_whitespace(array), ""), True))
    return truths(pc.is_null(array, nan_is_null=True))


def unknown(array: pa.Array) -> np.ndarray:
    return truths(pc.is_null(array))


def of_regression(batch: pa.RecordBatch, truth: str | int, prediction: str | int) -> Answers:
    """The answers of a model that predicts a number."""
    has_label = labelled(batch)
    sieve = Sieve(has_label)
    actual, predicted = ground_truth.column(batch, truth), ground_truth.column(batch, prediction)
    sieve.set_aside(NO_LABEL, absent(actual))
    sieve.set_aside(NO_PREDICTION, absent(predicted))
    actual, predicted = ground_truth.numbers(actual), ground_truth.numbers(predicted)
    sieve.set_aside(LABEL_NO_NUMBER, unknown(actual))
    sieve.set_aside(PREDICTION_NO_NUMBER, unknown(predicted))
    return Answers(has_label, sieve.left, sieve.reasons, actual, predicted)


def of_classification(
    batch: pa.RecordBatch,
    truth: str | int,
    prediction: str | int | None,
    probability: str | int | tuple[str | int, ...] | None,
    classes: tuple[str, ...],
    positive: int | None,
) -> Answers:
    """The answers of a model that predicts a class.

    With ``positive``, an index into ``classes``, the probability is a score: a number, or that element of a vector.
    Without, it is read only if there is no prediction: the class of its largest element is the prediction.
    """
    has_label = labelled(batch)
    sieve = Sieve(has_label)
    actual = ground_truth.canonical(ground_truth.column(batch, truth))
    sieve.set_aside(NO_LABEL, unknown(actual))
    predicted, scores = None, None
    if prediction is not None:
        predicted = ground_truth.canonical(ground_truth.column(batch, prediction))
        sieve.set_aside(NO_PREDICTION, unknown(predicted))
    if probability is not None and positive is not None:
        scores = scores_of(probabilities(batch, probability), len(classes), positive, sieve)
    elif probability is not None and predicted is None:
        predicted = largest(probabilities(batch, probability), classes, sieve)
    return Answers(has_label, sieve.left, sieve.reasons, actual, predicted, scores)


def probabilities(batch: pa.RecordBatch, attribute: str | int | tuple[str | int, ...]) -> pa.Array:
    """The column of probabilities; of several columns, their values of each row as a vector, null if all are absent."""
    if not isinstance(attribute, tuple):
        return ground_truth.column(batch, attribute)
    parts = [ground_truth.column(batch, name) for name in attribute]
    gone = np.logical_and.reduce([absent(part) for part in parts])
    matrix = np.column_stack([ground_truth.numbers(part).to_numpy(zero_copy_only=False) for part in parts])
    offsets = pa.array(np.arange(len(matrix) + 1, dtype=np.int32) * len(parts))
    return pa.ListArray.from_arrays(offsets, pa.array(matrix.ravel()), mask=pa.array(gone))


def scores_of(array: pa.Array, classes: int, positive: int, sieve: Sieve) -> np.ndarray:
    """The score of each row, NaN where there is none."""
    sieve.set_aside(NO_PROBABILITY, absent(array))
    scores: np.ndarray = ground_truth.numbers(array).to_numpy(zero_copy_only=False).copy()
    for rows, matrix in matrices(array, classes, sieve):
        scores[rows] = matrix[:, positive]
    sieve.set_aside(PROBABILITY_NO_NUMBER, np.isnan(scores))
    sieve.set_aside(OUTSIDE, (scores < 0) | (scores > 1))
    return scores


def largest(array: pa.Array, classes: tuple[str, ...], sieve: Sieve) -> pa.StringArray:
    """The class of the largest element of each row's vector, the first of equal ones; null where there is none."""
    sieve.set_aside(NO_PROBABILITY, absent(array))
    positions = np.full(len(array), -1)
    for rows, matrix in matrices(array, len(classes), sieve):
        positions[rows] = np.where(np.isnan(matrix).any(axis=1), -1, matrix.argmax(axis=1))
    sieve.set_aside(PROBABILITY_NO_NUMBER, positions < 0)
    return pa.array(classes, pa.string()).take(pa.array(positions, mask=positions < 0))


def matrices(array: pa.Array, classes: int, sieve: Sieve) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """The rows that hold vectors of the right length, and these as a matrix; nothing if no row holds a vector."""
    lists = ground_truth.vectors(array)
    if lists is None:
        return
    present = ~unknown(lists)
    if not classes:
        sieve.set_aside(VECTOR, present)
        return
    lengths = pc.fill_null(pc.list_value_length(lists), 0).to_numpy(zero_copy_only=False)
    sieve.set_aside(OTHER_LENGTH, present & (lengths != classes))
    rows = np.flatnonzero(present & (lengths == classes))
    flat = lists.take(pa.array(rows)).flatten().to_numpy(zero_copy_only=False)
    yield rows, flat.reshape(-1, classes)


def why_none_is_usable(rows: int, labelled: int, unusable: Counts) -> Undefined:
    """Why a State has no usable row: it has no row, none with a label, or for these reasons."""
    if not rows:
        return Undefined("there is no row")
    if not labelled:
        return Undefined("no row has a label yet")
    reasons = ", ".join(f"{reason}: {n}" for reason, n in sorted(unusable.values.items()))
    return Undefined(f"no labelled row can be used ({reasons})")
