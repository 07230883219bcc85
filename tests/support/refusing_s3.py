"""An S3 server on 127.0.0.1 that refuses a step of an upload: as much of the protocol as PyArrow speaks."""

from __future__ import annotations

import contextlib
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar
from urllib.parse import parse_qs, urlsplit

STEPS = ("start", "part", "complete")  # PyArrow's; boto3 puts a small file by one step, "put"
CHANGED = "Thu, 01 Jan 2026 00:00:00 GMT"


@dataclass
class Refusal:
    """Which step is refused and how: an HTTP status, or None for a connection that is closed without an answer.

    ``after`` requests of the step are answered first; ``key`` is part of the name of the objects concerned. ``body``
    is what is answered, by default an error of S3; after ``seconds``.
    """

    step: str
    status: int | None
    after: int = 0
    key: str = ""
    body: bytes = b"<?xml version='1.0'?><Error><Code>AccessDenied</Code><Message>refused</Message></Error>"
    seconds: float = 0


@dataclass
class Bucket:
    """What is stored, and what is refused; ``refused`` counts."""

    objects: dict[str, bytes] = field(default_factory=dict)
    parts: dict[str, dict[int, bytes]] = field(default_factory=dict)
    refusal: Refusal | None = None
    refused: int = 0
    address: str = ""
    listed: list[str] = field(default_factory=list)  # the prefixes that were asked for
    read: list[str] = field(default_factory=list)  # objects, each time one is read
    reading: int = 0  # objects that are being read,
    most_at_once: int = 0  # and the most at a time, while each takes so many seconds
    seconds: float = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    @contextmanager
    def in_reading(self, key: str) -> Iterator[None]:
        with self.lock:
            self.read.append(key)
            self.reading += 1
            self.most_at_once = max(self.most_at_once, self.reading)
        time.sleep(self.seconds)
        yield
        with self.lock:
            self.reading -= 1

    def at(self, path: str) -> str:
        """The address of an object of the bucket ``lake``."""
        return f"s3://lake/{path}{self.address}"

    def refuses(self, step: str, key: str) -> bool:
        refusal = self.refusal
        if refusal is None or refusal.step != step or refusal.key not in key:
            return False
        refusal.after -= 1
        self.refused += refusal.after < 0
        return refusal.after < 0


class Handler(BaseHTTPRequestHandler):
    """Answers for one bucket, which a subclass sets."""

    protocol_version = "HTTP/1.1"
    bucket: ClassVar[Bucket]

    def log_message(self, *words: object) -> None: ...

    def answer(self, status: int, body: bytes = b"", **headers: str) -> None:
        self.send_response(status)
        for name, value in ({"Content_Length": str(len(body))} | headers).items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def where(self) -> tuple[str, dict[str, list[str]]]:
        parts = urlsplit(self.path)
        return parts.path.removeprefix("/lake").lstrip("/"), parse_qs(parts.query, keep_blank_values=True)

    def body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        body = b""
        while size := int(self.rfile.readline().split(b";")[0], 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    def content(self) -> bytes:
        body = self.body()
        if not self.headers.get("x-amz-decoded-content-length"):
            return body
        plain, rest = b"", body
        while rest:
            head, _, rest = rest.partition(b"\r\n")
            if not (size := int(head.split(b";")[0], 16)):
                break
            plain, rest = plain + rest[:size], rest[size + 2 :]
        return plain

    def refused(self, step: str, key: str) -> bool:
        if not self.bucket.refuses(step, key):
            return False
        refusal = self.bucket.refusal
        assert refusal is not None
        time.sleep(refusal.seconds)
        if refusal.status is None:
            self.close_connection = True
            self.connection.close()
        else:
            kind = "text/html" if refusal.body.startswith(b"<!DOCTYPE html") else "application/xml"
            with contextlib.suppress(OSError):  # who asked may have gone
                self.answer(refusal.status, refusal.body, Content_Type=kind)
        return True

    def do_HEAD(self) -> None:
        key, _ = self.where()
        if key in self.bucket.objects:
            self.answer(200, Content_Length=str(len(self.bucket.objects[key])), ETag='"x"', Last_Modified=CHANGED)
        else:
            self.answer(404 if key else 200)

    def do_GET(self) -> None:
        key, query = self.where()
        if "list-type" in query:
            prefix = query.get("prefix", [""])[0]
            self.bucket.listed.append(prefix)
            rows = "".join(
                f"<Contents><Key>{name}</Key><Size>{len(content)}</Size><ETag>x</ETag>"
                "<LastModified>2026-01-01T00:00:00.000Z</LastModified></Contents>"
                for name, content in sorted(self.bucket.objects.items())
                if name.startswith(prefix)
            )
            self.answer(200, f"<ListBucketResult><IsTruncated>false</IsTruncated>{rows}</ListBucketResult>".encode())
        elif key not in self.bucket.objects:
            self.answer(404, b"<Error><Code>NoSuchKey</Code></Error>")
        elif found := re.match(r"bytes=(\d+)-(\d+)", self.headers.get("Range") or ""):
            whole = self.bucket.objects[key]
            first, last = int(found[1]), min(int(found[2]), len(whole) - 1)
            span = f"bytes {first}-{last}/{len(whole)}"
            with self.bucket.in_reading(key):
                self.answer(206, whole[first : last + 1], Content_Range=span, ETag='"x"', Last_Modified=CHANGED)
        else:
            with self.bucket.in_reading(key):
                self.answer(200, self.bucket.objects[key], ETag='"x"', Last_Modified=CHANGED)

    def do_PUT(self) -> None:
        key, query = self.where()
        content = self.content()
        if "partNumber" not in query:
            if self.refused("put", key):
                return
            self.bucket.objects[key] = content
        elif self.refused("part", key):
            return
        else:
            self.bucket.parts.setdefault(key, {})[int(query["partNumber"][0])] = content
        self.answer(200, ETag='"x"')

    def do_POST(self) -> None:
        key, query = self.where()
        self.content()
        step = "start" if "uploads" in query else "complete"
        if self.refused(step, key):
            return
        if step == "start":
            self.bucket.parts[key] = {}
            name = "InitiateMultipartUploadResult"
            self.answer(200, f"<{name}><Key>{key}</Key><UploadId>1</UploadId></{name}>".encode())
        else:
            self.bucket.objects[key] = b"".join(
                content for _, content in sorted(self.bucket.parts.pop(key, {}).items())
            )
            self.answer(200, b"<CompleteMultipartUploadResult><ETag>x</ETag></CompleteMultipartUploadResult>")

    def do_DELETE(self) -> None:
        key, query = self.where()
        if "uploadId" not in query:
            self.bucket.objects.pop(key, None)
        self.answer(204)


@contextmanager
def serving() -> Iterator[Bucket]:
    """A server with an empty bucket."""
    bucket = Bucket()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("OneBucket", (Handler,), {"bucket": bucket}))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    bucket.address = f"?endpoint_override=127.0.0.1:{server.server_port}&scheme=http"
    try:
        yield bucket
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
