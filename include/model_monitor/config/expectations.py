"""``expectations:`` of a schedule: rules in the words of Great Expectations, or suite files of its own.

Parsing an endpoint file only checks the form; names and arguments are checked against Great Expectations by
``problems``, which imports it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import yaml
from pydantic import BeforeValidator, Field, model_validator

from model_monitor import store
from model_monitor.config import yaml_files
from model_monitor.config.fields import Address, Settings
from model_monitor.config.words import shown
from model_monitor.errors import ConfigError

if TYPE_CHECKING:
    from model_monitor.monitors.expectations import Rule

MAX_SUITE_BYTES = 16 << 20
PARAMETER = "$PARAMETER"

Place = tuple[str | int, ...]


class Expectation(Settings):
    """An expectation as in a suite of Great Expectations 1.x, or the address of such a suite."""

    type: str | None = Field(None, description="Its name, e.g. expect_column_values_to_be_between")
    kwargs: dict[str, Any] = Field(default_factory=dict, description="Its arguments, e.g. column, min_value, mostly")
    severity: Literal["critical", "warning", "info"] = Field("critical", description="How bad a violation is")
    description: str | None = Field(None, description="What it says, in the report's words")
    notes: str | list[str] | None = Field(None, description="Why it is there")
    meta: dict[str, Any] | None = Field(None, description="Anything; not read")
    id: str | None = Field(None, description="As suite files have it; not read")
    suite: Address | None = Field(None, description="Instead of type: a suite file of Great Expectations 1.x")

    @model_validator(mode="after")
    def _is_one_of_both(self) -> Expectation:
        if self.suite and (extra := sorted(self.model_fields_set - {"suite"})):
            raise ValueError(f"a suite has {', '.join(extra)} in its file; leave it out here")
        if self.type is None and self.suite is None:
            raise ValueError("an expectation has a type, e.g. expect_column_values_to_not_be_null; or name a suite")
        return self

    def rule(self) -> Rule:
        from model_monitor.monitors.expectations import Rule

        return Rule(self.type or "", self.kwargs, self.severity, self.description, self.notes, self.meta or {})


def as_entries(value: object) -> object:
    """A suite's address alone stands for a list of it. Raises ValueError that says what to write."""
    if isinstance(value, str):
        return [{"suite": value}]
    if not isinstance(value, list | tuple):
        raise ValueError("a list of rules is expected, each with '- type:' or '- suite:', or the address of a suite")
    for i, entry in enumerate(value):
        if isinstance(entry, str):
            raise ValueError(f"entry {i + 1}: write '- suite: {entry}' for a file of rules, or '- type: …' for a rule")
        if not isinstance(entry, dict | Expectation):
            raise ValueError(f"entry {i + 1}: an object with type and kwargs is expected, not {shown(entry)}")
    return value


def or_an_address(schema: dict[str, Any]) -> None:
    listed = {key: schema.pop(key) for key in ("type", "items")}
    schema["anyOf"] = [listed, {"type": "string", "minLength": 1}]


ExpectationList = Annotated[
    tuple[Expectation, ...],
    BeforeValidator(as_entries),
    Field(
        description="Rules that hold of each window: expectations of Great Expectations 1.x, or the address of a suite",
        json_schema_extra=or_an_address,
    ),
]


def rules_of(entries: Sequence[Expectation]) -> tuple[Rule, ...]:
    """The rules of a schedule, those of its suites read. Raises ConfigError."""
    return tuple(rule for entry in entries for rule in (suite_at(entry.suite) if entry.suite else [entry.rule()]))


def described(entries: Sequence[Expectation]) -> dict[str, Any]:
    """What a report says of a schedule's rules: how many it lists, and the addresses of its suites."""
    suites = [entry.suite for entry in entries if entry.suite]
    return {"listed": len(entries) - len(suites)} | ({"suites": suites} if suites else {})


def problems(entries: Sequence[Expectation]) -> Iterator[tuple[Place, str]]:
    """What Great Expectations does not accept of a schedule's rules: the place in its list, and the advice."""
    from model_monitor.monitors.expectations.suite import problems_of

    for i, entry in enumerate(entries):
        try:
            if entry.suite is None:
                for place, problem in problems_of(entry.rule()):
                    yield (i, *place), problem
            else:
                for problem in problems_in_suite(entry.suite):
                    yield (i, "suite"), problem
        except ConfigError as error:
            yield (i,), str(error)


def problems_in_suite(address: str) -> Iterator[str]:
    """The problems of a suite file, each with the file and the line."""
    from model_monitor.monitors.expectations.suite import problems_of

    document = document_at(address)
    for i, rule in enumerate(rules_in(document, address)):
        for place, problem in problems_of(rule):
            line = line_of(address, ("expectations", i, *place))
            at = f"{'.'.join(map(str, place))}: " if place else ""
            yield f"{address}:{line}: expectation {i + 1}: {at}{problem}{other_version(document)}"


def suite_at(address: str) -> list[Rule]:
    """The rules of a suite file. Raises ConfigError."""
    return rules_in(document_at(address), address)


def document_at(address: str) -> dict[str, Any]:
    """A suite file's JSON. Raises ConfigError for what is no suite, or one of another major version."""
    if Path(address).is_dir():
        raise ConfigError(f"{address} is a folder; name a suite file in it")
    try:
        content = store.read(address)
    except FileNotFoundError as error:
        raise ConfigError(f"there is no suite file {address}") from error
    if len(content) > MAX_SUITE_BYTES:
        raise ConfigError(f"{address}: has {len(content):,} bytes; a suite has at most {MAX_SUITE_BYTES:,}")
    try:
        document = json.loads(content, object_pairs_hook=without_repeats)
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"{address}: not JSON: {error}") from error
    if not isinstance(document, dict) or not isinstance(document.get("expectations"), list):
        raise ConfigError(f"{address}: no suite of Great Expectations: it has no list 'expectations'")
    version = version_of(document)
    if (version and version.partition(".")[0] != "1") or "expectation_suite_name" in document:
        raise ConfigError(
            f"{address}: a suite of Great Expectations {version or '0.x'}; version 1.x is read: write it again with "
            "1.x, or rename expectation_suite_name to name and each expectation_type to type"
        )
    if not document["expectations"]:
        raise ConfigError(f"{address}: its list 'expectations' is empty, so that nothing would be judged")
    return document


def without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """The members of an object of JSON. Raises ValueError for a name that is there twice."""
    members: dict[str, Any] = {}
    for name, value in pairs:
        if name in members:
            raise ValueError(f"'{name}' is there twice in one object; remove one")
        members[name] = value
    return members


def version_of(document: Mapping[str, Any]) -> str | None:
    meta = document.get("meta")
    version = meta.get("great_expectations_version") if isinstance(meta, Mapping) else None
    return version if isinstance(version, str) else None


def other_version(document: Mapping[str, Any]) -> str:
    """That a suite is of another version than the one that reads it; "" if it is not."""
    from model_monitor.monitors.expectations.library import installed_version

    version, own = version_of(document), installed_version()
    return f" (the suite is of GX {version}, this is {own})" if version and version != own else ""


def rules_in(document: Mapping[str, Any], address: str) -> list[Rule]:
    values = document.get("suite_parameters") or {}
    rules = []
    for i, entry in enumerate(document["expectations"]):
        place = f"{address}:{{line}}: expectation {i + 1}"
        try:
            if not isinstance(entry, dict):
                raise ConfigError("an object is expected")
            if "expectation_type" in entry:
                raise ConfigError("'expectation_type' is of Great Expectations 0.x; rename it to 'type'")
            known = {
                name: value for name, value in entry.items() if name in Expectation.model_fields and name != "suite"
            }
            rules.append(
                Expectation.model_validate(known | {"kwargs": filled(entry.get("kwargs") or {}, values)}).rule()
            )
        except (ConfigError, ValueError) as error:
            words = error.errors()[0]["msg"] if hasattr(error, "errors") else str(error)
            line = line_of(address, ("expectations", i))
            raise ConfigError(f"{place.format(line=line)}: {str(words).removeprefix('Value error, ')}") from error
    return rules


def filled(kwargs: Any, values: Any) -> Any:
    """Arguments with the values of the suite's own parameters."""
    if not isinstance(kwargs, dict) or not isinstance(values, dict):
        return kwargs
    return {
        name: values[value[PARAMETER]]
        if isinstance(value, dict) and set(value) == {PARAMETER} and value[PARAMETER] in values
        else value
        for name, value in kwargs.items()
    }


def line_of(address: str, place: Place) -> int:
    """The line of a place in a JSON file; 1 where it can't be told."""
    try:
        tree = yaml.compose(store.read(address).decode(), yaml_files.Loader)  # YAML reads JSON, and keeps the lines
    except (yaml.YAMLError, UnicodeDecodeError, OSError, RecursionError):
        return 1
    return yaml_files.line_at(tree, place)
