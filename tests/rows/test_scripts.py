"""Can a user's own Python change the rows and follow up on the reports, as it could with SageMaker?"""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from support.captures import NO_SIDE, at, capture, endpoint_file, record, side

from model_monitor import jobs, store
from model_monitor.__main__ import main
from model_monitor.config.execution import Execution
from model_monitor.core.window import Window
from model_monitor.errors import ConfigError

WINDOW = Window(at(0), at(60))
HANDLER = "def preprocess_handler(inference_record):\n    "


def written(root: Path, script: str, name: str = "script.py") -> str:
    (root / name).write_text(script)
    return str(root / name)


def rows(root: Path, script: str, **settings: Any) -> list[dict[str, Any]]:
    """The judged columns of the rows that a handler makes of the captures below ``root``."""
    settings = {"script": written(root, script)} | settings
    file = endpoint_file(root, preprocess=settings, max_rejected=1)
    document = json.loads(store.read(jobs.collect_window(Execution.of(file, "dq", WINDOW))))
    found = [row for address in document["partitions"] for row in pq.read_table(address).to_pylist()]
    return [{name: value for name, value in row.items() if name[0] != "@"} for row in found]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    capture(tmp_path / "capture", [record("a", "1,x", "0.1", at(1), inference="i-1"), record("b", "2,y", "0.2", at(2))])
    return tmp_path


@pytest.mark.parametrize(
    ("returned", "expected"),
    [
        ('{"x": 1, "y": None, "z": 2.50, "t": True, "s": "é"}',
         [{"x": "1", "y": None, "z": "2.5", "t": "true", "s": "é"}] * 2),
        ('{"x": inference_record.endpoint_input.data}', [{"x": "1,x"}, {"x": "2,y"}]),
        ('[{"x": 1}, {"x": 2, "y": 3}]', [{"x": "1", "y": None}, {"x": "2", "y": "3"}] * 2),
        ("[]", []),
        ('[1, "a", None]', [{"_c0": "1", "_c1": "a", "_c2": None}] * 2),
        ("inference_record", [{"_c0": "0.1", "_c1": "1", "_c2": "x"}, {"_c0": "0.2", "_c1": "2", "_c2": "y"}]),
        ('[[1, "a"], [2, "b"]]', [{"_c0": "1", "_c1": "a"}, {"_c0": "2", "_c1": "b"}] * 2),
        ('[] if inference_record.event_metadata.event_id == "a" else {"x": 7}', [{"x": "7"}]),
        ('{10: "a", 9: "b"}', [{"10": "a", "9": "b"}] * 2),
    ],
    ids=["dict", "its record", "several", "none", "values", "the record", "lists", "some", "names of numbers"],
)  # fmt: skip
def test_what_a_handler_returns_becomes_the_rows(root: Path, returned: str, expected: list[dict[str, Any]]) -> None:
    assert rows(root, HANDLER + f"return {returned}") == expected


def test_a_handler_is_given_all_that_was_captured_under_the_names_of_sagemaker(root: Path) -> None:
    script = HANDLER + (
        "r = inference_record\n    return dict(id=r.event_metadata.event_id, time=r.event_metadata.event_time,\n"
        "      custom=r.event_metadata.custom_attribute, encoding=r.endpoint_output.encoding,\n"
        "      mode=r.endpoint_input.mode,\n"
        "      type=r.endpoint_input.observedContentType, version=r.event_version,\n"
        "      other=r.batch_transform_output.data,\n"
        "      inference=r.event_dict['eventMetadata'].get('inferenceId'), truth=r.ground_truth.data,\n"
        "      same=r.as_dict() == r.event_dict)"
    )
    assert rows(root, script)[0] == {
        "id": "a",
        "time": "2026-01-05T03:01:00Z",
        "custom": None,
        "encoding": "CSV",
        "mode": "INPUT",
        "type": "text/csv",
        "version": "0",
        "other": None,
        "inference": "i-1",
        "truth": None,
        "same": "true",
    }


def test_a_handler_may_take_a_logger(root: Path, caplog: pytest.LogCaptureFixture) -> None:
    script = (
        "def preprocess_handler(record, logger):\n    logger.warning('saw %s', record.event_metadata.event_id)\n    "
    )
    assert rows(root, script + "return {'x': 1}") == [{"x": "1"}] * 2
    assert "saw a" in caplog.text


def test_a_handler_may_take_a_record_apart_that_no_monitor_could(tmp_path: Path) -> None:
    nested = {"instances": [{"features": [1.5, 2]}, {"features": [0.3, 4]}]}
    capture(tmp_path / "capture", [record("a", nested, {"predictions": [{"score": 0.9}, {"score": 0.2}]})])
    script = "import json\n" + HANDLER + (
        "asked = json.loads(inference_record.endpoint_input.data)['instances']\n"
        "    told = json.loads(inference_record.endpoint_output.data)['predictions']\n"
        "    return [{'score': t['score'], **{f'f{i}': v for i, v in enumerate(a['features'])}} "
        "for a, t in zip(asked, told)]"
    )  # fmt: skip
    assert rows(tmp_path, script) == [
        {"score": "0.9", "f0": "1.5", "f1": "2"},
        {"score": "0.2", "f0": "0.3", "f1": "4"},
    ]


def batch(root: Path, data: str, encoding: str) -> Path:
    """A row of batch transform, captured as the merge of SageMaker writes it."""
    one = record("a", NO_SIDE, NO_SIDE, at(1))
    one["captureData"] = {"batchTransformOutput": {"data": data, "encoding": encoding}}
    capture(root / "capture", [one])
    return root


def test_a_row_of_batch_transform_is_given_as_its_line_or_its_object(tmp_path: Path) -> None:
    """And has what the record has besides."""
    text = "def preprocess_handler(r):\n    return dict(first=r.split(',')[0], text=isinstance(r, str), "
    assert rows(batch(tmp_path / "csv", "1,x,0.5\n", "CSV"), text + "end=r[-3:], id=r.event_metadata.event_id)") == [
        {"first": "1", "text": "true", "end": "0.5", "id": "a"}
    ]
    fields = "def preprocess_handler(r):\n    return dict(r, both=r['x'] + r['y'], raw=r.batch_transform_output.data, "
    assert rows(batch(tmp_path / "json", '{"x":1,"y":2.5}', "JSON"), fields + "table=isinstance(r, dict))") == [
        {"x": "1", "y": "2.5", "both": "3.5", "raw": '{"x":1,"y":2.5}', "table": "true"}
    ]


@pytest.mark.parametrize(
    ("data", "encoding", "expected"),
    [
        ("1,x\n", "CSV", {"_c0": "1", "_c1": "x"}),
        ('{"x":1.0}', "JSON", {"x": "1.0"}),
        ("[1, 2.50]", "JSON", {"_c0": "1", "_c1": "2.50"}),
    ],
)
def test_a_row_of_batch_transform_that_is_returned_is_read_as_if_there_were_no_handler(
    tmp_path: Path, data: str, encoding: str, expected: dict[str, Any]
) -> None:
    assert rows(batch(tmp_path, data, encoding), HANDLER + "return inference_record")[0] == expected


@pytest.mark.parametrize("data", ["{", "7", "", "[" * 100_000])
def test_what_is_no_object_of_batch_transform_is_given_as_a_record(tmp_path: Path, data: str) -> None:
    script = HANDLER + "return {'data': len(inference_record.batch_transform_output.data)}"
    assert rows(batch(tmp_path, data, "JSON"), script) == [{"data": str(len(data))}]


def test_a_record_with_other_sides_too_is_given_as_it_is(tmp_path: Path) -> None:
    one = record("a", "1,x", NO_SIDE, at(1))
    one["captureData"]["batchTransformOutput"] = {"data": "0.5", "encoding": "CSV"}
    capture(tmp_path / "capture", [one])
    script = HANDLER + "r = inference_record\n    return {'x': r.endpoint_input.data, 'text': isinstance(r, str)}"
    assert rows(tmp_path, script) == [{"x": "1,x", "text": "false"}]


def test_why_a_payload_is_not_there_is_known_after_a_handler_too(tmp_path: Path) -> None:
    lost = side(None, "CSV") | {"truncated": True}
    capture(tmp_path / "capture", [record("a", lost, "0.5", at(1)), record("b", "1", "0.5", at(1))])
    settings = {"script": written(tmp_path, HANDLER + "return inference_record")}
    file = endpoint_file(tmp_path, preprocess=settings, max_rejected=1)
    document = json.loads(store.read(jobs.collect_window(Execution.of(file, "dq", WINDOW))))
    [reason] = document["reasons"]
    assert document["rows"] == 1 and reason.startswith("payload beyond the recorder's limit")


def test_columns_keep_their_order_or_are_sorted_as_sagemaker_does(root: Path) -> None:
    script = HANDLER + 'return {"b": 1, "10": 2, "9": 3, 4: 0}'
    assert list(rows(root, script)[0]) == ["b", "10", "9", "4"]
    assert list(rows(root, script, sort_columns=True)[0]) == ["10", "4", "9", "b"]


def test_a_script_may_define_what_any_module_may(root: Path) -> None:
    """It was compiled with this project's own future statements, and no dataclass could be defined in it."""
    script = (
        "from __future__ import annotations\nfrom dataclasses import dataclass\nfrom typing import NamedTuple\n"
        "@dataclass\nclass A:\n    x: int\nclass B(NamedTuple):\n    y: int\nN = 3\n"
        "def preprocess_handler(r):\n    return {'x': A(N).x, 'y': B(2).y, 'file': __file__}"
    )
    assert rows(root, script)[0] == {"x": "3", "y": "2", "file": str(root / "script.py")}
    assert rows(root, script.partition("\n")[2])[0]["x"] == "3"
    kind = "class A:\n    x: int\n" + HANDLER + "return {'x': A.__annotations__['x'] is int}"
    assert rows(root, kind)[0] == {"x": "true"}


@pytest.mark.parametrize(
    "body",
    [
        "1 / 0",
        "return None",
        "return 7",
        "return 'text'",
        "return (1, 2)",
        "return [{'x': 1}, 2]",
        "return [[1, 2], [3]]",
        "return {'x': {'y': 1}}",
        "return {'x': [1]}",
        "return {'@event_id': 1}",
        "return {'x': '\\ud800'}",
        "return {'x': b'1'}",
        "return [bytearray(b'1'), 2]",
        "return {'x': 1j}",
        "return [{'x': int}]",
        "raise SystemExit(3)",
        "return {'x': undefined}",
    ],
)
def test_a_handler_that_fails_fails_the_run_with_the_record_or_drops_the_record(root: Path, body: str) -> None:
    script = HANDLER + f"if inference_record.event_metadata.event_id == 'a': {body}\n    return {{'x': 1}}"
    with pytest.raises(ConfigError, match=r"script\.py.* a\b") as raised:
        rows(root, script)
    if "raise" in body or "/" in body:
        assert "Traceback" in str(raised.value) and "line 2, in preprocess_handler" in str(raised.value)
    assert rows(root, script, on_error="drop") == [{"x": "1"}]
    report = json.loads((root / "out/_states/churn/dq/2026/01/05/04/collected.json").read_text())
    assert report["rejected"] == 1 and report["kept"][0]["line"] == 1
    assert report["kept"][0]["reason"] and "\n" not in report["kept"][0]["reason"]


@pytest.mark.parametrize(
    ("script", "words"),
    [("x = 1 +", "SyntaxError"), ("x = 1", "preprocess_handler"), ("1 / 0", "ZeroDivisionError"),
     ("preprocess_handler = 3", "preprocess_handler"), ("import nowhere_to_be_found", "nowhere_to_be_found")],
)  # fmt: skip
def test_a_script_that_cannot_be_used_is_an_error_of_its_author(root: Path, script: str, words: str) -> None:
    with pytest.raises(ConfigError, match=words) as raised:
        rows(root, script)
    assert "script.py" in str(raised.value)


def test_a_script_that_is_not_there_is_an_error_that_names_it(root: Path) -> None:
    file = endpoint_file(root, preprocess={"script": str(root / "gone.py")})
    with pytest.raises(ConfigError, match=r"gone\.py"):
        jobs.collect_window(Execution.of(file, "dq", WINDOW))


def test_rows_are_made_anew_when_the_script_changes(root: Path) -> None:
    assert rows(root, HANDLER + "return {'x': 1}") == [{"x": "1"}] * 2
    assert rows(root, HANDLER + "return {'x': 2}") == [{"x": "2"}] * 2


def test_a_script_does_not_disturb_the_rows_of_other_schedules(root: Path) -> None:
    script = written(root, HANDLER + "return {'x': 1}")
    file = endpoint_file(
        root,
        schedules=[
            {"name": "plain", "monitor": "data_quality"},
            {"name": "scripted", "monitor": "data_quality", "preprocess": {"script": script}},
        ],
    )
    found = {}
    for turn, name in enumerate(["plain", "scripted", "plain"]):
        document = json.loads(store.read(jobs.collect_window(Execution.of(file, name, WINDOW))))
        (address,) = document["partitions"]
        found[turn] = (address, Path(address).stat().st_ino, pq.read_table(address).column_names)
    assert found[0] == found[2]
    assert found[1][2][0] == "x" and found[0][2][0] == "_c0"


def judged(root: Path, postprocess: str) -> str:
    """The report of a window that is judged with a script after it."""
    file = endpoint_file(root, postprocess=written(root, postprocess, "after.py"))
    jobs.collect_window(Execution.of(file, "dq", WINDOW))
    jobs.compute_metrics(Execution.of(file, "dq", WINDOW))
    return jobs.evaluate_constraints(Execution.of(file, "dq", WINDOW))


def test_a_postprocess_handler_is_called_with_the_report_complete(root: Path) -> None:
    report = judged(
        root,
        "import os, json, pathlib\ndef postprocess_handler():\n"
        "    folder = os.environ['output_path']\n    names = sorted(os.listdir(folder))\n"
        "    told = {k: v for k, v in os.environ.items() if k in ('start_time', 'end_time') or 'sagemaker' in k}\n"
        f"    pathlib.Path({str(root / 'seen.json')!r}).write_text(json.dumps([folder, names, told]))\n",
    )
    folder, names, told = json.loads((root / "seen.json").read_text())
    assert folder == report and set(names) >= {"statistics.json", "constraint_violations.json", "execution.json"}
    assert told == {
        "start_time": "2026-01-05T03:00:00Z",
        "end_time": "2026-01-05T04:00:00Z",
        "sagemaker_endpoint_name": "churn",
        "sagemaker_monitoring_schedule_name": "dq",
    }
    assert "output_path" not in os.environ


@pytest.mark.parametrize("body", ["1 / 0", "raise SystemExit(2)"])
def test_a_postprocess_handler_that_fails_is_an_error_with_its_traceback(root: Path, body: str) -> None:
    with pytest.raises(ConfigError, match=r"after\.py") as raised:
        judged(root, f"def postprocess_handler():\n    {body}")
    assert "Traceback" in str(raised.value)
    assert "output_path" not in os.environ
    assert (root / "out/churn/dq/2026/01/05/04/execution.json").exists()


def test_an_edited_record_is_decoded_as_edited_or_refused(root: Path) -> None:
    """Never as if it had not been edited."""
    script = HANDLER + "inference_record.endpoint_output.data = '0.9'\n    return inference_record"
    try:
        found = rows(root, script)
    except ConfigError:
        return
    assert [row["_c0"] for row in found] == ["0.9", "0.9"]


@pytest.mark.parametrize("on_error", ["fail", "drop"])
@pytest.mark.parametrize(
    ("returned", "words"),
    [
        ("{}", "an empty dict"),
        ("[{}]", "an empty dict"),
        ("None", "None"),
        ("0", "a int"),
        ("'1,2'", "a str"),
        ("(1, 2)", "a tuple"),
        ("[{'a': 1}, 2]", "a list with a int in it"),
        ("[[1], []]", "an empty list in a list"),
        ("[[1, 2], [3]]", "lists of different lengths (1, 2)"),
        ("[[1], {'a': 2}]", "dicts beside lists"),
    ],
)
def test_what_is_no_rows_is_refused_with_what_to_return(root: Path, returned: str, words: str, on_error: str) -> None:
    if on_error == "drop":
        assert rows(root, HANDLER + f"return {returned}", on_error="drop") == []
        return
    with pytest.raises(ConfigError) as refused:
        rows(root, HANDLER + f"return {returned}")
    assert words in str(refused.value)
    assert "event a" in str(refused.value)
    assert "[] to drop the record" in str(refused.value)


LOST = "import os\n# /opt/ml/in/a/comment\nOUT = '/opt/ml/processing/output'\nDATA = '/opt/ml/processing/input/x.csv'\n"


def told_of(text: str) -> list[str]:
    return re.findall(r"script\.py:(\d+): '([^']*)' is a path of SageMaker's container", text)


def test_paths_of_sagemakers_container_are_told_in_the_log(root: Path, caplog: pytest.LogCaptureFixture) -> None:
    assert len(rows(root, LOST + HANDLER + "return {'x': 1}")) == 2
    assert told_of(caplog.text) == [("3", "/opt/ml/processing/output"), ("4", "/opt/ml/processing/input/x.csv")]
    assert "os.environ['output_path']" in caplog.text


@pytest.mark.parametrize("key", ["preprocess", "postprocess"])
def test_paths_of_sagemakers_container_are_told_by_validate(
    root: Path, key: str, capsys: pytest.CaptureFixture[str]
) -> None:
    script = written(root, LOST)
    file = endpoint_file(root, **{key: {"script": script} if key == "preprocess" else script})
    assert main(["validate", file]) == 0
    assert [line for line, _ in told_of(capsys.readouterr().out)] == ["3", "4"]
