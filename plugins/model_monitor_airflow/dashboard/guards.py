"""What every answer of the dashboard keeps to: who may ask, from where, and what a browser may do with it."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import urlsplit

from airflow.api_fastapi.core_api.security import get_user
from fastapi import Depends, HTTPException, Request

SAFE = ("GET", "HEAD", "OPTIONS")
OWN = ("same-origin", "none")  # "none": a person typed the address
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "font-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'self'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
}


def logged_in(user: Annotated[Any, Depends(get_user)]) -> Any:
    """The user of a request. Keycloak's auth manager finds none for a login of Airflow's without one of Keycloak's."""
    if user is None:
        raise HTTPException(401)
    return user


def refuse_other_sites(request: Request) -> None:
    """Refuse to change anything where another site's page made the browser ask. A program sends neither header."""
    if request.method in SAFE:
        return
    site, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin")
    is_own = site in OWN if site else origin is None or urlsplit(origin).netloc == request.headers.get("host")
    if not is_own:
        raise HTTPException(403, "another site's page asked for this; open the dashboard itself, and try again")
