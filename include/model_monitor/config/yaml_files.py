"""Read a YAML file that a person wrote: bounded in size and expansion, each problem with file and line."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from model_monitor.errors import ConfigError, is_unicode

MAX_BYTES = 256 << 10  # each DAG file reads each endpoint file again and again
MAX_DEPTH = 50
MAX_NODES = 100_000  # after aliases are resolved
COMMENT = re.compile(r":[ \t]+(?P<word>#[\w-]+)")  # no space after it, as a comment would have
UNQUOTED = re.compile(r":[ \t]*(?P<word>\$\{\w+[^}]*\}[^\s,}]*)")
REFERENCE = re.compile(r"\$\{(?P<name>\w+)(:-(?P<default>[^}]*))?\}")  # to a variable of the environment


class Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]  # whichever this PyYAML has
    """PyYAML's safe loader; whatever its constructors raise (``2026-13-01`` is no date) names the line."""

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        try:
            return super().construct_object(node, deep)
        except (yaml.YAMLError, RecursionError):
            raise
        except Exception as error:
            raise yaml.constructor.ConstructorError(None, None, f"{error}", node.start_mark) from error


def load(path: Path) -> tuple[yaml.Node | None, Any]:
    """The file's nodes with their lines, and its content. Raises ConfigError."""
    text = text_of(path)
    try:
        check_depth(path, text)
        loader = Loader(text)
        try:
            tree = loader.get_single_node()
            check(path, tree)
            refuse_comments(path, text, tree)
            return tree, loader.construct_document(tree) if tree else None
        finally:
            loader.dispose()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = f":{mark.line + 1}" if mark else ""
        hint = hint_on(text, error)
        raise ConfigError(f"{path}{line}: not YAML: {error.problem or error.context}{hint}") from error
    except (yaml.YAMLError, RecursionError) as error:
        raise ConfigError(f"{path}: not YAML: {' '.join(str(error).split())}") from error


def hint_on(text: str, error: yaml.MarkedYAMLError) -> str:
    """What to put in quotes, if something that YAML takes for its own stands where an error was noticed."""
    marks = [mark.line for mark in (error.context_mark, error.problem_mark) if mark]
    lines = text.splitlines()[min(marks, default=0) : max(marks, default=0) + 1]
    for line in lines:
        if match := COMMENT.search(line):
            return f"; # starts a comment: put '{match['word']}' in quotes"
        if match := UNQUOTED.search(line):
            return f"; between braces put '{match['word']}' in quotes"
    return ""


def refuse_comments(path: Path, text: str, tree: yaml.Node | None) -> None:
    """Raise ConfigError for a key whose value is missing because it starts with #, as a channel does."""
    lines = text.splitlines()
    for node in nodes_of(tree):
        for key, value in node.value if isinstance(node, yaml.MappingNode) else ():
            if not (isinstance(value, yaml.ScalarNode) and value.value == "" and not value.style):
                continue
            if match := COMMENT.match(lines[key.end_mark.line][key.end_mark.column :]):
                word = match["word"]
                raise ConfigError(
                    f"{path}:{key.end_mark.line + 1}: {key.value}: it is empty, as # starts a comment; write "
                    f'{key.value}: "{word}"'
                )


def nodes_of(tree: yaml.Node | None) -> Iterator[yaml.Node]:
    """A node and all below it."""
    if tree is not None:
        yield tree
        parts = tree.value if isinstance(tree, yaml.MappingNode | yaml.SequenceNode) else ()
        for part in parts:
            for node in part if isinstance(part, tuple) else (part,):
                yield from nodes_of(node)


def text_of(path: Path) -> str:
    """The text of a file. Raises ConfigError for what is no file, is too large, or is not UTF-8."""
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise ConfigError(f"{path}: is not a file")
        if status.st_size > MAX_BYTES:
            raise ConfigError(f"{path}: has {status.st_size:,} bytes; an endpoint file has at most {MAX_BYTES:,}")
        return path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise ConfigError(f"{path}: there is no such file") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: can't be read: it is not in UTF-8; save it in UTF-8") from error
    except OSError as error:
        raise ConfigError(f"{path}: can't be read: {error.strerror}") from error


def check_depth(path: Path, text: str) -> None:
    """Raise ConfigError for what is nested too deeply: libyaml's composer would overflow the stack."""
    depth = 0
    for event in yaml.parse(text, Loader=Loader):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > MAX_DEPTH:
            line = event.start_mark.line + 1 if event.start_mark else 1
            raise ConfigError(f"{path}:{line}: nested deeper than {MAX_DEPTH} levels")


def check(path: Path, tree: yaml.Node | None) -> None:
    """Raise ConfigError for a repeated key, of which YAML would silently take the last, and for aliases that grow
    without bound."""
    waiting: list[tuple[yaml.Node | None, tuple[int, ...]]] = [(tree, ())]
    for _ in range(MAX_NODES):
        if not waiting:
            return
        node, above = waiting.pop()
        if id(node) in above:
            raise ConfigError(f"{path}:{line_of(node)}: the alias stands for what it is in; write it out")
        inside = (*above, id(node))
        if isinstance(node, yaml.SequenceNode):
            waiting += [(item, inside) for item in node.value]
        elif isinstance(node, yaml.MappingNode):
            names: set[str] = set()
            for key, value in node.value:
                name = str(key.value)
                if name in names:
                    raise ConfigError(f"{path}:{line_of(key)}: '{name}' is there twice; remove one")
                names.add(name)
                waiting += [(key, inside), (value, inside)]
    raise ConfigError(f"{path}: has more than {MAX_NODES:,} values; write fewer, or fewer aliases")


def line_of(node: yaml.Node | None) -> int:
    return node.start_mark.line + 1 if node else 1


def with_environment(content: Any) -> Any:
    """The same with ``${NAME}`` and ``${NAME:-default}`` in texts replaced. Raises KeyError."""
    if isinstance(content, dict):
        return {key: with_environment(value) for key, value in content.items()}
    if isinstance(content, list):
        return [with_environment(value) for value in content]
    return expanded(content) if isinstance(content, str) else content


def expanded(text: str) -> str:
    """A text with the environment's values in it. Raises KeyError."""
    return REFERENCE.sub(environment_value, text)


def environment_value(reference: re.Match[str]) -> str:
    name, default = reference["name"], reference["default"]
    value = os.environ[name] if default is None else os.environ.get(name) or default
    if not is_unicode(value):
        raise ConfigError(f"environment variable {name} is no text in UTF-8; set it anew")
    return value


def line_at(tree: yaml.Node | None, place: tuple[str | int, ...]) -> int:
    """The 1-based line of the deepest node on the way to a place."""
    line = tree.start_mark.line + 1 if tree else 1
    for part in place:
        if isinstance(tree, yaml.MappingNode):
            pair = next(((key, value) for key, value in tree.value if key.value == str(part)), None)
            if pair is None:
                break
            line, tree = pair[0].start_mark.line + 1, pair[1]
        elif isinstance(tree, yaml.SequenceNode) and isinstance(part, int) and part < len(tree.value):
            tree = tree.value[part]
            line = tree.start_mark.line + 1
    return line
