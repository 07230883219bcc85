"""Hashes are what states, samples and files depend on: they stay the same."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from model_monitor.core.hashing import MISSING, combine, hash_coded, hash_values, mix


def test_hashes_are_the_numbers_they_always_were() -> None:
    texts = pa.array(["a", "é", "a"])
    assert hash_values(texts).tolist() == [13950350942979735504, 16908809132758853863, 13950350942979735504]
    assert mix(np.arange(3, dtype=np.uint64)).tolist() == [
        16294208416658607535,
        10451216379200822465,
        10905525725756348110,
    ]


def test_a_text_hashes_alike_whether_it_is_coded_or_not() -> None:
    texts = pa.array(["x", None, "", "x"])
    assert hash_coded(texts.dictionary_encode()).tolist() == [
        *hash_values(texts[:1]).tolist(),
        int(MISSING),
        *hash_values(texts[2:]).tolist(),
    ]


def test_the_order_of_columns_counts() -> None:
    a, b = (hash_values(pa.array([text])) for text in "ab")
    assert combine([a, b], 1) != combine([b, a], 1)


def test_no_rows_have_no_hashes() -> None:
    assert hash_values(pa.array([], pa.string())).dtype == np.uint64
    assert combine([], 0).tolist() == hash_coded(pa.array([], pa.string()).dictionary_encode()).tolist() == []
