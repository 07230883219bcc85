"""Which engine reads and observes a schedule's rows?"""

from __future__ import annotations

from functools import cache

from model_monitor import store
from model_monitor.config.engine import Cluster
from model_monitor.config.execution import Assignment
from model_monitor.engines.engine import Engine
from model_monitor.engines.local import LOCAL
from model_monitor.errors import ConfigError


def engine_of(assignment: Assignment) -> Engine:
    """The engine of a schedule: the cluster that its endpoint file names, else this process. Raises ConfigError, and
    StoreError if the cluster does not answer."""
    cluster = assignment.cluster
    return LOCAL if cluster is None else connected(cluster, store.join(assignment.endpoint.output, "_spark"))


@cache
def connected(cluster: Cluster, scratch: str) -> Engine:
    """A connection for all that this process does there."""
    try:
        from model_monitor.engines.spark import Spark  # brings PySpark, which only those need who name a cluster
    except ModuleNotFoundError as error:
        raise ConfigError(f"engine: spark needs PySpark ({error.name}); pip install 'model-monitor[spark]'") from error
    return Spark.at(cluster.url, dict(cluster.settings), scratch)
