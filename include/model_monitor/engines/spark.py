"""Do the work of a window on a Spark cluster: the same functions, in tasks around ``mapInArrow``.

A task gets a function and some addresses. Spark runs it again where its worker died, and results are read in the order
of the items: the answer is that of one process. Executors need this package, and their own access to the store.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import reduce
from io import BytesIO
from itertools import chain, islice
from operator import add
from typing import Any, TypeVar, cast
from uuid import uuid4

import numpy as np
import pyarrow as pa
from py4j.protocol import Py4JError
from pyspark import cloudpickle
from pyspark.errors import PySparkException
from pyspark.sql import DataFrame, SparkSession

from model_monitor import store
from model_monitor.core.monitor import Observer, S
from model_monitor.core.states import dump, load
from model_monitor.engines.engine import KEY, Found, Wanted
from model_monitor.errors import MonitorError, StoreError, shortened
from model_monitor.store.ahead import ahead
from model_monitor.store.unfinished import PART

T = TypeVar("T")
B = TypeVar("B")
R = TypeVar("R")

TASKS_AT_ONCE = 16  # of one job, whose results the driver holds
PIECES_AT_ONCE = 16  # row groups that one task observes
CELL_BYTES = 1 << 20  # of one cell of a data frame
LENGTH = 8  # bytes of a number in a frame

OF_ONE_MACHINE = {
    "spark.driver.host": "127.0.0.1",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.ui.enabled": "false",
    "spark.sql.shuffle.partitions": "8",
}
OF_DRIVERS = {"spark.ui.showConsoleProgress": "false", "spark.driver.memory": "2g", "spark.driver.maxResultSize": "2g"}
RETURNED = {"task": pa.int32(), "returned": pa.binary(), "address": pa.string()}
SQL_TYPES = {pa.int32(): "int", pa.int64(): "bigint", pa.string(): "string", pa.binary(): "binary"}

Outcome = tuple[bool, Any]  # whether it is a result; else it is the error


class Spark:
    """The engine of a cluster. ``scratch`` is a folder that driver and executors reach: there, results of a task larger
    than ``returned_bytes`` are handed over."""

    is_remote = True
    returned_bytes = 32 << 20

    def __init__(self, session: SparkSession, scratch: str) -> None:
        self.session, self.scratch, self.slots = session, scratch, slots_of(session)

    @classmethod
    def at(cls, url: str, settings: Mapping[str, str], scratch: str) -> Spark:
        """The cluster at an URL: Spark Connect's ``sc://``, or a master's. Raises StoreError if it does not answer."""
        builder = SparkSession.builder.appName("model-monitor")
        defaults: dict[str, str] = {}
        if url.startswith("sc://"):
            builder = builder.remote(url)
        else:
            builder, defaults = builder.master(url), OF_DRIVERS
        if url.startswith("local"):
            defaults = defaults | OF_ONE_MACHINE | {"spark.pyspark.python": sys.executable}
        chosen = defaults | dict(settings)
        if python := chosen.get("spark.pyspark.python"):  # which only spark-submit reads
            os.environ["PYSPARK_PYTHON"] = python
        for name, value in chosen.items():
            builder = builder.config(name, value)
        with answering():
            return cls(builder.getOrCreate(), scratch)

    def each(self, work: Callable[[T], R], items: Iterable[T], /) -> Iterator[R]:
        return self.streamed(lambda item: [work(item)], items)

    def blocks(
        self, read: Callable[[Sequence[T]], Iterable[B]], groups: Iterable[Sequence[T]], work: Callable[[B], R]
    ) -> Iterator[R]:
        return self.streamed(lambda group: map(work, read(group)), groups)

    def fold(self, monitor: Observer[S], pieces: Iterable[T], rows: Callable[[T], Iterable[Any]]) -> S:
        """States travel as they are stored, and are added here, in the order of the pieces."""
        observed = self.streamed(lambda piece: (dump(monitor.observe(b)) for b in rows(piece)), pieces, PIECES_AT_ONCE)
        return reduce(add, (load(state, monitor.empty) for state in observed), monitor.empty)

    def matching(
        self,
        read: Callable[[Sequence[T], Wanted], Iterable[Found]],
        groups: Sequence[Sequence[T]],
        keys: Callable[[str], np.ndarray],
        addresses: Sequence[str],
        form: pa.Schema,
    ) -> Iterator[Found]:
        """A semi-join of Spark's. A part without its rows travels in a row of its own, whose key is null."""
        if not groups or not addresses:
            return
        whole = pa.schema([*form, ("part", pa.binary())])

        def found(number: int) -> Iterator[pa.RecordBatch]:
            for is_result, part in attempted(lambda group: read(group, every), groups[number]):
                table = part.rows() if is_result else form.empty_table()
                rest = framed((is_result, part.without_rows() if is_result else part))
                yield from in_form(table, whole)
                yield from in_form(pa.table({"part": pa.array([rest], pa.binary())}), whole)

        def wanted(number: int) -> Iterator[pa.RecordBatch]:
            yield pa.record_batch([pa.array(np.unique(keys(addresses[number])).view(np.int64))], ["wanted"])

        def packed(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
            return (pa.record_batch([pa.array([written(batch)], pa.binary())], ["batch"]) for batch in batches)

        rows = self.tasks(found, len(groups), whole)
        ids = self.tasks(wanted, len(addresses), pa.schema({"wanted": pa.int64()}))
        ids = ids.union(self.session.range(1).selectExpr("CAST(NULL AS BIGINT) AS wanted"))
        joined = rows.join(ids, rows[KEY].eqNullSafe(ids["wanted"]), "left_semi")
        with answering():
            cells = joined.mapInArrow(packed, "batch binary").collect()
        table = pa.concat_tables([whole.empty_table(), *(pa.ipc.open_stream(cell[0]).read_all() for cell in cells)])
        is_part = table.column("part").is_valid()
        frames = b"".join(table.filter(is_part).column("part").to_pylist())
        parts: list[Found] = list(results_in(BytesIO(frames)))
        yield from parts
        if parts:
            yield parts[0].holding(table.filter(pa.compute.invert(is_part)).drop_columns(["part"]))

    def streamed(self, work: Callable[[T], Iterable[R]], items: Iterable[T], items_at_once: int = 1) -> Iterator[R]:
        """All that work makes of each item, in the order of the items."""
        function, folder = cloudpickle.dumps(work), store.join(self.scratch, PART + uuid4().hex)
        jobs = runs(runs(map(cloudpickle.dumps, items), items_at_once), min(self.slots, TASKS_AT_ONCE))
        workers = 1 + self.slots // TASKS_AT_ONCE
        try:
            for outcomes in ahead(lambda job: self.done(function, *job, folder), enumerate(jobs), workers):
                for returned, address in outcomes:
                    with store.open_file(address) if address else BytesIO(returned) as stream:
                        yield from results_in(stream)
        finally:
            for file in store.list_files(folder):
                store.delete(file.address)

    def done(self, function: bytes, job: int, tasks: Sequence[Sequence[bytes]], folder: str) -> list[tuple[bytes, str]]:
        """What each task of a job returns: its results, or where they are."""

        limit = self.returned_bytes

        def task(number: int) -> Iterator[pa.RecordBatch]:
            for returned, address in worked(function, tasks[number], store.join(folder, f"{job}-{number}"), limit):
                columns = {"task": [number], "returned": [returned], "address": [address]}
                yield pa.RecordBatch.from_pydict(columns, pa.schema(RETURNED))

        with answering():
            rows = self.tasks(task, len(tasks), pa.schema(RETURNED)).collect()
        outcomes: list[tuple[bytes, str]] = []
        for number in range(len(tasks)):
            own = [row for row in rows if row[0] == number]
            outcomes.append((b"".join(row[1] for row in own), own[0][2]))
        return outcomes

    def tasks(self, task: Callable[[int], Iterator[pa.RecordBatch]], count: int, form: pa.Schema) -> DataFrame:
        """What a number of tasks, each called with its own number, make."""
        columns = ", ".join(f"{field.name} {SQL_TYPES[field.type]}" for field in form)

        def map_batches(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
            return (result for batch in batches for number in batch.column(0).to_pylist() for result in task(number))

        return cast(DataFrame, self.session.range(0, count, 1, count).mapInArrow(map_batches, columns))


def slots_of(session: SparkSession) -> int:
    """How many tasks a cluster runs at once, as far as it says so."""
    if isinstance(session, SparkSession):
        return int(session.sparkContext.defaultParallelism)
    places = session.range(0, 1 << 16).selectExpr("spark_partition_id() AS place").agg({"place": "max"})
    return 1 + int(places.collect()[0][0])


@contextmanager
def answering() -> Iterator[None]:
    """Turn Spark's errors into a StoreError: it may answer the next time."""
    try:
        yield
    except (PySparkException, Py4JError) as error:
        raise StoreError(f"Spark could not do it: {shortened(str(error), 2000)}") from error


def worked(function: bytes, items: Sequence[bytes], address: str, limit: int) -> Iterator[tuple[bytes, str]]:
    """On an executor: the frames of what a function makes of items, a cell at a time; or the address of those that are
    more bytes than a limit."""
    work = cloudpickle.loads(function)
    made = chain.from_iterable(attempted(work, cloudpickle.loads(item)) for item in items)
    frames = map(framed, made)
    first: list[bytes] = []
    size = 0
    for frame in frames:
        first.append(frame)
        size += len(frame)
        if size > limit:
            with store.writing(address) as path, path.open("wb") as file:
                file.writelines(chain(first, frames))
            yield b"", address
            return
    content = b"".join(first)
    for start in range(0, max(1, size), CELL_BYTES):
        yield content[start : start + CELL_BYTES], ""


def attempted(work: Callable[[T], Iterable[R]], item: T) -> Iterator[Outcome]:
    """What work makes of an item; an error of ours would come again, so that the driver gets it as it is."""
    try:
        for result in work(item):
            yield True, result
    except MonitorError as error:
        error.__cause__ = error.__context__ = None
        yield False, error


def framed(outcome: Outcome) -> bytes:
    """An outcome as bytes, after their number, compressed and not."""
    plain = cloudpickle.dumps(outcome)
    packed = pa.compress(plain, "lz4", asbytes=True)
    return b"".join((len(packed).to_bytes(LENGTH), len(plain).to_bytes(LENGTH), packed))


def results_in(stream: Any) -> Iterator[Any]:
    """The results in frames. Raises what a task raised."""
    while length := stream.read(LENGTH):
        size = int.from_bytes(stream.read(LENGTH))
        plain = pa.decompress(stream.read(int.from_bytes(length)), size, "lz4", asbytes=True)
        is_result, result = cloudpickle.loads(plain)
        if not is_result:
            raise result
        yield result


def runs(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """Items in lists of a size; the last may be shorter."""
    rest = iter(items)
    return iter(lambda: list(islice(rest, size)), [])


def every(ids: np.ndarray) -> np.ndarray:
    return np.ones(len(ids), bool)


def in_form(table: pa.Table, form: pa.Schema) -> list[pa.RecordBatch]:
    """Rows with all columns of a form; those that they lack are null."""
    whole = pa.concat_tables([form.empty_table(), table], promote_options="default")
    batches: list[pa.RecordBatch] = whole.combine_chunks().to_batches()
    return batches


def written(batch: pa.RecordBatch) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, batch.schema) as writer:
        writer.write_batch(batch)
    content: bytes = sink.getvalue().to_pybytes()
    return content
