"""Manifests of batch transform and the files that they name, as published (docs/sagemaker-formats.md)."""

from __future__ import annotations

import gzip
import json
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_URL, uuid5

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from support.captures import HOUR, at, endpoint_file
from support.truths import collect, truth

from model_monitor import jobs, store
from model_monitor.config.execution import Assignment, Execution
from model_monitor.core.window import Window
from model_monitor.errors import DataError
from model_monitor.rows import captures
from model_monitor.rows.payloads import attributes, payload
from model_monitor.rows.sources import batch_rows, batch_transform
from model_monitor.rows.sources.datasets import Dataset
from model_monitor.rows.sources.source import Listed

ID = "1f1d57b1-2e6f-488c-8c30-db4e6d757861"
TIME = "2022-08-30T00:49:15Z"
WINDOW = Window(at(0), at(60))


def records(path: Path, content: bytes | None, format: str, header: bool = False) -> list[dict[str, Any]]:
    """The captured records of one file; None for a file that is written already."""
    if content is not None:
        path.write_bytes(content)
    blocks = batch_rows.blocks([listed(path)], format, header)
    return [json.loads(line) for block in blocks for _, _, line in block.lines]


def rows(path: Path, content: bytes | None, format: str, header: bool = False, names: Any = None) -> list[Any]:
    """Its rows as they are decoded, a dictionary each; reasons of those that can't be."""
    if content is not None:
        path.write_bytes(content)
    made: list[Any] = []
    for block in batch_rows.blocks([listed(path)], format, header):
        parsed = captures.parse(block)
        found, rejected = payload.decode(parsed, names or payload.Names())
        made += [row for some in found for row in some.columns.to_pylist()]
        made += [one.reason for one in [*parsed.rejected, *rejected]]
    return made


def listed(path: Path) -> Listed:
    return Listed(store.list_files(str(path))[0], WINDOW, HOUR)


def manifest(root: Path, *names: str, prefix: str | None = None, hour: datetime = HOUR, folder: str = "output") -> Path:
    """A manifest of files below ``root/transform``."""
    path = root / "capture" / folder / hour.strftime("%Y/%m/%d/%H") / "6b1f2a9e-0c1d-4a53-8a7d-3a5a2c0f0001.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps([{"prefix": prefix or f"{root}/transform/"}, *names]))
    return path


def batch_file(root: Path, format: Any = None, **settings: Any) -> str:
    source = {"kind": "batch", "uri": str(root / "capture"), "format": format or {"Csv": {"Header": False}}}
    return endpoint_file(root, capture=source, **settings)


def transformed(root: Path, name: str, content: bytes) -> None:
    path = root / "transform" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def collected(root: Path, file: str, window: Window = WINDOW, schedule: str = "dq") -> list[dict[str, Any]]:
    """The rows of a window, by way of the verb."""
    found = json.loads(store.read(jobs.collect_window(Execution.of(file, schedule, window))))
    return [row for address in found["partitions"] for row in pq.read_table(address).to_pylist()]


def test_the_published_line_of_csv_gives_its_generated_id_and_time_and_loses_them(tmp_path: Path) -> None:
    [one] = records(tmp_path / "part0.csv.out", f"0, {ID},{TIME}\n".encode(), "csv")
    assert one == {
        "captureData": {"batchTransformOutput": {"data": "0", "encoding": "CSV"}},
        "eventMetadata": {"eventId": ID, "inferenceTime": TIME},
        "eventVersion": "0",
    }


def test_the_published_line_of_json_gives_its_generated_id_and_time_and_loses_them(tmp_path: Path) -> None:
    line = f'{{"output":0,"SageMakerInferenceId":"{ID}","SageMakerInferenceTime":"{TIME}"}}'
    [one] = records(tmp_path / "part0.jsonl.out", line.encode(), "jsonl")
    assert one["captureData"] == {"batchTransformOutput": {"data": '{"output":0}', "encoding": "JSON"}}
    assert one["eventMetadata"] == {"eventId": ID, "inferenceTime": TIME}


@pytest.mark.parametrize(
    "value", ["5", "5.0", "1e2", "0.10", "NaN", '"SageMakerInferenceId"', '{"a": [1.50, null]}', '"ü\\n"']
)
def test_what_json_says_beside_the_reserved_members_stays_as_it_is_written(tmp_path: Path, value: str) -> None:
    line = f'{{ "SageMakerInferenceTime": "{TIME}", "x" : {value}, "SageMakerInferenceId":"{ID}", "ü": 1.0}}'
    [one] = records(tmp_path / "a.out", line.encode(), "jsonl")
    assert one["captureData"]["batchTransformOutput"]["data"] == f'{{"x":{value},"ü":1.0}}'
    assert one["eventMetadata"] == {"eventId": ID, "inferenceTime": TIME}


def test_without_generated_ids_a_row_is_named_by_its_place_and_timed_by_its_manifest(tmp_path: Path) -> None:
    path = tmp_path / "a.csv.out"
    found = records(path, b"0.5,a\r\n\r\n0.7,b", "csv")
    assert [one["captureData"]["batchTransformOutput"]["data"] for one in found] == ["0.5,a", "0.7,b"]
    ids = [str(uuid5(NAMESPACE_URL, f"{path}#{line}")) for line in (1, 3)]
    assert [one["eventMetadata"] for one in found] == [
        {"eventId": name, "inferenceTime": "2026-01-05T03:00:00Z"} for name in ids
    ]


@pytest.mark.parametrize(
    ("format", "content", "expected"),
    [
        ("csv", b"1,a\n2,b\n", [{"_c0": "1", "_c1": "a"}, {"_c0": "2", "_c1": "b"}]),
        ("csv", b'\xef\xbb\xbf1,"a,\nb"\n2,"say ""hi"""\n',
         [{"_c0": "1", "_c1": "a,\nb"}, {"_c0": "2", "_c1": 'say "hi"'}]),
        ("csv", f'5.0,, {ID},{TIME}\r\n5,x,"{ID}","{TIME}"'.encode(),
         [{"_c0": "5.0", "_c1": None}, {"_c0": "5", "_c1": "x"}]),
        ("csv", b"", []),
        ("jsonl", b'{"a": 5.0}\n\n{"a": 5}\r\n', [{"a": "5.0"}, {"a": "5"}]),
        ("jsonl", b' [{"a": 5.0,\n "b": "x"}, {"a": 5}]\n', [{"a": "5.0", "b": "x"}, {"a": "5", "b": None}]),
        ("jsonl", b'[{"a": NaN}, {"a": 1.50}]', [{"a": "NaN"}, {"a": "1.50"}]),
        ("jsonl", b"[ ]", []),
        ("jsonl", b'{\n "a": 5.0\n}\n', [{"a": "5.0"}]),
        ("jsonl", b'{"a": 1}\n{"a"\n', [{"a": "1"}, "not JSON"]),
        ("jsonl", b'{"a": 1}\n{"a": "\xff"}\n', [{"a": "1"}, "not UTF-8"]),
        ("jsonl", b"[0.1, 0.9]\n[0.2, 0.8]\n", [{"_c0": "0.1", "_c1": "0.9"}, {"_c0": "0.2", "_c1": "0.8"}]),
        ("jsonl", b"[[0.1, 0.9],\n [0.2, 0.8]]", [{"_c0": "0.1", "_c1": "0.9"}, {"_c0": "0.2", "_c1": "0.8"}]),
        ("jsonl", b"[0.1,\n 0.9]", [{"_c0": "0.1"}, {"_c0": "0.9"}]),
        ("jsonl", b'{"predictions": [0.1, 0.9]}\n', [{"_c0": "0.1"}, {"_c0": "0.9"}]),
        ("jsonl", b'[{"a": "x"}, {\n"a": "\xff"\n}, {"a": "z"}]', [{"a": "x"}, {"a": "z"}, "not UTF-8"]),
        ("csv", b'a,1\n"\xff\nb",2\nc,3\n', [{"_c0": "a", "_c1": "1"}, {"_c0": "c", "_c1": "3"}, "not UTF-8"]),
        ("csv", b'12" pipe,1\nx,2\n10" pipe,3\n',
         [{"_c0": '12" pipe', "_c1": "1"}, {"_c0": "x", "_c1": "2"}, {"_c0": '10" pipe', "_c1": "3"}]),
    ],
)  # fmt: skip
def test_each_format_is_read_as_it_is_written(tmp_path: Path, format: str, content: bytes, expected: list[Any]) -> None:
    assert rows(tmp_path / "a.out", content, format) == expected
    packed = tmp_path / "a.out.gz"
    assert rows(packed, gzip.compress(content), format) == expected


def test_a_header_is_no_row_and_keeps_the_numbers_of_lines(tmp_path: Path) -> None:
    path = tmp_path / "a.out"
    found = records(path, b"score,age\n0.5,30\n", "csv", header=True)
    assert [one["captureData"]["batchTransformOutput"]["data"] for one in found] == ["0.5,30"]
    assert found[0]["eventMetadata"]["eventId"] == str(uuid5(NAMESPACE_URL, f"{path}#2"))


def test_numbers_of_parquet_keep_their_type_and_reserved_columns_are_taken_out(tmp_path: Path) -> None:
    table = pa.table(
        {
            "whole": pa.array([1, 2]),
            "fraction": pa.array([5.0, None]),
            "short": pa.array([0.1, float("nan")], pa.float32()),
            "text": pa.array(["5", "ü"]).dictionary_encode(),
            "SageMakerInferenceId": [ID, "other"],
            "SageMakerInferenceTime": pa.array([datetime(2022, 8, 30, 0, 49, 15)] * 2),
        }
    )
    pq.write_table(table, tmp_path / "a.parquet")
    found = records(tmp_path / "a.parquet", None, "parquet")
    assert [one["eventMetadata"] for one in found] == [
        {"eventId": name, "inferenceTime": TIME} for name in (ID, "other")
    ]
    assert rows(tmp_path / "a.parquet", None, "parquet") == [
        {"whole": "1", "fraction": "5.0", "short": "0.1", "text": "5"},
        {"whole": "2", "fraction": None, "short": None, "text": "ü"},
    ]


def test_many_rows_come_in_pieces_with_the_numbers_of_their_lines(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("blocks", "sources.csv_text", "sources.capture_lines"):
        monkeypatch.setattr(f"model_monitor.rows.{module}.BLOCK_BYTES", 1000)
    path = tmp_path / "a.out"
    path.write_bytes(b"".join(b'%d,"a\nb"\n' % i if i % 3 == 0 else b"%d,c\n" % i for i in range(500)))
    numbers = [i + 1 + (i + 2) // 3 for i in range(500)]
    blocks = list(batch_rows.blocks([listed(path)], "csv"))
    found = [(number, json.loads(line)) for block in blocks for _, number, line in block.lines]
    assert len(blocks) > 20 and [number for number, _ in found] == numbers
    assert [one["captureData"]["batchTransformOutput"]["data"].partition(",")[0] for _, one in found] == [
        str(i) for i in range(500)
    ]


@pytest.mark.parametrize(
    ("content", "advice"),
    [
        ("{", "not JSON"),
        ('{"prefix": "/tmp/"}', "should be a list"),
        ("[]", "first element"),
        ('["part0.csv.out"]', "first element"),
        ('[{"prefix": 7}, "a"]', "first element"),
        ('[{"prefix": "/tmp/"}, {"name": "a"}]', "is not the name of a file"),
        ('[{"prefix": "/tmp/"}, ""]', "is not the name of a file"),
        ('[{"prefix": "/nowhere/"}, "a.csv.out"]', "/nowhere/a.csv.out, which is not there"),
        ('[{"prefix": "s3://elsewhere/"}, "a.csv.out"]', "in another kind of store"),
        ('[{"prefix": "/tmp/"}, "../etc/passwd"]', "without .."),
        ('[{"prefix": "data/"}, "a.csv.out"]', "write the whole address"),
        ('[{"prefix": "/etc/"}, "hostname"]', "not below"),
    ],
)
def test_a_manifest_that_is_none_or_leads_elsewhere_fails_the_window_and_is_named(
    tmp_path: Path, content: str, advice: str
) -> None:
    path = manifest(tmp_path)
    path.write_text(content)
    source = {"kind": "batch", "uri": str(tmp_path / "capture"), "format": "csv"}
    if advice == "not below":
        source["data"] = str(tmp_path / "transform")
    with pytest.raises(DataError) as raised:
        jobs.collect_window(Execution.of(endpoint_file(tmp_path, capture=source), "dq", WINDOW))
    assert str(path) in str(raised.value) and advice in str(raised.value)
    assert json.loads((tmp_path / "out/dq/2026/01/05/04/execution.json").read_text())["status"] == "Failed"


def test_files_of_a_manifest_in_s3_are_reached_as_it_is_and_stay_there() -> None:
    at_server = "s3://b/capture/output/m.json?endpoint_override=localhost:1"
    assert batch_transform.addressed("s3a://c/x/a.out", at_server) == "s3://c/x/a.out?endpoint_override=localhost:1"
    batch_transform.refuse_elsewhere("s3://c/x/a.out?endpoint_override=localhost:1", at_server, "s3://c/x")
    for address in ("file:///etc/passwd", "/etc/passwd", "gs://c/x/a.out", "s3://c/y/a.out", "s3://c/x/../y/a.out"):
        with pytest.raises(DataError, match=r"m\.json.* names "):
            batch_transform.refuse_elsewhere(address, at_server, "s3://c/x/")


def test_a_manifest_cannot_lead_to_another_server_by_a_query() -> None:
    for place in ("s3://b/capture/output/m.json", "s3://b/capture/output/m.json?region=r"):
        with pytest.raises(DataError, match=r"write the address without \?"):
            batch_transform.addressed("s3://c/x/a.out?endpoint_override=evil.example", place)


def test_a_folder_is_no_file_that_a_manifest_could_name(tmp_path: Path) -> None:
    transformed(tmp_path, "below/part.csv.out", b"1\n")
    manifest(tmp_path, "below")
    with pytest.raises(DataError, match="which is not there"):
        jobs.collect_window(Execution.of(batch_file(tmp_path), "dq", WINDOW))


@pytest.mark.parametrize(
    ("format", "content", "advice"),
    [
        ("jsonl", b'[{"a": 1}, {"a"', "can't be read as a JSON list"),
        ("parquet", b"PAR1", "can't be read as Parquet"),
    ],
)
def test_a_damaged_file_is_named(tmp_path: Path, format: str, content: bytes, advice: str) -> None:
    transformed(tmp_path, "a.out", content)
    manifest(tmp_path, "a.out")
    with pytest.raises(DataError, match=advice) as raised:
        jobs.collect_window(Execution.of(batch_file(tmp_path, format), "dq", WINDOW))
    assert str(tmp_path / "transform/a.out") in str(raised.value)


def test_rows_are_made_again_when_a_manifest_or_a_file_that_it_names_changes(tmp_path: Path) -> None:
    file = batch_file(tmp_path)
    transformed(tmp_path, "a.out", b"1,x\n")
    transformed(tmp_path, "b.out", b"2,y\n3,z\n")
    manifest(tmp_path, "a.out")
    manifest(tmp_path, "b.out", folder="input")  # what the job was given: not read
    assert [row["_c0"] for row in collected(tmp_path, file)] == ["1"]
    made = tmp_path / "out/_rows/churn/AllTraffic/2026/01/05/03/rows.parquet"
    before = made.stat().st_mtime_ns
    assert [row["_c0"] for row in collected(tmp_path, file)] == ["1"] and made.stat().st_mtime_ns == before
    manifest(tmp_path, "a.out", "b.out")
    assert [row["_c0"] for row in collected(tmp_path, file)] == ["1", "2", "3"]
    transformed(tmp_path, "a.out", b"10,x\n")
    assert [row["_c0"] for row in collected(tmp_path, file)] == ["10", "2", "3"]
    found = json.loads(store.read(jobs.collect_window(Execution.of(file, "dq", WINDOW))))
    assert [Path(one["file"]).name[:5] for one in found["inputs"]] == ["6b1f2", "a.out", "b.out"]


def test_rows_belong_to_the_hour_in_which_their_job_started(tmp_path: Path) -> None:
    file = batch_file(tmp_path)
    for i in range(3):
        hour = at(60 * i)
        transformed(tmp_path, f"{i}.out", f"{i}, {ID[:-1]}{i},{hour.isoformat()[:19]}Z\n".encode())
        manifest(tmp_path, f"{i}.out", hour=hour)
    for i in range(3):
        assert [row["_c0"] for row in collected(tmp_path, file, Window(at(60 * i), at(60 * i + 60)))] == [str(i)]


def test_columns_of_a_joined_line_of_csv_are_named_along_it(tmp_path: Path) -> None:
    columns: dict[str, Any] = {"inputs": ["age", "city"], "outputs": ["score"]}
    transformed(tmp_path, "a.out", f"30,rome,0.5, {ID},2026-01-05T03:10:00Z\n".encode())
    manifest(tmp_path, "a.out")
    [row] = collected(tmp_path, batch_file(tmp_path, columns=columns))
    assert {name: value for name, value in row.items() if not name.startswith("@")} == {
        "age": "30", "city": "rome", "score": "0.5"
    }  # fmt: skip
    assert list(row)[:3] == ["age", "city", "score"]
    [row] = collected(tmp_path, batch_file(tmp_path, columns=columns | {"outputs_last": False}))
    assert list(row)[:3] == ["score", "age", "city"] and row["score"] == "30"


@pytest.mark.parametrize(
    ("answer", "asked", "expected"),
    [
        ("0.25", '"age":30,"city":"rome"', {"SageMakerOutput": "0.25", "age": "30", "city": "rome"}),
        ('{"score":1.0}', '"age":30', {"score": "1.0", "age": "30"}),
        ('{"score":1.0}', "", {"score": "1.0"}),
        ("null", '"age":30', {"SageMakerOutput": None, "age": "30"}),
    ],
)
def test_an_answer_that_is_joined_with_its_question_becomes_flat_columns(
    tmp_path: Path, answer: str, asked: str, expected: dict[str, Any]
) -> None:
    line = f'{{"SageMakerOutput":{answer}{"," if asked else ""}{asked},"SageMakerInferenceId":"{ID}"}}'
    assert rows(tmp_path / "a.out", line.encode(), "jsonl") == [expected]


@pytest.mark.parametrize(
    ("asked", "row"),
    [
        ("[1, 2.0]", {"score": "0.5", "age": "1", "income": "2.0"}),
        ("[[1, 2.0]]", {"score": "0.5", "age": "1", "income": "2.0"}),
        ('{"a": 1}', {"score": "0.5", "a": "1"}),
        ('"1,2.0"', {"score": "0.5", "SageMakerInput": "1,2.0"}),
    ],
)
@pytest.mark.parametrize("attribute", [None, "SageMakerOutput.score"])
def test_a_question_that_is_no_object_is_joined_under_a_name_of_its_own(
    tmp_path: Path, attribute: str | None, asked: str, row: dict[str, str]
) -> None:
    content = f'{{"SageMakerInput": {asked}, "SageMakerOutput": {{"score": 0.5}}}}\n'.encode()
    names = payload.Names(outputs=("score",), inputs=("age", "income"))
    if attribute is None:
        assert rows(tmp_path / "a.out", content, "jsonl", names=names) == [row]
        return
    transformed(tmp_path, "a.out", content)
    parsed = [captures.parse(b) for b in batch_rows.blocks([listed(tmp_path / "transform/a.out")], "jsonl")]
    [found], rejected = attributes.extracting([attribute], names)(parsed[0])
    assert not rejected and found.columns.to_pylist() == [
        {attribute if name == "score" else name: value for name, value in row.items()}
    ]


def test_rows_inside_an_answer_stand_beside_those_of_its_question(tmp_path: Path) -> None:
    line = {
        "SageMakerOutput": {
            "predictions": [{"predicted_label": 1, "score": 0.99}, {"predicted_label": 0, "score": 0.2}]
        },
        "instances": [{"features": [28, 2]}, {"features": [43, 1]}],
    }
    names = payload.Names(("label", "score"), ("age", "class"))
    assert rows(tmp_path / "a.out", json.dumps(line).encode(), "jsonl", names=names) == [
        {"predicted_label": "1", "score": "0.99", "age": "28", "class": "2"},
        {"predicted_label": "0", "score": "0.2", "age": "43", "class": "1"},
    ]


def batch_of(root: Path, format: str, count: int, joined: bool) -> list[int]:
    """A job over so many rows with scores that are right, and labels for all but the last; the labels."""
    rows = [(i, i % 10 / 10, f"{ID[:-3]}{i:03d}") for i in range(count)]
    if format == "csv":
        text = "".join(f"{i},a,{score}, {name},2026-01-05T03:10:00Z\n" for i, score, name in rows)
    else:
        made = {"SageMakerInferenceTime": "2026-01-05T03:10:00Z"}
        text = "".join(
            json.dumps(made | {"SageMakerInferenceId": name, "SageMakerOutput": {"score": score}, "features": [i, "a"]})
            + "\n"
            for i, score, name in rows
        )
    transformed(root, "part.out", text.encode())
    manifest(root, "part.out")
    labels = [int(score > 0.5) for _, score, _ in rows]
    truths = [
        truth(name, json.dumps({"label": label}), "JSON") if joined else truth(name, str(label))
        for (_, _, name), label in zip(rows, labels, strict=True)
    ]
    collect(root / "labels", truths[:-1], at(60))
    return labels[:-1]


@pytest.mark.parametrize(
    ("format", "asked", "attribute"),
    [
        ({"Csv": {"Header": False}}, {}, "2"),
        ({"Csv": {"Header": False}}, {"columns": {"inputs": ["age", "plan"], "outputs": ["score"]}}, "score"),
        ({"Json": {"Line": True}}, {}, "SageMakerOutput.score"),
        ({"Json": {"Line": True}}, {}, "$.SageMakerOutput.score"),
        ({"Json": {"Line": True}}, {}, "score"),
    ],
)
def test_model_quality_of_a_job_is_that_of_its_rows_with_their_labels(
    tmp_path: Path, format: Any, asked: dict[str, Any], attribute: str
) -> None:
    """And merged records are where SageMaker leaves them, in the published form."""
    kind = "csv" if "Csv" in format else "jsonl"
    labels = batch_of(tmp_path, kind, 60, joined=kind == "jsonl")
    options = {"problem_type": "BinaryClassification", "probability_attribute": attribute}
    options |= {"ground_truth_attribute": "label"}
    truth_at = {"uri": str(tmp_path / "labels")}
    file = batch_file(tmp_path, format, monitor="model_quality", options=options, ground_truth=truth_at, **asked)
    jobs.collect_window(Execution.of(file, "dq", WINDOW))
    jobs.merge_ground_truth(Execution.of(file, "dq", WINDOW))
    jobs.compute_metrics(Execution.of(file, "dq", WINDOW))
    assert jobs.evaluate_constraints(Execution.of(file, "dq", WINDOW)) == str(tmp_path / "out/dq/2026/01/05/04")
    statistics = json.loads((tmp_path / "out/dq/2026/01/05/04/statistics.json").read_text())
    metrics = statistics["binary_classification_metrics"]
    assert metrics["accuracy"]["value"] == 1.0 and metrics["auc"]["value"] == 1.0
    ones, zeros = sum(labels), len(labels) - sum(labels)
    assert metrics["confusion_matrix"] == {"0": {"0": zeros, "1": 0}, "1": {"0": 0, "1": ones}}
    [left] = (tmp_path / "out/merge/dq/2026/01/05/03").iterdir()
    assert left.name.startswith("part-00000-") and left.name.endswith(".c000.jsonl")
    merged = [json.loads(line) for line in left.read_text().splitlines()]
    published = {
        "csv": {"data": "0,a,0.0", "encoding": "CSV"},
        "jsonl": {"data": '{"SageMakerOutput":{"score": 0.0},"features":[0, "a"]}', "encoding": "JSON"},
    }
    data = {"csv": {"data": "0", "encoding": "CSV"}, "jsonl": {"data": '{"label": 0}', "encoding": "JSON"}}
    assert len(merged) == 59
    assert merged[0] == {
        "eventMetadata": {"eventId": f"{ID[:-3]}000"},
        "eventVersion": "0",
        "groundTruthData": data[kind],
        "captureData": {"batchTransformOutput": published[kind]},
    }


@pytest.mark.parametrize(
    ("format", "content", "script"),
    [
        ("csv", b"30,rome,0.5\n31,,0.7\n", "age, city, score = row.split(',')\n    return {'s': score, 'age': age}"),
        ("jsonl", b'{"SageMakerOutput":{"s":0.5},"age":30}\n{"SageMakerOutput":{"s":0.7},"age":31}\n',
         "return {'s': row['SageMakerOutput']['s'], 'age': row['age']}"),
    ],
)  # fmt: skip
def test_a_script_is_given_a_line_of_csv_as_text_and_an_object_of_json_as_a_dict(
    tmp_path: Path, format: str, content: bytes, script: str
) -> None:
    (tmp_path / "script.py").write_text(f"def preprocess_handler(row):\n    {script}\n")
    transformed(tmp_path, "a.out", content)
    manifest(tmp_path, "a.out")
    file = batch_file(tmp_path, format, preprocess={"script": str(tmp_path / "script.py")})
    assert [(row["s"], row["age"]) for row in collected(tmp_path, file)] == [("0.5", "30"), ("0.7", "31")]


def test_data_quality_of_a_job_against_a_baseline_without_names_is_judged_by_position(tmp_path: Path) -> None:
    (tmp_path / "b.csv").write_text("age,city,score\n" + "".join(f"{i},{'ab'[i % 2]},0.{i}\n" for i in range(60)))
    transformed(tmp_path, "a.out", "".join(f"{i},{'ab'[i % 2]},0.{i}\n" for i in range(60)).encode())
    manifest(tmp_path, "a.out")
    file = batch_file(tmp_path)
    state = jobs.observe_baseline(Assignment.load(file, "dq"), Dataset.at(str(tmp_path / "b.csv"), "csv"))
    jobs.publish_baseline(
        Assignment.load(file, "dq"),
        jobs.suggest_constraints(Assignment.load(file, "dq"), state, "2026-01-05T00:00:00Z"),
    )
    jobs.collect_window(Execution.of(file, "dq", WINDOW))
    jobs.compute_metrics(Execution.of(file, "dq", WINDOW))
    jobs.evaluate_constraints(Execution.of(file, "dq", WINDOW))
    told = jobs.alert(Execution.of(file, "dq", WINDOW))
    assert (told["status"], told["rows"], told["violations"]) == ("Completed", 60, 0)


@pytest.mark.parametrize("attribute", ["predicted_label", "SageMakerOutput.predictions[*].predicted_label"])
def test_bias_of_a_job_that_answered_several_rows_at_once(tmp_path: Path, attribute: str) -> None:
    """The published shape of a job over JSON: each document has many instances, and one record labels them all."""
    documents, truths = [], []
    for i in range(40):
        instances = [{"features": [20 + i, (i + k) % 2]} for k in range(3)]
        answers = [{"predicted_label": (i + k) % 2, "score": 0.9} for k in range(3)]
        name = f"{ID[:-3]}{i:03d}"
        made = {"SageMakerInferenceId": name, "SageMakerInferenceTime": "2026-01-05T03:10:00Z"}
        documents.append({"SageMakerOutput": {"predictions": answers}, **made, "instances": instances})
        labels = json.dumps({"instances": [{"label": (i + k) % 2} for k in range(3)]})
        truths.append(truth(name, labels, "JSON"))
    transformed(tmp_path, "part.json.out", json.dumps(documents).encode())
    manifest(tmp_path, "part.json.out")
    path = collect(tmp_path / "labels", [], at(60))
    path.write_text(json.dumps(truths))  # one list on one line, as the published sample writes it
    options = {"facets": [{"name": "sex"}], "inference_attribute": attribute, "label_values_or_threshold": [1]}
    options |= {"ground_truth_attribute": "instances[*].label"}
    asked = {"columns": {"inputs": ["age", "sex"]}, "ground_truth": {"uri": str(tmp_path / "labels")}}
    file = batch_file(tmp_path, {"Json": {"Line": False}}, monitor="bias", options=options, **asked)
    jobs.collect_window(Execution.of(file, "dq", WINDOW))
    jobs.merge_ground_truth(Execution.of(file, "dq", WINDOW))
    jobs.compute_metrics(Execution.of(file, "dq", WINDOW))
    jobs.evaluate_constraints(Execution.of(file, "dq", WINDOW))
    analysis = json.loads((tmp_path / "out/dq/2026/01/05/04/analysis.json").read_text())
    [facet] = [
        one for one in analysis["post_training_bias_metrics"]["facets"]["sex"] if one["value_or_threshold"] == "1"
    ]
    found = {metric["name"]: metric["value"] for metric in facet["metrics"]}
    assert found["DPPL"] == -1.0 and found["AD"] == 0.0  # who has sex 1 is always predicted 1, and rightly


def test_a_column_that_is_there_twice_is_told(tmp_path: Path) -> None:
    table = pa.Table.from_arrays([pa.array([1]), pa.array([2])], names=["a", "a"])
    pq.write_table(table, tmp_path / "a.out")
    with pytest.raises(DataError, match=r"a\.out names column 'a' twice"):
        records(tmp_path / "a.out", None, "parquet")


def test_a_number_of_many_digits_and_a_row_that_is_no_text_don_t_take_others_with_them(tmp_path: Path) -> None:
    many = "9" * 5000
    line = f'{{"SageMakerInferenceId":"{ID}","a":NaN,"b":{many}}}'
    for content in (line, f"[{line}]", f"{{\n{line[1:]}"):
        [one] = records(tmp_path / "a.out", content.encode(), "jsonl")
        assert one["eventMetadata"]["eventId"] == ID
        assert one["captureData"]["batchTransformOutput"]["data"] == f'{{"a":NaN,"b":{many}}}'
