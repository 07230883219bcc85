"""Rows of CSV are those of Python's own reader, however a file is cut into pieces, and a stray quote costs one line."""

from __future__ import annotations

import csv
import io
import time
from collections.abc import Iterator, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model_monitor.errors import DataError
from model_monitor.rows.blocks import Piece
from model_monitor.rows.sources import csv_text
from model_monitor.rows.sources.csv_text import STRAY, csv_rows, csv_texts, is_plain

cells = st.text(st.sampled_from('ab,"\n é'), max_size=4)
tables = st.integers(1, 3).flatmap(lambda width: st.lists(st.lists(cells, min_size=width, max_size=width), max_size=8))


def cut(content: bytes, sizes: Sequence[int]) -> list[Piece]:
    """Whole lines of a file in pieces of so many lines."""
    lines, pieces, first = content.split(b"\n"), [], 1
    for size in [*sizes, len(lines)]:
        if some := lines[first - 1 : first - 1 + size]:
            pieces.append(Piece("f", first, b"\n".join(some)))
            first += len(some)
    return pieces


def values(row: bytes) -> list[str]:
    return next(csv.reader([row.decode()], strict=True))


@given(tables, st.lists(st.integers(1, 3), max_size=4), st.sampled_from(["\n", "\r\n"]))
def test_rows_of_csv_are_those_of_pythons_reader(table: list[list[str]], sizes: list[int], end: str) -> None:
    stream = io.StringIO(newline="")
    csv.writer(stream, lineterminator=end).writerows(table)
    content = stream.getvalue().encode()
    rows = list(csv_rows(cut(content, sizes)))
    assert [(values(row), why) for _, row, why in rows] == [(row, None) for row in table]
    lines = content.split(b"\n")
    for number, row, _ in rows:
        assert b"\n".join(lines[number - 1 :]).startswith(row)
    texts = list(csv_texts(cut(content, sizes)))
    assert [number for text in texts for number in text.numbers] == [number for number, _, _ in rows]
    assert not any(text.set_aside for text in texts)


@given(tables, st.data())
def test_a_quote_within_a_value_is_no_beginning(table: list[list[str]], data: st.DataObject) -> None:
    plain = st.text(st.sampled_from('ab" '), min_size=1, max_size=4).filter(lambda text: not text.startswith('"'))
    lines = []
    for row in table:
        written = [
            data.draw(plain) if data.draw(st.booleans()) else f'"{c.replace(chr(34), chr(34) * 2)}"' for c in row
        ]
        lines.append(",".join(written))
    expected = list(csv.reader(io.StringIO("\n".join(lines), newline=""), strict=True))
    rows = list(csv_rows([Piece("f", 1, "\n".join(lines).encode())]))
    assert [values(row) for _, row, _ in rows] == expected


STRAYS = {
    "one at the start of a value": [(7, 0)],
    "one at the start of the last value": [(7, 4)],
    "of the first row": [(0, 2)],
    "of the last row": [(99, 2)],
    "one opens, one closes far below": [(7, 2), (80, 3)],
    "one opens, one closes four lines below": [(7, 2), (11, 3)],
    "many": [(i, 4) for i in range(3, 99, 7)],
}


@pytest.mark.parametrize("places", STRAYS.values(), ids=STRAYS)
@pytest.mark.parametrize("sizes", [[], [1, 9, 30]], ids=["whole", "cut"])
def test_a_stray_quote_costs_its_own_line(places: list[tuple[int, int]], sizes: list[int]) -> None:
    lines = [f"{i % 10},{i % 7},{i % 3}".encode() for i in range(100)]
    for line, at in places:
        lines[line] = lines[line][:at] + b'"' + lines[line][at:]
    expected = [(i + 1, line, STRAY if (i, 3) not in places and b'"' in line else None) for i, line in enumerate(lines)]
    assert list(csv_rows(cut(b"\n".join(lines), sizes))) == expected
    texts = list(csv_texts(cut(b"\n".join(lines), sizes)))
    assert [row for text in texts for row in text.set_aside] == [row for row in expected if row[2]]
    assert sum(len(text.numbers) for text in texts) == sum(why is None for _, _, why in expected)


def test_text_with_newlines_and_commas_is_one_value() -> None:
    letter = 'Dear "Sir",\nI write to "you", again,\n"yours",\n\n"Bob"'
    rows = [["1", letter, "x"], ["2", "a\nb", "y"], ["3", letter * 30, "z"]]
    stream = io.StringIO(newline="")
    csv.writer(stream).writerows(rows)
    assert [values(row) for _, row, _ in csv_rows(cut(stream.getvalue().encode(), [2, 5]))] == rows


def test_a_quote_that_stays_open_is_given_up_before_memory_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_text, "BLOCK_BYTES", 100)
    read = []

    def pieces() -> Iterator[Piece]:
        for i in range(99):
            read.append(i)
            yield Piece("f", 1 + 10 * i, b"\n".join([b'"x'] * (i == 0) + [b"xxxxx"] * 9))

    assert next(csv_rows(pieces())) == (1, b'"x', STRAY)
    assert len(read) < 5


@pytest.mark.parametrize("line", [b'1,2,"3', b'"a",b,"c', b'"""', b'"'])
def test_a_file_of_stray_quotes_takes_time_by_its_length(line: bytes) -> None:
    content = b"1,2,3\n" * 3 + (line + b"\n") * 30_000
    started = time.perf_counter()
    count = sum(1 for _ in csv_rows([Piece("f", 1, content)]))
    assert time.perf_counter() - started < 5
    assert count >= 15_003


def test_a_file_that_would_be_read_again_and_again_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_text, "LINES_AGAIN", 100)
    content = b"1,2,3\n" + b'x",y,"z\n' * 2000
    with pytest.raises(DataError, match=r"^f line .*many before, too"):
        list(csv_rows([Piece("f", 1, content)]))


@given(st.binary(max_size=12).map(lambda noise: bytes(b'a",\n\r"'[b % 6] for b in noise)))
def test_lines_that_are_plain_are_rows_each(content: bytes) -> None:
    if is_plain(content + b"\n"):
        lines = [line for line in content.splitlines() if line]
        assert [row for _, row, _ in csv_rows([Piece("f", 1, content)])] == lines
