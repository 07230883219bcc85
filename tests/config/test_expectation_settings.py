"""``expectations:`` in an endpoint file: each mistake is named with file, line and the nearest right name."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from support.places import PROJECT

from model_monitor import config
from model_monitor.config.expectations import rules_of
from model_monitor.errors import ConfigError

FILE = """\
endpoint: shop
capture: {uri: captures}
output: out
schedules:
  - name: shop-rules
    monitor: expectations
    expectations: EXPECTATIONS
"""
SUITE = {
    "name": "team",
    "id": None,
    "notes": None,
    "expectations": [
        {"id": None, "type": "expect_column_to_exist", "kwargs": {"column": "age"}, "meta": {}, "severity": "info"},
        {"type": "expect_column_max_to_be_between", "kwargs": {"column": "age", "max_value": {"$PARAMETER": "oldest"}}},
    ],
    "suite_parameters": {"oldest": 130},
    "meta": {"great_expectations_version": "1.3.0"},
}


def written(folder: Path, expectations: str) -> Path:
    path = folder / "shop.yaml"
    path.write_text(FILE.replace("EXPECTATIONS", expectations))
    return path


def problems(folder: Path, expectations: str) -> list[str]:
    path = written(folder, expectations)
    return config.problems_in(path, config.load(path))


def test_rules_and_suites_are_read_together(tmp_path: Path) -> None:
    (tmp_path / "team.json").write_text(json.dumps(SUITE))
    own = "{type: expect_column_to_exist, kwargs: {column: plan}, severity: warning}"
    path = written(tmp_path, f"[{own}, {{suite: team.json}}]")
    rules = rules_of(config.load(path).schedules[0].expectations)
    assert [rule.severity for rule in rules] == ["warning", "info", "critical"]
    assert rules[2].kwargs == {"column": "age", "max_value": 130}
    assert problems(tmp_path, "team.json") == []


@pytest.mark.parametrize(
    ("expectations", "problem"),
    [
        ("[{type: expect_column_to_exis, kwargs: {column: a}}]", "GX has no expectation 'expect_column_to_exis'; did"),
        ("\n      - type: expect_column_to_exist\n        kwargs:\n          colum: a",
         "10: schedules.0.expectations.0.kwargs.colum: expect_column_to_exist has no argument 'colum'; did you"),
        ("nope.json", "there is no suite file"),
        ("[{type: expect_column_values_to_be_null, kwargs: {column: a, mostly: 7}}]", "kwargs.mostly: ensure this"),
    ],
)  # fmt: skip
def test_validate_names_the_place_and_the_right_name(expectations: str, problem: str, tmp_path: Path) -> None:
    [found] = problems(tmp_path, expectations)
    assert problem in found and found.startswith(f"{tmp_path}/shop.yaml:")


@pytest.mark.parametrize(
    ("expectations", "problem"),
    [
        ("[]", "expectations is missing"),
        ("[{kwargs: {}}]", "an expectation has a type"),
        ("[{type: a, suite: b.json}]", "a suite has type in its file; leave it out here"),
        ("[{type: a, severty: info}]", "unknown key 'severty'; did you mean 'severity'?"),
        ("[{type: a, severity: bad}]", "'critical', 'warning' or 'info'"),
        ("7", "a list of rules is expected"),
        ("{type: a}", "a list of rules is expected"),
        ("", "a list of rules is expected"),
        ("[team.json]", "entry 1: write '- suite: team.json' for a file of rules"),
        ("[{type: a}, null]", "entry 2: an object with type and kwargs is expected, not nothing"),
        ("[[a]]", 'entry 1: an object with type and kwargs is expected, not ["a"]'),
    ],
)
def test_the_form_is_checked_without_gx(expectations: str, problem: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        config.load(written(tmp_path, expectations))
    assert problem in str(caught.value) and "shop.yaml:" in str(caught.value)


def test_the_page_shows_what_validate_accepts(tmp_path: Path) -> None:
    page = (PROJECT / "docs/expectations.md").read_text()
    (tmp_path / "quality").mkdir()
    (tmp_path / "quality/team.json").write_text(json.dumps(SUITE))
    path = tmp_path / "flights.yaml"
    path.write_text(FILE.partition("schedules:")[0] + page.partition("```yaml\n")[2].partition("```")[0])
    endpoint = config.load(path)
    assert config.problems_in(path, endpoint) == []
    assert len(rules_of(endpoint.schedules[0].expectations)) == 5


def test_rules_alone_have_no_baseline_and_a_page_needs_rules(tmp_path: Path) -> None:
    path = written(tmp_path, "[{type: expect_column_to_exist, kwargs: {column: a}}]\n    baseline: {dataset: d.csv}")
    with pytest.raises(ConfigError, match="needs no baseline"):
        config.load(path)
    path.write_text(FILE.replace("expectations: EXPECTATIONS", "data_docs: true").replace(": expectations", ": bias"))
    with pytest.raises(ConfigError, match="expectations is missing"):
        config.load(path)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ({"expectation_suite_name": "x", "expectations": []}, "a suite of Great Expectations 0.x; version 1.x is read"),
        (
            SUITE | {"meta": {"great_expectations_version": "0.18.12"}},
            "of Great Expectations 0.18.12; version 1.x is read",
        ),
        (SUITE | {"meta": {"great_expectations_version": "2.0.0"}}, "of Great Expectations 2.0.0; version 1.x is read"),
        (
            {"expectations": [{"expectation_type": "a"}]},
            ":1: expectation 1: 'expectation_type' is of Great Expectations 0.x",
        ),
        ({"expectations": [7]}, "expectation 1: an object is expected"),
        ({"expectations": [{"type": 7}]}, "expectation 1: Input should be a valid string"),
        ({"expectations": {}}, "it has no list 'expectations'"),
        ({"expectations": []}, "its list 'expectations' is empty, so that nothing would be judged"),
        ('{"expectations": [{"type": "a", "type": "b"}]}', "'type' is there twice in one object"),
        ([], "it has no list 'expectations'"),
        ("{", "not JSON"),
    ],
)
def test_what_is_no_suite_of_this_version_is_refused(content: object, problem: str, tmp_path: Path) -> None:
    (tmp_path / "team.json").write_text(content if isinstance(content, str) else json.dumps(content))
    [found] = problems(tmp_path, "team.json")
    assert problem in found and "team.json" in found


def test_a_folder_is_no_suite_and_options_can_not_replace_rules(tmp_path: Path) -> None:
    (tmp_path / "team.json").mkdir()
    [found] = problems(tmp_path, "team.json")
    assert found.startswith(f"{tmp_path}/shop.yaml:7") and found.endswith("is a folder; name a suite file in it")
    path = written(tmp_path, "[{type: expect_column_to_exist, kwargs: {column: a}}]\n    options: {rules: []}")
    [found] = config.problems_in(path, config.load(path))
    assert found.endswith("option 'rules': rules are written in expectations, or in a suite file that it names")


def test_a_mistake_in_a_suite_is_named_with_its_line_there_and_both_versions(tmp_path: Path) -> None:
    (tmp_path / "team.json").write_text(json.dumps(SUITE, indent=1).replace('"column"', '"colum"', 1))
    [found] = problems(tmp_path, "team.json")
    assert (
        "team.json:10: expectation 1: kwargs.colum: expect_column_to_exist has no argument 'colum'; did you mean "
        "'column'?" in found
    )
    assert found.endswith("(the suite is of GX 1.3.0, this is 1.24.1)")
