"""What does the process do that sends a recorder's files? What it is asked for, a line at a time, until nobody asks.

It is started by ``carriers.Helper``, whose line is its standard input. The signals that end servers, which a terminal
or a supervisor may send to it as well, don't end it: a server on its way out has more to send. It ends with the server.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
from functools import lru_cache
from pathlib import Path

from model_monitor.rows.recorder.carriers import Direct
from model_monitor.rows.recorder.destinations import destination_at

GIVES_WAY = 10  # of the operating system's nineteen steps: requests come first


def main() -> None:
    for one in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(one, signal.SIG_IGN)
    os.nice(GIVES_WAY)
    with socket.socket(fileno=0) as line, line.makefile("rwb") as lines:
        for asked in lines:
            lines.write(json.dumps(answer(**json.loads(asked))).encode() + b"\n")
            lines.flush()


def answer(address: str, kms_key_id: str | None, packed: bool, file: str, key: str) -> dict[str, object]:
    """``{"bytes": …}``, or ``{"error": …}``."""
    try:
        return {"bytes": carrier(address, kms_key_id, packed).carry(Path(file), key)}
    except Exception as error:  # noqa: BLE001 - who asked will tell, and ask again
        return {"error": f"{type(error).__name__}: {error}"}


@lru_cache(maxsize=1)
def carrier(address: str, kms_key_id: str | None, packed: bool) -> Direct:
    return Direct(destination_at(address, kms_key_id), packed, address)


if __name__ == "__main__":
    with contextlib.suppress(OSError):  # whoever asked has gone before it was answered
        main()
    os._exit(0)  # at once: who closes a recorder waits for it
