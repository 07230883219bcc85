"""Is a file stored whole or not at all, on a disk and in a real S3 server, and is every failure a StoreError?"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from support.captures import at, capture, endpoint_file, record
from support.seaweed import Server, running

from model_monitor import jobs, store
from model_monitor.config.execution import Assignment, Execution
from model_monitor.core.window import Window
from model_monitor.errors import ConfigError, StoreError
from model_monitor.jobs import by_hand


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running(tmp_path_factory.mktemp("weed")) as one:
        yield one


@pytest.fixture(params=["disk", "file://", "s3"])
def root(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty folder, on a disk or in the server."""
    if request.param != "s3":
        return f"{'file://' if request.param == 'file://' else ''}{tmp_path}/new folder"
    server = request.getfixturevalue("server")
    return f"s3://lake/{tmp_path.name}?{server.query}"


def below(root: str, *more: str) -> list[str]:
    """The names of the files below a root."""
    top = root.partition("?")[0]
    return [file.address.partition("?")[0].removeprefix(top).lstrip("/") for file in store.list_files(root, *more)]


def test_what_is_written_is_read_and_listed(root: str) -> None:
    assert store.list_files(root) == []
    address = store.write(store.join(root, "a", "b é.json"), b"x" * 1000)
    assert store.read(address) == b"x" * 1000
    assert store.exists(address) and not store.exists(store.join(root, "a")) and not store.exists(store.join(root, "c"))
    (file,) = store.list_files(root)
    assert (file.address, file.size) == (address, 1000)
    assert file.changed > 1_700_000_000_000_000_000
    assert store.list_files(address) == [file]


def test_writing_again_replaces_and_deleting_removes(root: str) -> None:
    address = store.join(root, "a")
    for content in (b"first, and longer", b"second", b""):
        assert store.read(store.write(address, content)) == content
    store.delete(address)
    store.delete(address)
    assert store.list_files(root) == []
    with pytest.raises(FileNotFoundError):
        store.read(address)
    with pytest.raises(FileNotFoundError):
        store.open_file(address)


def test_an_exception_while_writing_leaves_what_was_there(root: str) -> None:
    address = store.join(root, "a")
    for before in ([], ["a"]):
        with pytest.raises(RuntimeError), store.writing(address) as path:
            path.write_bytes(b"half")
            raise RuntimeError
        assert below(root) == before
        store.write(address, b"whole")
    assert store.read(address) == b"whole"
    if root.startswith(("/", "file://")):
        assert [path.name for path in Path(root.removeprefix("file://")).iterdir()] == ["a"]


def test_names_that_are_no_data_are_not_listed(root: str) -> None:
    for name in ["b/2.json", "a.json", "b/1.json.gz", ".part-x.json", "_SUCCESS", "_temporary/0/c.json", ".git/d.json"]:
        store.write(store.join(root, name), b"x")
    assert below(root) == ["a.json", "b/1.json.gz", "b/2.json"]
    assert below(root, (".json",)) == ["a.json", "b/2.json"]
    assert below(store.join(root, "b")) == ["1.json.gz", "2.json"]


def test_a_root_may_itself_have_a_name_that_is_no_data(root: str) -> None:
    store.write(store.join(root, "_rows", "a"), b"x")
    assert below(store.join(root, "_rows")) == ["a"]


def test_slashes_at_the_seams_and_twice_in_a_row_do_not_matter(root: str) -> None:
    address = store.write(store.join(root, "a/", "/b/", "c"), b"x")
    top, mark, query = root.partition("?")
    for other in (f"{top}//a/b//c", f"{top}/a//b/c"):
        assert store.read(other + mark + query) == b"x"
    assert store.read(address) == b"x"
    assert len(store.list_files(top + "/" + mark + query)) == 1


def test_a_local_copy_holds_the_files_below_an_address(root: str) -> None:
    store.write(store.join(root, "r", "a.json"), b"1")
    store.write(store.join(root, "r", "sub", "b.json"), b"2")
    with store.local_copy(store.join(root, "r")) as folder:
        found = {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}
    assert found == {"a.json": b"1", "sub/b.json": b"2"}


def test_a_file_on_disk_can_be_read_by_others(tmp_path: Path) -> None:
    store.write(str(tmp_path / "a"), b"x")
    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o644


def test_a_place_below_a_file_is_a_store_error_to_write_and_nothing_to_read(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"x")
    for place in (tmp_path / "a/b", tmp_path / "a/b/c"):
        with pytest.raises(StoreError, match=str(place)):
            store.write(str(place), b"x")
        with pytest.raises(FileNotFoundError):
            store.read(str(place))
        assert store.list_files(str(place)) == [] and not store.exists(str(place))


def test_a_folder_is_no_file_to_read(tmp_path: Path) -> None:
    for use in (store.read, store.open_file):
        with pytest.raises((StoreError, FileNotFoundError)):
            use(str(tmp_path))


def test_an_address_of_no_known_store_is_refused_with_its_scheme_as_the_rest_may_be_secret() -> None:
    with pytest.raises(ConfigError, match="nowhere://"):
        store.read("nowhere://x/y")


WRITER = """
import os, signal, sys
from model_monitor import store
address, byte, moment, how = sys.argv[1], sys.argv[2].encode(), float(sys.argv[3]), sys.argv[4]
class Told(Exception): pass
def told(*_): raise Told
if how == "told":
    signal.signal(signal.SIGALRM, told)
else:
    signal.signal(signal.SIGALRM, lambda *_: os.kill(os.getpid(), signal.SIGKILL))
with store.writing(address) as path:
    path.write_bytes(byte * (16 << 20))
    signal.setitimer(signal.ITIMER_REAL, moment)
"""


@pytest.mark.parametrize("root", ["disk", "s3"], indirect=True)
@pytest.mark.parametrize("how", ["told", "killed"])
def test_a_writer_that_is_told_to_end_or_killed_leaves_the_old_file_or_the_new_one(root: str, how: str) -> None:
    """An exception between two writes of an upload used to publish the half of it."""
    address = store.write(store.join(root, "large"), b"0" * (16 << 20))
    for turn, moment in enumerate((0.002, 0.03, 0.08), start=1):
        command = [sys.executable, "-c", WRITER, address, str(turn), str(moment), how]
        subprocess.run(command, stderr=subprocess.DEVNULL, timeout=60, check=False)
        content = store.read(address)
        assert len(content) == 16 << 20 and content.count(content[:1]) == len(content)
        assert below(root) == ["large"]


def traffic(root: Path) -> list[dict]:
    records = [record(f"e{i}", f"{i % 7},{'ab'[i % 2]}\n", str(i % 10 / 10), at(i)) for i in range(60)]
    capture(root / "capture", records[:30])
    capture(root / "capture", records[30:], name="30-00-000-0b7bfd33.jsonl.gz")
    return records


def test_a_window_is_judged_in_s3_as_on_a_disk(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the server named once in the addresses, once in the environment."""
    traffic(tmp_path)
    (tmp_path / "b.csv").write_text("p,n,c\n" + "".join(f"{i % 10 / 10},{i % 7},{'ab'[i % 2]}\n" for i in range(60)))
    window = Window(at(0), at(60))
    reports = []
    for place, query in (("", ""), ("in-address", f"?{server.query}"), ("in-environment", "")):
        if place == "in-environment":
            monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{server.port}")
        root = f"s3://lake/{place}" if place else str(tmp_path)
        for file in (
            (*store.list_files(str(tmp_path / "capture")), *store.list_files(str(tmp_path / "b.csv"))) if place else ()
        ):
            store.write(store.join(root + query, file.address.removeprefix(str(tmp_path))), store.read(file.address))
        file = endpoint_file(
            tmp_path,
            capture={"uri": store.join(root + query, "capture")},
            output=store.join(root + query, "out"),
            baseline={"dataset": store.join(root + query, "b.csv")},
        )
        version = jobs.suggest_constraints(
            Assignment.load(file, "dq"), jobs.observe_baseline(Assignment.load(file, "dq")), "2026-01-05T00:00:00Z"
        )
        jobs.publish_baseline(Assignment.load(file, "dq"), version)
        jobs.collect_window(Execution.of(file, "dq", window))
        jobs.compute_metrics(Execution.of(file, "dq", window))
        report = jobs.evaluate_constraints(Execution.of(file, "dq", window))
        told = jobs.alert(Execution.of(file, "dq", window))
        assert (told["status"], told["rows"], told["rejected"]) == ("Completed", 60, 0)
        names = ("statistics.json", "constraints.json", "constraint_violations.json")
        reports.append([store.read(store.join(report, name)) for name in names])
    assert reports[0] == reports[1] == reports[2]


def test_a_store_that_is_gone_is_a_store_error_whatever_is_asked_of_it(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The last test of the server: it stops it."""
    traffic(tmp_path)
    root = f"s3://lake/gone?{server.query}"
    for file in store.list_files(str(tmp_path / "capture")):
        store.write(store.join(root, file.address.removeprefix(str(tmp_path))), store.read(file.address))
    file = endpoint_file(tmp_path, capture={"uri": store.join(root, "capture")}, output=store.join(root, "out"))
    window = Window(at(0), at(60))
    jobs.collect_window(Execution.of(file, "dq", window))
    address = store.write(store.join(root, "a.csv"), b"a,b\n" * 100)
    opened = store.open_file(address)
    server.stop()
    asked = {
        "read": lambda: store.read(address),
        "open": lambda: store.open_file(address),
        "read on": lambda: store.read_on(opened, address, 10),
        "list": lambda: store.list_files(root),
        "exists": lambda: store.exists(address),
        "write": lambda: store.write(address, b"x"),
        "delete": lambda: store.delete(address),
        "collect": lambda: jobs.collect_window(Execution.of(file, "dq", window)),
        "compute": lambda: jobs.compute_metrics(Execution.of(file, "dq", window)),
        "run": lambda: by_hand.baseline(
            by_hand.Question("data_quality", {}), by_hand.Source(address, "csv"), str(tmp_path / "o"), 0.01
        ),
    }
    started = time.monotonic()
    with ThreadPoolExecutor(len(asked)) as pool:  # each waits for some attempts
        told = {name: pool.submit(ask).exception for name, ask in asked.items()}
        raised = {name: exception() for name, exception in told.items()}
    assert {name: type(error) for name, error in raised.items()} == dict.fromkeys(asked, StoreError)
    assert all("lake" in str(error) for error in raised.values())
    assert time.monotonic() - started < 60
