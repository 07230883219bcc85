"""Spark gives the answer of one process: the same rows, States and reports, from the same files."""

from __future__ import annotations

import os
import random
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.captures import HOUR, at, capture, endpoint_file, record
from support.loans import files_below
from support.shop import SCHEDULES, WINDOW, Traffic, judged, shop

from model_monitor import store
from model_monitor.config.engine import Cluster
from model_monitor.config.execution import Assignment, Execution
from model_monitor.engines.local import LOCAL
from model_monitor.errors import ConfigError, DataError
from model_monitor.jobs.collect_window import collect_window
from model_monitor.jobs.compute_metrics import compute_metrics, load_state
from model_monitor.jobs.engines import connected, engine_of

pytest.importorskip("pyspark")
if not shutil.which("java"):
    pytest.skip("Spark needs Java", allow_module_level=True)

pytestmark = [  # PySpark leaves sockets to the JVM to the garbage collector
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]
TESTS = Path(__file__).parents[1]
QUICK = {"spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1", "spark.sql.codegen.wholeStage": "false"}
HERE = Cluster("local[2]", tuple(QUICK.items()))  # compiles less, as each test is short


@pytest.fixture(scope="module", autouse=True)
def session() -> Iterator[None]:
    """Workers find this project and the tests' own modules; one session serves all."""
    before = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = os.pathsep.join(map(str, (TESTS.parent / "include", TESTS)))
    yield
    connected.cache_clear()
    from pyspark.sql import SparkSession

    if active := SparkSession.getActiveSession():
        active.stop()
    os.environ.pop("PYTHONPATH") if before is None else os.environ.update(PYTHONPATH=before)


def both(root: Path, file: str, names: Any = SCHEDULES) -> tuple[dict[str, bytes], dict[str, bytes]]:
    """All files below the endpoint's output, as this process and as Spark makes them at the same addresses."""
    found = []
    for cluster in (None, HERE):
        for name in names:
            judged(file, name, cluster)
        found.append(files_below(root / "out"))
        shutil.rmtree(root / "out")
    return found[0], found[1]


def same(root: Path, file: str, names: Any = SCHEDULES) -> dict[str, bytes]:
    local, spark = both(root, file, names)
    assert local.keys() == spark.keys()
    assert [path for path, content in local.items() if spark[path] != content] == []
    return local


@settings(max_examples=2)
@given(st.integers(0, 2**32), st.integers(0, 150))
def test_random_records_cut_and_shuffled_give_the_same_files_on_either_engine(seed: int, count: int) -> None:
    """Rows, labels, States, reports: every byte. Sketches are equal too, as they hold every value."""
    with tempfile.TemporaryDirectory() as folder:
        root, chance = Path(folder), random.Random(seed)
        Traffic.of(chance, count).put(root, chance)
        names = ["dq", chance.choice(["mq", "bias"])]
        made = same(root, shop(root, names), names)
        assert any(path.endswith("statistics.json") for path in made)


def test_every_monitor_judges_the_same_on_either_engine(tmp_path: Path) -> None:
    chance = random.Random(1)
    Traffic.of(chance, 400).put(tmp_path, chance)
    made = same(tmp_path, shop(tmp_path))
    assert {path.split("/")[2] for path in made if path.startswith("_states")} == SCHEDULES.keys()
    reports = [path.split("/") for path in made if path.startswith("churn/") and path.endswith("execution.json")]
    assert {path[1] for path in reports} == SCHEDULES.keys()


def test_a_large_window_has_equal_counts_and_moments_and_sketches_within_their_error(tmp_path: Path) -> None:
    values = np.random.default_rng(1).lognormal(size=90_000)
    for i, part in enumerate(np.array_split(values, 3)):
        given = [record(f"e{i}-{j}", f"{value!r},a", "0.5", at(j % 60)) for j, value in enumerate(part.tolist())]
        capture(tmp_path / "capture", given, name=f"{i}.jsonl")
    file = endpoint_file(tmp_path)
    execution = Execution.of(file, "dq", WINDOW)
    states = []
    for cluster in (None, HERE):
        one = execution.observed_on(cluster)
        collect_window(one)
        states.append(load_state(compute_metrics(one), one.monitor))
    local, spark = states
    assert local.rows == spark.rows == len(values)
    column, other = (state.state.columns.items["_c1"] for state in states)
    assert (column.numbers, column.kinds, column.words) == (other.numbers, other.kinds, other.words)
    for share in (0.001, 0.01, 0.25, 0.5, 0.9, 0.999):
        rank = (values <= other.quantiles.at(share)).mean()
        assert rank == pytest.approx(share, abs=0.005)


def test_results_too_large_to_return_are_handed_over_in_the_store_which_keeps_none_of_them(tmp_path: Path) -> None:
    engine = connected(HERE, str(tmp_path / "_spark"))
    engine.returned_bytes = 1000  # type: ignore[attr-defined]
    made = list(engine.blocks(iter, [range(3), range(3, 5)], lambda i: bytes([i]) * 2_000_000))
    assert [(len(one), one[0]) for one in made] == [(2_000_000, i) for i in range(5)]
    assert files_below(tmp_path) == {}


def test_an_error_of_ours_comes_back_as_it_was_after_what_was_before_it(tmp_path: Path) -> None:
    def work(i: int) -> int:
        if i == 3:
            raise DataError("the third is odd", evidence={"place": 3})
        return i

    results = connected(HERE, str(tmp_path)).each(work, range(9))
    assert [next(results) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(DataError, match="the third is odd") as caught:
        next(results)
    assert caught.value.evidence == {"place": 3}


def test_tables_of_parquet_and_delta_and_batch_transform_are_read_the_same(tmp_path: Path) -> None:
    deltalake = pytest.importorskip("deltalake")
    mapping = {"event_time": "ts", "event_id": "id", "inputs": ["age", "city"], "outputs": ["score"]}
    rows = pa.table(
        {
            "id": [f"e{i}" for i in range(200)],
            "ts": pa.array([at(i % 90) for i in range(200)], pa.timestamp("us", "UTC")),
            "age": list(range(200)),
            "city": ["a", None] * 100,
            "score": np.random.default_rng(1).random(200),
        }
    )
    (tmp_path / "parquet").mkdir()
    for i in range(3):
        pq.write_table(rows.slice(i * 70, 70), tmp_path / f"parquet/{i}.parquet", row_group_size=30)
    deltalake.write_deltalake(str(tmp_path / "delta"), rows)
    deltalake.DeltaTable(str(tmp_path / "delta")).delete("age = 7")
    transform = tmp_path / "jobs" / "output" / HOUR.strftime("%Y/%m/%d/%H") / "job.json"
    transform.parent.mkdir(parents=True)
    (tmp_path / "a.out").write_text("".join(f"{i},a,0.5\n" for i in range(50)))
    transform.write_text(f'[{{"prefix": "{tmp_path}/"}}, "a.out"]')
    sources: dict[str, dict[str, Any]] = {
        "parquet": {"kind": "table", "uri": str(tmp_path / "parquet"), "format": "parquet", "mapping": mapping},
        "delta": {"kind": "table", "uri": str(tmp_path / "delta"), "format": "parquet", "mapping": mapping},
        "batch": {"kind": "batch", "uri": str(tmp_path / "jobs"), "format": {"Csv": {"Header": False}}},
    }
    counts = {}
    for kind, source in sources.items():
        file = endpoint_file(tmp_path, capture=source, window="PT2H", output=str(tmp_path / "out"))
        made = same(tmp_path, file, ["dq"])
        path = next(path for path in made if path.endswith("/03/rows.parquet"))
        counts[kind] = pq.read_metadata(pa.BufferReader(made[path])).num_rows
    assert counts == {"parquet": 140, "delta": 139, "batch": 50}


def test_the_engine_is_that_of_the_endpoint_file_or_of_defaults_or_this_process(tmp_path: Path) -> None:
    plain = Assignment.load(endpoint_file(tmp_path), "dq")
    assert engine_of(plain) is LOCAL
    (tmp_path / "defaults.yaml").write_text("engine: {spark: spark_prod}\n")
    with pytest.raises(ConfigError, match="'spark_prod' is a connection"):
        engine_of(Assignment.load(endpoint_file(tmp_path), "dq"))
    (tmp_path / "defaults.yaml").write_text('engine: {spark: "local[2]"}\n')
    assert engine_of(Assignment.load(endpoint_file(tmp_path), "dq")).is_remote
    store.delete(str(tmp_path / "defaults.yaml"))
