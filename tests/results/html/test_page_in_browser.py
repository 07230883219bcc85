"""A report as a browser shows it: on a phone, in the dark, and on paper."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from results.html.test_pictures import BEFORE, NOW, judged
from results.html.test_report_page import EXECUTION, FINDING, MEASURES
from support.browsing import chromium, needs_chromium

from model_monitor.monitors.data_quality import DataQuality
from model_monitor.results.anonymous import Anonymity
from model_monitor.results.html import baseline_page, pictures_of_baseline, report_page

LONG = "a_column_with_a_name_that_is_as_long_as_such_names_are_in_practice"
OF_EACH = "[...document.querySelectorAll('{}')].map(element => element.{})"
WHITE, INK = "rgb(255, 255, 255)", "rgb(27, 31, 36)"
VIOLATED = EXECUTION | {"findings": [FINDING | {"column": LONG}, *EXECUTION["findings"]]}
CONSTRAINTS = [*DataQuality().suggest(DataQuality().observe(BEFORE))]
DESCRIPTION = {
    "version": "0c1d",
    "monitor": "data_quality",
    "rows": 500,
    "rejected": 0,
    "reasons": {},
    "created": "2026-01-05T03:00:00Z",
    "inputs": [{"file": f"s3://{LONG}/{LONG}.csv"}],
}
BASELINE = pictures_of_baseline(DataQuality(), None, CONSTRAINTS, {}, Anonymity())
PAGES = {
    "report": lambda: report_page(VIOLATED, MEASURES, ["execution.json"], judged(DataQuality(), BEFORE, NOW)),
    "baseline": lambda: baseline_page("shop-hourly", DESCRIPTION, CONSTRAINTS, ["baseline.json"], BASELINE),
}

__all__ = ["chromium"]  # a fixture

pytestmark = needs_chromium


@pytest.fixture(params=PAGES)
def page(request: pytest.FixtureRequest, chromium: Any, tmp_path: Path) -> Iterator[Any]:
    file = tmp_path / "report.html"
    file.write_bytes(PAGES[request.param]())
    opened, errors = chromium.new_page(color_scheme="dark"), []
    opened.on("console", lambda message: errors.append(message.text))
    opened.goto(file.as_uri())
    yield opened
    opened.close()
    assert errors == []


def colours(page: Any) -> list[str]:
    return page.evaluate("(s => [s.backgroundColor, s.color])(getComputedStyle(document.body))")


def test_it_fits_a_phone_and_follows_the_reader_s_colours(page: Any) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert WHITE not in colours(page)


def test_on_paper_it_is_dark_on_white_whole_and_nothing_is_cut_or_folded_away(page: Any) -> None:
    page.emulate_media(media="print", color_scheme="dark")
    page.set_viewport_size({"width": 700, "height": 1000})
    assert colours(page) == [WHITE, INK]
    ends = page.evaluate(OF_EACH.format("table, svg, dl", "getBoundingClientRect().right"))
    assert ends and max(ends) <= 700
    assert all(page.evaluate(OF_EACH.format("table", "checkVisibility()")))
