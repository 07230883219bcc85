"""Open the database of the history, bring its schema up to date, and give out transactions.

SQLAlchemy and Alembic are imported by whoever opens a history; parsing DAGs must not. SQLite runs in WAL mode, so that
readers never wait; writers wait for each other up to ``PATIENCE`` seconds.
"""

from __future__ import annotations

import contextlib
import logging
import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event, exc
from sqlalchemy.engine import URL, make_url
from sqlalchemy.orm import Session

from model_monitor import store
from model_monitor.config.endpoint import Endpoint
from model_monitor.errors import ConfigError, StoreError
from model_monitor.history.places import FILE, NOTHING, VARIABLE, why_none
from model_monitor.history.tables import REVISION

PATIENCE = 60  # seconds
LOCK = 0x6D6D6869  # PostgreSQL's advisory lock for changes of the schema

FULL = ("disk I/O error", "disk is full", "No space left")
DAMAGED = ("file is not a database", "malformed", "disk image")  # what SQLite says
REBUILD = "move the file away, and run model-monitor reindex"

log = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class History:
    """A database with the history of some endpoints."""

    engine: sa.Engine

    @classmethod
    def of(cls, endpoint: Endpoint) -> History | None:
        """The history of an endpoint: at ``MODEL_MONITOR_HISTORY``, else beside a local store; None if there is none,
        which is logged once. Raises ConfigError."""
        if why := why_none(endpoint):
            tell_once(why)
            return None
        return cls.at(os.environ.get(VARIABLE) or beside(endpoint.output))

    @classmethod
    def at(cls, url: str) -> History:
        """The history in a database. Raises ConfigError for a URL of no known kind."""
        return opened(url, os.getpid())

    @classmethod
    def in_memory(cls) -> History:
        """A new database that is gone with this object: of what reports say where no history is kept."""
        return cls(sqlite(URL.create("sqlite"), poolclass=sa.StaticPool))

    @property
    def name(self) -> str:
        """The URL without its password."""
        return self.engine.url.render_as_string(hide_password=True)

    @property
    def revision(self) -> str | None:
        """The migration of its schema; None of a new database. Looking makes no file. Raises StoreError."""
        if (file := file_of(self.engine.url)) and not file.is_file():
            return None
        with self._answering(), self.engine.execution_options(reads=True).connect() as connection:
            return revision_of(connection)

    @property
    def exists(self) -> bool:
        """Whether there is a database with a schema, whichever. Looking makes no file. Raises StoreError."""
        if (file := file_of(self.engine.url)) and not file.is_file():
            return False
        with self._answering(), self.engine.execution_options(reads=True).connect() as connection:
            return sa.inspect(connection).has_table("alembic_version")

    @contextlib.contextmanager
    def session(self) -> Iterator[Session]:
        """One transaction that writes; on SQLite it has the lock from the start. Raises StoreError."""
        with self._transaction(self.engine) as session:
            yield session

    @contextlib.contextmanager
    def reading(self) -> Iterator[Session]:
        """One transaction that only reads; it makes no database. Raises StoreError, also if nothing was recorded."""
        if self.revision is None:
            raise StoreError(f"{self.name}: {NOTHING}")
        with self._transaction(self.engine.execution_options(reads=True)) as session:
            yield session

    @contextlib.contextmanager
    def _transaction(self, engine: sa.Engine) -> Iterator[Session]:
        with self._answering():
            if (file := file_of(engine.url)) and not file.is_file():
                self.upgrade()
            with Session(engine, expire_on_commit=False) as session:  # rows are read after it, too
                if not self._is_current(session.connection()):
                    session.rollback()
                    self.upgrade()
                    session.connection()
                yield session
                session.commit()

    def _is_current(self, connection: sa.Connection) -> bool:
        """Whether the schema is up to date, False of a new database. Raises StoreError if an old one has another."""
        revision = revision_of(connection)
        if revision not in (None, REVISION):
            raise StoreError(f"the history {self.name} is of schema {revision}, not {REVISION}: {advice_on(revision)}")
        return revision is not None

    def upgrade(self) -> None:
        """Bring the schema up to date; several processes may. Raises StoreError."""
        from alembic import command
        from alembic.config import Config

        config = Config()
        config.set_main_option("script_location", str(Path(__file__).with_name("migrations")).replace("%", "%%"))
        if file := file_of(self.engine.url):
            try:
                file.parent.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise StoreError(f"the history {self.name} can't be made: {error}; the report's files stand") from error
        with self._answering(), self.engine.begin() as connection:
            if self.engine.dialect.name == "postgresql":
                connection.execute(sa.text(f"SELECT pg_advisory_xact_lock({LOCK})"))
            config.attributes["connection"] = connection
            revision = revision_of(connection)
            if revision is not None and revision > REVISION:
                raise StoreError(f"the history {self.name} is of schema {revision}: {advice_on(revision)}")
            command.upgrade(config, "head")

    @contextlib.contextmanager
    def _answering(self) -> Iterator[None]:
        """Turn errors of the database into a StoreError without secrets."""
        try:
            yield
        except (exc.DBAPIError, exc.TimeoutError) as error:
            cause = str(getattr(error, "orig", None) or error).strip().partition("\n")[0]
            if any(words in cause for words in DAMAGED):
                raise StoreError(f"the history {self.name} is damaged: {cause}; {REBUILD}") from error
            if any(words in cause for words in FULL):
                raise StoreError(f"the history {self.name} can't be written: {cause}; make room on its disk") from error
            raise StoreError(f"the history {self.name} does not answer: {cause}; the report's files stand") from error


def advice_on(revision: str) -> str:
    if revision > REVISION:
        return "a newer version of model-monitor made it; install that one here too"
    return "run model-monitor history --upgrade"


def revision_of(connection: sa.Connection) -> str | None:
    """The schema's migration; None of a new database."""
    if not sa.inspect(connection).has_table("alembic_version"):
        return None
    revision = connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar()
    return str(revision) if revision else None


@lru_cache(maxsize=100)
def tell_once(why: str) -> None:
    log.warning("%s", why)


def beside(output: str) -> str:
    """The URL of the SQLite file beside a local store."""
    _, path = store.located(store.join(output, FILE))
    return URL.create("sqlite", database=path).render_as_string()


@lru_cache(maxsize=16)
def opened(url: str, process_id: int) -> History:
    """One engine for each process: a forked one must not share its parent's connections. Raises ConfigError."""
    try:
        place = make_url(url)
    except (exc.ArgumentError, ValueError) as error:
        raise ConfigError(f"{VARIABLE} is no URL; write postgresql://user:password@host/database") from error
    if place.get_backend_name() != "sqlite" and "@" in f"{place.host}{place.database}":  # a part of the password
        raise ConfigError(f"{VARIABLE}: in a password, write @ as %40, / as %2F and : as %3A")
    if place.drivername in ("postgres", "postgresql"):
        place = place.set(drivername="postgresql+psycopg2")
    if place.get_backend_name() not in ("sqlite", "postgresql"):
        raise ConfigError(f"{VARIABLE}: the history is in SQLite or PostgreSQL, not {place.get_backend_name()}")
    try:
        return History(sqlite(place) if place.get_backend_name() == "sqlite" else postgresql(place))
    except (exc.ArgumentError, exc.NoSuchModuleError, ModuleNotFoundError) as error:
        raise ConfigError(f"{VARIABLE}: {place.drivername} can't be opened: {error}") from error


def file_of(place: URL) -> Path | None:
    """The file of a SQLite database; None of one in memory or of a server."""
    return Path(place.database) if place.get_backend_name() == "sqlite" and place.database else None


def postgresql(place: URL) -> sa.Engine:
    arguments = {"connect_timeout": 10, "application_name": "model-monitor"}
    return sa.create_engine(place, pool_pre_ping=True, hide_parameters=True, connect_args=arguments)


def sqlite(place: URL, poolclass: type[sa.Pool] = sa.NullPool) -> sa.Engine:
    """SQLite with transactions of SQLAlchemy's, not of Python's driver, which begins none before DDL."""
    engine = sa.create_engine(place, hide_parameters=True, connect_args={"timeout": PATIENCE}, poolclass=poolclass)

    @event.listens_for(engine, "connect")
    def set_up(connection: Any, _: Any) -> None:
        connection.isolation_level = None
        connection.execute("PRAGMA foreign_keys=ON")
        if connection.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
            connection.execute("PRAGMA journal_mode=WAL")

    @event.listens_for(engine, "begin")
    def begin(connection: sa.Connection) -> None:
        connection.exec_driver_sql("BEGIN" if connection.get_execution_options().get("reads") else "BEGIN IMMEDIATE")

    return engine
