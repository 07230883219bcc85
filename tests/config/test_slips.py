"""What people write by mistake into endpoint files is refused with what to write instead."""

from __future__ import annotations

from pathlib import Path

import pytest

from model_monitor import config
from model_monitor.errors import ConfigError

GOOD = """endpoint: a
capture:
  uri: in
output: out
alerts:
  to:
    - connection: slack
      channel: "#ml"
schedules:
  - name: a-dq
    monitor: data_quality
    window: PT24H
    delay: PT5M
"""

SLIPS = [
    *(
        ("window: PT24H", f"window: {text}", 12, f"'{text}' is no ISO 8601 duration; write {iso}")
        for text, iso in [("24h", "PT24H"), ("24 hours", "PT24H"), ("30min", "PT30M"), ("90s", "PT90S"), ("2w", "P2W")]
    ),
    ("window: PT24H", "window: 1h30", 12, "a duration is written in ISO 8601: PT30M, PT24H, P7D"),
    ("delay: PT5M", "delay: 5m", 13, "write PT5M"),
    ("capture:\n  uri: in", "capture: /path", 2, "write {uri: /path}"),
    ("window: PT24H", "preprocess: pre.py", 12, "write {script: pre.py}"),
    ("endpoint: a", "endpoint: caf\u00e9", 1, "'caf\u00e9' is no name: letters from a to z"),
    ("name: a-dq", "name: pr\u00e9dictions_2", 10, "write e.g. predictions-2"),
    ("name: a-dq", "name: \u9884\u6d4b", 10, "is no name"),
    ('channel: "#ml"', "channel: #ml", 8, 'channel: it is empty, as # starts a comment; write channel: "#ml"'),
    ('- connection: slack\n      channel: "#ml"', "- {connection: slack, channel: #ml}", None, "put '#ml' in quotes"),
    ("capture:\n  uri: in", "capture: {uri: ${STORE}/in}", 2, "between braces put '${STORE}/in' in quotes"),
    *(
        ("uri: in", f"uri: {slip}b/in", 3, f"write {scheme}://b/in")
        for slip, scheme in [("s3:/", "s3"), ("s3:", "s3"), ("gs:/", "gs"), ("abfs:/", "abfs")]
    ),
]


@pytest.mark.parametrize(("right", "wrong", "line", "words"), SLIPS, ids=[wrong for _, wrong, _, _ in SLIPS])
def test_a_slip_is_refused_with_its_line_and_what_to_write(
    tmp_path: Path, right: str, wrong: str, line: int | None, words: str
) -> None:
    file = tmp_path / "a.yaml"
    assert GOOD.count(right) == 1
    file.write_text(GOOD.replace(right, wrong))
    with pytest.raises(ConfigError) as refused:
        config.load(file)
    assert words in str(refused.value)
    assert f"{file}:{line or ''}" in str(refused.value)
    for jargon in ("timedelta", "pattern", "Input should"):
        assert jargon not in str(refused.value)


def test_comments_after_keys_and_empty_values_stay(tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    file.write_text(
        GOOD.replace("uri: in", "uri: in #where").replace("schedules:", "schedules: # all") + "    end_date: # none\n"
    )
    assert config.load(file).schedules[0].end_date is None
