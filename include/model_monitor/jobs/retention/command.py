"""``model-monitor retention``: delete by hand what an endpoint has kept for long enough, or see what would be."""

from __future__ import annotations

import argparse
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from model_monitor.core.window import iso, moment
from model_monitor.errors import ConfigError


def add_to(commands: Any) -> None:
    """Add the command to the others."""
    command = commands.add_parser("retention", help="delete what is older than an endpoint's retention_days")
    command.add_argument("file", metavar="ENDPOINT_FILE")
    command.add_argument("--now", required=True, metavar="ISO", help="count from this moment, UTC unless it says else")
    command.add_argument("--dry-run", action="store_true", help="only say what would be deleted")
    command.set_defaults(command=run_retention)


def check_neighbours(file: Path) -> None:
    """Raise ConfigError if another endpoint file of the folder keeps the same captures longer, or may."""
    from model_monitor import config
    from model_monitor.config import retention as retained

    files = [file, *(one for one in sorted(file.parent.glob("*.yaml")) if one.resolve() != file.resolve())]
    if why := retained.held_back(config.load_all(files)[0], files).get(file):
        raise ConfigError(why)


def run_retention(asked: argparse.Namespace) -> int:
    """A moment to come would delete what is younger than ``retention_days``: only a dry run may look ahead."""
    try:
        now = moment(asked.now)
    except ValueError as error:
        raise ConfigError(f"--now {asked.now}: {error}; write it as 2026-01-31T00:00:00Z") from error
    if now > datetime.now(UTC) and not asked.dry_run:
        raise ConfigError(f"--now {iso(now)} is still to come; add --dry-run to see what would be deleted by then")
    check_neighbours(Path(asked.file))
    from model_monitor.jobs.retention import expiry

    print(expiry.delete_expired(asked.file, now, asked.dry_run)["message"])
    return 0
