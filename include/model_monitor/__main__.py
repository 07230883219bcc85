"""The verbs from a shell: ``model-monitor COMMAND``, without Airflow."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from typing import NoReturn

from model_monitor import __version__
from model_monitor.commands import FAILED, alarms, alerts, baselines, by_hand, endpoint_files, history, sensitivity
from model_monitor.dashboard import command as dashboard
from model_monitor.errors import ConfigError, MonitorError, is_unicode, printable
from model_monitor.recorder.receiver import command as receive
from model_monitor.sagemaker.importing import command as import_sagemaker


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command: 0 completed, 3 completed with violations, 4 nothing to judge, 1 failed, saying why on standard
    error."""
    try:
        args = by_hand.understood(parser().parse_args(texts_of(sys.argv[1:] if arguments is None else arguments)))
        return int(args.command(args))
    except MonitorError as error:
        print("model-monitor: " + "\n".join(map(printable, str(error).split("\n"))), file=sys.stderr)
        return FAILED
    except ModuleNotFoundError as error:
        print(f"model-monitor: {error}; install the package with its extra 'analysis'", file=sys.stderr)
        return FAILED


def texts_of(arguments: Sequence[str]) -> Sequence[str]:
    """The arguments as they are. Raises ConfigError for bytes that are no text."""
    if odd := [text for text in arguments if not is_unicode(text)]:
        raise ConfigError(f"'{odd[0]}' is no text in UTF-8; rename the file, or correct the argument")
    return arguments


class Parser(argparse.ArgumentParser):
    """Tells what is wrong with the arguments as all else is told: in one line."""

    def error(self, message: str) -> NoReturn:
        raise ConfigError(f"{message} (see {self.prog} --help)")


def parser() -> Parser:
    top = Parser(prog="model-monitor", description="Do our models still work?")
    top.add_argument("--version", action="version", version=__version__)
    commands = top.add_subparsers(required=True, metavar="COMMAND")
    rooms = (dashboard, import_sagemaker, receive)
    for command in (endpoint_files, baselines, alarms, alerts, by_hand, history, sensitivity, *rooms):
        command.add_to(commands)
    return top


if __name__ == "__main__":
    sys.exit(main())
