"""The record of which numbers a sink has: CloudWatch counts twice what it gets twice."""

from __future__ import annotations

from collections.abc import Sequence

from model_monitor.errors import DataError
from model_monitor.results.handover import Handover
from model_monitor.results.sinks.sink import Sink, each_once


class Sent(Handover, frozen=True, kw_only=True):
    """The record of a window and a sink: the identities of the points that it took, sorted."""

    points: tuple[str, ...] = ()


def send_new(sink: Sink, record: str) -> int:
    """Send the points that the record at an address does not have; how many.

    It is written after each request, so that a retry goes on where the sink stopped answering. Raises what ``send``
    raises, and DataError if the record is damaged.
    """
    known = set(sent_before(record))
    new = [point for point in each_once(sink.points()) if point.identity not in known]
    for batch in sink.batches(new):
        sink.send(batch)
        known |= {point.identity for point in batch}
        Sent(points=tuple(sorted(known))).write(record)
    return len(new)


def sent_before(record: str) -> Sequence[str]:
    try:
        sent = Sent.find(record)
    except DataError as error:
        raise DataError(f"{record} is damaged; delete it to have the window's metrics sent again") from error
    return sent.points if sent else ()
