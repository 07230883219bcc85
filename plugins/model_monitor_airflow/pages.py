"""Where Airflow shows what the monitors found: the address of a run's report, and the pages in its navigation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from airflow.sdk import BaseOperatorLink

if TYPE_CHECKING:
    from airflow.sdk.types import TaskInstanceKey

PREFIX = "/model-monitor"
VIEWS: list[dict[str, str]] = [  # one field that Airflow does not know, and it leaves the whole plugin out
    {"name": "Models", "href": f"{PREFIX}/", "destination": "nav", "url_route": "models"},
    {"name": "Monitor", "href": f"{PREFIX}/dag/{{DAG_ID}}", "destination": "dag", "url_route": "monitor"},
    {
        "name": "Verdict",
        "href": f"{PREFIX}/run/{{DAG_ID}}/{{RUN_ID}}",
        "destination": "dag_run",
        "url_route": "verdict",
    },
]


def page_address(dag_id: str, run_id: str) -> str:
    """Where the page of a run's report is, by Airflow's ``[api] base_url``."""
    from airflow.configuration import conf

    base = conf.get("api", "base_url", fallback="") or ""
    return f"{base.rstrip('/')}{PREFIX}/report/{quote(dag_id, safe='')}/{quote(run_id, safe='')}"


class ReportLink(BaseOperatorLink):
    """The button *Report* on the task that told of a window."""

    name = "Report"

    def get_link(self, operator: Any, *, ti_key: TaskInstanceKey) -> str:
        return page_address(ti_key.dag_id, ti_key.run_id)
