"""A person monitors an endpoint without code: a form, a click that starts it, and windows of the past."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from support.browsing import needs_chromium
from support.drafted import capture, table

if TYPE_CHECKING:
    from local_airflow import LocalAirflow

pytestmark = needs_chromium


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


def begun(frame: Any) -> str:
    """What the page says when all that *Start monitoring* does has ended. SQLite may refuse while the scheduler writes;
    a person clicks again."""
    for _ in range(5):
        frame.get_by_role("button", name="Start monitoring").click()
        frame.locator("[data-act=begin]:enabled").wait_for(timeout=180_000)
        said = str(frame.locator(".answer").inner_text())
        if "refused" not in said:
            break
    return said


def test_what_was_saved_is_a_dag_that_collects_learns_and_judges_at_a_click(
    airflow: LocalAirflow, made: str, context: Any
) -> None:
    """The page asks Airflow's own API with the cookie."""
    airflow.wait_for_dags("tried-data-quality", "tried-data-quality-baseline")
    page = context.new_page()
    page.goto(f"{airflow.url}/plugin/models/model-monitor/new?saved={made}")
    frame = page.frame_locator("iframe")
    answer = frame.locator(".answer")
    assert "Judging the last complete window. The run has ended" in begun(frame)
    assert frame.locator(".switched").inner_text().startswith("On; its next run is at ")
    runs = {run["state"] for dag in ("tried-data-quality", "tried-data-quality-baseline") for run in airflow.runs(dag)}
    assert runs == {"success"}
    run = answer.get_by_role("link").get_attribute("href")
    answer.get_by_role("link").click()  # out of the frame
    page.wait_for_url(f"**{run}")
    page.get_by_role("link", name="Verdict").click()
    page.frame_locator("iframe").get_by_text("tried-data-quality").first.wait_for()
    assert "/executions/tried-data-quality/" in page.frames[-1].url
    page.close()


def test_a_table_is_monitored_by_the_form_and_a_day_of_the_past_is_judged_by_a_backfill(
    served: Any, airflow: LocalAirflow, context: Any
) -> None:
    table(served.folder / "new" / "log", hours=72)
    page = context.new_page()
    page.goto(f"{airflow.url}/model-monitor/new")
    page.fill("#address", str(served.folder / "new" / "log"))
    page.get_by_role("button", name="Look").click()
    page.fill("#name", "rows")
    page.fill("#cron", "0 0 * * *")
    page.get_by_role("button", name="Show the file").click()
    page.get_by_role("button", name="Save rows.yaml").click(timeout=120_000)
    airflow.wait_for_dags("rows-data-quality", "rows-data-quality-baseline")
    page.goto(f"{airflow.url}/model-monitor/new?saved=rows")
    assert begun(page).startswith("Reload this page")
    page.get_by_role("link", name="The page of").click()
    page.get_by_text("Backfill", exact=True).click()
    for field in ("since", "until"):
        page.fill(f"[name={field}]", "2026-01-06")
    page.get_by_role("button", name="How many?").click()
    page.get_by_role("button", name="Judge 1 window").click()
    page.locator(".answer").get_by_role("link", name="rows-data-quality").wait_for()
    [backfilled] = [run for run in airflow.runs("rows-data-quality") if run["run_type"] == "backfill"]
    assert backfilled["data_interval_start"] == "2026-01-06T00:00:00Z"
    assert airflow.wait_for_run("rows-data-quality", backfilled["dag_run_id"], 180) == "success"
    page.goto(f"{airflow.url}/model-monitor/executions?schedule=rows-data-quality")
    assert "2026-01-06" in page.locator("table").inner_text()
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
