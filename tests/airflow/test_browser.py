"""A person with a browser: log in, see which model is ill, and find the column that changed."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest
from support.captures import HOUR
from support.drafted import capture
from support.reports import picture, window, write_page
from support.visited import HOLDS, VIOLATED, endpoint, judged

from model_monitor.config.execution import Assignment
from model_monitor.core.window import iso

if TYPE_CHECKING:
    from local_airflow import LocalAirflow

CHROMIUM = shutil.which("chromium")
SIZES, SCHEMES = ((1440, 900), (390, 844)), ("light", "dark")

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium here: apt-get install chromium")


@pytest.fixture(scope="module")
def made(served: Any, airflow: LocalAirflow, context: Any) -> str:
    """An endpoint file that a person makes in the form, with every default left as it is; its name."""
    capture(served.folder / "new", hours=3, endpoint="tried")
    page = context.new_page()
    page.goto(f"{airflow.url}/plugin/models")
    frame = page.frame_locator("iframe")
    frame.get_by_role("link", name="New monitor").click()
    frame.get_by_role("link", name=str(served.folder / "new")).click()
    frame.get_by_role("button", name="Show the file").click()
    frame.get_by_role("button", name="Save tried.yaml").wait_for(timeout=120_000)
    assert "tried-data-quality, 2026-01-05" in frame.locator(".trial").inner_text()
    frame.get_by_role("button", name="Save tried.yaml").click()
    frame.get_by_role("heading", name="tried.yaml is saved").wait_for()
    page.close()
    return "tried"


@pytest.fixture(scope="module")
def ill(served: Any, airflow: LocalAirflow, made: str) -> Iterator[str]:
    """An endpoint whose last windows are violated, beside those of the running Airflow; no task runs for it."""
    folder = served.folder / "browsed"
    file = endpoint(folder, "ill", [{"name": "ill-dq", "monitor": "data_quality", "cron": "NOW"}])
    for hour in range(4):
        judged(file, "ill-dq", hour, VIOLATED if hour > 1 else HOLDS)
    write_page(Assignment.load(file, "ill-dq").on(window(3)).report, [picture()])
    placed = served.folder / "endpoints" / "ill.yaml"
    placed.write_text(file.read_text())
    airflow.wait_for_dags("ill-dq")
    yield "ill"
    placed.unlink()


def of_window(endpoint: str) -> str:
    return f"/endpoints/{endpoint}/executions/ill-dq/{iso(window(3).start)}/{iso(window(3).end)}"


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def context(chromium: Any, airflow: LocalAirflow) -> Iterator[Any]:
    """A browser in which the administrator has logged in."""
    context = chromium.new_context(viewport={"width": 1440, "height": 900})
    page = context.new_page()
    page.goto(f"{airflow.url}/auth/login")
    page.fill("input[name=username]", "admin")
    page.fill("input[name=password]", airflow.password)
    page.keyboard.press("Enter")
    page.wait_for_url(lambda url: "login" not in url)
    page.close()
    yield context
    context.close()


@pytest.fixture
def page(context: Any) -> Iterator[Any]:
    """A page whose console must stay empty of errors."""
    page, errors = context.new_page(), []
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: errors.append(str(error)))
    yield page
    page.close()
    assert errors == []


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
    frame.get_by_role("link", name="age", exact=True).click()
    frame.get_by_role("heading", name="age").first.wait_for()
    assert "/column?column=age" in page.url


def test_the_page_of_a_window_shows_the_pictures_of_its_report_and_opens_it(
    airflow: LocalAirflow, ill: str, page: Any
) -> None:
    page.goto(f"{airflow.url}/model-monitor{of_window(ill)}")
    assert page.locator(".pictures svg").count() == 1
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


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("size", SIZES, ids=lambda size: str(size[0]))
def test_each_page_is_accessible_and_fits_its_width(
    served: Any, airflow: LocalAirflow, ill: str, context: Any, size: tuple[int, int], scheme: str
) -> None:
    from axe_playwright_python.sync_playwright import Axe

    page = context.new_page()
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": size[0], "height": size[1]})
    of_models, of_report = ("/", f"/endpoints/{ill}"), (of_window(ill), f"{of_window(ill)}/report.html")
    of_new = ("/new", f"/new?address={quote(str(served.folder / 'new'))}&name=a.b&show=trial")
    for path in (*of_models, "/executions", "/executions?status=violated", *of_report, *of_new):
        page.goto(f"{airflow.url}/model-monitor{path}")
        found = Axe().run(page).response["violations"]
        assert [(entry["id"], [node["html"][:150] for node in entry["nodes"][:3]]) for entry in found] == [], path
        assert page.evaluate("document.documentElement.scrollWidth") <= size[0], path
    page.close()


def test_the_keyboard_alone_leads_from_the_models_to_one_of_them(airflow: LocalAirflow, ill: str, page: Any) -> None:
    page.goto(f"{airflow.url}/model-monitor/")
    for _ in range(30):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.textContent.trim()") == ill:
            break
    page.keyboard.press("Enter")
    page.get_by_role("heading", name=ill).wait_for()
    assert page.url.endswith(f"/endpoints/{ill}")


def test_what_was_saved_is_a_dag_that_collects_learns_and_judges_at_a_click(
    airflow: LocalAirflow, made: str, context: Any
) -> None:
    """The page asks Airflow's own API with the cookie. SQLite may refuse while the scheduler writes; a person clicks
    again."""
    airflow.wait_for_dags("tried-data-quality", "tried-data-quality-baseline")
    page = context.new_page()
    page.goto(f"{airflow.url}/plugin/models/model-monitor/new?saved={made}")
    frame = page.frame_locator("iframe")
    begin, answer = frame.get_by_role("button", name="Start monitoring"), frame.locator(".answer")
    for _ in range(5):
        begin.click()
        frame.locator("[data-act=begin]:enabled").wait_for(timeout=180_000)
        if "refused" not in answer.inner_text():
            break
    assert "Judging the last complete window. The run has ended" in answer.inner_text()
    assert frame.locator(".switched").inner_text().startswith("On; its next run is at ")
    runs = {run["state"] for dag in ("tried-data-quality", "tried-data-quality-baseline") for run in airflow.runs(dag)}
    assert runs == {"success"}
    run = answer.get_by_role("link").get_attribute("href")
    answer.get_by_role("link").click()  # out of the frame
    page.wait_for_url(f"**{run}")
    page.close()


def test_a_schedule_is_stopped_and_started_and_a_backfill_says_first_how_many_windows_it_judges(
    airflow: LocalAirflow, made: str, context: Any
) -> None:
    page = context.new_page()
    page.goto(f"{airflow.url}/model-monitor/endpoints/{made}")
    for act, paused in (("Stop", True), ("Start", False), ("Stop", True)):
        page.get_by_role("button", name=act, exact=True).click()
        page.get_by_text({True: "Stopped:", False: "Started:"}[paused]).wait_for()
        assert airflow.call("GET", "/dags/tried-data-quality")["is_paused"] == paused
    page.get_by_text("Backfill", exact=True).click()
    assert page.locator("[name=since]").input_value() == page.locator("[name=until]").input_value()
    page.fill("[name=since]", "2026-01-05")
    page.fill("[name=until]", "2026-01-05")
    page.get_by_role("button", name="How many?").click()
    page.get_by_role("button", name="Judge 24 windows").wait_for()
    page.fill("[name=until]", "2026-01-04")
    assert not page.locator("[data-act=sure]").is_visible()
    page.get_by_role("button", name="How many?").click()
    page.get_by_text("no such window").or_(page.get_by_text("Airflow refused")).wait_for()
    page.close()
