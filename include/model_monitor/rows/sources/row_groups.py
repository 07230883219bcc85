"""Read row groups of Parquet: of collected rows, or of a dataset."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import AbstractContextManager
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from model_monitor.core.batch import BATCH_CELLS, BATCH_ROWS, FEWEST_ROWS, RECORD
from model_monitor.errors import DataError
from model_monitor.rows.payloads.breadth import COLUMNS_AT_MOST
from model_monitor.rows.summary import FOOTER, batches_of, collected_rows, metadata_in, opened

COLUMNS_OF_WINDOW = 2 * COLUMNS_AT_MOST
DICTIONARY_BYTES = 1 << 15  # compressed


def row_groups_of(addresses: Iterable[str]) -> Iterator[tuple[str, int]]:
    """The row groups of files of collected rows: address and number. Raises DataError, also if all have too many
    columns together."""
    names: set[str] = set()
    for address in addresses:
        with opened(address) as file:
            count = file.num_row_groups
            names.update(file.schema_arrow.names)
        if len(names) > COLUMNS_OF_WINDOW:
            raise DataError(
                f"the rows of this window have more than {COLUMNS_OF_WINDOW} columns together, up to {address}; judge "
                "shorter windows, or see to it that requests don't name columns of their own"
            )
        yield from ((address, i) for i in range(count))


def row_group(
    address: str,
    index: int,
    opening: Callable[[str], AbstractContextManager[Any]] = collected_rows,
    left_out: Collection[str] = (),
) -> Iterator[pa.RecordBatch]:
    """The rows of a Parquet file's row group; columns that are stored as dictionary codes stay so. The captured lines
    that are kept for merging are left out, and what is in ``left_out`` is not even read."""
    with opening(address) as stream:
        metadata = metadata_in(stream)
        coded = coded_columns(metadata, index)
        file = pq.ParquetFile(stream, metadata=metadata, read_dictionary=coded, page_checksum_verification=True)
        kept = [f for f in file.schema_arrow if f.name != RECORD and f.name not in left_out]
        for f in kept:
            if pa.types.is_nested(f.type) or pa.types.is_binary(f.type) or pa.types.is_large_binary(f.type):
                raise DataError(
                    f"{address}: column '{f.name}' is {f.type}; make it text or numbers, or exclude it "
                    "(columns: {exclude: [...]}, --exclude)"
                )
        rows = min(BATCH_ROWS, max(FEWEST_ROWS, BATCH_CELLS // max(1, metadata.num_columns)))
        wanted = [f.name for f in kept] if len(kept) < len(file.schema_arrow) else None
        yield from batches_of(file, index, rows, wanted)


def coded_columns(metadata: pq.FileMetaData, index: int) -> list[str]:
    """The columns of a row group to read as codes: those that ``collect`` stored so. Other writers code every column
    they can, and of theirs it is the texts whose different values take little room."""
    is_ours, chunks = FOOTER in (metadata.metadata or {}), metadata.row_group(index)
    columns = [chunks.column(i) for i in range(metadata.num_columns)]
    coded = [(i, column) for i, column in enumerate(columns) if column.has_dictionary_page]
    return [c.path_in_schema for i, c in coded if is_ours or (is_small(c) and is_text(metadata.schema.column(i)))]


def is_small(column: pq.ColumnChunkMetaData) -> bool:
    return bool(column.data_page_offset - column.dictionary_page_offset <= DICTIONARY_BYTES)


def is_text(column: pq.ColumnSchema) -> bool:
    return bool(column.converted_type == "UTF8")
