"""What a person sees of the history in a shell, and what tools that read files get."""

from __future__ import annotations

import json
import struct
from datetime import UTC, timedelta
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import sqlalchemy as sa
from support.captures import HOUR, endpoint_file
from support.reports import FINDINGS, execution_of, window, write
from support.seaweed import running

from model_monitor.__main__ import main
from model_monitor.history import tables, windows_table
from model_monitor.history.database import History
from model_monitor.history.record import record
from model_monitor.history.views import VIEWS
from model_monitor.history.windows_table import Column


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """An endpoint file with two recorded windows."""
    monkeypatch.delenv("MODEL_MONITOR_HISTORY", raising=False)
    for hour in range(2):
        write(execution_of(tmp_path, hour), findings=FINDINGS[1 - hour :])
        record(execution_of(tmp_path, hour))
    return str(tmp_path / "endpoint.yaml")


def shown(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> list[str]:
    assert main(arguments) == code
    out, err = capsys.readouterr()
    return (err if code else out).splitlines()


def windows_of(lines: list[str]) -> list[str]:
    """The lines of a table that are about a window."""
    return [line for line in lines if line.startswith("2026-")]


def test_the_newest_window_is_at_the_bottom_of_the_table(file: str, capsys: pytest.CaptureFixture[str]) -> None:
    title, head, first, second = shown(capsys, "history", file)
    assert title == "dq (data_quality): 2 windows, 2 with violations, the first from 2026-01-05 03:00"
    assert head.split()[:6] == ["window", "(UTC)", "rows", "set", "aside", "accuracy"]
    assert first.split()[:5] == ["2026-01-05", "03:00", "50", "7", "CompletedWithViolations"]  # accuracy was not judged
    assert second.split()[:5] == ["2026-01-05", "04:00", "50", "7", "0.700!"]
    assert "age country=AT 0.400!" in first and "CompletedWithViolations" in second  # the furthest drift
    assert shown(capsys, "history", file, "--since", "2026-01-05T04:00Z")[2:] == [second]
    assert shown(capsys, "history", file, "--limit", "1")[2:] == [second]


def in_folder(file: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The endpoint file lies where a project has them."""
    folder = tmp_path / "include/endpoints"
    folder.mkdir(parents=True)
    text = Path(file).read_text().replace("output: out", f"output: {tmp_path}/out")
    (folder / "churn.yaml").write_text(text)
    monkeypatch.chdir(tmp_path)


def test_an_endpoint_is_asked_for_by_its_name(
    file: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    in_folder(file, monkeypatch, tmp_path)
    assert shown(capsys, "history", "churn") == shown(capsys, "history", file) == shown(capsys, "history")
    [problem] = shown(capsys, "history", "other", code=1)
    assert "no such endpoint: other; include/endpoints has churn" in problem


def test_json_says_what_the_table_says_and_more(file: str, capsys: pytest.CaptureFixture[str]) -> None:
    found = json.loads("\n".join(shown(capsys, "history", file, "--json")))
    [schedule] = found["schedules"]
    assert found["alerts"] == [] and schedule["endpoint"] == "churn" and schedule["monitor"] == "data_quality"
    first, second = schedule["windows"]
    assert (first["start"], first["rows"], first["set_aside"]) == ("2026-01-05T03:00:00Z", 50, 7)
    [drift] = first["drift"]
    assert (drift["column"], drift["segment"], drift["observed"]) == ("age", {"country": "AT"}, 0.4)
    assert (drift["threshold_high"], drift["noise_floor"], drift["outcome"]) == (0.1, 0.02, "violated")
    [accuracy] = [one for one in second["metrics"] if one["metric"] == "accuracy"]
    assert (accuracy["value"], accuracy["threshold_low"], accuracy["outcome"]) == (0.7, 0.8, "violated")
    assert [one["check"] for one in second["violated"]] == ["LessThanThreshold", "baseline_drift_check"]


def test_reports_alone_show_the_same_and_looking_at_them_makes_no_file(
    file: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    before = {one: shown(capsys, "history", file, *one) for one in [(), ("--json",), ("--column", "age")]}
    for path in (tmp_path / "out").glob("history.sqlite*"):
        path.unlink()
    files = sorted(tmp_path.rglob("*"))
    assert {one: shown(capsys, "history", file, *one) for one in before} == before
    assert main(["history", file]) == 0
    assert "this is what its newest reports say" in capsys.readouterr().err
    assert sorted(tmp_path.rglob("*")) == files


def test_where_no_history_can_be_kept_reports_are_read(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MODEL_MONITOR_HISTORY", raising=False)
    with running(tmp_path) as server:
        endpoint_file(tmp_path, output=f"s3://lake/looked-at?{server.query}")
        write(execution_of(tmp_path))
        assert len(windows_of(shown(capsys, "history", str(tmp_path / "endpoint.yaml")))) == 1


def test_only_the_newest_reports_are_read(file: str, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    for path in (tmp_path / "out").glob("history.sqlite*"):
        path.unlink()
    (Path(execution_of(tmp_path, 0).report) / "execution.json").write_text("damaged")
    assert main(["history", file, "--limit", "1"]) == 0
    out, err = capsys.readouterr()
    assert len(windows_of(out.splitlines())) == 1 and "damaged" not in err
    assert main(["history", file]) == 0
    out, err = capsys.readouterr()
    assert len(windows_of(out.splitlines())) == 1 and str(execution_of(tmp_path, 0).report) in err


def test_metrics_that_are_named_get_a_column_whatever_they_are_of(
    file: str, capsys: pytest.CaptureFixture[str]
) -> None:
    above, head, *_ = shown(capsys, "history", file, "--metric", "completeness")[1:]
    assert above.strip() == "age" and "completeness [country=AT]" in head and "accuracy" not in head


@pytest.mark.parametrize(
    ("arguments", "answer"),
    [
        (("--schedule", "other"), "no such schedule: other; the history has dq"),
        (("other",), "no such endpoint: other; "),
        (("--column", "other"), "no such column: other; the history has age"),
        (("--since", "yesterday"), "--since: 'yesterday' is no time"),
    ],
)
def test_what_the_history_does_not_know_is_refused_with_what_it_knows(
    file: str, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], answer: str
) -> None:
    assert answer in shown(capsys, "history", file, *arguments, code=1)[0]


@pytest.mark.parametrize("limit", ["0", "-1", "many"])
def test_a_limit_below_one_is_refused(file: str, capsys: pytest.CaptureFixture[str], limit: str) -> None:
    assert f"{limit} is no number of windows" in shown(capsys, "history", file, f"--limit={limit}", code=1)[0]


def test_a_moment_or_a_file_that_can_not_be_read_is_refused_before_anything_else(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MODEL_MONITOR_HISTORY", raising=False)
    execution_of(tmp_path)
    assert "--since" in shown(capsys, "history", str(tmp_path / "endpoint.yaml"), "--since", "yesterday", code=1)[0]
    monkeypatch.setenv("MODEL_MONITOR_HISTORY", f"sqlite:///{tmp_path}/history.sqlite")
    assert "missing.yaml" in shown(capsys, "history", str(tmp_path / "missing.yaml"), code=1)[0]


def test_an_upgrade_where_there_is_no_history_makes_none(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    execution_of(tmp_path)
    [line] = shown(capsys, "history", str(tmp_path / "endpoint.yaml"), "--upgrade")
    assert "nothing was recorded yet" in line and not (tmp_path / "out").exists()


def test_two_histories_do_not_go_into_one_folder(file: str, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    execution_of(tmp_path / "other")
    files = file, str(tmp_path / "other/endpoint.yaml")
    [line] = shown(capsys, "history", *files, "--parquet", str(tmp_path / "files"), code=1)
    assert "2 histories" in line and not (tmp_path / "files").exists()


def test_a_column_has_its_numbers_in_each_window(file: str, capsys: pytest.CaptureFixture[str]) -> None:
    lines = shown(capsys, "history", file, "--column", "age", "--schedule", "dq")
    assert [line.split()[2] for line in lines[1:]].count("baseline_drift_check") == 2
    drift = next(line for line in lines if "baseline_drift_check" in line)
    assert "0.4" in drift and ".. 0.1" in drift and "violated" in drift


def test_an_open_alert_stands_above_the_windows(file: str, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    times = {"since": HOUR} | dict.fromkeys(("opened", "last"), HOUR + timedelta(hours=1))
    about = {"endpoint": "churn", "variant": "v", "kind": "violations", "cause": "data\x1b[2J", "schedule": "dq"}
    incident = tables.Incident(**times, **about, severity="critical", schedules="[]", subjects="[]", muted=False)
    with History.at(f"sqlite:///{tmp_path}/out/history.sqlite").session() as session:
        session.add(incident)
    first = shown(capsys, "history", file)[0]
    assert first == "open critical alert of churn since 2026-01-05T03:00Z: data\\x1b[2J"
    assert first in shown(capsys, "history", file, "--schedule", "dq")
    assert first not in shown(capsys, "history", file, "--since", "2026-01-06T04:00Z")


def test_looking_at_a_history_that_is_not_there_makes_none(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    execution_of(tmp_path)
    [line] = shown(capsys, "history", str(tmp_path / "endpoint.yaml"))
    assert line == "dq: no window was judged" and not (tmp_path / "out").exists()


def test_reindex_makes_it_and_tells_of_each_damaged_file(
    file: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "out/history.sqlite").unlink()
    assert shown(capsys, "reindex", file)[0].startswith(
        "churn: 2 executions, 0 versions of baselines, 1 incidents in sqlite"
    )
    report = Path(execution_of(tmp_path).report) / "execution.json"
    report.write_bytes(report.read_bytes()[:-5])
    [problem] = shown(capsys, "reindex", file, code=1)
    assert str(report) in problem
    assert len(windows_of(shown(capsys, "history", file))) == 2


def test_commands_on_all_files_of_a_folder_pass_its_defaults_by(
    file: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    defaults = tmp_path / "defaults.yaml"
    defaults.write_text("alerts: {owner: Ann}\n")
    for command in ("validate", "reindex", "history"):
        shown(capsys, command, str(defaults), file)
    assert "no endpoint file in" in shown(capsys, "history", str(defaults), code=1)[0]


def test_each_problem_of_a_file_has_a_line(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "e.yaml").write_text("a: 1\n")
    lines = shown(capsys, "reindex", str(tmp_path / "e.yaml"), code=1)
    assert len(lines) > 1 and not any("\\n" in line for line in lines)


def test_a_database_of_an_older_schema_is_upgraded_when_asked_for(
    file: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    history = History.at(f"sqlite:///{tmp_path}/out/history.sqlite")
    with history.engine.begin() as connection:
        for view in VIEWS:
            connection.execute(sa.text(f"DROP VIEW {view.name}"))
        tables.Table.metadata.drop_all(connection)
        connection.execute(sa.text("DELETE FROM alembic_version"))
        connection.execute(sa.text("INSERT INTO alembic_version VALUES ('0000')"))
    assert "--upgrade" in shown(capsys, "history", file, code=1)[0]
    with history.engine.begin() as connection:
        connection.execute(sa.text("DELETE FROM alembic_version"))
    assert shown(capsys, "history", file, "--upgrade")[0].endswith("the schema is up to date")
    shown(capsys, "reindex", file)
    assert len(windows_of(shown(capsys, "history", file))) == 2


def test_parquet_files_hold_the_views(file: str, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    paths = [Path(line) for line in shown(capsys, "history", file, "--parquet", str(tmp_path / "files"))]
    assert [path.stem for path in paths] == [view.name for view in VIEWS]
    windows, numbers, alerts = (pq.read_table(path) for path in paths)
    assert windows["window_start"].to_pylist() == [window(hour).start.astimezone(UTC) for hour in range(2)]
    assert windows["judged"].to_pylist() == [50, 50] and len(alerts) == 0
    drift = [row for row in numbers.to_pylist() if row["metric"] == "baseline_drift_check"]
    assert [(row["value"], row["threshold_high"]) for row in drift] == [(0.4, 0.1)] * 2


def events(path: Path) -> list[tuple[str, int, float]]:
    """Tag, step and value of each point of an event file: records with their length in front, each with a checksum."""
    from tensorboardX.proto.event_pb2 import Event

    content, found = path.read_bytes(), []
    while content:
        [length] = struct.unpack("<Q", content[:8])
        event = Event.FromString(content[12 : 12 + length])
        found += [(value.tag, event.step, value.simple_value) for value in event.summary.value]
        content = content[16 + length :]
    return found


def test_tensorboard_gets_a_curve_for_each_metric_once(
    file: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    pytest.importorskip("tensorboardX")
    for _ in range(2):
        assert shown(capsys, "history", file, "--tensorboard", str(tmp_path / "curves"))[0].endswith("8 points")
    [path] = (tmp_path / "curves/churn/dq").iterdir()
    drift = [(step, value) for tag, step, value in events(path) if tag.startswith("baseline_drift_check/age/")]
    assert drift == [(0, pytest.approx(0.4)), (1, pytest.approx(0.4))]


def test_an_endpoint_without_a_place_for_a_history_is_told_by_validate(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MODEL_MONITOR_HISTORY", raising=False)
    file = endpoint_file(tmp_path, output="s3://lake/out")
    assert "MODEL_MONITOR_HISTORY" in shown(capsys, "history", file, "--upgrade", code=1)[0]
    assert any("no history is kept" in line for line in shown(capsys, "validate", file))
    monkeypatch.setenv("MODEL_MONITOR_HISTORY", "postgresql://h/d")
    assert not any("no history is kept" in line for line in shown(capsys, "validate", file))


def test_files_choose_the_endpoints_of_a_shared_history(
    file: str, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MODEL_MONITOR_HISTORY", f"sqlite:///{tmp_path}/out/history.sqlite")
    (tmp_path / "other").mkdir()
    other = Path(endpoint_file(tmp_path / "other", endpoint="other", output="s3://lake/out"))
    assert "no such endpoint: other; the history has churn" in shown(capsys, "history", str(other), code=1)[0]
    assert len(windows_of(shown(capsys, "history", str(other), file))) == 2


def test_a_damaged_file_says_to_rebuild_it(file: str, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    for beside in (tmp_path / "out").glob("history.sqlite*"):
        beside.unlink()
    (tmp_path / "out/history.sqlite").write_bytes(b"no database" * 1000)
    [line] = shown(capsys, "history", file, code=1)
    assert "is damaged" in line and "move the file away, and run model-monitor reindex" in line


def test_validate_refuses_a_history_of_no_known_kind(
    file: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MODEL_MONITOR_HISTORY", "mysql://h/d")
    assert "SQLite or PostgreSQL, not mysql" in shown(capsys, "validate", file, code=1)[0]


def test_a_long_name_above_metrics_is_cut_where_the_next_begins() -> None:
    columns: list[Column] = [(above, "DI", ["0.100"]) for above in ("", "a long name", "another long name", "")]
    assert windows_table.line_above(columns, [5] * 4) == "       a long another long name"
