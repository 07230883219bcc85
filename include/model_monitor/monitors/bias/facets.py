"""Which rows are of the group that is compared with the rest?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from model_monitor.monitors import answers
from model_monitor.monitors import values as ground_truth
from model_monitor.monitors.bias import value_types as bias_typing

if TYPE_CHECKING:
    from model_monitor.monitors.bias.value_types import Given

Name = str | int
Key = str | int  # a facet's value, or a code of ``bias_typing``
NO_VALUE = 0  # the key of rows without a value, among keys that are texts
AND = " & "  # between the two names, or the two values, of an intersection


@dataclass(frozen=True)
class Facet:
    """A column whose values tell people apart, or the intersection of two, and which of its rows are the sensitive
    side d (the original: "disfavored"); all others with a value are the side a.

    name: a column or its index; two of them for an intersection, whose values are both values with `` & `` between.
    values: rows equal to any of these are d, numbers and booleans however written. Nothing at all given: one entry for
        each distinct value, compared with all others.
    thresholds: rows whose number is strictly greater than the least of these are d.
    value_or_threshold: as the original's configuration has it: several are values; a single one is a value or a
        threshold, as ``bias_typing.on_a_scale`` tells from the data.

    Raises ValueError if more than one of the last three is given, or a threshold for an intersection.
    """

    __pydantic_config__: ClassVar = {"extra": "forbid"}

    name: Name | tuple[Name, Name]
    values: tuple[str | int | float, ...] = ()
    thresholds: tuple[int | float, ...] = ()
    value_or_threshold: tuple[str | int | float, ...] = ()

    def __post_init__(self) -> None:
        if sum(map(bool, (self.values, self.thresholds, self.value_or_threshold))) > 1:
            raise ValueError(f"facet {self.title}: give one of values, thresholds and value_or_threshold")
        if len(self.names) > 1 and (self.thresholds or self.value_or_threshold):
            raise ValueError(f"facet {self.title}: of an intersection give values, e.g. 'F{AND}40', or nothing")

    @property
    def title(self) -> str:
        """What reports call it: ``Sex``, or ``Sex & Age`` for an intersection; an index as a text."""
        return AND.join(map(str, self.names))

    @property
    def names(self) -> tuple[Name, ...]:
        """The columns that it reads, one or two."""
        return self.name if isinstance(self.name, tuple) else (self.name,)

    @property
    def given(self) -> Given:
        """What tells its sensitive side; () for each value in turn."""
        return self.values or self.thresholds or self.value_or_threshold


@dataclass(frozen=True)
class Members:
    """Which key each row of a batch has: ``keys[index]``; an index of -1 where the facet has no value."""

    keys: list[Key]
    index: np.ndarray

    @classmethod
    def of(cls, facet: Facet, batch: pa.RecordBatch, original: bool = False) -> Members:
        """The original takes rows without a value for the side a. Raises DataError if a column is not there."""
        parts = [ground_truth.column(batch, name) for name in facet.names]
        array = parts[0] if len(parts) == 1 else crossed(parts)
        if not facet.given:
            encoded = (array if len(parts) > 1 else ground_truth.canonical(array)).dictionary_encode()
            values = encoded.dictionary.to_pylist()
            none = len(values) if original else -1
            index = pc.fill_null(encoded.indices.cast(pa.int64()), none).to_numpy()
            return cls([*values, NO_VALUE] if original else values, index)
        given = facet.given if len(parts) == 1 else [canonical_pair(value) for value in facet.given]
        codes = bias_typing.codes(array, given)
        index = codes if original else np.where(answers.absent(array), -1, codes)
        return cls(list(range(bias_typing.CODES)), index)


def crossed(parts: list[pa.Array]) -> pa.StringArray:
    """The texts of two columns with `` & `` between; null where one has none."""
    return pc.binary_join_element_wise(*map(ground_truth.canonical, parts), AND)


def canonical_pair(value: str | int | float) -> str:
    return AND.join(ground_truth.label_of(part) or "" for part in str(value).split(AND))


def columns_of(facet: Facet, names: list[str]) -> Iterator[str]:
    """The names of the columns that a facet reads, of the judged ones there are."""
    for name in facet.names:
        if str(name) in names:
            yield str(name)
        elif str(name).isdecimal() and int(name) < len(names):
            yield names[int(name)]
