"""Does each window get exactly the rows of its time, once, whatever file they are in?"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.captures import HOUR, NO_SIDE, at, capture, endpoint_file, record, written

from model_monitor import jobs, store
from model_monitor.config.execution import Execution
from model_monitor.core.window import Window
from model_monitor.errors import DataError
from model_monitor.rows import blocks, select
from model_monitor.rows.collect import Span, collect
from model_monitor.rows.payloads import payload
from model_monitor.store.ahead import ahead

FIRST_HOUR = Window(at(0), at(60))
LATER = "59-00-000-9c1f2b7e-0000-4adf-a09a-98fd0af79974.jsonl"


def collected(file: str, window: Window, schedule: str = "dq") -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """What ``collect_window`` found, and the rows of exactly the window."""
    document = json.loads(store.read(jobs.collect_window(Execution.of(file, schedule, window))))
    rows = [row for address in document["partitions"] for row in pq.read_table(address).to_pylist()]
    return document, [row for row in rows if row["@event_time"] in window]


def ids(rows: list[dict[str, Any]]) -> list[str]:
    return [row["@event_id"] for row in rows]


def test_a_record_on_a_boundary_belongs_to_the_window_that_starts_there(tmp_path: Path) -> None:
    last = written(at(60) - timedelta(microseconds=1))
    capture(tmp_path / "capture", [record("start", time=at(0)), record("last", time=last), record("end", time=at(60))])
    file = endpoint_file(tmp_path)
    found = [ids(collected(file, Window(at(i * 60), at(i * 60 + 60)))[1]) for i in (-1, 0, 1)]
    assert found == [[], ["start", "last"], ["end"]]
    halves = [ids(collected(file, Window(at(i * 30), at(i * 30 + 30)))[1]) for i in range(-1, 4)]
    assert halves == [[], ["start"], ["last"], ["end"], []]


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.tuples(st.integers(-3600, 7200), st.integers(-1, 1)), max_size=30),
    st.lists(st.integers(-3600, 7200), min_size=1, max_size=4, unique=True),
)
def test_adjacent_windows_share_out_the_records(
    tmp_path_factory: pytest.TempPathFactory, records: list[tuple[int, int]], cuts: list[int]
) -> None:
    """Times in seconds; each record lies in the folder of its hour or a neighbour's."""
    root = tmp_path_factory.mktemp("cut")
    for i, (second, shift) in enumerate(records):
        time = at(second / 60)
        folder = time.replace(minute=0, second=0) + timedelta(hours=shift)
        capture(root / "capture", [record(str(i), time=time)], folder, f"{i:02}.jsonl")
    file = endpoint_file(root)
    edges = sorted({-3600, 7200, *cuts})
    windows = [Window(at(a / 60), at(b / 60)) for a, b in pairwise(edges)]
    found = [ids(collected(file, window)[1]) for window in windows]
    judged = [str(i) for i, (second, _) in enumerate(records) if second < 7200]
    assert sorted(event for some in found for event in some) == sorted(judged)
    for window, events in zip(windows, found, strict=True):
        assert all(at(records[int(event)][0] / 60) in window for event in events)


def test_stragglers_are_found_as_many_folders_away_as_is_set(tmp_path: Path) -> None:
    for hours in (-3, -2, -1, 0, 1, 2, 3):
        capture(tmp_path / "capture", [record(f"in folder {hours:+}", time=at(5))], HOUR + timedelta(hours=hours))
    for reach in (0, 1, 2):
        file = endpoint_file(tmp_path, capture={"uri": str(tmp_path / "capture"), "straggler_hours": reach})
        _, rows = collected(file, FIRST_HOUR)
        assert sorted(ids(rows)) == sorted(f"in folder {hours:+}" for hours in range(-reach, reach + 1))


def test_a_window_may_cross_days_and_be_long(tmp_path: Path) -> None:
    for hour in range(0, 72, 3):
        capture(tmp_path / "capture", [record(str(hour), time=at(60 * hour))], HOUR + timedelta(hours=hour))
    document, rows = collected(endpoint_file(tmp_path), Window(at(0), at(72 * 60)))
    assert ids(rows) == [str(hour) for hour in range(0, 72, 3)]
    assert document["records"] == document["rows"] == 24


def test_a_request_captured_several_times_counts_once(tmp_path: Path) -> None:
    two = record("two", "1,a\n2,b\n", "0.1\n0.2")
    capture(tmp_path / "capture", [two, record("one"), two])
    capture(tmp_path / "capture", [two, record("three"), record("one")], name=LATER)
    capture(tmp_path / "capture", [record("three")], HOUR + timedelta(hours=1))
    document, rows = collected(endpoint_file(tmp_path), FIRST_HOUR)
    assert ids(rows) == ["two", "two", "one", "three"]
    assert [row["_c1"] for row in rows] == ["1", "2", "1", "1"]
    assert (document["records"], document["rows"], document["duplicates"]) == (7, 4, 4)


def test_the_first_of_two_records_with_one_id_is_kept(tmp_path: Path) -> None:
    capture(tmp_path / "capture", [record("x", "1"), record("y", "2")])
    capture(tmp_path / "capture", [record("x", "3")], name=LATER)
    _, rows = collected(endpoint_file(tmp_path), FIRST_HOUR)
    assert [row["_c1"] for row in rows] == ["1", "2"]


def test_rows_of_another_width_than_most_are_set_aside_even_if_they_come_first(tmp_path: Path) -> None:
    capture(tmp_path / "capture", [record(f"odd {i}", "1,2,3") for i in range(20)])
    capture(tmp_path / "capture", [record(str(i), time=at(1)) for i in range(30)], name=LATER)
    document, rows = collected(endpoint_file(tmp_path, max_rejected=0.5), FIRST_HOUR)
    assert ids(rows) == [str(i) for i in range(30)]
    assert (document["rejected"], document["rows"]) == (20, 30)
    assert [one["line"] for one in document["kept"]] == list(range(1, 21))
    assert "3 values in the input where most records have" in document["kept"][0]["reason"]


def test_columns_of_json_may_grow_from_file_to_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("model_monitor.rows.blocks.BLOCK_BYTES", 500)
    monkeypatch.setattr("model_monitor.rows.drafts.BATCH_ROWS", 4)
    for i in range(6):
        given = {f"x{j}": j for j in range(i + 1)}
        capture(tmp_path / "capture", [record(f"{i}-{n}", given, {"p": 0.5}) for n in range(5)], name=f"{i}.jsonl")
    _, rows = collected(endpoint_file(tmp_path), FIRST_HOUR)
    assert len(rows) == 30
    for row in rows:
        known = int(row["@event_id"][0])
        assert [row[f"x{j}"] for j in range(6)] == [str(j) if j <= known else None for j in range(6)]
        assert row["p"] == "0.5"


def files_below(root: Path) -> dict[str, tuple[int, int]]:
    """When each file was changed, and which it is."""
    return {str(p): (p.stat().st_mtime_ns, p.stat().st_ino) for p in root.rglob("*") if p.is_file()}


def test_schedules_share_the_rows_of_an_hour_and_make_them_once(tmp_path: Path) -> None:
    capture(tmp_path / "capture", [record("a"), record("b", time=at(59))])
    both = [{"name": name, "monitor": "data_quality", "sampling": share} for name, share in (("x", 1), ("y", 0.5))]
    file = endpoint_file(tmp_path, schedules=both)
    first, _ = collected(file, FIRST_HOUR, "x")
    made = files_below(tmp_path / "out/_rows")
    second, _ = collected(file, FIRST_HOUR, "y")
    third, _ = collected(file, Window(at(30), at(60)), "y")
    assert first["partitions"] == second["partitions"] == third["partitions"] and len(made) == 1
    assert files_below(tmp_path / "out/_rows") == made


def test_rows_are_made_anew_when_captures_change_and_only_where_they_do(tmp_path: Path) -> None:
    path = capture(tmp_path / "capture", [record("a")])
    capture(tmp_path / "capture", [record("far", time=at(600))], at(600))
    file, window = endpoint_file(tmp_path), Window(at(0), at(660))
    made = [files_below(tmp_path / "out/_rows")]

    def again() -> list[str]:
        _, rows = collected(file, window)
        made.append(files_below(tmp_path / "out/_rows"))
        changed = [one for one, at_ in made[-1].items() if made[-2].get(one) != at_]
        if len(made) > 2:
            assert changed and all("/2026/01/05/0" in one for one in changed)
        return ids(rows)

    assert again() == ["a", "far"]
    late = capture(tmp_path / "capture", [record("b", time=at(1))], name=LATER)
    assert again() == ["a", "b", "far"]
    path.write_bytes(path.read_bytes().replace(b'"a"', b'"c"'))  # of the same size
    os.utime(path, ns=(1, path.stat().st_mtime_ns + 1))
    assert again() == ["c", "b", "far"]
    late.unlink()
    assert again() == ["c", "far"]


def test_names_of_columns_are_part_of_what_rows_are_made_from(tmp_path: Path) -> None:
    capture(tmp_path / "capture", [record("a")])
    collected(endpoint_file(tmp_path), FIRST_HOUR)
    _, (row,) = collected(endpoint_file(tmp_path, columns={"outputs": ["p"], "inputs": ["n", "c"]}), FIRST_HOUR)
    assert [row[name] for name in ("p", "n", "c")] == ["0.5", "1", "a"]


def test_a_record_without_a_time_counts_in_the_hour_of_its_folder_only(tmp_path: Path) -> None:
    capture(tmp_path / "capture", [*(record(str(i), time=at(i)) for i in range(59)), b"cut of"])
    capture(tmp_path / "capture", [record("next", time=at(61))], at(60))
    file = endpoint_file(tmp_path, max_rejected=1)
    assert [collected(file, Window(at(60 * i), at(60 * i + 60)))[0]["rejected"] for i in (-1, 0, 1)] == [0, 1, 0]
    assert collected(file, Window(at(0), at(120)))[0]["rejected"] == 1


def test_a_record_that_tells_its_time_counts_in_the_hour_of_its_time(tmp_path: Path) -> None:
    odd = [record("x", "{", NO_SIDE, at(61)), record("", time=at(61))]
    odd[0]["captureData"]["endpointInput"]["encoding"] = "JSON"
    capture(tmp_path / "capture", [*odd, *(record(str(i), time=at(i)) for i in range(10))])
    file = endpoint_file(tmp_path, max_rejected=1)
    assert [collected(file, Window(at(60 * i), at(60 * i + 60)))[0]["rejected"] for i in (-1, 0, 1)] == [0, 0, 2]


def test_a_window_without_files_has_no_rows(tmp_path: Path) -> None:
    document, rows = collected(endpoint_file(tmp_path), FIRST_HOUR)
    assert rows == [] and document["partitions"] == {} and document["records"] == 0


def test_a_damaged_file_of_rows_is_an_error_that_says_what_to_do_and_it_helps(tmp_path: Path) -> None:
    capture(tmp_path / "capture", [record("a")])
    file = endpoint_file(tmp_path)
    (partition,) = collected(file, FIRST_HOUR)[0]["partitions"]
    good = Path(partition).read_bytes()
    for content in (b"", b"PAR1", b"PAR1" + bytes(50) + b"PAR1", good[:-20], b"x" + good[1:]):
        Path(partition).write_bytes(content)
        with pytest.raises(DataError, match=r"rows\.parquet.*run the task that made it again"):
            jobs.compute_metrics(Execution.of(file, "dq", FIRST_HOUR))
        collected(file, FIRST_HOUR)
        assert Path(partition).read_bytes() == good


@pytest.mark.parametrize("cores", [1, 2, 5])
def test_rows_do_not_depend_on_the_number_of_cores(tmp_path: Path, cores: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("model_monitor.rows.blocks.BLOCK_BYTES", 2000)
    monkeypatch.setattr(ahead, "__defaults__", (cores,))
    for i in range(5):
        capture(tmp_path / "capture", [record(f"{i}-{n}", time=at(n)) for n in range(50)], name=f"{i}.jsonl")
    _, rows = collected(endpoint_file(tmp_path), FIRST_HOUR)
    assert ids(rows) == [f"{i}-{n}" for i in range(5) for n in range(50)]


COLLECT = """
import sys
from model_monitor import jobs
from model_monitor.config.execution import Execution
from model_monitor.core.window import Window
jobs.collect_window(Execution.of(sys.argv[1], "dq", Window.of(*sys.argv[2:4])))
"""


def test_two_processes_that_collect_an_hour_at_once_give_the_bytes_of_one(tmp_path: Path) -> None:
    for i in range(4):
        records = [record(f"{i}-{n}", f"{n},x", time=at(n / 20)) for n in range(1000)]
        capture(tmp_path / "capture", records, name=f"{i}.jsonl")
    outputs = []
    for name, processes in (("alone", 1), ("together", 2)):
        file = endpoint_file(tmp_path, f"{name}.yaml", output=str(tmp_path / name))
        command = [sys.executable, "-c", COLLECT, file, written(at(0)), written(at(60))]
        running = [subprocess.Popen(command) for _ in range(processes)]
        assert [one.wait(60) for one in running] == [0] * processes
        outputs.append({str(p.relative_to(tmp_path / name)): p.read_bytes() for p in (tmp_path / name).rglob("rows*")})
        assert not list((tmp_path / name).rglob(".part-*"))
    assert outputs[0] == outputs[1] and len(outputs[0]) == 1


def collect_all(folder: Path, out: Path) -> Any:
    """All requests below a folder as one file."""
    files = store.list_files(str(folder), blocks.SUFFIXES)
    span = Span(None, str(out / "rows.parquet"), {"files": []})
    (summary,) = collect(
        lambda work: map(work, blocks.blocks(files)), lambda r: payload.decode(r, payload.Names()), [span], lambda _: 0
    )
    return summary


GIVEN = st.sampled_from(["1,a", "2,b\n", "1,2,3", '"q,",x', "1,a\n2,b", {"x": 1}, {"x": 1.5, "y": "a"}, {"y": None}])


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.integers(0, 8), GIVEN), min_size=1, max_size=25), st.sampled_from([300, 900, 1 << 20]))
def test_rows_do_not_depend_on_how_files_are_cut_into_blocks(
    tmp_path_factory: pytest.TempPathFactory, requests: list[tuple[int, Any]], size: int
) -> None:
    root = tmp_path_factory.mktemp("blocks")
    capture(root / "capture", [record(str(i), given, NO_SIDE) for i, given in requests])
    found = []
    for block in (size, 1 << 20):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("model_monitor.rows.blocks.BLOCK_BYTES", block)
            summary = collect_all(root / "capture", root / str(block))
        table = pq.read_table(root / str(block) / "rows.parquet")
        rows = [sorted(row.items(), key=str) for row in table.to_pylist()]
        counts = (summary.records, summary.rows, summary.duplicates, summary.rejected, dict(summary.reasons))
        found.append((sorted(table.column_names), rows, counts))
    assert found[0] == found[1]


def test_a_smaller_sample_is_part_of_a_larger_one_and_always_the_same() -> None:
    import pyarrow as pa

    batch = pa.record_batch({"x": list(range(5000)), "@event_id": [f"event {i // 2}" for i in range(5000)]})
    samples = []
    for share in (0.01, 0.1, 0.5, 0.9, 1.0):
        (some,) = select.Selection(share=share).of([batch])
        pieces = [batch.slice(i, 700) for i in range(0, 5000, 700)]
        apart = [row for part in select.Selection(share=share).of(pieces) for row in part.column("x").to_pylist()]
        assert apart == some.column("x").to_pylist()
        samples.append(set(apart))
        assert abs(len(apart) / 5000 - share) < 0.03
        assert all((x ^ 1) in samples[-1] for x in samples[-1])  # all rows of a request or none
    assert all(a < b for a, b in pairwise(samples))
