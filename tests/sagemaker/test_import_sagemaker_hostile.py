"""Whatever a valid document of SageMaker says, import gives a file that validates or one clear sentence."""

from __future__ import annotations

import contextlib
import io
import json
import os
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st
from support import sagemaker_shapes as sm

from model_monitor import config
from model_monitor.__main__ import main
from model_monitor.config.yaml_files import with_environment
from model_monitor.sagemaker.importing.document import Remarks, literal, text_of

TRICKS = [
    *("${HOME}", "${X:-${HOME}}", "$${HOME}", "a: b", "#x", "- a", "&a", "*a", "!!python/object:os.system", "%YAML"),
    *("yes", "null", "1e3", "0x1f", "2026-01-01", "'", '"', "\\", "a\nb: c", "a\r\n# b", "\x85b", "\u2028b", "\x1b[2J"),
    *("\x00", "\ud800", "\ufeff", "日本", "👍", " a ", "{a}", "[a]", "|", ">", "@", "`", "", "=", "<<", "../../etc"),
]


NAME = "[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}"


USUAL = {
    "ScheduleExpression": ["cron(0 * ? * * *)", "cron(0 17/12 ? * * *)", "cron(0 5 ? * * *)", "NOW"],
    "ImageUri": [sm.ANALYZER, sm.CLARIFY, "<image>", "1.dkr.ecr.eu.amazonaws.com/own:1"],
    "ProbabilityAttribute": ["0", "instances[*].score"],
}


def mostly(usual: st.SearchStrategy[Any], odd: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.integers(0, 9).flatmap(lambda number: odd if number == 7 else usual)


def strings(shape: Any) -> st.SearchStrategy[str]:
    """Texts that AWS would take for a shape: one of its words, else of its pattern; with tricks where they match."""
    if shape.name in USUAL:
        return mostly(st.sampled_from(USUAL[shape.name]), st.sampled_from(TRICKS).filter(bool))
    if shape.metadata.get("enum"):
        return st.sampled_from(shape.metadata["enum"])
    pattern, longest = shape.metadata.get("pattern"), shape.metadata.get("max", 60)
    if pattern in (None, ".*", r"[\S\s]*"):
        usual = st.sampled_from(
            [*TRICKS, "0", "3", "instances[*].score", "a,b", "-PT1H", "-P1D", "cron(0 * ? * * *)", "NOW"]
        )
        return (usual | st.text(max_size=20)).filter(lambda text: len(text) >= shape.metadata.get("min", 0))
    if pattern.startswith("(https|s3)"):
        keys = st.sampled_from([*TRICKS, "a?endpoint_override=evil:80"]) | st.text(max_size=10)
        hosts = st.sampled_from(["s3://bucket/", "https://s3.amazonaws.com/b/", "s3://a:b@c/", "s3://"])
        odd = st.builds(lambda host, key: (host + key)[:longest], hosts, keys)
        return mostly(st.sampled_from(["s3://bucket/a/b.json", "s3://bucket/a//b/", "s3://b/${HOME}/日本"]), odd)
    if pattern == ".?P.*":
        return mostly(
            st.sampled_from(["-PT3H", "-PT1H", "-P1D", "-PT2D"]), st.sampled_from(["P8D", "-Pxyz", "xP", "-PT90S"])
        )
    if pattern == NAME:
        return st.from_regex(f"({NAME})", fullmatch=True).filter(lambda text: len(text) <= longest)
    return st.just(sm.ROLE) if "iam" in pattern else st.sampled_from(["sg-1", "subnet-1", "alias/key"])


ONE_OF = [("EndpointInput", "BatchTransformInput"), ("Csv", "Json", "Parquet")]


def documents(shape: Any, depth: int = 0) -> st.SearchStrategy[Any]:
    """Values of a shape of botocore's model: what is required, and some of the rest."""
    kind = shape.type_name
    if kind == "structure":
        required = {name: documents(shape.members[name], depth + 1) for name in shape.required_members}
        more = {name: documents(one, depth + 1) for name, one in shape.members.items() if name not in required}
        usual = st.fixed_dictionaries(required, optional=more)
        if several := [names for names in ONE_OF if set(names) <= more.keys()]:
            # The service wants one of them, which its model does not say.
            some = [
                st.fixed_dictionaries(
                    required | {name: more[name]}, optional={k: v for k, v in more.items() if k not in several[0]}
                )
                for name in several[0]
            ]
            return mostly(st.one_of(some), usual)
        return usual
    if kind == "list":
        return st.lists(documents(shape.member, depth + 1), min_size=1, max_size=min(2, shape.metadata.get("max", 2)))
    if kind == "map":
        keys = st.sampled_from([*TRICKS[:4], "problem_type", "categorical_drift_method", "publish_cloudwatch_metrics"])
        return st.dictionaries(keys, strings(shape.value), max_size=3)
    if kind == "string":
        return strings(shape)
    if kind == "boolean":
        return st.booleans()
    if kind == "timestamp":
        return st.just(sm.MADE)
    if kind in ("integer", "long"):
        return st.integers(shape.metadata.get("min", 0), shape.metadata.get("max", 100))
    return st.floats(0, 1) | st.floats(allow_nan=False, allow_infinity=False)


@lru_cache
def inputs_of(operation: str) -> st.SearchStrategy[Any]:
    return documents(sm.service().operation_model(operation).input_shape)


@st.composite
def schedules(draw: st.DrawFn) -> list[Any]:
    """A schedule and the job definition that it names, or with its job inside."""
    kind = draw(st.sampled_from(sm.KINDS))
    job = draw(inputs_of(f"Create{kind}JobDefinition"))
    schedule = draw(inputs_of("CreateMonitoringSchedule"))
    inside = schedule["MonitoringScheduleConfig"]
    if "MonitoringJobDefinition" not in inside:
        inside |= {"MonitoringJobDefinitionName": job["JobDefinitionName"], "MonitoringType": kind}
    return [sm.valid("CreateMonitoringSchedule", schedule), sm.valid(f"Create{kind}JobDefinition", job)]


def outcome(folder: Path, pieces: list[Any], *more: str) -> tuple[int, str, Path | None]:
    """Import some pieces: the exit code, standard error, and the file if there is one."""
    given, path = folder / "pieces.json", folder / "endpoint.yaml"
    given.write_text(json.dumps(pieces))
    path.unlink(missing_ok=True)
    (folder / "bias.json").write_text(json.dumps(sm.BIAS))
    command = ["import-sagemaker", "--from-json", str(given), "--write", str(path), *more]
    with contextlib.redirect_stderr(io.StringIO()) as told:
        code = main(command)
    return code, told.getvalue(), path if path.exists() else None


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("import")


def check(code: int, err: str, path: Path | None) -> None:
    assert "Traceback" not in err
    if code == 0:
        assert path is not None
        assert main(["validate", str(path)]) == 0
    else:
        assert path is None
        assert err.startswith("model-monitor: ")
    assert not any(ord(one) < 32 and one != "\n" for one in err), "nothing that steers a terminal"


@settings(max_examples=150)
@given(schedules(), st.booleans())
def test_any_schedule_of_the_services_own_model_gives_a_valid_file_or_a_sentence(
    folder: Path, pieces: list[Any], calibrated: bool
) -> None:
    more = ("--capture-uri", "s3://bucket/capture", "--analysis-config", str(folder / "bias.json"))
    more += ("--ground-truth", "s3://bucket/labels", "--model", "https://models.example.com")
    check(*outcome(folder, pieces, *more, *(["--calibrated"] if calibrated else [])))


@pytest.mark.parametrize("trick", TRICKS, ids=ascii)
def test_strange_texts_arrive_as_they_are_or_are_refused(folder: Path, trick: str) -> None:
    given = sm.endpoint_input(InferenceAttribute=trick)
    given["EndpointInput"] |= {"ExcludeFeaturesAttribute": trick.replace(",", "")}
    app = {"Environment": {"SECRET": trick}, "ContainerArguments": [trick]}
    pieces = [sm.schedule("ModelQuality"), sm.definition("ModelQuality", "", given, app=app)]
    code, err, path = outcome(folder, pieces, "--capture-uri", "s3://bucket/capture")
    check(code, err, path)
    if path:
        [schedule] = config.load(path).schedules
        assert schedule.options.get("inference_attribute", "") == trick


@pytest.mark.parametrize("trick", [trick for trick in TRICKS if trick])
def test_strange_keys_on_s3_arrive_as_they_are_or_are_refused(folder: Path, trick: str) -> None:
    baseline = {"ConstraintsResource": {"S3Uri": f"s3://bucket/{trick}/constraints.json"}}
    pieces = [sm.schedule("DataQuality"), sm.definition("DataQuality", baseline=baseline)]
    code, err, path = outcome(folder, pieces, "--capture-uri", "s3://bucket/capture")
    check(code, err, path)
    assert code == (0 if trick.isprintable() else 1)
    if path:
        [schedule] = config.load(path).schedules
        assert schedule.baseline.constraints == f"s3://bucket/{trick}/constraints.json"


@pytest.mark.parametrize("name", ["../../etc", "a/b", "", "a b", "a\n", "x" * 64])
def test_names_that_could_lead_elsewhere_are_refused(folder: Path, name: str) -> None:
    pieces = [sm.schedule("DataQuality") | {"MonitoringScheduleName": name}, sm.definition("DataQuality")]
    code, err, path = outcome(folder, pieces, "--capture-uri", "s3://bucket/capture", "--copy-baselines", str(folder))
    assert (code, path) == (1, None)
    assert err.count("\n") == 1


@pytest.mark.parametrize("secret", [4711, 47.11, ["4711"], {"a": "4711"}, "4711", None, False], ids=repr)
@pytest.mark.parametrize("whole", [False, True])
def test_no_value_of_the_environment_is_ever_shown(folder: Path, secret: Any, whole: bool) -> None:
    pieces = [sm.schedule("DataQuality"), sm.definition("DataQuality", app={"Environment": {"A": "a"}})]
    pieces[1]["DataQualityAppSpecification"]["Environment"] = secret if whole else {"A": "a", "KEY": secret}
    code, err, path = outcome(folder, pieces, "--capture-uri", "s3://bucket/capture")
    check(code, err, path)
    assert "4711" not in err + (path.read_text() if path else "") and "None" not in err
    whole_is_fine = secret is None or isinstance(secret, dict)
    assert code == (0 if (whole_is_fine if whole else isinstance(secret, str)) else 1)
    assert code == 0 or ("Environment is no" if whole else "Environment.KEY is no text") in err


def test_an_address_cant_lead_to_another_server(folder: Path) -> None:
    for uri in ("s3://bucket/a?endpoint_override=evil.example", "s3://key:secret@bucket/a", "https://evil.example/a"):
        pieces = [sm.schedule("DataQuality"), sm.definition("DataQuality", outputs=sm.outputs(uri))]
        code, err, path = outcome(folder, pieces, "--capture-uri", "s3://bucket/capture")
        assert (code, path) == (1, None)
        assert "MonitoringOutputs.S3Uri" in err


@given(st.text() | st.lists(st.sampled_from(["${", "HOME", "}", ":-", "$", "{", "X", "DOLLAR"])).map("".join))
@example("${HOME}")
@example("${X:-${HOME}}")
def test_the_environment_never_gets_into_an_imported_text(text: str) -> None:
    assert "DOLLAR" not in os.environ
    assert with_environment(literal(text)) == text


ANY = st.sampled_from(TRICKS) | st.text()


@given(ANY, ANY, ANY)
def test_neither_texts_nor_remarks_change_what_the_yaml_says(one: str, other: str, sentence: str) -> None:
    made = {"endpoint": one, "schedules": [{"name": other, "options": {"a": [one, {"b": other}], "c": 0.1, "d": None}}]}
    remarks = Remarks()
    for place in (("endpoint",), ("schedules", 0, "name"), ("schedules", 0, "options"), ("schedules", 0, "none")):
        remarks.look(place, sentence)
    remarks.no_counterpart(sentence, sentence)
    assert yaml.safe_load(text_of(made, remarks)) == literal(made)


@pytest.mark.parametrize(
    "content", ["", "[", "7", '"a"', "[[[[[[]]]]]]", "[" * 100_000, '{"a": NaN}', "\ufeff{}", "null"]
)
def test_files_that_hold_nothing_are_told_in_one_line(
    folder: Path, capsys: pytest.CaptureFixture[str], content: str
) -> None:
    (folder / "odd.json").write_text(content)
    assert main(["import-sagemaker", "--from-json", str(folder / "odd.json")]) == 1
    assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.parametrize("time", ["9" * 400, "1e999", "2026-13-01", 1e300, -(2**70), "0001-01-01T00:00:00+14:00"])
def test_a_time_that_is_none_is_told_in_one_line(
    folder: Path, capsys: pytest.CaptureFixture[str], time: str | float
) -> None:
    document = sm.described_schedule(sm.schedule("DataQuality")) | {"CreationTime": time}
    (folder / "odd.json").write_text(json.dumps(document))
    assert main(["import-sagemaker", "--from-json", str(folder / "odd.json")]) == 1
    told = capsys.readouterr().err
    assert told.count("\n") == 1 and len(told) < 2000
