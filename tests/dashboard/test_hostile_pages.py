"""Names and values as callers send them: each page and report shows them as text, and stays small."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator
from datetime import timedelta
from html import escape, unescape
from html.parser import HTMLParser
from importlib.resources import files
from pathlib import Path
from typing import Any
from unicodedata import category

import pytest
from support.captures import HOUR, capture, endpoint_file, record
from support.visited import Only, visit

from model_monitor import jobs
from model_monitor.__main__ import main
from model_monitor.alerts.messages import text_of, title_of
from model_monitor.config.execution import Assignment, Execution
from model_monitor.core.window import Window
from model_monitor.dashboard.drawing import environment
from model_monitor.dashboard.new_choices import Asked
from model_monitor.dashboard.pages import FILES, PAGES, html, notice
from model_monitor.dashboard.site import copy_pages
from model_monitor.dashboard.visit import NoSuchPage, Visit
from model_monitor.errors import MonitorError, printable
from model_monitor.results.decision import Choice
from model_monitor.rows.sources.datasets import Dataset

ATTACK = "<script>alert(1)</script>"
HIDDEN = "n\u202e\u2066\u200f\u200b\u2060\ufeff\xad\u2028\x00\x1b[2J\x9b\x7f\r\nx"  # what is not printed
HOSTILE = (  # of columns, and of what is asked for
    ATTACK,
    "../../etc/passwd",
    '"><evil onload=alert(1)>',
    "' onmouseover='alert(1)",
    "{{ 7 * 7 }}",
    "javascript:alert(1)",
    "\u202egnp.exe",
    HIDDEN,
    "]]>--><evil>",
    "long " * 600,
)
VALUES = (ATTACK, '"><evil>', HIDDEN, "category " * 1200)  # the last one has 10,000 characters
NUMBERS = re.compile(r"number|part|loop\.index0")
SENT_BACK = ("value", "data-schedule", "data-dag")  # of forms and buttons: as the name is
WIDE = 5_000
ROWS = 30
FINDING = {"column": HIDDEN, "measure": HIDDEN, "observed": 1.0, "threshold": 0.5}
WINDOWS = 1
HEAVIEST, HEAVIEST_REPORT = 400_000, 1_000_000  # bytes
HEAVIEST_FORM = 200_000  # of the page New monitor, which shows a hundred columns at once
NAMES = {"hostile": (*HOSTILE, "kind"), "wide": tuple(f"{ATTACK} {i}" for i in range(WIDE))}


class Tags(HTMLParser):
    """The elements of a page with their attributes, and the texts that it shows."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.shown: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))
        self.shown += [text or "" for name, text in attrs if name not in SENT_BACK]

    def handle_data(self, data: str) -> None:
        self.shown.append(data)


def row(kind: str, i: int, shift: float) -> dict[str, Any]:
    """A request: numbers around ``shift`` in every column, and for the hostile ones a value of the category."""
    numbers: dict[str, Any] = dict.fromkeys(NAMES[kind], shift + i % 7)
    return numbers | {"kind": VALUES[i % len(VALUES)] if shift else "usual"} if kind == "hostile" else numbers


@pytest.fixture(scope="module", params=["hostile", "wide"])
def drifted(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, str]]:
    """An endpoint that was learned around 0 and asked around 100, by the real verbs; and which kind of names it has."""
    kind, root = request.param, tmp_path_factory.mktemp("names")
    file = Path(endpoint_file(root, alerts={"owner": ATTACK}))
    assignment = Assignment.load(file, "dq")
    text = io.StringIO()
    lines = csv.writer(text)
    lines.writerow(["0", *NAMES[kind]])
    lines.writerows([0.5, *row(kind, i, 0).values()] for i in range(ROWS))
    (root / "rows.csv").write_text(text.getvalue())
    state = jobs.observe_baseline(assignment, Dataset.at(str(root / "rows.csv"), "csv"))
    version = jobs.suggest_constraints(assignment, state, "2026-01-05T00:00:00Z")
    jobs.publish_baseline(assignment, version, Choice(by=ATTACK, at="2026-01-05T00:00:00Z", why=ATTACK))
    for hour in range(WINDOWS):
        start = HOUR + timedelta(hours=hour)
        capture(root / "capture", [record(f"{hour}-{i}", row(kind, i, 100), "0.5", start) for i in range(ROWS)], start)
        execution = Execution.of(file, "dq", Window(start, start + timedelta(hours=1)))
        jobs.judge_window(execution)
        jobs.alert(execution)
    yield file, kind


def visit_to(file: Path) -> Visit:
    return visit(file, viewer=Only({"dq"}, {"dq"}, may_add=True), new_in=file.parent)


def questions(file: Path, kind: str) -> dict[str, list[dict[str, Any]]]:
    """What each page and file is asked about."""
    last = HOUR + timedelta(hours=WINDOWS - 1)
    span = {"start": last, "end": last + timedelta(hours=1)}
    dq = {"endpoint": "churn", "schedule": "dq"}
    columns = NAMES[kind] if kind == "hostile" else NAMES[kind][:1]
    picks = [json.dumps(["dq", "baseline_drift_check", name, None]) for name in columns]
    return {
        "models": [{}, {"owner": ATTACK}, {"tag": ATTACK}],
        "endpoint": [{"endpoint": "churn"}],
        "column": [{"endpoint": "churn", "column": name} for name in columns],
        "metric": [{**dq, "metric": "baseline_drift_check", "column": name} for name in columns],
        "charts": [{"endpoint": "churn", "pick": picks[:6]}, {"endpoint": "churn", "find": ATTACK}],
        "baselines": [dq, {**dq, "find": ATTACK}],
        "executions": [{}, {"endpoint": ATTACK}],
        "execution": [{**dq, **span}],
        "alerts": [{}, {"endpoint": ATTACK}],
        "new": [{"asked": Asked(address=str(file.parent / "capture" / "churn"))}, {"asked": Asked(address=ATTACK)}],
        "report": [{**dq, **span}],
        "baseline_report": [{**dq, "version": published(file) if file.exists() else ""}],
    }


def published(file: Path) -> str:
    from model_monitor.verdicts.published import Published

    found = Published.find(Assignment.load(file, "dq"))
    assert found
    return found.name


def check(text: str, about: Any) -> None:
    """That a page has only what templates write: no element, no attribute and no address of a name's."""
    assert "<script>alert" not in text, about
    tags = Tags(text)
    for tag, attributes in tags.found:
        assert tag != "evil" and not [name for name in attributes if name.startswith("on")], (about, tag, attributes)
        for name in ("href", "src", "action"):
            address = attributes.get(name) or ""
            assert not re.match(r"\s*(javascript|data|vbscript):", address), (about, address)
            assert ".." not in address.partition("?")[0].split("/"), (about, address)
        if tag == "a":  # out of Airflow's frame or not, as its own pages would show inside of themselves
            is_airflow_s = re.match("/(?!model-monitor/)", attributes.get("href") or "") is not None
            assert (attributes.get("target") == "_top") == is_airflow_s, (about, attributes)
        if tag == "script":
            assert (attributes.get("src") or "").startswith("/model-monitor/static/"), about
    for shown in tags.shown:
        assert re.sub("[\n\xa0]", "", shown).isprintable(), (about, shown)  # charts have spaces that do not break


def test_each_page_and_report_is_asked() -> None:
    assert questions(Path("x"), "hostile").keys() == {page.name for page in (*PAGES, *FILES)}


def test_names_of_callers_are_inert_readable_and_light(drifted: tuple[Path, str]) -> None:
    file, kind = drifted
    for page in PAGES:
        for query in questions(file, kind)[page.name]:
            about = (page.name, str(query)[:200])
            shown = page.view(visit_to(file), **query)
            text = html(page, shown, visit_to(file))
            check(text, about)
            heaviest = HEAVIEST_FORM if page.adds else HEAVIEST
            assert len(text.encode()) < heaviest, (about, len(text))
            assert len(shown.model_dump_json()) < 4 * heaviest, about
            if page.name in ("column", "metric"):
                heading = unescape(re.sub("<[^>]+>", " ", text[text.index("<h1") : text.index("</h1>")]))
                assert printable(query["column"])[:10] in heading, about
    for report in FILES:
        for query in questions(file, kind)[report.name]:
            content = report.view(visit_to(file), **query)
            check(content.decode(), report.name)
            assert len(content) < HEAVIEST_REPORT, (report.name, len(content))


def test_logs_messages_and_the_command_line_say_names_in_one_line_and_never_turned_round(
    drifted: tuple[Path, str], caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    file, kind = drifted
    if kind == "wide":
        pytest.skip("the same")
    caplog.set_level("INFO", "model_monitor")
    execution = Execution.of(file, "dq", Window(HOUR, HOUR + timedelta(hours=1)))
    jobs.judge_window(execution)
    summary = jobs.alert(execution)
    about = dict.fromkeys(("event", "severity", "endpoint", "kind", "cause", "sentence", "since", "owner"), HIDDEN)
    message = about | {"count": 1, "schedules": [HIDDEN], "findings": [FINDING | {"segment": {HIDDEN: HIDDEN}}]}
    for command in (["history", str(file)], ["baselines", str(file)], ["alarms", str(file)]):
        main(command)
    said = [*(one.getMessage() for one in caplog.records), summary["message"], *summary["details"]]
    said += [title_of(message), *text_of(message).split("\n")]
    said += [line for text in capsys.readouterr() for line in text.split("\n")]
    assert [line for line in said if not line.isprintable()] == []
    assert sum(printable(HIDDEN)[:20] in line for line in said) > 3


def test_what_is_not_printed_is_an_escape_in_errors_and_in_what_templates_write() -> None:
    """All controls, all that turn text round or have no width, and what ends a line or a page."""
    hidden = [c for c in map(chr, range(0x110000)) if category(c) in ("Cc", "Cf", "Zl", "Zp") and c != "\n"]
    assert {"\0", "\x1b", "\x9b", "\u061c", "\u200b", "\u202e", "\u2069", "\ufeff", "\u2028"} <= set(hidden)
    for text in (str(MonitorError("".join(hidden))), environment().from_string("{{ x }}").render(x="".join(hidden))):
        assert text.isprintable() and "\\u202e" in text and "\\x1b" in text
    sent_back = environment().from_string("{{ x | exact }}").render(x="".join(hidden))
    assert sent_back == "".join(hidden)
    assert str(MonitorError("one\ntwo")) == "one\ntwo"


def test_forms_send_back_names_as_they_are() -> None:
    folder = files("model_monitor.dashboard") / "templates"
    for template in folder.iterdir():
        values = re.findall(r'\b(?:value|data-schedule|data-dag)="\{\{(.*?)\}\}"', template.read_text("utf-8"))
        assert [value for value in values if not value.endswith("| exact ") and not NUMBERS.search(value)] == [], (
            template
        )


def test_a_static_site_of_such_names_is_as_harmless(drifted: tuple[Path, str], tmp_path: Path) -> None:
    copy_pages(visit(drifted[0]), tmp_path, executions=1, most=8)
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert all(re.fullmatch(r"[a-z0-9.-]{1,120}", path.name) for path in files)
    for path in files:
        if path.suffix == ".html":
            check(path.read_text("utf-8").replace("../index.html", "index.html").replace("../static/", ""), path.name)


@pytest.mark.parametrize("name", HOSTILE)
def test_nothing_is_found_by_a_name_that_is_no_endpoint_s(drifted: tuple[Path, str], name: str) -> None:
    file, kind = drifted
    if kind == "wide":
        pytest.skip("the same")
    for page in (*PAGES, *FILES):
        if "{endpoint}" not in page.path:
            continue
        with pytest.raises(NoSuchPage) as error:
            page.view(visit_to(file), **questions(file, kind)[page.name][0] | {"endpoint": name})
        said = notice(visit_to(file), "Not Found", str(error.value))
        check(said, page.name)
        assert escape(name)[:9] in said or len(said) < 3000
