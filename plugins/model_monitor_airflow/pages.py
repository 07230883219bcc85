"""Where Airflow shows what the monitors found: the addresses of a window's page and report, and what is in its
navigation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from airflow.sdk import BaseOperatorLink

if TYPE_CHECKING:
    from airflow.sdk.types import TaskInstanceKey

    from model_monitor.config.execution import Execution

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
PANELS: list[dict[str, str]] = [
    {  # the component has this name; the address is below Airflow's own, wherever that is
        "name": "Model Monitor",
        "bundle_url": f"{PREFIX}/static/panel.js".removeprefix("/"),
        "destination": "dashboard",
        "url_route": "model-monitor-panel",
    },
]


def base_url() -> str:
    """Airflow's address for people, by its ``[api] base_url``; "" if that is not set."""
    from airflow.configuration import conf

    return (conf.get("api", "base_url", fallback="") or "").rstrip("/")


def addresses_of(execution: Execution) -> dict[str, str]:
    """Where a window's page and its ``report.html`` are: paths below Airflow's address if that is not known."""
    from model_monitor.dashboard.links import Links

    links, window = Links(f"{base_url()}{PREFIX}"), execution.window
    about = execution.endpoint.endpoint, execution.schedule.name, window.start, window.end
    return {"page": links.execution(*about), "html": links.report(*about)}


class RunLink(BaseOperatorLink):
    """Base of the buttons on the task that told of a window: each leads to what the dashboard knows of the run."""

    route: str

    def get_link(self, operator: Any, *, ti_key: TaskInstanceKey) -> str:
        run = f"{quote(ti_key.dag_id, safe='')}/{quote(ti_key.run_id, safe='')}"
        return f"{base_url()}{PREFIX}/{self.route}/{run}"


class PageLink(RunLink):
    """The page of the window."""

    name, route = "Page", "run"


class ReportLink(RunLink):
    """``report.html``."""

    name, route = "Report", "report"
