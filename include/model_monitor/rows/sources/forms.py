"""Which format does a file have, and which separator? What its name and its first bytes say."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from itertools import islice

from model_monitor import store
from model_monitor.errors import ConfigError, DataError
from model_monitor.rows.blocks import Piece, pieces_of_large
from model_monitor.rows.json_text import is_document
from model_monitor.rows.sources.csv_text import BOM, COMMA, SEPARATOR_LINE, csv_rows, width_of

PACKED = ("", ".gz", ".zst", ".bz2", ".lz4")
ENDINGS = {"csv": (".csv", ".tsv"), "jsonl": (".jsonl", ".json", ".ndjson"), "parquet": (".parquet",)}
SUFFIXES = {
    kind: tuple(name + packed for packed in (PACKED if kind != "parquet" else ("",)) for name in names)
    for kind, names in ENDINGS.items()
}
IN_WORDS = {  # the endings of files that are read as a format; None: of any
    kind: " or ".join(names) + (" (also packed, e.g. .gz)" if kind != "parquet" else "")
    for kind, names in [*ENDINGS.items(), (None, [name for names in ENDINGS.values() for name in names])]
}
PARQUET = b"PAR1"
UTF_16_MARK = b"\xff\xfe"
FOREIGN = {  # by its first bytes, what a file is that is not read, and what to do
    b"PK\x03\x04": "a ZIP archive, as Excel's files are too; unpack it, or save its sheet as CSV",
    b"\xfd7zXZ\x00": "compressed with xz; unpack it (gzip, zstd, bzip2 and lz4 are read)",
    b"\xd0\xcf\x11\xe0": "an old file of Excel; save its sheet as CSV",
    UTF_16_MARK: "text in UTF-16; write it in UTF-8",
    b"\xfe\xff": "text in UTF-16; write it in UTF-8",
    b"ORC": "an ORC file; write it as Parquet",
    b"Obj\x01": "an Avro file; write it as Parquet",
    b"ARROW1": "an Arrow or Feather file; write it as Parquet",
    b"SQLite format 3": "an SQLite database; export the table as CSV or Parquet",
    b"\x89HDF": "an HDF5 file; write it as Parquet",
    b"\x80\x04\x95": "a pickle; write it as Parquet",
    b"\x80\x05\x95": "a pickle; write it as Parquet",
    b"<!DOCTYPE": "an HTML page, maybe a server's answer in place of the file; fetch it again",
    b"<!doctype": "an HTML page, maybe a server's answer in place of the file; fetch it again",
    b"<html": "an HTML page, maybe a server's answer in place of the file; fetch it again",
    b"<?xml": "an XML file, maybe a store's answer in place of the file; fetch it again, or write it as CSV",
}
HEAD_BYTES = 16
UTF_16 = re.compile(rb"(?:[^\x00]\x00){3}|(?:\x00[^\x00]){3}")  # without a mark: each other byte of Latin text is 0
SEPARATORS = (COMMA, b";", b"\t", b"|")
WORDS = {"comma": ",", "semicolon": ";", "tab": "\t", "\\t": "\t", "pipe": "|"}
NAMES_SHOWN = 10  # in a message
ROWS_SEEN = 20  # of a CSV file, by which its separator is told
NUMBER = re.compile(r"\s*[-+]?(\d+(\.\d*)?|\.\d+)([eE][-+]?\d+)?\s*")
SEPARATED = re.compile(r"[^\w.$@()%/ -]|\s\s")  # what may be between the names of two columns
YEARS = range(1900, 2101)  # whole numbers that do name columns


def format_of(file: store.File) -> str:
    """The format of a dataset's file, by the ending of its name, else by its content. Raises DataError."""
    name = store.name_of(file.address.partition("?")[0]).lower()
    if known := next((kind for kind, endings in SUFFIXES.items() if name.endswith(endings)), None):
        return known
    if head_of(file).startswith(PARQUET):
        return "parquet"
    return "jsonl" if is_json(first_piece(file)) else "csv"


def check_format(file: store.File, format: str) -> None:
    """Raise ConfigError for a file of another format, and DataError for one that is not read at all."""
    head, where = head_of(file), f"{file.address} is"
    if what := next((what for mark, what in FOREIGN.items() if head.startswith(mark)), None):
        raise DataError(f"{where} {what}")
    if format != "parquet" and UTF_16.match(head):
        raise DataError(f"{where} {FOREIGN[UTF_16_MARK]}")
    if format == "parquet" and head and not head.startswith(PARQUET):
        raise DataError(
            f"{file.address} can't be read as Parquet: it does not start as such a file; restore or remove it, or set "
            "another format"
        )
    if format != "parquet" and head.startswith(PARQUET):
        raise ConfigError(f"{where} a Parquet file; set format: parquet, or leave format out")
    if format == "csv" and is_json(first_piece(file)):
        raise ConfigError(f"{where} JSON; set format: jsonl, or leave format out")


def head_of(file: store.File) -> bytes:
    with store.open_file(file.address) as stream:
        return store.read_on(stream, file.address, HEAD_BYTES)


def first_piece(file: store.File) -> Piece:
    return next(pieces_of_large(file), Piece(file.address, 1, b""))


def is_json(piece: Piece) -> bool:
    """Whether a file starts with an object of JSON, or a list of them."""
    content = piece.content.removeprefix(BOM).lstrip()
    if not content.startswith((b"{", b"[")):
        return False
    return is_document(content.partition(b"\n")[0]) or re.match(rb'[\[{]\s*(["{}\]]|\n)', content) is not None


def separator_of(text: str | None) -> bytes | None:
    """A separator as a person writes it: one character, or its name. Raises ValueError."""
    mark = None if text is None else WORDS.get(text.lower(), text)
    if mark is None:
        return None
    if len(mark) != 1 or not mark.isascii() or mark in '"\r\n':
        raise ValueError(f"separator is one character such as ';', or tab, not {text!r}")
    return mark.encode()


def separator_in(piece: Piece) -> bytes:
    """The separator that a first line says as for Excel (``sep=;``), else the one that all of the first rows of a file
    agree on, commas first; a comma if there is none."""
    if said := SEPARATOR_LINE.match(piece.content.removeprefix(BOM)):
        return said[1]
    for separator in SEPARATORS:
        rows = [row for _, row, why in islice(csv_rows([piece], separator), ROWS_SEEN) if not why]
        widths = {width_of(row, separator) for row in rows}
        if len(widths) == 1 and (widths.pop() or 0) > 1:
            return separator
    return COMMA


def check_header(names: Sequence[str], below: Sequence[str], where: str) -> str | None:
    """A warning about names that may be a row's values; None if there is none. Raises DataError where they surely are.

    ``below`` are the values of the first row.
    """
    numbers = [name for name in names if NUMBER.fullmatch(name)]
    if not numbers or numbers == [str(i) for i in range(len(names))]:
        return None
    odd = [name for name in numbers if not (name.strip().isdecimal() and int(name) in YEARS)]
    shown = ", ".join(names[:5])
    like = f"{where}: the first line ({shown}{', ...' if len(names) > 5 else ''}) looks like a row"
    advice = "set header: false (--no-header)"
    same = len(below) == len(names) and all(
        bool(NUMBER.fullmatch(name)) == bool(NUMBER.fullmatch(value))
        for name, value in zip(names, below, strict=True)
        if value
    )
    if odd and (2 * len(odd) >= len(names) or same):
        raise DataError(f"{like}, not like names of columns; {advice}, or name the columns otherwise")
    return f"{like}; if it is one, {advice}" if odd else None


def odd_names(names: Sequence[str], where: str) -> Iterator[str]:
    """Warnings about names of columns that look misread: of one column only, with spaces around, and none at all."""
    if len(names) == 1 and SEPARATED.search(names[0].strip()):
        yield f"{where} has one column only, {names[0]!r}; if there are more, set separator to what is between them"
    if spaced := [name for name in names if name and name != name.strip()]:
        yield f"{where}: spaces around names of columns belong to them: {', '.join(map(repr, spaced[:NAMES_SHOWN]))}"
    if "" in names[1:]:
        yield f"{where}: column {names.index('', 1) + 1} has no name, as where lines end with a separator"


def check_headers(
    headers: Sequence[str], names: Sequence[str], beside: Collection[str], where: str, in_order: bool = True
) -> None:
    """Raise ConfigError if a file that names its columns has others than ``headers`` says, or in another order.

    ``beside`` are columns that it may have as well. No ``headers``: any. Not ``in_order``: as JSON, which has none.
    """
    if not headers:
        return
    both = f"headers has {len(headers)} names ({shortened(headers)}), the dataset {len(names)} columns"
    if absent := [name for name in headers if name not in names]:
        raise ConfigError(
            f"{where}: {both} ({shortened(names)}), and {shortened(absent)} {is_or_are(absent)} not among these; write "
            "headers as the dataset names its columns"
        )
    if odd := [name for name in names if name not in headers and name not in beside]:
        raise ConfigError(
            f"{where}: {both}, and {shortened(odd)} {is_or_are(odd)} not among the headers; name each column there, or "
            "leave it out with --exclude"
        )
    own = [name for name in names if name in headers]
    if in_order and own != list(headers):
        raise ConfigError(
            f"{where}: headers has its columns in another order ({shortened(headers)}) than it has itself "
            f"({shortened(own)}); indices count in headers, so write them in the dataset's order"
        )


def shortened(names: Sequence[str]) -> str:
    """Some names, the first ten of many."""
    more = f" and {len(names) - NAMES_SHOWN} more" if len(names) > NAMES_SHOWN else ""
    return ", ".join(names[:NAMES_SHOWN]) + more


def is_or_are(names: Sequence[str]) -> str:
    return "is" if len(names) == 1 else "are"


def check_first_row(values: Sequence[str], below: Sequence[str], declared: Sequence[str], where: str) -> str | None:
    """The same for a first row that may be names, where there should be none."""
    shown = ", ".join(values[:5])
    if values and [value.strip() for value in values] == list(declared):
        raise DataError(f"{where}: the first line ({shown}) is the names of the columns; set header: true")
    is_text = all(value and not NUMBER.fullmatch(value) for value in values)
    if is_text and len(set(values)) == len(values) and any(map(NUMBER.fullmatch, below)):
        return f"{where}: the first line ({shown}) looks like names of columns; if it is, set header: true"
    return None
