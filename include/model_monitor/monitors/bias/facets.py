"""Facets: the groups that are compared with everybody else, and which rows belong to them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from model_monitor.monitors.answers import absent
from model_monitor.monitors.bias.value_types import CODES, Criterion, codes
from model_monitor.monitors.values import canonical, column, label_of

Name = str | int
Key = str | int  # a facet's value, or a code of ``value_types``
NO_VALUE = 0  # the key of rows without a value, among keys that are texts
AND = " & "  # between the two names, or the two values, of an intersection


@dataclass(frozen=True)
class Facet:
    """A column, or the intersection of two, whose values distinguish people. It has a sensitive side d (SageMaker:
    "disfavored"); all other rows with a value are the side a.

    name: a column, e.g. ``"sex"``, or its index; two of them for an intersection, e.g. ``("sex", "age")``, whose values
        are both values with `` & `` between, e.g. ``"F & 40"``.
    values: rows equal to any of them are d, e.g. ``("F",)``; numbers and booleans match in any spelling.
    thresholds: rows with a number strictly greater than the least of them are d, e.g. ``(40,)``.
    value_or_threshold: as in SageMaker's configuration: several are values; ``value_types`` decides from the data
        whether a single one is a value or a threshold.

    Without any of the last three, each distinct value has an entry, compared with all others. Raises ValueError.
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
        """Its name in reports: ``Sex``, or ``Sex & Age`` for an intersection; an index as a text."""
        return AND.join(map(str, self.names))

    @property
    def names(self) -> tuple[Name, ...]:
        """The one or two columns that it reads."""
        return self.name if isinstance(self.name, tuple) else (self.name,)

    @property
    def criterion(self) -> Criterion:
        """The values or thresholds of its sensitive side; () for each value in turn."""
        return self.values or self.thresholds or self.value_or_threshold


@dataclass(frozen=True)
class Members:
    """The key of each row of a batch is ``keys[index]``; an index of -1 means that the facet has no value."""

    keys: list[Key]
    index: np.ndarray

    @classmethod
    def of(cls, facet: Facet, batch: pa.RecordBatch, missing_is_a: bool = False) -> Members:
        """``missing_is_a``: rows without a value are on the side a. Raises DataError if a column is not there."""
        parts = [column(batch, name) for name in facet.names]
        array = parts[0] if len(parts) == 1 else crossed(parts)
        if not facet.criterion:
            encoded = (array if len(parts) > 1 else canonical(array)).dictionary_encode()
            values = encoded.dictionary.to_pylist()
            none = len(values) if missing_is_a else -1
            index = pc.fill_null(encoded.indices.cast(pa.int64()), none).to_numpy()
            return cls([*values, NO_VALUE] if missing_is_a else values, index)
        criterion = facet.criterion if len(parts) == 1 else [canonical_pair(value) for value in facet.criterion]
        index = codes(array, criterion)
        return cls(list(range(CODES)), index if missing_is_a else np.where(absent(array), -1, index))


def crossed(parts: list[pa.Array]) -> pa.StringArray:
    """The texts of two columns with `` & `` between; null where either has none."""
    return pc.binary_join_element_wise(*map(canonical, parts), AND)


def canonical_pair(value: str | int | float) -> str:
    return AND.join(label_of(part) or "" for part in str(value).split(AND))
