"""Does Grafana's dashboard ask for metrics and attributes that are sent, in words that Prometheus understands?"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
import yaml
from support.places import PROJECT
from support.published import SCHEDULES, Published

from model_monitor.results.sinks import Executed, Point
from model_monitor.results.sinks.otlp import DESCRIPTIONS, PREFIX, Otlp

DASHBOARD = json.loads((PROJECT / "examples/grafana/opentelemetry.json").read_text())
PAGE = (PROJECT / "docs/metrics.md").read_text()
VALUES = {"window": "1d", "endpoint": "churn", "variant": ".*", "schedule": ".*", "segment": ".*"}


@pytest.fixture(scope="module")
def points(tmp_path_factory: pytest.TempPathFactory) -> list[Point]:
    """What all four monitors send."""
    endpoint = Published(tmp_path_factory.mktemp("dashboard"), otlp=True)
    endpoint.judge(*SCHEDULES)
    reports = [Executed.read(str(endpoint.report(name))) for name in SCHEDULES]
    return [point for report in reports for point in Otlp(report).points()]


def prometheus(point: Point) -> str:
    """A gauge's name in Prometheus: it takes dots for underscores, and says of shares that they are ratios."""
    return point.name.replace(".", "_") + ("_ratio" if point.unit == "1" else "")


def expressions() -> Iterator[str]:
    for panel in DASHBOARD["panels"]:
        for target in panel["targets"]:
            yield target["expr"]


def queries() -> Iterator[str]:
    """Expressions, and what the variables ask for."""
    yield from expressions()
    for variable in DASHBOARD["templating"]["list"]:
        if variable["type"] == "query":
            yield variable["query"]["query"]


def test_each_metric_it_asks_for_is_sent(points: list[Point]) -> None:
    sent = {prometheus(point) for point in points}
    asked = {name for query in queries() for name in re.findall(r"(?<![\w\"])model_monitor_\w+(?=[{,\[])", query)}
    assert asked <= sent and len(asked) >= 10
    patterns = [pattern for query in queries() for pattern in re.findall(r'__name__=~"([^"]+)"', query)]
    assert len(patterns) == 2
    for pattern in patterns:
        assert any(re.fullmatch(pattern, name) for name in sent)


def test_each_attribute_and_variable_it_uses_exists(points: list[Point]) -> None:
    attributes = {label for point in points for label, _ in point.labels} | {"segment", "__name__"}
    matched = {label for query in queries() for label in re.findall(r"(\w+)=~?\"", query)}
    legends = [target["legendFormat"] for panel in DASHBOARD["panels"] for target in panel["targets"]]
    shown = {label for legend in legends for label in re.findall(r"{{(\w+)}}", legend)}
    assert matched and shown and matched | shown <= attributes
    variables = {variable["name"] for variable in DASHBOARD["templating"]["list"]}
    used = set(re.findall(r"\$\{?(\w+)", json.dumps(DASHBOARD))) - {"__all"}
    assert used <= variables and variables - used == set()


def test_no_panel_covers_another_and_each_has_its_id() -> None:
    places = [panel["gridPos"] for panel in DASHBOARD["panels"]]
    assert len({panel["id"] for panel in DASHBOARD["panels"]}) == len(places)
    assert all(place["x"] >= 0 and place["x"] + place["w"] <= 24 for place in places)
    for a, b in combinations(places, 2):
        beside = a["x"] + a["w"] <= b["x"] or b["x"] + b["w"] <= a["x"]
        assert beside or a["y"] + a["h"] <= b["y"] or b["y"] + b["h"] <= a["y"]


def test_prometheus_own_tool_understands_each_expression(tmp_path: Path) -> None:
    if (promtool := shutil.which("promtool")) is None:
        pytest.skip("promtool is not on this machine")
    rules: list[dict[str, Any]] = []
    for i, text in enumerate(expressions()):
        expression = re.sub(r"\$(\w+)", lambda match: VALUES[match[1]], text)
        rules.append({"record": f"rule:{i}", "expr": expression})
    (tmp_path / "rules.yaml").write_text(yaml.safe_dump({"groups": [{"name": "dashboard", "rules": rules}]}))
    done = subprocess.run(
        [promtool, "check", "rules", tmp_path / "rules.yaml"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_page_lists_each_metric_with_its_unit(points: list[Point]) -> None:
    rows = dict(re.findall(r"^\| `(model_monitor\.[\w.]+)` \| (?:`([^`]+)`)? ?\|", PAGE, re.MULTILINE))
    assert rows.keys() == {f"{PREFIX}.{name}" for name in DESCRIPTIONS}
    listed = {point.name: point.unit for point in points if point.name in rows}
    assert listed == rows
    own = {point.name for point in points} - rows.keys()
    assert own and all(
        re.fullmatch(r"model_monitor\.(data_quality|model_quality|bias|attribution)\.\w+", n) for n in own
    )
