"""docs/endpoint-files.md lists every key of an endpoint file, and no other."""

from __future__ import annotations

import re

from support.places import PROJECT

from model_monitor.config import Endpoint
from model_monitor.config.advice import known_keys

PAGE = (PROJECT / "docs/endpoint-files.md").read_text().partition("## Options of")[0]
SCHEMA = Endpoint.model_json_schema()


def test_the_page_lists_every_key_of_each_section() -> None:
    listed = 0
    for section in PAGE.split("\n## ")[1:]:
        title = section.partition("\n")[0]
        named = re.sub(r"\b(schedules|expectations|to|mute)\b", r"\1.0", title)  # of these there are lists
        place = [] if title == "The file" else named.split(".")
        keys = re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE)
        assert sorted(keys) == sorted(known_keys(place, SCHEMA)), title
        listed += len(keys)
    assert listed == sum(len(part.get("properties", {})) for part in (SCHEMA, *SCHEMA["$defs"].values()))
