"""A first line of CSV in a request that is no row, but the names of its columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from model_monitor.core.written import one_of, written_in
from model_monitor.rows.payloads.envelopes import RAGGED, Opened

Cells = list[str | None]

AROUND = ' "\ufeff\t'  # a value, which a name may have as well
SHOWN = 10


@dataclass(frozen=True)
class Headers:
    """By which names a header is known. One of exactly a side's ``own`` names has its rows put in their order; the
    rows below another are named by it. Not ``skipped``: it stays a row, as SageMaker reads it, and is only counted."""

    known: frozenset[str] = frozenset()
    own: tuple[str, ...] = ()
    skipped: bool = True

    def candidates(self, texts: pa.StringArray) -> list[int]:
        """The payloads whose first value is a known name."""
        places = self.possible(texts) if self.known else np.empty(0, np.int64)
        if not len(places):
            return []
        first = pc.struct_field(pc.extract_regex(texts.take(pa.array(places)), r"^(?P<first>[^,\r\n]*)"), "first")
        known = pc.is_in(pc.utf8_trim(first, characters=AROUND), pa.array(sorted(self.known), pa.string()))
        found: list[int] = places[known.to_numpy(zero_copy_only=False)].tolist()
        return found

    def possible(self, texts: pa.StringArray) -> np.ndarray:
        """The payloads that start as a known name may: nearly always none."""
        if "" in self.known:
            return np.arange(len(texts))
        starts, ends, written = written_in(texts)
        filled = np.flatnonzero(ends > starts)
        begins = one_of(bytes({text.encode()[0] for text in (*self.known, *AROUND)}))
        places: np.ndarray = filled[begins[written[starts[filled]]]]
        return places

    def are_over(self, rows: Sequence[Cells]) -> bool:
        """Whether the first of a payload's rows is a header: different names, and no second line of names."""
        names = names_of(rows[0])
        if not self.known.issuperset(names) or len(set(names)) < len(names):
            return False
        return not self.known.issuperset(names_of(rows[1])) if len(rows) > 1 else len(names) > 1

    def below(self, rows: Sequence[Cells]) -> Opened:
        """The rows of a payload without its header, by name or in the order of the side's own names. Raises ValueError
        if there are none, or they are of another length."""
        if not self.skipped or not self.are_over(rows):
            return Opened(list(rows))
        names, rest = names_of(rows[0]), rows[1:]
        if not rest:
            more = ", ..." if len(names) > SHOWN else ""
            raise ValueError(f"the first line is a header ({', '.join(names[:SHOWN])}{more}), and no row follows")
        if any(len(row) != len(names) for row in rest):
            raise ValueError(RAGGED)
        named = [dict(zip(names, row, strict=True)) for row in rest]
        is_own = len(names) == len(self.own) and set(names) == set(self.own)
        return Opened([[row[name] for name in self.own] for row in named] if is_own else list(named))


def names_of(row: Cells) -> list[str]:
    return [(value or "").strip(AROUND) for value in row]
