"""Is every chart small, inert, readable without colours or eyes, and the same each time?"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from support.charts import EXAMPLES, bias, course, day, heatmap, ranks, strip

from model_monitor.results import charts
from model_monitor.results.charts.palette import COLOURS

HOSTILE = [
    "<script>alert(1)</script>",
    "]]></svg><img src=x onerror=alert(1)>",
    "x" * 10_000,
    "a\nb\x1b[\x00",
    "\u202eevil",
    "",
]
each = pytest.mark.parametrize("example", EXAMPLES.values(), ids=EXAMPLES)


def tags(svg: str) -> set[str]:
    return {node.tag.partition("}")[2] for node in ET.fromstring(svg).iter()}


def ids(svg: str) -> set[str]:
    return set(re.findall(r' id="([^"]*)"', svg))


def words(svg: str, tag: str) -> str:
    return next(ET.fromstring(svg).iter(f"{{http://www.w3.org/2000/svg}}{tag}")).text or ""


@each
def test_a_chart_is_as_vega_lite_s_schema_says_though_no_part_is_checked_when_it_is_made(
    example: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Altair's check of a chart takes longer than to draw it."""
    import altair as alt

    checked: list[Any] = []
    monkeypatch.setattr(alt.SchemaBase, "validate", lambda *args, **more: checked.append(args))
    chart = example()
    charts.svg(chart)
    assert checked == []
    monkeypatch.undo()
    assert chart.to_dict(validate=True)["$schema"]


@each
def test_a_chart_is_the_same_bytes_each_time_and_its_ids_are_its_own(example: Callable[..., Any]) -> None:
    once = charts.svg(example())
    assert charts.svg(example()) == once
    assert ids(once) and not ids(once) & ids(charts.svg(example(), key="again"))
    assert not ids(once) & ids(charts.svg(example("another")))


@each
def test_a_chart_says_in_words_what_is_to_be_seen(example: Callable[..., Any]) -> None:
    root = ET.fromstring(svg := charts.svg(example("rows per minute")))
    assert "rows per minute" in words(svg, "title")
    assert len(words(svg, "desc")) > len("rows per minute")
    assert set(root.attrib["aria-labelledby"].split()) <= ids(svg)
    assert root.attrib["role"] == ("group" if "a" in tags(svg) else "img")


@pytest.mark.parametrize("name", HOSTILE)
@each
def test_names_of_others_are_inert_and_short(example: Callable[..., Any], name: str) -> None:
    svg = charts.svg(example(name))
    assert not tags(svg) & {"script", "img", "image", "style", "foreignObject"}
    assert not any(name.startswith("on") for node in ET.fromstring(svg).iter() for name in node.attrib)
    assert len(svg) < 20_000
    assert not re.search(r"[\x00-\x08\x0b-\x1f]", svg)
    assert "https:" not in svg


@each
def test_each_colour_is_the_pages(example: Callable[..., Any]) -> None:
    svg = charts.svg(example())
    used = re.findall(r'(?:fill|stroke)="([^"]*)"', svg)
    names = {re.fullmatch(r"var\(--chart-(\w+), #\w{6}\)|none|transparent|url\(#[\w-]+\)", colour) for colour in used}
    assert None not in names
    assert all(f"--chart-{name}: {side};" in charts.STYLE for name, colour in COLOURS.items() for side in colour)


@each
def test_a_message_gets_a_picture_of_it(example: Callable[..., Any]) -> None:
    assert charts.png(example()).startswith(b"\x89PNG")


def test_a_window_tells_its_outcome_by_shape_too() -> None:
    svg = charts.svg(course())
    assert "2026-03-12T00:00:00Z: 0.11, violated" in svg
    assert "2026-03-14T00:00:00Z: 0.13, violated, provisional" in svg
    assert "2026-03-05T00:00:00Z: nothing to judge" in svg
    legend = svg.replace("\u00a0", " ")
    assert "bars: 95 % intervals" in legend and 'opacity="0.5"' in svg
    assert "◆ violated" in legend and "hollow: provisional" in legend and "shaded: alert open" in legend


def test_a_course_without_numbers_is_drawn_as_well() -> None:
    points = [charts.Point(day(i), None, None, None, "undefined") for i in range(3)]
    assert "nothing to judge in 3 windows" in charts.svg(charts.course(points, "auc"))
    assert "0 windows" in charts.svg(charts.course([], "auc"))


def test_a_click_on_a_cell_leads_to_the_address_that_was_given_on_the_same_site() -> None:
    addresses = re.findall(r'<a href="([^"]*)"', charts.svg(heatmap()))
    assert set(addresses) == {f"?c={i}" for i in range(8)}
    cell = charts.Cell(day(0), "age", 1.0, "holds", "javascript:alert(1)")
    assert "<a" not in charts.svg(charts.heatmap([cell], "age"))


def test_five_thousand_columns_are_the_thirty_that_moved_most() -> None:
    cells = [charts.Cell(day(i), f"c{c}", c / 5000, "holds") for c in range(5000) for i in range(3)]
    cells.append(charts.Cell(day(3), "c7", 0.1, "violated"))
    svg = charts.svg(charts.heatmap(cells, "effect"))
    assert len(svg) < 30_000
    drawn = re.findall(r">(c\d+)</text>", svg)
    assert len(drawn) == 30 and drawn[:2] == ["c7", "c4999"]
    assert "4,970 more columns" in svg.replace("\u00a0", " ")


def test_pictures_of_a_thousand_features_groups_or_labels_stay_small() -> None:
    """So that the page of each monitor stays below its bound; data quality's are bounded in the tests of pages."""
    names = [f"a column with a name of its own {i}" for i in range(1000)]
    features = {name: i / 1000 for i, name in enumerate(names)}
    groups = [charts.Facet(name, 0.6, 0.5, 0.7, 0.8, 1.25, "violated") for name in names]
    labels = {name: dict.fromkeys(names[i : i + 40], 5) for i, name in enumerate(names)}
    drawn = (
        charts.ranks(features, {**features, names[0]: 2.0}, "x"),
        charts.bias(groups, "x"),
        charts.confusion(labels),
    )
    assert max(len(charts.svg(chart)) for chart in drawn) < 60_000


def test_altair_is_imported_when_a_chart_is_made_and_not_before() -> None:
    code = "import sys, model_monitor.results.charts; assert not {'altair', 'vl_convert'} & sys.modules.keys()"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_character_that_is_no_text_ends_no_process() -> None:
    import altair as alt

    rows = [{"x": "a\x00b\ud800", "y": 1}]
    chart = alt.Chart(alt.InlineData(values=rows)).mark_bar().encode(x="x:N", y="y:Q").properties(title="\x00")
    assert "a\ufffdb\ufffd" in charts.svg(chart)


def test_a_provisional_window_of_a_strip_is_hatched_and_a_violated_one_taller() -> None:
    svg = charts.svg(strip())
    root = ET.fromstring(svg)
    patterns = [node.attrib["id"] for node in root.iter("{http://www.w3.org/2000/svg}pattern")]
    assert len(patterns) == 3
    hatched = [node for node in root.iter() if node.get("fill") in {f"url(#{one})" for one in patterns}]
    assert len(hatched) == 4
    heights = {
        words: max(float(number) for number in re.findall(r"v([\d.]+)", path))
        for path, words in re.findall(r'd="([^"]*)"[^>]*><title>[^<]*: (\w+)', svg)
    }
    assert heights["violated"] > heights["healthy"] == heights["nothing"]


def test_quality_is_shown_beside_a_constant_answer_and_rare_labels_together() -> None:
    many = {f"label {i}": {f"label {i}": 100 + i, "label 0": 1} for i in range(1, 40)}
    svg = charts.svg(charts.confusion(many))
    assert "all others" in svg and "always label 39: 140" in svg
    assert len(svg) < 60_000
    assert "4 of 6 rows right; always no: 3" in charts.svg(
        charts.confusion({"yes": {"yes": 2, "no": 1}, "no": {"no": 2, "yes": 1}})
    )


def test_a_feature_that_moved_by_more_than_a_rank_is_named() -> None:
    assert "age rank 1 to 3; label0 rank 3 to 1" in charts.svg(ranks())


def test_a_group_out_of_the_allowed_range_comes_first_and_one_without_a_number_says_so() -> None:
    svg = charts.svg(bias("DI"))
    assert "sex = DI: 0.6, violated" in svg and "region = north: nothing to judge" in svg
    assert "nothing to judge</text>" in svg
