"""What do the first records at an address look like? It reads a part of one file, and lists few folders."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from model_monitor import store
from model_monitor.core.window import iso
from model_monitor.errors import ConfigError
from model_monitor.jobs.drafts.first_rows import first_rows, format_of, head, is_known, newest_time, readable
from model_monitor.jobs.drafts.roles import Column, column, once
from model_monitor.jobs.drafts.roots import Roots, nothing_at
from model_monitor.rows.blocks import Block, Piece
from model_monitor.rows.captures import Records, parse
from model_monitor.rows.payloads.payload import SIDES, Names, Rows, decode, formats_of
from model_monitor.rows.payloads.sides import side_of
from model_monitor.rows.sources.mapping import moment_of
from model_monitor.store.folders import Entry, folder_at

DEPTH = 12  # folders, one in the other
COLUMNS = 5000  # that a form takes
FOLDERS_OF_TIME = 4  # yyyy/mm/dd/hh


class Several(ConfigError):
    """There are several ``folders``, of which a person has to choose one."""

    def __init__(self, address: str, folders: list[str]) -> None:
        super().__init__(f"several folders are in {address}; choose one")
        self.folders = folders


@dataclass(frozen=True)
class Look:
    """What is at an address: captures of an endpoint's variant, or a table. ``first``, ``last``: event times that were
    seen, ISO 8601; None if the records tell none."""

    uri: str
    kind: str
    format: str
    endpoint: str
    variant: str
    columns: tuple[Column, ...]
    records: int
    first: str | None
    last: str | None


def look(address: str, roots: Roots) -> Look:
    """Look at the newest file of an address, and at the time of the oldest. Raises ConfigError for an address that may
    not be looked at, or where nothing is understood; DataError, StoreError."""
    address = roots.permitted(address)
    if not store.exists(address) and any(e.path == "_delta_log" for e in folder_at(address).inside()):
        newest = oldest = file_in(address, roots, of_table=True)
        found = table(address, "parquet", newest, oldest)
    else:
        newest, oldest = file_in(address, roots), file_in(address, roots, oldest=True)
        kind = format_of(newest)
        records = captured(newest) if kind == "jsonl" else None
        if records is not None:
            return captures(newest, oldest, records, roots)
        found = table(folder_of_table(address, roots), kind, newest, oldest)
    if roots.hides(found.uri):
        raise ConfigError(f"{address} holds more than one table; name a folder that has only the table's files")
    if len(found.columns) > COLUMNS:
        raise ConfigError(f"{address} has {len(found.columns)} columns, more than a form takes; write the file by hand")
    return found


def file_in(address: str, roots: Roots, oldest: bool = False, of_table: bool = False) -> str:
    """The newest file by the names of folders, or the oldest. Raises ConfigError if there is none, or if folders that
    are no times don't tell which."""
    if store.exists(address):
        return address
    at = address
    for _ in range(DEPTH):
        entries = open_in(at, roots)
        files = [e.path for e in entries if e.kind == "file" and e.size and is_known(e.path)]
        if files:
            return store.join(at, files[0 if oldest else -1])
        folders = [entry.path for entry in entries if entry.kind == "folder"]
        if not folders:
            break
        if len(folders) > 1 and not of_table and not all(is_of_time(name) for name in folders):
            raise Several(at, [store.join(at, name) for name in folders])
        at = store.join(at, folders[0 if oldest else -1])
    if at == address and not folder_at(address).inside():
        raise ConfigError(nothing_at(address))
    raise ConfigError(f"there is no file of records at {address}: none ends in .jsonl, .json, .csv or .parquet")


def open_in(folder: str, roots: Roots) -> list[Entry]:
    """What is directly in a folder, without what holds no data and what is closed."""
    entries = folder_at(folder).inside()
    return [e for e in entries if e.path[:1] not in (".", "_") and not roots.is_closed(store.join(folder, e.path))]


def folder_of_table(address: str, roots: Roots) -> str:
    """The folder of a table's files; further down where there is nothing else."""
    for _ in range(DEPTH):
        inside = [] if store.exists(address) else open_in(address, roots)
        if len(inside) != 1 or inside[0].kind != "folder" or is_of_time(inside[0].path):
            break
        address = store.join(address, inside[0].path)
    return address


def is_of_time(name: str) -> bool:
    """Whether a folder is one of an hour, a day, or a partition's value.

    >>> is_of_time("2026"), is_of_time("date=2026-01-31"), is_of_time("churn")
    (True, True, False)
    """
    return name.rpartition("=")[2].replace("-", "").isdecimal()


def captured(file: str) -> Records | None:
    """The first capture records of a file; None if its lines are none."""
    records = parse(Block([Piece(file, 1, head(file))]))
    if not len(records):
        return None
    data = [records.side(side, "data") for side in SIDES]
    return records if any(part.null_count < len(part) for part in data) else None


def captures(newest: str, oldest: str, records: Records, roots: Roots) -> Look:
    """A look at capture files."""
    base, query = newest.partition("?")[::2]
    parts = base.rsplit("/", FOLDERS_OF_TIME + 3)
    hours = parts[3:-1]
    if len(parts) < FOLDERS_OF_TIME + 4 or not all(map(is_of_time, hours)):
        raise ConfigError(
            f"{newest} holds captures, but is not at ENDPOINT/VARIANT/yyyy/mm/dd/hh/, where a schedule looks"
        )
    uri = roots.permitted(parts[0] + (f"?{query}" if query else ""))
    times = [*moments(records), *moments(captured(oldest) or records)]
    return Look(
        uri,
        "endpoint",
        "sagemaker",
        parts[1],
        parts[2],
        tuple(columns_of(records)),
        len(records),
        min(times, default=None),
        max(times, default=None),
    )


def moments(records: Records) -> list[str]:
    return [iso(time) for time in records.times.to_pylist() if time]


def columns_of(records: Records) -> list[Column]:
    """The columns of captured requests; the most common shape counts. Raises ConfigError if none can be read."""
    try:
        rows, rejected = decode(records.answered(), Names())
    except RecursionError as error:
        raise ConfigError("the payloads are nested too deeply to be read") from error
    if not rows:
        why = rejected[0].reason if rejected else "there is none"
        raise ConfigError(f"no request can be read: {why}")
    common: Rows = max(rows, key=lambda one: len(one.requests))
    outputs = output_names(records, common)
    is_csv = [width > 0 for width in common.shape]
    return [
        column(name, values.to_pylist(), "output" if name in outputs else "input", not is_csv[name not in outputs])
        for name, values in zip(common.columns.column_names, common.columns.columns, strict=True)
    ]


def output_names(records: Records, rows: Rows) -> set[str]:
    """Which columns are the model's answer: the first ones of CSV, those with names in JSON."""
    width = rows.shape[0]
    if width > 0:
        return set(rows.columns.column_names[:width])
    side = SIDES[0]
    kinds = [kind for kind in formats_of(records, side, Names().types) if kind and not kind.startswith("!")]
    if not kinds:
        return set()
    kind = kinds[0]
    chosen = [i for i, other in enumerate(formats_of(records, side, Names().types)) if other == kind]
    return set(side_of(records.take(chosen).side(side, "data"), kind).column_names)


def table(address: str, format: str, newest: str, oldest: str) -> Look:
    """A look at the files of a table."""
    names, rows = first_rows(newest, format)
    columns = tuple(once([column(name, [row.get(name) for row in rows]) for name in names]))
    time = next((one.name for one in columns if one.role == "time"), None)
    first = last = None
    if time:
        times = [moment_of(row.get(time), None) for row in [*rows, *first_rows(oldest, format)[1]]]
        found = sorted(filter(None, [*map(readable, times), newest_time(newest, format, time)]))
        first, last = (found[0], found[-1]) if found else (None, None)
    name = slug(store.name_of(address).partition(".")[0])
    return Look(address, "table", format, name, "AllTraffic", columns, len(rows), first, last)


def slug(text: str) -> str:
    """A name for an endpoint.

    >>> slug("My table_1")
    'my-table-1'
    """
    words: Sequence[str] = "".join(c if c.isascii() and c.isalnum() else " " for c in text.lower()).split()
    return "-".join(words)[:40] or "endpoint"
