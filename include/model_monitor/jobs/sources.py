"""Where are an endpoint's requests, and how are they read? Capture files, manifests of batch transform, or a table."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from model_monitor import store
from model_monitor.config import Endpoint, layout
from model_monitor.core.window import HOUR, Window, floor_hour
from model_monitor.errors import ConfigError
from model_monitor.rows.sources import batch_transform, delta
from model_monitor.rows.sources import capture_files as capture
from model_monitor.rows.sources import tables as logs
from model_monitor.rows.sources.batch_transform import Output
from model_monitor.rows.sources.datasets import SUFFIXES
from model_monitor.rows.sources.tables import Table
from model_monitor.store.ahead import ahead


@dataclass(frozen=True)
class Listed:
    """A file that may hold requests of a span of event time.

    ``hour`` is that of its folder, to which requests that don't tell their time are counted; None where they have to be
    looked at. ``is_read``: a manifest only says what is.
    """

    file: store.File
    span: Window
    hour: datetime | None = None
    is_read: bool = True

    def is_near(self, window: Window) -> bool:
        return self.span.start < window.end and window.start < self.span.end


def listed(endpoint: Endpoint, window: Window) -> list[Listed]:
    """The files in which a window's requests may be, as they are now."""
    margin = endpoint.capture.straggler_hours * HOUR
    around = Window(floor_hour(window.start) - margin, window.end + margin)
    hours = [hour.start for hour in around.hours()]
    if endpoint.capture.kind == "table":
        return in_table(endpoint, hours)
    is_batch = endpoint.capture.kind == "batch"
    suffixes = batch_transform.MANIFESTS if is_batch else capture.SUFFIXES
    found = in_folders([layout.capture_folder(endpoint, hour) for hour in hours], suffixes)
    files = [
        Listed(file, Window(hour - margin, hour + HOUR + margin), hour, not is_batch)
        for hour, some in zip(hours, found, strict=True)
        for file in some
    ]
    return with_outputs(endpoint, files) if is_batch else files


def in_folders(folders: Iterable[str], suffixes: tuple[str, ...]) -> Iterator[list[store.File]]:
    return ahead(lambda folder: store.list_files(folder, suffixes), folders, capture.READERS)


def with_outputs(endpoint: Endpoint, manifests: Sequence[Listed]) -> list[Listed]:
    """Manifests, each with the files that it names."""

    def named(manifest: Listed) -> list[store.File]:
        return batch_transform.outputs_of(manifest.file, endpoint.capture.data)

    return [
        one
        for manifest, files in zip(manifests, ahead(named, manifests, capture.READERS), strict=True)
        for one in (manifest, *(Listed(file, manifest.span, manifest.hour) for file in files))
    ]


def in_table(endpoint: Endpoint, hours: Sequence[datetime]) -> list[Listed]:
    """The files of a table's folders, of Parquet only those whose statistics admit one of the hours."""
    of, margin = endpoint.capture, endpoint.capture.straggler_hours * HOUR
    within: dict[str, list[datetime]] = {}
    for hour in hours:
        within.setdefault(hour.strftime(of.path or ""), []).append(hour)
    whole = Window(hours[0], hours[-1] + HOUR)
    table = table_of(endpoint)
    files = []
    for mine, some in zip(within.values(), in_folders_of(endpoint, list(within)), strict=True):
        span = Window(mine[0] - margin, mine[-1] + HOUR + margin) if of.path else whole
        for file, exact in zip(some, ahead(lambda file: span_in(file, table), some, capture.READERS), strict=True):
            known = exact and Window(exact[0], exact[1] + timedelta.resolution)
            if known is None:
                files.append(Listed(file, span))
            elif known.start < span.end and span.start < known.end:
                files.append(Listed(file, Window(max(known.start, span.start), min(known.end, span.end))))
    return files


def in_folders_of(endpoint: Endpoint, folders: Sequence[str]) -> Iterator[list[store.File]]:
    """The files of a table in folders below its own ('' for all of it), or in partitions if it is a Delta table."""
    of = endpoint.capture
    if delta.is_table(of.uri):
        if of.format != "parquet":
            raise ConfigError(f"{of.uri} is a Delta table, whose files are Parquet; write format: parquet")
        return map(delta.read(of.uri, table_of(endpoint).columns).within, folders)
    if of.format == "parquet":
        delta.refuse_inside(of.uri, folders[0])
    return in_folders((store.join(of.uri, *filter(None, [folder])) for folder in folders), SUFFIXES[of.format])


span_in = lru_cache(maxsize=1 << 14)(logs.span_of)  # a file that changes is another key


def table_of(endpoint: Endpoint) -> Table:
    """How an endpoint's table is read. Raises ConfigError if it has none."""
    of = endpoint.capture
    if of.mapping is None:
        raise ConfigError(f"endpoint '{endpoint.endpoint}' has no capture.mapping; name the columns of its table")
    return Table(of.format, of.mapping, of.has_header)


def blocks(endpoint: Endpoint, files: Sequence[Listed], window: Window | None = None) -> Iterator[capture.Block]:
    """The requests in some files; what a window does not need may be left out."""
    some = [one for one in files if one.is_read]
    of = endpoint.capture
    if of.kind == "batch":
        outputs = [Output(one.file, one.hour, of.format, of.has_header) for one in some if one.hour]
        return batch_transform.blocks(outputs)
    if of.kind == "table":
        return logs.blocks([one.file for one in some], table_of(endpoint), window)
    return capture.blocks([one.file for one in some])


def home_of(endpoint: Endpoint, files: Sequence[Listed]) -> Callable[[str], datetime | None]:
    """The hour in which a file's requests count that don't tell their time; None if no request tells one."""
    known: dict[str, datetime | None] = {one.file.address: one.hour for one in files if one.is_read}
    by_address = {one.file.address: one for one in files}

    def home(address: str) -> datetime | None:
        if known[address] is None:
            known[address] = first_hour(endpoint, by_address[address])
        return known[address]

    return home


def first_hour(endpoint: Endpoint, one: Listed) -> datetime | None:
    """The hour of the first request in a file that tells its time."""
    for block in blocks(endpoint, [one]):
        times = capture.parse(block).times
        if len(times):
            return floor_hour(times[0].as_py())
    return None


def origin_of(endpoint: Endpoint) -> dict[str, Any]:
    """How other sources than capture files are read, on which their rows depend."""
    of = endpoint.capture
    if of.kind == "endpoint":
        return {}
    told = of.mapping and asdict(of.mapping)
    columns = (
        {name: list(value) if isinstance(value, tuple) else value for name, value in told.items()} if told else None
    )
    return {"source": [of.kind, of.format, of.has_header, columns]}
