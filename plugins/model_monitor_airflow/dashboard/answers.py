"""What is answered: pages, JSON, files that pages need, and errors in a person's words."""

from __future__ import annotations

from functools import cache
from http import HTTPStatus
from importlib.resources import files

from fastapi import HTTPException, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse, Response
from starlette.exceptions import HTTPException as StarletteHTTPException

from model_monitor.dashboard.page import Shown
from model_monitor.dashboard.pages import notice
from model_monitor.dashboard.reports import policy_of
from model_monitor.dashboard.visit import NoSuchPage, NotAllowed
from model_monitor.errors import ConfigError, DataError, MonitorError, StoreError
from model_monitor_airflow.dashboard.guards import HEADERS
from model_monitor_airflow.dashboard.viewer import Nobody
from model_monitor_airflow.dashboard.visits import visit_by

CODES: dict[type[Exception], int] = {
    NoSuchPage: 404,
    NotAllowed: 403,
    ConfigError: 422,
    DataError: 422,
    StoreError: 503,
}
KINDS = {"css": "text/css", "js": "text/javascript"}
FAULTS: tuple[type[Exception], ...] = (MonitorError, RequestValidationError, StarletteHTTPException)


def page(text: str, status: int = 200) -> HTMLResponse:
    return HTMLResponse(text, status, headers=HEADERS)


def report(text: bytes) -> HTMLResponse:
    """A page of its own, ``report.html``, which may do nothing in a browser but be looked at."""
    own = {"Content-Security-Policy": policy_of(text), "Referrer-Policy": "no-referrer"}
    return HTMLResponse(text, headers=HEADERS | own)


def json_of(shown: Shown) -> Response:
    """A model as JSON; numbers that are none become null."""
    return Response(shown.model_dump_json(), media_type="application/json", headers=HEADERS)


@cache
def assets() -> dict[str, bytes]:
    """The files that pages need, by name."""
    folder = files("model_monitor.dashboard") / "static"
    return {file.name: file.read_bytes() for file in folder.iterdir() if file.is_file()}


def asset(name: str) -> Response:
    if name not in assets():
        raise HTTPException(404, "there is no such file")
    kind = KINDS[name.rpartition(".")[2]]
    return Response(assets()[name], media_type=kind, headers=HEADERS | {"Cache-Control": "private, max-age=300"})


def fault(request: Request, error: Exception) -> Response:
    """An error as JSON to who asked for JSON, else as a page."""
    code = code_of(error)
    words = sentence_of(error)
    if is_json(request):
        return JSONResponse({"detail": words}, code, headers=HEADERS)
    visit = visit_by(request, Nobody())
    return page(notice(visit, HTTPStatus(code).phrase, words), code)


def is_json(request: Request) -> bool:
    """Whether an address below the app starts with ``/api/``."""
    root = request.scope.get("root_path", "")
    return str(request.scope["path"]).removeprefix(root).startswith("/api/")


def code_of(error: Exception) -> int:
    if isinstance(error, StarletteHTTPException):
        return error.status_code
    if isinstance(error, RequestValidationError):
        return 422
    return next((code for kind, code in CODES.items() if isinstance(error, kind)), 500)


def sentence_of(error: Exception) -> str:
    """What is wrong, without what was sent."""
    if isinstance(error, StarletteHTTPException):
        return "log in to Airflow first" if error.status_code == 401 else str(error.detail)
    if isinstance(error, RequestValidationError):
        return "; ".join(f"{'.'.join(map(str, entry['loc'][1:]))}: {entry['msg']}" for entry in error.errors())
    return str(error)
