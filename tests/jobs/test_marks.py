"""What people say of windows decides what later ones are measured by, and changes no verdict by itself."""

from __future__ import annotations

import json
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from support.captures import endpoint_file
from support.hours import ROWS, Shop, at, violated
from support.visited import NOW, Only, seen, visit

from model_monitor import config, jobs
from model_monitor.__main__ import main
from model_monitor.config.trial import tried
from model_monitor.core.window import Window, iso
from model_monitor.dashboard import marking
from model_monitor.errors import ConfigError
from model_monitor.jobs.earlier_windows import all_odds
from model_monitor.jobs.marks import mark_windows, marks_of
from model_monitor.results.marks import BAD, HEALTHY, NEITHER, Mark, Marks
from model_monitor.verdicts.noise import FEWEST

MINUTES = count()  # in which marks are made


def said(shop: Shop, start: int, end: int, says: str) -> None:
    made = iso(NOW + next(MINUTES) * timedelta(minutes=1))
    mark_windows(shop.a.endpoint, ["dq"], Mark(Window(at(start), at(end)), says, "Ann"), made)


def weighed(document: dict[str, Any]) -> set[int]:
    """With how many past windows findings were weighed."""
    return {one["past_windows"] for one in document["findings"] if "past_windows" in one}


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    """As many windows as it takes to judge by them."""
    shop = Shop(tmp_path)
    shop.learn()
    for hour in range(FEWEST):
        shop.judge(hour)
    return shop


def test_no_later_window_is_measured_by_a_bad_one_until_that_is_taken_back(shop: Shop) -> None:
    assert weighed(shop.judge(FEWEST)) == {FEWEST}
    said(shop, 3, 5, BAD)  # two of them
    assert not weighed(shop.judge(FEWEST))
    said(shop, 3, 5, NEITHER)
    assert weighed(shop.judge(FEWEST)) == {FEWEST}


def test_what_a_person_calls_healthy_is_learned_although_it_stood_out(shop: Shop) -> None:
    assert violated(shop.judge(FEWEST, shift=2.0))
    left_out = shop.judge(FEWEST + 1)
    said(shop, FEWEST, FEWEST + 1, HEALTHY)
    learned = shop.judge(FEWEST + 1)
    assert (min(weighed(left_out)), weighed(learned)) == (FEWEST, {FEWEST + 1})


@pytest.mark.parametrize("reference", ["previous", "same_hour", "trailing PT2H"])
@pytest.mark.parametrize("says", [BAD, HEALTHY])
def test_nothing_is_compared_with_a_bad_window(tmp_path: Path, reference: str, says: str) -> None:
    shop = Shop(tmp_path, noise="sampling", reference=reference)
    shop.learn()
    gap = 24 if reference == "same_hour" else 1
    shop.judge(0)
    said(shop, 0, 1, says)
    found = shop.judge(gap).get("references", [])
    assert [one["rows"] for one in found] == ([] if says == BAD else [ROWS])


def test_a_replay_learns_from_what_people_say_too(shop: Shop) -> None:
    for hour in range(FEWEST, FEWEST + 10):
        shop.judge(hour)
    then, span = tried(shop.file, "dq", {"options.false_alarm_budget": 0.9999}), Window(at(0), at(FEWEST + 10))
    before = jobs.replay_windows(shop.a, then, span)
    said(shop, 0, FEWEST, BAD)
    after = jobs.replay_windows(shop.a, then, span)
    assert after.after > before.after
    assert [odds.stand_out for odds in all_odds(shop.a)][:FEWEST] == [True] * FEWEST


def test_the_last_word_on_a_window_counts_and_a_neighbour_is_not_meant() -> None:
    marks = Marks([Mark(Window(at(0), at(4)), BAD), Mark(Window(at(2), at(3)), HEALTHY, "Bo", "holiday")])
    assert marks.is_bad(Window(at(1), at(2))) and not marks.is_bad(Window(at(2), at(3)))
    assert marks.of(Window(at(4), at(5))) is None and marks.of(Window(at(3), at(9))) is not None
    assert Marks([*marks.marks, Mark(Window(at(0), at(9)), NEITHER)]).of(Window(at(2), at(3))) is None


def test_a_mark_by_the_command_line(shop: Shop, capsys: pytest.CaptureFixture[str]) -> None:
    place, hour = f"{shop.file}/dq", timedelta(hours=1)
    assert main(["mark", place]) == 0
    assert capsys.readouterr().out == "no window is marked\n"
    span = ["--start", at(3).isoformat(), "--end", (at(3) + hour).isoformat()]
    assert main(["mark", place, *span]) == 1
    assert "say what the windows are: --as bad, healthy or neither" in capsys.readouterr().err
    assert main(["mark", place, "--as", "bad"]) == 1
    assert "say which windows: --start and --end" in capsys.readouterr().err
    assert main(["mark", place, "--as", "bad", "--start", "x", "--end", "y"]) == 1
    assert "'x' is no time; write it as 2026-01-31T04:00:00Z" in capsys.readouterr().err
    assert not marks_of(shop.a).marks
    assert main(["mark", place, *span, "--as", "bad", "--why", "an outage", "--by", "Ann"]) == 0
    assert capsys.readouterr().out == f"dq: {Window(at(3), at(4))} is bad, by Ann: an outage\n"


def test_who_does_not_learn_from_windows_has_none_to_mark(tmp_path: Path) -> None:
    file = endpoint_file(tmp_path, options={"compatibility": "sagemaker"})
    with pytest.raises(ConfigError, match="not judged beside past windows"):
        mark_windows(config.load(file), ["dq"], Mark(Window(at(0), at(1)), BAD, "Ann"), iso(NOW))


def test_a_window_is_marked_on_its_page_by_who_may_edit_its_dag(shop: Shop) -> None:
    path, span = Path(shop.file), {"start": at(3), "end": at(4)}
    about = {"endpoint": shop.a.endpoint.endpoint, "schedule": "dq", **span}
    editor = visit(path, viewer=Only(read=["dq"], edit=["dq"]))
    _, text = seen(editor, "execution", **about)
    assert '<option value="neither" selected>' in text and "says that this window" not in text
    marking.mark(editor, marking.Marking(**about))  # as the form is
    assert marks_of(shop.a).of(Window(at(3), at(4))) is None
    editor = visit(path, viewer=Only(read=["dq"], edit=["dq"]), now=NOW + timedelta(minutes=1))
    marking.mark(editor, marking.Marking(**about, says="bad", why="<b>outage</b>"))
    _, text = seen(visit(path, viewer=Only(read=["dq"])), "execution", **about)
    assert "ada says that this window is bad" in text and "&lt;b&gt;outage" in text and "<form" not in text
    with pytest.raises(ConfigError):
        marking.mark(editor, marking.Marking(**about | {"end": at(3)}, says="bad"))
    assert json.loads(Path(shop.a.on(Window(at(3), at(4))).report, "execution.json").read_text())["violations"] >= 0
