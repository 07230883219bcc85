"""The pages as a static site: files that a browser opens without a server, all that links lead to, for reading only."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, get_type_hints

from pydantic import TypeAdapter

from model_monitor.core.window import iso
from model_monitor.dashboard.copied_links import FOLDER, INDEX, Address, CopiedLinks, Wanted, address_of, with_files
from model_monitor.dashboard.drawing import minute
from model_monitor.dashboard.page import File
from model_monitor.dashboard.pages import html, notice
from model_monitor.dashboard.visit import Visit, open_for_reading
from model_monitor.errors import MonitorError
from model_monitor.history import last_windows, queries

CONTROLS = re.compile(
    r"<(form|button)\b.*?</\1>\s*", re.DOTALL
)  # what needs a server; no name ends one, as names are escaped


@dataclass(frozen=True)
class Copied:
    """How many pages were written, and how many the copy lacks that links lead to."""

    pages: int
    left_out: int


def copy_pages(visit: Visit, folder: Path, executions: int, most: int) -> Copied:
    """Write the page Models and all pages that links lead to from it, those with the fewest clicks first: of each
    schedule the last ``executions`` windows, and at most ``most`` pages. Raises MonitorError, OSError."""
    words = f"A copy of {minute(visit.now)}, with at most {executions} windows of each schedule, for reading only."
    wanted = Wanted(frozenset(recent_windows(visit, executions)), most)
    for name in (FOLDER, "static"):
        (folder / name).mkdir()
    for name, style in assets():
        (folder / "static" / name).write_bytes(style)
    wanted.file_of(address_of("/", {}))
    while wanted.waiting:
        address = wanted.waiting.popleft()
        is_index = address.file == INDEX
        links = CopiedLinks("" if is_index else "../", words)
        try:
            content = page_at(address, replace(visit, links=links))
        except MonitorError as error:  # such as a report that is gone: inside Airflow the page says so, too
            if is_index:
                raise
            content = notice(replace(visit, links=links), "There is nothing to see", str(error))
        written = with_files(CONTROLS.sub("", content), links, wanted).encode() if isinstance(content, str) else content
        (folder / INDEX if is_index else folder / FOLDER / address.file).write_bytes(written)
    return Copied(len(wanted.files), len(wanted.left_out))


def recent_windows(visit: Visit, count: int) -> Iterator[tuple[str, ...]]:
    """The endpoint, schedule, start and end of the last windows of each schedule, as in an address."""
    for history, _ in visit.groups:
        with open_for_reading(history) as session:
            if session is None:
                continue
            named = {row["id"]: row for row in queries.schedules(session) if row["name"] in visit.schedules}
            for row in last_windows.strips(session, list(named), count):
                own = named[row["schedule_id"]]
                yield own["endpoint"], own["name"], iso(row["window_start"]), iso(row["window_end"])


def page_at(address: Address, visit: Visit) -> str | bytes:
    """The page of an address, or a file as it is. Raises MonitorError."""
    kinds = adapters(address.page.view)
    asked = {name: kinds[name].validate_python(text) for name, text in address.asked}
    if isinstance(address.page, File):
        return address.page.view(visit, **asked)
    return html(address.page, address.page.view(visit, **asked), visit)


@cache
def adapters(view: Any) -> dict[str, TypeAdapter[Any]]:
    """What turns the texts of an address into what a view takes."""
    hints = get_type_hints(view, include_extras=True)
    return {name: TypeAdapter(hint) for name, hint in hints.items() if name not in ("visit", "return")}


def assets() -> Iterator[tuple[str, bytes]]:
    """The style sheets, by name; scripts serve forms alone."""
    for file in (files("model_monitor.dashboard") / "static").iterdir():
        if file.name.endswith(".css"):
            yield file.name, file.read_bytes()
