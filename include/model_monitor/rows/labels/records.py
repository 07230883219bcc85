"""Parse ground-truth records: one JSON object per line, or a list of them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import groupby

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from model_monitor.rows.blocks import Block
from model_monitor.rows.captures import conform, count_of_objects, is_object
from model_monitor.rows.json_text import read_objects
from model_monitor.rows.summary import Rejected

TRUTH = pa.struct(
    [
        ("groundTruthData", pa.struct([("data", pa.string()), ("encoding", pa.string())])),
        ("eventMetadata", pa.struct([("eventId", pa.string())])),
    ]
)


def parse(block: Block) -> tuple[pa.StructArray, np.ndarray, list[Rejected]]:
    """The records of a block, the index of each one's line, and lines that can't be read."""
    content = block.content
    try:
        content.decode("utf-8")
        if count := count_of_objects(content):
            records, places = objects(content, count), np.arange(count)
        else:
            records, places = lists([line.strip() for _, _, line in block.lines])
    except (pa.ArrowInvalid, UnicodeDecodeError):
        return parse_line_by_line(block)
    return (records, places, []) if len(records) and not records.null_count else parse_line_by_line(block)


def is_list(line: bytes) -> bool:
    return line.startswith(b"[") and line.endswith(b"]")


def objects(content: bytes, count: int) -> pa.StructArray:
    """So many lines of one record each. Raises ArrowInvalid if one is not."""
    records = read_objects(content, pa.schema(list(TRUTH))).to_struct_array().combine_chunks()
    if len(records) != count:
        raise pa.ArrowInvalid("other lines than objects")
    return records


def lists(lines: Sequence[bytes]) -> tuple[pa.StructArray, np.ndarray]:
    """Lines of a record or a list of records each, and the index of each record's line. Raises ArrowInvalid for any
    other."""
    if not lines or not all(is_object(line) or is_list(line) for line in lines):
        raise pa.ArrowInvalid("other lines than objects and lists")
    wrapped = [b'{"l":' + (line if is_list(line) else b"[" + line + b"]") + b"}" for line in lines]
    records = read_objects(b"\n".join(wrapped), pa.schema([("l", pa.list_(TRUTH))])).column("l").combine_chunks()
    if len(records) != len(lines):
        raise pa.ArrowInvalid("other lines than lists")
    counts = pc.list_value_length(records).to_numpy(zero_copy_only=False)
    return records.flatten(), np.repeat(np.arange(len(lines)), counts)


def parse_line_by_line(block: Block) -> tuple[pa.StructArray, np.ndarray, list[Rejected]]:
    """The same for a block with a malformed line, or with a list over several lines."""
    good: list[object] = []
    places: list[int] = []
    rejected: list[Rejected] = []
    for _, same in groupby(enumerate(block.lines), lambda entry: entry[1][0]):
        lines = list(same)
        whole = b"\n".join(line for _, (_, _, line) in lines)
        if is_one_list(whole):
            lines = [(lines[0][0], (*lines[0][1][:2], whole))]
        for place, line in lines:
            try:
                documents = documents_of(line[2].decode("utf-8-sig"))
            except (ValueError, RecursionError):
                rejected.append(rejected_line(line, "not JSON, perhaps cut off; write a record per line"))
                continue
            for document in documents:
                try:
                    good.append(record_of(document))
                    places.append(place)
                except TypeError as error:
                    rejected.append(rejected_line(line, f"not a label record: {error}"))
    return pa.array(good, TRUTH), np.array(places, np.int64), rejected


def documents_of(line: str) -> list[object]:
    """The documents of a line: one, those of a list, or an entry of a list over several lines. Raises ValueError."""
    try:
        document = json.loads(line)
    except ValueError:
        entry = line.strip().removeprefix("[").removesuffix("]").strip(" ,")
        return [json.loads(entry)] if entry else []
    return document if isinstance(document, list) else [document]


def record_of(document: object) -> object:
    """A record cut down to ``TRUTH``. Raises TypeError if it is not a record."""
    if document is None:
        raise TypeError("record is not an object")
    return conform(document, TRUTH, "record")


def is_one_list(content: bytes) -> bool:
    """Whether lines are one JSON list."""
    lines = content.removeprefix(b"\xef\xbb\xbf").strip().split(b"\n", 1)
    if not lines[0].startswith(b"[") or len(lines) == 1 or lines[0].rstrip().endswith(b"]"):
        return False
    try:
        json.loads(content.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        return False
    return True


def rejected_line(line: tuple[str, int, bytes], reason: str) -> Rejected:
    file, number, text = line
    return Rejected(file, number, reason, None, text.decode("utf-8", "replace"))
