"""The recorder that serving code calls. ``Recorder.record`` returns at once, whatever the store does."""

from __future__ import annotations

import math
import re
import threading
import time
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Literal, get_args

from model_monitor.errors import ConfigError, StoreError
from model_monitor.recorder import records
from model_monitor.recorder.privacy import Privacy
from model_monitor.recorder.process import EXIT_SECONDS, LIVE, RUNNING, close_with_worker, instrument, new_event_id
from model_monitor.recorder.sending.sender import Sender
from model_monitor.recorder.sending.transports import transport_to
from model_monitor.recorder.spool.disk import spool_root
from model_monitor.recorder.spool.files import Spool
from model_monitor.recorder.spool.writer import Queue, Writer
from model_monitor.recorder.threads import DROP_REASONS, Counters, log, wait_until
from model_monitor.store import addresses

WhenFull = Literal["drop_oldest", "drop_newest", "block"]

RESTART_SECONDS, GRACE_SECONDS = 10.0, 0.5  # before a failed start is tried again; for a thread past its deadline


class Recorder:
    """Captures requests of an endpoint's variant into ``destination``: a folder, ``s3://``, ``gs://`` or ``abfs://``.

    ``sampling_percentage`` (0 to 100, may be changed at any time) of the requests are captured, chosen by a hash of
    the event id; ``capture`` names the sides to keep. Payloads of ``csv_content_types`` and ``json_content_types`` are
    stored as text, others in base64; a payload larger than ``max_payload_bytes`` is left out and its record says so.
    ``kms_key_id`` encrypts on S3.

    Requests wait in memory (at most ``max_queue_bytes``), are written to ``spool``, a local folder, and synced to the
    disk every ``flush_interval`` seconds. A file is closed after ``roll_seconds`` or ``roll_bytes`` and sent. While the
    store is out of reach, files wait, at most ``max_spool_bytes`` per process. At either bound ``when_full`` decides:
    drop the oldest requests, drop the newest, or block ``record``. ``counters`` counts the dropped ones.

    A killed process loses, uncounted, about its last second of requests. Another recorder with the same endpoint,
    destination and spool sends the rest. Threads, asyncio and signal handlers may use a recorder, and servers may fork
    before or after making it. Raises ConfigError; StoreError if the spool can't be made.
    """

    def __init__(
        self,
        endpoint: str,
        destination: str,
        *,
        variant: str = "AllTraffic",
        sampling_percentage: float = 100.0,
        capture: Sequence[Literal["input", "output"]] = ("input", "output"),
        csv_content_types: Sequence[str] = ("text/csv",),
        json_content_types: Sequence[str] = ("application/json",),
        kms_key_id: str | None = None,
        gzip: bool = False,
        max_payload_bytes: int = 1 << 20,
        privacy: Privacy | None = None,
        spool: str | Path | None = None,
        flush_interval: float = 1.0,
        roll_seconds: float = 60.0,
        roll_bytes: int = 5_000_000,
        max_queue_bytes: int = 64 << 20,
        max_spool_bytes: int = 1 << 30,
        when_full: WhenFull = "drop_oldest",
    ) -> None:
        bounds = (max_payload_bytes, flush_interval, roll_seconds, roll_bytes, max_queue_bytes, max_spool_bytes)
        check(endpoint, variant, capture, when_full, bounds)
        self.endpoint, self.variant = endpoint, variant
        self.sampling_percentage = sampling_percentage
        self.captures_input, self.captures_output = "input" in capture, "output" in capture
        self.max_payload_bytes, self.when_full = max_payload_bytes, when_full
        self.format = records.Format(csv_content_types, json_content_types, privacy)
        self._transport = transport_to(destination, kms_key_id, gzip)
        self.flush_interval, self.roll_seconds, self.roll_bytes = flush_interval, roll_seconds, roll_bytes
        self.max_queue_bytes, self.max_spool_bytes = max_queue_bytes, max_spool_bytes
        self.spool_root = spool_root(endpoint, variant, self._transport.place, spool)
        self._reset()
        instrument()
        LIVE.add(self)

    def _reset(self) -> None:
        """Nothing recorded, nothing running: at first, and again in a forked process."""
        self._counters = Counters()
        self._queue = Queue(self.max_queue_bytes, self.when_full, self._counters)
        self._lock = threading.RLock()  # reentrant: a signal handler may record or close
        self._started = False
        self._spool: Spool | None = None
        self._threads: list[threading.Thread] = []
        self._closed = False
        self._retry_at = 0.0  # monotonic

    @property
    def sampling_percentage(self) -> float:
        """The percentage of requests that is captured."""
        return self._percentage

    @sampling_percentage.setter
    def sampling_percentage(self, percentage: float) -> None:
        if not 0 <= percentage <= 100:
            raise ConfigError(f"sampling_percentage is a number from 0 to 100, not {percentage}")
        self._percentage = float(percentage)

    new_event_id = staticmethod(new_event_id)

    def wants(self, event_id: str) -> bool:
        """Whether sampling selects the request with this id: ask before keeping its bodies."""
        return self.chosen_by(event_id) is not None

    def chosen_by(self, event_id: str) -> float | None:
        """The sampling percentage that selected the request with this id; None if it is left out."""
        percentage = self._percentage
        return percentage if records.is_sampled(event_id, percentage) else None

    def sampled_out(self) -> None:
        """Count a request that was not recorded because sampling left it out."""
        self._counters.add(sampled_out=1)

    def record(
        self,
        input: records.AnyPayload | None = None,
        output: records.AnyPayload | None = None,
        *,
        input_content_type: str | None = None,
        output_content_type: str | None = None,
        inference_id: str | None = None,
        custom_attributes: str | Sequence[str] | None = None,
        event_id: str | None = None,
        event_time: datetime | None = None,
        latency_ms: float | None = None,
        status_code: int | None = None,
        failed: bool = False,
    ) -> str | None:
        """Capture one request and its response, as bytes or text; returns its event id.

        None if it was not taken: sampled out, dropped, or recorded after ``close``. ``event_id`` defaults to a new
        UUID and ``event_time`` to now; a time without a zone is in UTC. ``inference_id`` is the caller's own id, which
        labels may refer to. ``latency_ms``, ``status_code`` (of HTTP) and ``failed`` are what the monitor ``traffic``
        judges; no other monitor sees a request that failed. Blocks only with ``when_full="block"``. Raises TypeError
        for a payload of another type.
        """
        event_id = records.to_unicode(event_id) if event_id else new_event_id()
        percentage = self.chosen_by(event_id)
        if percentage is None:
            self.sampled_out()
            return None
        request = records.Request(
            event_id,
            int(time.time() * 1000) if event_time is None else records.milliseconds(event_time),
            records.limited(input, self.max_payload_bytes) if self.captures_input else None,
            records.limited(output, self.max_payload_bytes) if self.captures_output else None,
            input_content_type,
            output_content_type,
            records.to_unicode(inference_id) if inference_id else None,
            records.attribute_list(custom_attributes),
            percentage,
            latency_ms,
            status_code,
            failed,
        )
        return event_id if self.take(request) else None

    def take(self, request: records.Queued) -> bool:
        """Queue a request that sampling selected; whether it was taken."""
        if self._threads or self._runs():
            return self._queue.put(request)
        self._counters.add(recorded=1, **{"dropped_closed" if self._closed else "dropped_disk": 1})
        return False

    def start(self) -> None:
        """Start writing and sending, also what an earlier process left; otherwise the first ``record`` does. Raises
        StoreError if the spool can't be used, or no thread can be started."""
        with self._lock:
            if self._started or self._closed:  # started: perhaps a signal handler interrupts this very method
                return
            self._started = True
            try:
                self._threads = self._start_threads(Spool(self.spool_root, self.roll_seconds, self.roll_bytes))
            except (OSError, RuntimeError) as error:
                self._started = False
                raise StoreError(f"the spool {self.spool_root} can't be used: {error}") from error
            RUNNING.add(self)
            close_with_worker()

    def _start_threads(self, spool: Spool) -> list[threading.Thread]:
        counters, queue, room = self._counters, self._queue, self.max_spool_bytes
        sender = Sender(spool, self._transport, f"{self.endpoint}/{self.variant}", counters, room, queue.wake)
        writer = Writer(queue, spool, self.format, self.flush_interval, room, sender.wake.set)
        writing = threading.Thread(target=writer.run, name="model-monitor-writer", daemon=True)
        sending = threading.Thread(target=sender.run, name="model-monitor-sender", daemon=True)
        try:
            writing.start()
            sending.start()
        except RuntimeError:
            writer.ending.set()
            queue.wake()
            if writing.is_alive():
                writing.join()
            spool.close()
            raise
        self._spool, self._sender, self._writer = spool, sender, writer
        return [writing, sending]

    def _runs(self) -> bool:
        """Whether the threads run, starting them if necessary; a failed start is tried again after a while."""
        if time.monotonic() < self._retry_at:
            return False
        try:
            self.start()
        except StoreError as error:
            self._retry_at = time.monotonic() + RESTART_SECONDS
            log.error("nothing is captured: %s", error)
        return self._started

    def counters(self) -> dict[str, float]:
        """Counts since this process started or was forked, and what waits now; process.py says what each means."""
        with self._counters.lock:
            counts = dict(self._counters.numbers)
        segments, now = self._spool.segments if self._spool else [], time.time()
        return counts | {
            "dropped": sum(counts[f"dropped_{reason}"] for reason in DROP_REASONS),
            "queued": len(self._queue.requests),
            "spooled": sum(segment.count for segment in segments),
            "spooled_bytes": sum(segment.size for segment in segments),
            "lag": max(0.0, now - min((segment.arrived for segment in segments), default=now)),
            "sampling_percentage": self._percentage,
        }

    def flush(self, timeout: float = EXIT_SECONDS) -> bool:
        """Send all that was recorded so far; whether the store has it, within ``timeout`` seconds."""
        if not self._threads or not self._spool:
            return True
        deadline = time.monotonic() + timeout
        (writing, sending), spool, writer = self._threads, self._spool, self._writer
        with self._lock:
            writer.flushes_requested += 1
            number = writer.flushes_requested
        self._queue.wake()
        if not wait_until(lambda: writer.flushes_done >= number or not writing.is_alive(), deadline):
            return False
        files = {file for file in spool.segments if file.descriptor < 0 or not writing.is_alive()}
        wait_until(lambda: files.isdisjoint(spool.segments) or not sending.is_alive(), deadline)
        return files.isdisjoint(spool.segments)

    def close(self, timeout: float = EXIT_SECONDS) -> bool:
        """Take no more and send what is left; whether the store has all, within ``timeout`` seconds. What it does not
        have stays in the spool for the next recorder. Called when the interpreter exits, too."""
        deadline = time.monotonic() + timeout
        with self._lock:
            self._closed = True
        self._queue.close()
        if not self._threads or not self._spool:
            return True
        self._writer.ending.set()
        self._queue.wake()
        writing, sending = self._threads
        writing.join(timeout)
        if writing.is_alive():
            return False  # the disk hangs, or a signal handler interrupted ``record``: interpreter exit tries again
        self._sender.deadline = deadline
        self._sender.ending.set()
        self._sender.wake.set()
        sending.join(max(0.0, deadline - time.monotonic()) + GRACE_SECONDS)
        if sending.is_alive():
            return False  # the store hangs; the spool's lock ends with the process
        has_all = not self._spool.segments
        with self._lock:
            self._spool.close()
            RUNNING.discard(self)
        return has_all

    def forked(self) -> None:
        """Start over in a forked child; requests and files so far are the parent's."""
        if self._spool:
            self._spool.forked()
        closed = self._closed
        self._transport.forked()
        self._reset()
        self._closed = self._queue.closed = closed

    def __enter__(self) -> Recorder:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def check(endpoint: str, variant: str, capture: Sequence[str], when_full: str, bounds: Sequence[float]) -> None:
    """Raise ConfigError for an invalid name, choice or bound."""
    for name in (endpoint, variant):
        if not re.fullmatch(addresses.NAME, name):
            raise ConfigError(f"{name!r} is no name of an endpoint or variant: up to 63 letters, digits, inner hyphens")
    if isinstance(capture, str) or not capture or not {*capture} <= {"input", "output"}:
        raise ConfigError(f"capture is ('input',), ('output',) or both, not {capture!r}")
    if when_full not in get_args(WhenFull):
        raise ConfigError(f"when_full is one of {', '.join(get_args(WhenFull))}, not {when_full!r}")
    if not all(0 < bound < math.inf for bound in bounds):
        raise ConfigError("intervals and bounds are finite numbers above 0")
