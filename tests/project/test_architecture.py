"""The pages about the project say what is so."""

from __future__ import annotations

import importlib
import re
import sys
from pathlib import Path

import pytest
from support.places import INCLUDE, PROJECT

sys.path.insert(0, str(PROJECT / "docs"))
import floor_plan

ARCHITECTURE = (PROJECT / "docs/architecture.md").read_text()
PAGES = sorted(path.name for path in (PROJECT / "docs").glob("*.md") if path.name != "index.md")


def test_the_picture_is_drawn_from_the_import_contract_and_shows_every_room() -> None:
    assert floor_plan.PICTURE.read_text() == floor_plan.picture()
    rooms = {path.parent.name for path in (INCLUDE / "model_monitor").glob("*/__init__.py")}
    assert set(floor_plan.ROOMS) == rooms
    assert {path.stem for path in (INCLUDE / "model_monitor").glob("*.py")} == {"__init__", "__main__", "errors"}


def test_every_step_of_a_walk_begins_with_a_name() -> None:
    walks = ARCHITECTURE.partition("## Six walks")[2].partition("## I want to add")[0]
    steps = re.findall(r"^\d+\. .*", walks, re.M)
    assert steps and not [step for step in steps if not re.match(r"\d+\. `model_monitor\.[\w.]+`", step)]


@pytest.mark.parametrize("name", sorted(set(re.findall(r"`(model_monitor\.[\w.]+)`", ARCHITECTURE))))
def test_each_name_that_a_walk_passes_exists(name: str) -> None:
    found = importlib.import_module("model_monitor")
    for part in name.split(".")[1:]:
        try:
            found = importlib.import_module(f"{found.__name__}.{part}")
        except (ModuleNotFoundError, AttributeError):
            found = getattr(found, part)


def test_a_capture_record_becomes_a_finding_in_twelve_steps() -> None:
    walk = ARCHITECTURE.partition("A capture record")[2].partition("**A label")[0]
    assert 0 < len(re.findall(r"^\d+\. ", walk, re.M)) <= 12


@pytest.mark.parametrize("page", PAGES)
def test_the_index_has_a_line_for_each_page(page: str) -> None:
    assert f"]({page})" in (PROJECT / "docs/index.md").read_text()


@pytest.mark.parametrize("page", ["docs/index.md", "docs/architecture.md", "CONTRIBUTING.md"])
def test_each_file_that_is_linked_exists(page: str) -> None:
    path = PROJECT / page
    for link in re.findall(r"\]\(([\w./-]+)\)", path.read_text()):
        assert (path.parent / link).exists(), link


def test_the_files_that_the_table_of_additions_names_exist() -> None:
    table = ARCHITECTURE.partition("I want to add")[2]
    for name in re.findall(r"`((?:\w+/)+[\w.]*)`", table):
        if "NAME" not in name and "VERB" not in name:
            roots = (PROJECT, INCLUDE / "model_monitor")
            assert any((root / name).exists() for root in roots), name
    assert Path(floor_plan.__file__).parent == PROJECT / "docs"
