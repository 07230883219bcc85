"""Is retention_days refused where it would delete what is still judged, or what is not the endpoint's own?"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from support.captures import endpoint_file

from model_monitor import config
from model_monitor.config.retention import held_back, sharing
from model_monitor.errors import ConfigError

OFFSET = {"start": "-P8D", "end": "-P1D"}
WRONG = [
    ({"retention_days": True}, "a number of days is expected"),
    ({"retention_days": 0}, "greater than or equal to 1"),
    ({"retention_days": -30}, "greater than or equal to 1"),
    ({"retention_days": 1.5}, "valid integer"),
    ({"retention_days": 10**6}, "less than or equal to 36500"),
    (
        {"retention_days": 1},
        "endpoint.yaml:1: retention_days: 1 deletes captures that schedule 'dq' still has to judge",
    ),
    ({"retention_days": 30, "window": "P30D"}, "set at least 32"),
    ({"retention_days": 30, "cron": "0 0 1 * *"}, "set at least 33"),
    ({"retention_days": 3, "cron": "0 9-17 * * 1-5"}, "set at least 4"),
    ({"retention_days": 9, "ground_truth": {"uri": "labels", "final_after": "P8D"}}, "set at least 10"),
    ({"retention_days": 9, "ground_truth": {"uri": "l", "offset": OFFSET}}, "set at least 16"),
    ({"retention_days": 9, "ground_truth": {"uri": "capture/churn/AllTraffic"}}, "ground_truth.uri of 'dq' is there"),
    ({"retention_days": 9, "output": "capture/churn/AllTraffic/2026"}, "output is there"),
    (
        {
            "retention_days": 9,
            "capture": {"uri": "s3://lake/a/capture?region=eu-west-1"},
            "output": "s3://lake/a//capture/churn/AllTraffic/x",
        },
        "output is there",
    ),
    (
        {"retention_days": 9, "name": "AllTraffic", "output": "capture"},
        "the folder of reports of 'AllTraffic' is there",
    ),
]


@pytest.mark.parametrize(("settings", "advice"), WRONG)
def test_what_would_delete_too_much_is_refused(tmp_path: Path, settings: dict[str, Any], advice: str) -> None:
    with pytest.raises(ConfigError) as refused:
        config.load(endpoint_file(tmp_path, **settings))
    assert advice in str(refused.value)


@pytest.mark.parametrize("days", ["${DAYS:-30}", 30, "30"])
def test_days_may_come_from_the_environment(tmp_path: Path, days: Any) -> None:
    assert config.load(endpoint_file(tmp_path, retention_days=days)).retention_days == 30


def neighbour(folder: Path, name: str, **settings: Any) -> Path:
    """Another endpoint file of the same endpoint, with a schedule and an output of its own."""
    return Path(endpoint_file(folder, f"{name}.yaml", name=name, output=str(folder / name), **settings))


def test_captures_that_another_file_keeps_for_longer_are_not_deleted(tmp_path: Path) -> None:
    files = [neighbour(tmp_path, f"s{days}", retention_days=days) for days in (30, 90, 91)]
    endpoints, problems = config.load_all(files)
    assert len(endpoints) == 3 and len(problems) == 2
    assert problems[0].startswith(f"{files[0]}: retention_days is 30, and ")
    assert set(sharing(endpoints)) == set(files[:2])
    assert len(config.load_all([*files, neighbour(tmp_path, "keeps-all")])[1]) == 3
    assert config.load_all([files[2], neighbour(tmp_path, "same", retention_days=91)])[1] == []


SPELLINGS = [  # of the same captures
    *(("{}/capture", other) for other in ("file://{}/capture", "{}/./x/../capture/", "{}//capture", "{}/link")),
    ("s3://lake/a/capture?region=eu-west-1", "s3://lake//a/capture/"),
]


@pytest.mark.parametrize("spellings", SPELLINGS)
def test_the_same_captures_are_known_however_they_are_spelled(tmp_path: Path, spellings: tuple[str, str]) -> None:
    (tmp_path / "capture").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "capture")
    uris = [spelling.format(tmp_path) for spelling in spellings]
    short = neighbour(tmp_path, "short", capture={"uri": uris[0]}, retention_days=10)
    long = neighbour(tmp_path, "long", capture={"uri": uris[1]})
    assert set(sharing(config.load_all([short, long])[0])) == {short}


UNREADABLE = [
    ("endpoint: churn\nschedules: [", True),
    ("{# churn\ncapture", True),
    ("endpoint: churn-2\ncapture: [", False),
    ("churn: [", False),
    ("{", False),
]


@pytest.mark.parametrize(("text", "holds"), UNREADABLE)
def test_nothing_is_deleted_while_a_file_that_names_the_endpoint_can_not_be_read(
    tmp_path: Path, text: str, holds: bool
) -> None:
    file, other = Path(endpoint_file(tmp_path, retention_days=10)), tmp_path / "other.yaml"
    other.write_text(text)
    endpoints, problems = config.load_all([file, other])
    held = held_back(endpoints, [file, other])
    assert set(held) == ({file} if holds else set()) and set(held.values()) <= set(problems)


PLACES = {
    "output": {"output": "capture/churn/AllTraffic/2026/other"},
    "baseline.dataset": {"baseline": {"dataset": "capture/churn/AllTraffic/2026/01/b.csv"}},
    "baseline.constraints": {"baseline": {"constraints": "capture/churn/AllTraffic/2026/01/05/constraints.json"}},
    "ground_truth.uri": {"ground_truth": {"uri": "capture/churn/AllTraffic/labels"}},
}


@pytest.mark.parametrize("key", PLACES)
def test_what_another_file_keeps_below_the_captures_holds_their_deletion_back(tmp_path: Path, key: str) -> None:
    settings = {"output": "o"} | PLACES[key]
    ours = Path(endpoint_file(tmp_path, "ours.yaml", retention_days=30))
    other = Path(endpoint_file(tmp_path, "other.yaml", endpoint="other", name="other-dq", **settings))
    endpoints, problems = config.load_all([ours, other])
    assert set(endpoints) == {ours, other}
    assert set(held_back(endpoints, [ours, other])) == {ours}
    [problem] = problems
    assert key in problem and str(other) in problem and "Nothing is deleted until then" in problem
