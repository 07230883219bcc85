"""Parquet files of rows: written whole, columns whose values repeat stored as codes, a summary in the footer."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from model_monitor import store
from model_monitor.errors import DataError
from model_monitor.rows.summary import FOOTER, Summary, undamaged


def writer_of(path: Path, schema: pa.Schema, coded: Sequence[str]) -> pq.ParquetWriter:
    """``coded`` are the columns whose values repeat."""
    return pq.ParquetWriter(path, schema, use_dictionary=list(coded) or False, compression="zstd", compression_level=1)


def add_footer(writer: pq.ParquetWriter, summary: Summary) -> None:
    writer.add_key_value_metadata({FOOTER: json.dumps(vars(summary)).encode()})


@contextmanager
def writing(address: str, schema: pa.Schema, coded: Sequence[str], summary: Summary) -> Iterator[pq.ParquetWriter]:
    """Write a file of rows; ``summary``, as it is at the end, becomes its footer."""
    with store.writing(address) as path, writer_of(path, schema, coded) as writer:
        yield writer
        add_footer(writer, summary)


@contextmanager
def opened(address: str) -> Iterator[pq.ParquetFile]:
    """A file of collected rows. Raises DataError if it is gone or damaged."""
    try:
        with undamaged(address), store.open_file(address) as stream:
            yield pq.ParquetFile(stream)
    except FileNotFoundError as error:
        raise DataError(f"{address} is gone; collect the window again") from error
