"""A new database gets its schema once, whoever opens it first; one of another schema, or none, is told plainly."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from support.places import INCLUDE
from support.postgres import PASSWORD

from model_monitor.errors import ConfigError, StoreError
from model_monitor.history.database import History
from model_monitor.history.tables import REVISION, Table

VIEWS = {"metric_values", "open_alerts", "window_status"}


def test_the_migrations_make_the_tables_that_the_code_knows(database: str) -> None:
    history = History.at(database)
    history.upgrade()
    with history.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Table.metadata) == []
        assert set(sa.inspect(connection).get_view_names()) == VIEWS
    scripts = Config()
    scripts.set_main_option("script_location", str(INCLUDE / "model_monitor/history/migrations"))
    assert ScriptDirectory.from_config(scripts).get_current_head() == REVISION


def test_a_database_that_eight_processes_open_at_once_has_its_schema_once(database: str) -> None:
    code = f"from model_monitor.history.database import History; History.at({database!r}).session().__enter__()"
    started = [subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.PIPE) for _ in range(8)]
    assert [process.communicate()[1].decode() for process in started] == [""] * 8
    with History.at(database).reading() as session:
        assert session.scalar(sa.text("SELECT count(*) FROM alembic_version")) == 1


@pytest.mark.parametrize(("revision", "advice"), [("0000", "model-monitor history --upgrade"), ("9999", "newer")])
def test_a_database_of_another_schema_is_refused_with_what_to_do(database: str, revision: str, advice: str) -> None:
    history = History.at(database)
    history.upgrade()
    with history.engine.begin() as connection:
        connection.execute(sa.text(f"UPDATE alembic_version SET version_num = '{revision}'"))
    with pytest.raises(StoreError, match=advice), history.session():
        pass


def test_no_message_has_the_password(tmp_path: Path) -> None:
    history = History.at(f"postgresql://monitor:{PASSWORD}@127.0.0.1:1/history")
    with pytest.raises(StoreError, match="does not answer") as error, history.session():
        pass
    assert PASSWORD not in str(error.value) and "127.0.0.1" in str(error.value)


@pytest.mark.parametrize("password", ["s3c@SECRET", "@SECRET", "s@3/SECRET@x", "s/SECRET@x/y"])
def test_a_password_that_is_not_encoded_is_refused_without_a_part_of_it(password: str) -> None:
    with pytest.raises(ConfigError, match="MODEL_MONITOR_HISTORY: in a password, write @ as %40") as error:
        History.at(f"postgresql://user:{password}@127.0.0.1:1/model")
    assert "SECRET" not in str(error.value)


@pytest.mark.parametrize("url", ["history.sqlite", "mysql://h/d", "postgresql+nodriver://h/d", ""])
def test_a_url_of_no_known_kind_is_refused_in_a_sentence(url: str) -> None:
    with pytest.raises(ConfigError, match="MODEL_MONITOR_HISTORY"):
        History.at(url)
