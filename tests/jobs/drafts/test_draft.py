"""What a person chose becomes an endpoint file that is valid, is tried on the last windows, and overwrites nothing."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from pydantic import ValidationError
from support.drafted import capture, table

from model_monitor import config
from model_monitor.core.window import moment
from model_monitor.errors import ConfigError
from model_monitor.jobs.drafts.draft import Assigned, Draft, endpoint_in, span_to_collect, text_of
from model_monitor.jobs.drafts.looking import Look, look
from model_monitor.jobs.drafts.preview import JUDGED, preview
from model_monitor.jobs.drafts.roots import Roots
from model_monitor.jobs.drafts.saving import VARIABLE, Place, save

MAY = {VARIABLE: "true"}


def settled(found: Look, folder: Path, **changes: object) -> tuple[Draft, dict[str, str]]:
    """A draft with the roles that were guessed, and what is wrong with it by field."""
    columns = [Assigned(name=one.name.replace("_c", "value"), role=one.role, side=one.side) for one in found.columns]  # type: ignore[arg-type]
    if found.kind == "table":
        columns = [Assigned(name=one.name, role=one.role) for one in found.columns]  # type: ignore[arg-type]
    chosen = {"name": found.endpoint, "output": str(folder / "out"), "columns": columns, "cron": "0 * * * *"}
    roots = Roots((str(folder),))
    made, wrong = Draft.model_validate(chosen | {"learn_from": "2026/01/05"} | changes).settled(found, roots, roots)
    return made, {one.field: str(one) for one in wrong}


def draft(found: Look, folder: Path, **changes: object) -> Draft:
    made, wrong = settled(found, folder, **changes)
    assert wrong == {}
    return made


def span(found: Look) -> tuple[datetime, datetime]:
    assert found.first and found.last
    return moment(found.first), moment(found.last)


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
    endpoint = endpoint_in(text_of(chosen, found), "churn", {})
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
    endpoint = endpoint_in(text_of(draft(found, tmp_path), found), "log", {})
    mapping = endpoint.capture.mapping
    assert mapping is not None
    assert (mapping.event_time, mapping.event_id) == ("request_time", "request_id")
    assert (mapping.inputs, mapping.outputs) == (("amount", "country"), ("score",))


def test_the_last_windows_say_what_they_would_have_said(tmp_path: Path) -> None:
    found = looked(capture(tmp_path / "capture", hours=12, shift_from=9))
    endpoint = endpoint_in(text_of(draft(found, tmp_path), found), "churn", {})
    judged = preview(endpoint, *span(found))
    assert [one.end for one in judged] == ["2026-01-05T09:00:00Z", "2026-01-05T10:00:00Z", "2026-01-05T11:00:00Z"]
    assert [one.status for one in judged] == ["Completed", "CompletedWithViolations", "CompletedWithViolations"]
    assert any("value1" in line for line in judged[-1].details)


def test_a_trial_ends_in_time_and_says_what_it_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("model_monitor.jobs.drafts.preview.SECONDS", -1)
    found = looked(capture(tmp_path / "capture", hours=12))
    judged = preview(endpoint_in(text_of(draft(found, tmp_path), found), "churn", {}), *span(found))
    assert [one.status for one in judged] == ["NotTried"] * JUDGED and "no time left" in judged[0].message


def test_windows_before_the_first_request_are_not_tried(tmp_path: Path) -> None:
    found = looked(capture(tmp_path / "capture", hours=12))
    endpoint = endpoint_in(text_of(draft(found, tmp_path, cron="0 0 * * *"), found), "churn", {})
    with pytest.raises(ConfigError, match="no window of churn-data-quality is over"):
        preview(endpoint, *span(found))
    start, last = span(found)
    assert len(preview(endpoint, start, last + timedelta(days=1))) == 1


def test_a_preview_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    database = tmp_path / "shared.sqlite"
    monkeypatch.setenv("MODEL_MONITOR_HISTORY", f"sqlite:///{database}")
    found = looked(capture(tmp_path / "capture"))
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    endpoint = endpoint_in(text_of(draft(found, tmp_path), found), "churn", {})
    assert len(preview(endpoint, *span(found))) == JUDGED
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == before


def test_what_goes_wrong_is_told_of_each_window_without_the_temporary_folder(tmp_path: Path) -> None:
    found = looked(capture(tmp_path / "capture"))
    chosen = draft(found, tmp_path, dataset=str(tmp_path / "nothing.csv"))
    judged = preview(endpoint_in(text_of(chosen, found), "churn", {}), *span(found))
    assert {one.status for one in judged} == {"Failed"}
    assert "there is no dataset at" in judged[0].message and "/tmp/model-monitor" not in judged[0].message


@pytest.mark.parametrize(
    ("change", "field", "words"),
    [
        ({"monitors": ()}, "monitor", "at least one monitor"),
        ({"monitors": ("model_quality",)}, "labels", "needs? labels"),
        ({"monitors": ("traffic",), "learn_from": "", "dataset": "{folder}/a.csv"}, "learn_from", "span of itself"),
        ({"learn_from": ""}, "dataset", "nothing to learn from"),
        ({"labels": "/etc"}, "labels", "not below a folder"),
        ({"dataset": "/etc/passwd"}, "dataset", "not below a folder"),
        ({"dataset": "s3:/bucket/x"}, "dataset", "two slashes"),
        ({"output": "/etc/cron.d"}, "output", "not below a folder"),
        ({"output": ""}, "output", "where rows and reports go"),
        ({"monitors": ("bias",), "labels": "{folder}/labels", "facet": "nosuch"}, "facet", "tells them apart"),
        ({"columns": [{"name": "x"}], "monitors": ("bias",), "labels": "{folder}"}, "role", "the model's answer"),
    ],
)
def test_choices_that_don_t_fit_are_named_in_words_beside_their_field(
    change: dict[str, object], field: str, words: str, tmp_path: Path
) -> None:
    found = looked(capture(tmp_path / "capture", hours=1))
    change = {k: v.format(folder=tmp_path) if isinstance(v, str) else v for k, v in change.items()}
    _, wrong = settled(found, tmp_path, **change)
    assert re.search(words, wrong[field])


def test_labels_are_records_or_a_table_or_a_column_of_the_requests(tmp_path: Path) -> None:
    found = looked(table(tmp_path / "log"))
    quality: dict[str, object] = {"monitors": ("model_quality",), "label": "target"}
    cases = [
        ({}, {"uri": str(tmp_path / "log"), "mapping": {"id": "request_id", "label": "target"}}),
        ({"labels": str(tmp_path / "l")}, {"uri": str(tmp_path / "l")}),
        (
            {"labels": str(tmp_path / "l"), "label_id": "ride"},
            {"uri": str(tmp_path / "l"), "mapping": {"id": "ride", "label": "target"}},
        ),
    ]
    for change, expected in cases:
        endpoint = endpoint_in(text_of(draft(found, tmp_path, **quality | change), found), "log", {})
        truth = endpoint.ground_truth
        assert truth is not None and truth.model_dump(exclude_unset=True, exclude_none=True) == expected
    without_id = [{"name": one.name, "role": "input" if one.role == "event_id" else one.role} for one in found.columns]
    assert "joined by an id" in settled(found, tmp_path, columns=without_id, **quality)[1]["role"]


def test_a_table_with_labels_is_judged_by_them(tmp_path: Path) -> None:
    found = looked(table(tmp_path / "log"))
    made = draft(found, tmp_path, monitors=("model_quality",))
    judged = preview(endpoint_in(text_of(made, found), "log", {}), *span(found))
    assert [one.status for one in judged] == ["Completed"] * JUDGED, judged


def test_a_table_needs_one_time_and_at_most_one_id(tmp_path: Path) -> None:
    found = looked(table(tmp_path / "log"))
    _, wrong = settled(found, tmp_path, columns=[{"name": "a", "role": "input"}])
    assert "when a request came" in wrong["role"]
    twice = [{"name": name, "role": role} for name, role in (("a", "time"), ("b", "event_id"), ("c", "event_id"))]
    assert settled(found, tmp_path, columns=twice)[1]["role"] == "b and c can't both be the event id"


@pytest.mark.parametrize(
    "change",
    [
        {"learn_from": "../../etc"},
        {"threshold": 7},
        {"monitors": ("expectations",)},
        {"name": "${SECRET}"},
        {"owner": "${SECRET}"},
        {"name": "../../etc"},
        {"name": "a b"},
        {"cron": "every day"},
        {"columns": [{"name": "${SECRET}"}]},
        {"columns": [{"name": "a", "role": "code"}]},
        {"preprocess": {"script": "/tmp/x.py"}},
    ],
)
def test_a_form_can_say_nothing_that_is_not_in_it(change: dict[str, object], tmp_path: Path) -> None:
    found = looked(capture(tmp_path / "capture", hours=1))
    with pytest.raises(ValidationError):
        draft(found, tmp_path, **change)


def test_what_the_configuration_refuses_is_refused_with_its_words(tmp_path: Path) -> None:
    found = looked(table(tmp_path / "log"))
    columns = [{"name": "request_time", "role": "time"}, {"name": "@id", "role": "input"}]
    with pytest.raises(ConfigError) as error:
        endpoint_in(text_of(draft(found, tmp_path, columns=columns), found), "log", {})
    assert "log.yaml" in str(error.value) and "/model-monitor-" not in str(error.value)


def test_what_another_file_has_is_refused_without_its_name(tmp_path: Path) -> None:
    found = looked(capture(tmp_path / "capture", hours=1))
    text = text_of(draft(found, tmp_path), found)
    other = tmp_path / "secret.yaml"
    other.write_text(text)
    files = {other: config.load(other)}
    (tmp_path / "endpoints").mkdir()
    place = Place(tmp_path / "endpoints", files)
    same_rows = text.replace("churn-data-quality", "churn-2-data-quality")
    for candidate in (text, same_rows, same_rows.replace(str(tmp_path / "out"), str(tmp_path / "x" / ".." / "out"))):
        with pytest.raises(ConfigError, match="choose another") as error:
            place.endpoint(candidate, "mine")
        assert "secret" not in str(error.value)
    with pytest.raises(ConfigError, match="is taken"):
        Place(tmp_path / "endpoints", {}, {"churn-data-quality": Path("dags/own.py")}).endpoint(text, "churn")
    with pytest.raises(ConfigError, match="is taken"):
        Place(tmp_path / "endpoints", files, suffixes=["-quality"]).endpoint(text.replace("-quality", ""), "churn")
    assert place.free_name("churn") == "churn-2"
    assert place.output_for("churn-2", found, list(files.values())) == str(tmp_path / "out" / "churn-2")


def test_retention_of_another_file_is_not_stopped_by_a_new_one(tmp_path: Path) -> None:
    found = looked(capture(tmp_path / "capture", hours=1))
    text = text_of(draft(found, tmp_path, learn_from="", dataset=str(tmp_path / "a.csv")), found)
    other = tmp_path / "other.yaml"
    kept = text.replace("endpoint: churn", "endpoint: churn\nretention_days: 30").replace("/out", "/other")
    other.write_text(kept.replace("churn-data", "other-data"))
    place = Place(tmp_path / "endpoints", {other: config.load(other)})
    with pytest.raises(ConfigError, match="retention of one endpoint file"):
        place.endpoint(text, "churn")


@pytest.mark.parametrize(
    ("learn_from", "end"),
    [("2026", "2027-01-01"), ("2026/12", "2027-01-01"), ("2024/02", "2024-03-01"), ("2026/01/31", "2026-02-01")],
)
def test_a_span_to_learn_from_is_a_window_to_collect(learn_from: str, end: str, tmp_path: Path) -> None:
    found = looked(capture(tmp_path / "capture", hours=1))
    endpoint = endpoint_in(text_of(draft(found, tmp_path, learn_from=learn_from), found), "churn", {})
    span = span_to_collect(endpoint, endpoint.schedules[0])
    assert span is not None and f"{span.start:%Y/%m/%d}".startswith(learn_from) and f"{span.end:%Y-%m-%d}" == end
    learns = draft(found, tmp_path, learn_from="", dataset=str(tmp_path / "2026/a.csv"))
    endpoint = endpoint_in(text_of(learns, found), "churn", {})
    assert span_to_collect(endpoint, endpoint.schedules[0]) is None


def test_hostile_names_are_values_in_the_text_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "log").mkdir()
    odd = ["<script>", "a: [b", "{{ x }}", "- #", "x" * 10_000, "é\u202e"]
    header = ",".join(["request_time", *(f'"{name}"' for name in odd)])
    (tmp_path / "log" / "a.csv").write_text(f"{header}\n2026-01-05T00:00:00Z{',1' * len(odd)}\n")
    found = looked(tmp_path / "log")
    endpoint = endpoint_in(text_of(draft(found, tmp_path), found), "log", {})
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
