"""What every answer of the dashboard keeps to: who may ask, from where, and what a browser may do with it."""

from __future__ import annotations

from urllib.parse import urlsplit

from fastapi import HTTPException, Request

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


def refuse_other_sites(request: Request) -> None:
    """Refuse to change anything where another site's page made the browser ask. A program sends neither header."""
    if request.method in SAFE:
        return
    site, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin")
    is_own = site in OWN if site else origin is None or urlsplit(origin).netloc == request.headers.get("host")
    if not is_own:
        raise HTTPException(403, "another site's page asked for this; open the dashboard itself, and try again")
