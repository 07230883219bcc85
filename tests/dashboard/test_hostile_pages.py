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
from pathlib import Path
from typing import Any

import pytest
from support.captures import HOUR, capture, endpoint_file, record
from support.visited import Only, visit

from model_monitor import jobs
from model_monitor.config.execution import Assignment, Execution
from model_monitor.core.window import Window
from model_monitor.dashboard.new_choices import Asked
from model_monitor.dashboard.pages import FILES, PAGES, html, notice
from model_monitor.dashboard.site import copy_pages
from model_monitor.dashboard.visit import NoSuchPage, Visit
from model_monitor.results.decision import Choice
from model_monitor.rows.sources.datasets import Dataset

ATTACK = "<script>alert(1)</script>"
HOSTILE = (  # of columns, and of what is asked for
    ATTACK,
    "../../etc/passwd",
    '"><evil onload=alert(1)>',
    "' onmouseover='alert(1)",
    "{{ 7 * 7 }}",
    "javascript:alert(1)",
    "\u202egnp.exe",
    "]]>--><evil>",
    "long " * 600,
)
VALUES = (ATTACK, '"><evil>', "category " * 1200)  # the last one has 10,000 characters
WIDE = 5_000
ROWS = 30
WINDOWS = 1
HEAVIEST, HEAVIEST_REPORT = 400_000, 1_000_000  # bytes
HEAVIEST_FORM = 5_000_000  # of the page New monitor, in which each column has a field
NAMES = {"hostile": (*HOSTILE, "kind"), "wide": tuple(f"{ATTACK} {i}" for i in range(WIDE))}


class Tags(HTMLParser):
    """The elements of a page, with their attributes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


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
    for tag, attributes in Tags(text).found:
        assert tag != "evil" and not [name for name in attributes if name.startswith("on")], (about, tag, attributes)
        for name in ("href", "src", "action"):
            address = attributes.get(name) or ""
            assert not re.match(r"\s*(javascript|data|vbscript):", address), (about, address)
            assert ".." not in address.partition("?")[0].split("/"), (about, address)
        if tag == "script":
            assert (attributes.get("src") or "").startswith("/model-monitor/static/"), about
    assert "\u202e" not in re.sub("<[^>]*>", "", text), about  # it turns the text after it round


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
                assert query["column"][:10].strip("\u202e") in heading, about
    for report in FILES:
        for query in questions(file, kind)[report.name]:
            content = report.view(visit_to(file), **query)
            check(content.decode().replace("\u202e", ""), report.name)
            assert len(content) < HEAVIEST_REPORT, (report.name, len(content))


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
