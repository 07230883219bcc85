"""Tables of requests read by the names of their columns: the same traffic as in capture files gives the same rows."""

from __future__ import annotations

import csv
import io
import json
import sys
import tempfile
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_URL, uuid5

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.captures import HOUR, at, endpoint_file, lines, record, written
from support.truths import collect as write_labels
from support.truths import truth

from model_monitor import jobs, store
from model_monitor.config.execution import Execution
from model_monitor.core.window import Window, iso
from model_monitor.errors import ConfigError, DataError
from model_monitor.rows import blocks, captures
from model_monitor.rows.collect import Span, collect
from model_monitor.rows.payloads import payload
from model_monitor.rows.sources import table_rows
from model_monitor.rows.sources.mapping import TableColumns, moment_of, preset
from model_monitor.rows.sources.tables import Table

WINDOW = Window(at(0), at(60))
COLUMNS = TableColumns("ts", event_id="id", inference_id="order", inputs=("age", "city"), outputs=("score",))
MAPPING = {"event_time": "ts", "event_id": "id", "inputs": ["age", "city"], "outputs": ["score"]}


def parquet_of(blocks: Iterable[blocks.Block], names: Any = None) -> list[dict[str, Any]]:
    """What the collected file of all requests in some blocks holds."""
    some = list(blocks)
    with tempfile.TemporaryDirectory() as folder:
        target = str(Path(folder) / "rows.parquet")
        decode = lambda records: payload.decode(records, names or payload.Names())  # noqa: E731
        collect(lambda work: map(work, some), decode, [Span(None, target, {"files": []})], lambda file: 0)
        rows: list[dict[str, Any]] = pq.read_table(target).to_pylist()
    return sorted(rows, key=lambda row: str(row["@event_id"]))


def table(path: Path, rows: list[dict[str, Any]], format: str, **settings: Any) -> Path:
    """A file of a table in a format; times are told as Parquet's timestamps, or ISO 8601."""
    if format == "parquet":
        pq.write_table(pa.Table.from_pylist(rows, **settings), path)
        return path
    texts = [{k: iso(v) if isinstance(v, datetime) else v for k, v in row.items()} for row in rows]
    if format == "jsonl":
        path.write_bytes(lines(texts))
        return path
    stream = io.StringIO(newline="")
    writer = csv.DictWriter(stream, list(texts[0]) if texts else ["id", "order", "ts", "age", "city", "score"])
    writer.writeheader()
    writer.writerows(texts)
    path.write_bytes(stream.getvalue().encode())
    return path


def read(
    path: Path, format: str, columns: TableColumns = COLUMNS, window: Window | None = None, **of: Any
) -> Iterator[Any]:
    return table_rows.blocks(store.list_files(str(path)), Table("", columns, format, **of), window)


def records(path: Path, format: str, columns: TableColumns = COLUMNS, **of: Any) -> list[dict[str, Any]]:
    return [json.loads(line) for block in read(path, format, columns, **of) for _, _, line in block.lines]


def table_file(root: Path, mapping: Any = None, format: str = "jsonl", **source: Any) -> str:
    at_table = {"kind": "table", "uri": str(root / "log"), "format": format, "mapping": mapping or MAPPING}
    return endpoint_file(root, capture=at_table | source)


def collected(file: str, window: Window = WINDOW) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    found = json.loads(store.read(jobs.collect_window(Execution.of(file, "dq", window))))
    return [row for address in found["partitions"] for row in pq.read_table(address).to_pylist()], found


texts = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), min_size=1, max_size=6)
ages = st.one_of(st.none(), st.integers(-(2**53), 2**53))
scores = st.floats(1e-3, 1e9)
cities = st.one_of(
    st.none(), texts, st.sampled_from(['"', ",", "5", "5.0", "true", "null", "2026-01-05", "\n", '{"a":1}'])
)
requests = st.lists(
    st.tuples(ages, cities, scores, st.one_of(st.none(), texts), st.integers(0, 3_599_999_999)), max_size=8
)


@settings(max_examples=60, deadline=None)
@given(requests, st.sampled_from(["csv", "jsonl", "parquet"]))
def test_a_table_and_capture_files_of_the_same_requests_give_the_same_rows(asked: list[Any], format: str) -> None:
    captured, rows = [], []
    for i, (age, city, score, order, micros) in enumerate(asked):
        time = HOUR + timedelta(microseconds=micros)
        captured.append(record(f"e{i}", {"age": age, "city": city}, {"score": score}, time, order))
        rows.append({"id": f"e{i}", "order": order, "ts": time, "age": age, "city": city, "score": score})
    schema = {"ts": pa.timestamp("us", "UTC"), "age": pa.int64(), "score": pa.float64()}
    schema |= dict.fromkeys(("id", "order", "city"), pa.string())
    with tempfile.TemporaryDirectory() as folder:
        capture_file = Path(folder) / "c.jsonl"
        capture_file.write_bytes(lines(captured))
        more = {"schema": pa.schema(list(schema.items()))} if format == "parquet" else {}
        path = table(Path(folder) / f"t.{format}", rows, format, **more)
        expected = parquet_of(blocks.blocks(store.list_files(str(capture_file))))
        assert parquet_of(read(path, format)) == expected


@pytest.mark.parametrize("format", ["csv", "jsonl", "parquet"])
def test_a_record_is_as_an_endpoint_would_have_logged_it(tmp_path: Path, format: str) -> None:
    row = {"id": "e1", "order": "o1", "ts": at(1), "age": 30, "city": "ü", "score": 5.0, "share": 0.25, "other": 1}
    path = table(tmp_path / f"a.{format}", [row], format)
    columns = TableColumns("ts", None, "id", "order", ("age", "city"), None, ("score",), None, "share")
    [found] = records(path, format, columns)
    number = {"csv": '{"age":"30","city":"ü"}'}.get(format, '{"age":30,"city":"ü"}')
    assert found["captureData"]["endpointInput"] == {
        "observedContentType": "application/json", "mode": "INPUT", "data": number, "encoding": "JSON"
    }  # fmt: skip
    assert found["eventMetadata"] == {
        "eventId": "e1", "inferenceId": "o1", "samplingPercentage": 25.0, "inferenceTime": written(at(1))
    }  # fmt: skip


# As Databricks documents its inference tables: those of custom models first, then those behind its AI gateway.
LEGACY = {"databricks_request_id": "d1", "client_request_id": None, "date": "2026-01-05", "timestamp_ms": 1767582000123,
          "status_code": 200, "sampling_fraction": 0.5, "execution_time_ms": 12,
          "request": '{"dataframe_split": {"columns": ["age", "city"], "data": [[30, "rome"], [31, null]]}}',
          "response": '{"predictions": [0.5, 1.0]}', "request_metadata": {"model_name": "churn"}}  # fmt: skip
GATEWAY = {"request_date": "2026-01-05", "databricks_request_id": "d2", "client_request_id": "order-7",
           "request_time": at(10), "status_code": 200, "sampling_fraction": 1.0, "execution_duration_ms": 12,
           "request": '{"dataframe_records": [{"age": 32, "city": "oslo"}]}', "response": '{"predictions": [0.25]}',
           "served_entity_id": "s", "logging_error_codes": [], "requester": "me"}  # fmt: skip


@pytest.mark.parametrize("format", ["jsonl", "parquet"])
def test_inference_tables_of_databricks_are_read_as_they_are(tmp_path: Path, format: str) -> None:
    columns = TableColumns(**{k: tuple(v) if isinstance(v, list) else v for k, v in preset("databricks").items()})
    failed = LEGACY | {"databricks_request_id": "d3", "status_code": 500, "response": None}
    (tmp_path / "log").mkdir()
    for name, rows in {"a": [LEGACY, failed], "b": [GATEWAY]}.items():
        table(tmp_path / f"log/{name}.{format}", rows, format)
    found = records(tmp_path / "log", format, columns)
    time = {"samplingPercentage": 50.0, "inferenceTime": "2026-01-05T03:00:00.123000Z", "latencyMs": 12.0}
    assert [one["eventMetadata"] for one in found] == [
        {"eventId": "d1", **time, "statusCode": 200},
        {"eventId": "d3", **time, "statusCode": 500, "failed": True},
        {"eventId": "d2", "inferenceId": "order-7", "inferenceTime": "2026-01-05T03:10:00Z",
         "latencyMs": 12.0, "statusCode": 200},
    ]  # fmt: skip
    assert [list(one["captureData"]) for one in found][1] == []
    columns_of = {"outputs": ["score"], "inputs": ["age", "city"]}
    source = {"kind": "table", "uri": str(tmp_path / "log"), "format": format, "mapping": "databricks"}
    rows, told = collected(endpoint_file(tmp_path, capture=source, columns=columns_of))
    assert [(row["age"], row["city"], row["score"]) for row in rows] == [
        ("30", "rome", "0.5"), ("31", None, "1.0"), ("32", "oslo", "0.25")
    ]  # fmt: skip
    assert (told["records"], told["rejected"]) == (2, 0)


@pytest.mark.parametrize(
    ("given", "unit", "expected"),
    [
        ("2026-01-05T03:00:00Z", None, "2026-01-05T03:00:00Z"),
        ("2026-01-05 04:00:00.5+01:00", None, "2026-01-05T03:00:00.500000Z"),
        ("2026-01-05T03:00:00", None, "2026-01-05T03:00:00Z"),
        (1767582000, None, "2026-01-05T03:00:00Z"),
        (1767582000.25, None, "2026-01-05T03:00:00.250000Z"),
        ("1767582000.25", None, "2026-01-05T03:00:00.250000Z"),
        (1767582000123, None, "2026-01-05T03:00:00.123000Z"),
        ("1767582000123", None, "2026-01-05T03:00:00.123000Z"),
        (1767582000123456, None, "2026-01-05T03:00:00.123456Z"),
        (1767582000123456789, None, "2026-01-05T03:00:00.123456Z"),
        (5, "ms", "1970-01-01T00:00:00.005000Z"),
        (1767582000, "s", "2026-01-05T03:00:00Z"),
        (None, None, None),
        ("soon", None, "soon"),
        (float("nan"), None, "nan"),
        (10**30, None, str(10**30)),
        (True, None, "True"),
        ([], None, "[]"),
    ],
)
def test_a_moment_is_read_from_text_or_epoch(given: Any, unit: str | None, expected: str | None) -> None:
    assert moment_of(given, unit) == expected


def test_rows_that_tell_no_time_no_columns_or_no_text_are_set_aside_with_their_line_and_counted_once(
    tmp_path: Path,
) -> None:
    (tmp_path / "log").mkdir()
    content = b"id,ts,age,city,score\ne1,2026-01-05T03:05:00Z,30,a,0.5\n\ne2,soon,30,a,0.5\ne3,,30,a,0.5\n"
    content += b"e4,2026-01-05T03:05:00Z,30,a\ne5,2026-01-05T03:05:00Z,30,\xff,0.5\ne6,2026-01-05T04:05:00Z,31,b,0.6\n"
    (tmp_path / "log/a.csv").write_bytes(content)
    file = table_file(tmp_path, format="csv")
    path = Path(file)
    path.write_text(path.read_text().replace('"monitor"', '"max_rejected": 1, "monitor"'))
    rows, told = collected(file, Window(at(-120), at(120)))
    assert [row["@event_id"] for row in rows] == ["e1", "e6"]
    kept = sorted(told["kept"], key=lambda one: one["line"])
    assert [(one["line"], one["reason"]) for one in kept] == [
        (4, "ts: 'soon' is no ISO 8601 time and no epoch"),
        (5, "ts is missing"),
        (6, "4 values, but the first row has 5"),
        (7, "not UTF-8"),
    ]
    assert "e4,2026" in kept[2]["record"]


@pytest.mark.parametrize("format", ["csv", "jsonl", "parquet"])
def test_a_table_in_which_no_row_tells_its_time_fails_wherever_it_is_read(tmp_path: Path, format: str) -> None:
    (tmp_path / "log").mkdir()
    table(tmp_path / f"log/a.{format}", [{"id": "e", "ts": "soon", "age": 1, "city": "a", "score": 0.5}], format)
    words = r"1 of 1 records can't be read.*ts: 'soon' is no ISO 8601 time and no epoch"
    with pytest.raises(DataError, match=words):
        jobs.collect_window(Execution.of(table_file(tmp_path, format=format), "dq", WINDOW))


@pytest.mark.parametrize("format", ["csv", "jsonl", "parquet"])
@pytest.mark.parametrize("gone", ["ts", "score", "age"])
def test_a_column_that_is_not_there_is_named_with_those_that_are(tmp_path: Path, format: str, gone: str) -> None:
    row = {"id": "e", "ts": at(1), "age": 1, "city": "a", "score": 0.5}
    del row[gone]
    path = table(tmp_path / f"a.{format}", [row], format)
    columns = TableColumns("ts", inputs=("age",), outputs=("score",))
    with pytest.raises(ConfigError, match=rf"{path.name} has (no column )?{gone}") as raised:
        list(read(path, format, columns, WINDOW))
    assert "city" in str(raised.value)


def test_of_json_lines_a_column_is_missed_only_if_no_request_has_it_however_they_are_cut_into_files(
    tmp_path: Path,
) -> None:
    """A file whose requests all failed, and one without any time, are read as their lines within another file are."""
    whole = [{"id": f"e{i}", "ts": at(i), "age": i, "score": i / 10} for i in range(3)]
    failed = [{"id": f"f{i}", "ts": at(i), "age": i} for i in range(2)]
    timeless = [{"id": "t", "age": 1}]
    mapping = {"event_time": "ts", "event_id": "id", "inputs": ["age"], "outputs": ["score"]}
    found = []
    for cut in ([[*failed, *whole, *timeless]], [failed, whole, timeless]):
        root = tmp_path / str(len(cut))
        (root / "log").mkdir(parents=True)
        for i, rows in enumerate(cut):
            table(root / f"log/{i}.jsonl", rows, "jsonl")
        file = table_file(root, mapping)
        path = Path(file)
        path.write_text(path.read_text().replace('"monitor"', '"max_rejected": 1, "monitor"'))
        rows, told = collected(file)
        found.append((sorted((row["@event_id"], row["score"]) for row in rows), told["rejected"], told["reasons"]))
    assert found[0] == found[1] and len(found[0][0]) == 5 and found[0][1] == 1
    for name in ("a", "b"):
        table(tmp_path / f"{name}.jsonl", failed, "jsonl")
    some = [file for name in ("a", "b") for file in store.list_files(str(tmp_path / f"{name}.jsonl"))]
    with pytest.raises(ConfigError, match=r"a\.jsonl and 1 more has score"):
        list(
            table_rows.blocks(some, Table("", TableColumns("ts", inputs=("age",), outputs=("score",)), "jsonl"), WINDOW)
        )


def test_a_column_that_is_there_twice_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("ts,age,age\n2026-01-05T03:00:00Z,1,2\n")
    with pytest.raises(ConfigError, match="names column age twice"):
        records(tmp_path / "a.csv", "csv", TableColumns("ts", inputs=("age",)))


def test_a_file_that_is_deleted_in_between_is_named(tmp_path: Path) -> None:
    for kind in ("csv", "jsonl", "parquet"):
        path = table(tmp_path / f"a.{kind}", [{"ts": at(1), "age": 1}], kind)
        blocks = read(path, kind, TableColumns("ts", inputs=("age",)))
        path.unlink()
        with pytest.raises(DataError, match="was deleted while it was being read"):
            list(blocks)


def test_labels_name_requests_of_a_table_as_they_do_captured_ones(tmp_path: Path) -> None:
    (tmp_path / "log").mkdir()
    rows = [
        {"id": f"e{i}", "order": f"o{i}" if i % 2 else None, "ts": at(i), "age": i, "score": i / 10} for i in range(10)
    ]
    table(tmp_path / "log/a.parquet", rows, "parquet")
    truths = [truth(f"o{i}" if i % 2 else f"e{i}", str(int(i > 5))) for i in range(9)]
    write_labels(tmp_path / "labels", truths, at(60))
    mapping = {"event_time": "ts", "event_id": "id", "inference_id": "order", "inputs": ["age"], "outputs": ["score"]}
    source = {"kind": "table", "uri": str(tmp_path / "log"), "format": "parquet", "mapping": mapping}
    options = {"problem_type": "BinaryClassification", "probability_attribute": "score"}
    at_labels = {"uri": str(tmp_path / "labels")}
    file = endpoint_file(tmp_path, capture=source, monitor="model_quality", options=options, ground_truth=at_labels)
    jobs.collect_window(Execution.of(file, "dq", WINDOW))
    jobs.merge_ground_truth(Execution.of(file, "dq", WINDOW))
    jobs.compute_metrics(Execution.of(file, "dq", WINDOW))
    jobs.evaluate_constraints(Execution.of(file, "dq", WINDOW))
    report = json.loads((tmp_path / "out/churn/dq/2026/01/05/04/statistics.json").read_text())
    assert report["binary_classification_metrics"]["auc"]["value"] == 1.0
    [left] = (tmp_path / "out/merge/churn/AllTraffic/2026/01/05/03").iterdir()
    [first, *others] = map(json.loads, left.read_text().splitlines())
    assert len(others) == 8 and first["eventMetadata"] == {"eventId": "e0", "inferenceTime": written(at(0))}
    assert first["captureData"]["endpointOutput"]["data"] == '{"score":0.0}'


def test_a_row_without_an_id_is_named_by_its_place(tmp_path: Path) -> None:
    rows = [{"ts": at(i), "age": i, "score": 0.5} for i in range(3)]
    for kind, header in (("csv", 1), ("jsonl", 0), ("parquet", 0)):
        path = table(tmp_path / f"a.{kind}", rows, kind)
        found = records(path, kind, TableColumns("ts", inputs=("age",)))
        ids = [str(uuid5(NAMESPACE_URL, f"{path}#{i + 1 + header}")) for i in range(3)]
        assert [one["eventMetadata"]["eventId"] for one in found] == ids


def test_a_payload_in_one_column_may_be_json_text_csv_or_nested(tmp_path: Path) -> None:
    rows: list[dict[str, Any]] = [
        {"ts": at(1), "in": '{"age": 5.0}', "out": "0.5"},
        {"ts": at(2), "in": {"age": 5.0}, "out": 0.5},
        {"ts": at(3), "in": "30,rome", "out": None},
    ]
    path = table(tmp_path / "a.jsonl", rows, "jsonl")
    found = records(path, "jsonl", TableColumns("ts", request="in", response="out"))
    sides = [one["captureData"] for one in found]
    asked = [(one["endpointInput"]["data"], one["endpointInput"]["encoding"]) for one in sides]
    assert asked == [('{"age": 5.0}', "JSON"), ('{"age":5.0}', "JSON"), ("30,rome", "CSV")]
    answers = [one.get("endpointOutput", {}).get("data") for one in sides]
    assert answers == ["0.5", "0.5", None]
    pq.write_table(pa.table({"ts": [at(2)], "in": [{"age": 5.0, "tags": ["a"]}]}), tmp_path / "a.parquet")
    [nested] = records(tmp_path / "a.parquet", "parquet", TableColumns("ts", request="in"))
    assert nested["captureData"]["endpointInput"]["data"] == '{"age":5.0,"tags":["a"]}'


@pytest.mark.parametrize(("path", "count"), [("%Y/%m/%d/%H", 3), ("date=%Y-%m-%d", 1), (None, 4)])
def test_a_folder_of_an_hour_or_a_day_is_found_by_its_template(tmp_path: Path, path: str | None, count: int) -> None:
    """And only the folders near the window are read."""
    for hours in (-30, -1, 0, 1):
        time = at(60 * hours + 5)
        folder = tmp_path / "log" / (time.strftime(path) if path else "all")
        folder.mkdir(parents=True, exist_ok=True)
        row = {"id": f"e{hours}", "ts": time, "age": 1, "city": "a", "score": 0.5}
        name = folder / ("all.jsonl" if path == "date=%Y-%m-%d" else f"{hours}.jsonl")
        name.write_bytes((name.read_bytes() if name.exists() else b"") + lines([row | {"ts": iso(time)}]))
    rows, told = collected(table_file(tmp_path, **({"path": path} if path else {})))
    assert [row["@event_id"] for row in rows] == ["e0"]
    assert len(told["inputs"]) == count


def test_of_parquet_only_what_may_hold_the_window_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the statistics of files and row groups; another file far away does not make an hour's rows anew."""
    (tmp_path / "log").mkdir()
    rows = [{"id": f"e{i}", "ts": at(i), "age": i, "city": "a", "score": 0.5} for i in range(240)]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "log/a.parquet", row_group_size=10)
    far = [row | {"id": "far", "ts": at(6000)} for row in rows[:1]]
    pq.write_table(pa.Table.from_pylist(far), tmp_path / "log/b.parquet")
    file = table_file(tmp_path, format="parquet")
    seen: list[int] = []
    translated = table_rows.translated
    monkeypatch.setattr(table_rows, "translated", lambda *given: seen.append(given[-1]) or translated(*given))
    found, told = collected(file)
    assert [row["@event_id"] for row in found] == [f"e{i}" for i in range(60)] and seen == list(range(1, 61))
    assert [Path(one["file"]).name for one in told["inputs"]] == ["a.parquet"]
    pq.write_table(pa.Table.from_pylist(far * 2), tmp_path / "log/c.parquet")
    assert collected(file)[1]["partitions"] == told["partitions"] and len(seen) == 60  # nothing was read
    pq.write_table(pa.Table.from_pylist(rows[5:6]), tmp_path / "log/d.parquet")
    assert collected(file)[1]["duplicates"] == 1


@pytest.mark.parametrize("zone", [None, "UTC", "Europe/Rome"])
@pytest.mark.parametrize("unit", ["ms", "us", "ns"])
def test_statistics_tell_the_same_moments_as_the_rows(tmp_path: Path, zone: str | None, unit: str) -> None:
    times = pa.array([at(1), at(2)], pa.timestamp("us", "UTC")).cast(pa.timestamp(unit, zone))
    pq.write_table(pa.table({"ts": times, "age": [1, 2]}), tmp_path / "a.parquet")
    columns = TableColumns("ts", inputs=("age",))
    inside = list(read(tmp_path / "a.parquet", "parquet", columns, Window(at(1), at(2))))
    found = [json.loads(line)["eventMetadata"]["inferenceTime"] for block in inside for _, _, line in block.lines]
    assert found == [iso(at(1))]
    assert not list(read(tmp_path / "a.parquet", "parquet", columns, Window(at(3), at(4))))


def test_a_delta_table_says_which_package_reads_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "log/_delta_log").mkdir(parents=True)
    (tmp_path / "log/_delta_log/00000000000000000000.json").write_text("{}")
    table(tmp_path / "log/a.parquet", [{"id": "e1", "ts": at(1), "age": 1, "city": "a", "score": 0.5}], "parquet")
    monkeypatch.setitem(sys.modules, "deltalake", None)  # as if it were not installed
    with pytest.raises(ConfigError, match=r"log is a Delta table; to read it, pip install 'deltalake>="):
        jobs.collect_window(Execution.of(table_file(tmp_path, format="parquet"), "dq", WINDOW))


def test_a_damaged_file_of_a_table_is_named(tmp_path: Path) -> None:
    (tmp_path / "log").mkdir()
    (tmp_path / "log/a.parquet").write_bytes(b"PAR1")
    with pytest.raises(DataError, match=r"a\.parquet can't be read as Parquet"):
        jobs.collect_window(Execution.of(table_file(tmp_path, format="parquet"), "dq", WINDOW))


def test_half_characters_and_numbers_that_json_does_not_know_harm_no_other_row(tmp_path: Path) -> None:
    rows = [b'{"ts": "2026-01-05T03:00:00Z", "age": NaN}', b'{"ts": "2026-01-05T03:00:00Z", "age": "\\ud800"}']
    (tmp_path / "a.jsonl").write_bytes(lines([*rows, b"[1]", b'{"ts"', {"ts": "2026-01-05T03:00:00Z", "age": 5}]))
    blocks = list(read(tmp_path / "a.jsonl", "jsonl", TableColumns("ts", inputs=("age",))))
    parsed = [captures.parse(block) for block in blocks]
    found = [payload.decode(some, payload.Names()) for some in parsed]
    assert [row for made, _ in found for some in made for row in some.columns.to_pylist()] == [
        {"age": "NaN"},
        {"age": "5"},
    ]
    assert sorted(one.line for some in parsed for one in some.rejected) + [
        one.line for _, rejected in found for one in rejected
    ] == [3, 4, 2]


def test_what_is_nested_beyond_measure_harms_no_other_row(tmp_path: Path) -> None:
    deep = b"[" * 100_000 + b"]" * 100_000
    rows = [b'{"ts":"2026-01-05T03:00:00Z","a":%b}' % deep, b'{"ts":%b,"a":1}' % deep, deep]
    (tmp_path / "a.jsonl").write_bytes(lines([*rows, {"ts": "2026-01-05T03:00:00Z", "a": 5}]))
    for columns in (TableColumns("ts", inputs=("a",)), TableColumns("ts", request="a")):
        parsed = [captures.parse(block) for block in read(tmp_path / "a.jsonl", "jsonl", columns)]
        found = [payload.decode(some, payload.Names()) for some in parsed]
        assert sum(rows.columns.num_rows for made, _ in found for rows in made) == 1
        assert sum(len(some.rejected) for some in parsed) + sum(len(rejected) for _, rejected in found) == 3


def test_times_without_a_zone_are_utc(tmp_path: Path) -> None:
    pq.write_table(pa.table({"ts": [datetime(2026, 1, 5, 3)], "age": [1]}), tmp_path / "a.parquet")
    [one] = records(tmp_path / "a.parquet", "parquet", TableColumns("ts", inputs=("age",)))
    assert one["eventMetadata"]["inferenceTime"] == written(datetime(2026, 1, 5, 3, tzinfo=UTC))


def test_a_year_that_nobody_lives_in_is_no_time(tmp_path: Path) -> None:
    times = pa.array([0, 2**62], pa.timestamp("us", "UTC"))
    pq.write_table(pa.table({"ts": times, "age": [1, 2]}), tmp_path / "a.parquet")
    found = records(tmp_path / "a.parquet", "parquet", TableColumns("ts", inputs=("age",)))
    assert [one["eventMetadata"].get("inferenceTime") for one in found] == ["1970-01-01T00:00:00Z", None]


STATUSES = [(200, True), (204.0, True), ("200", True), ("200.0", True), ("201.0", True), (None, True), (500, False)]
STATUSES += [("404.0", False), (100, False), (300, False), (0, False)]


@pytest.mark.parametrize("format", ["csv", "jsonl", "parquet"])
def test_only_requests_of_another_status_than_2xx_failed(tmp_path: Path, format: str) -> None:
    """However the number is written; a request that tells no status did not."""
    for i, (status, is_kept) in enumerate(STATUSES):
        kind = {"type": pa.string()} if isinstance(status, str) else {}
        row = {"ts": at(1), "age": 1, "http": status}
        path = table(tmp_path / f"{i}.{format}", [row], format) if format != "parquet" else tmp_path / f"{i}.parquet"
        if format == "parquet":
            pq.write_table(pa.table({"ts": [at(1)], "age": [1], "http": pa.array([status], **kind)}), path)
        found = records(path, format, TableColumns("ts", inputs=("age",), status="http"))
        [about] = [one["eventMetadata"] for one in found]
        assert (status, about.get("failed", False)) == (status, not is_kept)
        assert about.get("statusCode") == (None if status is None else int(float(status)))


@pytest.mark.parametrize("format", ["csv", "jsonl", "parquet"])
def test_a_latency_is_told_in_milliseconds_and_may_be_missing(tmp_path: Path, format: str) -> None:
    rows = [{"ts": at(1), "age": 1, "took": took} for took in (0.25, 2, None)]
    path = table(tmp_path / f"a.{format}", rows, format)
    columns = TableColumns("ts", inputs=("age",), latency=("other", "took"), latency_unit="s")
    found = [one["eventMetadata"].get("latencyMs") for one in records(path, format, columns)]
    assert found == [250.0, 2000.0, None]
    gone = TableColumns("ts", inputs=("age",), latency=("other",))
    assert all("latencyMs" not in one["eventMetadata"] for one in records(path, format, gone))
    if format != "jsonl":
        with pytest.raises(ConfigError, match="has no column other"):
            records(path, format, TableColumns("ts", inputs=("age",), latency="other"))


def test_a_status_that_is_nan_is_none(tmp_path: Path) -> None:
    columns = TableColumns("ts", inputs=("age",), status="http")
    pq.write_table(pa.table({"ts": [at(1)], "age": [1], "http": [float("nan")]}), tmp_path / "a.parquet")
    (tmp_path / "a.jsonl").write_bytes(b'{"ts":"2026-01-05T03:00:00Z","age":1,"http":NaN}')
    (tmp_path / "a.csv").write_text("ts,age,http\n2026-01-05T03:00:00Z,1,NaN\n")
    for kind in ("csv", "jsonl", "parquet"):
        assert len(records(tmp_path / f"a.{kind}", kind, columns)) == 1


@pytest.mark.parametrize("status", ["OK", "true", "inf", "2xx"])
@pytest.mark.parametrize("format", ["csv", "jsonl", "parquet"])
def test_a_status_that_is_no_number_is_set_aside_in_its_hour(tmp_path: Path, format: str, status: str) -> None:
    path = table(tmp_path / f"a.{format}", [{"ts": at(1), "age": 1, "http": status}], format)
    [block] = read(path, format, TableColumns("ts", inputs=("age",), status="http"))
    [found] = captures.parse(block).rejected
    assert found.time == at(1) and found.reason.startswith("http is no HTTP status; name a column of numbers")


SHARES: list[tuple[Any, float | None]] = [(0.25, 25.0), ("0.07", 7.0), (1e-13, 1e-11), (1, None), (1.0, None)]
SHARES += [(None, None), (20, 2000.0), (0, 0.0), (-1, -100.0), ("twenty", 0.0), ("NaN", 0.0), ("inf", 0.0)]


@pytest.mark.parametrize("format", ["csv", "jsonl"])
@pytest.mark.parametrize(("share", "percentage"), SHARES)
def test_a_share_is_written_as_a_percentage_and_what_is_none_is_set_aside(
    tmp_path: Path, format: str, share: Any, percentage: float | None
) -> None:
    path = table(tmp_path / f"a.{format}", [{"ts": at(1), "age": 1, "share": share}], format)
    [block] = read(path, format, TableColumns("ts", inputs=("age",), sampling="share"))
    assert json.loads(block.lines[0][2])["eventMetadata"].get("samplingPercentage") == percentage
    is_fine = percentage is None or 0 < percentage <= 100
    reasons = [one.reason for one in captures.parse(block).rejected]
    assert reasons == ([] if is_fine else ["eventMetadata.samplingPercentage is no number above 0 and up to 100"])


def test_a_share_that_is_nan_is_set_aside(tmp_path: Path) -> None:
    pq.write_table(pa.table({"ts": [at(1)], "age": [1], "share": [float("nan")]}), tmp_path / "a.parquet")
    [block] = read(tmp_path / "a.parquet", "parquet", TableColumns("ts", inputs=("age",), sampling="share"))
    assert len(captures.parse(block).rejected) == 1


@pytest.mark.parametrize("format", ["jsonl", "parquet"])
@pytest.mark.parametrize(
    ("given", "name"),
    [(7.0, "7"), (7, "7"), (-0.0, "0"), (7.5, "7.5"), (2.0**53, "9007199254740992"), (1e300, "1e300"), ("7.0", "7.0")],
)
def test_whole_numbers_that_name_requests_are_written_as_labels_write_them(
    tmp_path: Path, format: str, given: Any, name: str
) -> None:
    """As floats, which pandas makes of whole numbers where one is missing."""
    path = table(tmp_path / f"a.{format}", [{"id": given, "order": given, "ts": at(1), "age": 7.0}], format)
    [found] = records(path, format, TableColumns("ts", event_id="id", inference_id="order", inputs=("age",)))
    assert (found["eventMetadata"]["eventId"], found["eventMetadata"]["inferenceId"]) == (name, name)
    assert found["captureData"]["endpointInput"]["data"] == '{"age":7.0}'


def test_an_id_that_is_nan_is_none(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_bytes(b'{"ts":"2026-01-05T03:00:00Z","age":1,"id":NaN,"order":NaN}')
    [found] = records(tmp_path / "a.jsonl", "jsonl", TableColumns("ts", None, "id", "order", ("age",)))
    about = found["eventMetadata"]
    assert about["eventId"] == str(uuid5(NAMESPACE_URL, f"{tmp_path}/a.jsonl#1")) and "inferenceId" not in about


@pytest.mark.parametrize("header", [b"ts,\xe4ge\n", '"ts","äge'.encode() + b'"x,age\n', "ts,age\n".encode("utf-16")])
def test_a_header_that_cannot_be_read_is_refused_and_no_row_is_taken_for_it(tmp_path: Path, header: bytes) -> None:
    (tmp_path / "a.csv").write_bytes(header + b"2026-01-05T03:00:00Z,SECRET\n")
    with pytest.raises(DataError, match=r"a\.csv line 1: the header can't be read as CSV in UTF-8") as refused:
        records(tmp_path / "a.csv", "csv", TableColumns("ts", inputs=("age",)))
    assert "SECRET" not in str(refused.value)


def test_without_a_header_a_first_row_that_cannot_be_read_is_set_aside(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b"2026-01-05T03:00:00Z,\xff\n2026-01-05T03:00:00Z,5\n")
    [block] = read(tmp_path / "a.csv", "csv", TableColumns("_c0", inputs=("_c1",)), header=False)
    parsed = captures.parse(block)
    assert (len(parsed), [one.reason for one in parsed.rejected]) == (1, ["not UTF-8"])
