"""Alembic's migrations of the history's schema."""
