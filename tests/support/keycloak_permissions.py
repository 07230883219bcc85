"""What users of Airflow's Keycloak auth manager get from the dashboard, as JSON:
``python keycloak_permissions.py FOLDER``.

The auth manager and its middleware are the provider's. Instead of Keycloak, a server on loopback answers what they ask
it: whether the bearer of an access token has a permission, with the DAG's id among the claims (Keycloak's Authorization
Services Guide, "Obtaining permissions" and "Pushing claims").
"""

from __future__ import annotations

import base64
import json
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs

sys.path.insert(0, str(Path(__file__).parents[1]))
from support.permissions import HIDDEN, SEEN, answers, describe, rights, set_up

MANAGER = "airflow.providers.keycloak.auth_manager.keycloak_auth_manager.KeycloakAuthManager"
REALM, CLIENT, ROOT = "models", "airflow", "/model-monitor"
GRANT = "urn:ietf:params:oauth:grant-type:uma-ticket"
GRANTED = {  # by user, the scopes of the resource Dag, and of which DAG; None: of DAGs in general
    "reader": {("GET", SEEN)},
    "editor": {("GET", SEEN), ("PUT", SEEN)},
    "nobody": set(),
    "all": {(method, dag) for method in ("GET", "PUT", "POST", "LIST") for dag in (SEEN, HIDDEN, None)},
}


class Keycloak(BaseHTTPRequestHandler):
    """The token endpoint of a realm, as far as it decides on permissions."""

    def do_POST(self) -> None:
        asked = {name: values[0] for name, values in parse_qs(self.body.decode()).items()}
        user = user_in(self.headers["Authorization"].removeprefix("Bearer "))
        resource, _, method = asked["permission"].partition("#")
        claims = json.loads(base64.b64decode(asked["claim_token"])) if "claim_token" in asked else {}
        [dag] = claims.get("resource_id", [None])
        is_understood = (asked["grant_type"], asked["audience"], resource) == (GRANT, CLIENT, "Dag")
        assert is_understood and self.path == f"/realms/{REALM}/protocol/openid-connect/token"
        is_granted = (method, dag) in GRANTED[user]
        self.answer(200 if is_granted else 403, {"upgraded": False} if is_granted else {"error": "access_denied"})

    @property
    def body(self) -> bytes:
        return self.rfile.read(int(self.headers["Content-Length"]))

    def answer(self, status: int, content: object) -> None:
        self.send_response(status)
        self.end_headers()
        self.wfile.write(json.dumps(content).encode())

    def log_message(self, format: str, *args: object) -> None:
        """Nothing."""


def token_of(user: str) -> str:
    """An access token as Keycloak's are: a JSON Web Token. Nobody but Keycloak checks the signature."""
    parts = ({"alg": "RS256"}, {"sub": user, "exp": int(time.time()) + 3600})
    return ".".join([*(base64.urlsafe_b64encode(json.dumps(part).encode()).decode() for part in parts), "signature"])


def user_in(token: str) -> str:
    return str(json.loads(base64.urlsafe_b64decode(token.split(".")[1] + "=="))["sub"])


def main(folder: Path, server: ThreadingHTTPServer) -> None:
    settings = {
        "SERVER_URL": f"http://127.0.0.1:{server.server_port}",
        "REALM": REALM,
        "CLIENT_ID": CLIENT,
        "CLIENT_SECRET": "secret",
    }
    set_up(folder, MANAGER, **{f"AIRFLOW__KEYCLOAK_AUTH_MANAGER__{name}": value for name, value in settings.items()})
    describe(folder)
    from airflow.api_fastapi.app import create_auth_manager
    from airflow.providers.keycloak.auth_manager.user import KeycloakAuthManagerUser
    from fastapi import FastAPI
    from fastapi.testclient import TestClient

    from model_monitor_airflow.dashboard.app import application

    manager = create_auth_manager()
    manager.init()
    users = {
        name: KeycloakAuthManagerUser(user_id=name, name=name, access_token=token_of(name), refresh_token=None)
        for name in GRANTED
    }
    app = FastAPI()
    for middleware, options in manager.get_fastapi_middlewares():
        app.add_middleware(middleware, **options)
    app.mount(ROOT, application())
    client = TestClient(app, follow_redirects=False)
    browsers = {
        name: {"_token": manager.generate_jwt(user), "_access_token": user.access_token} for name, user in users.items()
    }
    programs = {name: {"_token": manager.generate_api_jwt(user)} for name, user in users.items()}
    mixed = {
        "other": browsers["reader"] | {"_access_token": token_of("all")},
        "none": {"_token": browsers["reader"]["_token"]},
    }
    found = {
        "pages": answers(client, browsers, ROOT),
        "of_programs": answers(client, programs, ROOT),
        "of_another_s_token": answers(client, mixed, ROOT)["other"],
        "without_keycloak_s": answers(client, mixed, ROOT)["none"],
        "viewers": rights(users),
    }
    print(json.dumps(found))


if __name__ == "__main__":
    with ThreadingHTTPServer(("127.0.0.1", 0), Keycloak) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        main(Path(sys.argv[1]), server)
        server.shutdown()
