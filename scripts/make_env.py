"""Write .env for docker-compose.yaml: the secrets that .env.example asks for, and what endpoint files name.

python3 scripts/make_env.py

Needs nothing but Python. A .env that is there stays as it is: another key would make Airflow's connections unreadable.
"""

from __future__ import annotations

import base64
import os
import re
import secrets
import sys
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[1]
NAME = r"[A-Za-z_][A-Za-z0-9_]*"
MADE = {
    "POSTGRES_PASSWORD": lambda: secrets.token_urlsafe(24),
    "AIRFLOW_ADMIN_PASSWORD": lambda: secrets.token_urlsafe(24),
    "AIRFLOW__CORE__FERNET_KEY": lambda: base64.urlsafe_b64encode(os.urandom(32)).decode(),
    "AIRFLOW__API__SECRET_KEY": lambda: secrets.token_urlsafe(48),
    "AIRFLOW__API_AUTH__JWT_SECRET": lambda: secrets.token_urlsafe(64),
}


def filled(example: str) -> str:
    """The example with a new secret after each name that stands for one. Raises KeyError for an unknown one."""
    return re.sub(rf"^({NAME})=$", lambda line: f"{line[1]}={MADE[line[1]]()}", example, flags=re.MULTILINE)


def named_in(endpoint_files: list[Path]) -> dict[str, str]:
    """The variables that endpoint files name, each with the default that they give it, "" without one."""
    texts = "\n".join(path.read_text(errors="replace") for path in endpoint_files)
    return dict(re.findall(rf"\$\{{({NAME})(?::-([^}}]*))?\}}", texts))


def main() -> int:
    target = PROJECT / ".env"
    if target.exists():
        print(f"{target} is there already; it stays as it is", file=sys.stderr)
        return 1
    text = filled((PROJECT / ".env.example").read_text())
    endpoints = sorted((PROJECT / "include/endpoints").glob("*.yaml"))
    others = {
        name: d for name, d in named_in(endpoints).items() if not re.search(rf"^(# )?{name}=", text, re.MULTILINE)
    }
    if others:
        text += "\n# Named in your endpoint files.\n"
        text += "".join(f"# {name}={default}\n" if default else f"{name}=\n" for name, default in others.items())
    with os.fdopen(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    print(f"{target}: secrets are made; the password of Airflow's user admin is AIRFLOW_ADMIN_PASSWORD in it")
    if missing := [name for name, default in others.items() if not default]:
        print(f"Still to be filled in, as your endpoint files name them without a default: {', '.join(missing)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
