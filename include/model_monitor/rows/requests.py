"""Which requests of a span count, and for how many do they stand? What is kept of each until all are known."""

from __future__ import annotations

import numpy as np

from model_monitor.rows.summary import percent


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
        """How many of the chosen requests were captured at which percentage, by rising percentage."""
        if not self.percentages:
            return {}
        every = np.concatenate(self.percentages)[chosen]
        if len(every) and (every == every[0]).all():  # nearly always, and quicker than sorting
            return {percent(float(every[0])): len(every)}
        different, counts = np.unique(every, return_counts=True)
        return {percent(p): n for p, n in zip(different.tolist(), counts.tolist(), strict=True)}


def compact(values: np.ndarray) -> np.ndarray:
    """The same values; nearly always they are all the same, which a view of one says without taking memory."""
    return np.broadcast_to(values[0], len(values)) if len(values) and (values == values[0]).all() else values
