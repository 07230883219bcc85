"""Does the page of a report answer a person's questions, whatever it is about, from one file?"""

from __future__ import annotations

import base64
import copy
import hashlib
import html
import re
from html.parser import HTMLParser
from typing import Any

import pytest

from model_monitor.results.html import charts_in, policy_of, report_page
from model_monitor.results.html.report import STATES

FINDING: dict[str, Any] = {
    "check": "baseline_drift_check",
    "measure": "spread",
    "column": "amount",
    "segment": {},
    "outcome": "violated",
    "observed": 0.148,
    "threshold": 0.1,
    "noise_floor": 0.069,
    "distance": "kolmogorov_smirnov",
    "reason": "",
    "sentence": "amount: median 19 → 15 (distance 0.148; chance alone reaches 0.069; threshold 0.1)",
}
EXECUTION: dict[str, Any] = {
    "version": 1,
    "status": "CompletedWithViolations",
    "reason": "",
    "endpoint": "shop",
    "variant": "AllTraffic",
    "schedule": "shop-hourly",
    "monitor": "data_quality",
    "window": {"start": "2026-01-05T03:00:00Z", "end": "2026-01-05T04:00:00Z"},
    "baseline": {"statistics": "a", "constraints": "b"},
    "counts": {"records": 1003, "rows": 1000, "duplicates": 1, "rejected": 2, "judged": 1000, "unusable": 0},
    "unusable": {},
    "rejected": {"reasons": {"not JSON": 2}, "examples": []},
    "violations": 1,
    "undefined": 0,
    "findings": [FINDING, FINDING | {"outcome": "holds", "column": "age", "observed": 0.01}],
}
MEASURES = [{"measure": "completeness", "column": "age", "segment": {}, "value": 1.0, "low": 0.99, "high": 1.0}]
HOSTILE = [
    "<script>alert(1)</script>",
    "</style><img src=x onerror=alert(1)>",
    "../../etc/passwd",
    "x" * 10_000,
    "a\nb\x1b[",
]


class Page(HTMLParser):
    """The words of a page, its tags and what they refer to."""

    def __init__(self, page: bytes) -> None:
        super().__init__()
        self.words, self.tags, self.addresses = "", [], []
        self.open: list[str] = []
        self.feed(page.decode())

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.tags.append(tag)
        self.open.append(tag)
        self.addresses += [value for name, value in attrs if name in ("src", "href")]
        assert not any(name.startswith("on") for name, _ in attrs)

    def handle_endtag(self, tag: str) -> None:
        self.open.pop()

    def handle_data(self, data: str) -> None:
        self.words += data if "style" not in self.open[-1:] else ""


def page_of(execution: dict[str, Any], measures: Any = MEASURES) -> bytes:
    return report_page(execution, measures, ["execution.json", "statistics.json"])


def test_it_says_what_changed_by_how_much_and_whether_chance_explains_it() -> None:
    words = " ".join(Page(page_of(EXECUTION)).words.split())
    for expected in (
        "Violated shop-hourly, 2026-01-05 03:00 to 2026-01-05 04:00 UTC",
        FINDING["sentence"],
        "1,000",
        "2 (not JSON: 2)",
        "0.069",
        "run the DAG shop-hourly-baseline",
    ):
        assert expected in words
    assert words.index("What changed") < words.index("Why believe it") < words.index("What next")


@pytest.mark.parametrize("status", STATES)
def test_each_status_has_a_word_of_its_own(status: str) -> None:
    words = {other: Page(page_of(EXECUTION | {"status": other})).words for other in STATES}
    heading = STATES[status][1]
    assert [other for other in STATES if f"{heading} shop-hourly" in " ".join(words[other].split())] == [status]


@pytest.mark.parametrize("name", HOSTILE)
def test_names_and_values_of_others_are_inert_and_short(name: str) -> None:
    execution = copy.deepcopy(EXECUTION)
    execution |= {"endpoint": name, "schedule": name, "reason": name}
    execution["rejected"]["reasons"] = {name: 2}
    execution["findings"][0] |= {"column": name, "segment": {name: name}, "reason": name}
    measures = [MEASURES[0] | {"column": name, "segment": {name: name}}]
    page = page_of(execution, measures)
    tags = Page(page).tags
    assert "script" not in tags and "img" not in tags
    assert tags.count("style") == 1
    assert len(page) < 20_000
    assert re.search(rb"[\x00-\x08\x0b-\x1f]", page) is None


def test_it_is_one_file_that_asks_nobody_for_anything() -> None:
    page = page_of(EXECUTION)
    assert Page(page).addresses == ["execution.json", "statistics.json"]
    assert "default-src 'none'" in html.unescape(page.decode())
    assert b"url(" not in page and b"@import" not in page


def test_the_same_report_gives_the_same_page() -> None:
    assert page_of(EXECUTION) == page_of(copy.deepcopy(EXECUTION))


@pytest.mark.parametrize(("columns", "most"), [(30, 300_000), (1000, 1_000_000)])
def test_its_size_is_bounded(columns: int, most: int) -> None:
    findings = [FINDING | {"column": f"column_{i}", "outcome": "holds"} for i in range(5 * columns)]
    measures = [MEASURES[0] | {"column": f"column_{i}"} for i in range(2 * columns)]
    assert len(page_of(EXECUTION | {"findings": findings}, measures)) <= most


def test_a_window_without_labels_or_baseline_says_so() -> None:
    labels = {"state": "provisional", "matched": 40, "requests": 100, "coverage": 0.4, "as_of": None}
    words = Page(page_of(EXECUTION | {"labels": labels, "baseline": {}})).words
    assert "provisional: 40 of 100 requests (40 %)" in words
    assert "none" in words


def test_what_was_not_judged_is_no_number() -> None:
    undefined = FINDING | {"outcome": "undefined", "observed": None, "noise_floor": None, "threshold": [0.8, 1.2]}
    undefined.pop("sentence")
    execution = EXECUTION | {"status": "LabelsPending", "findings": [undefined], "violations": 0, "undefined": 1}
    execution["counts"] = EXECUTION["counts"] | {"judged": None}
    words = " ".join(Page(page_of(execution, [])).words.split())
    assert "Nothing was judged." in words and "0.8 to 1.2" in words and "–" in words


def test_a_browser_may_apply_the_page_s_own_style_and_nothing_else() -> None:
    page = report_page(EXECUTION, MEASURES, ["execution.json"])
    (style,) = re.findall(r"<style>(.*?)</style>", page.decode(), re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'"
    assert f'http-equiv="Content-Security-Policy" content="{policy}"' in html.unescape(page.decode())
    assert policy_of(page) == policy


def test_a_name_that_looks_like_a_picture_is_none() -> None:
    name = '<svg x="1" class="chart"><script>alert(1)</script></svg>'
    finding = FINDING | {"column": name, "sentence": name, "reason": name, "segment": {name: name}}
    assert charts_in(report_page(EXECUTION | {"findings": [finding], "reason": name}, MEASURES, [])) == ()
