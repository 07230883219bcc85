"""Delta tables of requests: read is what the table's log lists, whatever else lies in its folder."""

from __future__ import annotations

import json
import struct
import tempfile
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.captures import HOUR, at
from support.emulators import KEY, azure
from support.seaweed import BUCKET, running
from test_tables import COLUMNS, GATEWAY, LEGACY, WINDOW, collected, parquet_of, table_file

from model_monitor import jobs, store
from model_monitor.config.execution import Execution
from model_monitor.core.window import Window
from model_monitor.errors import ConfigError, DataError, StoreError
from model_monitor.rows.blocks import Block
from model_monitor.rows.sources import delta, mapping, table_rows
from model_monitor.rows.sources.datasets import Dataset
from model_monitor.rows.sources.delta import place_of, storage_options
from model_monitor.rows.sources.mapping import TableColumns, preset
from model_monitor.rows.sources.tables import Table

deltalake = pytest.importorskip("deltalake")

SCHEMA = pa.schema(
    {
        "id": pa.string(),
        "order": pa.string(),
        "ts": pa.timestamp("us", "UTC"),
        "age": pa.int64(),
        "city": pa.string(),
        "score": pa.float64(),
        "day": pa.date32(),
    }
)


def row(i: int, minutes: float | None = None, **more: Any) -> dict[str, Any]:
    moment = at(i % 60 if minutes is None else minutes)
    own = {"id": f"e{i}", "order": None, "ts": moment, "age": i, "city": "a", "score": i / 2, "day": moment.date()}
    return own | more


def written(folder: Path | str, rows: Iterable[dict[str, Any]], mode: str = "append", **more: Any) -> Any:
    made = pa.Table.from_pylist(list(rows), more.pop("schema", SCHEMA))
    deltalake.write_deltalake(str(folder), made, mode=mode, **more)
    return deltalake.DeltaTable(str(folder), storage_options=more.get("storage_options"))


def blocks(folder: Path | str, columns: TableColumns = COLUMNS, window: Window | None = None) -> Iterable[Block]:
    return table_rows.blocks(delta.read(str(folder), columns).files, Table("", columns, "parquet"), window)


def records(folder: Path | str, columns: TableColumns = COLUMNS) -> list[dict[str, Any]]:
    return [json.loads(line) for block in blocks(folder, columns) for _, _, line in block.lines]


def ids(found: Iterable[dict[str, Any]]) -> list[str]:
    return sorted(one["eventMetadata"]["eventId"] for one in found)


def committed(folder: Path, version: int, actions: Sequence[dict[str, Any]]) -> None:
    """A commit as another writer than deltalake makes it."""
    path = folder / f"_delta_log/{version:020d}.json"
    path.write_text("".join(json.dumps(action) + "\n" for action in actions))


def actions_of(folder: Path, version: int = 0) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / f"_delta_log/{version:020d}.json").read_text().splitlines()]


def with_features(*names: str) -> dict[str, Any]:
    some = {"readerFeatures": list(names), "writerFeatures": list(names)}
    return {"protocol": {"minReaderVersion": 3, "minWriterVersion": 7} | some}


Z85 = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#"


def deletion_vector(places: Sequence[int]) -> dict[str, Any]:
    """The 0-based places of deleted rows as Delta's protocol has them in a log: a 64-bit Roaring bitmap in Base85."""
    bitmap = struct.pack("<IIHHI", 12346, 1, 0, len(places) - 1, 16) + struct.pack(f"<{len(places)}H", *sorted(places))
    data = struct.pack("<IQI", 1681511377, 1, 0) + bitmap
    padded = data + bytes(-len(data) % 4)
    text = "".join(
        Z85[word // 85**power % 85] for (word,) in struct.iter_unpack(">I", padded) for power in (4, 3, 2, 1, 0)
    )
    return {"storageType": "i", "pathOrInlineDv": text, "sizeInBytes": len(data), "cardinality": len(places)}


def mark_deleted(folder: Path, version: int, add: dict[str, Any], places: Sequence[int]) -> dict[str, Any]:
    """Commit that some rows of a file are deleted; what the log then says of the file."""
    now = add | {"deletionVector": deletion_vector(places)}
    gone = {"path": add["path"], "deletionTimestamp": 1, "dataChange": True} | {
        name: add[name] for name in ("deletionVector",) if name in add
    }
    committed(folder, version, [with_features("deletionVectors"), {"remove": gone}, {"add": now}])
    return now


# What may happen to a table: rows come, are deleted, replaced, moved into fewer files, and old files swept away.
steps = st.lists(
    st.one_of(
        st.tuples(st.just("append"), st.integers(1, 5)),
        st.tuples(st.just("delete"), st.integers(0, 12)),
        st.tuples(st.just("overwrite"), st.integers(1, 3)),
        st.tuples(st.just("update"), st.integers(0, 12)),
        st.tuples(st.sampled_from(["compact", "vacuum", "checkpoint"]), st.just(0)),
    ),
    max_size=7,
)


@settings(max_examples=20, deadline=None)
@given(steps, st.sampled_from([None, ["day"], ["city", "day"]]))
def test_whatever_happened_to_a_table_its_rows_are_read_once_and_no_others(steps: Any, by: list[str] | None) -> None:
    with tempfile.TemporaryDirectory() as folder:
        table = written(folder, [row(0)], partition_by=by)
        there, next_id = {0: 0}, 1
        for what, number in steps:
            table = deltalake.DeltaTable(folder)
            if what in ("append", "overwrite"):
                new = range(next_id, next_id + number)
                rows = [row(i, city="ü/ %"[i % 4 :], day=date(2026, 1, 5 + i % 2)) for i in new]
                written(folder, rows, what, partition_by=by)
                there = (there if what == "append" else {}) | {i: i for i in new}
                next_id += number
            elif what == "delete":
                table.delete(f"age % 12 = {number}")
                there = {i: age for i, age in there.items() if age % 12 != number}
            elif what == "update":
                table.update(updates={"age": "age + 100"}, predicate=f"age % 12 = {number}")
                there = {i: age + 100 if age % 12 == number else age for i, age in there.items()}
            elif what == "compact":
                table.optimize.compact()
            elif what == "vacuum":
                table.vacuum(0, dry_run=False, enforce_retention_duration=False)
            else:
                table.create_checkpoint()
        found = records(folder)
        assert {
            one["eventMetadata"]["eventId"]: json.loads(one["captureData"]["endpointInput"]["data"])["age"]
            for one in found
        } == {f"e{i}": age for i, age in there.items()}
        assert len(found) == len(there)


def judged(table: Any) -> pa.Table:
    """What Delta's own reader says that there is."""
    return pa.table(deltalake.QueryBuilder().register("t", table).execute("select * from t").read_all())


def exported(table: Any, path: Path) -> Path:
    """The same rows as plain Parquet."""
    pq.write_table(judged(table), path)
    return path


def test_partition_columns_and_columns_that_came_later_are_read_as_from_an_export(tmp_path: Path) -> None:
    columns = TableColumns("ts", event_id="id", inputs=("city", "age", "day", "extra"), outputs=("score",))
    folder = tmp_path / "log"
    written(folder, [row(i, score=[0.1, float("nan")][i % 2], city=[None, 'ü"/ %'][i % 2]) for i in range(4)],
            partition_by=["city", "day"])  # fmt: skip
    more = [row(4, extra=7, score=None), row(5, extra=None)]
    table = written(folder, more, schema=SCHEMA.append(pa.field("extra", pa.int64())), schema_mode="merge",
                    partition_by=["city", "day"])  # fmt: skip
    plain = exported(table, tmp_path / "plain.parquet")
    expected = parquet_of(table_rows.blocks(store.list_files(str(plain)), Table("", columns, "parquet")))
    found = parquet_of(blocks(folder, columns))
    assert found == expected and len(found) == 6
    assert {one["city"] for one in found} == {None, 'ü"/ %', "a"} and {one["day"] for one in found} == {"2026-01-05"}


def test_rows_that_a_deletion_vector_names_are_gone_and_their_hour_is_made_anew(tmp_path: Path) -> None:
    folder = tmp_path / "log"
    written(folder, [row(i) for i in range(10)], partition_by=["city"])
    written(folder, [row(i, 200) for i in range(20, 23)], partition_by=["city"])
    file = table_file(tmp_path, format="parquet")
    assert len(collected(file)[0]) == 10
    [add] = [action["add"] for action in actions_of(folder) if "add" in action]
    for version, places in ((2, [2, 5]), (3, [0, 2, 5]), (4, [0, 2, 9])):
        add = mark_deleted(folder, version, add, places)
        assert ids(records(folder)) == sorted(judged(deltalake.DeltaTable(str(folder)))["id"].to_pylist())
        rows, told = collected(file)
        assert sorted(one["@event_id"] for one in rows) == [f"e{i}" for i in range(10) if i not in places]
        assert told["records"] == 7 if version > 2 else 8
    row_numbers = {number for block in blocks(folder) for _, number, _ in block.lines}
    assert row_numbers == {1, 2, 3} | {n + 1 for n in range(10) if n not in places}  # those in the file, deleted or not


def fields_in(kind: Any) -> list[dict[str, Any]]:
    """All columns in a schema of Delta, and the parts of those that are nested."""
    if not isinstance(kind, dict):
        return []
    own = kind.get("fields", [])
    inner = [one["type"] for one in own] + [kind[part] for part in ("elementType", "valueType") if part in kind]
    return [*own, *(field for one in inner for field in fields_in(one))]


def mapped(folder: Path, names: dict[str, str], **configuration: str) -> None:
    """Make a table's log say that its columns have other names than in the files (Delta's column mapping)."""
    actions = actions_of(folder)
    for action in actions:
        if "protocol" in action:
            action["protocol"] = {"minReaderVersion": 2, "minWriterVersion": 5}
        if about := action.get("metaData"):
            schema = json.loads(about["schemaString"])
            for number, field in enumerate(fields_in(schema), 1):
                own = {"delta.columnMapping.id": number, "delta.columnMapping.physicalName": field["name"]}
                field |= {"metadata": own, "name": names.get(field["name"], field["name"])}
            about["schemaString"] = json.dumps(schema)
            about["partitionColumns"] = [names.get(name, name) for name in about["partitionColumns"]]
            about["configuration"] = {"delta.columnMapping.mode": "name", **configuration}
    committed(folder, 0, actions)


def test_columns_are_found_by_the_names_that_the_table_gives_them(tmp_path: Path) -> None:
    """Also where a name is that of another column in the files."""
    folder = tmp_path / "log"
    written(folder, [row(i, 20 * i) for i in range(6)], partition_by=["day"])
    mapped(folder, {"ts": "when", "age": "city", "city": "town", "day": "date", "score": "answer"})
    columns = TableColumns("when", event_id="id", inputs=("city", "town", "date"), outputs=("answer",))
    plain = exported(deltalake.DeltaTable(str(folder)), tmp_path / "plain.parquet")
    expected = parquet_of(table_rows.blocks(store.list_files(str(plain)), Table("", columns, "parquet")))
    assert parquet_of(blocks(folder, columns)) == expected and len(expected) == 6
    window = Window(at(20), at(60))
    assert [json.loads(line)["eventMetadata"]["eventId"] for block in blocks(folder, columns, window)
            for _, _, line in block.lines] == ["e1", "e2"]  # fmt: skip
    [file] = delta.read(str(folder), columns).files
    assert file.bounds == (at(0), at(100))
    with pytest.raises(ConfigError, match="no column age, which mapping names; it has id, order, when, city, town"):
        records(folder, TableColumns("when", inputs=("age",)))


def test_what_can_not_be_read_is_refused_with_what_to_do(tmp_path: Path) -> None:
    folder = tmp_path / "log"
    schema = pa.schema({"ts": pa.timestamp("us", "UTC"), "in": pa.list_(pa.struct({"a": pa.int64()}))})
    written(folder, [{"ts": at(1), "in": [{"a": 1}]}], schema=schema)
    nested = TableColumns("ts", request="in")
    [one] = records(folder, nested)
    assert one["captureData"]["endpointInput"]["data"] == '[{"a":1}]'
    churn_run = actions_of(folder)
    mapped(folder, {})
    assert len(records(folder, nested)) == 1  # nothing was renamed
    committed(folder, 0, churn_run)
    mapped(folder, {"a": "b"})
    with pytest.raises(DataError, match=r"column 'in' holds parts that column mapping gave other names"):
        records(folder, nested)
    assert len(records(folder, TableColumns("ts", inputs=("ts",)))) == 1  # which does not need that column
    committed(folder, 0, churn_run)
    mapped(folder, {}, **{"delta.columnMapping.mode": "id"})
    with pytest.raises(DataError, match=r"column mapping by id, which is not read here; export it as plain Parquet"):
        records(folder, nested)
    committed(folder, 0, churn_run)
    for feature in ("catalogManaged", "somethingNew"):
        committed(folder, 1, [with_features(feature)])
        with pytest.raises(DataError, match=r"log can't be read as a Delta table: (.|\n)*export it as plain Parquet"):
            records(folder, nested)


def test_a_log_that_is_none_and_one_that_leads_elsewhere_are_refused(tmp_path: Path) -> None:
    folder = tmp_path / "log"
    written(folder, [row(1)])
    actions = actions_of(folder)
    [add] = [action["add"] for action in actions if "add" in action]
    for path in ("file:///other/a.parquet", "file:/other/a.parquet", "/other/a.parquet", "a/%2E%2E/../a.parquet"):
        add["path"] = path
        committed(folder, 0, actions)
        with pytest.raises(DataError, match="leads out of it, to"):
            records(folder)
    (folder / "_delta_log/00000000000000000000.json").write_text("{}")
    with pytest.raises(DataError, match="can't be read as a Delta table"):
        records(folder)
    (folder / "_delta_log/00000000000000000000.json").unlink()
    with pytest.raises(DataError, match="can't be read as a Delta table"):
        jobs.collect_window(Execution.of(table_file(tmp_path, format="parquet"), "dq", WINDOW))


@pytest.mark.parametrize("path", [None, "date"])
def test_inference_tables_of_databricks_are_read_where_they_are(tmp_path: Path, path: str | None) -> None:
    """And of the other days nothing is looked at, be it by the log's statistics or by partition."""
    columns = TableColumns(**{k: tuple(v) if isinstance(v, list) else v for k, v in preset("databricks").items()})
    days = [timedelta(days=n) for n in (-1, 0, 2)]
    millis = [LEGACY["timestamp_ms"] + day // timedelta(milliseconds=1) for day in days]
    legacy = [LEGACY | {"databricks_request_id": f"d{day.days}", "timestamp_ms": moment, "date": (HOUR + day).date()}
              for day, moment in zip(days, millis, strict=True)]  # fmt: skip
    failed = legacy[1] | {"databricks_request_id": "failed", "status_code": 500, "response": None}
    gateway = [GATEWAY | {"databricks_request_id": f"d{day.days}", "request_time": GATEWAY["request_time"] + day,
                          "request_date": (HOUR + day).date()} for day in days]  # fmt: skip
    for name, by, rows in (("old", "date", [*legacy, failed]), ("new", "request_date", gateway)):
        root = tmp_path / name
        root.mkdir()
        told = pa.Table.from_pylist([{k: v for k, v in one.items() if k != "logging_error_codes"} for one in rows])
        told = told.set_column(told.schema.get_field_index("client_request_id"), "client_request_id",
                               told["client_request_id"].cast(pa.string()))  # fmt: skip
        deltalake.write_deltalake(str(root / "log"), told, partition_by=[by])
        assert ids(records(root / "log", columns)) == sorted(["d-1", "d0", "d2", *["failed"] * (name == "old")])
        file = table_file(root, "databricks", "parquet", **({"path": f"{by}=%Y-%m-%d"} if path else {}))
        found, summary = collected(file)
        assert [one["@event_id"] for one in found] == ["d0", "d0"] if name == "old" else ["d0"]
        assert [Path(one["file"]).parent.name for one in summary["inputs"]] == [f"{by}=2026-01-05"]


def test_an_hour_is_made_anew_when_its_rows_change_and_only_then(tmp_path: Path) -> None:
    folder = tmp_path / "log"
    written(folder, [row(i) for i in range(5)])
    file = table_file(tmp_path, format="parquet")
    rows, first = collected(file)
    assert len(rows) == 5
    written(folder, [row(i, 600) for i in range(10, 12)])
    assert collected(file)[1]["partitions"] == first["partitions"]
    written(folder, [row(5)])
    rows, second = collected(file)
    assert len(rows) == 6 and second["partitions"] != first["partitions"]
    deltalake.DeltaTable(str(folder)).optimize.compact()
    rows, third = collected(file)
    assert len(rows) == 6 and third["duplicates"] == 0 and len(third["inputs"]) == 1
    assert collected(file)[1] == third
    assert len(list(folder.glob("*.parquet"))) == 4  # those of before are still there


@pytest.mark.parametrize(
    ("first", "last", "unit", "expected"),
    [
        (at(0), at(1), None, (at(0), at(1) + timedelta(milliseconds=1))),
        (1767582000, 1767582060, None, (at(0), at(1))),
        (1767582000123, 1767582060000, "ms", (at(0) + timedelta(milliseconds=123), at(1))),
        (1767582000, 1767582060000, None, None),  # seconds and milliseconds: who knows what is between
        (0, 10**30, "s", None),
        ("2026", "2027", None, None),
        (0.5, 1.5, None, None),
    ],
)
def test_bounds_in_the_log_are_moments(first: Any, last: Any, unit: str | None, expected: Any) -> None:
    assert mapping.span_between((first, last), unit) == expected


def test_no_row_is_later_than_the_log_tells(tmp_path: Path) -> None:
    """Its statistics cut off what is less than a millisecond; and rows without a time are outside of any."""
    last = datetime(2026, 1, 5, 3, 0, 0, 1999, UTC)
    written(tmp_path / "log", [row(0, 0), row(1, 0, ts=last)])
    table = Table("", COLUMNS, "parquet")
    [file] = delta.read(str(tmp_path / "log"), COLUMNS).files
    span = table_rows.span_of(file, table)
    assert span and span.start <= at(0) and last in span
    written(tmp_path / "log", [row(2, 0, ts=None), row(3)], "overwrite")
    [file] = delta.read(str(tmp_path / "log"), COLUMNS).files
    assert table_rows.span_of(file, table) is None


def test_a_path_names_partitions_wherever_their_files_lie(tmp_path: Path) -> None:
    folder = tmp_path / "log"
    schema = SCHEMA.append(pa.field("hour", pa.int32()))
    rows = [row(i, 60 * i, hour=at(60 * i).hour) for i in range(-6, 6)]
    written(folder, rows, schema=schema, partition_by=["day", "hour"])
    mapped(folder, {"day": "date"})
    file = table_file(tmp_path, format="parquet", path="date=%Y-%m-%d/hour=%H")
    found, told = collected(file)
    assert [one["@event_id"] for one in found] == ["e0"] and len(told["inputs"]) == 1
    snapshot = delta.read(str(folder), COLUMNS)
    assert [file.values["hour"] for file in snapshot.within("date=2026-01-05/hour=03")] == [3]
    assert len(snapshot.within("date=2026-01-05")) == 9 and len(snapshot.within("")) == 12
    for path, part in (("%Y-%m-%d", "2026-01-05"), ("day=%Y-%m-%d", "day=2026-01-05"), ("hour=%Hh", "hour=02h")):
        with pytest.raises(ConfigError, match=rf"'{part}' names no partition of .* by date \(date32.*, hour \(int32\)"):
            collected(table_file(tmp_path, format="parquet", path=path))


def test_an_empty_table_has_no_rows(tmp_path: Path) -> None:
    for by in (None, ["day"]):
        folder = tmp_path / f"{by}"
        deltalake.DeltaTable.create(str(folder), SCHEMA, partition_by=by)
        assert delta.read(str(folder), COLUMNS).files == []


def test_a_baseline_is_not_learned_from_rows_that_a_table_has_removed(tmp_path: Path) -> None:
    deltalake.write_deltalake(str(tmp_path / "t"), pa.table({"x": [1.5]}))
    with pytest.raises(ConfigError, match="export it as plain Parquet"):
        Dataset.at(str(tmp_path / "t"), "parquet")


def test_a_folder_in_a_table_and_another_format_than_its_own_are_refused(tmp_path: Path) -> None:
    folder = tmp_path / "lake/requests"
    written(folder, [row(1)], partition_by=["day", "city"])
    inner = folder / "day=2026-01-05/city=a"
    for source in (
        {"uri": str(inner)},
        {"uri": f"{inner}/"},
        {"uri": str(tmp_path / "lake"), "path": "requests/day=%Y-%m-%d"},
        {"uri": str(tmp_path / "lake"), "path": "requests"},
    ):
        with pytest.raises(ConfigError, match="lake/requests is a Delta table; let uri be that folder"):
            collected(table_file(tmp_path, format="parquet", **source))
    with pytest.raises(ConfigError, match="whose files are Parquet; write format: parquet"):
        collected(table_file(tmp_path, format="csv", uri=str(folder)))


def test_a_table_in_an_object_store_is_read_by_the_address_that_all_else_is(tmp_path: Path) -> None:
    (tmp_path / "server").mkdir()
    with running(tmp_path / "server") as server:
        options = {"AWS_ENDPOINT_URL": f"http://127.0.0.1:{server.port}", "AWS_ALLOW_HTTP": "true"}
        options |= {"AWS_REGION": "us-east-1"}
        place = f"s3://{BUCKET}/log"
        written(place, [row(i, city="ü /%") for i in range(4)], partition_by=["city"], storage_options=options)
        table = written(place, [row(i) for i in range(4, 6)], partition_by=["city"], storage_options=options)
        table.delete("age = 1")
        file = table_file(tmp_path, format="parquet", uri=f"{place}?{server.query}")
        found, told = collected(file)
        assert sorted(one["@event_id"] for one in found) == ["e0", "e2", "e3", "e4", "e5"]
        assert {one["city"] for one in found} == {"ü /%", "a"} and len(told["inputs"]) == 2
        with pytest.raises(ConfigError, match="is a Delta table; let uri be that folder"):
            collected(table_file(tmp_path, format="parquet", uri=f"{place}/city=a?{server.query}"))
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("AWS_SECRET_ACCESS_KEY", "wrong")
            with pytest.raises(StoreError, match=r"^s3://lake/log\?[^\n\x1b]*privileges[^\n\x1b]*$"):
                delta.read(f"{place}?{server.query}", COLUMNS)
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("AWS_ENDPOINT_URL", options["AWS_ENDPOINT_URL"])
            assert delta.read(place, COLUMNS).files[0].address.startswith(f"{place}/city=")


def test_a_table_on_azure_is_read_by_the_address_that_all_else_is(tmp_path: Path) -> None:
    emulator = azure(tmp_path)
    written(tmp_path / "made", [row(i) for i in range(3)], partition_by=["city"])
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AZURE_STORAGE_KEY", KEY)
        emulator.start()
        try:
            store.located(emulator.address)[0].create_dir("lake")
            for file in (path for path in (tmp_path / "made").rglob("*") if path.is_file()):
                store.write(emulator.at(f"log/{file.relative_to(tmp_path / 'made')}"), file.read_bytes())
            found, _ = collected(table_file(tmp_path, format="parquet", uri=emulator.at("log")))
            assert sorted(one["@event_id"] for one in found) == ["e0", "e1", "e2"]
        finally:
            emulator.stop()


LOCAL = "endpoint_override=127.0.0.1:9000&scheme=http"


@pytest.mark.parametrize(
    ("address", "place", "options"),
    [
        ("s3://b/t?region=eu-west-1", "s3://b/t", {"aws_region": "eu-west-1"}),
        (
            f"s3://b/t?region=x&{LOCAL}",
            "s3://b/t",
            {"aws_endpoint_url": "http://127.0.0.1:9000", "allow_http": "true", "aws_region": "x"},
        ),
        ("gs://b/t", "gs://b/t", {}),
        (
            f"gcs://anonymous@b/t?{LOCAL}",
            "gs://b/t",
            {"google_base_url": "http://127.0.0.1:9000", "allow_http": "true", "google_skip_signature": "true"},
        ),
        (
            "abfss://c@acc.dfs.core.windows.net/t",
            "abfss://c@acc.dfs.core.windows.net/t",
            {"azure_storage_account_key": "k"},
        ),
        ("abfs://c@other.dfs.core.windows.net/t", "abfs://c@other.dfs.core.windows.net/t", {}),
        (
            "abfs://c@acc.dfs.core.windows.net/t?blob_storage_authority=.blob.core.chinacloudapi.cn",
            "abfs://c@acc.dfs.core.windows.net/t",
            {
                "azure_storage_account_key": "k",
                "azure_storage_endpoint": "https://acc.blob.core.chinacloudapi.cn",
                "allow_http": "false",
            },
        ),
    ],
)
def test_deltalake_is_told_what_an_address_says_of_its_store(
    address: str, place: str, options: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AZURE_STORAGE_KEY", "k")
    monkeypatch.setenv("AZURE_STORAGE_ACCOUNT", "acc")
    assert (place_of(address), storage_options(address)) == (place, options)
