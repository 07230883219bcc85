"""Is traffic judged from captures to report, also where there is none?"""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.captures import HOUR, NO_SIDE, at, capture, endpoint_file, record

from model_monitor import jobs
from model_monitor.__main__ import main
from model_monitor.config.execution import Assignment
from model_monitor.core.window import Window

DAYS = 4


def write(root: Path, hour: int, count: int = 60, slow: float = 1.0, failed: int = 0) -> None:
    """The captures of an hour, counted from HOUR: as many requests, one a minute or more, some of which failed."""
    chance = np.random.default_rng(hour)
    records = []
    for i in range(count):
        lost = i < failed
        one = record(f"{hour}-{i}", "1,a", NO_SIDE if lost else "0.5", at(60 * hour + 60 * (i + 0.5) / count))
        one["eventMetadata"] |= {"latencyMs": float(chance.lognormal(3, 0.4)) * slow, "statusCode": 200}
        one["eventMetadata"] |= {"statusCode": 500, "failed": True} if lost else {}
        records.append(one)
    capture(root / "capture", records, at(60 * hour))


def judged(file: str, hour: int, schedule: str = "dq") -> dict[str, Any]:
    execution = Assignment.load(file, schedule).on(Window(at(60 * hour), at(60 * hour + 60)))
    for verb in (jobs.collect_window, jobs.compute_metrics, jobs.evaluate_constraints):
        report = Path(verb(execution))
    document: dict[str, Any] = json.loads((report / "execution.json").read_text())
    violations = json.loads((report / "constraint_violations.json").read_text())["violations"]
    measures = json.loads((report / "measures.json").read_text())["measures"]
    return document | {"words": violations, "measures": {one["measure"]: one["value"] for one in measures}}


@pytest.fixture
def endpoint(tmp_path: Path) -> str:
    """An endpoint with a baseline of its own captured requests, and a monitor of answers beside."""
    for hour in range(24 * DAYS):
        write(tmp_path, hour)
    schedules = [{"name": name, "monitor": kind, "cron": "0 * * * *"} for name, kind in
                 (("dq", "traffic"), ("answers", "data_quality"))]  # fmt: skip
    schedules[0] |= {"baseline": {"dataset": str(tmp_path / "out/_requests/churn/AllTraffic"), "format": "parquet"}}
    file = endpoint_file(tmp_path, schedules=schedules)
    assignment = Assignment.load(file, "dq")
    jobs.collect_window(assignment.on(Window(HOUR, HOUR + timedelta(days=DAYS))))
    state = jobs.observe_baseline(assignment)
    jobs.publish_baseline(assignment, jobs.suggest_constraints(assignment, state, "2026-01-05T00:00:00Z"))
    return file


def test_an_endpoint_that_is_healthy_silent_slow_or_failing_is_told_apart(endpoint: str, tmp_path: Path) -> None:
    first = 24 * DAYS
    write(tmp_path, first, failed=1)
    write(tmp_path, first + 2, slow=2.0)
    write(tmp_path, first + 3, failed=30)
    healthy, silent, slow, failing = (judged(endpoint, first + i) for i in range(4))
    assert (healthy["status"], healthy["undefined"]) == ("Completed", 0)
    assert healthy["measures"]["requests"] == 60.0
    assert healthy["measures"]["usual_requests"] == pytest.approx(60, abs=1)
    assert healthy["measures"]["error_share"] == pytest.approx(1 / 60)
    assert silent["status"] == "CompletedWithViolations"
    assert silent["counts"]["judged"] == 0
    assert [one["feature_name"] for one in silent["words"]] == ["requests", "longest_silence_seconds"]
    assert silent["words"][0]["description"].startswith("0 came, where 60 are usual at these hours, and ")
    assert silent["words"][1]["description"].startswith("none for 60 minutes, where ")
    counted, quiet = silent["findings"][:2]
    assert (counted["measure"], counted["observed"]) == ("requests", 0.0)
    few, many = counted["threshold"]
    assert 10 < few < 60 < many < 120 and counted["chance"] < 0.001
    assert quiet["measure"] == "longest_silence_seconds"
    assert 0 < quiet["threshold"] < quiet["observed"] == 3600
    assert silent["undefined"] == 5
    assert {one["constraint_check_type"] for one in slow["words"]} == {"latency_check"}
    assert slow["words"][0]["feature_name"] == "latency_p50_ms"
    assert slow["words"][0]["description"].startswith("now 39 ms; 9")
    [error] = failing["words"]
    assert error["constraint_check_type"] == "error_check"
    assert error["description"].startswith("50.00% of the requests failed; 1.00% is the most")
    for window in (silent, slow, failing):
        told = [one["sentence"].partition(": ")[2] + "." for one in window["findings"] if one["outcome"] == "violated"]
        assert told == [one["description"] for one in window["words"]]


def test_requests_that_failed_disturb_no_other_schedule(endpoint: str, tmp_path: Path) -> None:
    write(tmp_path, 24 * DAYS, failed=30)
    answers = judged(endpoint, 24 * DAYS, "answers")
    assert answers["counts"] == {"records": 30, "rows": 30, "duplicates": 0, "rejected": 0, "judged": 30, "unusable": 0}


def test_a_table_tells_latency_and_errors_by_its_mapping(tmp_path: Path) -> None:
    rows = [
        {"ts": at(i).isoformat(), "age": i, "score": 0.5, "http": 500 if i < 3 else 200, "took": 0.02 * (i + 1)}
        for i in range(60)
    ]
    (tmp_path / "log").mkdir()
    (tmp_path / "log/a.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    mapping = {"event_time": "ts", "inputs": ["age"], "outputs": ["score"], "status": "http"}
    mapping |= {"latency": "took", "latency_unit": "s"}
    table = {"kind": "table", "uri": str(tmp_path / "log"), "format": "jsonl", "mapping": mapping}
    schedules = [{"name": name, "monitor": kind} for name, kind in (("dq", "traffic"), ("answers", "data_quality"))]
    file = endpoint_file(tmp_path, capture=table, schedules=schedules)
    measures = judged(file, 0)["measures"]
    assert (measures["requests"], measures["error_share"]) == (60, 3 / 60)
    assert measures["latency_p50_ms"] == pytest.approx(600, rel=0.01)
    assert judged(file, 0, "answers")["counts"]["judged"] == 57


def test_a_schedules_own_sample_biases_no_count(tmp_path: Path) -> None:
    write(tmp_path, 0, count=2000)
    found = judged(endpoint_file(tmp_path, monitor="traffic", sampling=0.25), 0)
    assert 400 < found["counts"]["judged"] < 600
    assert found["measures"]["requests"] == pytest.approx(4 * found["counts"]["judged"])
    assert found["measures"]["captured_share"] == pytest.approx(0.25)


def test_without_a_baseline_a_window_without_requests_has_no_data(tmp_path: Path) -> None:
    file = endpoint_file(tmp_path, monitor="traffic")
    assert judged(file, 0)["status"] == "NoData"
    write(tmp_path, 1)
    assert judged(file, 1)["status"] == "BaselineMissing"


def test_a_night_without_requests_is_no_violation_where_that_is_usual(tmp_path: Path) -> None:
    for day in range(DAYS):
        for hour in range(6):
            write(tmp_path, 24 * day + hour)
    write(tmp_path, 24 * DAYS)
    dataset = {"dataset": str(tmp_path / "out/_requests/churn/AllTraffic"), "format": "parquet"}
    file = endpoint_file(tmp_path, monitor="traffic", baseline=dataset)
    assignment = Assignment.load(file, "dq")
    jobs.collect_window(assignment.on(Window(HOUR, HOUR + timedelta(days=DAYS, hours=1))))
    state = jobs.observe_baseline(assignment)
    jobs.publish_baseline(assignment, jobs.suggest_constraints(assignment, state, "2026-01-05T00:00:00Z"))
    assert judged(file, 24 * DAYS + 12)["status"] == "Undefined"
    assert judged(file, 24 * DAYS + 2)["status"] == "CompletedWithViolations"


def test_the_command_line_learns_from_captures_and_judges_a_silent_hour(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for hour in range(24 * DAYS):
        write(tmp_path, hour)
    common = ["traffic", "--dataset", str(tmp_path / "capture"), "--format", "capture", "--output"]
    assert main(["baseline", *common, str(tmp_path / "baseline")]) == 0
    assert "baseline of 5760 rows" in capsys.readouterr().out
    files = [f"--{name}={tmp_path / 'baseline' / name}.json" for name in ("statistics", "constraints")]
    day = [f"--{name}={at(60 * 24 * days).isoformat()}" for name, days in (("start", 1), ("end", 2))]
    assert main(["run", *common, str(tmp_path / "day"), *files, *day]) == 0
    silent = [f"--{name}={at(60 * 24 * 30 + minutes).isoformat()}" for name, minutes in (("start", 0), ("end", 60))]
    assert main(["run", *common, str(tmp_path / "silent"), *files, *silent]) == 3
    assert "CompletedWithViolations, 0 rows, 2 violations, 5 checks undefined" in capsys.readouterr().out
    (tmp_path / "baseline/statistics.json").write_text('{"version": 0.0, "measures": []}')
    assert main(["run", *common, str(tmp_path / "again"), *files, *day]) == 1
    assert "tells not what is usual" in capsys.readouterr().err
    assert main(["run", *common, str(tmp_path / "by"), "--segment", "country"]) == 1
    assert "judges requests, which have no columns" in capsys.readouterr().err
