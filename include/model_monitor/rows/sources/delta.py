"""Read Delta tables: the files that the log lists now, without the rows that are marked as deleted.

The log is read by the package deltalake (delta-rs), which is needed for nothing else.
"""

from __future__ import annotations

import json
import os
import re
import zlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, unquote, urlsplit

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import fs

from model_monitor import store
from model_monitor.core.window import Window
from model_monitor.errors import ConfigError, DataError, StoreError
from model_monitor.rows.sources import parquet
from model_monitor.rows.sources.mapping import TableColumns
from model_monitor.rows.sources.parquet import Names, Row
from model_monitor.store.addresses import parent_of, with_region

if TYPE_CHECKING:
    from deltalake import DeltaTable

WANTED = "deltalake>=1.4.2"  # older ones report no deleted rows, or only some
EXPORT = 'export it as plain Parquet, e.g. spark.table(name).write.mode("append").partitionBy("date").parquet(folder)'


@dataclass(frozen=True, slots=True, order=True)
class DataFile(store.File):
    """A Parquet file of a Delta table; ``changed`` also tells which of its rows are deleted."""

    columns: Mapping[str, str] = field(
        default_factory=dict, compare=False
    )  # the table's, each with its name in the file
    values: Mapping[str, Any] = field(default_factory=dict, compare=False)  # of partition columns, which the file lacks
    deleted: frozenset[int] = field(default=frozenset(), compare=False)  # 1-based numbers of rows
    bounds: tuple[Any, Any] | None = field(default=None, compare=False)  # event times by the log, cut to milliseconds


@dataclass(frozen=True)
class Snapshot:
    """The files of a Delta table's current version, by rising address, and the types of its partition columns."""

    uri: str
    files: list[DataFile]
    types: Mapping[str, pa.DataType]

    def within(self, folder: str) -> list[store.File]:
        """The files of a partition such as date=2026-01-05, wherever they are; '' has all. Raises ConfigError."""
        wanted = dict(map(self.value_in, filter(None, folder.split("/"))))
        return [file for file in self.files if all(file.values[name] == value for name, value in wanted.items())]

    def value_in(self, part: str) -> tuple[str, Any]:
        name, _, text = part.partition("=")
        try:
            return name, parquet.plain(pa.array([text]).cast(self.types[name]), self.uri)[0]
        except (KeyError, pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
            by = ", ".join(f"{name} ({kind})" for name, kind in self.types.items()) or "nothing"
            raise ConfigError(
                f"'{part}' names no partition of the Delta table {self.uri}, which is partitioned by {by}; let path be "
                "like date=%Y-%m-%d, or leave it out: the table tells which of its files have which times"
            ) from error


def is_table(folder: str) -> bool:
    """Whether a folder is a Delta table's. Raises StoreError."""
    system, path = store.located(store.join(folder, "_delta_log"))
    with store.reaching(folder):
        return bool(system.get_file_info(path).type == fs.FileType.Directory)


def refuse_inside(uri: str, below: str) -> None:
    """Raise ConfigError if a folder below ``uri``, one between, or one above whose partition ``uri`` would be, is that
    of a Delta table, where only the log says which files count."""
    parts = [part for part in below.split("/") if part]
    suspects = [store.join(uri, *parts[: i + 1]) for i in range(len(parts))]
    table = next(filter(is_table, suspects), None)
    above = uri
    while not table and "=" in store.name_of(above):
        above = parent_of(above)
        with suppress(StoreError):  # the right to read a folder may not extend to those above it
            table = above if is_table(above) else None
    if table:
        raise ConfigError(f"{table} is a Delta table; let uri be that folder, and path be of its partitions or absent")


def read(uri: str, columns: TableColumns) -> Snapshot:
    """The current version of a Delta table. Raises ConfigError, DataError, StoreError."""
    deltalake = package(uri)
    try:
        table = deltalake.DeltaTable(place_of(uri), storage_options=storage_options(uri))
        fields = fields_of(table, uri, columns)
        added = pa.table(table.get_add_actions())
        deleted = deleted_in(table, uri)
    except deltalake.exceptions.DeltaError as error:
        raise DataError(
            f"{uri} can't be read as a Delta table: {plainly(error)}; if it needs what deltalake lacks, {EXPORT}"
        ) from error
    except OSError as error:
        raise StoreError(f"{uri}: {plainly(error)}") from error
    by = table.metadata().partition_columns
    types = {name: added["partition"].type.field(name).type for name in by}
    time = next((fields[name] for name in columns.times if name in fields), "")
    values = {name: parquet.plain(pc.struct_field(added["partition"].combine_chunks(), [name]), uri) for name in by}
    bounds = bounds_in(added, time)
    files = []
    for i, path in enumerate(added["path"].to_pylist()):
        numbers = deleted.pop(path, frozenset())
        changed = added["modification_time"][i].as_py() * 1_000_000 + mark_of(numbers)
        partition = {name: column[i] for name, column in values.items()}
        size = added["size_bytes"][i].as_py()
        files.append(DataFile(address_of(path, uri), size, changed, fields, partition, numbers, bounds[i]))
    if deleted:
        raise DataError(f"{uri}: rows are marked as deleted in {min(deleted)}, which is no file of the table; {EXPORT}")
    return Snapshot(uri, sorted(files), types)


def plainly(error: Exception) -> str:
    """An error message of deltalake on one line, without its colours and arrows."""
    return " ".join(re.sub(r"\x1b\[\d*m|↳", "", str(error)).split())


def address_of(path: str, uri: str) -> str:
    """The address of a file that the log names. Raises DataError if it is outside the table's folder."""
    name = unquote(path)
    if name.startswith("/") or ".." in name.split("/") or urlsplit(path).scheme:
        raise DataError(f"the log of {uri} leads out of it, to {path}; of a clone, name the table that it is made of")
    return store.join(uri, name)


def package(uri: str) -> Any:
    """The package deltalake. Raises ConfigError if it is missing or too old."""
    try:
        import deltalake
        import deltalake.exceptions
    except ImportError as error:
        raise ConfigError(f"{uri} is a Delta table; to read it, pip install '{WANTED}'") from error
    if not hasattr(deltalake.DeltaTable, "deletion_vectors"):
        version = f"deltalake {deltalake.__version__} is too old to read it"
        raise ConfigError(f"{uri} is a Delta table; {version}, pip install '{WANTED}'")
    return deltalake


def fields_of(table: DeltaTable, uri: str, columns: TableColumns) -> dict[str, str]:
    """The table's columns, each with its name in the files. Raises DataError for a needed one that can't be read."""
    if (mode := table.metadata().configuration.get("delta.columnMapping.mode", "none")) not in ("none", "name"):
        raise DataError(f"{uri} is a Delta table with column mapping by {mode}, which is not read here; {EXPORT}")
    schema = json.loads(table.schema().to_json())
    wanted = {*columns.needed, *columns.times, *columns.latencies}
    for column in schema["fields"]:
        if column["name"] in wanted and (odd := oddity_in(column["type"])):
            raise DataError(f"{uri}: column '{column['name']}' holds {odd}; {EXPORT}")
    return {column["name"]: physical_name(column) for column in schema["fields"]}


def physical_name(member: Mapping[str, Any]) -> str:
    return str(member["metadata"].get("delta.columnMapping.physicalName", member["name"]))


def oddity_in(kind: Any) -> str | None:
    """The part of a column's type that can't be read from its file unchanged; usually None."""
    if kind == "variant":
        return "variants, which are not read here"
    if not isinstance(kind, dict):
        return None
    if any(physical_name(member) != member["name"] for member in kind.get("fields", ())):
        return "parts that column mapping gave other names in the files, which are not read here"
    inner = [member["type"] for member in kind.get("fields", ())]
    inner += [kind[part] for part in ("elementType", "keyType", "valueType") if part in kind]
    return next(filter(None, map(oddity_in, inner)), None)


def deleted_in(table: DeltaTable, uri: str) -> dict[str, frozenset[int]]:
    """The numbers of deleted rows, by the path of a file as the log has it."""
    if "deletionVectors" not in (table.protocol().reader_features or ()):
        return {}
    numbers = {}
    for batch in table.deletion_vectors():
        marks = pa.table(batch)
        for address, keep in zip(marks["filepath"].to_pylist(), marks["selection_vector"], strict=True):
            places = pc.add(pc.indices_nonzero(pc.invert(keep.values)), 1)
            numbers[address.removeprefix(table.table_uri)] = frozenset(places.to_pylist())
    return numbers


def mark_of(deleted: Collection[int]) -> int:
    """A checksum below 2**32 of the numbers of deleted rows; 0 if there are none."""
    return zlib.crc32(json.dumps(sorted(deleted)).encode()) if deleted else 0


def bounds_in(added: pa.Table, time: str) -> list[tuple[Any, Any] | None]:
    """The first and last time in each file, given the column's name there; None if unknown, or if times are missing."""
    statistics = [part_of(added, part, time) for part in ("min", "max", "null_count")]
    return [
        (first, last) if first is not None and last is not None and missing == 0 else None
        for first, last, missing in zip(*statistics, strict=True)
    ]


def part_of(added: pa.Table, part: str, name: str) -> Sequence[Any]:
    """One of the log's statistics of a column."""
    kind = added[part].type if part in added.column_names else None
    if kind is None or not pa.types.is_struct(kind) or kind.get_field_index(name) < 0:
        return [None] * len(added)
    return parquet.plain(pc.struct_field(added[part].combine_chunks(), [name]), name)


def rows(
    file: DataFile,
    wanted: Collection[str],
    objects: Sequence[Names] = (),
    time: str | None = None,
    window: Window | None = None,
) -> Iterator[tuple[int, Row]]:
    """The rows as ``parquet.rows`` has them, by the table's names for columns. If the file lacks a column of an object,
    or has it by another name, the row has the object's columns instead."""
    there = {*parquet.names_in(file)}
    names = {name: own for name, own in file.columns.items() if own in there and name not in file.values}
    entire = [group for group in objects if all(names.get(name) == name for name in group)]
    parts = {name for group in objects if group not in entire for name in group} | {*wanted}
    places = {names[name]: name for name in parts if name in names}
    values: Row = {name: file.values[name] for name in parts if name in file.values}
    for number, row in parquet.rows(file, places, entire, names.get(time or ""), window):
        if number not in file.deleted:
            known: Row = {places[name] if isinstance(name, str) else name: value for name, value in row.items()}
            yield number, known | values


def place_of(uri: str) -> str:
    """An address as deltalake expects it: a path if it is local, else without query and without ``anonymous@``."""
    scheme, mark, rest = uri.partition("?")[0].partition("://")
    if not mark or scheme == "file":
        return store.located(uri)[1]
    return f"{'gs' if scheme == 'gcs' else scheme}://{rest.removeprefix('anonymous@')}"


def storage_options(uri: str) -> dict[str, str]:
    """The options in an address and in the environment; deltalake finds other credentials by itself."""
    scheme, _, rest = uri.partition("://")
    place, _, query = rest.partition("?")
    if scheme == "s3":
        return of_s3(params_in(with_region(query)))
    if scheme in ("gs", "gcs"):
        unsigned = {"google_skip_signature": "true"} if place.startswith("anonymous@") else {}
        return at_endpoint("google_base_url", overriding(params_in(query))) | unsigned
    if scheme in ("abfs", "abfss"):
        return of_azure(params_in(query), place.partition("/")[0].rpartition("@")[2].partition(".")[0])
    return {}


def params_in(query: str) -> dict[str, str]:
    return {name: values[-1] for name, values in parse_qs(query).items()}


def at_endpoint(name: str, endpoint: str | None) -> dict[str, str]:
    """A server other than the store's own; without TLS if its address says so."""
    return {name: endpoint, "allow_http": str(endpoint.startswith("http://")).lower()} if endpoint else {}


def overriding(params: dict[str, str]) -> str | None:
    own = params.get("endpoint_override")
    return own and f"{params.get('scheme', 'https')}://{own}"


def of_s3(params: dict[str, str]) -> dict[str, str]:
    endpoint = overriding(params) or os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")
    return at_endpoint("aws_endpoint_url", endpoint) | ({"aws_region": params["region"]} if "region" in params else {})


def of_azure(params: dict[str, str], account: str) -> dict[str, str]:
    """AZURE_STORAGE_KEY belongs to AZURE_STORAGE_ACCOUNT, or to any account if that is not set."""
    key, options = os.environ.get("AZURE_STORAGE_KEY"), {}
    if key and os.environ.get("AZURE_STORAGE_ACCOUNT", account) == account:
        options["azure_storage_account_key"] = key
    own = params.get("blob_storage_authority", "")
    if not own or own.startswith("."):  # a name under which the account is a host, as Azure's own
        return options | at_endpoint("azure_storage_endpoint", own and f"https://{account}{own}")
    http = "http" if params.get("enable_tls") == "false" else "https"
    return options | at_endpoint("azure_storage_endpoint", f"{http}://{own}/{account}")
