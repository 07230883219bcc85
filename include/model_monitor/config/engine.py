"""Where are rows read and observed? In the process of their task, or on a Spark cluster."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from pydantic import Field

from model_monitor.config.fields import Settings
from model_monitor.errors import ConfigError

URL = re.compile(r"local(\[[^]]+])?|yarn|(spark|sc|k8s)://\S+")


class Engine(Settings):
    """What reads and observes rows."""

    spark: str = Field(
        min_length=1,
        description="The Airflow connection of a Spark cluster (Spark Connect, or Spark), or an URL: sc://HOST, "
        "spark://HOST:7077, k8s://..., yarn, local[2]",
    )

    @property
    def is_connection(self) -> bool:
        """Whether ``spark`` names a connection, rather than being an URL."""
        return URL.fullmatch(self.spark) is None


@dataclass(frozen=True)
class Cluster:
    """How a Spark cluster is reached: the URL of Spark Connect or of a master, and settings of Spark, by name. Both may
    hold secrets, so neither is shown."""

    url: str = field(repr=False)
    settings: tuple[tuple[str, str], ...] = field(default=(), repr=False)


def cluster_of(engine: Engine | None) -> Cluster | None:
    """The cluster of an engine that is an URL; None if there is no engine. Raises ConfigError."""
    if engine is None:
        return None
    if engine.is_connection:
        raise ConfigError(
            f"engine.spark: '{engine.spark}' is a connection, which only Airflow's tasks know; by hand write an URL, "
            "e.g. --spark 'local[2]'"
        )
    return Cluster(engine.spark)
