"""Does an empty dataset, or one that is not there, answer with what the user wrote and what to do?"""

from __future__ import annotations

import bz2
import gzip
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from support.captures import at, capture, endpoint_file, record

from model_monitor import jobs
from model_monitor.__main__ import main
from model_monitor.config.execution import Assignment
from model_monitor.errors import MonitorError


def without_rows() -> bytes:
    sink = pa.BufferOutputStream()
    pq.write_table(pa.table({"a": pa.array([], pa.int64())}), sink)
    return sink.getvalue().to_pybytes()


EMPTY: dict[str, bytes] = {
    "nothing.csv": b"",
    "blank.csv": b"\n\n",
    "names.csv": b"a,b\n",
    "names.tsv": b"a\tb\n",
    "names.csv.gz": gzip.compress(b"a,b\n"),
    "nothing.csv.bz2": bz2.compress(b""),
    "bom.csv": b"\xef\xbb\xbf",
    "nothing.jsonl": b"",
    "blank.jsonl": b"\n",
    "list.json": b"[]",
    "nothing.json": b"",
    "empty-objects.jsonl": b"{}\n{}\n",
    "none.parquet": without_rows(),
    "nothing.parquet": b"",
    "part-0": b"",
}


def learned_by_task(root: Path, dataset: Path) -> str:
    assignment = Assignment.load(endpoint_file(root, baseline={"dataset": str(dataset)}), "dq")
    with pytest.raises(MonitorError) as error:
        jobs.observe_baseline(assignment)
    return str(error.value)


def learned_by_hand(root: Path, dataset: Path) -> str:
    assert main(["baseline", "data-quality", "--dataset", str(dataset), "--output", str(root / "base")]) == 1
    return ""


def judged_by_hand(root: Path, dataset: Path) -> str:
    assert main(["run", "data-quality", "--dataset", str(dataset), "--output", str(root / "report")]) in (1, 4)
    return ""


PLACES: list[Callable[[Path, Path], str]] = [learned_by_task, learned_by_hand, judged_by_hand]


@pytest.mark.parametrize("as_folder", [False, True])
@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("name", EMPTY)
def test_an_empty_dataset_is_named(
    name: str, place: Callable[[Path, Path], str], as_folder: bool, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    if as_folder and name == "part-0":
        pytest.skip("a folder's files are known by their endings")
    (tmp_path / "data").mkdir()
    file = tmp_path / "data" / name
    file.write_bytes(EMPTY[name])
    written = file.parent if as_folder else file
    words = place(tmp_path, written) + "".join(capsys.readouterr())
    assert str(written) in words
    assert any(why in words for why in ("is empty", "holds no rows", "file size is 0 bytes")), words
    if name.startswith("names"):
        assert "a first line of CSV is read as the names of its columns, unless header is false" in words


@pytest.mark.parametrize("place", PLACES)
def test_no_dataset_is_named_with_what_is_there(
    place: Callable[[Path, Path], str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data/_SUCCESS").write_text("")
    for name, why in (
        ("none.csv", "there is no such file"),
        ("data", "it has no file that ends in .csv"),
        ("none", "it is empty, or not there"),
    ):
        words = place(tmp_path, tmp_path / name) + "".join(capsys.readouterr())
        assert f"there is no dataset at {tmp_path / name}: " in words
        assert why in words
        assert (name == "data") == ("but _SUCCESS" in words)


def test_a_window_by_hand_without_requests_says_when_there_are_some(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = capture(tmp_path / "capture", [record("e", "1,2\n", "3", at(0))])
    window = ["--start", "2027-01-01T00:00Z", "--end", "2027-01-02T00:00Z"]
    arguments = ["run", "data-quality", "--dataset", f"{tmp_path}/capture", *window, "--output", f"{tmp_path}/r"]
    assert main(arguments) == 4
    words = (
        f"looked for requests in the capture files at {tmp_path}/capture, of which {path.name} starts at 2026-01-05T03"
    )
    assert words in capsys.readouterr().out
