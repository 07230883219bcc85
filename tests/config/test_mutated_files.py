"""Whatever is in an endpoint file: it is an endpoint, or an error that names the file; never a traceback."""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest
from support.hostile_files import GOOD, HOSTILE

from model_monitor import config
from model_monitor.errors import ConfigError


def put(folder: Path, content: str | bytes) -> Path:
    path = folder / "bad.yaml"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def test_the_file_that_is_changed_here_is_an_endpoint(tmp_path: Path) -> None:
    assert config.load(put(tmp_path, GOOD)).schedules[0].name == "dq"


@pytest.mark.parametrize("case", HOSTILE)
def test_a_hostile_file_is_an_error_that_names_it(tmp_path: Path, case: str) -> None:
    path = put(tmp_path, HOSTILE[case])
    try:
        problems = config.problems_in(path, config.load(path))
    except ConfigError as error:
        problems = [str(error)]
    assert problems and all(str(path) in problem and len(problem) < 2000 for problem in problems)


@pytest.mark.parametrize(
    "case", ["no such month", "tag of a number", "repeated key", "nested lists", "alias of itself"]
)
def test_the_line_is_named(tmp_path: Path, case: str) -> None:
    path = put(tmp_path, HOSTILE[case])
    with pytest.raises(ConfigError, match=rf"{path}:\d+: "):
        config.load(path)


def test_what_is_no_regular_file_is_an_error_and_never_waits(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo.yaml")
    (tmp_path / "folder.yaml").mkdir()
    (tmp_path / "latin1.yaml").write_bytes(b"endpoint: \xe9\n")
    (tmp_path / "link.yaml").symlink_to("nothing")
    (tmp_path / "good.yaml").write_text(GOOD)
    endpoints, problems = config.load_all(sorted(tmp_path.glob("*.yaml")))
    assert [path.name for path in endpoints] == ["good.yaml"]
    assert [Path(problem.partition(":")[0]).name for problem in problems] == [
        *("fifo.yaml", "folder.yaml", "latin1.yaml", "link.yaml")
    ]


def mutated(chance: random.Random) -> bytes:
    """A good file with some bytes changed, removed, repeated or replaced by pieces that mean something to YAML."""
    content = bytearray(GOOD.encode())
    pieces = [b"&a ", b"*a ", b"!!int ", b"!!set ", b"? ", b"<<: *a\n", b"- ", b"{", b"}", b"[", b"]", b"\t", b"\x00"]
    pieces += [
        b"\xff",
        b": ",
        b"#",
        b"|",
        b">",
        b"'",
        b'"',
        b"---\n",
        b"...\n",
        b"~",
        b".nan",
        b"0x1F",
        b"1e999",
        b"0o17",
    ]
    for _ in range(chance.randint(1, 6)):
        start = chance.randrange(len(content))
        end = start + chance.choice([0, 0, 1, 3, 20])
        content[start:end] = chance.choice([b"", bytes(content[start:end]) * 3, chance.choice(pieces)])
    return bytes(content)


def test_mutated_files_are_endpoints_or_errors(tmp_path: Path) -> None:
    chance = random.Random(13)
    refused = 0
    for _ in range(400):
        path = put(tmp_path, mutated(chance))
        try:
            config.problems_in(path, config.load(path))
        except ConfigError as error:
            refused += 1
            assert str(path) in str(error)
    assert 100 < refused < 400
