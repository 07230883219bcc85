"""A person makes a monitor in a form: looking writes nothing, nothing hidden is shown, nothing is overwritten."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from support.captures import at, record
from support.captures import capture as write
from support.drafted import capture, table
from support.forms import Fields
from support.visited import Only, seen, visit

from model_monitor import config
from model_monitor.dashboard.new_choices import Asked, cron_for, span_to_learn
from model_monitor.dashboard.new_columns import PART
from model_monitor.dashboard.new_monitor import New, save
from model_monitor.dashboard.visit import NoSuchPage, NotAllowed, Visit
from model_monitor.errors import ConfigError
from model_monitor.jobs.drafts import roots, saving
from model_monitor.jobs.drafts.looking import COLUMNS, Look

ADA = Only(read=("churn-data-quality", "churn-dq"), edit=("churn-data-quality", "churn-dq"), may_add=True)
LIGHT = 200_000  # characters of the form
HOSTILE = "<script>alert(1)</script>"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A store that may be looked at, and a folder for new endpoint files."""
    monkeypatch.setenv(roots.VARIABLE, str(tmp_path / "store"))
    monkeypatch.setenv(saving.VARIABLE, "true")
    (tmp_path / "endpoints").mkdir()
    (tmp_path / "store").mkdir()
    return tmp_path


def page(visit: Visit, **query: Any) -> tuple[New, str]:
    shown, html = seen(visit, "new", asked=Asked.model_validate(query))
    assert isinstance(shown, New)
    return shown, html


def known(folder: Path, name: str = "churn", **columns: Any) -> Path:
    """The file of an endpoint that is monitored already."""
    path = folder / "endpoints" / f"{name}.yaml"
    schedule = {"name": f"{name}-dq", "monitor": "data_quality"}
    content = {"endpoint": name, "capture": {"uri": f"{folder}/store/capture"}, "output": f"{folder}/store/out"}
    path.write_text(str(content | {"columns": columns, "schedules": [schedule]}))
    return path


@pytest.mark.parametrize("kind", ["captures", "table"])
def test_every_default_left_as_it_is_makes_a_file_that_is_tried_and_saved(folder: Path, kind: str) -> None:
    """Step by step as a browser without JavaScript: choose a folder, look, show the file, save it."""
    capture(folder / "store", hours=12, shift_from=99) if kind == "captures" else table(folder / "store" / "churn")
    here = visit(viewer=ADA, new_in=folder / "endpoints")
    shown, html = page(here)
    assert shown.folders == (str(folder / "store"),) and "address=" in html
    shown, html = page(here, address=shown.folders[0])
    assert shown.found is not None and shown.problems == {}, shown.problems
    shown, html = page(here, **Fields(html).sent("new"))
    assert shown.problems == {} and [one.status for one in shown.judged] == ["Completed"] * 3
    assert shown.judged[-1].end == "2026-01-05T11:00:00Z"
    path = save(here, Asked.model_validate(Fields(html).sent("save")))
    assert path == folder / "endpoints" / "churn.yaml"
    assert path.read_text() == shown.text
    endpoint = config.load(path)
    assert endpoint.schedules[0].name == "churn-data-quality" and endpoint.output == f"{folder}/store/monitoring"
    assert str(endpoint.schedules[0].baseline.dataset).endswith("/_rows/churn/AllTraffic/2026/01/05")
    saved, html = page(visit(path, viewer=ADA, new_in=path.parent), saved="churn")
    assert saved.saved is not None and saved.saved.controls[0].baseline == "churn-data-quality-baseline"
    assert saved.saved.controls[0].collect == ("2026-01-05T00:00:00Z", "2026-01-06T00:00:00Z")
    assert 'data-act="begin"' in html


@pytest.mark.parametrize(
    ("first", "last", "learns", "cron"),
    [
        ("2013-03-01T00:00:00Z", "2013-04-18T23:00:00Z", "2013/03", "0 0 * * *"),
        ("2026-11-09T10:00:00Z", "2026-11-29T10:00:00Z", "2026/11", "0 0 * * *"),
        ("2026-12-28T10:00:00Z", "2027-02-01T10:00:00Z", "2027/01", "0 0 * * *"),
        ("2026-11-28T10:00:00Z", "2026-11-30T10:00:00Z", "2026/11/29", "0 * * * *"),
        ("2026-11-28T10:00:00Z", "2026-11-29T10:00:00Z", "2026/11/28", "0 * * * *"),
        ("2026-11-28T00:00:00Z", "2026-11-28T09:00:00Z", "2026/11/28", "0 * * * *"),
        (None, None, "", "0 0 * * *"),
    ],
)
def test_what_is_proposed_to_learn_from_and_how_often(first: str, last: str, learns: str, cron: str) -> None:
    found = Look("/x", "endpoint", "sagemaker", "churn", "AllTraffic", (), 1, first, last)
    assert (span_to_learn(found), cron_for(found)) == (learns, cron)


def test_what_chance_may_do_is_asked_and_a_default_that_is_left_is_not_in_the_file(folder: Path) -> None:
    capture(folder / "store", hours=12, shift_from=99)
    here = visit(viewer=ADA, new_in=folder / "endpoints")
    _, html = page(here, address=str(folder / "store"))
    sent = Fields(html).sent("new") | {"monitor": ["data_quality", "traffic"]}
    shown, _ = page(here, **sent)
    assert "noise" not in shown.text and "reference" not in shown.text
    shown, html = page(here, **sent | {"noise": "history", "reference": "previous"})
    assert shown.problems == {} and Fields(html).sent("save")["noise"] == "history"
    path = save(here, Asked.model_validate(Fields(html).sent("save")))
    assert path is not None
    quality, traffic = config.load(path).schedules
    assert (quality.noise, quality.reference) == ("history", "previous")
    assert (traffic.noise, traffic.reference) == ("auto", None)  # it judges no distributions


def test_names_roles_and_privacy_of_columns_are_the_person_s(folder: Path) -> None:
    capture(folder / "store", hours=12)
    here = visit(viewer=ADA, new_in=folder / "endpoints")
    _, html = page(here, address=str(folder / "store"))
    asked = Fields(html).sent("new")
    changed = {"column": ["score", "amount", "sex"], "role": ["", "", "ignore"], "private": ["1"], "owner": "Ann"}
    shown, _ = page(here, **asked | changed)
    path = folder / "endpoints" / "x.yaml"
    path.write_text(shown.text)
    columns = config.load(path).columns
    assert (columns.outputs, columns.inputs) == (("score",), ("amount", "sex"))
    assert (columns.exclude, columns.private) == (("sex",), ("amount",))
    assert shown.found is not None and [one.name for one in shown.found.columns.rows] == ["score", "amount", "sex"]


def test_looking_and_trying_write_nothing(folder: Path) -> None:
    capture(folder / "store", hours=12)
    here = visit(viewer=ADA, new_in=folder / "endpoints")
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    _, html = page(here, address=str(folder / "store"))
    assert page(here, **Fields(html).sent("new"))[0].text
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*")} == before


@pytest.mark.parametrize(
    ("change", "field", "words"),
    [
        ({"address": "{store}/nothing"}, "address", "there is nothing at"),
        ({"address": "{store}/empty"}, "address", "there is nothing at"),
        ({"address": "s3:/bucket/x"}, "address", "two slashes"),
        ({"address": "/etc"}, "address", "not below a folder"),
        ({"name": "../x"}, "name", "letters, digits and hyphens"),
        ({"name": ""}, "name", "letters, digits and hyphens"),
        ({"name": "taken"}, "name", "there is a taken.yaml already"),
        ({"cron": "daily"}, "cron", "write five fields"),
        ({"monitor": []}, "monitor", "at least one"),
        ({"monitor": ["model_quality"]}, "labels", "say where they are"),
        ({"monitor": ["nosuch"]}, "monitor", "choose of the list"),
        ({"threshold": "much"}, "threshold", "a number from 0 to 1"),
        ({"learn_from": "January"}, "learn_from", "a year, a month or a day"),
        ({"learn_from": "2026/13"}, "learn_from", "a year, a month or a day"),
        ({"noise": "none"}, "noise", "choose one of the list"),
        ({"reference": "trailing P1D"}, "reference", "choose one of the list"),
        ({"learn_from": ""}, "dataset", "nothing to learn from"),
        ({"dataset": "/etc/passwd"}, "dataset", "not below a folder"),
        ({"output": "/etc"}, "output", "not below a folder"),
        ({"column": ["a", "a", "b"]}, "file", "more than once"),
        ({"column": ["a${HOME}", "b", "c"]}, "column", "otherwise"),
        ({"role": ["code", "", ""]}, "role", "choose of the list"),
        ({"seen": "0123456789ab"}, "role", "other columns than before"),
    ],
)
def test_what_is_wrong_is_said_beside_its_field(folder: Path, change: dict[str, Any], field: str, words: str) -> None:
    capture(folder / "store" / "capture", hours=1)
    (folder / "store" / "empty").mkdir()
    (folder / "endpoints" / "taken.yaml").write_text("")
    here = visit(viewer=ADA, new_in=folder / "endpoints")
    asked = page(here, address=str(folder / "store" / "capture"))[0].asked.model_dump() | {"show": "trial"}
    change = {k: v.format(store=folder / "store") if k == "address" else v for k, v in change.items()}
    shown, html = page(here, **asked | change)
    assert words in shown.problems[field], shown.problems
    assert not shown.judged and 'id="save"' not in html
    if field != "file":
        assert f'id="{field}-wrong"' in html
    assert save(here, Asked.model_validate(asked | change | {"digest": shown.digest})) is None
    assert not list((folder / "endpoints").glob("[!t]*"))


def test_everything_that_is_wrong_is_said_at_once(folder: Path) -> None:
    capture(folder / "store", hours=1)
    here = visit(viewer=ADA, new_in=folder / "endpoints")
    asked = page(here, address=str(folder / "store"))[0].asked.model_dump() | {"show": "trial"}
    shown, html = page(here, **asked | {"name": "a b", "cron": "daily", "dataset": "/etc/x", "output": "s3:/b"})
    assert set(shown.problems) == {"name", "cron", "dataset", "output"} and "4 things to change" in html


def test_only_who_may_add_endpoints_sees_the_form(folder: Path) -> None:
    capture(folder / "store", hours=1)
    for viewer in (None, Only(read=("churn-dq",), edit=("churn-dq",))):
        here = visit(viewer=viewer, new_in=folder / "endpoints")
        for query in ({}, {"address": str(folder / "store")}):
            with pytest.raises(NotAllowed):
                page(here, **query)
            with pytest.raises(NotAllowed):
                save(here, Asked.model_validate(query))
        assert "/new" not in seen(here, "alerts")[1]
    with pytest.raises(NoSuchPage):
        page(visit(viewer=ADA))
    assert "/new" in seen(visit(viewer=ADA, new_in=folder), "alerts")[1]


def test_captures_of_an_endpoint_that_one_may_not_read_are_not_there(folder: Path) -> None:
    capture(folder / "store" / "capture", hours=1, endpoint="hidden")
    table(folder / "store" / "out" / "_rows" / "hidden" / "AllTraffic")
    table(folder / "store" / "out" / "hidden" / "hidden-dq")
    here = visit(known(folder, "hidden"), viewer=ADA, new_in=folder / "endpoints")
    assert page(here)[0].folders == (str(folder / "store"),)
    for place in ("capture/X/AllTraffic", "capture/X/AllTraffic/2026", "out/_rows/X", "out/X/X-dq"):
        answers = []
        for name in ("hidden", "absent"):
            shown, html = page(here, address=str(folder / "store" / place.replace("X", name)))
            assert shown.found is None
            answers.append(html.replace(name, "X"))
        assert answers[0] == answers[1], place
    assert "hidden" not in str(page(here, address=str(folder / "store" / "capture"))[0].problems)
    assert page(here, saved="hidden")[0].saved == page(here, saved="absent")[0].saved.model_copy(  # type: ignore[union-attr]
        update={"name": "hidden"}
    )


def test_values_of_private_columns_are_in_no_page_and_no_json(folder: Path) -> None:
    capture(folder / "store" / "capture", hours=1)
    file = known(folder, outputs=["score"], inputs=["amount", "sex"], private=["amount"])
    here = visit(file, viewer=ADA, new_in=folder / "endpoints")
    shown, html = page(here, address=str(folder / "store" / "capture"))
    assert shown.found is not None
    amount = shown.found.columns.rows[1]
    assert (amount.name, amount.examples, amount.always_private) == ("amount", (), True)
    assert "not shown: private" in html and "is monitored already" in html
    shown, _ = page(here, **Fields(html).sent("new"))
    assert "private:\n  - amount" in shown.text and shown.problems == {}


def test_a_file_is_saved_only_if_it_is_the_one_that_was_shown_and_the_deployment_allows_it(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    capture(folder / "store", hours=1)
    here = visit(viewer=ADA, new_in=folder / "endpoints")
    _, html = page(here, address=str(folder / "store"))
    shown, html = page(here, **Fields(html).sent("new"))
    asked = Fields(html).sent("save")
    assert save(here, Asked.model_validate(asked | {"owner": "Eve"})) is None
    monkeypatch.delenv(saving.VARIABLE)
    with pytest.raises(ConfigError, match="commit the text"):
        save(here, Asked.model_validate(asked))
    shown, html = page(here, **asked | {"show": "trial"})
    assert shown.text and "commit the text" in html and 'id="save"' not in html
    monkeypatch.setenv(saving.VARIABLE, "true")
    assert save(here, Asked.model_validate(asked)) is not None
    assert save(here, Asked.model_validate(asked)) is None  # there is one of this name now
    assert len(list((folder / "endpoints").iterdir())) == 1


def test_hostile_and_very_many_columns_are_inert_and_readable(folder: Path) -> None:
    (folder / "store" / "odd").mkdir()
    names = ["request_time", HOSTILE, "x" * 10_000, "é\u202e", *(f"c{i}" for i in range(COLUMNS - 4))]
    rows = "\n".join(f"2026-01-05T00:00:0{i}Z,{HOSTILE}" + ",1" * (len(names) - 2) for i in range(9))
    (folder / "store" / "odd" / "a.csv").write_text(",".join(names) + "\n" + rows + "\n")
    here = visit(viewer=ADA, new_in=folder / "endpoints")
    shown, html = page(here, address=str(folder / "store" / "odd"))
    assert shown.problems == {} and "<script>alert" not in html and len(html) < LIGHT
    refused, html = page(here, **Fields(html).sent("new") | {"labels": "/etc/" + HOSTILE})
    assert "<script>alert" not in html and len(refused.asked.role) == PART and len(html) < LIGHT
    (folder / "store" / "odd" / "a.csv").write_text(
        ",".join(f"c{i}" for i in range(COLUMNS + 1)) + "\n" + "1," * COLUMNS + "1\n"
    )
    assert "5001 columns" in page(here, address=str(folder / "store" / "odd"))[0].problems["address"]


def test_what_is_chosen_for_one_of_very_many_columns_is_kept_while_others_are_shown(folder: Path) -> None:
    """Without JavaScript: each button sends the form."""
    names = ["request_time", "score", *(f"c{i}" for i in range(298))]
    rows = "\n".join(f"2026-01-05T{i:02}:00:00Z,0.{i}" + f",{i}" * 298 for i in range(9))
    (folder / "store" / "a.csv").write_text(",".join(names) + "\n" + rows + "\n")
    here = visit(viewer=ADA, new_in=folder / "endpoints")
    _, html = page(here, address=str(folder / "store"))
    sent = Fields(html).sent("new")
    assert sent.pop("show") == "trial" and len(sent["at"]) == PART
    _, html = page(here, **sent | {"find": "c7"})
    sent = Fields(html).sent("new")
    assert sent["at"] == ["9", *map(str, range(72, 82))]
    _, html = page(here, **sent | {"role": ["ignore"] + [""] * 10, "private": ["81"], "find": "", "part": "3"})
    sent = Fields(html).sent("new")
    assert (sent["at"][0], sent["part"], sent["kept"]) == ("200", "3", ["9 role ignore", "81 private"])
    shown, html = page(here, **sent | {"role": ["ignore"] + [""] * 99})
    assert shown.problems == {} and "private:\n  - c79\n" in shown.text
    assert [f"- {name}\n" in shown.text for name in ("c6", "c7", "c197", "c198")] == [True, False, True, False]
    saved = save(here, Asked.model_validate(Fields(html).sent("save")))
    assert saved and saved.read_text() == shown.text
    back, _ = page(here, **Fields(html).sent("new") | {"find": "c7", "part": "1", "role": [""] * 100})
    assert [(one.name, one.role) for one in back.found.columns.rows[:1]] == [("c7", "ignore")]  # type: ignore[union-attr]


def test_names_are_given_to_columns_without_one_beside_columns_that_have_theirs(folder: Path) -> None:
    """A model that is asked in JSON, and answers in CSV."""
    asked = [record(f"e{i}", {"amount": i, "sex": "ab"[i % 2]}, "0.5,yes\n", at(i)) for i in range(30)]
    write(folder / "store", asked)
    here = visit(viewer=ADA, new_in=folder / "endpoints")
    shown, html = page(here, address=str(folder / "store"))
    assert [one.is_named for one in shown.found.columns.rows] == [False, False, True, True]  # type: ignore[union-attr]
    shown, _ = page(here, **Fields(html).sent("new") | {"column": ["score", "class"]})
    assert [one.name for one in shown.found.columns.rows] == ["score", "class", "amount", "sex"]  # type: ignore[union-attr]
