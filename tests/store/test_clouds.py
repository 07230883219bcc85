"""Do ``gs://`` and ``abfs://`` keep what ``s3://`` and a disk do, for the store, the recorder and the collector?"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pyarrow.parquet as pq
import pytest
from pyarrow import fs
from support.captures import endpoint_file
from support.emulators import ACCOUNT, EMULATORS, KEY, Emulator
from support.places import INCLUDE
from test_store import (  # noqa: F401 - the same tests, in these stores
    WRITER,
    below,
    test_a_local_copy_holds_the_files_below_an_address,
    test_a_root_may_itself_have_a_name_that_is_no_data,
    test_an_exception_while_writing_leaves_what_was_there,
    test_names_that_are_no_data_are_not_listed,
    test_slashes_at_the_seams_and_twice_in_a_row_do_not_matter,
    test_what_is_written_is_read_and_listed,
    test_writing_again_replaces_and_deleting_removes,
)

from model_monitor import jobs, store
from model_monitor.__main__ import main
from model_monitor.config.execution import Execution
from model_monitor.core.window import Window
from model_monitor.errors import ConfigError, StoreError
from model_monitor.recorder import Recorder
from model_monitor.recorder.sending.destinations import destination_at
from model_monitor.store import addresses, azure, files, folders

OURS = os.environ | {"PYTHONPATH": str(INCLUDE)}
CSV = {"input_content_type": "text/csv", "output_content_type": "text/csv"}


@pytest.fixture(scope="module", params=EMULATORS)
def cloud(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    emulator = EMULATORS[request.param](tmp_path_factory.mktemp(request.param))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AZURE_STORAGE_KEY", KEY)
        emulator.start()
        try:
            store.located(emulator.address)[0].create_dir("lake")
            yield emulator
        finally:
            emulator.stop()


@pytest.fixture
def root(cloud: Emulator, tmp_path: Path) -> str:
    return cloud.at(f"{tmp_path.name}/new folder")


def ids(address: str) -> Counter[str]:
    content = [line for file in store.list_files(address) for line in store.read(file.address).split(b"\n")]
    return Counter(json.loads(line)["eventMetadata"]["eventId"] for line in content if line)


def until(done: Callable[[], Any], seconds: float = 60) -> None:
    ends = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < ends, "it did not come to that"
        time.sleep(0.02)


@pytest.mark.parametrize("how", ["told", "killed"])
def test_a_writer_that_is_told_to_end_or_killed_leaves_the_old_file_or_the_new_one(root: str, how: str) -> None:
    address = store.write(store.join(root, "large"), b"0" * (16 << 20))
    for turn, moment in enumerate((0.002, 0.03, 0.08, 0.15), start=1):
        command = [sys.executable, "-c", WRITER, address, str(turn), str(moment), how]
        subprocess.run(command, stderr=subprocess.DEVNULL, timeout=60, check=False)
        content = store.read(address)
        assert len(content) == 16 << 20 and content.count(content[:1]) == len(content)
        assert below(root) == ["large"]


def test_a_reader_sees_the_old_file_or_the_new_one(root: str) -> None:
    """An upload by PyArrow to Azure used to show an empty file until it was done."""
    address = store.write(store.join(root, "state"), b"0" * 1000)

    def rewritten() -> None:
        for turn in range(40):
            store.write(address, b"%d" % (turn % 10) * 1000)

    with ThreadPoolExecutor(1) as pool:
        writer = pool.submit(rewritten)
        seen = [store.read(address)]
        while not writer.done():
            seen.append(store.read(address))
        writer.result()
    assert {(len(content), len(set(content))) for content in seen} == {(1000, 1)}
    assert below(root) == ["state"]
    assert [entry.path for entry in folders.folder_at(root).below("")] == ["state"], "nothing is left of the uploads"


def test_a_file_is_read_at_random(root: str) -> None:
    address = store.write(store.join(root, "a"), bytes(range(250)) * 1000)
    with store.open_file(address) as file:
        file.seek(200_005)
        assert store.read_on(file, address, 10) == bytes(range(5, 15))


def test_folders_are_listed_and_deleted(root: str) -> None:
    for name in ("x/1", "x/y/2", "z"):
        store.write(store.join(root, name), b"1")
    folder = folders.folder_at(root)
    assert {(entry.path, entry.kind) for entry in folder.inside()} == {("x", "folder"), ("z", "file")}
    folder.delete(["z", "x/y/2"])
    folder.delete_empty("x/y")
    folder.delete_all("x", ["x/1"])
    assert folder.below("") == [] and store.list_files(root) == []


def test_what_a_recorder_captures_is_what_the_collector_reads(root: str, tmp_path: Path) -> None:
    moment = datetime.now(UTC)
    capture = store.join(root, "capture")
    with Recorder("churn", capture, spool=tmp_path / "spool", gzip=True, flush_interval=0.05) as recorder:
        for i in range(200):
            recorder.record(f"{i},a é", f"{i / 200}", **CSV, event_id=f"e{i:03}", event_time=moment)
        assert recorder.flush(60)
        assert recorder.counters()["sent"] == 200
    file = endpoint_file(tmp_path, capture={"uri": capture}, output=store.join(root, "out"))
    hour = moment.replace(minute=0, second=0, microsecond=0)
    window = Window(hour, hour + timedelta(hours=1))
    document = json.loads(store.read(jobs.collect_window(Execution.of(file, "dq", window))))
    assert not document["rejected"]
    tables = [pq.read_table(store.open_file(address)) for address in document["partitions"]]
    rows = [row for table in tables for row in table.to_pylist()]
    assert Counter(row["@event_id"] for row in rows) == Counter(f"e{i:03}" for i in range(200))
    jobs.compute_metrics(Execution.of(file, "dq", window))
    report = jobs.evaluate_constraints(Execution.of(file, "dq", window))
    assert store.read(store.join(report, "statistics.json"))


def test_a_forked_worker_has_connections_of_its_own(root: str, tmp_path: Path) -> None:
    """The parent has used its own before, and goes on using it while it forks."""
    recorder = Recorder("churn", root, spool=tmp_path, flush_interval=0.01, roll_seconds=0.02)
    recorder.record(b"1", b"2", event_id="first")
    assert recorder.flush(60) and store.list_files(root)
    children = []
    for n in range(4):
        if not (child := os.fork()):
            code = 1
            try:  # nothing of pytest's may run in here
                for i in range(20):
                    recorder.record(b"1", b"2", event_id=f"child{n}-{i}")
                code = 0 if recorder.close(60) else 2
            finally:
                os._exit(code)
        children.append(child)
        for i in range(20):
            recorder.record(b"1", b"2", event_id=f"parent{n}-{i}")
    assert [os.waitpid(child, 0)[1] for child in children] == [0, 0, 0, 0]
    assert recorder.close(60)
    names = (f"{who}{n}-{i}" for who in ("parent", "child") for n in range(4) for i in range(20))
    assert ids(root) == Counter(["first", *names])


def test_a_forked_process_does_not_use_its_parents_file_system() -> None:
    """It would share open connections: of a store that keeps them, it then got the parent's answers."""
    for address in ("gs://anonymous@lake/a", "s3://lake/a?region=eu-west-1"):
        system, _ = store.located(address)
        assert store.located(address)[0] is system
        if not (child := os.fork()):
            code = 2
            try:
                code = int(store.located(address)[0] is system)
            finally:
                os._exit(code)
        assert os.waitpid(child, 0)[1] == 0


FORKED = """
import os, sys
from model_monitor import store
store.located(sys.argv[1])
if child := os.fork():
    sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
try:
    store.write(sys.argv[1], b"1")
except Exception as error:
    print(error, flush=True)
    os._exit(5)
os._exit(0)
"""


def test_a_process_forked_from_one_that_used_azure_is_told_what_to_do() -> None:
    address = f"abfs://lake@{ACCOUNT}.dfs.core.windows.net/a"
    told = subprocess.run(
        [sys.executable, "-c", FORKED, address], env=OURS, capture_output=True, text=True, check=False
    )
    assert told.returncode == 5 and "fork before the first use" in told.stdout


LATE = """
import sys
from model_monitor.recorder import Recorder
recorder = Recorder("churn", sys.argv[1], spool=sys.argv[2], flush_interval=0.01)
recorder.record(b"1", b"2", event_id="late")
recorder.close(1)  # while the store is being tried
print(int(recorder.counters()["spooled"]))
"""


@pytest.mark.parametrize("kind", EMULATORS)
def test_a_store_that_is_away_delays_requests_and_loses_none(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AZURE_STORAGE_KEY", KEY)
    cloud = EMULATORS[kind](tmp_path)
    address = cloud.at("capture")
    told = subprocess.run(
        [sys.executable, "-c", LATE, address, str(tmp_path / "spool")],
        env=OURS,
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    assert told.stdout == "1\n"
    asked: list[Callable[[str], object]] = [
        store.list_files,
        store.read,
        store.exists,
        lambda at: store.write(at, b"x"),
    ]
    with ThreadPoolExecutor(len(asked)) as pool:  # each waits for some attempts
        raised = [one.exception() for one in [pool.submit(ask, address) for ask in asked]]
    assert {type(error) for error in raised} == {StoreError} and all("lake" in str(error) for error in raised)
    with Recorder("churn", address, spool=tmp_path / "spool", flush_interval=0.01) as recorder:
        recorder.record(b"1", b"2", event_id="early")
        until(lambda: recorder.counters()["failures"])
        cloud.start()
        try:
            store.located(address)[0].create_dir("lake")
            assert recorder.flush(90)
            assert ids(address) == Counter(["late", "early"])
        finally:
            cloud.stop()


def test_azure_without_credentials_is_a_store_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AZURE_STORAGE_KEY", raising=False)
    query = "blob_storage_authority=127.0.0.1:9&dfs_storage_authority=127.0.0.1:9&enable_tls=false"
    with pytest.raises(StoreError, match=r"abfs://lake@a\.dfs"):
        store.list_files(f"abfs://lake@a.dfs.core.windows.net/x?{query}")


def test_google_with_a_service_account_is_asked_in_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """GOOGLE_APPLICATION_CREDENTIALS is all that an address without ``anonymous@`` needs."""
    from cryptography.hazmat.primitives import serialization as form
    from cryptography.hazmat.primitives.asymmetric import rsa

    cloud = EMULATORS["gs"](tmp_path)
    key = rsa.generate_private_key(65537, 2048)
    pem = key.private_bytes(form.Encoding.PEM, form.PrivateFormat.PKCS8, form.NoEncryption()).decode()
    account = {"type": "service_account", "client_email": "m@p.iam.gserviceaccount.com", "private_key_id": "1"}
    account |= {"private_key": pem, "token_uri": "https://oauth2.googleapis.com/token", "client_id": "1"}
    (tmp_path / "account.json").write_text(json.dumps(account))
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "account.json"))
    cloud.start()
    try:
        address = cloud.at("a").replace("anonymous@", "")
        assert store.read(store.write(address, b"mine")) == b"mine"
    finally:
        cloud.stop()


GOOD = {
    "gs://lake/a/b": ("gcs", "lake/a/b"),
    "gcs://lake": ("gcs", "lake"),
    "gs://anonymous@lake/a?endpoint_override=127.0.0.1:1&scheme=http&retry_limit_seconds=3": ("gcs", "lake/a"),
    "gs://lake/a?project_id=p&location=EU": ("gcs", "lake/a"),
    "abfs://lake@acc.dfs.core.windows.net/a/b": ("abfs", "lake/a/b"),
    "abfss://lake@acc.dfs.core.windows.net": ("abfs", "lake"),
    "abfs://acc.blob.core.windows.net/lake/a": ("abfs", "lake/a"),
    "abfs://acc@127.0.0.1:1/lake/a?enable_tls=false": ("abfs", "lake/a"),
    "abfs://acc@lake/a": ("abfs", "lake/a"),
    "abfs://lake@acc.dfs.core.windows.net/a?credential_kind=anonymous": ("abfs", "lake/a"),
}


@pytest.mark.parametrize("address", GOOD)
def test_an_address_leads_to_its_bucket(address: str, tmp_path: Path) -> None:
    system, path = store.located(address)
    assert (system.type_name, path) == GOOD[address]
    further = store.join(address, "c", "d.json")
    assert store.located(further)[1] == f"{path}/c/d.json" and store.name_of(further) == "d.json"
    assert store.is_below(further, address) and not store.is_below(address, further)
    destination_at(address)
    assert main(["validate", endpoint_file(tmp_path, capture={"uri": address}, output=further)]) == 0


def test_an_addresss_query_reaches_the_file_system(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AZURE_STORAGE_KEY", raising=False)
    google, _ = store.located(
        "gs://anonymous@lake/a?endpoint_override=127.0.0.1:1&scheme=http&project_id=p&location=EU"
    )
    more = {"endpoint_override": "127.0.0.1:1", "scheme": "http", "project_id": "p", "default_bucket_location": "EU"}
    expected = fs.GcsFileSystem(anonymous=True, retry_time_limit=timedelta(seconds=addresses.GOOGLE_SECONDS), **more)
    assert google.__reduce__() == expected.__reduce__()
    query = "blob_storage_authority=127.0.0.1:1&dfs_storage_authority=127.0.0.1:2&enable_tls=false"
    azure, _ = store.located(f"abfs://lake@acc.dfs.core.windows.net/a?{query}")
    more = {"blob_storage_authority": "127.0.0.1:1", "dfs_storage_authority": "127.0.0.1:2"}
    expected = fs.AzureFileSystem("acc", blob_storage_scheme="http", dfs_storage_scheme="http", **more)
    assert azure.__reduce__() == expected.__reduce__()


@pytest.mark.parametrize(
    ("account", "more", "is_used"),
    [(None, "", True), (ACCOUNT, "", True), ("another", "", False), (None, "?credential_kind=anonymous", False)],
)
def test_the_environments_key_is_its_accounts(
    account: str | None, more: str, is_used: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    files.opened.cache_clear()
    monkeypatch.setenv("AZURE_STORAGE_KEY", KEY)
    monkeypatch.delenv("AZURE_STORAGE_ACCOUNT", raising=False)
    if account:
        monkeypatch.setenv("AZURE_STORAGE_ACCOUNT", account)
    system, _ = store.located(f"abfs://lake@{ACCOUNT}.dfs.core.windows.net/a{more}")
    files.opened.cache_clear()
    assert (azure.options_of(system)["account_key"] == KEY) is is_used


def test_the_same_container_of_another_account_is_another_place() -> None:
    here, there = (f"abfs://lake@{account}.dfs.core.windows.net/a" for account in ("one", "two"))
    assert store.is_below(store.join(here, "b"), here) and not store.is_below(store.join(there, "b"), here)


BAD = {
    "s3://id:s3cret@lake/a": "AWS_ACCESS_KEY_ID",
    "s3://s3cret@lake/a": "AWS_ACCESS_KEY_ID",
    "gs://s3cret@lake/a": "GOOGLE_APPLICATION_CREDENTIALS",
    "gs://anonymous:s3cret@lake/a": "GOOGLE_APPLICATION_CREDENTIALS",
    "gs://lake/a?access_token=s3cret": "GOOGLE_APPLICATION_CREDENTIALS",
    "abfs://:s3cret@acc.dfs.core.windows.net/a": "AZURE_STORAGE_KEY",
    "abfs://lake:s3cret@acc.dfs.core.windows.net/a": "AZURE_STORAGE_KEY",
    "abfs://acc:s3cret@127.0.0.1:1/lake": "AZURE_STORAGE_KEY",
    "abfs://lake:s3cret/s3cret@acc.dfs.core.windows.net/a": "AZURE_STORAGE_KEY",
    "s3://id:s3cret/s3cret@lake/a": "AWS_ACCESS_KEY_ID",
    "abfs://lake@acc.dfs.core.windows.net/a?sv=2026&sig=s3cret": "AZURE_STORAGE_KEY",
    "abfs://lake@acc.dfs.core.windows.net/a?client_id=1&tenant_id=2&client_secret=s3cret": "AZURE_STORAGE_KEY",
    "abfs://lake/a": "container@account.dfs.core.windows.net",
    "abfs://acc.blob.core.windows.net": "name container and account",
    "abfs://lake@acc.blob.core.windows.net/a": "write abfs://lake@acc.dfs.core.windows.net/a",
    "abfs://lake@acc.dfs.core.chinacloudapi.cn/a": "dfs_storage_authority=.dfs.core.chinacloudapi.cn",
    "gs:///a": "name a bucket",
    "s3://": "name a bucket",
}


@pytest.mark.parametrize("address", BAD)
def test_an_address_with_credentials_or_half_of_what_it_needs_is_refused(
    address: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for asked in (store.located, destination_at):
        with pytest.raises(ConfigError) as told:
            asked(address)
        assert BAD[address] in str(told.value) and "s3cret" not in str(told.value)
    assert main(["validate", endpoint_file(tmp_path, capture={"uri": address})]) != 0
    output = "".join(capsys.readouterr())
    assert BAD[address] in output and "s3cret" not in output


def test_an_option_that_pyarrow_does_not_know_is_refused() -> None:
    for address in ("gs://lake/a?anonymous=true", "abfs://lake@acc.dfs.core.windows.net/a?region=x"):
        with pytest.raises(ConfigError, match="Unexpected query parameter"):
            store.list_files(address)


CONSTRUCTED = """
import sys
from model_monitor.errors import ConfigError
from model_monitor.recorder import Recorder
for address in ("gs://lake/a", "abfs://lake@acc.dfs.core.windows.net/a"):
    try:
        Recorder("churn", address, spool=sys.argv[1])
        print("made")
    except ConfigError as error:
        print(error)
assert "pyarrow" not in sys.modules
"""


def test_a_recorder_says_when_pyarrow_is_missing_and_does_not_import_it_before_it_sends(tmp_path: Path) -> None:
    (tmp_path / "msgspec").symlink_to(Path(msgspec.__file__).parent)
    seen = []
    for flags, path in ((["-S"], f"{INCLUDE}{os.pathsep}{tmp_path}"), ([], str(INCLUDE))):
        command = [sys.executable, *flags, "-c", CONSTRUCTED, str(tmp_path / "spool")]
        environment = os.environ | {"PYTHONPATH": path}
        seen.append(subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout)
    assert seen[0].count("pip install pyarrow") == 2 and seen[1] == "made\nmade\n"
