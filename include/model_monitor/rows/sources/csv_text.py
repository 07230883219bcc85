"""Cut CSV files into rows, each with the number of its line. A stray quote costs its own line and no other.

A quoted value may hold newlines (RFC 4180). Lines are one row if its quotes close at the end of a value, it has as many
values as the first row, and its lines don't look like rows of their own. Otherwise the first of these lines is set
aside, and reading goes on at the next.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache

import numpy as np

from model_monitor.errors import DataError
from model_monitor.rows.blocks import BLOCK_BYTES, Piece

BOM = b"\xef\xbb\xbf"
SEPARATOR_LINE = re.compile(rb"sep=([\x09\x20-\x7e])(?=\r?\n)")
STRAY = "a quote opens that does not close at the end of a value of this row"
NOT_UTF8 = "not UTF-8"
OTHER_TEXT = "it is text of another encoding, such as Latin-1; write it anew in UTF-8 (in Excel: CSV UTF-8)"

# This many separators don't agree by chance: lines that have them where rows have theirs are rows, not quoted text.
AGREEING_SEPARATORS = 8
MOST = 0.8  # of the lines: the quotes may close in a line that was harmed itself
# A file with so many stray quotes is refused: its lines would be read again and again.
LINES_AGAIN, TIMES_AGAIN = 1_000_000, 10

# In a line of CSV: the rest of a quoted value, and all fields that end on the line. A quote inside an unquoted value is
# an ordinary character. (No group is repeated possessively: Python before 3.11.5, which some systems still have, gets
# that wrong.)
QUOTED = re.compile(rb'[^"]*+(?:""[^"]*+)*')
COMMA = b","

csv.field_size_limit(1 << 31)  # a value may be large; files and payloads have limits of their own

Row = tuple[int, bytes, str | None]  # number of its first line, content without line end, and why it is set aside


@lru_cache(maxsize=16)
def fields_between(separator: bytes) -> re.Pattern[bytes]:
    """All fields that end on a line of CSV."""
    s = re.escape(separator)
    return re.compile(rb'(?:"[^"]*+(?:""[^"]*+)*"(?!")[^%s]*+%s?|[^"%s][^%s]*+%s?|%s)*' % (s, s, s, s, s, s))


def csv_rows(pieces: Iterable[Piece], separator: bytes = COMMA) -> Iterator[Row]:
    """The rows of one CSV file that are not blank. Raises DataError for a file with a great many stray quotes."""
    rows = Rows(separator)
    for piece in pieces:
        yield from rows.of(piece)
    yield from rows.of(None)


def content_of(piece: Piece) -> bytes:
    return (without_mark(piece.content) if piece.first == 1 else piece.content) + b"\n"


def without_mark(content: bytes) -> bytes:
    """The start of a file without a byte order mark, and with a blank line in place of one by which Excel knows the
    separator: ``sep=;``."""
    content = content.removeprefix(BOM)
    return content[match.end() :] if (match := SEPARATOR_LINE.match(content)) else content


@dataclass
class Rows:
    """Cuts the pieces of one file, one after the other, into rows."""

    separator: bytes = COMMA
    file: str = ""
    lines: int = 0  # read until now
    width: int | None = None  # values of the first row
    waiting: list[bytes] = field(default_factory=list)  # lines from one with an open quote on
    again: int = 0  # lines that had to be read again

    def of(self, piece: Piece | None) -> Iterator[Row]:
        """The rows of some whole lines; those after an open quote wait for the next lines, until None says that there
        are no more."""
        self.file = piece.file if piece else self.file
        fresh = content_of(piece).splitlines(keepends=True) if piece else []
        lines, self.waiting = self.waiting + fresh, []
        self.lines += len(fresh)
        number, at = self.lines - len(lines) + 1, 0
        while at < len(lines):
            end = self.end_of(lines, at, piece is None) if self.continues(lines[at]) else at + 1
            if end is None:
                self.waiting = lines[at:]
                return
            why = None if end > at else STRAY
            if why and self.again > LINES_AGAIN + TIMES_AGAIN * self.lines:
                raise DataError(
                    f"{self.file} line {number + at}: {STRAY}; many before, too; correct or remove the file"
                )
            start, at = at, max(end, at + 1)
            if row := b"".join(lines[start:at]).rstrip(b"\r\n"):
                self.width = self.width or (None if why else width_of(row, self.separator))
                yield number + start, row, why

    def end_of(self, lines: Sequence[bytes], start: int, is_last: bool) -> int | None:
        """The index after the last line of a row whose first line ends within quotes: ``start`` if this quote is
        stray, None if more lines are needed to tell."""
        size = 0
        for at in range(start + 1, len(lines)):
            size += len(lines[at])
            is_open = continues_from_quotes(lines[at], self.separator) if b'"' in lines[at] else True
            if not is_open or size > BLOCK_BYTES:
                self.again += at - start
                return at + 1 if is_open is False and self.is_row(lines[start : at + 1]) else start
        self.again += len(lines) - start
        return start if is_last else None

    def is_row(self, lines: Sequence[bytes]) -> bool:
        """Whether lines that hold a quoted value with newlines are one row."""
        separators = lines[0].count(self.separator)
        values = values_of(b"".join(lines).rstrip(b"\r\n"), self.separator)
        if values is None or self.width not in (None, len(values)):
            return False
        fits = self.width in (None, separators + 1)
        alike = sum(line.count(self.separator) == separators for line in lines[1:]) if fits else 0
        return alike * separators < AGREEING_SEPARATORS or alike < MOST * (len(lines) - 1)

    def continues(self, line: bytes) -> bool:
        """Whether a quoted value of a line continues on the next."""
        return b'"' in line and line.startswith(b'"', end_of_match(fields_between(self.separator), line, 0))


def continues_from_quotes(line: bytes, separator: bytes) -> bool | None:
    """The same for a line that starts within quotes; None if they close in the middle of a value."""
    end = end_of_match(QUOTED, line, 0)
    if end == len(line):
        return True
    after = line[end + 1 : end + 2]
    if after not in (separator, b"\r", b"\n", b""):
        return None
    return after == separator and line.startswith(b'"', end_of_match(fields_between(separator), line, end + 2))


def end_of_match(pattern: re.Pattern[bytes], line: bytes, start: int) -> int:
    """Where the match of a pattern that always matches ends."""
    match = pattern.match(line, start)
    return match.end() if match else start


def values_of(row: bytes, separator: bytes = COMMA) -> list[str] | None:
    """The values of a row, whatever its characters mean; None if its quotes are wrong."""
    try:
        text, mark = row.decode("latin-1"), separator.decode("latin-1")
        return next(csv.reader([text], delimiter=mark, strict=b"\n" in row or b"\r" in row))
    except csv.Error:
        return None


def width_of(row: bytes, separator: bytes = COMMA) -> int | None:
    return len(values_of(row, separator) or ()) or None


@dataclass(frozen=True)
class Text:
    """Some whole rows as they are written, and those that are set aside."""

    content: bytes
    first: int  # number of its first line
    rows: list[Row] | None = None  # None if each line that is not blank is a row
    set_aside: list[Row] = field(default_factory=list)

    @cached_property
    def numbers(self) -> list[int]:
        """The numbers of the rows' first lines."""
        if self.rows is not None:
            return [number for number, _, _ in self.rows]
        return [number for number, line in enumerate(self.content.splitlines(), self.first) if line]


def csv_texts(pieces: Iterable[Piece], separator: bytes = COMMA) -> Iterator[Text]:
    """The rows of one CSV file, many at once: for a reader that is quick, but knows nothing of stray quotes."""
    rows = Rows(separator)
    for piece in pieces:
        content = content_of(piece)
        if rows.waiting or not is_plain(content, separator):
            yield text_of(rows.of(piece))
        else:
            if rows.width is None and (row := re.search(rb"[^\r\n]+", content)):
                rows.width = width_of(row[0], separator)
            yield Text(content, rows.lines + 1)
            rows.lines += len(content.splitlines())
    yield text_of(rows.of(None))


def text_of(rows: Iterable[Row]) -> Text:
    checked = [(n, row, why if why or is_utf8(row) else NOT_UTF8) for n, row, why in rows]
    good = [row for row in checked if row[2] is None]
    return Text(b"\n".join(row for _, row, _ in good), 0, good, [row for row in checked if row[2]])


def is_plain(content: bytes, separator: bytes = COMMA) -> bool:
    """Whether every quote of some lines is one that opens or closes a value on its line, and all is UTF-8."""
    if not is_utf8(content):
        return False
    array = np.frombuffer(content, np.uint8)
    quotes = np.flatnonzero(array == ord('"'))
    if not len(quotes):
        return True
    lines = np.searchsorted(np.flatnonzero((array == ord("\n")) | (array == ord("\r"))), quotes)
    opens = np.concatenate([[True], np.diff(lines) > 0])  # the first quote of its line
    rank = np.arange(len(quotes)) - np.maximum.accumulate(np.where(opens, np.arange(len(quotes)), 0))
    is_even = rank % 2 == 0
    last = np.append(opens[1:], True)
    before = np.where(quotes > 0, array[quotes - 1], ord("\n"))[is_even]
    after = array[np.minimum(quotes + 1, len(array) - 1)][~is_even]
    beside = list(separator + b'\r\n"')
    return bool(not is_even[last].any() and np.isin(before, beside).all() and np.isin(after, beside).all())


def is_utf8(content: bytes) -> bool:
    try:
        content.decode()
    except UnicodeDecodeError:
        return False
    return True


def why_unread(error: UnicodeDecodeError | csv.Error) -> str:
    """Why text can't be read as CSV, and what to do about it."""
    return OTHER_TEXT if isinstance(error, UnicodeDecodeError) else str(error)
