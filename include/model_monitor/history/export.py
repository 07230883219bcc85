"""Write the history for tools that read files: the views as Parquet, or each metric as a curve of TensorBoard."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import sqlalchemy as sa
from sqlalchemy.orm import Session

from model_monitor import store
from model_monitor.errors import ConfigError
from model_monitor.history.tables import Metric, Moment, Schedule
from model_monitor.history.views import VIEWS

AT_ONCE = 50_000  # rows
SUFFIX = ".model-monitor"  # of the names of event files, by which the next export knows its own


def to_parquet(session: Session, folder: str) -> list[str]:
    """Write each view as ``{view}.parquet`` into a folder, local or in an object store; their addresses. Raises
    StoreError."""
    addresses = []
    for view in VIEWS:
        schema = pa.schema([(column.name, type_of(column.type)) for column in view.columns])
        address = store.join(folder, f"{view.name}.parquet")
        with store.writing(address) as path, pq.ParquetWriter(path, schema, compression="zstd") as writer:
            for rows in chunks(session, sa.select(view)):
                writer.write_batch(pa.RecordBatch.from_pylist([dict(row) for row in rows], schema))
        addresses.append(address)
    return addresses


def type_of(kind: sa.types.TypeEngine[Any]) -> pa.DataType:
    if isinstance(kind, Moment):
        return pa.timestamp("us", "UTC")
    types = {sa.Double: pa.float64(), sa.BigInteger: pa.int64(), sa.Boolean: pa.bool_()}
    return types.get(type(kind), pa.string())


def chunks(session: Session, statement: Any) -> Iterator[Any]:
    """The rows of a statement, as mappings, without holding all of them."""
    options = {"yield_per": AT_ONCE}
    yield from session.execute(statement, execution_options=options).mappings().partitions()


def to_tensorboard(session: Session, folder: str) -> int:
    """Write each metric of each schedule as a curve over its windows into ``folder/endpoint/schedule``, in place of the
    curves of an earlier export; how many points. The step counts windows. Raises ConfigError without tensorboardX."""
    try:
        from tensorboardX import SummaryWriter
    except ImportError as error:
        raise ConfigError("--tensorboard needs tensorboardX: pip install 'model-monitor[tensorboard]'") from error
    points = 0
    for schedule in session.scalars(sa.select(Schedule).order_by(Schedule.endpoint, Schedule.name)):
        place = Path(folder, schedule.endpoint, schedule.name)
        for old in place.glob(f"events.*{SUFFIX}"):
            old.unlink()
        with SummaryWriter(str(place), filename_suffix=SUFFIX) as writer:
            for step, row in steps(session, schedule.id):
                writer.add_scalar(tag_of(row), row["value"], step, row["window_start"].timestamp())
                points += 1
    return points


def steps(session: Session, schedule: int) -> Iterator[tuple[int, Any]]:
    """The numbers of a schedule in the order of its windows, each with the number of its window."""
    names = (Metric.execution_id, Metric.window_start, Metric.name, Metric.column_name, Metric.segment, Metric.value)
    statement = sa.select(*names).where(Metric.schedule_id == schedule, Metric.value.is_not(None))
    step, current = -1, None
    for rows in chunks(session, statement.order_by(Metric.window_start, Metric.execution_id, Metric.position)):
        for row in rows:
            step, current = step + (row["execution_id"] != current), row["execution_id"]
            yield step, row


def tag_of(row: Any) -> str:
    """The name of a curve: metric, column and segment."""
    return "/".join(filter(None, (row["name"], row["column_name"], row["segment"])))
