"""Documents of JSON are found as Python's own reader finds them, however a file is cut into pieces."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model_monitor.errors import DataError
from model_monitor.rows.blocks import Block, Piece
from model_monitor.rows.json_text import members, members_one_by_one, object_of
from model_monitor.rows.sources.capture_lines import pieces_of
from model_monitor.rows.sources.texts import elements, json_documents

values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=4)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=3), inner, max_size=3)),
    max_leaves=8,
)
objects = st.dictionaries(st.text(max_size=4), values, max_size=4)
spaces = st.sampled_from([None, 0, 2])


def cut(content: bytes, sizes: list[int]) -> list[Piece]:
    """Whole lines of a file in pieces of so many lines."""
    lines, made, first = content.split(b"\n"), [], 1
    for size in [*sizes, len(lines)]:
        if some := lines[first - 1 : first - 1 + size]:
            made.append(Piece("f", first, b"\n".join(some)))
            first += len(some)
    return made


@given(st.lists(objects, max_size=4), spaces, st.booleans())
def test_elements_of_a_list_are_found_as_they_are_written(items: list[Any], indent: int | None, fast: bool) -> None:
    items = items if fast else [*items, float("nan")]  # which only the slower way knows
    text = json.dumps(items, indent=indent, ensure_ascii=False)
    found = elements(text.encode(), "f")
    assert all(one.decode() in text for one in found)
    assert list(map(same, map(json.loads, found))) == list(map(same, items))


@given(objects, spaces)
def test_members_of_an_object_are_found_as_they_are_written(one: dict[str, Any], indent: int | None) -> None:
    text = json.dumps(one, indent=indent, ensure_ascii=False)
    for found in (members(text.encode()), members_one_by_one(text)):
        assert list(found) == list(one) and all(value in text for value in found.values())
        assert same(json.loads(object_of(found))) == same(one)


def same(document: Any) -> str:
    """A document to be compared: NaN is not equal to itself."""
    return json.dumps(document, sort_keys=True)


@given(
    st.lists(objects, min_size=1, max_size=5), st.sampled_from(["lines", "list", "whole"]), st.lists(st.integers(1, 3))
)
def test_documents_are_lines_elements_or_the_whole_file(items: list[Any], form: str, sizes: list[int]) -> None:
    if form == "whole":
        items = [{"a": items}]
        content = json.dumps(items[0], indent=1)
    else:
        content = json.dumps(items, indent=1) if form == "list" else "\n\n".join(map(json.dumps, items))
    found = list(json_documents(iter(cut(content.encode(), sizes))))
    assert [same(json.loads(one)) for _, one in found] == list(map(same, items))
    places = (
        [1]
        if form == "whole"
        else range(1, 1 + len(items) * (2 if form == "lines" else 1), 2 if form == "lines" else 1)
    )
    assert [number for number, _ in found] == list(places)


DEEP = "[" * 100_000 + "]" * 100_000


def test_a_list_that_is_nested_beyond_measure_is_told() -> None:
    with pytest.raises(DataError, match="f can't be read as a JSON list"):
        elements(f"[{DEEP}]".encode(), "f")


@pytest.mark.parametrize(
    "text", ["", "[", "1", '{"a"', '{"a":}', '{"a": 1} x', "null", "{" * 100_000, f'{{"a":{DEEP}}}']
)
def test_what_is_no_object_has_no_members(text: str) -> None:
    with pytest.raises(ValueError, match="not a JSON object"):
        members(text.encode())


@given(st.lists(st.integers(1, 40_000), unique=True, max_size=8))
def test_lines_keep_their_numbers_in_pieces(numbers: list[int]) -> None:
    given_lines = [(number, b"%d" % number) for number in sorted(numbers)]
    pieces = list(pieces_of("f", given_lines))
    assert [(number, line) for _, number, line in Block(pieces).lines] == given_lines
    assert sum(len(piece.content) for piece in pieces) < 60_000  # gaps are not filled without end


@given(st.lists(st.lists(st.integers(), max_size=3), min_size=2, max_size=5), st.lists(st.integers(1, 3), max_size=4))
def test_lists_on_lines_are_a_document_each_however_the_file_is_cut(rows: list[list[int]], sizes: list[int]) -> None:
    content = "\n".join(map(json.dumps, rows)).encode()
    found = list(json_documents(iter(cut(content, sizes))))
    assert [(number, json.loads(text)) for number, text in found] == list(enumerate(rows, 1))


def test_a_file_whose_first_line_is_damaged_is_not_held_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("model_monitor.rows.sources.texts.WHOLE_BYTES", 100)
    read = []
    pieces = (read.append(i) or Piece("f", 1 + i, b'{"a":' if not i else b'{"a": 1}') for i in range(99))
    found = json_documents(pieces)
    assert next(found) == (1, b'{"a":') and len(read) < 20
    assert [number for number, _ in found] == list(range(2, 100))


def test_a_list_that_is_too_large_for_memory_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("model_monitor.rows.sources.texts.WHOLE_BYTES", 100)
    read = []
    pieces = (read.append(i) or Piece("f", 1 + i, b"[1," if not i else b"1,") for i in range(999))
    with pytest.raises(DataError, match=r"^f is one JSON list of more than .*; write an object per line"):
        list(json_documents(pieces))
    assert len(read) < 99


def test_lines_keep_their_numbers_after_one_that_holds_line_ends() -> None:
    block = Block(list(pieces_of("f", [(1, b'"\xff\nx"'), (3, b"{}"), (4, b"[]")])))
    assert [number for _, number, _ in block.lines] == [1, 3, 4]
