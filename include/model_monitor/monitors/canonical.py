"""One value has one text, whatever format carried it and however that spells it.

A CSV file has ``59``, a client of JSON ``59.0``, Parquet a double, a decimal or a float32: they are one number. So are
``True`` and ``true``, a date and its midnight. What a person wrote as a text stays: ``007`` is no 7.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

LARGEST = repr(float(np.finfo(np.float64).max))  # stands for infinity, which JSON can't hold: its rank is the same
WHOLE = float(2**63)  # whole numbers below have an exact int64
FEW = 1000  # different values in the first rows, up to which a column is read by its different values

CANDIDATES = (
    r"^(?:[-+] ?)?\d+(?:\.\d*0|\.\d+[Ee].*|[Ee].*)$|^(?:True|TRUE|False|FALSE)$|^\d{4}-\d\d-\d\d[T ]"
    r"|^\s|\s$|^$|^[Nn]a[Nn]$|^[-+]?[Ii]nf(?:inity)?$"
)
NOTHING = r"^\s*$|^\s*[Nn]a[Nn]\s*$"  # JSON has NaN without quotes, CSV an empty field, Python's texts nan
SPELLINGS = [  # each a pattern and what stands instead
    (r"^\s*((?:[-+] ?)?(?:\d+\.?\d*|\.\d+)(?:[Ee][-+]?\d+)?)\s*$", r"\1"),
    (r"^\s*[+]?[Ii]nf(?:inity)?\s*$", LARGEST),
    (r"^\s*-[Ii]nf(?:inity)?\s*$", f"-{LARGEST}"),
    (r"^(?:True|TRUE)$", "true"),
    (r"^(?:False|FALSE)$", "false"),
    (r"^((?:[-+] ?)?\d+)\.0+$", r"\1"),
    (r"^((?:[-+] ?)?\d+\.\d*[1-9])0+$", r"\1"),
    (r"^(\d{4}-\d\d-\d\d)[T ]00:00(?::00(?:\.0*)?)?(?:Z|\+00:?00)?$", r"\1"),
    (r"^(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)(?:\.0+)?(?:Z|\+00:?00)?$", r"\1T\2"),
    (r"^(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d\.\d*[1-9])0*(?:Z|\+00:?00)?$", r"\1T\2"),
]
EXPONENT = r"^(?:[-+] ?)?\d+(?:\.\d+)?[Ee][-+]?\d{1,3}$"


def canonical(array: pa.Array) -> pa.Array:
    """The same values as texts of one spelling, maybe as a dictionary; NaN and an empty text are missing."""
    if isinstance(array, pa.DictionaryArray):
        return respelt(array)
    if pa.types.is_floating(array.type):
        return of_floats(array)
    if pa.types.is_integer(array.type):
        return array
    texts = array if pa.types.is_string(array.type) else array.cast(pa.string())
    first = texts.slice(0, 2 * FEW)
    if len(texts) > FEW and len(first.unique()) > FEW:
        return of_texts(texts)
    return respelt(texts.dictionary_encode())


def respelt(array: pa.DictionaryArray) -> pa.DictionaryArray:
    """A dictionary whose values have one spelling each, without those that are the same."""
    dictionary = canonical_values(array.dictionary)
    if dictionary.equals(array.dictionary):
        return array
    unique = dictionary.dictionary_encode()
    return pa.DictionaryArray.from_arrays(unique.indices.take(array.indices), unique.dictionary)  # null stays null


def canonical_values(values: pa.Array) -> pa.Array:
    """The same for the different values of a dictionary."""
    if pa.types.is_floating(values.type):
        return of_floats(values)
    return of_texts(values if pa.types.is_string(values.type) else values.cast(pa.string()))


def canonical_counts(counts: Mapping[str, int]) -> dict[str, int]:
    """How often each text occurs, those of one value together."""
    texts = of_texts(pa.array(counts.keys(), pa.string())).to_pylist()
    together: dict[str, int] = {}
    for text, n in zip(texts, counts.values(), strict=True):
        if text is not None:
            together[text] = together.get(text, 0) + n
    return together


def of_floats(array: pa.Array) -> pa.Array:
    """Whole numbers without a point, others in the fewest digits that identify them in their type."""
    numbers = array.cast(pa.float64()).to_numpy(zero_copy_only=False)
    whole = (np.abs(numbers) < WHOLE) & (numbers == np.floor(numbers))
    texts = array.cast(pa.string())
    if whole.any():
        integers = pa.array(np.where(whole, numbers, 0.0).astype(np.int64)).cast(pa.string())
        texts = pc.if_else(pa.array(whole), integers, texts)
    for is_infinite, text in ((numbers == np.inf, LARGEST), (numbers == -np.inf, f"-{LARGEST}")):
        if is_infinite.any():
            texts = pc.if_else(pa.array(is_infinite), pa.scalar(text), texts)
    is_number = pa.array(~np.isnan(numbers))  # nulls are NaN here too
    return pc.if_else(is_number, texts, pa.scalar(None, pa.string()))


def of_texts(texts: pa.Array) -> pa.Array:
    """Texts whose number, truth value or moment is spelt otherwise, respelt; the rest as they are."""
    is_candidate = pc.fill_null(pc.match_substring_regex(texts, CANDIDATES), False)
    count = pc.sum(is_candidate, min_count=0).as_py()
    if not count:
        return texts
    return pc.replace_with_mask(texts, is_candidate, respelt_texts(texts.filter(is_candidate)))


def respelt_texts(texts: pa.Array) -> pa.Array:
    """Each text as its value is spelt; null for one that stands for nothing."""
    is_nothing = pc.match_substring_regex(texts, NOTHING)
    if pc.any(is_nothing).as_py():
        texts = pc.if_else(is_nothing, pa.scalar(None, texts.type), texts)
    for pattern, instead in SPELLINGS:
        texts = pc.replace_substring_regex(texts, pattern, instead)
    has_exponent = pc.fill_null(pc.match_substring_regex(texts, EXPONENT), False)
    if pc.any(has_exponent).as_py():
        plain = pc.replace_substring_regex(texts.filter(has_exponent), r"[+ ]", "")
        texts = pc.replace_with_mask(texts, has_exponent, of_floats(plain.cast(pa.float64())))
    return texts
