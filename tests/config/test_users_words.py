"""No message on an endpoint file speaks of pydantic, YAML's nodes or Python's types, whatever stands in a setting."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from model_monitor import config
from model_monitor.config import Endpoint
from model_monitor.config.monitors import monitor_of
from model_monitor.errors import ConfigError

SCHEMA = Endpoint.model_json_schema()
JARGON = re.compile(
    r"Input should|ield required|instance of|nable to parse|timedelta|pydantic|dictionary|\btuple|valid |NoneType"
    r"|<class|iterable|should (have|match)|\b(dict|bool|int|str|float)\b|list\[|(Scalar|Mapping)Node|True\b|None\b"
)
VALUES: list[Any] = [True, -7, "x", "", None, ["x"], {"x": 1}]
Place = tuple[str | int, ...]


def resolved(node: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in node:
        node = SCHEMA["$defs"][node["$ref"].rpartition("/")[2]]
    return node


def places(node: dict[str, Any], place: Place = ()) -> Iterator[Place]:
    """Every setting of the schema, also those of entries of lists."""
    yield place
    for option in map(resolved, [node, *node.get("anyOf", [])]):
        for key, value in option.get("properties", {}).items():
            yield from places(resolved(value), (*place, key))
        if isinstance(option.get("items"), dict):
            yield from places(resolved(option["items"]), (*place, 0))


def with_value(place: Place, value: Any) -> Any:
    """An endpoint whose setting at a place has a value."""
    schedule = {"name": "a-dq", "monitor": "data_quality"}
    inner: Any = value
    for part in reversed(place):
        inner = [inner] if isinstance(part, int) else {part: inner}
    document = {"endpoint": "a", "capture": {"uri": "in"}, "output": "out", "schedules": [schedule]} | inner
    if place[0] == "schedules" and len(place) > 2:
        document["schedules"] = [schedule | inner["schedules"][0]]
    return document


PLACES = sorted(set(places(SCHEMA)) - {()}, key=str)


def test_no_wrong_value_of_any_setting_is_answered_in_the_words_of_a_library(tmp_path: Path) -> None:
    file, refused, odd = tmp_path / "a.yaml", 0, []
    for place in PLACES:
        for value in VALUES:
            file.write_text(json.dumps(with_value(place, value)))
            try:
                config.load(file)
            except ConfigError as error:
                refused += 1
                if JARGON.search(str(error).replace(str(file), "")):
                    odd.append((place, value, str(error)))
    assert not odd[:10]
    assert len(PLACES) > 200 and refused > 3 * len(PLACES)


OPTIONS: list[tuple[str, dict[str, Any]]] = [
    (monitor, base | {name: value})
    for monitor, base, names in (
        ("data_quality", {}, ("compatibility", "false_alarm_budget", "strict_types", "rules", "numbers", "generation")),
        ("model_quality", {"problem_type": "Regression"}, ("inference_attribute", "class_names", "seed", "metrics")),
        ("bias", {}, ("compatibility", "false_alarm_budget", "facets")),
        ("attribution", {}, ("compatibility", "false_alarm_budget")),
        ("traffic", {}, ("false_alarm_budget",)),
    )
    for name in names
    for value in (["x"], {"x": 1}, 1.5, [[1]])
]


@pytest.mark.parametrize(("monitor", "options"), OPTIONS, ids=str)
def test_no_wrong_option_of_a_monitor_is_answered_in_the_words_of_a_library(
    monitor: str, options: dict[str, Any]
) -> None:
    try:
        monitor_of(monitor, options)
    except ConfigError as error:
        assert not JARGON.search(str(error).partition("}: ")[2])
