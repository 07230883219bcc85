"""Is what is past deleted, all of it and nothing else, whatever lies beside it and whoever is interrupted?"""

from __future__ import annotations

import gzip
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import fs
from support.captures import HOUR, NO_SIDE, capture, endpoint_file, lines, record, without_sketches
from support.seaweed import Server, running
from support.truths import collect, truth

from model_monitor import config, jobs, store
from model_monitor.config.cron import period_before, previous
from model_monitor.config.execution import Assignment, Execution
from model_monitor.core.window import Window, floor_hour, iso
from model_monitor.errors import ConfigError, MonitorError, StoreError
from model_monitor.jobs import late_labels
from model_monitor.jobs.retention.trees import trees_of
from model_monitor.rows.sources.datasets import Dataset
from model_monitor.store.ahead import ahead

ONE_HOUR = timedelta(hours=1)
DAYS = 10
PAST, KEPT = HOUR, HOUR + 5 * ONE_HOUR  # the last hour that is past at NOW, and one that isn't
BOUND = PAST + ONE_HOUR
NOW = BOUND + timedelta(days=DAYS)
LINE = b'{"captureData": {"secret": "4711"}}\n'


def below(folder: Path) -> dict[str, bytes]:
    """All files below a folder, links as what they point to."""
    return {
        str(path.relative_to(folder)): os.fsencode(path.readlink()) if path.is_symlink() else path.read_bytes()
        for path in folder.rglob("*")
        if path.is_symlink() or path.is_file()
    }


def kept_of(name: str, content: bytes) -> bytes:
    """What retention leaves of a file: reports on past windows lose the sketches of numbers."""
    tick = f"05/{PAST.hour + 1:02d}"
    is_past = tick in name or "rolling" in name  # whose windows begin a day earlier
    return without_sketches(content) if is_past and "_baselines" not in name else content


def put(folder: Path, path: str, content: bytes = LINE) -> Path:
    (folder / path).parent.mkdir(parents=True, exist_ok=True)
    (folder / path).write_bytes(content)
    return folder / path


def hour_path(hour: datetime) -> str:
    return hour.strftime("%Y/%m/%d/%H")


def deleted(file: str, now: datetime = NOW) -> tuple[dict[str, Any], dict[str, Any]]:
    """What a run tells, and its record."""
    told = jobs.delete_expired(file, now)
    return told, json.loads(store.read(told["record"]))


def kinds(document: dict[str, Any]) -> dict[str, int]:
    return {one["kind"]: one["files"] for one in document["deleted"]}


# A whole endpoint


def labelled_endpoint(root: Path, **settings: Any) -> str:
    """An endpoint with each kind of schedule; its requests are in the hours from ``HOUR`` on."""
    (root / "script.py").write_text("def preprocess_handler(record):\n    return {'a': 1.0}\n")
    quality = {"problem_type": "BinaryClassification", "probability_attribute": "score"}
    schedules = [
        {"name": "dq", "monitor": "data_quality", "max_rejected": 0.9},
        {
            "name": "own",
            "monitor": "data_quality",
            "max_rejected": 0.9,
            "preprocess": {"script": str(root / "script.py")},
        },
        {
            "name": "mq",
            "monitor": "model_quality",
            "options": quality,
            "max_rejected": 0.9,
            "ground_truth": {"uri": str(root / "labels"), "final_after": "P7D", "minimum_coverage": 0.1},
        },
        {"name": "rolling", "monitor": "data_quality", "window": "PT24H", "max_rejected": 0.9},
        {"name": "by-hand", "monitor": "data_quality", "cron": "NOW", "max_rejected": 0.9},
        {
            "name": "why",
            "monitor": "attribution",
            "max_rejected": 0.9,
            "explain": {"model": {"callable": "support.explained_rows.answers"}, "background": [[1, 2, 3]], "rows": 2},
        },
    ]
    columns = {"outputs": ["score"], "inputs": ["a", "b", "c"]}
    return endpoint_file(root, schedules=schedules, columns=columns, retention_days=DAYS, **settings)


def traffic(root: Path, hour: datetime) -> None:
    """Requests, one that can't be read, and labels, one of which can't be either."""
    asked: list[Any] = [record(f"{hour:%H}-{i}", f"{i},2,3\n", f"0.{i}", hour + i * ONE_HOUR / 60) for i in range(9)]
    asked.append(record(f"{hour:%H}-odd", f"no JSON, SECRET-{hour.hour}", NO_SIDE, hour))
    asked.append(b"SECRET-%d" % hour.hour)
    capture(root / "capture", asked, hour)
    labels: list[Any] = [truth(f"{hour:%H}-{i}", str(i % 2)) for i in range(4)]
    labels.append({"eventMetadata": {"eventId": f"{hour:%H}-5"}, "groundTruthData": {"data": "SECRET", "encoding": 1}})
    collect(root / "labels", labels, hour, f"{hour:%H}.jsonl")


def judge(file: str, name: str, window: Window) -> str:
    schedule = config.load(file).schedule(name)
    jobs.collect_window(Execution.of(file, name, window))
    if schedule.ground_truth:
        jobs.merge_ground_truth(Execution.of(file, name, window))
    if schedule.explain:
        jobs.explain_window(Execution.of(file, name, window))
    jobs.compute_metrics(Execution.of(file, name, window))
    return jobs.evaluate_constraints(Execution.of(file, name, window))


@pytest.fixture
def judged(tmp_path: Path) -> str:
    """An endpoint file; of its windows one begins in an hour that is past at ``NOW``, and one in an hour that isn't."""
    file = labelled_endpoint(tmp_path)
    for hour in (PAST, KEPT):
        traffic(tmp_path, hour)
        window = Window(hour, hour + ONE_HOUR)
        for name in ("dq", "own", "mq", "why"):
            judge(file, name, window)
        judge(file, "by-hand", Window(hour + ONE_HOUR / 4, hour + ONE_HOUR / 2))
        judge(file, "rolling", Window(hour + ONE_HOUR - timedelta(days=1), hour + ONE_HOUR))
    baseline = put(tmp_path, "baseline.csv", b"score,a,b,c\n0.1,1,2,3\n0.2,1,2,3\n")
    state = jobs.observe_baseline(Assignment.load(file, "dq"), Dataset.at(str(baseline), "csv"))
    jobs.publish_baseline(
        Assignment.load(file, "dq"), jobs.suggest_constraints(Assignment.load(file, "dq"), state, iso(HOUR))
    )
    return file


def test_of_what_the_verbs_write_only_reports_baselines_and_labels_outlive_their_requests(
    tmp_path: Path, judged: str
) -> None:
    before = below(tmp_path)
    assert any(b"SECRET-3" in content for content in before.values())
    told, _ = deleted(judged)
    after = below(tmp_path)

    gone = before.keys() - after.keys()
    young = f"2026/01/05/{KEPT.hour:02d}", f"2026/01/05/{KEPT.hour + 1:02d}"
    rolling = {name for name in gone if "rolling" in name}  # its windows begin a day earlier
    assert not [name for name in gone - rolling if any(hour in name for hour in young)]
    assert {name.split("/")[1] for name in gone if name.startswith("out/_")} == {
        *("_rows", "_own", "_merged", "_explained", "_states", "_awaiting"),
    }
    hour, tick = f"05/{PAST.hour:02d}", f"05/{PAST.hour + 1:02d}"
    past = {name for name in after if hour in name or (tick in name and "_rows" not in name)}
    assert {name.split("/")[0] for name in past} == {"out", "labels"}
    assert {name.split("/")[1] for name in past if name.startswith("out/")} == {"churn", "_as_of", "_odds"}
    assert not [name for name in after if name.startswith("out/churn") and "rejected" in name and name in past]
    assert {name: kept_of(name, before[name]) for name in before if name in after} == {
        name: content for name, content in after.items() if name in before
    }
    assert not [name for name, content in after.items() if b"SECRET-3" in content]
    assert [name for name, content in after.items() if b"SECRET-8" in content and "labels" not in name]
    assert told["files"] == len(gone)
    assert told["bytes"] == sum(len(before[name]) for name in gone)


def test_a_second_run_finds_nothing_more_and_leaves_the_same_bytes(tmp_path: Path, judged: str) -> None:
    told, _ = deleted(judged)
    after = below(tmp_path)
    assert deleted(judged)[0] == told
    assert below(tmp_path) == after
    _, tomorrow = deleted(judged, NOW + timedelta(minutes=59) - timedelta(hours=1))
    assert tomorrow["deleted"] == json.loads(store.read(told["record"]))["deleted"]


def test_records_set_aside_go_as_their_windows_become_past_and_those_written_meanwhile_too(
    tmp_path: Path, judged: str
) -> None:
    deleted(judged)
    put(tmp_path / "out/churn/dq/2026/01/05/04", "rejected/records.jsonl", b"SECRET-3")  # by a run that was under way
    deleted(judged, NOW + (KEPT - PAST))
    kept = {name for name, content in below(tmp_path).items() if b"SECRET" in content}
    assert {name.split("/")[0] for name in kept} == {"labels"}


def test_what_a_killed_writer_left_goes_from_wherever_it_is(tmp_path: Path, judged: str) -> None:
    folders = {path.parent for path in (tmp_path / "out").rglob("*") if path.is_file() and "/2026/01/" in str(path)}
    folders |= {folder / "rejected" for folder in folders if (folder / "execution.json").is_file()}
    for folder in folders:
        put(folder, ".part-k1ll3d", b"half of SECRET-3")
        put(folder, ".part-f0lder/records.jsonl", b"half of SECRET-3")  # as in Azure
    reports = f"out/churn/dq/2026/01/05/{PAST.hour + 1:02d}/", f"out/_as_of/churn/mq/2026/01/05/{PAST.hour + 1:02d}/"
    for after, some_left in ((timedelta(0), True), (timedelta(days=2), False)):
        deleted(judged, NOW + after)
        left = {name for name, content in below(tmp_path).items() if b"half of" in content}
        assert not [name for name in left if name.startswith(reports)]
        assert bool(left) == some_left
    assert {str(folder.relative_to(tmp_path)).split("/")[1] for folder in folders} >= {"churn", "_as_of", "_rows"}
    assert [name for name in below(tmp_path) if name.startswith(reports[0])]


def test_what_a_killed_writer_left_beside_baselines_and_records_goes_a_day_later(tmp_path: Path, judged: str) -> None:
    folders = [tmp_path / "out" / kind / "churn/some/0123" for kind in ("_baselines", "_retention")]
    for folder in folders:
        old, young = put(folder, ".part-old"), put(folder, ".part-young")
        os.utime(old, (0, 0))
        os.utime(put(folder, "state.mms"), (0, 0))
        assert young.exists()
    deleted(judged)
    assert [sorted(path.name for path in folder.iterdir()) for folder in folders] == [[".part-young", "state.mms"]] * 2


def test_a_dry_run_deletes_and_writes_nothing_and_says_the_same(tmp_path: Path, judged: str) -> None:
    before = below(tmp_path)
    dry = jobs.delete_expired(judged, NOW, dry_run=True)
    assert below(tmp_path) == before
    told, _ = deleted(judged)
    assert dry["message"].replace("would delete", "deleted") == told["message"]
    assert (dry["files"], dry["bytes"], dry["record"]) == (told["files"], told["bytes"], None)
    assert jobs.delete_expired(judged, NOW, dry_run=True)["files"] == 0


def test_the_record_tells_kinds_days_hours_and_bytes_and_quotes_nothing(tmp_path: Path, judged: str) -> None:
    captured = below(tmp_path / "capture")
    told, found = deleted(judged)
    assert Path(told["record"]) == tmp_path / "out/_retention/churn/AllTraffic" / f"{NOW:%Y/%m/%d}/deleted.json"
    (one,) = [part for part in found["deleted"] if part["kind"] == "captures"]
    size = sum(len(content) for name, content in captured.items() if hour_path(PAST) in name)
    assert one == {"kind": "captures", "files": 1, "bytes": size} | dict.fromkeys(
        ("first_hour", "last_hour"), "2026-01-05T03"
    )
    assert {(part["kind"], part["day"]) for part in found["days"]} >= {
        ("captures", "2026-01-05"),
        ("states", "2026-01-04"),
    }
    assert (found["unfinished"], found["left_alone"]) == ([], {"count": 0, "examples": []})
    assert "1 file of captures of 2026-01-05T03" in told["message"] and "left alone" not in told["message"]
    assert "SECRET" not in json.dumps(found)


VERBS: dict[str, Callable[..., Any]] = {
    "collect": jobs.collect_window,
    "merge": jobs.merge_ground_truth,
    "compute": jobs.compute_metrics,
    "evaluate": jobs.evaluate_constraints,
}


@pytest.mark.parametrize("verb", VERBS)
def test_no_verb_overwrites_the_report_of_a_window_whose_captures_are_gone(
    tmp_path: Path, judged: str, verb: str
) -> None:
    deleted(judged)
    before = below(tmp_path)
    with pytest.raises(MonitorError) as refused:
        VERBS[verb](Execution.of(judged, "mq", Window(PAST, PAST + ONE_HOUR)))
    assert below(tmp_path) == before
    assert verb != "collect" or "before 2026-01-05T04:00:00Z were deleted, see retention_days" in str(refused.value)


def test_a_window_whose_captures_are_deleted_while_they_are_read_is_refused_too(tmp_path: Path, judged: str) -> None:
    """The script, which runs while records are read, has the retention run in that moment."""
    before = below(tmp_path / "out/churn")
    (tmp_path / "script.py").write_text(
        "from datetime import datetime\nfrom model_monitor import jobs\n"
        f"def preprocess_handler(record):\n    jobs.delete_expired({judged!r}, "
        f"datetime.fromisoformat({iso(NOW)!r}))\n    return {{'a': 1.0}}\n"
    )
    with pytest.raises(ConfigError, match="can't be judged any more"):
        jobs.collect_window(Execution.of(judged, "own", Window(PAST, PAST + ONE_HOUR)))
    after = below(tmp_path / "out/churn")
    kept = {path: content for path, content in before.items() if "execution.json" not in path and path in after}
    assert {path: kept_of(path, content) for path, content in kept.items()} == {
        path: content for path, content in after.items() if "execution.json" not in path
    }
    assert not (tmp_path / f"out/_states/churn/own/{hour_path(BOUND)}/collected.json").exists()


def test_a_window_with_all_its_captures_is_judged_as_before(tmp_path: Path, judged: str) -> None:
    deleted(judged)
    before = below(tmp_path)
    for name in ("dq", "own", "mq"):
        judge(judged, name, Window(KEPT, KEPT + ONE_HOUR))
    changed = {name for name, content in below(tmp_path).items() if before.get(name) != content}
    assert not {name for name in changed if name.startswith("out/churn/own") or "_states" in name}


def test_the_hour_beside_a_deleted_one_is_not_made_again_without_its_stragglers(tmp_path: Path) -> None:
    file = labelled_endpoint(tmp_path)
    capture(tmp_path / "capture", [record("late", "1,2,3\n", "0.1", PAST + ONE_HOUR)], PAST)
    capture(tmp_path / "capture", [record("own", "1,2,3\n", "0.1", PAST + ONE_HOUR)], PAST + ONE_HOUR)
    window = Window(PAST + ONE_HOUR, PAST + 2 * ONE_HOUR)
    report = Path(judge(file, "dq", window))
    before = below(report)
    deleted(file)
    with pytest.raises(ConfigError, match="can't be judged any more"):
        jobs.collect_window(Execution.of(file, "dq", window))
    assert below(report) == before


def test_a_run_of_an_earlier_moment_forgets_nothing_of_what_was_deleted(judged: str) -> None:
    deleted(judged)
    deleted(judged, NOW - timedelta(days=3))
    with pytest.raises(ConfigError, match="2026-01-05T04:00:00Z"):
        jobs.collect_window(Execution.of(judged, "dq", Window(PAST, PAST + ONE_HOUR)))


def test_labels_that_come_after_the_deletion_start_no_runs(tmp_path: Path, judged: str) -> None:
    for hour in (PAST, KEPT):
        collect(tmp_path / "labels", [truth(f"{hour:%H}-7", "1")], hour + ONE_HOUR, f"more-{hour.hour}.jsonl")
    windows = [Window(hour, hour + ONE_HOUR) for hour in (PAST, KEPT)]
    assert late_labels.grown_windows(Assignment.load(judged, "mq"), KEPT + 5 * ONE_HOUR) == windows
    kept = Execution.of(judged, "mq", windows[0]).waiting_note
    note = store.read(kept)
    deleted(judged)
    assert late_labels.grown_windows(Assignment.load(judged, "mq"), KEPT + 5 * ONE_HOUR) == windows[1:]
    store.write(kept, note)  # as if the run had been interrupted before it came to it
    assert (
        late_labels.grown_windows(Assignment.load(judged, "mq"), KEPT + timedelta(days=8)) == windows[1:]
    )  # time for labels is over for both


# What is touched, and what isn't


HOURS = st.integers(-40, 40).map(lambda n: BOUND + n * ONE_HOUR) | st.sampled_from(
    [
        BOUND - timedelta(days=400),
        BOUND + timedelta(days=9),
        datetime(1, 1, 1, tzinfo=UTC),
        datetime(2024, 2, 29, 23, tzinfo=UTC),
    ]
)
NAMES = {  # of what a tree's folders are for
    "captures": ["a.jsonl", "b.json.gz", "sub/c.jsonl", "sub/deep/.d.json", "ä 'ö?*#%.jsonl", "\n.jsonl"],
    "merged records": ["part-00000-a.c000.jsonl", "part-b\n.jsonl", "_SUCCESS"],
    "rows": ["rows.parquet", "since/rows.parquet"],
}
FOREIGN = [
    "baseline.csv",
    "labels.jsonl",
    "statistics.json",
    "sub/notes.txt",
    "2026",
    "rows.parquet.bak",
    "a.jsonl.txt",
]
TREES = {
    "capture/churn/AllTraffic": "captures",
    "out/_rows/churn/AllTraffic": "rows",
    "out/_requests/churn/AllTraffic": "requests",
    "out/merge/churn/AllTraffic": "merged records",
    "out/_own/churn/dq": "rows of its own",
    "out/_merged/churn/dq": "rows with labels",
}
ODD = [
    "notes.txt",
    "2020/notes.txt",
    "2020/01/notes.txt",
    "2020/01/01/notes.txt",
    "2020/01/01/03",
    "2020/13/01/03/a.jsonl",
    "2020/02/30/03/a.jsonl",
    "2020/01/01/24/a.jsonl",
    "2020/1/1/3/a.jsonl",
    "02020/01/01/03/a.jsonl",
    "0000/01/01/03/a.jsonl",
    "latest/01/01/03/a.jsonl",
    "2020/01/01/03x/a.jsonl",
    "2020/01/01/-3/a.jsonl",
    "2020/01/01/\u0660\u0663/a.jsonl",
    "\u0662\u0660\u0662\u0660/01/01/03/a.jsonl",
    "2020 /01/01/03/a.jsonl",
]
OUTSIDE = [
    *("capture/churn/other/2020/01/01/03/a.jsonl", "capture/other/AllTraffic/2020/01/01/03/a.jsonl"),
    *("capture/churn/AllTraffic/9999/99/99/99/a.jsonl", "capture/2020/01/01/03/a.jsonl"),
    *("capture/churn/2020/01/01/03/a.jsonl", "labels/2020/01/01/03/a.jsonl"),
    *("out/_rows/other/AllTraffic/2020/01/01/03/rows.parquet", "out/_rows/churn/other/2020/01/01/03/rows.parquet"),
    *("out/_states/other/dq/2020/01/01/03/state.mms", "out/_baselines/churn/dq/2020/01/01/03/a.json"),
    *("out/churn/dq/2020/01/01/03/statistics.json", "out/churn/dq/2020/01/01/03/mine.html", "2020/01/01/03/a"),
]


def names_in(tree: str) -> list[str]:
    return [".part-x", ".part-f/any", *NAMES.get(TREES[tree], NAMES["rows"])]


FILES = st.sampled_from(sorted(TREES)).flatmap(
    lambda tree: st.tuples(st.just(tree), HOURS, st.sampled_from(names_in(tree)))
)


@given(st.sets(FILES, max_size=30), st.sets(st.tuples(HOURS, st.sampled_from(FOREIGN))), st.sets(st.sampled_from(ODD)))
def test_nothing_younger_than_the_bound_or_elsewhere_or_else_is_deleted_and_everything_older_is(
    files: set[tuple[str, datetime, str]], foreign: set[tuple[datetime, str]], odd: set[str]
) -> None:
    with tempfile.TemporaryDirectory() as made:
        root = Path(made)
        file = endpoint_file(root, retention_days=DAYS)
        for path in OUTSIDE:
            put(root, path)
        for tree, hour, name in files:
            put(root, f"{tree}/{hour.year:04d}/{hour:%m/%d/%H}/{name}")
        for tree in TREES:
            for path in odd:
                put(root, f"{tree}/{path}")
            for hour, name in foreign:
                put(root, f"{tree}/{hour.year:04d}/{hour:%m/%d/%H}/{name}", b'{"groundTruthData": 1}')
        left = len(odd) + sum(hour < BOUND for hour, _ in foreign)
        before = below(root)
        older = [(tree, hour) for tree, hour, _ in files if hour < BOUND]
        told, found = deleted(file, NOW + timedelta(minutes=59, seconds=59))
        after = {name: content for name, content in below(root).items() if "_retention" not in name}
        gone = before.keys() - after.keys()
        assert gone == {f"{tree}/{hour.year:04d}/{hour:%m/%d/%H}/{name}" for tree, hour, name in files if hour < BOUND}
        assert all(before[name] == content for name, content in after.items())
        assert kinds(found) == {TREES[tree]: sum(one == tree for one, _ in older) for tree, _ in older}
        assert found["left_alone"]["count"] == left * len(TREES)
        assert told["files"] == len(older) == sum(part["files"] for part in found["days"])
        for tree in dict(older):
            folders = [path for path in (root / tree).rglob("*") if path.is_dir()]
            assert (root / tree).is_dir() and not [path for path in folders if not any(path.iterdir())]


CAPTURED = lines([record("a")])
NAMED = "00-00-000-0b7bfd33-c8a7-4adf-a09a-98fd0af79974.jsonl"
CONTENTS = [  # of a file among the captures of an hour that is past, and whether it goes
    ("a.jsonl", CAPTURED, True),
    ("a.json.gz", gzip.compress(CAPTURED), True),
    ("a.jsonl", b"not JSON\n" + CAPTURED, True),
    ("a.jsonl", CAPTURED[:30], True),  # what a killed writer left
    (NAMED, b"not JSON", True),
    (NAMED, b"", True),
    (NAMED + ".gz", b"\x1f\x8b broken", True),
    (NAMED, lines([truth("a", "1")]), False),
    ("labels.jsonl", lines([truth("a", "1")]), False),
    ("dataset.jsonl", b'{"age": 1}\n', False),
    ("statistics.json", b'{"version": 0.0}', False),
    ("a.txt", CAPTURED, False),
    ("baseline.csv", b"age\n1\n", False),
    ("empty.jsonl", b"", False),
    ("rows.parquet", b"PAR1", False),
]


@pytest.mark.parametrize(("name", "content", "goes"), CONTENTS)
def test_only_what_is_a_capture_goes_and_the_rest_is_named(
    tmp_path: Path, name: str, content: bytes, goes: bool
) -> None:
    file = endpoint_file(tmp_path, retention_days=DAYS)
    one = put(tmp_path, f"capture/churn/AllTraffic/{hour_path(PAST)}/{name}", content)
    beside = put(one.parent, "beside.jsonl")
    dry = jobs.delete_expired(file, NOW, dry_run=True)
    told, found = deleted(file)
    assert (one.exists(), beside.exists()) == (not goes, False)
    assert dry["message"].replace("would delete", "deleted") == told["message"]
    assert found["left_alone"] == {"count": not goes, "examples": [] if goes else [str(one)]}


RUNS = [  # a schedule of hourly windows an hour long, whose tick is that at which the window ends
    ("2026/01/05/04/state.mms", True),
    ("2026/01/05/05/state.mms", False),
    ("2026/01/05/03/30/state.mms", True),
    ("2026/01/05/03/59-59/state.mms", True),
    ("2026/01/05/04/00-01/state.mms", False),
    ("2026/01/05/09/since-2026-01-05T03-59-59/state.mms", True),
    ("2026/01/14/09/since-2026-01-05T03-00-00/state.mms", True),
    ("2026/01/14/09/30/since-2026-01-05T03-00-00/state.mms", True),
    ("2026/01/05/09/since-2026-01-05T04-00-00/state.mms", False),
    ("2026/01/05/04/since-yesterday/state.mms", None),
    ("2026/01/05/04/75/state.mms", None),
    ("2026/01/05/state.mms", None),
]


@pytest.mark.parametrize(("path", "goes"), RUNS)
def test_what_is_made_of_a_window_goes_with_the_windows_first_hour(
    tmp_path: Path, path: str, goes: bool | None
) -> None:
    file = endpoint_file(tmp_path, retention_days=DAYS)
    made = [put(tmp_path, f"out/{tree}/churn/dq/{path}") for tree in ("_states", "_explained", "_awaiting")]
    _, found = deleted(file)
    assert [one.exists() for one in made] == [not goes] * 3
    assert found["left_alone"]["count"] == (3 if goes is None else 0)


WAITING = {"uri": "labels", "offset": {"start": "-PT9H", "end": "-PT2H30M"}, "final_after": "PT0S"}


@given(
    st.sampled_from([{}, {"window": "PT1H"}, {"window": "PT7H30M"}, {"window": "P2D"}, {"ground_truth": WAITING}]),
    st.sampled_from(["0 * * * *", "30 */6 * * *", "0 0 * * *"]),
    st.integers(-80, 80),
)
def test_the_start_of_a_window_is_read_off_the_path_of_its_run(
    settings: dict[str, Any], cron: str, minutes: int
) -> None:
    with tempfile.TemporaryDirectory() as made:
        file = endpoint_file(Path(made), retention_days=DAYS, cron=cron, **settings)
        endpoint = config.load(file)
        schedule = endpoint.schedules[0]
        tree = next(tree for tree in trees_of(endpoint) if tree.kind == "states")
        tick = previous(cron, BOUND + timedelta(hours=minutes))
        end = tick - schedule.lag
        own = Window(end - (schedule.length or period_before(cron, tick)), end)
        for window in (
            own,
            Window(own.start - timedelta(minutes=minutes + 100), end + timedelta(minutes=minutes + 100)),
        ):
            assert tree.hour_of(f"{Execution(endpoint, schedule, window).run_path}/state.mms") == floor_hour(
                window.start
            )


# Links


def test_no_link_is_followed_and_none_is_removed(tmp_path: Path) -> None:
    file = endpoint_file(tmp_path, retention_days=DAYS)
    elsewhere = tmp_path / "elsewhere"
    for path in ("a.jsonl", "03/a.jsonl", "05/03/a.jsonl", "01/05/03/a.jsonl", "2026/01/05/03/a.jsonl"):
        put(elsewhere, path)
    churn, hour = tmp_path / "capture/churn/AllTraffic", "2026/01/05"
    for link, target in {
        "2025": "",
        "2024/01": "05",
        "2023/01/05": ".",
        f"{hour}/02": "03",
        f"{hour}/01/more": "03",
        f"{hour}/00/a.jsonl": "a.jsonl",
    }.items():
        (churn / link).parent.mkdir(parents=True, exist_ok=True)
        (churn / link).symlink_to(elsewhere / target)
    goes = [put(churn, f"{hour}/{name}") for name in ("01/b.jsonl", "00/b.jsonl", "03/b.jsonl")]
    (tmp_path / "out/_rows").mkdir(parents=True)
    (tmp_path / "out/_rows/churn").symlink_to(elsewhere)
    put(elsewhere, "AllTraffic/2026/01/05/03/rows.parquet")
    links, there = {path for path in churn.rglob("*") if path.is_symlink()}, below(elsewhere)
    _, found = deleted(file)
    assert below(elsewhere) == there
    assert {path for path in churn.rglob("*") if path.is_symlink()} == links
    assert not [path for path in goes if path.exists()]
    assert found["left_alone"]["count"] == len(links) + 1
    assert str(tmp_path / "out/_rows/churn/AllTraffic") in found["left_alone"]["examples"]


def test_the_address_itself_may_be_a_link(tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    (tmp_path / "capture").symlink_to(tmp_path / "disk")
    file = endpoint_file(tmp_path, retention_days=DAYS)
    gone = put(tmp_path, f"disk/churn/AllTraffic/{hour_path(PAST)}/a.jsonl")
    deleted(file)
    assert not gone.exists() and (tmp_path / "capture").is_symlink()


def test_names_that_are_no_text_are_deleted_and_told(tmp_path: Path) -> None:
    file = endpoint_file(tmp_path, retention_days=DAYS)
    hour = os.fsencode(put(tmp_path, f"capture/churn/AllTraffic/{hour_path(PAST)}/a.jsonl").parent)
    for name in (b"\xff\xfe.jsonl", b"\n\x1b[2J.jsonl"):
        Path(os.fsdecode(hour + b"/" + name)).write_bytes(LINE)
    Path(os.fsdecode(os.fsencode(tmp_path / "capture/churn/AllTraffic") + b"/\xff\n\x1b[2J")).write_bytes(LINE)
    told, found = deleted(file)
    assert (kinds(found), found["left_alone"]["count"]) == ({"captures": 3}, 1)
    assert "\n" not in told["message"] and "\x1b" not in told["message"]


def test_folders_of_schedules_that_the_file_does_not_name_are_told(tmp_path: Path) -> None:
    file = endpoint_file(tmp_path, retention_days=DAYS)
    renamed = put(tmp_path, f"out/_states/churn/old/{hour_path(PAST)}/state.mms")
    told, found = deleted(file)
    assert renamed.exists()
    assert found["left_alone"] == {"count": 1, "examples": [str(tmp_path / "out/_states/churn/old")]}
    assert "_states/churn/old" in told["message"]


# Interrupted, refused


KILLED = """
import os, signal, sys
from datetime import datetime
from model_monitor import jobs
signal.signal(signal.SIGALRM, lambda *_: os.kill(os.getpid(), signal.SIGKILL))
signal.setitimer(signal.ITIMER_REAL, float(sys.argv[3]))
jobs.delete_expired(sys.argv[1], datetime.fromisoformat(sys.argv[2]))
"""


def test_a_killed_run_is_gone_on_with_and_the_record_tells_of_all_it_deleted(tmp_path: Path) -> None:
    file = endpoint_file(tmp_path, retention_days=DAYS)
    for i in range(4000):
        put(tmp_path, f"capture/churn/AllTraffic/{hour_path(PAST - i // 10 * ONE_HOUR)}/{i % 10}.jsonl")
    for moment in (0.002, 0.02, 0.06, 0.1, 0.2):
        command = [sys.executable, "-c", KILLED, file, iso(NOW), str(moment)]
        assert subprocess.run(command, timeout=60, check=False).returncode in (0, -signal.SIGKILL)
        if len(below(tmp_path / "capture")) < 4000:
            with pytest.raises(ConfigError, match="can't be judged any more"):
                jobs.collect_window(Execution.of(file, "dq", Window(PAST, PAST + ONE_HOUR)))
    told, found = deleted(file)
    assert below(tmp_path / "capture") == {}
    assert (kinds(found), found["unfinished"]) == ({"captures": 4000}, [])
    assert told["bytes"] == 4000 * len(LINE)
    assert (tmp_path / "capture/churn/AllTraffic").is_dir() and not [*(tmp_path / "capture/churn/AllTraffic").iterdir()]


def test_files_that_come_after_a_run_are_added_to_the_days_record(tmp_path: Path) -> None:
    file = endpoint_file(tmp_path, retention_days=DAYS)
    for _ in range(3):
        put(tmp_path, f"capture/churn/AllTraffic/{hour_path(PAST)}/a.jsonl")
        _, found = deleted(file)
    assert kinds(found) == {"captures": 3}


@pytest.mark.skipif(os.geteuid() == 0, reason="root may delete anything")
def test_what_can_not_be_deleted_does_not_keep_the_rest(tmp_path: Path) -> None:
    file = endpoint_file(tmp_path, retention_days=DAYS)
    held, *others = (
        put(tmp_path, f"{tree}/{hour_path(hour)}/a") for hour in (PAST - ONE_HOUR, PAST) for tree in sorted(TREES)
    )
    held.parent.chmod(0o500)
    try:
        for _ in range(2):
            with pytest.raises(StoreError, match="not all could be deleted"):
                jobs.delete_expired(file, NOW)
            assert held.exists() and not [path for path in others if path.exists()]
    finally:
        held.parent.chmod(0o700)
    _, found = deleted(file)
    assert sum(kinds(found).values()) == 1 + len(others)


# In an object store


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running(tmp_path_factory.mktemp("weed")) as one:
        yield one


def test_in_s3_the_same_is_deleted_as_on_a_disk(server: Server, tmp_path: Path, judged: str) -> None:
    system = server.filesystem()
    for tree in ("capture", "out"):
        for path in [*ODD[:4], f"{hour_path(PAST)}/labels.csv"] if tree == "capture" else []:
            put(tmp_path / tree, f"churn/AllTraffic/{path}")
        root = f"s3://lake/e/{tree}?{server.query}"
        files = below(tmp_path / tree)
        list(ahead(lambda name, root=root, files=files: store.write(store.join(root, name), files[name]), files, 8))
    settings = json.loads(Path(judged).read_text())
    settings["capture"]["uri"] = f"s3://lake/e/capture?{server.query}"
    settings["output"] = f"s3://lake/e/out?{server.query}"
    (tmp_path / "s3.yaml").write_text(json.dumps(settings))
    there = str(tmp_path / "s3.yaml")
    dry = jobs.delete_expired(there, NOW, dry_run=True)
    deleted(judged)
    told, found = deleted(there)
    for tree in ("capture", "out"):
        local = {name: content for name, content in below(tmp_path / tree).items() if "_retention" not in name}
        infos = system.get_file_info(fs.FileSelector(f"lake/e/{tree}", recursive=True))
        paths = [info.path for info in infos if info.type == fs.FileType.File and "_retention" not in info.path]
        contents = ahead(lambda path: system.open_input_stream(path, compression=None).read(), paths, 8)
        copied = {path.removeprefix(f"lake/e/{tree}/"): content for path, content in zip(paths, contents, strict=True)}
        assert copied == local
    assert dry["message"].replace("would delete", "deleted") == told["message"]
    local_record = json.loads(store.read(deleted(judged)[0]["record"]))
    assert found["deleted"] == local_record["deleted"] and found["days"] == local_record["days"]
    assert found["left_alone"]["count"] == 5
    assert deleted(there) == (told, found)
    left = system.get_file_info(fs.FileSelector("lake/e/capture/churn/AllTraffic/2026", recursive=True))
    assert {info.path.rpartition("AllTraffic/")[2] for info in left if info.type == fs.FileType.Directory} == {
        "2026/01",
        "2026/01/05",
        hour_path(PAST),  # with what is no capture
        hour_path(KEPT),
    }
    with pytest.raises(ConfigError, match="can't be judged any more"):
        jobs.collect_window(Execution.of(there, "dq", Window(PAST, PAST + ONE_HOUR)))


# Other sources


def test_sources_that_are_not_the_endpoints_own_are_not_deleted(tmp_path: Path) -> None:
    source = put(tmp_path, "capture/output/2026/01/05/03/manifest.json")
    table = put(tmp_path, "capture/churn/AllTraffic/2026/01/05/03/log.jsonl")
    uri = str(tmp_path / "capture")
    mapping = {"event_time": "ts", "inputs": ["age"]}
    for i, kind in enumerate(
        ({"kind": "batch", "format": "jsonl"}, {"kind": "table", "format": "jsonl", "mapping": mapping})
    ):
        file = endpoint_file(tmp_path, f"{i}.yaml", capture={"uri": uri} | kind, retention_days=DAYS)
        rows = put(tmp_path, f"out/_rows/churn/AllTraffic/{hour_path(PAST)}/rows.parquet")
        deleted(file)
        assert not rows.exists() and source.exists() and table.exists()
        with pytest.raises(ConfigError, match="rows of hours before 2026-01-05T04:00:00Z were deleted") as refused:
            jobs.collect_window(Execution.of(file, "dq", Window(PAST, PAST + ONE_HOUR)))
        assert "captures" not in str(refused.value) and f"As {uri} was left alone, remove" in str(refused.value)


def test_reports_and_merged_records_of_batch_are_where_batch_has_them(tmp_path: Path) -> None:
    kind = {"uri": str(tmp_path / "capture"), "kind": "batch", "format": "jsonl"}
    file = endpoint_file(tmp_path, capture=kind, retention_days=DAYS)
    endpoint = config.load(file)
    window, schedule = Window(PAST, PAST + ONE_HOUR), endpoint.schedules[0]
    execution = Execution(endpoint, schedule, window)
    report, merged = Path(execution.report), Path(execution.merged_records_folder(PAST))
    put(report, "execution.json")
    put(report, "rejected/records.jsonl")
    put(merged, "part-0.jsonl")
    deleted(file)
    assert [path.name for path in report.iterdir()] == ["execution.json"]
    assert not merged.exists()
