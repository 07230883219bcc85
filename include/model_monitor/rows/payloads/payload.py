"""Decode the payloads of captured requests into columns.

Each side (output, input) is decoded on its own as CSV or JSON. A payload of several rows becomes as many rows; outputs
come before inputs. The *shape* of a request says which columns its rows have: for CSV the number of values on each
side, for JSON that they carry names.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain, islice
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from model_monitor.errors import ConfigError
from model_monitor.rows.captures import Records
from model_monitor.rows.json_text import members, object_of
from model_monitor.rows.payloads.breadth import COLUMNS_AT_MOST, RARE, TOO_WIDE, apart
from model_monitor.rows.payloads.headers import Headers
from model_monitor.rows.payloads.json_rows import columns_of_objects
from model_monitor.rows.payloads.sides import ABSENT, CSV, JSON, Side, in_step, side_of
from model_monitor.rows.summary import Rejected

SIDES = ("endpointOutput", "endpointInput")  # outputs before inputs

TRUNCATED = "!payload beyond the recorder's limit; raise max_payload_bytes, or send fewer rows per request"
WITHHELD = "!payload withheld by privacy rules, which need a JSON or CSV body they can be applied to; adapt them"
LOST = (TRUNCATED, WITHHELD)

# With JoinSource: Input (docs/sagemaker-formats.md, Batch transform), JSON holds the input's members beside the answer,
# and an input that is no object as a member.
ANSWER, ASKED = "SageMakerOutput", "SageMakerInput"

UNREADABLE = (
    "BASE64 of '{kind}'; if it is JSON or CSV, list the type under capture as json_content_types or csv_content_types "
    "(model-monitor run --json-content-type, --csv-content-type), else it needs a preprocessing script"
)

HEADED = "; a first line of CSV names its columns, and counts as a row with compatibility: sagemaker"

NESTED = ("{", "[")

Shape = tuple[int, int]


@dataclass(frozen=True)
class ContentTypes:
    """Content types, in lower case, whose payloads in BASE64 are JSON or CSV although they don't say so."""

    json: tuple[str, ...] = ()
    csv: tuple[str, ...] = ()

    @property
    def described(self) -> dict[str, list[str]]:
        return {name: sorted(types) for name, types in (("json", self.json), ("csv", self.csv)) if types}


@dataclass(frozen=True)
class Names:
    """The names of the values of CSV payloads, and which side's columns come first. Names go by position over both
    sides if there are as many as values; else those of a side are its own, and values beyond them are called by their
    place, ``_c0``, ``_c1``, ... With ``each_side``, other inputs than are named are refused. ``types``: how payloads
    of odd content types are read. ``left_out``: values that need not be readable. ``known``: more names, by which a
    header in a payload is told; ``keeps_headers``: it is a row all the same."""

    outputs: tuple[str, ...] = ()
    inputs: tuple[str, ...] = ()
    outputs_last: bool = False
    each_side: bool = False
    types: ContentTypes = ContentTypes()
    left_out: tuple[str, ...] = ()
    known: tuple[str, ...] = ()
    keeps_headers: bool = False

    @property
    def headers(self) -> tuple[Headers, Headers]:
        """How a header in the output, and in the input, is told."""
        known = frozenset({*self.outputs, *self.inputs, *self.known})
        first, second = (Headers(known, own, not self.keeps_headers) for own in (self.outputs, self.inputs))
        return first, second

    def of_shape(self, outputs: int, inputs: int) -> tuple[list[str], list[str]]:
        """The names of this many outputs and inputs."""
        if self.each_side and inputs and inputs != len(self.inputs):
            raise ConfigError(
                f"a captured request has {inputs} values, but {len(self.inputs)} are named: "
                f"{', '.join(self.inputs)}; one that is no input, e.g. a score, belongs into excluded_columns"
            )
        declared: list[Sequence[str | None]] = [self.outputs if outputs else (), self.inputs]
        widths = [outputs, inputs]
        if self.each_side or self.are_of_sides(outputs, inputs):
            pairs = zip(declared, widths, strict=True)
            declared = [[*side[:width], *[None] * (width - len(side))] for side, width in pairs]
        order = [1, 0] if self.outputs_last else [0, 1]
        known = [name for side in order for name in declared[side]]
        known += [None] * (outputs + inputs - len(known))
        names = [f"_c{i}" if name is None else name for i, name in enumerate(known)]
        first = widths[order[0]]
        parts = {order[0]: names[:first], order[1]: names[first : outputs + inputs]}
        return parts[0], parts[1]

    def are_of_sides(self, outputs: int, inputs: int) -> bool:
        """Whether there are names, and not as many as values: they are each side's own then."""
        return len(self.outputs if outputs else ()) + len(self.inputs) not in (0, outputs + inputs)


@dataclass(frozen=True)
class Rows:
    """Rows of one shape: the judged columns, all text, and each request's index and number of rows."""

    shape: Shape
    columns: pa.Table
    requests: np.ndarray
    counts: np.ndarray
    headed: int = 0  # requests with a header in their CSV

    @classmethod
    def of(cls, shape: Shape, rows: Mapping[int, Sequence[Mapping[str, str | None]]]) -> list[Rows]:
        """The named rows of each request, by its index; in parts if they have a great many columns."""
        parts = []
        for requests in apart(list(rows), ({*chain(*group)} for group in rows.values())):
            columns = columns_of_objects([row for i in requests for row in rows[i]])
            counts = np.array([len(rows[i]) for i in requests], np.int64)
            parts.append(cls(shape, pa.table(columns), np.array(requests, np.int64), counts))
        return parts


Decode = Callable[[Records], tuple[list[Rows], list[Rejected]]]


def decode(records: Records, names: Names) -> tuple[list[Rows], list[Rejected]]:
    """Rows by shape, and the requests that can't be read."""
    records = separated(records)
    formats = [formats_of(records, side, names.types) for side in SIDES]
    results: list[Rows] = []
    rejected: list[Rejected] = []
    pairs = list(zip(*formats, strict=True))
    for pair in sorted(set(pairs)):
        indices = np.array([i for i, p in enumerate(pairs) if p == pair], np.int64)
        part = records if len(indices) == len(records) else records.take(indices)
        rows, problems = decode_alike(part, pair, names)
        results += [replace(r, requests=indices[r.requests]) for r in rows]
        rejected += [part.reject(i, reason) for i, reason in sorted(problems.items())]
    return results, rejected


def formats_of(records: Records, side: str, known: ContentTypes) -> list[str]:
    """The format of one side of each request: CSV, JSON, absent, or ! and the reason why it can't be read."""
    data, encodings = records.side(side, "data"), records.side(side, "encoding")
    kinds: list[str] = encodings.unique().to_pylist()
    if not data.null_count and kinds in ([CSV], [JSON]):
        return kinds * len(encodings)
    types, truncated, withheld = (records.side(side, part) for part in ("observedContentType", "truncated", "withheld"))
    lost = pc.if_else(
        pc.fill_null(truncated, False), TRUNCATED, pc.if_else(pc.fill_null(withheld, False), WITHHELD, ABSENT)
    )
    columns = zip(data.is_valid().to_pylist(), *(c.to_pylist() for c in (encodings, types, lost)), strict=True)
    return [format_of(encoding, kind, known) if is_there else why for is_there, encoding, kind, why in columns]


def format_of(encoding: str | None, content_type: str | None, types: ContentTypes) -> str:
    if encoding in (CSV, JSON):
        return encoding
    if encoding == "BASE64":
        kind = (content_type or "").partition(";")[0].strip().lower()
        if kind in ("text/csv", "application/csv", *types.csv):
            return "BASE64 CSV"
        return "BASE64 JSON" if "json" in kind or kind in types.json else f"!{UNREADABLE.format(kind=kind)}"
    return f"!unknown encoding {encoding!r}"


def decode_alike(records: Records, formats: Sequence[str], names: Names) -> tuple[list[Rows], dict[int, str]]:
    """Rows of requests of equal formats, and why some can't be read, by index."""
    for kind in formats:
        if kind.startswith("!"):
            return [], dict.fromkeys(range(len(records)), kind[1:])
    if not any(formats):
        return [], dict.fromkeys(range(len(records)), "neither input nor output was captured")
    pairs = list(zip((records.side(side, "data") for side in SIDES), formats, names.headers, strict=True))
    sides = [side_of(data, kind, False, names.left_out, headers) for data, kind, headers in pairs]
    declared = [*names.outputs, *names.inputs]
    if set(sides[0].column_names or declared) & set(sides[1].column_names or declared) and any(s.table for s in sides):
        # Only JSON can name a column on both sides: find out which requests do.
        sides = [side_of(data, kind, True, names.left_out, headers) for data, kind, headers in pairs]
    output, input_ = in_step(*sides) if all(formats) else sides
    if output.vectors and not all(formats):
        output = output.folded(output.vectors & lists_of_batch(records))
    problems = input_.problems | output.problems
    if all(formats):
        unequal = np.flatnonzero(output.counts != input_.counts)
        why = dict.fromkeys(output.headed | input_.headed if names.keeps_headers else (), HEADED)
        problems = {
            i: f"output has {output.counts[i]} rows, input has {input_.counts[i]}{why.get(i, '')}"
            for i in unequal.tolist()
        } | problems
    counts = np.maximum(output.counts, input_.counts)
    shapes = np.stack([output.widths, input_.widths])
    problems = {int(i): TOO_WIDE for i in np.flatnonzero((shapes > COLUMNS_AT_MOST).any(axis=0))} | problems
    fine = np.ones(len(records), bool)
    fine[list(problems)] = False
    rows, headers = [], output.headed | input_.headed
    for shape in different(shapes[:, fine]):
        column_names = names.of_shape(*(max(0, width) for width in shape))
        requests = np.flatnonzero(fine & (shapes[0] == shape[0]) & (shapes[1] == shape[1]))
        odd = clashing(output, input_, requests, column_names) | uncommon(output, input_, requests, records.common)
        problems |= odd
        requests = np.array([i for i in requests.tolist() if i not in odd], np.int64) if odd else requests
        for some in groups_of(output, input_, requests, column_names, records.common is None):
            columns = side_by_side(output, input_, some, column_names, names.outputs_last)
            headed = len(headers & set(some.tolist())) if headers else 0
            rows.append(Rows((shape[0], shape[1]), pa.table(columns), some, counts[some], headed))
    return rows, problems


def different(shapes: np.ndarray) -> list[list[int]]:
    """The different shapes, sorted; nearly always there is one."""
    alike = shapes.size and (shapes == shapes[:, :1]).all()
    found: list[list[int]] = (shapes[:, :1] if alike else np.unique(shapes, axis=1)).T.tolist()
    return found


def groups_of(
    output: Side, input_: Side, requests: np.ndarray, columns: tuple[list[str], list[str]], is_first_reading: bool
) -> Iterator[np.ndarray]:
    """Requests in groups whose tables have few columns: nearly always a single one. In the first reading two groups
    show that there are too many columns, so that all is read again."""
    if len(output.names(requests, columns[0]) | input_.names(requests, columns[1])) <= COLUMNS_AT_MOST:
        return (part for part in [requests] if len(part))
    names = (output.names([i], columns[0]) | input_.names([i], columns[1]) for i in requests)
    groups = (np.array(part, np.int64) for part in apart(requests.tolist(), names))
    return islice(groups, 2) if is_first_reading else groups


def uncommon(output: Side, input_: Side, requests: np.ndarray, common: frozenset[str] | None) -> dict[int, str]:
    """The requests that have a column beyond the common ones, if there is a bound."""
    if common is None:
        return {}
    return {int(i): RARE for i in requests if not output.valued(i) | input_.valued(i) <= common}


def clashing(output: Side, input_: Side, requests: np.ndarray, columns: tuple[list[str], list[str]]) -> dict[int, str]:
    """The requests whose output and input name the same column, which only JSON can."""
    if output.objects is None and input_.objects is None:
        return {}
    twice = output.names(requests, columns[0]) & input_.names(requests, columns[1])
    own = {int(i): output.names([i], columns[0]) & input_.names([i], columns[1]) for i in requests} if twice else {}
    advice = "is in both output and input; rename one, or use a preprocessing script"
    return {i: f"'{min(names)}' {advice}" for i, names in own.items() if names}


def side_by_side(
    output: Side, input_: Side, requests: np.ndarray, columns: tuple[list[str], list[str]], outputs_last: bool
) -> dict[str, pa.Array]:
    """The columns of requests, one side after the other. An output may share its name with another request's input."""
    sides = [output.columns(requests, columns[0]), input_.columns(requests, columns[1])]
    first, second = reversed(sides) if outputs_last else sides
    for name in first.keys() & second.keys():
        first[name] = pc.coalesce(first[name], second[name])
    return first | {name: column for name, column in second.items() if name not in first}


def separated(records: Records) -> Records:
    """The same requests, with the answer of a batch transform that joined it as output, and the rest as input."""
    batch = records.nested("captureData", "batchTransformOutput")
    if batch.null_count == len(batch):
        return records
    texts = pc.struct_field(batch, "data")
    is_json = pc.equal(pc.struct_field(batch, "encoding"), "JSON")
    is_joined = pc.fill_null(pc.and_(is_json, pc.match_substring(texts, f'"{ANSWER}"')), False)
    if not pc.any(is_joined, min_count=0).as_py():
        return records
    pairs = [text and sides_of(text) for text in pc.if_else(is_joined, texts, None).to_pylist()]
    kinds = records.events.type.field("captureData").type
    sides = []
    for field in kinds:
        own = records.nested("captureData", field.name).to_pylist()
        joined = [pair and pair.get(field.name) and {"data": pair[field.name], "encoding": "JSON"} for pair in pairs]
        apart = [side if pair else other for pair, side, other in zip(pairs, joined, own, strict=True)]
        sides.append(pa.array(apart, field.type))
    data = pa.StructArray.from_arrays(sides, fields=list(kinds))
    events = pa.StructArray.from_arrays([data, records.events.field("eventMetadata")], fields=list(records.events.type))
    return replace(records, events=events)


def sides_of(text: str) -> dict[str, str] | None:
    """The answer, and the input if there is one; None if nothing is joined."""
    try:
        rest = members(text.encode())
        answer = rest.pop(ANSWER)
    except (ValueError, KeyError):
        return None
    if answer[:1] not in NESTED:
        answer = object_of({ANSWER: answer})
    if not rest:
        return {"endpointOutput": answer}
    is_whole = list(rest) == [ASKED] and rest[ASKED][:1] in NESTED
    return {"endpointOutput": answer, "endpointInput": rest[ASKED] if is_whole else object_of(rest)}


def lists_of_batch(records: Records) -> set[int]:
    """The requests that are a batch-transform line with a list, which holds one row if its values are single."""
    is_batch = records.nested("captureData", "batchTransformOutput").is_valid()
    texts = pc.utf8_ltrim_whitespace(records.side("endpointOutput", "data"))
    return set(pc.indices_nonzero(pc.and_(is_batch, pc.fill_null(pc.starts_with(texts, "["), False))).to_pylist())


def beside_answer(document: Any) -> Any:
    """The input in a document that joins it with the answer; None in any other."""
    if not isinstance(document, dict) or ANSWER not in document:
        return None
    rest = {name: value for name, value in document.items() if name != ANSWER}
    return rest[ASKED] if list(rest) == [ASKED] and isinstance(rest[ASKED], dict | list) else rest
