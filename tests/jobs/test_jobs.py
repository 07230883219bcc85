"""Does each verb give the same result however often, however rudely, and over whatever window it is run?"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from support.captures import HOUR, NO_SIDE, at, capture, endpoint_file, record, written

from model_monitor import jobs, store
from model_monitor.config.execution import Assignment, Execution
from model_monitor.core.window import Window
from model_monitor.errors import ConfigError, DataError, MonitorError
from model_monitor.rows.sources.datasets import Dataset

WINDOW = Window(at(0), at(60))
REPORT = "out/churn/dq/2026/01/05/04"


def traffic(root: Path, bad: int = 0, good: int = 60) -> None:
    """Two files of an hour: so many readable requests, and lines that are none at the end of the second."""
    records = [record(f"e{i}", f"{i % 7},{'ab'[i % 2]}\n", str(i % 10 / 10), at(i * 60 / good)) for i in range(good)]
    capture(root / "capture", records[: good // 2])
    capture(root / "capture", [*records[good // 2 :], *[b'{"cut']*bad], name="30-00-000-9c1f2b7e.jsonl.gz")  # fmt: skip


def learn(root: Path, file: str) -> str:
    """A published baseline of rows like those of ``traffic``; the address of its version."""
    (root / "b.csv").write_text("p,n,c\n" + "".join(f"{i % 10 / 10},{i % 7},{'ab'[i % 2]}\n" for i in range(60)))
    state = jobs.observe_baseline(Assignment.load(file, "dq"), Dataset.at(str(root / "b.csv"), "csv"))
    version = jobs.suggest_constraints(Assignment.load(file, "dq"), state, "2026-01-05T00:00:00Z")
    jobs.publish_baseline(Assignment.load(file, "dq"), version)
    return version


def judge(file: str, window: Window = WINDOW, schedule: str = "dq") -> dict[str, Any]:
    """All verbs over a window; what a person is told."""
    jobs.collect_window(Execution.of(file, schedule, window))
    jobs.compute_metrics(Execution.of(file, schedule, window))
    jobs.evaluate_constraints(Execution.of(file, schedule, window))
    return jobs.alert(Execution.of(file, schedule, window))


def contents(root: Path) -> dict[str, bytes]:
    """All that a reader finds below a folder, but for the history, which is an index of it."""
    paths = {str(path) for path in root.rglob("*") if path.is_file() and not path.name.startswith(".part-")}
    addresses = paths | {file.address for file in store.list_files(str(root))}
    return {address: store.read(address) for address in addresses if "history.sqlite" not in address}


def execution(root: Path, report: str = REPORT) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((root / report / "execution.json").read_text())
    return document


def test_a_window_like_its_baseline_is_completed_without_violations(tmp_path: Path) -> None:
    traffic(tmp_path)
    file = endpoint_file(tmp_path)
    learn(tmp_path, file)
    told = judge(file)
    assert (told["status"], told["rows"], told["violations"], told["details"]) == ("Completed", 60, 0, [])
    assert told["report"] == str(tmp_path / REPORT)
    assert json.loads((tmp_path / REPORT / "constraint_violations.json").read_text()) == {"violations": []}
    assert not (tmp_path / REPORT / "rejected").exists()


def test_a_rerun_writes_the_same_bytes(tmp_path: Path) -> None:
    traffic(tmp_path, bad=1)
    file = endpoint_file(tmp_path, max_rejected=0.05)
    learn(tmp_path, file)
    first = judge(file)
    once = contents(tmp_path / "out")
    assert judge(file) == first and contents(tmp_path / "out") == once
    shutil.rmtree(tmp_path / "out")
    learn(tmp_path, file)
    assert judge(file) == first and contents(tmp_path / "out") == once
    assert str(tmp_path / REPORT / "rejected/records.jsonl") in once


def test_without_a_baseline_the_window_is_described_and_not_judged(tmp_path: Path) -> None:
    traffic(tmp_path)
    told = judge(endpoint_file(tmp_path))
    assert (told["status"], told["rows"], told["violations"]) == ("BaselineMissing", 60, 0)
    assert json.loads((tmp_path / REPORT / "statistics.json").read_text())["features"]


def test_a_window_without_captures_is_no_data_and_never_green(tmp_path: Path) -> None:
    file = endpoint_file(tmp_path)
    for _ in range(2):
        told = judge(file)
        assert (told["status"], told["rows"]) == ("NoData", 0)
        learn(tmp_path, file)
    assert {f["outcome"] for f in execution(tmp_path)["findings"]} <= {"undefined"}


def test_too_many_records_set_aside_fail_the_run_with_the_first_one_and_a_report(tmp_path: Path) -> None:
    traffic(tmp_path, bad=2, good=98)
    file = endpoint_file(tmp_path)
    with pytest.raises(DataError) as raised:
        jobs.collect_window(Execution.of(file, "dq", WINDOW))
    message = str(raised.value)
    assert "\n" not in message and "2 of 100" in message and "30-00-000-9c1f2b7e.jsonl.gz line 50" in message
    report = execution(tmp_path)
    assert (report["status"], report["reason"], report["counts"]["judged"]) == ("Failed", message, None)
    assert [one["line"] for one in report["rejected"]["examples"]] == [50, 51]
    assert not any("record" in one for one in report["rejected"]["examples"])  # a report outlives what was captured
    kept = [json.loads(one) for one in (tmp_path / REPORT / "rejected/records.jsonl").read_text().splitlines()]
    assert [one["record"] for one in kept] == ['{"cut', '{"cut']
    assert sum(report["rejected"]["reasons"].values()) == 2


@pytest.mark.parametrize(
    ("bad", "good", "share", "fails"),
    [(1, 99, 0.01, False), (1, 98, 0.01, True), (29, 71, 0.29, False), (30, 70, 0.29, True), (3, 57, 0.05, False),
     (1, 99, 0, True), (0, 10, 0, False), (5, 0, 1, False), (5, 0, 0.99, True)],
)  # fmt: skip
def test_exactly_the_share_that_may_be_set_aside_passes(
    tmp_path: Path, bad: int, good: int, share: float, fails: bool
) -> None:
    capture(tmp_path / "capture", [*(record(str(i), time=at(1)) for i in range(good)), *[b"x"] * bad])
    file = endpoint_file(tmp_path, max_rejected=share)
    if fails:
        with pytest.raises(DataError, match=f"{bad} of {bad + good}"):
            jobs.collect_window(Execution.of(file, "dq", WINDOW))
    else:
        assert judge(file)["rejected"] == bad


def test_a_window_with_only_unreadable_records_is_no_data_if_that_is_allowed(tmp_path: Path) -> None:
    capture(tmp_path / "capture", [b"x", b"y"])
    file = endpoint_file(tmp_path, max_rejected=1)
    assert judge(file)["status"] == "NoData"
    assert execution(tmp_path)["counts"]["rejected"] == 2


def test_a_report_that_has_nothing_set_aside_any_more_has_no_list_of_it(tmp_path: Path) -> None:
    traffic(tmp_path, bad=5)
    file = endpoint_file(tmp_path)
    with pytest.raises(DataError):
        jobs.collect_window(Execution.of(file, "dq", WINDOW))
    traffic(tmp_path)
    assert judge(file)["rejected"] == 0
    assert not (tmp_path / REPORT / "rejected/records.jsonl").exists()


def test_a_failed_run_leaves_no_report_of_an_earlier_one_beside_it(tmp_path: Path) -> None:
    """Whoever reads statistics.json next to a Failed execution.json would take them for one run."""
    traffic(tmp_path)
    file = endpoint_file(tmp_path)
    learn(tmp_path, file)
    judge(file)
    traffic(tmp_path, bad=5)
    with pytest.raises(DataError):
        jobs.collect_window(Execution.of(file, "dq", WINDOW))
    assert execution(tmp_path)["status"] == "Failed"
    left = {path.name for path in (tmp_path / REPORT).glob("*.json")}
    assert left == {"execution.json"}


def test_a_drift_is_told_in_one_line_and_a_line_per_violation(tmp_path: Path) -> None:
    records = [record(f"e{i}", f"{i % 7 + 50},c\n", str(i % 10 / 10), at(i / 4)) for i in range(200)]
    capture(tmp_path / "capture", records)
    file = endpoint_file(tmp_path)
    learn(tmp_path, file)
    told = judge(file)
    assert told["status"] == "CompletedWithViolations" and told["violations"] == len(told["details"]) >= 2
    assert "\n" not in told["message"] and "200 rows" in told["message"]
    assert {detail.partition(":")[0] for detail in told["details"]} == {"n", "c"}
    violations = json.loads((tmp_path / REPORT / "constraint_violations.json").read_text())["violations"]
    assert all(set(v) >= {"feature_name", "constraint_check_type", "description"} for v in violations)


def test_windows_of_half_an_hour_have_reports_of_their_own_rows(tmp_path: Path) -> None:
    traffic(tmp_path)
    file = endpoint_file(tmp_path, cron="*/30 * * * *")
    told = [judge(file, Window(at(30 * i), at(30 * i + 30))) for i in range(2)]
    assert [one["rows"] for one in told] == [30, 30]
    assert [one["report"] for one in told] == [str(tmp_path / REPORT.replace("/04", "/03/30")), str(tmp_path / REPORT)]


def test_a_day_is_judged_from_the_hours_that_others_have_collected(tmp_path: Path) -> None:
    for hour in range(-3, 30):
        capture(tmp_path / "capture", [record(f"h{hour}", time=at(60 * hour + 5))], HOUR + timedelta(hours=hour))
    both = [{"name": "hourly", "monitor": "data_quality"},
            {"name": "daily", "monitor": "data_quality", "cron": "0 0 * * *"}]  # fmt: skip
    file = endpoint_file(tmp_path, schedules=both)
    midnight = at(-180)
    for hour in range(24):
        start = midnight + timedelta(hours=hour)
        assert judge(file, Window(start, start + timedelta(hours=1)), "hourly")["rows"] == 1
    made = contents(tmp_path / "out/_rows")
    assert judge(file, Window(midnight, midnight + timedelta(days=1)), "daily")["rows"] == 24
    assert contents(tmp_path / "out/_rows") == made


def test_rows_that_another_schedule_made_anew_are_counted_as_they_are_judged(tmp_path: Path) -> None:
    file = endpoint_file(tmp_path, schedules=[{"name": name, "monitor": "data_quality"} for name in ("one", "other")])
    capture(tmp_path / "capture", [record("a")])
    jobs.collect_window(Execution.of(file, "one", WINDOW))
    capture(tmp_path / "capture", [record("b")], name="30-00-000-late.jsonl")
    jobs.collect_window(Execution.of(file, "other", WINDOW))
    jobs.compute_metrics(Execution.of(file, "one", WINDOW))
    report = Path(jobs.evaluate_constraints(Execution.of(file, "one", WINDOW)))
    counts = json.loads((report / "execution.json").read_text())["counts"]
    assert (counts["records"], counts["judged"]) == (2, 2)


def test_a_baseline_that_was_broken_since_leaves_no_earlier_verdict_behind(tmp_path: Path) -> None:
    file = endpoint_file(tmp_path, columns={"outputs": ["p"], "inputs": ["n", "c"]})
    traffic(tmp_path)
    version = learn(tmp_path, file)
    assert judge(file)["status"] == "Completed"
    Path(version, "constraints.json").write_text('{"features": []}')
    with pytest.raises(ConfigError, match="nothing would be judged"):
        jobs.publish_baseline(Assignment.load(file, "dq"), version)
    with pytest.raises(DataError, match="edited since"):
        jobs.evaluate_constraints(Execution.of(file, "dq", WINDOW))
    assert execution(tmp_path)["status"] == "Failed"
    assert not (tmp_path / REPORT / "constraint_violations.json").exists()


def test_columns_that_are_excluded_are_in_no_report_and_sampling_takes_its_share(tmp_path: Path) -> None:
    traffic(tmp_path, good=400)
    columns = {"outputs": ["p"], "inputs": ["n", "c"], "exclude": ["n"]}
    file = endpoint_file(tmp_path, columns=columns, sampling=0.25)
    learn(tmp_path, file)
    told = judge(file)
    assert 60 < told["rows"] < 140
    for path in (Path(REPORT), *Path(tmp_path / "out/_baselines").rglob("statistics.json")):
        document = json.loads((tmp_path / path / "statistics.json" if path == Path(REPORT) else path).read_text())
        assert [feature["name"] for feature in document["features"]] == ["p", "c"]
    assert judge(endpoint_file(tmp_path, columns=columns, sampling=0.25)) == told


def test_the_same_state_is_the_same_version_and_keeps_what_a_person_edited(tmp_path: Path) -> None:
    file = endpoint_file(tmp_path)
    learn(tmp_path, file)
    [state] = Path(tmp_path / "out/_baselines/churn/dq/observed").rglob("state.mms")

    def learn_again() -> str:
        return jobs.suggest_constraints(Assignment.load(file, "dq"), str(state), "2026-01-07T00:00:00Z")

    version = learn_again()
    constraints = Path(version) / "constraints.json"
    edited = constraints.read_text().replace('"completeness": 1.0', '"completeness": 0.5')
    assert edited != constraints.read_text()
    constraints.write_text(edited)
    assert learn_again() == version
    assert constraints.read_text() == edited
    statistics = constraints.with_name("statistics.json")
    whole = statistics.read_bytes()
    statistics.write_bytes(b"")  # as a store leaves it that did not keep what it took
    assert learn_again() == version
    assert statistics.read_bytes() == whole
    assert json.loads((Path(version) / "baseline.json").read_text())["rows"] == 60


def test_a_window_is_judged_against_the_version_that_is_published(tmp_path: Path) -> None:
    traffic(tmp_path)
    file = endpoint_file(tmp_path)
    first = learn(tmp_path, file)
    (tmp_path / "other.csv").write_text("p,n,c\n" + "5.5,900,z\n" * 60)
    state = jobs.observe_baseline(Assignment.load(file, "dq"), Dataset.at(str(tmp_path / "other.csv"), "csv"))
    second = jobs.suggest_constraints(Assignment.load(file, "dq"), state, "2026-01-06T00:00:00Z")
    assert second != first and judge(file)["violations"] == 0  # proposed is not published
    jobs.publish_baseline(Assignment.load(file, "dq"), second)
    assert judge(file)["violations"] > 0
    jobs.publish_baseline(Assignment.load(file, "dq"), first + "/")
    assert judge(file)["violations"] == 0


def test_a_version_that_cannot_be_read_is_not_published(tmp_path: Path) -> None:
    traffic(tmp_path)
    file = endpoint_file(tmp_path)
    version = learn(tmp_path, file)
    for broken in (version + "x", str(tmp_path / "elsewhere")):
        with pytest.raises(MonitorError):
            jobs.publish_baseline(Assignment.load(file, "dq"), broken)
    shutil.copytree(version, tmp_path / "elsewhere")
    with pytest.raises(ConfigError):  # readable, but not one of this schedule's versions
        jobs.publish_baseline(Assignment.load(file, "dq"), str(tmp_path / "elsewhere"))
    (Path(version) / "constraints.json").write_text("{")
    with pytest.raises(ConfigError, match=r"constraints\.json"):
        jobs.publish_baseline(Assignment.load(file, "dq"), version)
    with pytest.raises(DataError, match=r"constraints\.json"):
        judge(file)


def test_a_verb_without_the_one_before_it_says_so(tmp_path: Path) -> None:
    file = endpoint_file(tmp_path)
    for verb in (jobs.compute_metrics, jobs.evaluate_constraints, jobs.alert):
        with pytest.raises(DataError, match="task before"):
            verb(Execution.of(file, "dq", WINDOW))
    with pytest.raises(ConfigError, match="no schedule 'other'"):
        jobs.collect_window(Execution.of(file, "other", WINDOW))
    with pytest.raises(ConfigError, match="dataset"):
        jobs.observe_baseline(Assignment.load(file, "dq"))


BROKEN = {"empty": b"", "a head": b"MMS1", "zeros": b"MMS1" + bytes(20), "bytes": b"\xff" * 50, "JSON": b"{}"}


@pytest.mark.parametrize("content", BROKEN.values(), ids=BROKEN)
def test_a_state_that_is_none_is_an_error_that_names_it(tmp_path: Path, content: bytes) -> None:
    traffic(tmp_path)
    file = endpoint_file(tmp_path)
    jobs.collect_window(Execution.of(file, "dq", WINDOW))
    state = jobs.compute_metrics(Execution.of(file, "dq", WINDOW))
    whole = Path(state).read_bytes()
    for damaged in (content, whole[:-3], whole[: len(whole) // 2]):
        Path(state).write_bytes(damaged)
        with pytest.raises(DataError, match=r"state\.mms"):
            jobs.evaluate_constraints(Execution.of(file, "dq", WINDOW))


CHAIN = """
import os, sys
from model_monitor import jobs
from model_monitor.config.execution import Assignment, Execution
from model_monitor.core.window import Window
from model_monitor.jobs import by_hand
from model_monitor.rows.sources.datasets import Dataset
file, dataset, window = sys.argv[1], sys.argv[2], Window.of(*sys.argv[3:5])
observe, suggest, publish = jobs.observe_baseline, jobs.suggest_constraints, jobs.publish_baseline
verbs = jobs.collect_window, jobs.compute_metrics, jobs.evaluate_constraints

def chain():
    baseline = Assignment.load(file, "dq")
    state = observe(baseline, Dataset.at(dataset, "csv"))
    publish(baseline, suggest(baseline, state, "2026-01-05T00:00:00Z"))
    for verb in verbs:
        verb(Execution.of(file, "dq", window))

for line in sys.stdin:  # a process for each, as an executor's: what was imported once, none imports again
    if not (child := os.fork()):
        chain()
        os._exit(0)
    print(child, flush=True)
    print(os.waitpid(child, 0)[1], flush=True)
"""


def test_whoever_is_killed_leaves_only_whole_files_and_a_rerun_completes_them(tmp_path: Path) -> None:
    for hour in range(4):
        records = [record(f"{hour}-{i}", f"{i},x", "0.5", at(60 * hour + i / 40)) for i in range(1500)]
        capture(tmp_path / "capture", records, at(60 * hour), "00-00.jsonl.gz")
    (tmp_path / "b.csv").write_text("p,n,c\n" + "".join(f"0.5,{i},x\n" for i in range(2000)))
    (tmp_path / "temporary").mkdir()
    file = endpoint_file(tmp_path)
    command = [sys.executable, "-c", CHAIN, file, str(tmp_path / "b.csv"), written(at(0)), written(at(240))]
    environment = os.environ | {"TMPDIR": str(tmp_path / "temporary")}
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True, "bufsize": 1}
    with subprocess.Popen(command, env=environment, **pipes) as parent:
        asked, told = parent.stdin, parent.stdout
        assert asked and told

        kills = list[bool]()

        def run(kill_after: float | None = None) -> float:
            asked.write("again\n")
            child, started = int(told.readline()), time.monotonic()
            if kill_after is not None:
                time.sleep(kill_after)
                with suppress(ProcessLookupError):  # it was quicker than the first one
                    os.kill(child, signal.SIGKILL)
            how = int(told.readline())
            assert how in ((0,) if kill_after is None else (0, signal.SIGKILL))
            kills.append(how == signal.SIGKILL)
            return time.monotonic() - started

        run()
        lasts = run()  # the first one may be slower
        whole = contents(tmp_path / "out")
        shutil.rmtree(tmp_path / "out")
        moments = random.Random(7)
        for turn in range(6):
            if turn % 3 == 0:
                shutil.rmtree(tmp_path / "out", ignore_errors=True)
            run(kill_after=lasts * moments.uniform(0.05, 0.9))
            left = contents(tmp_path / "out") if (tmp_path / "out").exists() else {}
            assert {name: whole.get(name) for name in left} == left
        run()
        assert contents(tmp_path / "out") == whole
        assert sum(kills) >= 3
        asked.close()


def test_one_side_only_is_judged_under_its_names(tmp_path: Path) -> None:
    capture(tmp_path / "capture", [record(str(i), NO_SIDE, "0.5", at(1)) for i in range(20)])
    file = endpoint_file(tmp_path, columns={"outputs": ["p"], "inputs": ["n", "c"]})
    assert judge(file)["rows"] == 20
    features = json.loads((tmp_path / REPORT / "statistics.json").read_text())["features"]
    assert [feature["name"] for feature in features] == ["p"]


def test_each_report_and_each_baseline_has_a_page_with_the_same_bytes_each_time(tmp_path: Path) -> None:
    file = endpoint_file(tmp_path)
    traffic(tmp_path)
    version = Path(learn(tmp_path, file))
    judge(file)
    pages = [version / "report.html", tmp_path / REPORT / "report.html"]
    once = [page.read_bytes() for page in pages]
    assert all(b'class="small"' in page for page in once)
    assert version.name.encode() in once[0] and b"What is asked of each window" in once[0]
    assert Path(learn(tmp_path, file)) == version
    judge(file)
    assert [page.read_bytes() for page in pages] == once
