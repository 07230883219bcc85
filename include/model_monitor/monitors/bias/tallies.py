"""What is remembered of how groups are treated: the State of bias, and how rows become one."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from model_monitor.core.batch import without_repeats
from model_monitor.core.states import Counts, Keyed, Record, Sample
from model_monitor.monitors import answers
from model_monitor.monitors import values as ground_truth
from model_monitor.monitors.bias import sample as bias_sample
from model_monitor.monitors.bias import value_types as bias_typing
from model_monitor.monitors.bias.facets import Facet, Key, Members
from model_monitor.monitors.bias.value_types import CODES, Typed

if TYPE_CHECKING:
    from model_monitor.monitors.bias import Bias

NO_VALUE = "no value: "  # and the facet


@dataclass(frozen=True)
class Tally(Record):
    """Rows of one facet, by JSON lists of facet key, label's code and prediction's code (``cells``); the same with the
    group's text in front (``groups``), empty without groups; and what its type is told by, where it has to be."""

    cells: Counts = Counts()
    groups: Counts = Counts()
    typed: Typed = field(default_factory=Typed)


@dataclass(frozen=True)
class Tallies(Record):
    """The State: ``rows``, ``labelled`` ones and, of these, ``judged`` (usable) ones, and unusable ones by reason; a
    tally for each facet, and what the types of label and prediction are told by; rows for the flip test."""

    rows: int = 0
    labelled: int = 0
    judged: int = 0
    unusable: Counts = Counts()
    facets: Keyed[Tally] = field(default_factory=lambda: Keyed(Tally()))
    label: Typed = field(default_factory=Typed)
    prediction: Typed = field(default_factory=Typed)
    sample: Sample = field(default_factory=Sample)


def key_of(i: int, facet: Facet) -> str:
    """Under what the i-th facet's tally is kept; two facets may be of one column."""
    return f"{i} {facet.title}"


def observe(monitor: Bias, batch: pa.RecordBatch) -> Tallies:
    """The State of some rows; of none whatever their columns are. Raises DataError if a column is not there."""
    if monitor.calibrated:
        batch = without_repeats(batch)
    if not batch.num_rows:
        return monitor.empty
    probability = monitor.probability_attribute if monitor.inference_attribute is None else None
    found = answers.of_classification(
        batch, monitor.ground_truth_attribute, monitor.inference_attribute, probability, (), 0
    )
    rows = batch if found.usable.all() else batch.filter(pa.array(found.usable))
    reasons = dict(found.reasons)
    members = [Members.of(facet, rows, original=not monitor.calibrated) for facet in monitor.facets]
    for facet, some in zip(monitor.facets, members, strict=True):
        if absent := int(np.count_nonzero(some.index < 0)):
            reasons[f"{NO_VALUE}{facet.title}"] = absent
    scores = found.scores[found.usable] if found.scores is not None else None
    outcome, label, prediction = outcomes(monitor, rows, scores)
    groups = groups_of(monitor, rows)
    return Tallies(
        batch.num_rows,
        int(np.count_nonzero(found.labelled)),
        rows.num_rows,
        Counts(reasons),
        Keyed(Tally(), dict(tallied(monitor, rows, members, outcome, groups))),
        label,
        prediction,
        bias_sample.of(monitor, rows, members, outcome % CODES),
    )


def outcomes(monitor: Bias, rows: pa.RecordBatch, scores: np.ndarray | None) -> tuple[np.ndarray, Typed, Typed]:
    """Of each row the code of the label times ``CODES`` plus that of the prediction; and their types.

    A score above the threshold predicts the positive label, whether that is a value or not.
    """
    given = monitor.label_values_or_threshold
    truth = ground_truth.column(rows, monitor.ground_truth_attribute)
    label, known = bias_typing.codes(truth, given), Typed.of(truth) if len(given) == 1 else Typed()
    if scores is not None:
        positive = scores > monitor.probability_threshold_attribute
        return label * CODES + positive * (CODES - 1), known, Typed()
    assert monitor.inference_attribute is not None
    answer = ground_truth.column(rows, monitor.inference_attribute)
    typed = Typed.of(answer) if len(given) == 1 else Typed()
    return label * CODES + bias_typing.codes(answer, given), known, typed


def groups_of(monitor: Bias, rows: pa.RecordBatch) -> Members | None:
    """Which group each row is of; None without groups."""
    if monitor.group_variable is None:
        return None
    return Members.of(Facet(monitor.group_variable), rows)


def tallied(
    monitor: Bias, rows: pa.RecordBatch, members: list[Members], outcome: np.ndarray, groups: Members | None
) -> Iterator[tuple[str, Tally]]:
    """The tally of each facet."""
    for i, (facet, some) in enumerate(zip(monitor.facets, members, strict=True)):
        cells = some.index.astype(np.int64) * CODES * CODES + outcome
        known = some.index >= 0
        typed = Typed.of(ground_truth.column(rows, facet.names[0])) if needs_type(facet) else Typed()
        grouped = Counts()
        if groups is not None:
            width = max(1, len(some.keys)) * CODES * CODES
            inside = known & (groups.index >= 0)
            grouped = counted((cells + groups.index.astype(np.int64) * width)[inside], some.keys, groups.keys)
        yield key_of(i, facet), Tally(counted(cells[known], some.keys), grouped, typed)


def needs_type(facet: Facet) -> bool:
    """Whether it has to be told from the column what was given, or its largest number is shown."""
    return len(facet.names) == 1 and not facet.values and len(facet.value_or_threshold) <= 1


def counted(cells: np.ndarray, keys: list[Key], groups: list[Key] | None = None) -> Counts:
    """How often each cell occurs: its number is ((group, if any) * keys + key) * 16 + the outcome."""
    found, counts = np.unique(cells, return_counts=True)
    texts = {}
    for cell, n in zip(found.tolist(), counts.tolist(), strict=True):
        rest, outcome = divmod(cell, CODES * CODES)
        group, key = divmod(rest, len(keys))
        named = [keys[key], *divmod(outcome, CODES)]
        texts[json.dumps([groups[group], *named] if groups is not None else named, ensure_ascii=False)] = n
    return Counts(texts).bounded()


def table_of(counts: Counts) -> Iterable[tuple[list[Key], int]]:
    """Each cell as a list, and how many rows."""
    return ((json.loads(text), n) for text, n in counts.values.items())
