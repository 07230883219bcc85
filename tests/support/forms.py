"""What a browser without JavaScript sends of a page's forms."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Any

LISTS = ("at", "role", "column", "private", "kept", "monitor")


class Fields(HTMLParser):
    """What a browser sends of the forms of a page, by the form's class or id, if nobody touches them."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.forms: dict[str, dict[str, Any]] = {}
        self.form: dict[str, Any] = {}
        self.select, self.has_button = "", False
        self.feed(html)

    def handle_starttag(self, tag: str, pairs: list[tuple[str, str | None]]) -> None:
        given = dict(pairs)
        name, value = given.get("name") or self.select, given.get("value") or ""
        if tag == "form":
            self.has_button = False
            self.form = self.forms.setdefault(given.get("id") or given.get("class") or "", {})
        if tag == "select":
            self.select = given.get("name") or ""
        if tag == "button" and name and not self.has_button:  # the first one is what Enter presses
            self.has_button = True
            self.form[name] = [value]
        is_sent = tag == "input" and name and (given.get("type") != "checkbox" or "checked" in given)
        if (is_sent and "disabled" not in given) or (tag == "option" and "selected" in given):
            self.form.setdefault(name, []).append(value)

    def handle_endtag(self, tag: str) -> None:
        self.select = "" if tag == "select" else self.select

    def sent(self, form: str) -> dict[str, Any]:
        return {name: values if name in LISTS else values[-1] for name, values in self.forms[form].items()}
