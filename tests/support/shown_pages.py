"""The dashboard's pages in a browser without a server: each address is answered by its view."""

from __future__ import annotations

import re
from dataclasses import dataclass
from importlib.resources import files
from typing import Any, get_type_hints
from urllib.parse import parse_qs, unquote, urlsplit

from pydantic import TypeAdapter

from model_monitor.dashboard.new_choices import Asked
from model_monitor.dashboard.page import File, Page
from model_monitor.dashboard.pages import FILES, PAGES, html
from model_monitor.dashboard.visit import Visit
from support.forms import LISTS

HERE = "http://dashboard.test"  # no such host: nothing leaves the browser
KINDS = {"css": "text/css", "js": "text/javascript"}


@dataclass
class ShownPages:
    """Answers a browser's context: ``open_in`` once, then any address below ``HERE``. Playwright writes into it."""

    visit: Visit

    def open_in(self, context: Any) -> None:
        context.route(f"{HERE}/**", self.answer)

    def answer(self, route: Any) -> None:
        address = urlsplit(route.request.url)
        path = address.path.removeprefix(self.visit.links.root) or "/"
        if path.startswith("/static/"):
            name = path.removeprefix("/static/")
            body = (files("model_monitor.dashboard") / "static" / name).read_bytes()
            return route.fulfill(body=body, content_type=KINDS[name.rpartition(".")[2]])
        try:
            return route.fulfill(body=self.page(path, address.query), content_type="text/html")
        except LookupError:
            return route.fulfill(status=404, body="")

    def page(self, path: str, query: str) -> bytes:
        """A page or a file. Raises LookupError."""
        for one in (*FILES, *PAGES):
            if found := re.fullmatch(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", one.path), path):
                return self.shown(one, {k: unquote(v) for k, v in found.groupdict().items()}, parse_qs(query))
        raise LookupError(path)

    def shown(self, page: Page | File, names: dict[str, str], asked: dict[str, list[str]]) -> bytes:
        if isinstance(page, Page) and page.adds:
            form = {k: v if k in LISTS else v[-1] for k, v in asked.items()}
            return html(page, page.view(self.visit, Asked.model_validate(form)), self.visit).encode()
        kinds = get_type_hints(page.view, include_extras=True)
        given = {name: v if name == "pick" else v[-1] for name, v in asked.items()} | names
        found = page.view(
            self.visit, **{name: TypeAdapter(kinds[name]).validate_python(v) for name, v in given.items()}
        )
        return found if isinstance(page, File) else html(page, found, self.visit).encode()
