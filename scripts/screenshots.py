"""Pictures of the dashboard for the README, from the demo's data: `make screenshots`, after `make demo`."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

from local_airflow import LocalAirflow

PROJECT = Path(__file__).resolve().parents[1]
PICTURES = PROJECT / "docs/pictures"
COLUMN = "endpoints/flights/column?schedule=flights-data-quality&column=schedule_buffer_percent"
PAGES = {"endpoint": "endpoints/flights", "column": COLUMN}


def main() -> None:
    from playwright.sync_api import sync_playwright

    chromium = shutil.which("chromium") or sys.exit("Chromium is missing; on Debian: apt-get install chromium")
    if not (PROJECT / ".demo/store").is_dir():
        sys.exit("there is nothing to show yet; run: make demo")
    environment = {"MODEL_MONITOR_ENDPOINTS": os.fspath(PROJECT / "examples/flights/endpoints")}
    PICTURES.mkdir(exist_ok=True)
    with (
        LocalAirflow(PROJECT / ".demo/airflow", PROJECT, environment=environment, say=print) as airflow,
        sync_playwright() as playwright,
        playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"]) as browser,
    ):
        page = browser.new_page(viewport={"width": 1280, "height": 720})
        page.goto(f"{airflow.url}/auth/login")
        page.fill("input[name=username]", "admin")
        page.fill("input[name=password]", airflow.password or "")
        page.keyboard.press("Enter")
        page.wait_for_url(lambda url: "login" not in url)
        for name, path in PAGES.items():
            page.goto(f"{airflow.url}/model-monitor/{path}")
            page.screenshot(path=PICTURES / f"{name}.png")
            print(PICTURES / f"{name}.png")


if __name__ == "__main__":
    main()
