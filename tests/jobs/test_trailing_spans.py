"""A weak change that no window tells of is told of the last day: from the States of its windows, within one budget."""

from __future__ import annotations

import json
import shutil
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.captures import HOUR, capture, endpoint_file, record

from model_monitor import jobs
from model_monitor.__main__ import main
from model_monitor.config.execution import Assignment, Execution
from model_monitor.config.files import load
from model_monitor.core.window import Window
from model_monitor.errors import ConfigError
from model_monitor.rows.sources.datasets import Dataset
from model_monitor.verdicts.baseline import Baseline
from model_monitor.verdicts.verdict import Judge

HOURS, ROWS = 12, 60


class Shop:
    """A schedule that also judges the last six hours; from the third hour on prices are a little higher."""

    def __init__(self, root: Path, **schedule: Any) -> None:
        self.root = root
        columns = {"outputs": ["p"], "inputs": ["price"]}
        self.file = endpoint_file(root, columns=columns, **{"also": ["PT6H"], **schedule})
        self.a = Assignment.load(self.file, "dq")
        chance = np.random.default_rng(3)
        rows = (f"{chance.random():.3f},{chance.normal():.4f}" for _ in range(20_000))
        (root / "rows.csv").write_text("\n".join(["p,price", *rows]))
        state = jobs.observe_baseline(self.a, Dataset.at(str(root / "rows.csv"), "csv"))
        jobs.publish_baseline(self.a, jobs.suggest_constraints(self.a, state, "2026-01-05T00:00:00Z"))
        for hour in range(HOURS):
            asked = [
                record(
                    f"{hour}-{i}", f"{chance.normal() + 0.45 * (hour > 2):.4f}\n", f"{chance.random():.3f}", at(hour)
                )
                for i in range(ROWS)
            ]
            capture(root / "capture", asked, at(hour))

    def on(self, hour: int) -> Execution:
        return Execution.of(self.file, "dq", Window(at(hour), at(hour + 1)))

    def observe(self, *hours: int) -> None:
        for hour in hours:
            jobs.observe_window(self.on(hour))

    def judge(self, hour: int) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.report(hour) / "execution.json").read_text())
        return found

    def report(self, hour: int) -> Path:
        return Path(jobs.evaluate_constraints(self.on(hour)))


def at(hour: int) -> Any:
    return HOUR + timedelta(hours=hour)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    shop = Shop(tmp_path_factory.mktemp("shop"))
    shop.observe(*range(HOURS))
    return shop


@pytest.fixture
def shop(made: Shop) -> Shop:
    return made


def of_span(document: dict[str, Any]) -> list[dict[str, Any]]:
    return [finding for finding in document["findings"] if "span" in finding]


def test_what_no_hour_tells_is_told_of_the_span(shop: Shop) -> None:
    document = shop.judge(11)
    own = [finding for finding in document["findings"] if "span" not in finding]
    assert not [finding for finding in own if finding["outcome"] == "violated"]
    [told] = [finding for finding in of_span(document) if finding["outcome"] == "violated"]
    assert (told["check"], told["measure"], told["column"], told["span"]) == (
        "baseline_drift_check over PT6H",
        "spread over PT6H",
        "price",
        "PT6H",
    )
    assert told["sentence"].startswith("price: ") and told["sentence"].endswith(", over the last 6 hours")
    assert document["spans"] == [{"length": "PT6H", "windows": 6, "missing": 0, "rows": 6 * ROWS}]
    assert (document["status"], document["violations"]) == ("CompletedWithViolations", 1)
    [entry] = json.loads((shop.report(11) / "constraint_violations.json").read_text())["violations"]
    assert entry["constraint_check_type"] == "baseline_drift_check over PT6H"
    assert entry["description"].startswith("Over the last 6 hours: ")
    assert "over the last 6 hours" in (shop.report(11) / "report.html").read_text()


def test_the_same_states_give_the_same_bytes_and_a_later_one_counts_from_then_on(tmp_path: Path, made: Shop) -> None:
    root = tmp_path / "copy"
    shutil.copytree(made.root, root)
    file = root / "endpoint.yaml"
    file.write_text(file.read_text().replace(str(made.root), str(root)))
    shop = object.__new__(Shop)
    shop.root, shop.file, shop.a = root, str(file), Assignment.load(file, "dq")
    whole = contents(shop.report(11))
    state = Path(shop.on(8).observation.state)
    kept = state.read_bytes()
    state.unlink()
    without = shop.judge(11)
    assert without["spans"] == [{"length": "PT6H", "windows": 5, "missing": 1, "rows": 5 * ROWS}]
    told = [finding["sentence"] for finding in of_span(without) if finding["outcome"] == "violated"]
    assert all(sentence.endswith("over the last 6 hours, of which 1 of 6 windows are missing") for sentence in told)
    state.write_bytes(kept)
    assert contents(shop.report(11)) == whole


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def test_windows_and_spans_share_one_budget_and_exact_rules_see_a_row_once(shop: Shop) -> None:
    document = shop.judge(11)
    checks = {finding["check"] for finding in of_span(document)}
    assert checks == {f"{check} over PT6H" for check in ("baseline_drift_check", "completeness_check")}
    alone = Assignment.load(shop.file, "dq")
    halved = alone.monitor.with_budget(0.5)
    judge = Judge.of(alone.monitor, Baseline.of(alone), alone.schedule.also)
    [span] = judge.also.values()
    levels, own, expected = (
        {str(c.subject) + c.measure: getattr(c.bound, "level", None) for c in constraints}
        for constraints in (span.learned, judge.learned, Baseline.of(alone).constraints(halved))
    )
    assert own == expected and levels == {name: level for name, level in expected.items() if level is not None}


def test_a_replay_judges_spans_as_runs_do(shop: Shop, capsys: pytest.CaptureFixture[str]) -> None:
    expected = {hour: shop.judge(hour)["status"] for hour in range(HOURS)}
    assert main(["replay", shop.file, "--since", "2026-01-05", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    alarms = {one["start"]: one["before"]["status"] for one in found["told"]}
    assert found["windows"] == HOURS
    for hour, status in expected.items():
        assert alarms.get(at(hour).isoformat().replace("+00:00", "Z"), "Completed") == status
    assert main(["replay", shop.file, "--since", at(9).isoformat(), "--set", "also=[]", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["windows"], found["alarms"]["before"]) == (3, 3)
    assert found["told"][0]["before"]["violated"] == ["baseline_drift_check of price over the last 6 hours"]
    assert not any("over the last" in name for one in found["told"] for name in one["after"]["violated"])


def test_a_run_by_hand_sums_the_windows_of_the_schedule(
    shop: Shop, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    times = "--start", at(11).isoformat(), "--end", at(12).isoformat()
    main(["run", shop.file, "dq", *times, "--output", str(tmp_path / "report")])
    document = json.loads((tmp_path / "report/execution.json").read_text())
    assert document["spans"] == shop.judge(11)["spans"]


@pytest.mark.parametrize(
    ("schedule", "problem"),
    [
        ({"also": ["PT1H"]}, "longer than the window"),
        ({"also": ["PT30M"]}, "longer than the window"),
        ({"also": ["P1D"], "window": "P2D"}, "longer than the window"),
        ({"also": ["P1D", "PT24H"]}, "twice"),
        ({"also": ["P1D"], "cron": "NOW", "window": "PT1H"}, "NOW has none"),
        ({"also": ["P1D"], "options": {"compatibility": "sagemaker"}}, "SageMaker judges windows only"),
        ({"also": ["1 week"]}, "no ISO 8601 duration; write P1W"),
        ({"also": [5]}, "write the unit"),
        ({"also": ["-P1D"]}, "greater than"),
    ],
)
def test_spans_that_make_no_sense_are_refused(tmp_path: Path, schedule: dict[str, Any], problem: str) -> None:
    with pytest.raises(ConfigError, match=problem):
        load(endpoint_file(tmp_path, **schedule))
