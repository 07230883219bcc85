"""Which requests of a span count, and for how many do they stand? What is kept of each until all are known."""

from __future__ import annotations

import numpy as np

from model_monitor.rows.summary import percent

KEPT_PERCENTAGES = 20  # where each request has its own, as many groups of like ones are told


class Requests:
    """The requests of a span in the order of reading."""

    def __init__(self) -> None:
        self.hashes: list[np.ndarray] = []  # of the event id of each request
        self.counts: list[np.ndarray] = []  # how many rows each has
        self.percentages: list[np.ndarray] = []  # of how many percent of requests each is one

    def add(self, hashes: np.ndarray, counts: np.ndarray, percentages: np.ndarray) -> None:
        self.hashes.append(hashes)
        self.counts.append(compact(counts))
        self.percentages.append(compact(percentages))

    def repeated(self) -> np.ndarray:
        """For each request, whether its event id has been there before."""
        every = np.concatenate(self.hashes) if self.hashes else np.empty(0, np.uint64)
        repeated = np.ones(len(every), bool)
        repeated[np.unique(every, return_index=True)[1]] = False
        return repeated

    def rows(self) -> np.ndarray:
        """How many rows each request has."""
        return np.concatenate(self.counts) if self.counts else np.empty(0, np.int64)

    def captured(self, chosen: np.ndarray) -> dict[str, int]:
        """How many of the chosen requests were captured at which percentage, by rising percentage.

        Of more than ``KEPT_PERCENTAGES`` those that follow one another are put together.
        """
        if not self.percentages:
            return {}
        every = np.concatenate(self.percentages)[chosen]
        if len(every) and (every == every[0]).all():  # nearly always, and quicker than sorting
            return {percent(float(every[0])): len(every)}
        different, counts = np.unique(every, return_counts=True)
        parts = min(len(different), KEPT_PERCENTAGES)
        groups = zip(np.array_split(different, parts), np.array_split(counts, parts), strict=True)
        return {percent(together(some, n)): int(n.sum()) for some, n in groups}


def together(percentages: np.ndarray, counts: np.ndarray) -> float:
    """The percentage at which so many requests stand for as many as they do each at its own: the harmonic mean."""
    return float(percentages[0] if len(percentages) == 1 else counts.sum() / (counts / percentages).sum())


def compact(values: np.ndarray) -> np.ndarray:
    """The same values; nearly always they are all the same, which a view of one says without taking memory."""
    return np.broadcast_to(values[0], len(values)) if len(values) and (values == values[0]).all() else values
