"""The form *New monitor* looks at few records, only where it may, and guesses what a person can correct."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest
from support.drafted import capture, table

from model_monitor.config import Endpoint
from model_monitor.errors import ConfigError, MonitorError
from model_monitor.jobs.drafts import first_rows
from model_monitor.jobs.drafts.known import informed
from model_monitor.jobs.drafts.looking import Several, look
from model_monitor.jobs.drafts.roots import Roots


def test_captures_are_known_by_their_folder_and_their_sides(tmp_path: Path) -> None:
    capture(tmp_path / "capture")
    for address in ("capture", "capture/churn", "capture/churn/AllTraffic", "capture/churn/AllTraffic/2026/01"):
        found = look(str(tmp_path / address), Roots((str(tmp_path),)))
        assert (found.uri, found.endpoint, found.variant) == (str(tmp_path / "capture"), "churn", "AllTraffic")
        assert [(one.role, one.side, one.kind) for one in found.columns] == [
            ("probability", "output", "share"),
            ("input", "input", "number"),
            ("input", "input", "text"),
        ]
        assert found.first == "2026-01-05T00:00:00Z"


def test_json_captures_name_their_columns_and_sides(tmp_path: Path) -> None:
    capture(tmp_path, hours=1)
    file = next(tmp_path.rglob("*.jsonl"))
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    for line in lines:
        line["captureData"] = {
            "endpointInput": {"data": '{"age": 3, "sex": "f"}', "encoding": "JSON", "mode": "INPUT"},
            "endpointOutput": {"data": '{"class": "yes"}', "encoding": "JSON", "mode": "OUTPUT"},
        }
    file.write_text("\n".join(map(json.dumps, lines)))
    found = look(str(tmp_path), Roots((str(tmp_path),)))
    roles = {one.name: (one.role, one.has_own_name) for one in found.columns}
    assert roles == {"class": ("prediction", True), "age": ("input", True), "sex": ("input", True)}


@pytest.mark.parametrize("form", ["csv", "jsonl", "parquet"])
def test_a_table_s_columns_get_roles_by_name_and_values(form: str, tmp_path: Path) -> None:
    found = look(str(table(tmp_path / "My log", form)), Roots((str(tmp_path),)))
    assert (found.kind, found.format, found.endpoint) == ("table", form, "my-log")
    assert {one.name: one.role for one in found.columns} == {
        "request_time": "time",
        "request_id": "event_id",
        "amount": "input",
        "country": "input",
        "score": "probability",
        "target": "label",
    }
    assert found.records <= first_rows.RECORDS and (found.first, found.last) == (
        "2026-01-05T00:00:00Z",
        "2026-01-05T11:59:00Z",  # by the end of the file
    )


def test_a_delta_table_is_looked_at_by_its_newest_file(tmp_path: Path) -> None:
    table(tmp_path / "delta" / "date=2026-01-05", "parquet")
    (tmp_path / "delta" / "_delta_log").mkdir()
    found = look(str(tmp_path / "delta"), Roots((str(tmp_path),)))
    assert (found.uri, found.format) == (str(tmp_path / "delta"), "parquet")


def test_only_a_part_of_one_file_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(first_rows, "HEAD", 1000)
    folder = table(tmp_path / "log")
    (folder / "log.csv").write_bytes((folder / "log.csv").read_bytes() + b"\xff" * 10**6)
    assert look(str(folder), Roots((str(tmp_path),))).records < 25


def test_a_gzip_bomb_is_read_no_further_than_its_first_lines(tmp_path: Path) -> None:
    (tmp_path / "a.csv.gz").write_bytes(gzip.compress(b"a,b\n" + b"1,2\n" * 20_000_000))
    assert look(str(tmp_path), Roots((str(tmp_path),))).records <= first_rows.RECORDS


@pytest.mark.parametrize("separator", [";", "\t", "|"])
def test_another_separator_than_a_comma_is_recognised(separator: str, tmp_path: Path) -> None:
    file = table(tmp_path / "log") / "log.csv"
    file.write_text(file.read_text().replace(",", separator))
    found = look(str(file), Roots((str(tmp_path),)))
    assert [one.name for one in found.columns][:2] == ["request_time", "request_id"]
    assert found.last == "2026-01-05T11:59:00Z" and found.uri == str(file)


def test_what_is_closed_looks_as_if_it_were_not_there(tmp_path: Path) -> None:
    capture(tmp_path / "capture", hours=1)
    capture(tmp_path / "capture", hours=1, endpoint="hidden")
    table(tmp_path / "out" / "_rows" / "hidden")
    (tmp_path / "link").symlink_to(tmp_path / "capture" / "hidden")
    closed = (str(tmp_path / "capture" / "hidden" / "AllTraffic"), str(tmp_path / "out" / "_*"))
    roots = Roots((str(tmp_path),), closed)
    answers = []
    for name in ("capture/hidden/AllTraffic", "link/AllTraffic", "capture/hidden/AllTraffic/2026", "out/_rows", "none"):
        with pytest.raises(ConfigError) as error:
            look(str(tmp_path / name), roots)
        answers.append(str(error.value).replace(name, "X"))
    assert set(answers) == {f"there is nothing at {tmp_path}/X"}
    assert look(str(tmp_path / "capture" / "churn"), roots).endpoint == "churn"
    closed = (str(tmp_path / "capture" / "hidden"),)
    assert look(str(tmp_path / "capture"), Roots((str(tmp_path),), closed)).endpoint == "churn"  # it is not a choice


def test_a_table_s_folder_with_what_is_closed_is_no_table(tmp_path: Path) -> None:
    table(tmp_path / "log")
    table(tmp_path / "log" / "hidden")
    with pytest.raises(ConfigError, match="more than one table"):
        look(str(tmp_path / "log"), Roots((str(tmp_path),), (str(tmp_path / "log" / "hidden"),)))


def test_the_names_and_the_privacy_that_a_file_declares_are_used(tmp_path: Path) -> None:
    capture(tmp_path / "capture", hours=1)
    about = {"endpoint": "churn", "output": str(tmp_path / "out"), "capture": {"uri": f"{tmp_path}/x/../capture/"}}
    columns = {"outputs": ["score"], "inputs": ["amount", "sex"], "private": ["sex"]}
    schedules = [{"name": "a", "monitor": "data_quality"}]
    known = Endpoint.model_validate(about | {"columns": columns, "schedules": schedules})
    found = informed(look(str(tmp_path), Roots((str(tmp_path),))), [known])
    assert [(one.name, bool(one.examples), one.is_private) for one in found.columns] == [
        ("score", True, False),
        ("amount", True, False),
        ("sex", False, True),
    ]


@pytest.mark.parametrize(
    "address",
    [
        "",
        "/etc/passwd",
        "relative/folder",
        "{root}/../secret",
        "{root}x",
        "{root}/link",
        "file://{root}/../secret",
        "s3://bucket/other",
        "s3://bucket/capture/../other",
        "s3://bucket/capture?endpoint_override=http://169.254.169.254",
        "s3://bucketcapture",
        "gs://bucket/capture",
        "http://169.254.169.254/latest",
        "s3://key:secret@bucket/capture",
        "{root}/\x00",
        "{root}/" + "a" * 5000,
    ],
)
def test_nothing_is_looked_at_that_is_not_below_an_allowed_folder(address: str, tmp_path: Path) -> None:
    root, secret = tmp_path / "root", tmp_path / "secret"
    root.mkdir()
    table(secret)
    (root / "link").symlink_to(secret)
    with pytest.raises(ConfigError, match=r"not below a folder|write an address|credentials belong"):
        look(address.replace("{root}", str(root)), Roots((str(root), "s3://bucket/capture")))


def test_a_link_below_an_allowed_folder_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "root").mkdir()
    table(tmp_path / "secret")
    (tmp_path / "root" / "sub").symlink_to(tmp_path / "secret")
    (tmp_path / "root" / "log.csv").symlink_to(tmp_path / "secret" / "log.csv")
    with pytest.raises(ConfigError, match="there is no file of records"):
        look(str(tmp_path / "root"), Roots((str(tmp_path / "root"),)))


def test_the_query_of_a_root_goes_with_what_is_below_it() -> None:
    roots = Roots(("s3://bucket/x?region=eu-west-1",))
    assert roots.permitted("s3://bucket/x/y/") == "s3://bucket/x/y?region=eu-west-1"


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv", b""),
        ("a.csv", b"a,b\n"),
        ("a.csv", b"\xff\xfe\x00"),
        ("a.jsonl", b"[" * 100_000),
        ("a.jsonl", b"not json\n"),
        ("a.parquet", b"PAR1 not really PAR1"),
        ("a.csv.gz", b"not gzip"),
        ("a.txt", b"a,b\n1,2\n"),
    ],
)
def test_what_can_t_be_understood_is_refused_in_words(name: str, content: bytes, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(MonitorError):
        look(str(tmp_path), Roots((str(tmp_path),)))


def test_several_endpoints_are_named_for_a_choice(tmp_path: Path) -> None:
    capture(tmp_path, hours=1)
    capture(tmp_path, hours=1, endpoint="fraud")
    with pytest.raises(Several) as error:
        look(str(tmp_path), Roots((str(tmp_path),)))
    assert error.value.folders == [str(tmp_path / "churn"), str(tmp_path / "fraud")]


def test_hostile_names_of_columns_are_columns(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text('"<script>alert(1)</script>",' + "x" * 10_000 + "\n1,2\n")
    assert [one.role for one in look(str(tmp_path), Roots((str(tmp_path),))).columns] == ["input", "input"]
