"""Change a good file as mistakes, broken disks and hostile hands do: bytes of any format, and values of some."""

from __future__ import annotations

import gzip
import io
import json
import random
from collections.abc import Callable
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
import yaml

from model_monitor.core.states.base import compressed, plain_of

DEEP, RAW = 50_000, "@raw@"
PIECES = [
    *(b'"', b"'", b",", b";", b"\t", b"\n", b"\r", b"\r\n", b"\n\n", b"\x00", b"\xff\xfe", b"\xef\xbb\xbf", b"\x1b[2J"),
    *(b"{", b"}", b"[", b"]", b":", b"\\", b"\\u0000", b"\\ud800", b"\xed\xa0\x80", b"NaN", b"-Infinity", b"1e999"),
    *(b"null", b"true", b"-1", b"9" * 400, b"&a ", b"*a ", b"!!int ", b"- ", b"---\n", b"<<: ", b"${HOME}", b"#", b"%"),
    *(
        b'""',
        b'"a,b',
        b"2026-13-01",
        b"9999-12-31T23:59:59Z",
        b"\xe2\x80\xa8",
        b"=1+1",
        b"../../",
        b"0x1F",
        b"x" * 70_000,
    ),
]
PAGE = b"<!DOCTYPE html><html><head><title>Sign in</title></head><body>token=hunter2</body></html>\n"
VALUES: list[Any] = [
    *(None, True, False, 0, -1, 1, 2**31, 2**63, 2**64, -(2**63) - 1, 0.5, -0.0, 1e308, 5e-324, float("nan")),
    *(float("inf"), -float("inf"), "", " ", "NaN", "a", "A" * 100_000, "\ud800", "\x00", "a\nb\x1b[2J", "é", "'", '"'),
    *("1", "0.5", "-1", "1e999", "9" * 5000, "2026-13-01T00:00:00Z", "9999-12-31T23:59:59Z", "0001-01-01", "PT0S"),
    *("../../x", "s3://", "..", "/", "text/csv", "BASE64", "JSON", "CSV", "null", "@event_id", "${X}", "0 0 30 2 *"),
    *([], {}, [[]], [None], {"": {}}, [1, 2], ["a", "b"], {"a": 1}, [[1], [2, 3]], [{}], {"a": {"a": {"a": []}}}),
]
RAWS = [
    "[" * DEEP,
    "[" * DEEP + "]" * DEEP,
    '{"a":' * DEEP + "1" + "}" * DEEP,
    "1" + "0" * 5000,
    "1e99999",
    "-",
    "NaN",
    "'a'",
]


def mutated(content: bytes, name: str, chance: random.Random, others: list[bytes]) -> bytes:
    """A file's content, changed a little; ``name`` tells the format, ``others`` are files that may take its place."""
    if name.endswith(".gz") and chance.random() < 0.7:
        return gzip.compress(mutated(gzip.decompress(content), name.removesuffix(".gz"), chance, others), mtime=0)
    if chance.random() < 0.05:
        return chance.choice([b"", PAGE, b"\n", b"\x00" * 1000, content * 2, *others])
    by_value = next((change for ending, change in BY_VALUE.items() if name.endswith(ending)), None)
    if by_value and chance.random() < 0.6:
        try:
            return by_value(content, chance)
        except (ValueError, TypeError, KeyError, IndexError, OverflowError, pa.ArrowException, RecursionError):
            pass  # this value has no place in this format
    return spoilt(content, chance)


def spoilt(content: bytes, chance: random.Random) -> bytes:
    """Bytes removed, repeated, flipped, cut off or replaced, at one to three places."""
    changed = bytearray(content)
    for _ in range(chance.choice([1, 1, 1, 2, 3])):
        start = chance.randrange(len(changed) + 1)
        end = start + chance.choice([0, 0, 1, 1, 2, 8, 100])
        kind = chance.random()
        if kind < 0.45:
            changed[start:end] = chance.choice(PIECES)
        elif kind < 0.6:
            changed[start:end] = b""
        elif kind < 0.7:
            changed[start:end] = bytes(changed[start:end]) * chance.choice([2, 50])
        elif kind < 0.85 and start < len(changed):
            changed[start] ^= 1 << chance.randrange(8)
        elif kind < 0.93:
            del changed[start:]
        else:
            changed[start:end] = bytes(chance.randrange(256) for _ in range(chance.choice([1, 4, 40])))
    return bytes(changed)


def bent(tree: Any, chance: random.Random, raw: bool = False) -> Any:
    """Plain data with a value replaced, removed, moved or renamed. ``raw`` allows what only JSON text holds."""
    if not isinstance(tree, (dict, list)) or not tree or chance.random() < 0.03:
        return RAW if raw and chance.random() < 0.15 else chance.choice([*VALUES, [tree], {"a": tree}, str(tree)])
    copy = dict(tree) if isinstance(tree, dict) else list(tree)
    key: Any = chance.choice(list(copy)) if isinstance(copy, dict) else chance.randrange(len(copy))
    kind = chance.random()
    if isinstance(copy[key], (dict, list)) and copy[key] and kind < 0.75:
        copy[key] = bent(copy[key], chance, raw)
    elif kind < 0.75:
        copy[key] = RAW if raw and chance.random() < 0.15 else chance.choice([*VALUES, [copy[key]], str(copy[key])])
    elif kind < 0.88:
        del copy[key]
    elif isinstance(copy, dict):
        copy[chance.choice(["", "a", f" {key}", "x" * 3000, "\ud800", "a\nb", "@a", *copy])] = copy.pop(key)
    else:
        copy.insert(key, copy[chance.randrange(len(copy))])
    return copy


def bent_json(content: bytes, chance: random.Random) -> bytes:
    return text_of(bent(json.loads(content), chance, raw=True), chance)


def text_of(tree: Any, chance: random.Random) -> bytes:
    text = json.dumps(tree, ensure_ascii=chance.random() < 0.8).replace(f'"{RAW}"', chance.choice(RAWS))
    return text.encode("utf-8", "surrogatepass")


def bent_line(content: bytes, chance: random.Random) -> bytes:
    lines = content.splitlines(keepends=True)
    i = chance.randrange(len(lines))
    lines[i] = bent_json(lines[i], chance) + b"\n"
    return b"".join(lines)


def bent_csv(content: bytes, chance: random.Random) -> bytes:
    """A cell, a line or the header of a CSV file changed."""
    lines = content.decode().splitlines()
    i = chance.choice([0, chance.randrange(len(lines))])
    cells = lines[i].split(",")
    k = chance.randrange(len(cells))
    kind = chance.random()
    if kind < 0.6:
        value = chance.choice([v for v in VALUES if not isinstance(v, (list, dict))])
        cells[k] = chance.choice([str(value), f'"{value}', f'"{value}"', f'{cells[k]}"', cells[k - 1]])
    elif kind < 0.8:
        del cells[k]
    else:
        cells.insert(k, cells[k] if chance.random() < 0.5 else "")
    lines[i] = ",".join(cells)
    if chance.random() < 0.2:
        lines.insert(chance.randrange(len(lines)), chance.choice(["", "   ", ",,,,,,,", lines[0], '"']))
    return "\n".join(lines).encode("utf-8", "surrogatepass")


def bent_parquet(content: bytes, chance: random.Random) -> bytes:
    """A column renamed, removed, doubled or of another type, or no rows; the metadata stays."""
    table = pq.read_table(io.BytesIO(content))
    i = chance.randrange(table.num_columns)
    name, column, n = table.column_names[i], table.column(i), table.num_rows
    changed = chance.choice(
        [
            lambda: table.drop_columns([name]),
            lambda: table.slice(0, 0),
            lambda: pa.concat_tables([table, table]),
            lambda: table.set_column(
                i, chance.choice(["", "a", "@a", "\x00", "x" * 3000, *table.column_names]), column
            ),
            lambda: table.append_column(name, column),
            lambda: table.set_column(i, name, pa.nulls(n, chance.choice(TYPES))),
            lambda: table.set_column(i, name, pa.array([chance.choice(CELLS)] * n)),
            lambda: table.set_column(i, name, column.cast(pa.string())),
            lambda: table.set_column(i, name, column.cast(pa.string()).dictionary_encode()),
        ]
    )()
    out = io.BytesIO()
    pq.write_table(changed.replace_schema_metadata(table.schema.metadata), out)
    return out.getvalue()


TYPES = [pa.null(), pa.bool_(), pa.int8(), pa.float16(), pa.binary(), pa.date32(), pa.time64("ns"), pa.duration("s")]
TYPES += [
    pa.timestamp("ns"),
    pa.timestamp("s", "Asia/Tokyo"),
    pa.decimal128(38, 10),
    pa.list_(pa.int8()),
    pa.large_string(),
]
CELLS: list[Any] = [1, -1, 2**63 - 1, 1e308, float("nan"), float("inf"), "", "a", "\x00", b"\xff", True, [1], {"a": 1}]


def bent_yaml(content: bytes, chance: random.Random) -> bytes:
    text = yaml.safe_dump(bent(yaml.safe_load(content), chance), allow_unicode=True, sort_keys=False)
    return text.encode("utf-8", "surrogatepass")


def bent_state(content: bytes, chance: random.Random) -> bytes:
    plain = msgspec.msgpack.encode(bent(msgspec.msgpack.decode(plain_of(content)), chance))
    return compressed(plain)


BY_VALUE: dict[str, Callable[[bytes, random.Random], bytes]] = {
    ".json": bent_json,
    ".jsonl": bent_line,
    ".out": bent_csv,
    ".csv": bent_csv,
    ".parquet": bent_parquet,
    ".yaml": bent_yaml,
    ".mms": bent_state,
}
