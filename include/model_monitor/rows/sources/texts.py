"""Which rows does a text file hold? Rows of CSV and documents of JSON, as they are written, with their line."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from itertools import chain, islice

import msgspec

from model_monitor.errors import DataError
from model_monitor.rows.blocks import BLOCK_BYTES, LINE_BYTES, Piece
from model_monitor.rows.json_text import is_unicode
from model_monitor.rows.sources.translating import Line

BOM = b"\xef\xbb\xbf"

raw_members = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
raw_elements = msgspec.json.Decoder(list[msgspec.Raw]).decode
plain = json.JSONDecoder(parse_int=str)  # knows NaN and half characters, which occur, but is slower

WHOLE_BYTES = LINE_BYTES  # of a document or a list over several lines

# Of a line of CSV: what is left of a value in quotes, of the field around it, and all fields that end on the line. A
# quote within a value that does not start with one is a character like others. (No group is repeated possessively:
# Python before 3.11.5 gets that wrong, and some systems have it.)
QUOTED = re.compile(rb'[^"]*+(?:""[^"]*+)*')
FIELD_END = re.compile(rb"[^,]*+,?")
FIELDS = re.compile(rb'(?:"[^"]*+(?:""[^"]*+)*"(?!")[^,]*+,?|[^",][^,]*+,?|,)*')


def csv_rows(pieces: Iterable[Piece]) -> Iterator[Line]:
    """The rows of one CSV file, without its line ends; a value in quotes may hold newlines. Blank lines are no rows.

    Raises DataError if a quote is never closed.
    """
    parts: list[bytes] = []  # of a row that goes on
    start = size = 0  # the line that it starts on, and its bytes
    for piece in pieces:
        content = piece.content.removeprefix(BOM) if piece.first == 1 else piece.content
        for number, line in enumerate(content.split(b"\n"), piece.first):
            closes = not ends_in_quotes(line, bool(parts)) if parts or b'"' in line else True
            if not closes and size < BLOCK_BYTES:
                start, size = start if parts else number, size + len(line)
                parts.append(line)
            elif not closes:
                raise DataError(unclosed(piece.file, start))
            elif row := b"\n".join([*parts, line]).removesuffix(b"\r"):
                yield (start if parts else number), row
                parts, size = [], 0
    if parts:
        raise DataError(unclosed(piece.file, start))


def ends_in_quotes(line: bytes, starts_in_quotes: bool) -> bool:
    """Whether a value in quotes goes on after a line of CSV."""
    at = 0
    if starts_in_quotes:
        if (at := end_of(QUOTED, line, 0)) == len(line):
            return True
        at = end_of(FIELD_END, line, at + 1)
    return line.startswith(b'"', end_of(FIELDS, line, at))


def end_of(pattern: re.Pattern[bytes], line: bytes, start: int) -> int:
    """Where a pattern that fits anything ends."""
    found = pattern.match(line, start)
    return found.end() if found else start


def unclosed(file: str, line: int) -> str:
    return f"{file} line {line} opens a quote that is never closed; correct or remove the file"


def json_documents(pieces: Iterator[Piece]) -> Iterator[Line]:
    """The documents of one JSON file: one per line, or the elements of one list, or one document over all lines.

    A list that is alone on its line is a document if others follow. The number of an element is its place in the list,
    from 1. Raises DataError for a list that can't be read.
    """
    for piece in pieces:
        content = piece.content.removeprefix(BOM)
        first, _, more = content.strip().partition(b"\n")
        known = [Piece(piece.file, piece.first, content)]
        if not more:
            known += islice((some for some in pieces if some.content.strip()), 1)
        is_list, is_alone = first.startswith(b"["), not more and len(known) == 1
        if is_list and (is_alone or not is_document(first)):
            yield from enumerate(elements(whole_list(chain(known, pieces)), piece.file), 1)
        elif is_list or is_document(first):
            yield from json_lines(chain(known, pieces))
        else:
            yield from one_or_lines(chain(known, pieces))
        return


def whole_list(pieces: Iterable[Piece]) -> bytes:
    """All of a list. Raises DataError for one that is too large to be held in memory."""
    known: list[Piece] = []
    size = 0
    for piece in pieces:
        known.append(piece)
        if (size := size + len(piece.content)) > WHOLE_BYTES:
            raise DataError(
                f"{piece.file} is one JSON list of more than {WHOLE_BYTES >> 20} MB; write an object per line"
            )
    return joined(known)


def one_or_lines(pieces: Iterator[Piece]) -> Iterator[Line]:
    """One document over all lines, or one per line where that is none."""
    known, size = [], 0
    for piece in pieces:
        known.append(piece)
        if (size := size + len(piece.content)) > WHOLE_BYTES:
            break
    whole = joined(known) if size <= WHOLE_BYTES else b""
    yield from [(1, whole)] if is_document(whole) else json_lines(chain(known, pieces))


def json_lines(pieces: Iterable[Piece]) -> Iterator[Line]:
    for piece in pieces:
        for number, line in enumerate(piece.content.split(b"\n"), piece.first):
            if text := line.strip():
                yield number, text


def joined(pieces: Iterable[Piece]) -> bytes:
    return b"\n".join(piece.content for piece in pieces)


def elements(content: bytes, file: str) -> list[bytes]:
    """The elements of a JSON list, each as it is written."""
    try:
        return [bytes(one) for one in raw_elements(content)]
    except (msgspec.DecodeError, RecursionError):
        pass
    try:
        plain.decode(text := content.decode())
    except (ValueError, RecursionError) as error:
        raise DataError(f"{file} can't be read as a JSON list: {error}; correct or remove the file") from error
    found, at = [], beyond_space(text, text.index("[") + 1)
    while text[at] != "]":
        _, end = plain.raw_decode(text, at)
        found.append(text[at:end].encode())
        at = beyond_space(text, end)
        at = beyond_space(text, at + 1) if text[at] == "," else at
    return found


def members(document: bytes) -> dict[str, str]:
    """The members of a JSON object, each value as it is written. Raises ValueError if it is none."""
    try:
        return {name: str(value, "utf-8") for name, value in raw_members(document).items()}
    except (msgspec.ValidationError, RecursionError):
        raise ValueError("not a JSON object that can be read") from None
    except msgspec.DecodeError:
        return members_one_by_one(document.decode())


def members_one_by_one(text: str) -> dict[str, str]:
    if not is_document(text) or (at := beyond_space(text, 0)) == len(text) or text[at] != "{":
        raise ValueError("not a JSON object that can be read")
    found, at = {}, beyond_space(text, at + 1)
    while text[at] != "}":
        name, end = plain.raw_decode(text, at)
        at = beyond_space(text, beyond_space(text, end) + 1)  # the colon
        _, end = plain.raw_decode(text, at)
        found[name] = text[at:end]
        at = beyond_space(text, end)
        at = beyond_space(text, at + 1) if text[at] == "," else at
    return found


def object_of(members: dict[str, str]) -> str:
    """A JSON object of values that are written already."""
    return "{" + ",".join(f"{name_of(name)}:{value}" for name, value in members.items()) + "}"


def name_of(name: str) -> str:
    return json.dumps(name, ensure_ascii=not is_unicode(name))


def is_document(content: bytes | str) -> bool:
    try:
        plain.decode(content if isinstance(content, str) else content.decode())
    except (ValueError, RecursionError):
        return False
    return True


def beyond_space(text: str, at: int) -> int:
    while at < len(text) and text[at] in " \t\r\n":
        at += 1
    return at
