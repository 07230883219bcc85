"""What is the address of a page? Names are quoted; columns, metrics and segments are in the query, not in the path."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote, urlencode

from model_monitor.core.window import iso


@dataclass(frozen=True)
class Links:
    """The addresses below a root, e.g. ``/model-monitor``. A static site has a subclass with addresses of files, and a
    ``remark`` that its pages make.

    ``airflow``: the address of Airflow's own pages, without a slash at its end; None outside of Airflow.
    """

    root: str = ""
    remark: str = ""
    airflow: str | None = None

    def page(self, path: str, query: Mapping[str, Any] | None = None) -> str:
        """The address of a page whose path is quoted; absent values are left out of the query."""
        given = {name: written(value) for name, value in (query or {}).items() if value not in (None, "")}
        return f"{self.root}{path}" + (f"?{urlencode(given, quote_via=quote)}" if given else "")

    def asset(self, name: str) -> str:
        return f"{self.root}/static/{name}"

    def models(self, **query: Any) -> str:
        return self.page("/", query)

    def endpoint(self, endpoint: str, **query: Any) -> str:
        return self.page(f"/endpoints/{segment(endpoint)}", query)

    def column(self, endpoint: str, column: str, **query: Any) -> str:
        return self.page(f"/endpoints/{segment(endpoint)}/column", {"column": column} | query)

    def metric(self, endpoint: str, schedule: str, metric: str, **query: Any) -> str:
        return self.page(f"/endpoints/{segment(endpoint)}/metric", {"schedule": schedule, "metric": metric} | query)

    def baselines(self, endpoint: str, schedule: str, **query: Any) -> str:
        return self.page(f"/endpoints/{segment(endpoint)}/baselines/{segment(schedule)}", query)

    def execution(self, endpoint: str, schedule: str, start: datetime | str, end: datetime | str, **query: Any) -> str:
        span = f"{segment(written(start))}/{segment(written(end))}"
        return self.page(f"/endpoints/{segment(endpoint)}/executions/{segment(schedule)}/{span}", query)

    def report(self, endpoint: str, schedule: str, start: datetime | str, end: datetime | str, **query: Any) -> str:
        span = f"{segment(written(start))}/{segment(written(end))}"
        return self.page(f"/endpoints/{segment(endpoint)}/executions/{segment(schedule)}/{span}/report.html", query)

    def baseline_report(self, endpoint: str, schedule: str, version: str) -> str:
        path = f"/endpoints/{segment(endpoint)}/baselines/{segment(schedule)}/report.html"
        return self.page(path, {"version": version})

    def new(self, query: Mapping[str, Any] | None = None) -> str:
        """The form *New monitor*, of which lists are in the query too."""
        pairs = [(k, v) for k, vs in (query or {}).items() for v in (vs if isinstance(vs, list | tuple) else [vs])]
        filled = [(key, value) for key, value in pairs if value or isinstance((query or {})[key], list | tuple)]
        return self.page("/new") + (f"?{urlencode(filled, quote_via=quote)}" if filled else "")

    def dag(self, dag_id: str) -> str:
        """Airflow's page about a DAG."""
        return f"{self.airflow}/dags/{segment(dag_id)}"

    def required_actions(self, dag_id: str) -> str:
        """Airflow's page of what a person has to decide in the runs of a DAG."""
        return f"{self.dag(dag_id)}/required_actions"

    def executions(self, **query: Any) -> str:
        return self.page("/executions", query)

    def alerts(self, **query: Any) -> str:
        return self.page("/alerts", query)


def segment(name: str) -> str:
    """A name as one segment of a path; dots alone would go up a folder. Airflow's frame asks for a page a second time
    if a colon in its path is quoted."""
    return quote(name, safe=":") if name.strip(".") else name.replace(".", "%2E")


def written(value: Any) -> str:
    return iso(value) if isinstance(value, datetime) else str(value)
