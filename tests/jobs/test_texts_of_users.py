"""Is a text that a user sent gone with the captures, wherever a monitor, a report or a message may have put it?"""

from __future__ import annotations

import json
import shutil
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from support.captures import HOUR, capture, endpoint_file, record
from support.truths import collect, truth

from model_monitor import config, jobs
from model_monitor.config.execution import Assignment, Execution
from model_monitor.core.states.base import MAGIC, plain_of
from model_monitor.core.window import Window, iso
from model_monitor.errors import ConfigError
from model_monitor.results.anonymous import FEWEST_ROWS
from model_monitor.rows.sources.datasets import Dataset

DAYS = 10
WINDOW = Window(HOUR, HOUR + timedelta(hours=1))
NOW = WINDOW.end + timedelta(days=DAYS)
COUNTRIES = {"Commonland": 70, "Tenland": FEWEST_ROWS, "Nineland": FEWEST_ROWS - 1, "Oneland": 1}
ROWS = sum(COUNTRIES.values())
PROBABLY = {"problem_type": "BinaryClassification", "probability_attribute": "score"}
BIAS = {"facets": [{"name": "country"}, {"name": ["country", "plan"]}], "probability_attribute": "score"}
SAGEMAKER = {"compatibility": "sagemaker"}
LABELS = {"final_after": "P7D", "minimum_coverage": 0.1}
MONITORS: dict[str, dict[str, Any]] = {
    "dq": {"monitor": "data_quality"},
    "dq-by-country": {"monitor": "data_quality", "segments": ["country"]},
    "dq-chi": {"monitor": "data_quality", "options": {"rules": {"categorical_method": "ChiSquared"}}},
    "mq": {"monitor": "model_quality", "options": PROBABLY, "segments": ["country"]},
    "bias": {"monitor": "bias", "options": BIAS},
    "bias-by-plan": {"monitor": "bias", "options": BIAS, "segments": ["country"]},
    "own": {"monitor": "support.counted_words.CountedWords"},
}


def requests() -> list[dict[str, Any]]:
    """Each with a mail address and an amount of its own."""
    countries = [country for country, n in COUNTRIES.items() for _ in range(n)]
    return [
        {
            "mail": f"u{i}@example.com",
            "country": country,
            "plan": "Twoplan" if i in (40, 41) else "ab"[i % 2],
            "amount": amount(i),
        }
        for i, country in enumerate(countries)
    ]


def amount(i: int) -> float:
    return 71_000.125 + i


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, str]:
    """A folder, a copy of what each test finds in it, and the endpoint file: requests that each monitor judged in both
    modes, without and with a baseline."""
    root, copy = tmp_path_factory.mktemp("texts"), tmp_path_factory.mktemp("copies") / "texts"
    file = judged_in(root)
    shutil.copytree(root, copy)
    return root, copy, file


@pytest.fixture
def root(first: tuple[Path, Path, str]) -> Path:
    folder, copy, _ = first
    shutil.rmtree(folder)
    shutil.copytree(copy, folder)
    return folder


@pytest.fixture
def judged(root: Path, first: tuple[Path, Path, str]) -> str:
    return first[2]


def judged_in(root: Path) -> str:
    asked = requests()
    capture(root / "capture", [record(f"e{i}", one, {"score": i % 7 / 7}) for i, one in enumerate(asked)])
    collect(root / "labels", [truth(f"e{i}", str(i % 2)) for i in range(ROWS)], HOUR, "03.jsonl")
    schedules = []
    for name, settings in MONITORS.items():
        needs_labels = settings["monitor"] in ("model_quality", "bias")
        labels = {"ground_truth": LABELS | {"uri": str(root / "labels")}} if needs_labels else {}
        for mode in [{}] if name == "own" else [{}, SAGEMAKER]:
            options = settings.get("options", {}) | mode
            schedules.append(settings | labels | {"name": f"{name}{len(mode)}", "options": options})
    file = endpoint_file(
        root,
        schedules=schedules,
        retention_days=DAYS,
    )
    for schedule in config.load(file).schedules:
        judge(file, schedule.name)
        learn(root, file, schedule.name)
        judge(file, schedule.name)
    return file


def judge(file: str, name: str) -> None:
    execution = Execution.of(file, name, WINDOW)
    jobs.collect_window(execution)
    if execution.schedule.ground_truth:
        jobs.merge_ground_truth(execution)
    jobs.compute_metrics(execution)
    jobs.evaluate_constraints(execution)


def learn(root: Path, file: str, name: str) -> None:
    """A baseline of a dataset without anything that a user sent but the commonest country."""
    rows = [
        f"m{i % 40},{c},{'ab'[i % 2]},{i},{i % 7 / 7},{i // 3 % 2}"
        for i in range(200)
        for c in ("Commonland", "Elsewhere")
    ]
    (root / "baseline.csv").write_text("\n".join(["mail,country,plan,amount,score,label", *rows]))
    assignment = Assignment.load(file, name)
    state = jobs.observe_baseline(assignment, Dataset.at(str(root / "baseline.csv"), "csv"))
    jobs.publish_baseline(assignment, jobs.suggest_constraints(assignment, state, iso(HOUR)))


def places_of(text: str, root: Path) -> list[str]:
    """The files below a folder, labels aside, that hold a text in their path or content; a State is unpacked."""
    files = [path for path in sorted(root.rglob("*")) if path.is_file() and "labels" not in path.parts]
    return [str(path.relative_to(root)) for path in files if text.encode() in unpacked(path) or text in str(path)]


def unpacked(path: Path) -> bytes:
    content = path.read_bytes()
    return plain_of(content) if content.startswith(MAGIC) else content


def test_after_retention_no_text_in_fewer_rows_than_a_report_may_name_is_anywhere(root: Path, judged: str) -> None:
    reports = root / "out/churn"
    before = {path: path.read_bytes() for path in reports.rglob("*.json")}
    assert len({path.relative_to(reports).parts[0] for path in before}) == 2 * len(MONITORS) - 1
    told = jobs.delete_expired(judged, NOW)
    texts = {one["mail"] for one in requests()} | {"Nineland", "Oneland", "Twoplan", str(amount(ROWS // 2)).rstrip("0")}
    assert {text: places for text in texts if (places := places_of(text, root))} == {}
    assert places_of("Tenland", root) and places_of("Commonland", reports)
    assert "the values of single rows in" in told["message"]
    assert set(reports.rglob("*.json")) == set(before)
    for path, content in before.items():
        now = json.loads(path.read_bytes())
        assert now.keys() >= json.loads(content).keys()
    again = {path: path.read_bytes() for path in root.rglob("*") if path.is_file()}
    jobs.delete_expired(judged, NOW)
    assert {path: path.read_bytes() for path in root.rglob("*") if path.is_file()} == again


def test_a_calibrated_report_is_born_without_them_and_sagemakers_with_all(root: Path, judged: str) -> None:
    for text in ("u0@example.com", "Oneland", "Nineland", "Twoplan"):
        found = {Path(place).parts[2] for place in places_of(text, root) if place.startswith("out/churn")}
        assert found and {name[-1] for name in found} == {"1"}
    statistics = json.loads((root / "out/churn/dq0/2026/01/05/04/statistics.json").read_bytes())
    columns = {f["name"]: f for f in statistics["features"]}
    assert columns["mail"]["string_statistics"]["distribution"]["categorical"] == {
        "buckets": [],
        "other": {"values": ROWS, "count": ROWS},
    }
    assert columns["country"]["string_statistics"]["distribution"]["categorical"] == {
        "buckets": [{"value": "Commonland", "count": 70}, {"value": "Tenland", "count": FEWEST_ROWS}],
        "other": {"values": 2, "count": FEWEST_ROWS},
    }


def test_a_dry_run_says_the_same_and_changes_no_report(root: Path, judged: str) -> None:
    before = {path: path.read_bytes() for path in root.rglob("*") if path.is_file()}
    dry = jobs.delete_expired(judged, NOW, dry_run=True)
    assert {path: path.read_bytes() for path in root.rglob("*") if path.is_file()} == before
    told = jobs.delete_expired(judged, NOW)
    assert dry["message"].replace("would delete", "deleted") == told["message"]


def test_a_report_that_a_person_edited_is_left_alone_and_named(root: Path, judged: str) -> None:
    edited = root / "out/churn/dq1/2026/01/05/04/statistics.json"
    edited.write_text('{"features": [1]}')
    told = jobs.delete_expired(judged, NOW)
    assert told["left_alone"] == 1 and edited.read_text() == '{"features": [1]}'
    assert "dq1/2026/01/05/04" in told["message"]


@pytest.mark.parametrize("mode", [{}, SAGEMAKER])
def test_of_a_private_column_a_report_counts_values_and_names_none(tmp_path: Path, mode: dict[str, str]) -> None:
    capture(tmp_path / "capture", [record(f"e{i}", one, {"score": 0.5}) for i, one in enumerate(requests())])
    private = {"private": ["country", "amount"]}
    file = endpoint_file(
        tmp_path, columns=private, schedules=[{"name": "dq", "monitor": "data_quality", "options": mode}]
    )
    judge(file, "dq")
    report = tmp_path / "out/churn/dq/2026/01/05/04"
    assert not places_of("Commonland", report) and not places_of("71000.125", report)
    features = {f["name"]: f for f in json.loads((report / "statistics.json").read_bytes())["features"]}
    common = {"num_present": ROWS, "num_missing": 0}
    assert features["country"]["string_statistics"] == {"common": common}
    assert features["amount"]["numerical_statistics"] == {"common": common}
    assert bool(places_of("u0@example.com", report)) == bool(mode)


@pytest.mark.parametrize(
    "settings", [{"segments": ["country"]}, {"monitor": "bias", "options": BIAS, "ground_truth": {"uri": "labels"}}]
)
def test_a_private_column_is_no_group(tmp_path: Path, settings: dict[str, Any]) -> None:
    schedules = [{"name": "one", "monitor": "data_quality"} | settings]
    with pytest.raises(ConfigError, match=r"columns.private withholds them; leave one out"):
        config.load(endpoint_file(tmp_path, schedules=schedules, columns={"private": ["country"]}))
