"""The page about the history names each column of each view, and its queries are answered."""

from __future__ import annotations

import re

import pytest
import sqlalchemy as sa
from support.places import PROJECT
from support.postgres import Postgres

from model_monitor.history.database import History
from model_monitor.history.views import VIEWS

PAGE = (PROJECT / "docs/history.md").read_text()


@pytest.mark.parametrize("view", VIEWS, ids=[view.name for view in VIEWS])
def test_the_page_names_exactly_the_columns_of_a_view(view: sa.TableClause) -> None:
    section = PAGE.partition(f"### `{view.name}`")[2].partition("\n#")[0]
    rows = re.findall(r"^\| (`.*?) \|", section, re.M)
    named = [name for row in rows for name in re.findall(r"`(\w+)`", row)]
    assert sorted(named) == sorted(column.name for column in view.columns)


@pytest.mark.parametrize("view", VIEWS, ids=[view.name for view in VIEWS])
def test_a_view_has_the_columns_that_exports_and_pages_know(database: str, view: sa.TableClause) -> None:
    history = History.at(database)
    history.upgrade()
    with history.engine.connect() as connection:
        columns = [column["name"] for column in sa.inspect(connection).get_columns(view.name)]
    assert columns == [column.name for column in view.columns]


def test_the_queries_of_the_page_are_answered(postgres: Postgres) -> None:
    history = History.at(postgres.new_database())
    statements = [s for block in re.findall(r"```sql\n(.*?)```", PAGE, re.S) for s in block.split(";") if s.strip()]
    assert len(statements) == 4
    with history.session() as session:
        for statement in statements:
            session.execute(sa.text(statement))
        session.execute(sa.text("DROP OWNED BY reader"))
        session.execute(sa.text("DROP ROLE reader"))
