"""What a person chose becomes an endpoint file that is valid, is tried on the last windows, and overwrites nothing."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError
from support.drafted import capture, table

from model_monitor import config
from model_monitor.core.window import moment
from model_monitor.errors import ConfigError
from model_monitor.jobs.drafts.draft import Assigned, Draft, endpoint_in, text_of
from model_monitor.jobs.drafts.looking import Look, look
from model_monitor.jobs.drafts.preview import JUDGED, preview
from model_monitor.jobs.drafts.roots import Roots
from model_monitor.jobs.drafts.saving import VARIABLE, save

MAY = {VARIABLE: "true"}


def draft(found: Look, folder: Path, **changes: object) -> Draft:
    """A draft with the roles that were guessed."""
    columns = [Assigned(name=one.name.replace("_c", "value"), role=one.role, side=one.side) for one in found.columns]  # type: ignore[arg-type]
    if found.kind == "table":
        columns = [Assigned(name=one.name, role=one.role) for one in found.columns]  # type: ignore[arg-type]
    chosen = {"endpoint": found.endpoint, "output": str(folder / "out"), "columns": columns, "cron": "0 * * * *"}
    roots = Roots((str(folder),))
    return Draft.model_validate(chosen | {"learn_from": "2026/01/05"} | changes).checked(roots, roots)


def looked(address: Path) -> Look:
    return look(str(address), Roots((str(address.parent),)))


def test_the_text_is_an_endpoint_file_that_the_configuration_accepts(tmp_path: Path) -> None:
    found = looked(capture(tmp_path / "capture"))
    chosen = draft(
        found,
        tmp_path,
        monitors=("data_quality", "traffic", "model_quality", "bias"),
        labels=str(tmp_path / "labels"),
        facet="value2",
        owner="Ann",
    )
    endpoint = endpoint_in(text_of(chosen, found), "churn")
    assert [s.name for s in endpoint.schedules] == [
        "churn-data-quality",
        "churn-traffic",
        "churn-model-quality",
        "churn-bias",
    ]
    assert endpoint.columns.outputs == ("value0",) and endpoint.columns.inputs == ("value1", "value2")
    assert endpoint.alerts.owner == "Ann"


@pytest.mark.parametrize("form", ["csv", "jsonl", "parquet"])
def test_a_table_is_mapped_by_the_roles_of_its_columns(form: str, tmp_path: Path) -> None:
    found = looked(table(tmp_path / "log", form))
    endpoint = endpoint_in(text_of(draft(found, tmp_path), found), "log")
    mapping = endpoint.capture.mapping
    assert mapping is not None
    assert (mapping.event_time, mapping.event_id) == ("request_time", "request_id")
    assert (mapping.inputs, mapping.outputs) == (("amount", "country"), ("score",))


def test_the_last_windows_say_what_they_would_have_said(tmp_path: Path) -> None:
    found = looked(capture(tmp_path / "capture", hours=12, shift_from=9))
    endpoint = endpoint_in(text_of(draft(found, tmp_path), found), "churn")
    assert found.last is not None
    judged = preview(endpoint, moment(found.last))
    assert [one.end for one in judged] == ["2026-01-05T09:00:00Z", "2026-01-05T10:00:00Z", "2026-01-05T11:00:00Z"]
    assert [one.status for one in judged] == ["Completed", "CompletedWithViolations", "CompletedWithViolations"]
    assert any("value1" in line for line in judged[-1].details)


def test_a_preview_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    database = tmp_path / "shared.sqlite"
    monkeypatch.setenv("MODEL_MONITOR_HISTORY", f"sqlite:///{database}")
    found = looked(capture(tmp_path / "capture"))
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    endpoint = endpoint_in(text_of(draft(found, tmp_path), found), "churn")
    assert len(preview(endpoint, moment(found.last or ""))) == JUDGED
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == before


def test_what_goes_wrong_is_told_of_each_window_without_the_temporary_folder(tmp_path: Path) -> None:
    found = looked(capture(tmp_path / "capture"))
    chosen = draft(found, tmp_path, dataset=str(tmp_path / "nothing.csv"))
    judged = preview(endpoint_in(text_of(chosen, found), "churn"), moment(found.last or ""))
    assert {one.status for one in judged} == {"Failed"}
    assert "there is no dataset at" in judged[0].message and "/tmp/model-monitor" not in judged[0].message


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"monitors": ()}, "at least one monitor"),
        ({"monitors": ("model_quality",)}, "needs labels"),
        ({"monitors": ("traffic",), "learn_from": "", "dataset": "{folder}/a.csv"}, "span of the traffic"),
        ({"learn_from": ""}, "nothing to learn from"),
        ({"labels": "/etc"}, "not below a folder"),
        ({"dataset": "/etc/passwd"}, "not below a folder"),
        ({"output": "/etc/cron.d"}, "not below a folder"),
        ({"monitors": ("bias",), "labels": "{folder}/labels", "facet": "nosuch"}, "tells them apart"),
    ],
)
def test_choices_that_don_t_fit_are_refused_in_words(change: dict[str, object], words: str, tmp_path: Path) -> None:
    found = looked(capture(tmp_path / "capture", hours=1))
    change = {k: v.format(folder=tmp_path) if isinstance(v, str) else v for k, v in change.items()}
    with pytest.raises(ConfigError, match=words):
        draft(found, tmp_path, **change)


@pytest.mark.parametrize(
    "change",
    [
        {"learn_from": "../../etc"},
        {"threshold": 7},
        {"monitors": ("expectations",)},
        {"endpoint": "${SECRET}"},
        {"columns": [{"name": "${SECRET}"}]},
        {"columns": [{"name": "a", "role": "code"}]},
        {"preprocess": {"script": "/tmp/x.py"}},
    ],
)
def test_a_form_can_say_nothing_that_is_not_in_it(change: dict[str, object], tmp_path: Path) -> None:
    found = looked(capture(tmp_path / "capture", hours=1))
    with pytest.raises(ValidationError):
        draft(found, tmp_path, **change)


@pytest.mark.parametrize(
    "change",
    [
        {"endpoint": "../../etc"},
        {"endpoint": "a b"},
        {"cron": "every day"},
        {"columns": [{"name": "@id", "role": "input"}]},
    ],
)
def test_what_the_configuration_refuses_is_refused_with_its_words(change: dict[str, object], tmp_path: Path) -> None:
    found = looked(table(tmp_path / "log"))
    time = [{"name": "request_time", "role": "time"}]
    change = {k: time + v if k == "columns" and isinstance(v, list) else v for k, v in change.items()}
    with pytest.raises(ConfigError) as error:
        endpoint_in(text_of(draft(found, tmp_path, **change), found), "log")
    assert "log.yaml" in str(error.value) and "/model-monitor-" not in str(error.value)


def test_names_that_another_file_has_are_refused(tmp_path: Path) -> None:
    found = looked(capture(tmp_path / "capture", hours=1))
    text = text_of(draft(found, tmp_path), found)
    other = tmp_path / "other.yaml"
    other.write_text(text)
    with pytest.raises(ConfigError, match="is also in"):
        endpoint_in(text, "churn", [other])
    with pytest.raises(ConfigError, match="is also in"):
        endpoint_in(text, "churn", reserved={"churn-data-quality": Path("dags/own.py")})


def test_hostile_names_are_values_in_the_text_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "log").mkdir()
    odd = ["<script>", "a: [b", "{{ x }}", "- #", "x" * 10_000, "é\u202e"]
    header = ",".join(["request_time", *(f'"{name}"' for name in odd)])
    (tmp_path / "log" / "a.csv").write_text(f"{header}\n2026-01-05T00:00:00Z{',1' * len(odd)}\n")
    found = looked(tmp_path / "log")
    endpoint = endpoint_in(text_of(draft(found, tmp_path), found), "log")
    assert endpoint.capture.mapping is not None and list(endpoint.capture.mapping.inputs) == odd


def test_a_file_is_saved_only_where_the_deployment_allows_it_and_never_over_another(tmp_path: Path) -> None:
    found = looked(capture(tmp_path / "capture", hours=1))
    text, folder = text_of(draft(found, tmp_path), found), tmp_path / "endpoints"
    folder.mkdir()
    with pytest.raises(ConfigError, match="commit the text"):
        save(text, "churn", folder, {})
    path = save(text, "churn", folder, MAY)
    assert config.load(path).endpoint == "churn"
    for name, words in (("churn", "already"), ("../churn", "is no name"), ("a.b", "is no name")):
        with pytest.raises(ConfigError, match=words):
            save("other", name, folder, MAY)
    assert path.read_text() == text
    assert [file.name for file in folder.iterdir()] == ["churn.yaml"]
