"""Can every endpoint file be read?

This file holds no DAG: its import error lists what is wrong with the endpoint files. Airflow drops every DAG of a file
that raises, so the same error in ``monitors.py`` would take down the DAGs of all other endpoints.
"""

from __future__ import annotations

from airflow.sdk import get_parsing_context

from model_monitor.errors import ConfigError
from model_monitor_airflow.schedules import problems

if get_parsing_context().dag_id is None and (wrong := problems()):
    raise ConfigError("\n".join(wrong))
