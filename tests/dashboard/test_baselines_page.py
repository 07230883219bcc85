"""Versions of a baseline, who decided on them, and an edit of thresholds that is tried out before it counts."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from support.captures import HOUR, endpoint_file
from support.forms import Fields
from support.proposed import DQ, LIMIT, Place
from support.visited import Only, seen, visit

from model_monitor.dashboard.baselines import Baselines, approve, reject, tried_out
from model_monitor.dashboard.links import Links
from model_monitor.dashboard.reports import baseline_report
from model_monitor.dashboard.visit import NoSuchPage
from model_monitor.errors import ConfigError


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def test_the_page_says_what_is_in_force_and_who_decided_that(place: Place) -> None:
    shown, html = place.page()
    assert shown.in_force == shown.version == place.in_force
    [version] = shown.versions
    [decision] = version.decisions
    assert (decision.by, decision.why, version.rows) == ("bob", "<b>", 60)
    assert shown.difference is None
    assert f"Judged by version {place.in_force}" in html
    assert "approved by bob" in html and "&lt;b&gt;" in html and "<b>" not in html


def test_a_learned_version_has_its_page_for_those_who_may_read_the_schedule(place: Place) -> None:
    shown, text = place.page()
    visit = place.visit()
    assert f'href="{visit.links.baseline_report(**DQ, version=shown.version)}"' in text
    page = baseline_report(visit, **DQ, version=shown.version)
    assert shown.version.encode() in page and b"What is normal" in page and b"href" not in page
    for viewer, version in ((Only({"other"}), shown.version), (None, "../observed"), (None, "")):
        with pytest.raises(NoSuchPage):
            baseline_report(place.visit(viewer) if viewer else visit, **DQ, version=version)


def test_an_edit_is_tried_out_and_nothing_is_written_until_it_is_approved(place: Place) -> None:
    first, files = place.in_force, place.files
    edit = tried_out(place.visit(), **DQ, version=first, places=[LIMIT], values=[" 1.0 "])
    assert json.loads(edit) == {LIMIT: "1.0"}
    shown, html = place.page(version=first, edit=edit)
    assert shown.difference
    assert (shown.difference.windows, shown.difference.before, shown.difference.after) == (5, 2, 0)
    assert [flip.start.hour - HOUR.hour for flip in shown.difference.flips] == [4, 3]
    assert shown.difference.flips[0].lost == ("baseline_drift_check of n",)
    assert "Of the last 5 windows 2 would flip" in html and "Judge by these thresholds" in html
    assert (shown.thresholds[0].value, shown.thresholds[0].edited) == (0.0, "1.0")
    assert place.files == files
    approve(place.visit(), **DQ, version=first, edit=edit, why="season", seen=shown.seen)
    after, html = place.page()
    assert after.in_force == place.in_force != first
    assert [v.edited_from for v in after.versions if v.in_force] == [first]
    assert [(d.by, d.why) for v in after.versions if v.in_force for d in v.decisions] == [("ann", "season")]
    assert "approved by ann at 2026-03-01 00:00 UTC: season" in html


def test_settings_of_chance_are_tried_out_and_what_keeps_them_is_said(place: Place) -> None:
    _, html = place.page()
    assert "Preview these settings" in html and "noise" not in Fields(html).sent("filters")
    files = place.files
    shown, html = place.page(noise="history")
    assert shown.difference
    assert (shown.difference.windows, shown.difference.before, shown.difference.after) == (5, 2, 0)
    assert "write <code>noise: history</code>" in html and 'name="decision"' not in html
    assert place.page(noise="auto", reference="baseline")[0].difference.flips == ()
    assert "is no reference" in place.page(reference="yesterday")[0].problem
    assert place.files == files
    (place.root / "by-hand").mkdir()
    by_hand = Place(place.root / "by-hand", cron="NOW")
    shown, html = by_hand.page()
    assert shown.settings == {} and "Preview these settings" not in html
    assert "NOW has none" in by_hand.page(noise="history")[0].problem


def test_thresholds_that_stay_are_no_edit_and_what_is_no_number_is_refused(place: Place) -> None:
    about = {**DQ, "version": place.in_force}
    shown, _ = place.page()
    keys = [threshold.key for threshold in shown.thresholds]
    assert tried_out(place.visit(), **about, places=keys, values=[str(t.value) for t in shown.thresholds]) == ""
    with pytest.raises(ConfigError, match="largest distance of numbers: 'much' is no number"):
        tried_out(place.visit(), **about, places=[LIMIT], values=["much"])
    with pytest.raises(ConfigError, match="changed meanwhile"):
        tried_out(place.visit(), **about, places=['["version"]'], values=["1"])
    with pytest.raises(ConfigError, match="open the page again"):
        tried_out(place.visit(), **about, places=[LIMIT], values=[])


def test_a_proposal_is_shown_and_can_be_approved_or_rejected(place: Place) -> None:
    first, second = place.in_force, Path(place.learn(100, "2026-01-06T00:00:00Z")).name
    shown, html = place.page()
    assert shown.version == second and shown.difference
    assert (shown.difference.before, shown.difference.after, len(shown.difference.flips)) == (2, 3, 5)
    assert "Approve: judge by this version" in html and "Reject it" in html
    reject(place.visit(), **DQ, version=second, why="too few rows")
    assert place.in_force == first
    shown, html = place.page()
    assert shown.version == first and "rejected by ann" in html
    shown, _ = place.page(version=second)
    approve(place.visit(), **DQ, version=second, edit="", why="", seen=shown.seen)
    assert place.in_force == second


def test_a_decision_about_something_else_than_there_is_now_is_refused(place: Place) -> None:
    first, second = place.in_force, Path(place.learn(100)).name
    shown, _ = place.page(version=second)
    third = Path(place.learn(50)).name
    approve(place.visit(), **DQ, version=third, edit="", why="", seen=place.page(version=third)[0].seen)
    with pytest.raises(ConfigError, match=f"was compared with {first}, and meanwhile {third}"):
        approve(place.visit(), **DQ, version=second, edit="", why="", seen=shown.seen)
    with pytest.raises(ConfigError, match="open the page again"):
        approve(place.visit(), **DQ, version=second, edit="", why="", seen="{}")
    assert place.in_force == third


def test_who_may_only_read_has_no_form_and_who_may_not_finds_nothing(place: Place) -> None:
    _, html = place.page(Only(read=("dq",)))
    assert "<form" not in html
    with pytest.raises(NoSuchPage):
        place.page(Only(read=()))


@pytest.mark.parametrize("version", ["nothing", "..", "../dq", "published.json", "observed"])
def test_a_name_that_is_no_version_s_reads_and_decides_nothing(place: Place, version: str) -> None:
    files = place.files
    with pytest.raises(NoSuchPage):
        place.page(version=version)
    with pytest.raises(NoSuchPage):
        approve(place.visit(), **DQ, version=version, edit="", why="", seen=place.page()[0].seen)
    with pytest.raises(NoSuchPage):
        reject(place.visit(), **DQ, version=version, why="")
    assert place.files == files


@pytest.mark.parametrize("edit", ["x", "[1]", '{"a": 1}', '{"a": "1"}', "[" * 5000])
def test_an_edit_that_means_nothing_is_refused_in_words(place: Place, edit: str) -> None:
    try:
        shown, _ = place.page(edit=edit)
    except ConfigError:
        return
    assert shown.problem and shown.difference is None


def test_a_damaged_version_is_listed_with_what_is_wrong(place: Place) -> None:
    second = Path(place.learn(100, "2026-01-06T00:00:00Z"))
    (second / "baseline.json").write_text("{}")
    shown, html = place.page()
    assert [bool(v.problem) for v in shown.versions if v.name == second.name] == [True]
    assert shown.version == place.in_force and "is damaged" in html


def test_a_schedule_that_has_no_version_yet_says_which_dag_learns_one(tmp_path: Path) -> None:
    file = Path(endpoint_file(tmp_path))
    shown, html = seen(visit(file), "baselines", **DQ)
    assert isinstance(shown, Baselines) and shown.versions == ()
    assert "No baseline yet" in html and "dq-baseline" in html


def test_a_version_that_waits_is_said_on_models_and_leads_to_airflow_s_required_actions(place: Place) -> None:
    assert place.page()[0].waits is None and seen(place.visit(), "models")[0].models[0].waiting == ()
    version = place.learn(100, "2026-01-06T00:00:00Z").rpartition("/")[2]
    models, text = seen(place.visit(), "models")
    assert models.models[0].waiting == ("dq",)
    assert (
        f'href="{place.visit().links.baselines(**DQ)}" title="dq"><span class="state no_baseline">waits</span>' in text
    )
    assert [(one.endpoint, one.schedule) for one in models.waiting] == [("churn", "dq")]
    assert "a baseline waits" in text and seen(place.visit(), "models", state="healthy")[0].waiting == models.waiting
    assert seen(place.visit(Only(read=())), "models")[0].waiting == ()
    shown, html = place.page()
    assert shown.waits == version and f"Version {version} waits" in html
    inside = replace(place.visit(), links=Links("/model-monitor", airflow="/prefix"))
    assert 'href="/prefix/dags/dq-baseline/required_actions"' in seen(inside, "baselines", **DQ)[1]
    assert "required_actions" not in html
    approve(place.visit(), **DQ, version=version, edit="", why="", seen=shown.seen)
    assert place.page()[0].waits is None and seen(place.visit(), "models")[0].models[0].waiting == ()


def test_what_a_version_sees_is_worked_out_when_somebody_asks(place: Place) -> None:
    shown, html = place.page()
    assert shown.power is None and "power=yes" in html
    files = place.files
    shown, html = place.page(power="yes")
    assert shown.power and (shown.power.rows, shown.power.day_rows) == (60, 24 * 60)
    told = {(one.of, one.change) for one in shown.power.sees}
    assert ("n", "shift of all values") in told
    assert "The smallest change that four of five windows of 60 rows tell" in html and place.files == files
