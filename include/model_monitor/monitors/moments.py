"""Which texts are dates or times? New ones come with each window, so that no list of them is complete."""

from __future__ import annotations

from collections.abc import Mapping

import pyarrow as pa
import pyarrow.compute as pc

MOMENT = "Moment"  # beside the types that a value may have
NOT_COMPARED = "dates and times are not compared with the baseline's, as new ones come with each window"

PATTERN = (
    r"^(?:\d{4}[-/.]\d{1,2}[-/.]\d{1,2}|\d{1,2}[-/.]\d{1,2}[-/.]\d{4}|\d{8}T\d{4,6}.*|(?:19|20)\d\d-(?:0[1-9]|1[0-2]))"
    r"(?:[T ,]+\d{1,2}:\d\d.*)?$"
)
MOST = 0.5  # the share of a column's values above which it is one of dates or times


def share_of_moments(counts: Mapping[str, int]) -> float:
    """The share (0..1) of the counted values that are dates or times; 0.0 if none is counted.

    >>> share_of_moments({"2026-01-05": 2, "2026-01-05 03:00:00": 1, "05.01.2026": 1})
    1.0
    >>> share_of_moments({"Bern": 1, "03:00": 1, "10.0.0.1": 1, "2026-1234": 1})
    0.0
    """
    n = sum(counts.values())
    if not n:
        return 0.0
    are_moments = pc.match_substring_regex(pa.array(counts, pa.string()), PATTERN).to_pylist()
    return sum(rows for rows, is_moment in zip(counts.values(), are_moments, strict=True) if is_moment) / n


def with_moments(kinds: Mapping[str, int], text: str, words: Mapping[str, int]) -> dict[str, int]:
    """How many values each type has, those of the type ``text`` that are dates or times apart. ``words``: the counted
    texts, which stand for those that are not."""
    split = dict(kinds)
    if moments := round(split.get(text, 0) * share_of_moments(words)):
        split |= {text: split[text] - moments, MOMENT: moments}
    return {kind: n for kind, n in split.items() if n}
