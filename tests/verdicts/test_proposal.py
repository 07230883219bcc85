"""What a person is shown is readable, and nothing that a user wrote becomes a part of the page."""

from __future__ import annotations

import pytest

from model_monitor.core.measures import Subject
from model_monitor.core.window import Window
from model_monitor.verdicts.comparison import Change, Comparison
from model_monitor.verdicts.proposal import Proposal
from model_monitor.verdicts.replay import Rejudged, Replay
from model_monitor.verdicts.versions import Version

LEARNED = {
    "created": "2026-01-05T00:00:00Z",
    "rows": 60,
    "rejected": 2,
    "inputs": [{"file": "s3://b/t.csv", "size": 9}],
}
VERSION = Version("e81f1c0c52a7", "out/e81f1c0c52a7", {"constraints.json": b"{}"}, LEARNED)
WINDOW = Window.of("2026-01-05T03:00:00Z", "2026-01-05T04:00:00Z")
CHANGE = Change("completeness_check", Subject("age"), "completeness", "at least 1", "at least 0.5")
COMPARED = Proposal(
    VERSION,
    VERSION,
    "other",
    "",
    Comparison(("plan",), ("old",), (CHANGE,), 7),
    Replay(30, 4, 3, (Rejudged(WINDOW, "CompletedWithViolations", "Completed", ("completeness_check of age",)),)),
)


def test_the_text_is_this() -> None:
    version = "version e81f1c0c52a7, learned at 2026-01-05T00:00:00Z from 60 rows of s3://b/t.csv, 2 records set aside."
    assert COMPARED.text.splitlines() == [
        f"Proposed is {version} Its files were edited: it would be a version of its own.",
        "",
        f"In force is {version}",
        "",
        "Columns added: plan.",
        "",
        "Columns removed: old.",
        "",
        "check               of                in force    proposed",
        "completeness_check  age completeness  at least 1  at least 0.5",
        "",
        "7 constraints stay as they are.",
        "",
        "Of the last 30 windows 1 would flip: 4 are violated by the version in force, 3 would be by the proposed one.",
        "",
        f"{'window':43}in force                 proposed   violated then (+), or no more (-)",
        f"{WINDOW}  CompletedWithViolations  Completed  -completeness_check of age",
    ]


def test_the_page_has_tables_and_marks_names() -> None:
    assert "Columns added: `plan`." in COMPARED.markdown
    assert "| completeness_check | `age completeness` | at least 1 | at least 0.5 |" in COMPARED.markdown
    assert "| in force | proposed |" in COMPARED.markdown


def test_a_first_version_says_that_there_is_no_other() -> None:
    assert "There is no version in force." in Proposal(VERSION).text
    assert "No window has a State" not in Proposal(VERSION).text
    assert "No window has a State to judge again." in Proposal(VERSION, VERSION).text


@pytest.mark.parametrize("name", ["a|b", "`x` **y**", "line\nbreak", "<script>alert(1)</script>", "[click](http://x)"])
def test_no_name_of_a_column_leaves_its_cell_or_becomes_markup(name: str) -> None:
    change = Change("check", Subject(name), "m", name, "x")
    page = Proposal(VERSION, VERSION, "other", "", Comparison((name,), (), (change,))).markdown
    [row] = [line for line in page.splitlines() if line.startswith("| check |") and "in force" not in line]
    assert row.replace("\\|", "").count("|") == 5
    safe = row.split(" | ")[2]
    assert not {"<", "*", "[", "`"} & set(
        safe.replace("\\<", "").replace("\\*", "").replace("\\[", "").replace("\\`", "")
    )


def test_what_is_long_is_cut_and_counted() -> None:
    many = tuple(Change("check", Subject(f"c{i}"), "m", "a", "b") for i in range(200))
    proposal = Proposal(VERSION, VERSION, "other", "", Comparison(tuple(f"c{i}" for i in range(200)), (), many))
    for written in (proposal.text, proposal.markdown):
        assert "and 150 more" in written and len(written) < 6000
