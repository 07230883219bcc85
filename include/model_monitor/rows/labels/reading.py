"""Read the labels of wanted requests from label files: SageMaker's records, or a table.

SageMaker's are in docs/sagemaker-formats.md, Ground truth: a file's folder ``yyyy/mm/dd/hh`` says when its labels were
collected. Only labels of wanted ids are kept, so that memory is bounded by the labels of the requests in question,
however many other labels the files hold.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from model_monitor.core.hashing import hash_values
from model_monitor.rows.blocks import Block, blocks
from model_monitor.rows.labels import table_labels
from model_monitor.rows.labels.files import LabelFile, Labels, Part, Reading, Wanted
from model_monitor.rows.labels.records import parse, rejected_line
from model_monitor.rows.labels.table import LabelTable
from model_monitor.store.ahead import ahead

NAMELESS = "no eventMetadata.eventId"


def read(files: Sequence[LabelFile], parts: Iterable[Part]) -> tuple[Labels, Reading]:
    """The wanted records of some files, and counts of all their records."""
    labels, reading = [], Reading()
    for part in parts:
        reading.add(part)
        labels.append(part.labels)
    return gathered(files, labels), reading


def parts_of(
    files: Sequence[LabelFile], wanted: Wanted, table: LabelTable | None = None, until: datetime | None = None
) -> Iterator[Part]:
    """What is in some files, a part after the other; ``until`` is of a table's times."""
    if table is not None:
        return table_labels.parts(files, wanted, table, until)
    number = {label.file.address: i for i, label in enumerate(files)}
    return ahead(lambda block: wanted_of(block, files, number, wanted), blocks(label.file for label in files))


def gathered(files: Sequence[LabelFile], parts: Sequence[Labels]) -> Labels:
    def numbers(name: str, kind: Any) -> np.ndarray:
        return np.concatenate([np.empty(0, kind), *(getattr(labels, name) for labels in parts)])

    def texts(name: str) -> pa.StringArray:
        return pa.concat_arrays([pa.array([], pa.string()), *(getattr(labels, name) for labels in parts)])

    keys, places, lines = numbers("keys", np.uint64), numbers("files", np.int32), numbers("lines", np.int64)
    dated = any(labels.times is not None for labels in parts)
    times = numbers("times", np.dtype("datetime64[us]")) if dated else None
    return Labels(files, keys, places, lines, texts("data"), texts("encodings"), times)


def wanted_of(block: Block, files: Sequence[LabelFile], number: dict[str, int], wanted: Wanted) -> Part:
    """The wanted records of a block."""
    records, places, rejected = parse(block)
    ids = pc.struct_field(records, ["eventMetadata", "eventId"])
    nameless = pc.fill_null(pc.equal(ids, ""), True).to_numpy(zero_copy_only=False)
    lines = block.lines
    for i in np.flatnonzero(nameless).tolist():
        rejected.append(rejected_line(lines[places[i]], NAMELESS))
    keys = hash_values(pc.fill_null(ids, ""))
    indices = np.flatnonzero(wanted(keys) & ~nameless)
    origins = [lines[place] for place in places[indices].tolist()]
    matches = records.take(pa.array(indices))
    labels = Labels(
        files,
        keys[indices],
        np.fromiter((number[file] for file, _, _ in origins), np.int32, len(origins)),
        np.fromiter((line for _, line, _ in origins), np.int64, len(origins)),
        pc.struct_field(matches, ["groundTruthData", "data"]),
        pc.struct_field(matches, ["groundTruthData", "encoding"]),
    )
    counts = Counter(lines[place][0] for place in places.tolist())
    unread = Counter(record.file for record in rejected if record.reason != NAMELESS)
    return Part(counts + unread, labels, rejected)
