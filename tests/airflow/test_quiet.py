"""Lines that libraries log for their own developers are in no task's log, whatever Airflow's level is."""

from __future__ import annotations

import logging
import re
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Any

import pytest

from model_monitor_airflow.operators import EndpointOperator
from model_monitor_airflow.quiet import LIBRARIES, quiet

BELOW = ("botocore.hooks", "urllib3.connectionpool", "alembic.runtime.migration")
PROJECT = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]


class Chatty(EndpointOperator):
    """A task in which libraries log, and a script of the user's."""

    def verb(self, jobs: Any, context: Any) -> None:
        for name in (*LIBRARIES, *BELOW):
            logging.getLogger(name).debug("of a developer")
            logging.getLogger(name).info("of a developer")
            logging.getLogger(name).warning("a warning")
        logging.getLogger("model_monitor.jobs").info("what was done")
        logging.getLogger("preprocess").debug("of the user")


def test_only_warnings_of_libraries_are_logged_and_levels_are_as_before(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    for name in (*LIBRARIES, *BELOW):  # what other tests' libraries have set themselves
        caplog.set_level(logging.NOTSET, name)
    before = {name: logging.getLogger(name).level for name in LIBRARIES}
    Chatty(task_id="t", endpoint_file="x.yaml").execute({})
    assert "of a developer" not in caplog.text
    for words in ("a warning", "what was done", "of the user"):
        assert words in caplog.text
    assert {name: logging.getLogger(name).level for name in LIBRARIES} == before


def test_a_level_that_a_person_set_stays(caplog: pytest.LogCaptureFixture) -> None:
    logger = logging.getLogger("botocore")
    with caplog.at_level(logging.DEBUG, "botocore"), quiet():
        logger.debug("asked for")
    assert "asked for" in caplog.text


def test_every_library_that_the_package_names_is_known() -> None:
    extras = PROJECT["optional-dependencies"].values()
    wanted = {canonical(text) for texts in (PROJECT["dependencies"], *extras) for text in texts}
    names = {name for name, owners in packages_distributions().items() if wanted & set(map(canonical, owners))}
    assert {name for name in names if name.isidentifier() and name[0] != "_"} - {"airflow", "model_monitor"} <= set(
        LIBRARIES
    )
    assert {"great_expectations", "pyarrow", "alembic", "sqlalchemy"} <= names


def canonical(text: str) -> str:
    """The name of a distribution, from a requirement."""
    return re.split(r"[^\w.-]", text, maxsplit=1)[0].lower().replace("_", "-")
