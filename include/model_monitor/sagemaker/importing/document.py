"""An imported endpoint file as YAML with remarks, safe for foreign texts."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass, field
from typing import Any

import yaml

from model_monitor.config.yaml_files import REFERENCE
from model_monitor.sagemaker.importing.shapes import Json

Place = tuple[str | int, ...]

LOOK = "LOOK"
LITERAL = "${DOLLAR:-$}{"  # what an endpoint file reads as a dollar and a brace, as long as nobody sets DOLLAR
WIDTH = 118  # of comments


def plain(text: str) -> str:
    """A foreign text on one line, without characters that steer a terminal or end a comment.

    >>> plain("a\\nb: \\x1b[2J")
    'a\\\\nb: \\\\x1b[2J'
    """
    return "".join(char if char.isprintable() else ascii(char)[1:-1] for char in text)


@dataclass
class Remarks:
    """What a person should know of the file.

    looks: sentences by the place in the file at which to look.
    without: sentences on what has no counterpart, each with the names of its schedules.
    """

    looks: dict[Place, list[str]] = field(default_factory=dict)
    without: dict[str, list[str]] = field(default_factory=dict)

    def look(self, place: Place, sentence: str) -> None:
        sentences = self.looks.setdefault(place, [])
        if plain(sentence) not in sentences:
            sentences.append(plain(sentence))

    def no_counterpart(self, what: str, instead: str, schedule: str = "") -> None:
        """``what`` is a place in SageMaker's documents, ``instead`` what takes its place, or why nothing does."""
        names = self.without.setdefault(f"{plain(what)}: {plain(instead)}", [])
        if schedule and schedule not in names:
            names.append(schedule)

    def listed(self) -> list[str]:
        """What has no counterpart, a line each, with its schedules if others lack it."""
        everybody = {name for names in self.without.values() for name in names}
        return [
            f"{', '.join(names)}: {sentence}" if names and len(everybody) > 1 else sentence
            for sentence, names in self.without.items()
        ]


@dataclass(frozen=True)
class OfSchedule:
    """Remarks on one schedule: its index in the file, and its name."""

    remarks: Remarks
    index: int
    name: str

    def look(self, key: str, sentence: str) -> None:
        self.remarks.look(("schedules", self.index, key), sentence)

    def no_counterpart(self, what: str, instead: str) -> None:
        self.remarks.no_counterpart(what, instead, self.name)


class Dumper(yaml.SafeDumper):
    """Writes no anchors, and texts of several lines or with strange characters on one line, in double quotes."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def quoted(dumper: yaml.SafeDumper, text: str) -> yaml.Node:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=None if text.isprintable() else '"')


def listed(dumper: yaml.SafeDumper, values: list[Any]) -> yaml.Node:
    """On one line if it is short and holds nothing nested."""
    short = len(str(values)) < WIDTH - 20 and not any(isinstance(value, list | dict) for value in values)
    return dumper.represent_sequence("tag:yaml.org,2002:seq", values, flow_style=short)


Dumper.add_representer(str, quoted)
Dumper.add_representer(list, listed)


def literal(value: Any) -> Any:
    """The same, tuples as lists, with ``${NAME}`` written so that it is read as these characters.

    >>> literal(["${HOME}", "$5"])
    ['${DOLLAR:-$}{HOME}', '$5']
    """
    if isinstance(value, dict):
        return {key: literal(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [literal(item) for item in value]
    return value.replace("${", LITERAL) if isinstance(value, str) and REFERENCE.search(value) else value


def text_of(settings: Json, remarks: Remarks) -> str:
    """The file's text."""
    schedules = [schedule["name"] for schedule in settings["schedules"]]
    head = [
        f"Made by `model-monitor import-sagemaker` of SageMaker's {', '.join(schedules)}.",
        f"Look at what is marked with {LOOK}; the end lists what has no counterpart here.",
    ]
    lines = [line for sentence in head for line in comment(sentence)]
    for key, value in settings.items():
        lines += looks(remarks, (key,))
        if key == "schedules":
            lines.append("schedules:")
            for i, schedule in enumerate(value):
                lines += entry(schedule, i, remarks)
        else:
            lines += dumped(key, value)
    if without := remarks.listed():
        lines += ["", *comment("Without a counterpart here:")]
        lines += [line for sentence in without for line in comment(sentence, "- ")]
    return "\n".join(lines) + "\n"


def entry(schedule: Json, index: int, remarks: Remarks) -> list[str]:
    """The lines of one schedule, as an item of a list: its name is first, maybe below remarks."""
    lines = []
    for key, value in schedule.items():
        lines += [*looks(remarks, ("schedules", index, key)), *dumped(key, value)]
    for place in remarks.looks:
        if place[:2] == ("schedules", index) and place[2] not in schedule:
            lines += looks(remarks, place)
    above = len(looks(remarks, ("schedules", index, "name")))
    return [f"  {'' if i < above else '- ' if i == above else '  '}{line}" for i, line in enumerate(lines)]


def dumped(key: str, value: Any) -> list[str]:
    text: str = yaml.dump({key: literal(value)}, Dumper=Dumper, sort_keys=False, allow_unicode=True, width=float("inf"))
    return text.splitlines()


def looks(remarks: Remarks, place: Place) -> list[str]:
    return [line for sentence in remarks.looks.get(place, []) for line in comment(f"{LOOK}: {sentence}")]


def comment(sentence: str, mark: str = "") -> list[str]:
    """A sentence as comments of a readable width, whatever characters it has."""
    width = WIDTH - len(mark) - len("# ")
    lines = textwrap.wrap(plain(sentence), width, break_long_words=False, break_on_hyphens=False) or [""]
    return [f"# {mark if i == 0 else ' ' * len(mark)}{line}".rstrip() for i, line in enumerate(lines)]
