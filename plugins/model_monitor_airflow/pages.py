"""The report of a run as a page inside Airflow, for those who may see the run."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from airflow.sdk import BaseOperatorLink

if TYPE_CHECKING:
    from airflow.sdk.types import TaskInstanceKey
    from fastapi import FastAPI

PREFIX = "/model-monitor"
ALONE = {  # what a report may do in a browser: nothing but be looked at
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'self'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


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


class Pages:
    """The web application, built when it is first asked: every Airflow process imports the plugin, one serves it."""

    @cached_property
    def app(self) -> FastAPI:
        return application()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await self.app(scope, receive, send)


def application() -> FastAPI:
    """Airflow does not guard the applications of plugins, so each route asks its auth manager itself."""
    from airflow.api_fastapi.auth.managers.models.resource_details import DagAccessEntity
    from airflow.api_fastapi.core_api.security import requires_access_dag
    from fastapi import Depends, FastAPI, HTTPException
    from fastapi.responses import HTMLResponse

    app = FastAPI(title="Model Monitor", docs_url=None, redoc_url=None, openapi_url=None)
    may_see_run = Depends(requires_access_dag(method="GET", access_entity=DagAccessEntity.RUN))

    @app.get("/report/{dag_id}/{run_id:path}", dependencies=[may_see_run], response_model=None)
    def report(dag_id: str, run_id: str) -> HTMLResponse:
        """The page of the report that a run made."""
        folder = report_of(dag_id, run_id)
        page = page_in(folder) if folder else None
        if page is None:
            raise HTTPException(404, "this run has no report yet; its tasks' logs say why")
        return HTMLResponse(page, headers=ALONE)

    return app


def report_of(dag_id: str, run_id: str) -> str | None:
    """The folder that the task *alert* of a run named; None if it did not come to that."""
    from airflow.utils.session import create_session

    from model_monitor_airflow.run_notes import result_of

    with create_session() as session:
        result = result_of(dag_id, run_id, "alert", session)
    return str(result["report"]) if result and "report" in result else None


def page_in(folder: str) -> bytes | None:
    """``report.html`` of a report; None if it is gone."""
    from model_monitor import jobs

    page: bytes | None = jobs.page_in(folder)
    return page
