"""Every write is known to have happened: whichever step of an upload is refused, and however."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import BotoCoreError, ClientError
from support.captures import at, capture, endpoint_file, record
from support.faults import uploads
from support.refusing_s3 import STEPS, Bucket, Refusal, serving

from model_monitor import jobs, store
from model_monitor.config.execution import Assignment
from model_monitor.core.window import Window
from model_monitor.errors import StoreError
from model_monitor.recorder.sending.destinations import destination_at
from model_monitor.rows.sources.datasets import Dataset

OLD, NEW = b"old", b"new"
WINDOW = Window(at(0), at(60))


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[Bucket]:
    for name, value in uploads.ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    with serving() as server:
        yield server


REFUSALS = [  # all but what PyArrow itself tries again for half a minute or more
    (step, answer)
    for step in STEPS
    for answer in uploads.ANSWERS
    if answer not in ("timeout", "503 with a page") and (step, answer) != ("complete", "200 with a page")
]


@pytest.mark.parametrize(("step", "answer"), REFUSALS)
def test_a_refused_step_is_an_error_and_the_old_object_stays(bucket: Bucket, step: str, answer: str) -> None:
    assert uploads.outcome(bucket, step, answer) == []
    address = bucket.at("report/execution.json")
    store.write(address, NEW)
    assert bucket.objects["report/execution.json"] == NEW


@pytest.mark.parametrize("step", ["start", "part"])
def test_a_store_that_says_yes_to_half_a_file_of_the_same_size_is_not_believed(bucket: Bucket, step: str) -> None:
    address = bucket.at("a.json")
    store.write(address, OLD)
    bucket.refusal = uploads.refusal(step, "200 without a body")
    with pytest.raises(StoreError, match="holds another one or none"):
        store.write(address, OLD[::-1])


@pytest.mark.parametrize("answer", [name for name in uploads.ANSWERS if name != "200 without a body"])
def test_a_record_is_sent_again_unless_the_store_has_it(bucket: Bucket, answer: str) -> None:
    """The recorder puts its files by boto3, and sends again what raises."""
    destination = destination_at(bucket.at("captures"))
    bucket.refusal = uploads.refusal("put", answer)
    if answer == "timeout":
        bucket.refusal.seconds = 0  # it waits for a minute; then there is no answer
        bucket.refusal.status = None
    with pytest.raises((OSError, BotoCoreError, ClientError)):
        destination.put("a.jsonl", NEW)
    assert bucket.refused and not bucket.objects
    bucket.refusal = None
    destination.put("a.jsonl", NEW)
    assert bucket.objects == {"captures/a.jsonl": NEW}


def test_a_later_part_of_a_large_file_that_is_refused_is_an_error(bucket: Bucket) -> None:
    address, large = bucket.at("rows.parquet"), b"x" * (25 << 20)
    store.write(address, OLD)
    bucket.refusal = Refusal("part", 403, after=1)
    with pytest.raises(StoreError):
        store.write(address, large)
    assert bucket.objects["rows.parquet"] == OLD
    bucket.refusal = None
    store.write(address, large)
    assert bucket.objects["rows.parquet"] == large


def test_half_a_file_is_never_completed(bucket: Bucket) -> None:
    """The local file can't be read to its end, and the process ends, which destroys the stream."""
    store.write(bucket.at("a.json"), OLD)
    script = """
import sys
from pathlib import Path
from model_monitor.store import files, uploads
system, path = files.located(sys.argv[1])
class Broken:
    def __enter__(self): return self
    def __exit__(self, *error): ...
    def read(self, size, chunks=[b"half"]):
        if chunks: return chunks.pop()
        raise OSError(5, "a broken disk")
class Part:
    def open(self, mode): return Broken()
try:
    uploads.publish(Part(), system, path)
except OSError as error:
    print(error)
"""
    command = [sys.executable, "-c", script, bucket.at("a.json")]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.stdout == "[Errno 5] a broken disk\n", done.stderr
    assert bucket.objects["a.json"] == OLD


def test_a_full_disk_is_a_store_to_try_again() -> None:
    with pytest.raises(StoreError, match="can't be written: No space left on device"), store.writing("/tmp/x") as path:
        path.unlink()
        path.symlink_to("/dev/full")
        path.write_bytes(b"x")


def write_traffic(folder: Path, bucket: Bucket) -> Assignment:
    capture(
        folder / "capture", [record(f"e{i}", f"{i % 7},{'ab'[i % 2]}\n", str(i % 10 / 10), at(i)) for i in range(60)]
    )
    (folder / "b.csv").write_text("p,n,c\n" + "".join(f"{i % 10 / 10},{i % 7},{'ab'[i % 2]}\n" for i in range(60)))
    file = endpoint_file(folder, output=bucket.at("out"), columns={"outputs": ["p"], "inputs": ["n", "c"]})
    return Assignment.load(file, "dq")


Step = Callable[[Assignment, dict[str, Any]], Any]
VERBS: dict[str, Step] = {
    "observe_baseline": lambda a, made: jobs.observe_baseline(a, Dataset.at(made["dataset"], "csv")),
    "suggest_constraints": lambda a, made: jobs.suggest_constraints(a, made["observe_baseline"], ""),
    "publish_baseline": lambda a, made: jobs.publish_baseline(a, made["suggest_constraints"]),
    "collect_window": lambda a, made: jobs.collect_window(a.on(WINDOW)),
    "compute_metrics": lambda a, made: jobs.compute_metrics(a.on(WINDOW)),
    "evaluate_constraints": lambda a, made: jobs.evaluate_constraints(a.on(WINDOW)),
}


@pytest.mark.parametrize(("step", "answer"), [("part", "403"), ("complete", "403"), ("start", "200 with a page")])
def test_no_verb_ends_well_while_the_store_refuses(bucket: Bucket, tmp_path: Path, step: str, answer: str) -> None:
    assignment = write_traffic(tmp_path, bucket)
    made: dict[str, Any] = {"dataset": str(tmp_path / "b.csv")}
    for name, verb in VERBS.items():
        before = dict(bucket.objects)
        bucket.refusal = uploads.refusal(step, answer)
        with pytest.raises(StoreError):
            verb(assignment, made)
        assert bucket.objects.items() >= before.items(), f"{name} changed what was there"
        bucket.refusal = None
        made[name] = verb(assignment, made)
    assert jobs.alert(assignment.on(WINDOW))["status"] == "Completed"
