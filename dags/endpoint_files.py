"""Can every endpoint file be read?

Holds no DAG: what is wrong with an endpoint file is this file's import error. Raised in ``monitors.py``, it would take
down the DAGs of all other endpoints too, as Airflow keeps none of a file that raises.
"""

from __future__ import annotations

from airflow.sdk import get_parsing_context

from model_monitor.errors import ConfigError
from model_monitor_airflow.schedules import problems

if get_parsing_context().dag_id is None and (wrong := problems()):
    raise ConfigError("\n".join(wrong))
