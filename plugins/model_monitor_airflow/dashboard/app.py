"""The web application. Airflow does not guard the applications of plugins: here every path needs a login."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Annotated, Any, get_origin, get_type_hints

from fastapi import Depends, FastAPI, Form, HTTPException, Query
from fastapi.responses import JSONResponse, RedirectResponse, Response
from pydantic import BaseModel

from model_monitor.dashboard.page import File, Page
from model_monitor.dashboard.pages import FILES, PAGES, html
from model_monitor.dashboard.visit import Visit
from model_monitor_airflow.dashboard import answers, runs
from model_monitor_airflow.dashboard.actions import ACTIONS, Action
from model_monitor_airflow.dashboard.guards import HEADERS, logged_in, refuse_other_sites
from model_monitor_airflow.dashboard.visits import visit_of

ByVisit = Annotated[Visit, Depends(visit_of)]


def application() -> FastAPI:
    """Two routes for each page and each action, the files that pages need, and what leads from Airflow's runs here."""
    login = [Depends(logged_in), Depends(refuse_other_sites)]
    app = FastAPI(title="Model Monitor", docs_url=None, redoc_url=None, openapi_url=None, dependencies=login)
    for kind in answers.FAULTS:
        app.add_exception_handler(kind, answers.fault)
    for page in PAGES:
        app.get(page.path, include_in_schema=False)(as_page(page))
        model = get_type_hints(page.view)["return"]
        app.get(f"/api{page.path}", name=page.name, response_model=model)(as_json(page))
    for file in FILES:
        app.get(file.path, include_in_schema=False)(as_file(file))
    for action in ACTIONS:
        app.post(action.path, include_in_schema=False)(as_form(action))
        app.post(f"/api{action.path}")(as_call(action))
    app.get("/static/{name}", include_in_schema=False)(answers.asset)
    app.get("/api/openapi.json", include_in_schema=False)(lambda: JSONResponse(app.openapi(), headers=HEADERS))
    runs.add_routes(app)
    app.api_route("/{path:path}", methods=["GET", "POST"], include_in_schema=False)(nothing)
    return app


def nothing(path: str) -> None:
    """Any other address needs a login, too."""
    raise HTTPException(404, "there is no such page")


def as_page(page: Page) -> Callable[..., Response]:
    def endpoint(visit: Visit, **query: Any) -> Response:
        return answers.page(html(page, page.view(visit, **query), visit))

    return asking_as(page.view, endpoint)


def as_file(file: File) -> Callable[..., Response]:
    def endpoint(visit: Visit, **query: Any) -> Response:
        return answers.report(file.view(visit, **query))

    return asking_as(file.view, endpoint)


def as_json(page: Page) -> Callable[..., Response]:
    def endpoint(visit: Visit, **query: Any) -> Response:
        return answers.json_of(page.view(visit, **query))

    return asking_as(page.view, endpoint)


def asking_as(view: Callable[..., Any], endpoint: Callable[..., Response]) -> Callable[..., Response]:
    """Let FastAPI ask for what a view asks for: the visit, and by name what is in the path and the query."""
    hints = get_type_hints(view, include_extras=True)
    parameters = [
        parameter.replace(annotation=asked(hints[name]))
        for name, parameter in inspect.signature(view).parameters.items()
    ]
    endpoint.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    endpoint.__doc__ = view.__doc__
    return endpoint


def asked(kind: Any) -> Any:
    """What FastAPI asks for: a list is of the query too, which may name a parameter several times, and so is a form."""
    if kind is Visit:
        return ByVisit
    is_form = isinstance(kind, type) and issubclass(kind, BaseModel)
    return Annotated[kind, Query()] if is_form or get_origin(kind) is list else kind


def as_form(action: Action) -> Callable[..., Response]:
    def endpoint(visit: Visit, form: Any) -> Response:
        return RedirectResponse(action(visit, form), 303, headers=HEADERS)

    return taking(endpoint, Annotated[action.form, Form()])


def as_call(action: Action) -> Callable[..., Response]:
    def endpoint(visit: Visit, form: Any) -> Response:
        return JSONResponse({"address": action(visit, form)}, headers=HEADERS)

    return taking(endpoint, action.form)


def taking(endpoint: Callable[..., Response], form: Any) -> Callable[..., Response]:
    kinds = {"visit": ByVisit, "form": form}
    parameters = [
        inspect.Parameter(name, inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=kind)
        for name, kind in kinds.items()
    ]
    endpoint.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    return endpoint
