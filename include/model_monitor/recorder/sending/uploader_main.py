"""The uploader process: upload one file after the other on each connection that ``transports.Uploader`` passes it.

It ignores the signals that a terminal or supervisor sends to a server's whole process group: a server that is stopping
has more files to send. It exits at once when the control socket, its standard input, closes; files stay in the spool.
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

from model_monitor.recorder.sending.destinations import destination_at, upload

NICENESS = 10  # of 19: requests come first

destination = lru_cache(maxsize=100)(destination_at)


def main() -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    with contextlib.suppress(OSError):  # some platforms forbid it
        os.nice(NICENESS)
    with contextlib.suppress(OSError), socket.socket(fileno=0) as control:
        control.setblocking(True)  # the serving process may have set another default for its sockets
        while True:
            message, descriptors, _, _ = socket.recv_fds(control, 1, 1)
            if not message:
                break
            for descriptor in descriptors:
                threading.Thread(target=serve, args=(descriptor,), daemon=True).start()
    os._exit(0)


def serve(descriptor: int) -> None:
    """Answer the requests on one connection."""
    with contextlib.suppress(OSError), socket.socket(fileno=descriptor) as connection:
        connection.setblocking(True)
        with connection.makefile("rwb") as stream:
            for request in stream:
                stream.write(json.dumps(answer(**json.loads(request))).encode() + b"\n")
                stream.flush()


def answer(address: str, kms_key_id: str | None, compress: bool, file: str, key: str) -> dict[str, str | int]:
    """``{"bytes": …}``, or ``{"error": …}``."""
    try:
        return {"bytes": upload(Path(file), destination(address, kms_key_id), key, compress)}
    except Exception as error:  # noqa: BLE001 - the serving process logs it and tries again
        return {"error": f"{type(error).__name__}: {error}"}


if __name__ == "__main__":
    main()
