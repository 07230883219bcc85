"""Is every request of a capture file read, and every line that is none set aside under its number?"""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
import zlib
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.captures import NO_SIDE, at, line, lines, record

from model_monitor import store
from model_monitor.errors import DataError
from model_monitor.rows import blocks, captures


def read(root: Path) -> tuple[list[dict[str, Any]], list[captures.Rejected]]:
    """All requests below a folder, and what was set aside."""
    events, rejected = [], []
    for block in blocks.blocks(store.list_files(str(root), blocks.SUFFIXES)):
        records = captures.parse(block)
        for event, time in zip(records.events.to_pylist(), records.times.to_pylist(), strict=True):
            events.append(event | {"time": time})
        rejected += records.rejected
    return events, rejected


def ids(events: list[dict[str, Any]]) -> list[str]:
    return [event["eventMetadata"]["eventId"] for event in events]


def put(root: Path, content: bytes, name: str = "a.jsonl") -> Path:
    (root / name).write_bytes(content)
    return root


def test_a_published_record_is_read_as_it_is_written(tmp_path: Path) -> None:
    given = {"observedContentType": "text/csv", "mode": "INPUT", "data": "132,25,,0\n", "encoding": "CSV"}
    one = record("feca1ab1", given, "0.01", "2019-11-20T23:33:12Z", inference="order-000123")
    one["eventMetadata"]["customAttributes"] = ["trace=abc"]
    (event,), rejected = read(put(tmp_path, lines([one])))
    assert not rejected
    assert event["time"] == datetime(2019, 11, 20, 23, 33, 12, tzinfo=UTC)
    assert event["eventMetadata"]["inferenceId"] == "order-000123"
    assert event["captureData"]["endpointInput"]["data"] == "132,25,,0\n"
    output = {name: part for name, part in event["captureData"]["endpointOutput"].items() if part is not None}
    assert output == {"data": "0.01", "encoding": "CSV", "observedContentType": "text/csv"}
    assert event["eventMetadata"]["samplingPercentage"] is None


BAD = {
    "cut off": line(record("x"))[:-20],
    "not JSON": b"hello",
    "not UTF-8": line(record("x")).replace(b"1,a", b"\xff\xfe"),
    "a number": b"7",
    "a list": b"[1]",
    "data is an object": line(record("x")).replace(b'"1,a\\n"', b"{}"),
    "an id that is a number": line(record("x")).replace(b'"x"', b"7"),
    "captureData is a text": line(record("x") | {"captureData": "x"}),
    "no id": line(record("x")).replace(b'"eventId"', b'"other"'),
    "an empty id": line(record("")),
    "a null": b"null",
    "no metadata": b'{"captureData":{}}',
    "no time": line(record("x", time=None)),
    "a time without zone": line(record("x", time="2026-01-05T03:00:00")),
    "a day": line(record("x", time="2026-01-05")),
    "a time that is none": line(record("x", time="yesterday")),
    "a time before all calendars": line(record("x", time="0000-01-01T00:00:00Z")),
    "a time whose shift leaves the calendar": line(record("x", time="0001-01-01T00:00:00+14:00")),
    "half a character in the id": line(record("x")).replace(b'"x"', b'"\\ud800"'),
    "nested too deeply": b"[" * 100_000 + b"]" * 100_000,
}


@pytest.mark.parametrize("bad", BAD.values(), ids=BAD)
def test_a_line_that_is_no_record_is_set_aside_and_no_other_is_lost(tmp_path: Path, bad: bytes) -> None:
    put(tmp_path, b"\n".join([line(record("a")), bad, b"", line(record("b"))]))
    events, rejected = read(tmp_path)
    assert ids(events) == ["a", "b"]
    assert [(Path(one.file).name, one.line) for one in rejected] == [("a.jsonl", 2)]
    assert rejected[0].reason and "\n" not in rejected[0].reason


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("2026-01-05T03:00:00Z", at(0)),
        ("2026-01-05T03:00:00.250Z", at(0) + timedelta(milliseconds=250)),
        ("2026-01-05T03:00:00.000001Z", at(0) + timedelta(microseconds=1)),
        ("2026-01-05T03:00:00.123456789Z", at(0) + timedelta(microseconds=123456)),
        ("2026-01-05T04:30:00+01:30", at(0)),
        ("2026-01-04T19:00:00-0800", at(0)),
        ("2026-01-05 03:00:00+00:00", at(0)),
    ],
)
def test_a_time_means_the_same_beside_times_that_can_be_read_and_that_cannot(
    tmp_path: Path, written: str, meant: datetime
) -> None:
    put(tmp_path, lines([record("a", time=written)]))
    (alone,), _ = read(tmp_path)
    put(tmp_path, lines([record("a", time=written), record("b", time="never")]))
    (beside,), rejected = read(tmp_path)
    assert alone["time"] == beside["time"] == meant
    assert len(rejected) == 1


@pytest.mark.parametrize(
    "content",
    [
        lines([record("a"), record("b")]),
        lines([record("a"), record("b")])[:-1],
        lines([record("a"), record("b")]).replace(b"\n", b"\r\n"),
        b"\n\r\n  \n" + lines([record("a")]) + b"\n\n" + lines([record("b")]) + b"\n \n",
    ],
    ids=["plain", "no final newline", "CRLF", "blank lines"],
)
def test_ends_of_lines_do_not_matter(tmp_path: Path, content: bytes) -> None:
    events, rejected = read(put(tmp_path, content))
    assert (ids(events), rejected) == (["a", "b"], [])
    (tmp_path / "a.jsonl").unlink()
    events, rejected = read(put(tmp_path, gzip.compress(content), "a.jsonl.gz"))
    assert (ids(events), rejected) == (["a", "b"], [])


@pytest.mark.parametrize(
    ("name", "content"),
    [("a.jsonl", b""), ("a.jsonl.gz", b""), ("a.jsonl.gz", gzip.compress(b"")), ("a.jsonl", b"\n\n")],
    ids=["empty", "empty .gz", "gzip of nothing", "blank"],
)
def test_a_file_without_records_holds_none(tmp_path: Path, name: str, content: bytes) -> None:
    assert read(put(tmp_path, content, name)) == ([], [])


def test_members_of_a_gzip_file_follow_one_another(tmp_path: Path) -> None:
    whole = lines(record(str(i)) for i in range(10))
    cut = [whole[:700], whole[700:703], b"", whole[703:]]  # not at the ends of lines
    events, rejected = read(put(tmp_path, b"".join(map(gzip.compress, cut)), "a.jsonl.gz"))
    assert (ids(events), rejected) == ([str(i) for i in range(10)], [])


PACKED = gzip.compress(lines(record(str(i)) for i in range(500)))


@pytest.mark.parametrize(
    "content",
    [PACKED[:-1], PACKED[: len(PACKED) // 2], PACKED[:5], PACKED[:200] + bytes(50) + PACKED[250:], b"\x00plain text"],
    ids=["one byte short", "half", "a part of the header", "damaged", "no gzip"],
)
def test_a_damaged_gzip_file_is_an_error_that_names_it(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(DataError, match=r"a\.jsonl\.gz is damaged"):
        read(put(tmp_path, content, "a.jsonl.gz"))


@pytest.mark.parametrize("name", ["a.jsonl", "a.jsonl.gz"])
def test_lines_keep_their_numbers_in_files_that_are_read_in_pieces(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("model_monitor.rows.blocks.BLOCK_BYTES", 1000)
    content = [line(record(str(i), "x" * (i % 7) * 300)) if i % 5 else b"" for i in range(1, 200)]
    bad = {17: b"no", 18: b"{", 101: line(record("101", time=None)), 198: b"\xff"}
    for number, text in bad.items():
        content[number - 1] = text
    plain = b"\n".join(content)
    (tmp_path / "b.jsonl").write_bytes(plain)
    put(tmp_path, plain if name == "a.jsonl" else gzip.compress(plain), name)
    events, rejected = read(tmp_path)
    assert sorted((Path(one.file).name, one.line) for one in rejected) == sorted(
        (file, number) for file in (name, "b.jsonl") for number in bad
    )
    assert ids(events) == 2 * [str(i) for i in range(1, 200) if i % 5 and i not in bad]


def test_a_payload_of_ten_megabytes_is_one_record_among_others(tmp_path: Path) -> None:
    large = "1,2\n" * 2_500_000
    put(tmp_path, lines([record("a"), record("large", large), record("b")]))
    events, rejected = read(tmp_path)
    assert (ids(events), rejected) == (["a", "large", "b"], [])
    assert events[1]["captureData"]["endpointInput"]["data"] == large


def test_many_lines_set_aside_take_no_longer_than_lines_that_are_read(tmp_path: Path) -> None:
    """Each used to split its whole block anew: minutes for one file."""
    put(tmp_path, lines(record(str(i), time=None) for i in range(20_000)))
    started = datetime.now(UTC)
    events, rejected = read(tmp_path)
    assert (len(events), [one.line for one in rejected]) == (0, list(range(1, 20_001)))
    assert datetime.now(UTC) - started < timedelta(seconds=10)


TEXT = st.text(st.characters(codec="utf-8"), max_size=12)
EXTRA = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(TEXT, inner, max_size=2),
    max_leaves=4,
)
ZONES = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
TIMES = st.one_of(
    st.datetimes(datetime(1900, 1, 1), datetime(2100, 1, 1), timezones=ZONES).map(datetime.isoformat),
    st.datetimes(datetime(1900, 1, 1), datetime(2100, 1, 1)).map(datetime.isoformat),
    st.sampled_from(["2026-01-05T03:00:00Z", "", "soon"]),
)
FLAGS = st.sampled_from([True, False, None, "yes", 1, 0.0, {}, []])
PERCENTAGES = st.one_of(
    st.floats(),
    st.integers(),
    st.sampled_from([20, 0.1, 100, 100.0, 0, -0.0, 120, 5e-324, 2**64, 10**400, None, "20", "", True, [], {}]),
)
SIDES = st.fixed_dictionaries(
    {},
    optional={
        "data": st.none() | TEXT,
        "encoding": st.none() | TEXT,
        "observedContentType": TEXT,
        "mode": TEXT,
        "truncated": FLAGS,
        "withheld": FLAGS,
    },
)
CAPTURED = ("endpointInput", "endpointOutput", "batchTransformOutput")
RECORDS = st.fixed_dictionaries(
    {
        "captureData": st.none()
        | st.fixed_dictionaries({}, optional={name: st.none() | SIDES for name in CAPTURED} | {"x": EXTRA}),
        "eventMetadata": st.fixed_dictionaries(
            {},
            optional={
                "eventId": TEXT,
                "inferenceId": TEXT,
                "inferenceTime": TIMES,
                "customAttributes": EXTRA,
                "samplingPercentage": PERCENTAGES,
            },
        ),
    },
    optional={"eventVersion": EXTRA, "other": EXTRA},
)
LINES = st.one_of(
    st.builds(lambda r, a, s: json.dumps(r, ensure_ascii=a, separators=s).encode(), RECORDS, st.booleans(),
              st.sampled_from([(",", ":"), (", ", " : ")])),
    st.sampled_from([b"", b" \r", b"{", b"\xff"]),
)  # fmt: skip


@given(st.lists(LINES, max_size=6))
def test_reading_column_by_column_is_reading_line_by_line(content: list[bytes]) -> None:
    block = blocks.Block([blocks.Piece("a.jsonl", 1, b"\n".join(content))])
    fast, slow = captures.parse(block), captures.parse_line_by_line(block)
    assert fast.events.to_pylist() == slow.events.to_pylist()
    assert fast.times.to_pylist() == slow.times.to_pylist()
    assert list(fast.places) == list(slow.places)
    assert [(r.line, r.reason, r.time) for r in fast.rejected] == [(r.line, r.reason, r.time) for r in slow.rejected]


@given(st.lists(st.sampled_from([b"a", b"\n", b"bc\n", b"\n\n"]), max_size=30).map(b"".join), st.integers(1, 9))
def test_a_file_in_pieces_is_the_file(content: bytes, size: int) -> None:
    """Whatever the size of a piece, plain or packed in several members."""
    import tempfile

    numbered = [(i + 1, text) for i, text in enumerate(content.split(b"\n")) if text.strip()]
    with pytest.MonkeyPatch.context() as patch, tempfile.TemporaryDirectory() as folder:
        patch.setattr("model_monitor.rows.blocks.BLOCK_BYTES", size)
        middle = len(content) // 2
        put(Path(folder), content, "a.jsonl")
        put(Path(folder), gzip.compress(content[:middle]) + gzip.compress(content[middle:]), "b.jsonl.gz")
        for file in store.list_files(folder):
            read = list(blocks.blocks([file]))
            assert [(number, text) for block in read for _, number, text in block.lines] == numbered


def test_compressible_data_is_unpacked_piece_by_piece(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("model_monitor.rows.blocks.BLOCK_BYTES", 64)
    content = lines(record(str(i), "0," * 5000) for i in range(3))
    packed = gzip.compress(content)
    assert zlib.decompress(packed, 31) == content and len(packed) < len(content) / 50
    events, rejected = read(put(tmp_path, packed, "a.jsonl.gz"))
    assert (ids(events), rejected) == (["0", "1", "2"], [])


def test_a_side_that_was_not_captured_is_missing(tmp_path: Path) -> None:
    (event,), _ = read(put(tmp_path, lines([record("a", NO_SIDE, "0.5")])))
    assert not (event["captureData"]["endpointInput"] or {}).get("data")


ALONE = """
import sys
from model_monitor.rows import blocks, captures
records = captures.parse(blocks.Block([blocks.Piece("a.jsonl", 1, sys.stdin.buffer.read())]))
print(records.metadata("eventId").to_pylist(), [one.line for one in records.rejected])
"""


@pytest.mark.parametrize("first", [b"null", b" null\r", b"3"])
def test_a_line_that_is_no_object_is_set_aside_whatever_comes_after_it(first: bytes) -> None:
    """In a process of its own: Arrow's reader (26.0) ends it by a segmentation fault on a null that comes first."""
    content = lines([first, record("b")])
    told = subprocess.run([sys.executable, "-c", ALONE], input=content, capture_output=True, timeout=60, check=False)
    assert (told.returncode, told.stdout.decode().strip()) == (0, "['b'] [1]"), told.stderr.decode()[-500:]


@pytest.mark.parametrize("name", ["a.jsonl", "a.jsonl.gz"])
def test_a_line_that_would_fill_the_memory_is_given_up_and_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    for size, value in (("BLOCK_BYTES", 1000), ("LINE_BYTES", 5000)):
        monkeypatch.setattr(f"model_monitor.rows.blocks.{size}", value)
    content = lines([record("a"), b"0" * 20_000, record("b")])
    put(tmp_path, gzip.compress(content) if name.endswith("gz") else content, name)
    with pytest.raises(DataError, match=r"line 2 is longer than .* MB; write a record per line, or remove the file"):
        read(tmp_path)
