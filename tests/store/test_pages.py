"""A page of HTML with status 200, of a login or a gateway, is neither a file nor a write that worked."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from model_monitor import store
from model_monitor.errors import StoreError
from model_monitor.rows.sources.datasets import Dataset

WORDS = b"<head><title>Sign in</title></head><body>SECRET</body></html>"
PAGES = {"HTML": b"<!DOCTYPE html><html><meta charset=utf-8>" + WORDS, "XHTML": b"<html>" + WORDS}


class Gateway(BaseHTTPRequestHandler):
    """Answers everything with a page."""

    protocol_version = "HTTP/1.1"
    page = b""

    def answer(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(self.page)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(self.page)

    do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = answer  # noqa: N815

    def log_message(self, *_: object) -> None: ...


@pytest.fixture(params=PAGES)
def place(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The address of a file in a store behind the gateway."""
    monkeypatch.setattr(Gateway, "page", PAGES[request.param])
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "x")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    server = ThreadingHTTPServer(("127.0.0.1", 0), Gateway)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"s3://lake/a.csv?endpoint_override=127.0.0.1:{server.server_port}&scheme=http"
    server.shutdown()
    server.server_close()


USES: dict[str, Callable[[str], object]] = {
    "read": store.read,
    "write": lambda place: store.write(place, b"1,2"),
    "dataset of CSV": lambda place: list(Dataset.at(place, "csv").batches()),
    "dataset of JSON lines": lambda place: list(Dataset.at(place, "jsonl").batches()),
}


@pytest.mark.parametrize("use", USES.values(), ids=USES)
def test_a_page_in_place_of_a_store_is_a_store_error(place: str, use: Callable[[str], object]) -> None:
    with pytest.raises(StoreError, match=r"s3://lake/a\.csv") as raised:
        use(place)
    assert "SECRET" not in str(raised.value)


def test_a_page_on_a_disk_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "a.html").write_bytes(PAGES["HTML"])
    assert store.read(str(tmp_path / "a.html")) == PAGES["HTML"]
