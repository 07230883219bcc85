"""``model-monitor replay | self-test | power``: what does a schedule see, and what would other settings change?"""

from __future__ import annotations

import argparse
from typing import Any

from model_monitor.commands import power, replay, self_test


def add_to(commands: argparse._SubParsersAction[Any]) -> None:
    """Add the commands to those of ``model-monitor``."""
    for command in (replay, self_test, power):
        command.add_to(commands)
