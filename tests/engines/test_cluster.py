"""A cluster of a master and two workers, of which one is killed in the middle, gives the answer of one process.

``make test-spark`` runs this; it takes too long for every run of the suite.
"""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import psutil
import pytest
from support.loans import files_below
from support.recorded import free_port
from support.shop import Traffic, judged, shop

from model_monitor.config.engine import Cluster
from model_monitor.jobs.engines import connected
from model_monitor.rows import blocks

pyspark = pytest.importorskip("pyspark")
if not os.environ.get("SPARK_CLUSTER"):
    pytest.skip("make test-spark starts the cluster", allow_module_level=True)

pytestmark = [  # PySpark leaves sockets to the JVM to the garbage collector
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]
TESTS = Path(__file__).parents[1]
WORKERS = 2
ENOUGH = 6  # jobs before a worker is killed


def started(folder: Path, name: str, *arguments: str) -> subprocess.Popen[bytes]:
    """A process of Spark's standalone mode, with all that it starts in one group."""
    command = [str(Path(pyspark.__file__).parent / "bin/spark-class"), f"org.apache.spark.deploy.{name}", *arguments]
    paths = os.pathsep.join(map(str, (TESTS.parent / "include", TESTS)))
    own = {"PYTHONPATH": paths, "SPARK_WORKER_DIR": str(folder / "work")}
    with (folder / f"{name.rpartition('.')[2]}-{time.time_ns()}.log").open("wb") as log:
        return subprocess.Popen(
            command, env=os.environ | own, stdout=log, stderr=log, cwd=folder, start_new_session=True
        )


def ended(process: subprocess.Popen[bytes]) -> None:
    """Kill a process and what it started, which may be in groups of their own."""
    if process.poll() is None:
        for one in [*psutil.Process(process.pid).children(recursive=True), psutil.Process(process.pid)]:
            with suppress(psutil.NoSuchProcess):
                one.kill()
    process.wait()


@contextmanager
def cluster(folder: Path) -> Iterator[tuple[str, list[subprocess.Popen[bytes]]]]:
    """The URL of a master on loopback, and its workers of one core each."""
    port = free_port()
    url = f"spark://127.0.0.1:{port}"
    with ExitStack() as stack:
        places = ["--host", "127.0.0.1", "--port", str(port), "--webui-port", "0"]
        master = started(folder, "master.Master", *places)
        stack.callback(ended, master)
        workers = []
        for _ in range(WORKERS):
            one = started(
                folder, "worker.Worker", "--host", "127.0.0.1", "--webui-port", "0", "-c", "1", "-m", "1g", url
            )
            stack.callback(ended, one)
            workers.append(one)
        yield url, workers


def kill_in_the_middle(worker: subprocess.Popen[bytes], killed: threading.Event) -> None:
    """Wait until some jobs are done and both workers are busy with another; then kill one with its executor."""
    from pyspark.sql import SparkSession

    while not killed.is_set():
        active = SparkSession._instantiatedSession
        if active and active.sparkContext._jsc:
            tracker = active.sparkContext.statusTracker()
            stages = [tracker.getStageInfo(stage) for stage in tracker.getActiveStageIds()]
            is_busy = any(stage and stage.numActiveTasks == WORKERS for stage in stages)
            if is_busy and len(tracker.getJobIdsForGroup()) >= ENOUGH:
                ended(worker)
                killed.set()
        time.sleep(0.02)


def test_a_worker_that_is_killed_in_the_middle_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocks, "GROUP_BYTES", 1 << 10)  # many tasks of little work
    chance = random.Random(3)
    for _ in range(12):
        Traffic.of(chance, 300).put(tmp_path, chance)
    names = ["dq", "mq"]
    file = shop(tmp_path, names)
    for name in names:
        judged(file, name, None)
    local = files_below(tmp_path / "out")
    shutil.rmtree(tmp_path / "out")
    logs = tmp_path / "spark"
    logs.mkdir()
    with cluster(logs) as (url, workers):
        settings = {
            "spark.driver.host": "127.0.0.1",
            "spark.driver.bindAddress": "127.0.0.1",
            "spark.ui.enabled": "false",
        }
        settings |= {"spark.executor.memory": "512m", "spark.sql.shuffle.partitions": "8"}
        settings |= {"spark.pyspark.python": sys.executable}
        killed = threading.Event()
        killer = threading.Thread(target=kill_in_the_middle, args=(workers[0], killed), daemon=True)
        killer.start()
        for name in names:
            judged(file, name, Cluster(url, tuple(settings.items())))
        was_killed = killed.is_set()
        killed.set()
        killer.join()
        connected.cache_clear()
        from pyspark.sql import SparkSession

        SparkSession.getActiveSession().stop()
    assert was_killed, "the cluster was done before a worker could be killed"
    spark = files_below(tmp_path / "out")
    assert local.keys() == spark.keys()
    assert [path for path, content in local.items() if spark[path] != content] == []
