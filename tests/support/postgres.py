"""A real PostgreSQL server on this machine, which a test can stop and restart; from Debian's package ``postgresql``.

The tests that need it are skipped where its binaries are absent.
"""

from __future__ import annotations

import os
import pwd
import signal
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory

import psycopg2
import pytest

from support.emulators import Emulator
from support.seaweed import free_port

BINARIES = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
PASSWORD = "pg-PASSWORD-1"
numbers = count()


@dataclass
class Postgres(Emulator):
    """A server with the user ``monitor``; its address is that of a database."""

    def start(self) -> None:
        super().start()
        ends = time.monotonic() + 60
        while True:
            try:
                psycopg2.connect(self.address).close()
                return
            except psycopg2.OperationalError:  # it accepts connections before it answers
                assert time.monotonic() < ends
                time.sleep(0.05)

    def stop(self) -> None:
        if self.running:
            self.running.send_signal(signal.SIGINT)
            self.running.wait(30)

    def new_database(self) -> str:
        """The URL of an empty database."""
        name = f"history_{os.getpid()}_{next(numbers)}"
        connection = psycopg2.connect(self.address)
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(f"CREATE DATABASE {name}")
        connection.close()
        return self.address.rpartition("/")[0] + f"/{name}"


def as_user(command: list[str], owner: str) -> list[str]:
    """The command as another user, because PostgreSQL refuses root."""
    if os.geteuid():
        return command
    return ["setpriv", f"--reuid={owner}", f"--regid={pwd.getpwnam(owner).pw_gid}", "--clear-groups", *command]


def server(folder: Path, durable: bool = False) -> Postgres:
    """A server with its files in a folder, not yet started; ``durable`` ones flush to disk."""
    if not BINARIES:
        pytest.skip("PostgreSQL is not installed: apt-get install postgresql")
    owner = "postgres" if any(user.pw_name == "postgres" for user in pwd.getpwall()) else "nobody"
    if not os.geteuid():
        os.chown(folder, pwd.getpwnam(owner).pw_uid, -1)
    password = folder / "password"
    password.write_text(PASSWORD)
    password.chmod(0o644)
    data = folder / "data"
    init = [str(BINARIES[-1]), "-D", str(data), "-U", "monitor", "-A", "scram-sha-256", f"--pwfile={password}"]
    subprocess.run(as_user([*init, "-E", "UTF8", "--no-sync"], owner), check=True, capture_output=True, cwd=folder)
    port = free_port()
    settings = {"listen_addresses": "127.0.0.1", "port": port, "unix_socket_directories": "", "max_connections": 60}
    settings |= {} if durable else {"fsync": "off"}
    options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
    command = as_user([str(BINARIES[-1].with_name("postgres")), "-D", str(data), *options], owner)
    return Postgres(command, folder, port, f"postgresql://monitor:{PASSWORD}@127.0.0.1:{port}/postgres")


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A server that all tests of the session share."""
    with TemporaryDirectory(prefix="postgres-") as folder:
        one = server(Path(folder))
        one.start()
        try:
            yield one
        finally:
            one.stop()


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty database of each kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/history.sqlite"
    server: Postgres = request.getfixturevalue("postgres")
    return server.new_database()
