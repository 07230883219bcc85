"""A person with a browser: log in, see which model is ill, and find the column that changed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest
from support.browsing import needs_chromium
from support.captures import HOUR
from support.drafted import capture
from support.proposed import Place
from support.reports import window

from model_monitor.core.window import iso
from model_monitor.dashboard.pages import FILES, PAGES

if TYPE_CHECKING:
    from local_airflow import LocalAirflow

LOOKS = ((1440, 900, "dark"), (390, 844, "light"))

pytestmark = needs_chromium


@pytest.fixture(scope="module")
def ill(served: Any, airflow: LocalAirflow) -> Iterator[str]:
    """An endpoint whose last two windows of five are violated, beside those of the running Airflow; it has no run."""
    (folder := served.folder / "browsed").mkdir()
    place = Place(folder, judged=True, endpoint="ill", name="ill-dq", cron="NOW")
    place.learn(50, "2026-01-06T00:00:00Z")
    placed = served.folder / "endpoints" / "ill.yaml"
    placed.write_text(place.file.read_text())
    airflow.wait_for_dags("ill-dq")
    yield "ill"
    placed.unlink()


def of_window(endpoint: str) -> str:
    return f"/endpoints/{endpoint}/executions/ill-dq/{iso(window(3).start)}/{iso(window(3).end)}"


def paths(folder: Path) -> list[str]:
    """Each page and each report, about what is ill."""
    capture(folder / "new", hours=3, endpoint="tried")
    drift = "schedule=ill-dq&metric=baseline_drift_check&column=n"
    pick = quote('["ill-dq", "baseline_drift_check", "n", null]')
    about = {
        "models": ["/"],
        "endpoint": ["/endpoints/ill"],
        "column": ["/endpoints/ill/column?column=n"],
        "metric": [f"/endpoints/ill/metric?{drift}"],
        "charts": ["/charts", f"/charts?endpoint=ill&pick={pick}"],
        "baselines": ["/endpoints/ill/baselines/ill-dq"],
        "executions": ["/executions", "/executions?status=violated"],
        "execution": [of_window("ill")],
        "alerts": ["/alerts"],
        "new": ["/new", f"/new?address={quote(str(folder / 'new'))}&name=a.b&show=trial"],
        "report": [f"{of_window('ill')}/report.html"],
    }
    found = {page.name for page in (*PAGES, *FILES)} - {"baseline_report"}  # of which the page of baselines knows more
    assert about.keys() == found
    return [path for paths in about.values() for path in paths]


def test_the_navigation_of_airflow_leads_to_the_ill_model_and_two_clicks_to_its_column(
    airflow: LocalAirflow, ill: str, page: Any
) -> None:
    page.goto(f"{airflow.url}/plugin/models")
    frame = page.frame_locator("iframe")
    frame.get_by_role("link", name=ill, exact=True).wait_for()
    rows = frame.locator("table.models tbody tr")
    states = [row.locator("td").first.inner_text() for row in rows.all()]
    is_ill = [state.lstrip("▲◆ ").startswith(("violated", "broken")) for state in states]
    assert is_ill == sorted(is_ill, reverse=True), states  # the worst first
    assert frame.locator("h1").inner_text().startswith(f"{sum(is_ill)} of {len(is_ill)} model")
    own = rows.filter(has=frame.get_by_role("link", name=ill, exact=True))
    assert "violated" in own.inner_text() and f"since {HOUR:%Y-%m-%d}" in own.inner_text()
    own.get_by_role("link", name=ill, exact=True).click()
    frame.get_by_role("heading", name=ill).wait_for()
    assert "violated" in frame.locator(".chip[aria-current]").inner_text()
    frame.get_by_role("link", name="n", exact=True).click()
    frame.get_by_role("heading", name="n", exact=True).wait_for()
    assert "/column?column=n" in page.url
    assert f"violated since {HOUR:%Y-%m-%d}: 2 of 5 windows" in frame.locator(".heading").inner_text()
    assert "median 3 → 103" in frame.locator(".change").inner_text()


def test_the_page_of_a_window_shows_the_pictures_of_its_report_and_opens_it(
    airflow: LocalAirflow, ill: str, page: Any
) -> None:
    page.goto(f"{airflow.url}/model-monitor{of_window(ill)}")
    assert page.locator(".pictures svg").count()
    page.get_by_role("link", name="The report as one file").click()
    page.get_by_role("heading", name="Violated").wait_for()
    assert (
        page.evaluate("getComputedStyle(document.querySelector('.state')).display") == "inline-block"
    )  # has its style


def test_the_tab_of_a_dag_shows_its_schedule(airflow: LocalAirflow, ill: str, page: Any) -> None:
    page.goto(f"{airflow.url}/dags/ill-dq/plugin/monitor")
    frame = page.frame_locator("iframe")
    frame.get_by_role("heading", name=ill).wait_for()
    assert "violated" in frame.locator(".chip[aria-current]").inner_text()


def test_airflow_does_not_leave_the_plugin_out(airflow: LocalAirflow) -> None:
    plugins = {plugin["name"]: plugin for plugin in airflow.call("GET", "/plugins")["plugins"]}
    places = {view["destination"] for view in plugins["model_monitor"]["external_views"]}
    assert places == {"nav", "dag", "dag_run"}
    assert {view["destination"] for view in plugins["model_monitor"]["react_apps"]} == {"dashboard"}


def test_airflow_s_home_says_how_many_models_are_ill_and_leads_to_the_worst(
    airflow: LocalAirflow, ill: str, page: Any
) -> None:
    page.goto(f"{airflow.url}/")
    panel = page.get_by_role("region", name="Model Monitor")
    panel.wait_for()
    assert re.match(r"[1-9]\d* of \d+ models? (is|are) ill", panel.inner_text())
    own = panel.get_by_role("listitem").filter(has=page.get_by_role("link", name=ill, exact=True))
    assert re.search(rf"violated since {HOUR:%Y-%m-%d}", own.inner_text())
    own.get_by_role("link").click()
    page.wait_for_url("**/dags/ill-dq/plugin/monitor")
    page.frame_locator("iframe").get_by_role("heading", name=ill).wait_for()


@pytest.mark.parametrize(
    "answer", [{"status": 403}, {"json": {"models": [], "total": 0, "ill": 0}}, {"body": "<html>"}]
)
def test_airflow_s_home_says_nothing_of_models_to_who_may_see_none(
    airflow: LocalAirflow, context: Any, answer: dict[str, Any]
) -> None:
    page = context.new_page()
    page.route("**/model-monitor/api/?limit=*", lambda route: route.fulfill(**answer))
    with page.expect_response("**/model-monitor/api/?limit=*"):
        page.goto(f"{airflow.url}/")
    page.get_by_role("heading").first.wait_for()
    assert page.get_by_role("region", name="Model Monitor").count() == 0
    assert page.get_by_text("Component failed to load").count() == 0
    page.close()


@pytest.mark.parametrize(("width", "height", "scheme"), LOOKS)
def test_each_page_is_accessible_and_fits_its_width(
    served: Any, airflow: LocalAirflow, ill: str, context: Any, width: int, height: int, scheme: str
) -> None:
    from axe_playwright_python.sync_playwright import Axe

    page = context.new_page()
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": width, "height": height})
    for path in paths(served.folder):
        page.goto(f"{airflow.url}/model-monitor{path}")
        found = Axe().run(page).response["violations"]
        assert [(entry["id"], [node["html"][:150] for node in entry["nodes"][:3]]) for entry in found] == [], path
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path
    page.close()


@pytest.mark.parametrize(("tab", "heading"), [("/plugin/models", "model"), ("/dags/ill-dq/plugin/monitor", "ill")])
def test_links_inside_airflow_s_frame_lead_on_in_it_and_those_to_airflow_s_pages_out_of_it(
    airflow: LocalAirflow, ill: str, page: Any, tab: str, heading: str
) -> None:
    """Its own pages would show inside of themselves, and the frame's sandbox lets none of ours replace them."""
    page.goto(airflow.url + tab)
    page.frame_locator("iframe").get_by_role("heading", name=heading).first.wait_for()
    [_, frame] = page.frames
    frame.get_by_role("link", name="Executions", exact=True).click()
    frame.wait_for_url("**/model-monitor/executions")
    assert len(page.frames) == 2
    frame.goto(f"{airflow.url}/model-monitor{of_window(ill)}")
    page.wait_for_timeout(500)
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    frame.get_by_role("link", name="earlier window").click()
    frame.wait_for_url(f"**{iso(window(2).start)}/**")
    page.wait_for_timeout(500)
    assert len([url for url in asked if "/executions/" in url]) == 1, asked  # the frame does not load it again
    frame.goto(f"{airflow.url}/model-monitor/endpoints/{ill}")
    with page.context.expect_page() as other:
        frame.get_by_role("link", name="ill-dq in Airflow").click(modifiers=["ControlOrMeta"])
    other.value.wait_for_url("**/dags/ill-dq")
    other.value.close()
    frame.get_by_role("link", name="ill-dq in Airflow").click()
    page.wait_for_url("**/dags/ill-dq")
    assert len(page.frames) == 1


def test_forms_inside_airflow_s_frame_snooze_an_alert_and_preview_a_threshold(
    airflow: LocalAirflow, ill: str, page: Any
) -> None:
    page.goto(f"{airflow.url}/plugin/models")
    page.frame_locator("iframe").get_by_role("link", name=ill, exact=True).wait_for()
    [_, frame] = page.frames
    frame.locator("select[name=state]").select_option("violated")
    frame.get_by_role("link", name="Show all").wait_for()
    assert "state=violated" in frame.url
    frame.locator("tr", has=frame.get_by_role("link", name=ill, exact=True)).get_by_role(
        "link", name="1 warning"
    ).click()
    frame.get_by_label("Why you snooze").fill("known since Monday")
    frame.get_by_role("button", name="Snooze").click()
    frame.locator("strong", has_text="snoozed until").wait_for()
    frame.get_by_text("steps; the last by").click()
    assert "known since Monday" in frame.locator("article table").inner_text()
    frame.goto(f"{airflow.url}/model-monitor/endpoints/{ill}")
    frame.get_by_role("link", name="baselines").click()
    limit = frame.get_by_label(re.compile("largest distance of numbers"))
    limit.fill("1.0")
    frame.get_by_role("button", name="Preview").click()
    frame.get_by_text("Of the last 5 windows 2 would flip").wait_for()
    assert limit.input_value() == "1.0"


def test_the_keyboard_alone_leads_from_the_models_to_one_of_them(airflow: LocalAirflow, ill: str, page: Any) -> None:
    page.goto(f"{airflow.url}/model-monitor/")
    for _ in range(30):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.textContent.trim()") == ill:
            break
    page.keyboard.press("Enter")
    page.get_by_role("heading", name=ill).wait_for()
    assert page.url.endswith(f"/endpoints/{ill}")
