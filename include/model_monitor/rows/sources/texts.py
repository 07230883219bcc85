"""Cut files into documents of JSON, unchanged, each with its line number."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain, islice

import msgspec

from model_monitor.errors import DataError
from model_monitor.rows.blocks import LINE_BYTES, Piece
from model_monitor.rows.json_text import is_document, plain, tokens
from model_monitor.rows.sources.capture_lines import Line
from model_monitor.rows.sources.csv_text import BOM

raw_elements = msgspec.json.Decoder(list[msgspec.Raw]).decode

WHOLE_BYTES = LINE_BYTES  # of a document or a list over several lines


def json_documents(pieces: Iterator[Piece]) -> Iterator[Line]:
    """The documents of one JSON file: one per line, or the elements of one list, or one document over all lines. If a
    list is alone on its line and other lines follow, it is a document. Elements are numbered from 1. Raises DataError
    for a list that can't be read."""
    for piece in pieces:
        content = piece.content.removeprefix(BOM)
        first, _, more = content.strip().partition(b"\n")
        known = [Piece(piece.file, piece.first, content)]
        if not more:
            known += islice((later for later in pieces if later.content.strip()), 1)
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
    known, whole = held(pieces)
    if whole is None:
        what = f"{known[0].file} is one JSON list of more than {WHOLE_BYTES >> 20} MB"
        raise DataError(f"{what}; write an object per line")
    return whole


def one_or_lines(pieces: Iterator[Piece]) -> Iterator[Line]:
    """One document over all lines, or one per line where that is none."""
    known, whole = held(pieces)
    yield from [(1, whole)] if whole and is_document(whole) else json_lines(chain(known, pieces))


def held(pieces: Iterable[Piece]) -> tuple[list[Piece], bytes | None]:
    """All pieces and their content; or those up to the one that exceeds ``WHOLE_BYTES``, and None."""
    known: list[Piece] = []
    size = 0
    for piece in pieces:
        known.append(piece)
        if (size := size + len(piece.content)) > WHOLE_BYTES:
            return known, None
    return known, b"\n".join(piece.content for piece in known)


def json_lines(pieces: Iterable[Piece]) -> Iterator[Line]:
    for piece in pieces:
        for number, line in enumerate(piece.content.split(b"\n"), piece.first):
            if text := line.strip():
                yield number, text


def elements(content: bytes, file: str) -> list[bytes]:
    """The elements of a JSON list, unparsed."""
    try:
        return [bytes(element) for element in raw_elements(content)]
    except (msgspec.DecodeError, RecursionError):
        pass
    try:
        plain.decode(text := content.decode())
    except (ValueError, RecursionError) as error:
        raise DataError(f"{file} can't be read as a JSON list: {error}; correct or remove the file") from error
    return [token.encode() for token in tokens(text, text.index("[") + 1, "]")]
