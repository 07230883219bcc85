"""What is kept from one task to the next is not trusted: a flipped bit is noticed."""

from __future__ import annotations

import random
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from support.captures import at, capture, endpoint_file, record

from model_monitor import jobs
from model_monitor.config.execution import Execution
from model_monitor.core.window import Window
from model_monitor.errors import DataError

FLIPS = 60


@pytest.fixture
def execution(tmp_path: Path) -> Execution:
    requests = [record(f"e{i}", f"{i * 37 % 101},{'abc'[i % 3]}\n", f"0.{i:03}", at(i / 10)) for i in range(600)]
    capture(tmp_path / "capture", requests)
    file = endpoint_file(tmp_path, columns={"outputs": ["p"], "inputs": ["n", "c"]})
    execution = Execution.of(file, "dq", Window(at(0), at(60)))
    jobs.collect_window(execution)
    return execution


def test_a_flipped_bit_of_a_page_is_noticed(execution: Execution) -> None:
    rows = Path(execution.rows(execution.window.start))
    jobs.compute_metrics(execution)
    good, group = rows.read_bytes(), pq.read_metadata(rows).row_group(0)
    chunks = [group.column(i) for i in range(group.num_columns)]
    values = [c for c in chunks if c.path_in_schema in ("p", "n", "c") and c.total_compressed_size > 100]
    assert values
    chance = random.Random(8)
    for _ in range(FLIPS):
        chunk = chance.choice(values)
        last = (chunk.dictionary_page_offset or chunk.data_page_offset) + chunk.total_compressed_size
        damaged = bytearray(good)
        damaged[chance.randrange(last - 8, last)] ^= 1 << chance.randrange(8)
        rows.write_bytes(damaged)
        with pytest.raises(DataError, match=r"rows\.parquet"):
            jobs.compute_metrics(execution)
    rows.write_bytes(good)
    jobs.compute_metrics(execution)


def test_another_footer_is_noticed(execution: Execution) -> None:
    rows = Path(execution.rows(execution.window.start))
    content = rows.read_bytes()
    rows.write_bytes(content.replace(b'"duplicates": 0', b'"duplicates": 7'))
    assert rows.read_bytes() != content
    with pytest.raises(DataError, match="its digest is another one"):
        jobs.compute_metrics(execution)
