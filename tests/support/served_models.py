"""A real server of a model over HTTP, for tests: what it answers can be swapped while it runs."""

from __future__ import annotations

import csv
import io
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np

Answer = tuple[int, bytes]


@dataclass
class Served:
    """A running server: where it is, what it answers to a body, and what it was asked."""

    url: str
    answer: Callable[[bytes], Answer]
    bodies: list[bytes] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    now: int = 0
    most_at_once: int = 0


@contextmanager
def serving(answer: Callable[[bytes], Answer], port: int = 0) -> Iterator[Served]:
    """A server on a port of this machine; 0 for any that is free."""
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            with lock:
                served.bodies.append(body)
                served.headers.append(dict(self.headers))
                served.paths.append(self.path)
                served.now += 1
                served.most_at_once = max(served.most_at_once, served.now)
            try:
                status, content = served.answer(body)
                with lock:  # before the client can ask again
                    served.now -= 1
                self.send_response(status)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)
            except (BrokenPipeError, ConnectionResetError):  # who asked has gone, or is to be left without an answer
                self.close_connection = True

        def log_message(self, *_: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    server.daemon_threads = True
    served = Served(f"http://127.0.0.1:{server.server_port}/model", answer)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield served
    finally:
        server.shutdown()
        server.server_close()


def rows_of(body: bytes) -> np.ndarray:
    """Rows of numbers of a body in CSV."""
    return np.array([[float(v or "nan") for v in row] for row in csv.reader(io.StringIO(body.decode()))])


def csv_model(model: Callable[[np.ndarray], np.ndarray]) -> Callable[[bytes], Answer]:
    """What a server of CSV answers with a function of rows."""

    def answer(body: bytes) -> Answer:
        numbers = np.asarray(model(rows_of(body)))
        table = numbers[:, None] if numbers.ndim == 1 else numbers
        return 200, "".join(",".join(map(repr, row)) + "\n" for row in table.tolist()).encode()

    return answer


def json_model(model: Callable[[list[object]], object]) -> Callable[[bytes], Answer]:
    """What a server of JSON answers with a function of the document."""
    return lambda body: (200, json.dumps(model(json.loads(body))).encode())
