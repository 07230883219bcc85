"""Which rows does a text file hold? Rows of CSV and documents of JSON, as they are written, with their line."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from itertools import chain

import msgspec

from model_monitor import store
from model_monitor.engines.local import ahead
from model_monitor.errors import DataError
from model_monitor.rows.capture import BLOCK_BYTES, READERS, Piece, pieces_of_large, whole_if_small
from model_monitor.rows.schema import is_unicode
from model_monitor.rows.translating import Line

BOM = b"\xef\xbb\xbf"

raw_members = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
raw_elements = msgspec.json.Decoder(list[msgspec.Raw]).decode
plain = json.JSONDecoder()  # knows NaN and half characters, which occur, but is slower


def read(files: Iterable[store.File]) -> Iterator[Iterator[Piece]]:
    """The content of each file, small ones read ahead."""
    for file, content in ahead(whole_if_small, files, READERS):
        yield pieces_of_large(file) if content is None else iter([Piece(file.address, 1, content)])


def csv_rows(pieces: Iterable[Piece]) -> Iterator[Line]:
    """The rows of one CSV file, without its line ends; a value in quotes may hold newlines. Blank lines are no rows.

    Raises DataError if a quote is never closed.
    """
    parts: list[bytes] = []  # of a row that goes on
    start = size = 0  # the line that it starts on, and its bytes
    for piece in pieces:
        content = piece.content.removeprefix(BOM) if piece.first == 1 else piece.content
        for number, line in enumerate(content.split(b"\n"), piece.first):
            closes = line.count(b'"') % 2 == bool(parts)
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


def unclosed(file: str, line: int) -> str:
    return f"{file} line {line} opens a quote that is never closed; correct or remove the file"


def json_documents(pieces: Iterator[Piece]) -> Iterator[Line]:
    """The documents of one JSON file: one per line, or the elements of one list, or one document over all lines.

    The number of an element is its place in the list, from 1. Raises DataError for a list that can't be read.
    """
    for piece in pieces:
        content = piece.content.removeprefix(BOM)
        if content.lstrip().startswith(b"["):
            yield from enumerate(elements(joined(content, pieces), piece.file), 1)
            return
        rest = chain([Piece(piece.file, piece.first, content)], pieces)
        if is_document(content.lstrip().partition(b"\n")[0]):
            yield from json_lines(rest)
            return
        several = list(rest)
        whole = b"\n".join(some.content for some in several)
        yield from [(1, whole)] if is_document(whole) else json_lines(several)
        return


def json_lines(pieces: Iterable[Piece]) -> Iterator[Line]:
    for piece in pieces:
        for number, line in enumerate(piece.content.split(b"\n"), piece.first):
            if text := line.strip():
                yield number, text


def joined(content: bytes, pieces: Iterable[Piece]) -> bytes:
    return b"\n".join([content, *(piece.content for piece in pieces)])


def elements(content: bytes, file: str) -> list[bytes]:
    """The elements of a JSON list, each as it is written."""
    try:
        return [bytes(one) for one in raw_elements(content)]
    except (msgspec.DecodeError, RecursionError):
        pass
    try:
        text = content.decode()
        json.loads(text)
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
        json.loads(content)
    except (ValueError, RecursionError):
        return False
    return True


def beyond_space(text: str, at: int) -> int:
    while at < len(text) and text[at] in " \t\r\n":
        at += 1
    return at
