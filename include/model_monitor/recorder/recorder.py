"""What does serving code call? ``Recorder.record``, which returns at once, whatever the store does."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Literal

from model_monitor.errors import ConfigError, StoreError
from model_monitor.recorder import tally
from model_monitor.recorder.checks import check
from model_monitor.recorder.counters import Counters, instrument, numbers_of
from model_monitor.recorder.event_ids import new_event_id
from model_monitor.recorder.flag import until
from model_monitor.recorder.lifetime import EXIT_SECONDS, LIVE, RUNNING, close_with_worker
from model_monitor.recorder.privacy import Privacy
from model_monitor.recorder.records import (
    Format,
    Given,
    Request,
    Waiting,
    is_sampled,
    kept,
    milliseconds,
    texts,
    unicode,
)
from model_monitor.recorder.sending.carriers import carrier_to
from model_monitor.recorder.sending.sender import Sender
from model_monitor.recorder.spool.disk import spool_of
from model_monitor.recorder.spool.queue import Queue
from model_monitor.recorder.spool.spool import Spool
from model_monitor.recorder.spool.writer import Writer
from model_monitor.recorder.trouble import log

START_AGAIN_SECONDS, GRACE_SECONDS = 10.0, 0.5  # after a failure; for a thread that was told to end to do so


class Recorder:
    """Captures requests of an endpoint's variant into ``destination``: a folder, ``s3://``, ``gs://`` or ``abfs://``.

    ``sampling_percentage`` (0 to 100, may be changed while it runs) of the requests are captured, chosen by a hash of
    the event id; ``capture`` says which sides are kept. Payloads of ``csv_content_types`` and ``json_content_types``
    are stored as text, others in base64; one of more than ``max_payload_bytes`` is not kept, and its record says so.
    ``kms_key_id`` encrypts on S3.

    Requests wait in memory (at most ``max_queue_bytes``), are written to ``spool``, a local folder, and synced to the
    disk every ``flush_interval`` seconds. A file is closed after ``roll_seconds`` or ``roll_bytes`` and sent. While the
    store is out of reach, files wait, at most ``max_spool_bytes`` of each process. Where either bound is reached,
    ``when_full`` says what happens: the oldest are dropped, the newest are, or ``record`` waits. ``counters`` tells.

    A process that is killed loses what had not been written down, the last ``flush_interval`` seconds at most; what
    it had written is sent by another recorder with the same endpoint, destination and spool that runs, or is started.
    Threads, asyncio, signal handlers, and servers that fork before or after it was made may use it. Raises ConfigError,
    StoreError if there can be no spool.
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
        when_full: Literal["drop_oldest", "drop_newest", "block"] = "drop_oldest",
    ) -> None:
        bounds = (max_payload_bytes, flush_interval, roll_seconds, roll_bytes, max_queue_bytes, max_spool_bytes)
        check(endpoint, variant, capture, when_full, bounds)
        self.endpoint, self.variant = endpoint, variant
        self.sampling_percentage = sampling_percentage
        self.captures_input, self.captures_output = "input" in capture, "output" in capture
        self.max_payload_bytes, self.when_full = max_payload_bytes, when_full
        self.format = Format(tuple(csv_content_types), tuple(json_content_types), privacy)
        self._carrier = carrier_to(destination, kms_key_id, gzip)
        self.flush_interval, self.roll_seconds, self.roll_bytes = flush_interval, roll_seconds, roll_bytes
        self.max_queue_bytes, self.max_spool_bytes = max_queue_bytes, max_spool_bytes
        self.spool_root = spool_of(endpoint, variant, self._carrier.place, spool)
        self._anew()
        instrument()
        LIVE.add(self)

    def _anew(self) -> None:
        """Nothing recorded, nothing running: at first, and again in a process that was forked."""
        self._counters = Counters()
        self._queue = Queue(self.max_queue_bytes, self.when_full, self._counters)
        self._changing = threading.RLock()  # reentrant, as a signal handler may record, or close
        self._begun = False
        self._spool: Spool | None = None
        self._threads: list[threading.Thread] = []
        self._closed = False
        self._not_before = 0.0

    @property
    def sampling_percentage(self) -> float:
        """Of 100 requests, how many are captured."""
        return self._percentage

    @sampling_percentage.setter
    def sampling_percentage(self, percentage: float) -> None:
        if not 0 <= percentage <= 100:
            raise ConfigError(f"sampling_percentage is a number from 0 to 100, not {percentage}")
        self._percentage = float(percentage)

    new_event_id = staticmethod(new_event_id)

    def wants(self, event_id: str) -> bool:
        """Whether the request of this id is to be captured: ask before keeping its bodies."""
        return self.chosen_by(event_id) is not None

    def chosen_by(self, event_id: str) -> float | None:
        """The sampling percentage by which the request of this id is to be captured; None if it is not."""
        percentage = self._percentage
        return percentage if is_sampled(event_id, percentage) else None

    def sampled_out(self) -> None:
        """Count a request that was not recorded because it is not wanted."""
        self._counters.add(sampled_out=1)

    def record(
        self,
        input: Given | None = None,
        output: Given | None = None,
        *,
        input_content_type: str | None = None,
        output_content_type: str | None = None,
        inference_id: str | None = None,
        custom_attributes: str | Sequence[str] | None = None,
        event_id: str | None = None,
        event_time: datetime | None = None,
    ) -> str | None:
        """Capture one request: what it asked and what was answered, as bytes or text; its event id.

        None if it was not taken: sampled out, dropped, or recorded after ``close``. ``event_id`` is a new UUID and
        ``event_time`` now, unless given; a time without a zone is in UTC. ``inference_id`` is the caller's own, under
        which labels may come. Only waits with ``when_full="block"``. Raises TypeError for a payload of another type.
        """
        event_id = unicode(event_id) if event_id else new_event_id()
        percentage = self.chosen_by(event_id)
        if percentage is None:
            self._counters.add(sampled_out=1)
            return None
        most = self.max_payload_bytes
        request = Request(
            event_id,
            int(time.time() * 1000) if event_time is None else milliseconds(event_time),
            kept(input, most) if self.captures_input else None,
            kept(output, most) if self.captures_output else None,
            input_content_type,
            output_content_type,
            unicode(inference_id) if inference_id else None,
            texts(custom_attributes),
            percentage,
        )
        return event_id if self.take(request) else None

    def take(self, request: Waiting) -> bool:
        """Capture a request that is wanted; whether it was taken. What ``record`` ends with."""
        if self._threads or self._runs():
            return self._queue.put(request)
        self._counters.add(recorded=1, **{"dropped_closed" if self._closed else "dropped_disk": 1})
        return False

    def start(self) -> None:
        """Start writing and sending, also of what an earlier process left; the first ``record`` does, too.

        Raises StoreError if the spool can't be used, or there can be no more threads.
        """
        with self._changing:
            if self._begun or self._closed:  # begun: or this interrupts what is just doing it
                return
            self._begun = True
            try:
                self._threads = self._started(Spool(self.spool_root, self.roll_seconds, self.roll_bytes))
            except (OSError, RuntimeError) as error:
                self._begun = False
                raise StoreError(f"the spool {self.spool_root} can't be used: {error}") from error
            RUNNING.add(self)
            close_with_worker()

    def _started(self, spool: Spool) -> list[threading.Thread]:
        counters, queue, room = self._counters, self._queue, self.max_spool_bytes
        prefix = f"{self.endpoint}/{self.variant}"
        sender = Sender(spool, self._carrier, prefix, counters, room, queue.wake)
        writer = Writer(queue, spool, self.format, counters, self.flush_interval, room, self.when_full, sender.wake.set)
        threads = [
            threading.Thread(target=work.run, name=f"model-monitor-{name}", daemon=True)
            for name, work in (("writer", writer), ("sender", sender))
        ]
        try:
            for thread in threads:
                thread.start()
        except RuntimeError:
            writer.ending.set()
            queue.wake()
            if threads[0].is_alive():
                threads[0].join()
            spool.close()
            raise
        counters.keep(spool.name)
        self._spool, self._sender, self._writer = spool, sender, writer
        return threads

    def _runs(self) -> bool:
        """Whether requests can be written down, if need be after starting; a failure is tried again after a while."""
        if self._threads:
            return True
        if time.monotonic() < self._not_before:
            return False
        try:
            self.start()
        except StoreError as error:
            self._not_before = time.monotonic() + START_AGAIN_SECONDS
            log.error("nothing is captured: %s", error)
        return self._begun

    def counters(self) -> dict[str, float]:
        """Requests recorded, sampled_out, sent, adopted, dropped (and why), and what waits; bytes, failures, lag in
        seconds. Since this process started, or was forked."""
        return numbers_of(self._counters, self._queue, self._spool) | {"sampling_percentage": self._percentage}

    def flush(self, timeout: float = EXIT_SECONDS) -> bool:
        """Send all that was recorded until now; whether it is off this machine, after at most so many seconds."""
        if not self._threads or not self._spool:
            return True
        ends = time.monotonic() + timeout
        (writing, sending), spool, writer = self._threads, self._spool, self._writer
        with self._changing:
            writer.asked += 1
            asked = writer.asked
        self._queue.wake()
        if not until(lambda: writer.done >= asked or not writing.is_alive(), ends):
            return False
        files = set(spool.ready_now()) if writing.is_alive() else set(spool.segments)
        until(lambda: files.isdisjoint(spool.segments) or not sending.is_alive(), ends)
        return files.isdisjoint(spool.segments)

    def close(self, timeout: float = EXIT_SECONDS) -> bool:
        """Take no more and send what there is; whether the store has all, after at most so many seconds.

        What it does not have stays in the spool, and the next recorder sends it. Interpreter exit does the same.
        """
        ends = time.monotonic() + timeout
        with self._changing:
            self._closed = True
        self._queue.close()
        if not self._threads or not self._spool:
            return True
        self._writer.ending.set()
        self._queue.wake()
        writing, sending = self._threads
        writing.join(timeout)
        if writing.is_alive():
            return False  # a disk that hangs, or who asks has interrupted ``record``: interpreter exit asks again
        self._sender.deadline = ends
        self._sender.ending.set()
        self._sender.wake.set()
        sending.join(max(0.0, ends - time.monotonic()) + GRACE_SECONDS)
        if sending.is_alive():
            return False  # a store that hangs; the lock on the spool ends with the process
        has_all = not self._spool.segments
        with self._changing:
            if has_all:
                tally.forget(self._spool.name)
            self._spool.close()
            RUNNING.discard(self)
        return has_all

    def _forked(self) -> None:
        """In a child process: the parent goes on with its requests and files, and this one starts with its own."""
        if self._spool:
            self._spool.forget()
        closed = self._closed
        self._carrier.forget()
        self._anew()
        self._closed = self._queue.closed = closed

    def __enter__(self) -> Recorder:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
