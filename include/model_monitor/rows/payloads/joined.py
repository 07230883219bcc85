"""Separate the input and the answer of a batch transform that joined them.

With ``JoinSource: Input``, JSON holds the input's members, and the answer as ``SageMakerOutput`` beside them. An input
that is not an object stands there as ``SageMakerInput`` (docs/sagemaker-formats.md, Batch transform).
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from model_monitor.rows.captures import Records
from model_monitor.rows.json_text import members, object_of

ANSWER, ASKED = "SageMakerOutput", "SageMakerInput"

NESTED = ("{", "[")


def separated(records: Records) -> Records:
    """The same requests, with a joined answer as output and the rest as input, as an endpoint logs them."""
    batch = records.nested("captureData", "batchTransformOutput")
    if batch.null_count == len(batch):
        return records
    texts = pc.struct_field(batch, "data")
    is_json = pc.equal(pc.struct_field(batch, "encoding"), "JSON")
    chosen = pc.fill_null(pc.and_(is_json, pc.match_substring(texts, f'"{ANSWER}"')), False)
    if not pc.any(chosen, min_count=0).as_py():
        return records
    pairs = [text and sides_of(text) for text in pc.if_else(chosen, texts, None).to_pylist()]
    kinds = records.events.type.field("captureData").type
    sides = []
    for field in kinds:
        own = records.nested("captureData", field.name).to_pylist()
        apart = [side(pair.get(field.name)) if pair else other for pair, other in zip(pairs, own, strict=True)]
        sides.append(pa.array(apart, field.type))
    data = pa.StructArray.from_arrays(sides, fields=list(kinds))
    events = pa.StructArray.from_arrays([data, records.events.field("eventMetadata")], fields=list(records.events.type))
    return replace(records, events=events)


def side(text: str | None) -> dict[str, str] | None:
    return None if text is None else {"data": text, "encoding": "JSON"}


def sides_of(text: str) -> dict[str, str] | None:
    """The answer, and the input if there is one; None if nothing is joined."""
    try:
        asked = members(text.encode())
        answer = asked.pop(ANSWER)
    except (ValueError, KeyError):
        return None
    if answer[:1] not in NESTED:
        answer = object_of({ANSWER: answer})
    if not asked:
        return {"endpointOutput": answer}
    is_whole = list(asked) == [ASKED] and asked[ASKED][:1] in NESTED
    return {"endpointOutput": answer, "endpointInput": asked[ASKED] if is_whole else object_of(asked)}


def lists_of_batch(records: Records) -> set[int]:
    """The requests that are a batch-transform line with a list, which holds one row if its values are single."""
    is_batch = records.nested("captureData", "batchTransformOutput").is_valid()
    texts = pc.utf8_ltrim_whitespace(records.side("endpointOutput", "data"))
    return set(pc.indices_nonzero(pc.and_(is_batch, pc.fill_null(pc.starts_with(texts, "["), False))).to_pylist())


def beside_answer(document: Any) -> Any:
    """The input in a document that joins it with the answer; None in any other."""
    if not isinstance(document, dict) or ANSWER not in document:
        return None
    asked = {name: value for name, value in document.items() if name != ANSWER}
    return asked[ASKED] if list(asked) == [ASKED] and isinstance(asked[ASKED], dict | list) else asked
