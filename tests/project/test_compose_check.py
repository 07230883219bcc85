"""Does `make compose-check` leave nothing behind, whatever happens, and touch nothing of others?

A script stands in for Docker's command line, writes down what it is asked, and fails or hangs as a test wants.
"""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from support.places import PROJECT

CHECK = PROJECT / "scripts/compose_check.py"
STACK = "compose --project-name model-monitor-check"
DOCKER = """#!/bin/sh
echo "$*" >> "$CALLS"
case "$*" in
    *" build") cat .env > "$CALLS.env"; env > "$CALLS.environment"; ls include/endpoints >> "$CALLS.endpoints"; %s ;;
    *" ps --all --quiet") %s ;;
esac
"""


class Docker:
    """The stand-in, which runs a shell command at a build, and another when it lists containers."""

    def __init__(self, folder: Path, build: str, containers: str = "true") -> None:
        self.log = folder / "calls"
        binary = folder / "bin/docker"
        binary.parent.mkdir()
        binary.write_text(DOCKER % (build, containers))
        binary.chmod(0o755)
        own = {"PATH": f"{binary.parent}:{os.environ['PATH']}", "CALLS": str(self.log), "TMPDIR": str(folder)}
        self.environment = os.environ | own | {"POSTGRES_PASSWORD": "of-the-shell", "COMPOSE_FILE": "others.yaml"}

    def check(self) -> subprocess.Popen[str]:
        command = [sys.executable, CHECK]
        return subprocess.Popen(command, env=self.environment, stderr=subprocess.PIPE, text=True)

    @property
    def calls(self) -> list[str]:
        return self.log.read_text().splitlines() if self.log.exists() else []


def test_without_an_engine_it_says_what_to_do(tmp_path):
    environment = os.environ | {"DOCKER_HOST": f"unix://{tmp_path}/none.sock"}
    done = subprocess.run([sys.executable, CHECK], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "no Docker engine answers: start one, or name one with DOCKER_HOST" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_failure_is_told_and_the_stack_is_taken_down_with_its_volumes(tmp_path):
    docker = Docker(tmp_path, "echo no such package >&2; exit 17")
    with docker.check() as checking:
        _, complaint = checking.communicate()
    assert checking.returncode == 1
    assert "docker compose build ended with 17:\nno such package" in complaint
    assert docker.calls[-1] == f"{STACK} down --volumes --timeout 30"
    assert not list(tmp_path.glob("model-monitor-check-*")), "the folder with the secrets is gone"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_whoever_ends_it_leaves_nothing_behind(number, tmp_path):
    docker = Docker(tmp_path, "exec sleep 60")
    with docker.check() as checking:
        while f"{STACK} build" not in docker.calls:
            assert checking.poll() is None
            time.sleep(0.05)
        checking.send_signal(number)
        checking.communicate(timeout=20)
    assert checking.returncode == 128 + number
    assert docker.calls[-1] == f"{STACK} down --volumes --timeout 30"
    assert not list(tmp_path.glob("model-monitor-check-*"))


def test_the_containers_of_another_check_are_left_alone(tmp_path):
    docker = Docker(tmp_path, "true", containers="echo 0123456789ab")
    with docker.check() as checking:
        _, complaint = checking.communicate()
    assert checking.returncode == 1
    assert "docker compose -p model-monitor-check down --volumes" in complaint
    assert docker.calls == ["compose version", f"{STACK} ps --all --quiet"]


def test_secrets_port_image_and_endpoint_are_its_own(tmp_path):
    docker = Docker(tmp_path, "exit 1")
    with docker.check() as checking:
        checking.communicate()
    values = dict(
        line.split("=", 1) for line in Path(f"{docker.log}.env").read_text().splitlines() if line[:1].isupper()
    )
    assert len(values["POSTGRES_PASSWORD"]) >= 20
    assert values["MODEL_MONITOR_TAG"] == "check"
    assert int(values["AIRFLOW_PORT"]) != 8080
    inherited = Path(f"{docker.log}.environment").read_text().splitlines()
    assert not any(line.startswith(("POSTGRES_PASSWORD=", "COMPOSE_FILE=")) for line in inherited)
    assert Path(f"{docker.log}.endpoints").read_text() == "flights.yaml\n"
    assert all(call.startswith((STACK, "compose version")) for call in docker.calls)
