"""What a schedule sees, on the command line: from its baseline and the usual size of its windows."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from support.captures import endpoint_file
from support.proposed import Place

from model_monitor.__main__ import main


def test_it_says_what_is_seen_at_the_usual_size_and_writes_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place = Place(tmp_path)
    files = place.files
    assert main(["power", f"{place.file}/dq", "--json"]) == 0
    [card] = json.loads(capsys.readouterr().out)
    assert (card["schedule"], card["rows"], card["day_rows"], card["left_out"]) == ("dq", 60, 1440, 0)
    seen = {(one["column"], one["kind"]): one for one in card["sees"]}
    assert seen["n", "missing"]["of_window"] > seen["n", "missing"]["of_day"] > 0
    assert main(["power", str(place.file), "--rows", "60"]) == 0
    shown = capsys.readouterr().out
    assert shown.startswith("dq: windows of 60 rows, days of 1,440") and "shift of all values" in shown
    assert place.files == files


def test_without_a_baseline_or_a_window_it_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["power", endpoint_file(tmp_path)]) == 0
    assert capsys.readouterr().out == "dq: there is no baseline yet to judge by\n"
