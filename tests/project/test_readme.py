"""What the README tells a newcomer to write and to run does what it says."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
import yaml
from support.captures import HOUR, capture, record
from support.places import PROJECT
from support.truths import collect, truth

from model_monitor import config
from model_monitor.__main__ import main

README = (PROJECT / "README.md").read_text()
GROUND_TRUTH = (PROJECT / "docs/ground-truth.md").read_text()


def blocks(language: str, page: str = README) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", page, re.S)


def test_the_first_screen_is_a_picture_a_sentence_a_command_and_a_table() -> None:
    first, _, rest = README.partition("\n```sh\nmake demo\n```\n")
    assert re.fullmatch(r"# [^\n]+\n\n[^\n]+\n\n!\[[^\n]+\n", first)
    table, _, after = rest.lstrip().partition("\n\n")
    assert all(line.startswith("|") for line in table.splitlines())
    assert after.index("## Monitor your own endpoint") < 1000 and "No licence has been chosen yet" in after[:1000]


def test_the_endpoint_file_is_one_with_and_without_ground_truth(tmp_path: Path) -> None:
    first, labels = (yaml.safe_load(blocks("yaml", page)[0]) for page in (README, GROUND_TRUTH))
    both = first | labels | {"schedules": first["schedules"] + labels["schedules"]}
    for content in (first, both):
        (tmp_path / "churn.yaml").write_text(yaml.safe_dump(content))
        endpoint = config.load(tmp_path / "churn.yaml")
        assert config.problems_in(tmp_path / "churn.yaml", endpoint) == []
        assert endpoint.columns.names == ("probability", "age", "plan", "calls")
    assert [schedule.ground_truth is None for schedule in endpoint.schedules] == [True, False]


def test_the_commands_run_one_after_the_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    commands = "".join(block for block in blocks("sh") if "model-monitor" in block)
    (tmp_path / "training.csv").write_text("score,age\n" + "".join(f"0.{i % 10},{20 + i % 50}\n" for i in range(500)))
    answers = [f"0.{i % 10},{int(i % 10 > 5)},{int(i % 10 > 4)}\n" for i in range(500)]
    (tmp_path / "validation.csv").write_text("probability,prediction,label\n" + "".join(answers))
    for folder in ("include", "examples"):
        (tmp_path / folder).symlink_to(PROJECT / folder)
    monkeypatch.chdir(tmp_path)
    traffic = [
        record(f"e{i}", f"{20 + i % 50}\n", f"0.{i % 10}", f"2026-01-01T{i % 24:02d}:00:00Z") for i in range(500)
    ]
    capture(tmp_path / "captures", traffic)
    collect(tmp_path / "labels", [truth(f"e{i}", str(int(i % 10 > 4))) for i in range(500)], HOUR)
    for command in commands.replace("\\\n", "").splitlines():
        program, *arguments = shlex.split(command)
        assert program == "model-monitor"
        assert main(arguments) == 0


def test_each_make_target_that_is_named_exists() -> None:
    targets = set(re.findall(r"^(\w+):", (PROJECT / "Makefile").read_text(), re.M))
    assert set(re.findall(r"`make (\w+)`", README)) <= targets


def test_each_option_and_file_that_is_named_exists() -> None:
    named = re.findall(r"\]\(([\w./-]+)\)", README)
    assert named
    for path in named:
        assert (PROJECT / path).exists(), path
