"""Emulators of Google's and Microsoft's stores on this machine, that a test can stop and restart.

gcp-storage-emulator is installed with the other test packages. Azurite comes from npm: ``npm install azurite``, with
its ``azurite-blob`` on the PATH or named by AZURITE. The tests of a missing emulator are skipped.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from support.seaweed import free_port

HERE = str(Path(sys.executable).parent)
GOOGLE = shutil.which("gcp-storage-emulator") or shutil.which("gcp-storage-emulator", path=HERE)
AZURITE = os.environ.get("AZURITE") or shutil.which("azurite-blob")
ACCOUNT = "devstoreaccount1"
KEY = (
    "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="  # published by Microsoft
)


@dataclass
class Emulator:
    """An emulator, and the address of its bucket or container, called lake."""

    command: list[str]
    folder: Path
    port: int
    address: str
    running: subprocess.Popen[bytes] | None = field(default=None)

    def at(self, path: str, query: str = "") -> str:
        """An address below the bucket."""
        place, _, own = self.address.partition("?")
        return f"{place}/{path}?{own}{query}"

    def start(self) -> None:
        with (self.folder / "log").open("ab") as log:
            self.running = subprocess.Popen(self.command, stdout=log, stderr=log, cwd=self.folder)
        ends = time.monotonic() + 60
        while True:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
                return
            assert self.running.poll() is None and time.monotonic() < ends, (self.folder / "log").read_text()
            time.sleep(0.05)

    def stop(self) -> None:
        if self.running:
            self.running.kill()
            self.running.wait(10)

    @contextlib.contextmanager
    def frozen(self) -> Iterator[None]:
        """The emulator accepts connections but does not answer."""
        assert self.running
        self.running.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self.running.send_signal(signal.SIGCONT)


def google(folder: Path) -> Emulator:
    if GOOGLE is None:
        pytest.skip("gcp-storage-emulator is not installed")
    port = free_port()
    command = [GOOGLE, "start", "-H", "127.0.0.1", "--port", str(port), "--default-bucket", "lake", "--quiet"]
    query = f"endpoint_override=127.0.0.1:{port}&scheme=http&retry_limit_seconds=2"
    return Emulator(command, folder, port, f"gs://anonymous@lake?{query}")


def azure(folder: Path) -> Emulator:
    """Needs its key in the environment."""
    if AZURITE is None:
        pytest.skip("azurite is not installed: npm install azurite, and name its azurite-blob by AZURITE")
    port = free_port()
    command = [AZURITE, "--blobHost", "127.0.0.1", "--blobPort", str(port), "--location", str(folder), "--silent"]
    command += ["--disableTelemetry", "--skipApiVersionCheck"]  # PyArrow speaks a newer one
    query = f"blob_storage_authority=127.0.0.1:{port}&dfs_storage_authority=127.0.0.1:{port}&enable_tls=false"
    return Emulator(command, folder, port, f"abfs://lake@{ACCOUNT}.dfs.core.windows.net?{query}")


EMULATORS = {"gs": google, "abfs": azure}
