"""The State of bias, and how rows become one."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from model_monitor.core.states import Counts, Keyed, Record, Sample
from model_monitor.monitors import answers
from model_monitor.monitors.bias.conventions import Conventions
from model_monitor.monitors.bias.facets import Facet, Key, Members
from model_monitor.monitors.bias.flips import sample_of
from model_monitor.monitors.bias.options import Options
from model_monitor.monitors.bias.value_types import CODES, Typed, codes
from model_monitor.monitors.values import column

NO_VALUE = "no value: "  # and the facet


@dataclass(frozen=True)
class Tally(Record):
    """Rows of one facet, by JSON lists of facet key, label's code and prediction's code (``cells``); the same with the
    group's text in front (``groups``), empty without groups; and, where it matters, the column's type."""

    cells: Counts = Counts()
    groups: Counts = Counts()
    typed: Typed = field(default_factory=Typed)


@dataclass(frozen=True)
class Tallies(Record):
    """The State: all ``rows``, the ``labelled`` ones and, of these, the ``judged`` (usable) ones, and the unusable ones
    by reason; a tally for each facet; the types of label and prediction; and a sample of rows for the flip test."""

    rows: int = 0
    labelled: int = 0
    judged: int = 0
    unusable: Counts = Counts()
    facets: Keyed[Tally] = field(default_factory=lambda: Keyed(Tally()))
    label: Typed = field(default_factory=Typed)
    prediction: Typed = field(default_factory=Typed)
    sample: Sample = field(default_factory=Sample)


def key_of(i: int, facet: Facet) -> str:
    """The key of the i-th facet's tally; two facets may share a column."""
    return f"{i} {facet.title}"


def empty(options: Options) -> Tallies:
    """The State of no rows."""
    none = {key_of(i, facet): Tally() for i, facet in enumerate(options.facets)}
    return Tallies(facets=Keyed(Tally(), none), sample=Sample(options.sample_rows))


def observe(conventions: Conventions, batch: pa.RecordBatch) -> Tallies:
    """The State of a batch; an empty batch needs no columns. Raises DataError if a column is not there."""
    options, batch = conventions.options, conventions.counted(batch)
    if not batch.num_rows:
        return empty(options)
    prediction, truth = options.inference_attribute, options.ground_truth_attribute
    probability = options.probability_attribute if prediction is None else None
    row_answers = answers.of_classification(batch, truth, prediction, probability, (), 0)
    rows = batch if row_answers.usable.all() else batch.filter(pa.array(row_answers.usable))
    reasons = dict(row_answers.reasons)
    members = [Members.of(facet, rows, missing_is_a=conventions.as_sagemaker) for facet in options.facets]
    for facet, of_facet in zip(options.facets, members, strict=True):
        if absent := int(np.count_nonzero(of_facet.index < 0)):
            reasons[f"{NO_VALUE}{facet.title}"] = absent
    scores = row_answers.scores[row_answers.usable] if row_answers.scores is not None else None
    outcome, label_type, prediction_type = outcomes(options, rows, scores)
    groups = None if options.group_variable is None else Members.of(Facet(options.group_variable), rows)
    return Tallies(
        batch.num_rows,
        int(np.count_nonzero(row_answers.labelled)),
        rows.num_rows,
        Counts(reasons),
        Keyed(Tally(), dict(tallied(options.facets, rows, members, outcome, groups))),
        label_type,
        prediction_type,
        sample_of(options, rows, members, outcome % CODES),
    )


def outcomes(options: Options, rows: pa.RecordBatch, scores: np.ndarray | None) -> tuple[np.ndarray, Typed, Typed]:
    """For each row, the code of the label times ``CODES`` plus that of the prediction; and the types of both.

    A score above the threshold predicts the positive label, be that a value or a threshold.
    """
    criterion = options.label_values_or_threshold

    def coded(name: str | int) -> tuple[np.ndarray, Typed]:
        array = column(rows, name)
        return codes(array, criterion), Typed.of(array) if len(criterion) == 1 else Typed()

    label, label_type = coded(options.ground_truth_attribute)
    if scores is not None:
        positive = scores > options.probability_threshold_attribute
        return label * CODES + positive * (CODES - 1), label_type, Typed()
    if options.inference_attribute is None:
        return label * CODES, label_type, Typed()
    prediction, prediction_type = coded(options.inference_attribute)
    return label * CODES + prediction, label_type, prediction_type


def tallied(
    facets: Iterable[Facet], rows: pa.RecordBatch, members: list[Members], outcome: np.ndarray, groups: Members | None
) -> Iterator[tuple[str, Tally]]:
    """The tally of each facet, by its key."""
    for i, (facet, of_facet) in enumerate(zip(facets, members, strict=True)):
        cells = of_facet.index.astype(np.int64) * CODES * CODES + outcome
        known = of_facet.index >= 0
        typed = Typed.of(column(rows, facet.names[0])) if needs_type(facet) else Typed()
        grouped = Counts()
        if groups is not None:
            width = max(1, len(of_facet.keys)) * CODES * CODES
            inside = known & (groups.index >= 0)
            grouped = counted((cells + groups.index.astype(np.int64) * width)[inside], of_facet.keys, groups.keys)
        yield key_of(i, facet), Tally(counted(cells[known], of_facet.keys), grouped, typed)


def needs_type(facet: Facet) -> bool:
    """Whether the column's type decides what the given value means, or its largest number is shown."""
    return len(facet.names) == 1 and not facet.values and len(facet.value_or_threshold) <= 1


def counted(cells: np.ndarray, keys: list[Key], groups: list[Key] | None = None) -> Counts:
    """How often each cell occurs. Its number is (group * keys + key) * 16 + the outcome; without groups, group is 0."""
    numbers, counts = np.unique(cells, return_counts=True)
    texts = {}
    for cell, n in zip(numbers.tolist(), counts.tolist(), strict=True):
        rest, outcome = divmod(cell, CODES * CODES)
        group, key = divmod(rest, len(keys))
        named = [keys[key], *divmod(outcome, CODES)]
        texts[json.dumps([groups[group], *named] if groups is not None else named, ensure_ascii=False)] = n
    return Counts(texts).bounded()


def table_of(counts: Counts) -> Iterable[tuple[list[Key], int]]:
    """Each cell as a list, and its number of rows."""
    return ((json.loads(text), n) for text, n in counts.values.items())
