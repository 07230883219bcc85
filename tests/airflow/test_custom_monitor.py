"""The monitor of docs/custom-monitor.md, as it is printed there, on Airflow."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import yaml
from conftest import HOUR, ROOT, SCRATCH, Project

DOCUMENT = (ROOT / "docs/custom-monitor.md").read_text()
MONITOR, TEST = re.findall(r"```python\n(.*?)```", DOCUMENT, re.S)
[SCHEDULE] = re.findall(r"```yaml\n(.*?)```", DOCUMENT, re.S)


@pytest.fixture(scope="module")
def latency(project: Project) -> Iterator[Project]:
    """The project with the module and the endpoint file of the document, and captures that have ``ms``."""
    modules, folder = SCRATCH / "modules", project.folder / "latency"
    modules.mkdir(exist_ok=True)
    (modules / "latency.py").write_text(MONITOR)
    sys.path.insert(0, str(modules))
    file = project.folder / "endpoints/shop2.yaml"
    text = SCHEDULE.replace("s3://my-bucket/requests-of-a-good-week.csv", str(folder / "week.csv"))
    file.write_text(text.replace("s3://my-bucket", str(folder)).replace("endpoint: shop", "endpoint: shop2"))
    folder.mkdir()
    rows = "".join(f"0.5,{20 + i % 60},{i},{'AT' if i % 2 else 'BE'}\n" for i in range(1000))
    (folder / "week.csv").write_text("score,ms,amount,country\n" + rows)
    yield project
    file.unlink()
    sys.path.remove(str(modules))


def capture_hour(project: Project, hour: int, slow: float) -> None:
    """An hour of requests, one a minute, those from Belgium slower than usual by a factor."""
    start = project.hour(hour)
    folder = project.folder / "latency/capture/shop2/AllTraffic" / f"{start:%Y/%m/%d/%H}"
    folder.mkdir(parents=True)
    with (folder / "requests.jsonl").open("w") as lines:
        for minute in range(60):
            ms = (20 + minute) * (slow if minute % 2 == 0 else 1)
            sides = {
                "endpointInput": {"data": f"{minute},{'AT' if minute % 2 else 'BE'}", "encoding": "CSV"},
                "endpointOutput": {"data": f"0.5,{ms:g}", "encoding": "CSV"},
            }
            time = start + minute * HOUR / 60
            about = {"eventId": f"{hour}-{minute}", "inferenceTime": f"{time:%Y-%m-%dT%H:%M:%SZ}"}
            lines.write(json.dumps({"captureData": sides, "eventMetadata": about, "eventVersion": "0"}) + "\n")


def test_it_is_short() -> None:
    assert len(MONITOR.splitlines()) < 40
    assert yaml.safe_load(SCHEDULE)["schedules"][0]["monitor"] == "latency.Latency"


def test_it_keeps_the_laws_by_its_own_test(latency: Project) -> None:
    names: dict[str, Any] = {}
    exec(compile(TEST, "docs/custom-monitor.md", "exec"), names)  # noqa: S102 - the document's own code
    names["test_it_keeps_the_laws"]()


def test_airflow_runs_it_and_tells_which_segment_is_slow(latency: Project, run_dag: Callable[..., Any]) -> None:
    from model_monitor import jobs
    from model_monitor.config.execution import Assignment

    file = str(latency.folder / "endpoints/shop2.yaml")
    state = jobs.observe_baseline(Assignment.load(file, "shop-latency"))
    version = jobs.suggest_constraints(Assignment.load(file, "shop-latency"), state, "2026-01-01T00:00:00Z")
    jobs.publish_baseline(Assignment.load(file, "shop-latency"), version)
    found = []
    for hour, slow in [(2, 1.0), (3, 5.0)]:
        capture_hour(latency, hour, slow)
        window = {"window_start": latency.hour(hour).isoformat(), "window_end": latency.hour(hour + 1).isoformat()}
        assert run_dag("shop-latency", run_conf=window).state == "success"
        [report] = (latency.folder / "latency/monitoring/shop2").rglob(
            f"{latency.hour(hour + 1):%d/%H}/**/execution.json"
        )
        written = json.loads((report.parent / "constraint_violations.json").read_text())["violations"]
        found.append([(one["feature_name"], one["constraint_check_type"], one.get("segment")) for one in written])
    slow_ones = [("ms", "latency_check", None), ("ms", "latency_check", {"country": "BE"})]
    assert found == [[], slow_ones]
