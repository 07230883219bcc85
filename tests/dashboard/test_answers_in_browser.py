"""Does each page answer its question at a glance, and can it be read on a phone, by anybody, light and dark?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from urllib.parse import quote

import pytest
from support.browsing import chromium, needs_chromium
from support.drafted import capture
from support.proposed import Place
from support.reports import window
from support.shown_pages import HERE, ShownPages
from support.visited import Only

from model_monitor.core.window import iso
from model_monitor.dashboard.links import Links
from model_monitor.dashboard.pages import FILES, PAGES
from model_monitor.jobs.drafts import saving

ADA = Only(("dq",), ("dq",), may_add=True)
WINDOW = f"/endpoints/churn/executions/dq/{iso(window(3).start)}/{iso(window(3).end)}"
PICK = quote('["dq", "baseline_drift_check", "n", null]')
GLANCE, PHONE = (1440, 900), (390, 844)
OF_ONE = "table.models tbody tr"

ANSWERS = {  # by page: an address, and what answers its question there
    "models": ("/", ["h1", f"{OF_ONE} td[data-label=State]", f"{OF_ONE} .strip", ".state.no_baseline"]),
    "endpoint": ("/endpoints/churn", [".chip[aria-current] .since", "table.heat .violated", "#columns"]),
    "column": (
        "/endpoints/churn/column?column=n",
        [".heading .state", ".change", "figure >> nth=0", "figure >> nth=1"],
    ),
    "metric": (
        "/endpoints/churn/metric?schedule=dq&metric=baseline_drift_check&column=n",
        [".heading .state", ".change", "figure"],
    ),
    "charts": (f"/charts?endpoint=churn&pick={PICK}", ["figure"]),
    "baselines": (
        "/endpoints/churn/baselines/dq",
        ["h1", ".state.no_baseline", ".change", "form.decide button >> nth=0"],
    ),
    "executions": ("/executions", ["h1", "tbody tr >> nth=0", "tbody tr >> nth=4"]),
    "execution": (
        WINDOW,
        [
            "h1",
            "#changed + ul li >> nth=0",
            "text=What next",
            "section[aria-labelledby=believe] dl",
            ".pictures svg >> nth=0",
        ],
    ),
    "alerts": ("/alerts", ["h1", "article >> nth=0", "article >> nth=0 >> button >> nth=0"]),
    "new": ("/new?address={captures}", ["#address", "#what", "button[name=show]"]),
    "report": (f"{WINDOW}/report.html", ["h1", "h2 >> nth=0", "main ul li >> nth=0", ".pictures svg >> nth=0"]),
    "baseline_report": ("/endpoints/churn/baselines/dq/report.html?version={version}", ["h1", "table >> nth=0", "dl"]),
}
TOO_WIDE = """width => [...document.querySelectorAll('main *')].filter(one => {
    const box = one.getBoundingClientRect();
    return box.right > width + 1 && one.checkVisibility() && !one.closest('.wide, .tall, pre, .skip, svg, thead');
}).map(one => one.outerHTML.slice(0, 150))"""

__all__ = ["chromium"]  # a fixture

pytestmark = needs_chromium


@pytest.fixture(scope="module")
def addresses(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[ShownPages, dict[str, str]]]:
    """The address of each page and report, of an endpoint whose last two windows of five are violated, and for which a
    version of the baseline waits."""
    root = tmp_path_factory.mktemp("answers")
    place = Place(root, judged=True)
    in_force = place.in_force
    place.learn(50, "2026-01-06T00:00:00Z")
    captures = capture(root / "new", hours=3, endpoint="tried")
    patched = pytest.MonkeyPatch()
    patched.setenv("MODEL_MONITOR_NEW_BELOW", str(captures))
    (folder := root / "endpoints").mkdir()
    here = place.visit(ADA)
    visit = replace(here, links=Links("/model-monitor", airflow=""), place=saving.Place(folder, here.files))
    assert ANSWERS.keys() == {page.name for page in (*PAGES, *FILES)}
    known = {"captures": quote(str(captures)), "version": in_force}
    yield ShownPages(visit), {name: address.format(**known) for name, (address, _) in ANSWERS.items()}
    patched.undo()


def opened(browser: Any, pages: ShownPages, size: tuple[int, int], scheme: str = "light") -> Any:
    context = browser.new_context(viewport={"width": size[0], "height": size[1]}, color_scheme=scheme)
    pages.open_in(context)
    return context.new_page()


def test_the_answer_of_each_page_is_seen_without_scrolling(
    chromium: Any, addresses: tuple[ShownPages, dict[str, str]]
) -> None:
    pages, by_name = addresses
    page = opened(chromium, pages, GLANCE)
    for name, (_, answers) in ANSWERS.items():
        page.goto(f"{HERE}/model-monitor{by_name[name]}")
        for answer in answers:
            box = page.locator(answer).first.bounding_box()
            assert box and box["y"] >= 0 and box["y"] + box["height"] <= GLANCE[1], (name, answer, box)
            assert box["x"] >= 0 and box["x"] + box["width"] <= GLANCE[0], (name, answer, box)


def test_nothing_of_a_page_is_wider_than_a_phone(chromium: Any, addresses: tuple[ShownPages, dict[str, str]]) -> None:
    """But tables and texts that scroll by themselves."""
    pages, by_name = addresses
    page = opened(chromium, pages, PHONE)
    for name, address in by_name.items():
        page.goto(f"{HERE}/model-monitor{address}")
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE[0], name
        assert page.evaluate(TOO_WIDE, PHONE[0]) == [], name


@pytest.mark.parametrize(("size", "scheme"), [(GLANCE, "light"), (PHONE, "dark")])
def test_each_page_is_accessible(
    chromium: Any, addresses: tuple[ShownPages, dict[str, str]], size: tuple[int, int], scheme: str
) -> None:
    """In the looks that the test inside Airflow leaves out."""
    from axe_playwright_python.sync_playwright import Axe

    pages, by_name = addresses
    page = opened(chromium, pages, size, scheme)
    for name, address in by_name.items():
        page.goto(f"{HERE}/model-monitor{address}")
        found = Axe().run(page).response["violations"]
        assert [(one["id"], [node["html"][:150] for node in one["nodes"][:3]]) for one in found] == [], name
