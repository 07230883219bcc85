"""``model-monitor power``: what is the smallest change that a schedule sees? Nothing is written."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from model_monitor.commands import OK
from model_monitor.commands.history import positive
from model_monitor.commands.named import named
from model_monitor.errors import MonitorError, printable

if TYPE_CHECKING:
    from model_monitor.verdicts.power import Card


def add_to(commands: argparse._SubParsersAction[Any]) -> None:
    """Add the command to those of ``model-monitor``."""
    words = "the smallest change of each column and metric that a schedule tells in four of five windows"
    command = commands.add_parser("power", help=words)
    command.add_argument("place", metavar="ENDPOINT[/SCHEDULE]", help="the endpoint by its name or its file")
    command.add_argument("--rows", type=positive, metavar="NUMBER", help="of a window; without, the usual number")
    command.add_argument("--json", action="store_true", help="all of it as JSON, for machines")
    command.set_defaults(command=run_power)


def run_power(args: argparse.Namespace) -> int:
    """A schedule without a card does not hide the others."""
    from model_monitor.config.execution import Assignment
    from model_monitor.jobs.power_card import power_card

    file, schedules = named(args.place)
    documents, texts = [], []
    for name in schedules:
        assignment = Assignment.load(file, name)
        try:
            card = power_card(assignment, args.rows)
        except MonitorError as error:
            documents.append({"schedule": name, "reason": str(error)})
            texts.append(printable(f"{name}: {error}"))
            continue
        documents.append({"schedule": name, **document(card)})
        texts.append(f"{printable(name)}: {text_of(card)}")
    print(json.dumps(documents, indent=1, allow_nan=False) if args.json else "\n\n".join(texts))
    return OK


def document(card: Card) -> dict[str, Any]:
    sights = [asdict(one) | {"column": one.subject.column} for one in card.sights]
    for one in sights:
        del one["subject"]
    sizes = {"rows": card.rows, "day_rows": card.day_rows, "past_windows": card.past_windows}
    return sizes | {"sees": sights, "left_out": card.left_out}


def text_of(card: Card) -> str:
    """A line for each column and metric."""
    from model_monitor.verdicts.power_words import rows_of
    from model_monitor.verdicts.proposal import Plain

    more = f"\nand {card.left_out} more" if card.left_out else ""
    head = f"windows of {card.rows:,} rows" + (f", days of {card.day_rows:,}" if card.day_rows else "")
    head += f", beside how {card.past_windows} past windows varied" if card.past_windows else ""
    names = ("of", "change", "in a window", "in a day's sum")[: 4 if card.day_rows else 3]
    table = Plain(None).table(names, rows_of(card))
    return f"{head}\n{table or 'no check weighs chance'}{more}"
