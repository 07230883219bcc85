"""What does the process do that sends for a serving one? On each line, one file after the other, as it is asked.

``helper.Helper`` starts it; the door, by which lines come, is its standard input. The signals that end servers, which a
terminal or a supervisor may send to it as well, don't end it: a server on its way out has more to send. It ends when
the door is closed, at once: what it is about to send is still in the spool.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import threading
from functools import lru_cache
from pathlib import Path

from model_monitor.recorder.sending.carriers import Direct
from model_monitor.recorder.sending.destinations import destination_at

GIVES_WAY = 10  # of the operating system's nineteen steps: requests come first


def main() -> None:
    for one in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(one, signal.SIG_IGN)
    with contextlib.suppress(OSError):  # not everywhere may a process do so
        os.nice(GIVES_WAY)
    with contextlib.suppress(OSError), socket.socket(fileno=0) as door:
        door.setblocking(True)  # it need not be, by what the serving process chose for its sockets
        while True:
            said, lines, _, _ = socket.recv_fds(door, 1, 1)
            if not said:
                break
            for line in lines:
                threading.Thread(target=answer_on, args=(line,), daemon=True).start()
    os._exit(0)


def answer_on(line: int) -> None:
    with contextlib.suppress(OSError), socket.socket(fileno=line) as one:
        one.setblocking(True)
        with one.makefile("rwb") as asked:
            for asking in asked:
                asked.write(json.dumps(answer(**json.loads(asking))).encode() + b"\n")
                asked.flush()


def answer(address: str, kms_key_id: str | None, packed: bool, file: str, key: str) -> dict[str, object]:
    """``{"bytes": …}``, or ``{"error": …}``."""
    try:
        return {"bytes": carrier(address, kms_key_id, packed).carry(Path(file), key)}
    except Exception as error:  # noqa: BLE001 - who asked will tell, and ask again
        return {"error": f"{type(error).__name__}: {error}"}


@lru_cache(maxsize=100)
def carrier(address: str, kms_key_id: str | None, packed: bool) -> Direct:
    return Direct(destination_at(address, kms_key_id), packed, address)


if __name__ == "__main__":
    main()
