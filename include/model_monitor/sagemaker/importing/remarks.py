"""What should a person know of an imported file: where to look, and what has no counterpart here?"""

from __future__ import annotations

from dataclasses import dataclass, field

Place = tuple[str | int, ...]


def plain(text: str) -> str:
    """A text of others on one line, and without what would steer a terminal or end a comment.

    >>> plain("a\\nb: \\x1b[2J")
    'a\\\\nb: \\\\x1b[2J'
    """
    return "".join(one if one.isprintable() else ascii(one)[1:-1] for one in text)


@dataclass
class Remarks:
    """Sentences by the place in the file that they are about, and those about what the file can't say.

    looks: a person has to look at the setting at that place.
    without: what has no counterpart, each with the names of the schedules that have it.
    """

    looks: dict[Place, list[str]] = field(default_factory=dict)
    without: dict[str, list[str]] = field(default_factory=dict)

    def look(self, place: Place, sentence: str) -> None:
        told = self.looks.setdefault(place, [])
        if plain(sentence) not in told:
            told.append(plain(sentence))

    def no_counterpart(self, what: str, instead: str, schedule: str = "") -> None:
        """``what`` is a place in the original's documents, ``instead`` what takes its place, or why nothing does."""
        names = self.without.setdefault(f"{plain(what)}: {plain(instead)}", [])
        if schedule and schedule not in names:
            names.append(schedule)

    def of(self, index: int, name: str) -> OfSchedule:
        return OfSchedule(self, index, name)

    def listed(self) -> list[str]:
        """What has no counterpart, a line each; whose it is where that is not plain."""
        everybody = {name for names in self.without.values() for name in names}
        return [
            f"{', '.join(names)}: {sentence}" if names and len(everybody) > 1 else sentence
            for sentence, names in self.without.items()
        ]


@dataclass(frozen=True)
class OfSchedule:
    """The same, told of one schedule: its index in the file, and its name."""

    remarks: Remarks
    index: int
    name: str

    def look(self, key: str, sentence: str) -> None:
        self.remarks.look(("schedules", self.index, key), sentence)

    def no_counterpart(self, what: str, instead: str) -> None:
        self.remarks.no_counterpart(what, instead, self.name)
