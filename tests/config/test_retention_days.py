"""Is retention_days refused where it would delete what is still judged, or what is not the endpoint's own?"""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from support.captures import endpoint_file

from model_monitor import config, jobs
from model_monitor.config.neighbours import Place, held_back
from model_monitor.errors import ConfigError

NOW = datetime(2026, 3, 1, tzinfo=UTC)
OFFSET = {"start": "-P8D", "end": "-P1D"}
WRONG = [
    ({"retention_days": True}, "a number of days is expected"),
    ({"retention_days": 0}, "greater than or equal to 1"),
    ({"retention_days": -30}, "greater than or equal to 1"),
    ({"retention_days": 1.5}, "a whole number is expected"),
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
    assert set(held_back(endpoints, files)) == set(files[:2])
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
    assert set(held_back(config.load_all([short, long])[0], [])) == {short}


UNREADABLE = [
    ("endpoint: churn\nschedules: [", True),
    ("{# churn\ncapture", True),
    ("endpoint: churn-2\ncapture: [", False),
    ("churn: [", False),
    ("{", False),
    ("schedules: [{baseline: {dataset: capture/churn/AllTraffic/b.csv}", True),
    ("schedules: [{baseline: {dataset: './a folder/../link to/b.csv'}", True),
    ("schedules: [\n  - dataset: link to/2026/b.csv", True),
    ("schedules: [{baseline: {dataset: elsewhere/b.csv}", False),
    ("schedules: [{baseline: {dataset: '${NOT_SET}/b.csv'}", True),
    ("schedules: [{baseline: {dataset: '${NOT_SET:-capture}/${A_SET}/AllTraffic/b.csv'}", True),
    ("schedules: [{baseline: {dataset: '${NOT_SET:-elsewhere}/b.csv'}", False),
    ('schedules: [{baseline: {dataset: "capture/\\x63hurn/AllTraffic/b.csv"}', True),
    ("schedules: [{baseline: {dataset: capture/churn/AllTraffic/b.csv}".encode("utf-16"), True),
    (b"capture: \xff\xfe\x00", False),
    (b"schedules: [\n" + b"#" * (5 << 20), True),
]


@pytest.mark.parametrize(("text", "holds"), UNREADABLE)
def test_nothing_is_deleted_while_a_file_that_can_not_be_read_may_keep_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str | bytes, holds: bool
) -> None:
    monkeypatch.setenv("A_SET", "churn")
    (tmp_path / "capture/churn/AllTraffic").mkdir(parents=True)
    (tmp_path / "link to").symlink_to(tmp_path / "capture/churn/AllTraffic")
    file, other = Path(endpoint_file(tmp_path, retention_days=10)), tmp_path / "other.yaml"
    other.write_bytes(text if isinstance(text, bytes) else text.encode())
    endpoints, problems = config.load_all([file, other])
    held = held_back(endpoints, [file, other])
    assert set(held) == ({file} if holds else set()) and set(held.values()) <= set(problems)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read anything")
def test_nothing_is_deleted_while_a_file_can_not_be_opened(tmp_path: Path) -> None:
    file, other = Path(endpoint_file(tmp_path, retention_days=10)), tmp_path / "other.yaml"
    other.touch(0)
    assert set(config.held_back([file, other])) == {file}


SCRIPT = "capture/churn/AllTraffic/2026/01/05/script.py"
MODEL = {"artefact": "capture/churn/AllTraffic/2026/model.json"}
INSIDE = "capture/churn/AllTraffic/2026/01"
MAPPED = {"event_time": "ts", "inputs": ["age"]}
PLACES: dict[str, dict[str, Any]] = {
    "output": {"output": "capture/churn/AllTraffic/2026/other"},
    "baseline.dataset": {"baseline": {"dataset": "capture/churn/AllTraffic/2026/01/b.csv"}},
    "baseline.dataset of": {"baseline": {"dataset": "out/_merged/churn/dq/2026/01/05/03/rows.parquet"}},
    "baseline.statistics": {"baseline": {"statistics": "out/_states/churn/dq/2026/01/05/statistics.json"}},
    "baseline.constraints": {"baseline": {"constraints": "capture/churn/AllTraffic/2026/01/05/constraints.json"}},
    "ground_truth.uri": {"ground_truth": {"uri": "capture/churn/AllTraffic/labels"}},
    "ground_truth.uri of": {"ground_truth": {"uri": "out/merge/churn/AllTraffic"}},
    "preprocess.script": {"preprocess": {"script": SCRIPT}},
    "postprocess": {"postprocess": SCRIPT},
    "explain.background": {
        "monitor": "attribution",
        "explain": {"model": {"callable": "a.b"}, "background": "capture/churn/AllTraffic/2026/b.csv"},
    },
    "explain.model.artefact": {"monitor": "attribution", "explain": {"model": MODEL}},
    "the captures": {"capture": {"uri": f"{INSIDE}/05"}},
    "capture.uri": {"capture": {"uri": INSIDE, "kind": "batch", "format": "jsonl"}},
    "capture.data": {"capture": {"uri": "b", "data": INSIDE, "kind": "batch", "format": "jsonl"}},
    "capture.uri in": {"capture": {"uri": "capture/churn", "kind": "table", "format": "jsonl", "mapping": MAPPED}},
    "capture.uri of": {
        "capture": {
            "uri": "capture",
            "path": "churn/AllTraffic/%Y",
            "kind": "table",
            "format": "csv",
            "mapping": MAPPED,
        }
    },
}


@pytest.mark.parametrize("key", PLACES)
def test_what_another_file_keeps_where_captures_are_deleted_holds_their_deletion_back(tmp_path: Path, key: str) -> None:
    settings = {"output": "o"} | PLACES[key]
    ours = Path(endpoint_file(tmp_path, "ours.yaml", retention_days=30, columns={}))
    other = Path(endpoint_file(tmp_path, "other.yaml", endpoint="other", name="other-dq", **settings))
    endpoints, problems = config.load_all([ours, other])
    assert set(endpoints) == {ours, other}
    assert set(held_back(endpoints, [ours, other])) == {ours}
    [problem] = problems
    assert key.partition(" ")[0] in problem and str(other) in problem and "Nothing is deleted until then" in problem
    with pytest.raises(ConfigError, match="Nothing is deleted"):
        jobs.delete_expired(str(ours), NOW)


ADDRESSES = [  # of the other file's dataset, and whether it is among the captures
    *(("{}/capture", f"{{}}/{at}/b.csv", True) for at in ("link", "capture/./churn/../churn/AllTraffic")),
    *(("{}/capture", f"{{}}/{at}/b.csv", False) for at in ("capture/churn/AllTraffic-2", "capture/churn", "elsewhere")),
    ("file://{}/capture", "{}/capture//churn/AllTraffic/b.csv", True),
    ("{}/capture", "file://{}/capture/churn/AllTraffic/b.csv", True),
    ("{}/capture/", "${{STORE}}/churn/AllTraffic/b.csv", True),
    ("s3://lake/a", "s3://lake/a/churn/AllTraffic/b.csv?region=eu-west-1", True),
    ("s3://lake/a", "s3://lake/a/churn/AllTraffic2/b.csv", False),
    ("s3://lake/a", "s3://Lake/a/churn/AllTraffic/b.csv", False),
    ("gs://lake/a", "gcs://lake//a/churn/AllTraffic/b.csv", True),
    ("abfs://c@x.dfs.core.windows.net/a", "abfss://x.dfs.core.windows.net/c/a/churn/AllTraffic/b.csv", True),
]


@pytest.mark.parametrize(("captures", "dataset", "holds"), ADDRESSES)
def test_a_dataset_among_the_captures_is_known_however_it_is_spelled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, captures: str, dataset: str, holds: bool
) -> None:
    monkeypatch.setenv("STORE", f"{tmp_path}/capture")
    (tmp_path / "capture/churn/AllTraffic").mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "capture/churn/AllTraffic")
    capture = {"uri": captures.format(tmp_path)}
    ours = Path(endpoint_file(tmp_path, "ours.yaml", retention_days=30, capture=capture))
    baseline = {"dataset": dataset.format(tmp_path)}
    other = Path(endpoint_file(tmp_path, "other.yaml", endpoint="b", name="dq", output="o", baseline=baseline))
    assert set(config.held_back([ours, other])) == ({ours} if holds else set())


def test_a_folder_is_the_same_whatever_its_spelling_on_this_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on a disk that ignores case, or where a folder is mounted twice: realpath does not tell, the inode does."""
    (tmp_path / "captures/2026").mkdir(parents=True)
    (tmp_path / "Other").symlink_to(tmp_path / "captures")
    monkeypatch.setattr(os.path, "realpath", os.path.abspath)
    assert Place.at("", f"{tmp_path}/Other/2026/b.csv").is_in(Place.at("", f"{tmp_path}/captures"))
