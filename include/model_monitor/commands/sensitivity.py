"""``model-monitor replay | self-test | power | mark``: what does a schedule see, what would other settings change, and
which windows does it learn from?"""

from __future__ import annotations

import argparse
from typing import Any

from model_monitor.commands import mark, power, replay, self_test


def add_to(commands: argparse._SubParsersAction[Any]) -> None:
    """Add the commands to those of ``model-monitor``."""
    for command in (replay, self_test, power, mark):
        command.add_to(commands)
