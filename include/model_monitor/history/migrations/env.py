"""Run by Alembic: migrate over the connection that ``History.upgrade`` opened, within its transaction."""

from __future__ import annotations

from alembic import context

from model_monitor.history.tables import Table

context.configure(connection=context.config.attributes["connection"], target_metadata=Table.metadata)
context.run_migrations()
