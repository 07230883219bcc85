"""The addresses of pages in a static copy: relative ones of files, and none of what the copy leaves out."""

from __future__ import annotations

import hashlib
import inspect
import json
import re
from collections import deque
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from model_monitor.dashboard.executions import MOST
from model_monitor.dashboard.links import Links, written
from model_monitor.dashboard.page import File, Page
from model_monitor.dashboard.pages import FILES, PAGES

INDEX, FOLDER = "index.html", "pages"
SCHEME = "copied:"
LINK = re.compile(rf'\s+href="{SCHEME}(\d+)[^"#]*(#[^"]*)?"')  # values are escaped, so no name holds such a text
LONGEST = 80  # characters of a file's name that tell a person what it is; a digest makes it the only one
HOLDING = re.compile(r"[^a-z0-9]+")


COPIED: tuple[Page | File, ...] = (*FILES, *(page for page in PAGES if not page.adds))


@dataclass(frozen=True)
class Address:
    """A page with what its path and its query say, by name."""

    page: Page | File
    asked: tuple[tuple[str, str], ...]

    @property
    def file(self) -> str:
        """The name of its file: the same for the same address, safe on any disk, different for different addresses."""
        if not self.asked and self.page.path == "/":
            return INDEX
        text = "-".join([self.page.name, *(value for _, value in self.asked)]).lower()
        digest = hashlib.sha256(json.dumps([self.page.name, *self.asked]).encode()).hexdigest()[:10]
        return f"{HOLDING.sub('-', text)[:LONGEST].strip('-')}-{digest}.html"


@dataclass
class Wanted:
    """The pages of a copy: at most ``most`` of them, with the executions of ``windows`` alone (endpoint, schedule,
    start and end, as in an address). ``left_out`` are the pages that links lead to and that the copy lacks."""

    windows: Collection[tuple[str, ...]]
    most: int
    files: dict[Address, str] = field(default_factory=dict)
    waiting: deque[Address] = field(default_factory=deque)
    left_out: set[Address] = field(default_factory=set)

    def file_of(self, address: Address | None) -> str | None:
        """The file of a page, from now on part of the copy; None if the copy leaves it out."""
        if address is None:
            return None
        if address not in self.files:
            if len(self.files) >= self.most or not self.is_recent(address):
                self.left_out.add(address)
                return None
            self.files[address] = address.file
            self.waiting.append(address)
        return self.files[address]

    def is_recent(self, address: Address) -> bool:
        asked = dict(address.asked)
        if address.page.name == "executions":
            return (int(asked.get("page", 1)) - 1) * MOST < max(len(self.windows), 1)
        window = tuple(asked.get(name, "") for name in ("endpoint", "schedule", "start", "end"))
        return address.page.name not in ("execution", "report") or window in self.windows


@dataclass(frozen=True)
class CopiedLinks(Links):
    """Links while a page is drawn: each is the number of an address in ``named``, until it is known which ones stay."""

    named: list[Address | None] = field(default_factory=list)

    def page(self, path: str, query: Mapping[str, Any] | None = None) -> str:
        self.named.append(address_of(path, query or {}))
        return f"{SCHEME}{len(self.named) - 1}"

    def asset(self, name: str) -> str:
        return f"{self.root}static/{name}"


def with_files(text: str, links: CopiedLinks, wanted: Wanted) -> str:
    """A page whose links lead to files; those to what the copy leaves out are plain text."""

    def of(match: re.Match[str]) -> str:
        file = wanted.file_of(links.named[int(match[1])])
        if file is None:
            return ""
        place = f"{links.root}{file}" if file == INDEX else file if links.root else f"{FOLDER}/{file}"
        return f' href="{place}{match[2] or ""}"'

    return LINK.sub(of, text)


def address_of(path: str, query: Mapping[str, Any]) -> Address | None:
    """The page of a quoted path, with what is asked of it beyond its defaults; None if there is no such page."""
    parts = path.strip("/").split("/")
    for page in COPIED:
        names = page.path.strip("/").split("/")
        if len(names) == len(parts) and all(n == p or n.startswith("{") for n, p in zip(names, parts, strict=True)):
            asked = {n[1:-1]: unquote(p) for n, p in zip(names, parts, strict=True) if n.startswith("{")}
            return Address(page, (*asked.items(), *sorted(beyond_defaults(page, query).items())))
    return None


def beyond_defaults(page: Page | File, query: Mapping[str, Any]) -> dict[str, str]:
    parameters = inspect.signature(page.view).parameters
    given = {name: written(value) for name, value in query.items() if name in parameters and value not in (None, "")}
    return {name: value for name, value in given.items() if value != str(parameters[name].default)}
