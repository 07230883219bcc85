"""From a DAG or a run of Airflow to what the dashboard knows of it, and to the report that the run made."""

from __future__ import annotations

from typing import Annotated

from airflow.api_fastapi.auth.managers.models.resource_details import DagAccessEntity
from airflow.api_fastapi.core_api.security import requires_access_dag
from fastapi import Depends, FastAPI, HTTPException
from fastapi.responses import RedirectResponse

from model_monitor.dashboard.visit import Visit
from model_monitor_airflow.dag_settings import BASELINE
from model_monitor_airflow.dashboard.guards import HEADERS
from model_monitor_airflow.dashboard.visits import visit_of

NOT_YET = "this run has no report yet; its tasks' logs say why"
ByVisit = Annotated[Visit, Depends(visit_of)]


def add_routes(app: FastAPI) -> None:
    """The routes that name a DAG or a run."""
    may_see_dag = Depends(requires_access_dag(method="GET"))
    may_see_run = Depends(requires_access_dag(method="GET", access_entity=DagAccessEntity.RUN))
    app.get("/dag/{dag_id}", dependencies=[may_see_dag], include_in_schema=False)(of_dag)
    app.get("/run/{dag_id}/{run_id:path}", dependencies=[may_see_run], include_in_schema=False)(of_run)
    app.get("/report/{dag_id}/{run_id:path}", dependencies=[may_see_run], include_in_schema=False)(of_report)


def of_dag(dag_id: str, visit: ByVisit) -> RedirectResponse:
    """The page of the endpoint whose schedule, or whose baseline, a DAG is."""
    schedule = dag_id.removesuffix(BASELINE)
    endpoint = visit.endpoint_of(schedule)
    return there(visit.links.endpoint(endpoint.endpoint, variant=endpoint.variant, schedule=schedule))


def of_run(dag_id: str, run_id: str, visit: ByVisit) -> RedirectResponse:
    """The page of the execution that a run was."""
    endpoint = visit.endpoint_of(dag_id)
    window = window_of_run(dag_id, run_id)
    if window is None:
        return of_dag(dag_id, visit)
    return there(visit.links.execution(endpoint.endpoint, dag_id, *window))


def there(address: str) -> RedirectResponse:
    return RedirectResponse(address, 303, headers=HEADERS)


def of_report(dag_id: str, run_id: str, visit: ByVisit) -> RedirectResponse:
    """The page of the report that a run made."""
    endpoint, window = visit.endpoint_of(dag_id), window_of_run(dag_id, run_id)
    if window is None:
        raise HTTPException(404, NOT_YET)
    return there(visit.links.report(endpoint.endpoint, dag_id, *window))


def window_of_run(dag_id: str, run_id: str) -> list[str] | None:
    """The ends of the window whose report the task *alert* of a run told of; None if it did not come to that."""
    from airflow.utils.session import create_session

    from model_monitor_airflow.run_notes import result_of

    with create_session() as session:
        result = result_of(dag_id, run_id, "alert", session)
    return str(result["window"]).split("/") if result and "report" in result and "window" in result else None
