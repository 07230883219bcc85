"""What is in a folder where something was looked for: names, and the first and last folder of an hour."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from model_monitor import store

NAMES_SHOWN = 5
HOUR_PARTS = 4  # year, month, day, hour


@dataclass(frozen=True)
class Whereabouts:
    """What there is, in words; ``is_any``: whether any of it is what is looked for."""

    words: str
    is_any: bool = False


def inside(address: str, kinds: Sequence[str] = ("folder",)) -> list[str]:
    """The names of the folders, or of what else, directly in a folder, sorted."""
    from model_monitor.store.folders import folder_at  # brings PyArrow

    return [entry.path for entry in folder_at(address).inside() if entry.kind in kinds]


def listed(names: Sequence[str]) -> str:
    """Some names in a few words."""
    return ", ".join(names[:NAMES_SHOWN]) + (", ..." if len(names) > NAMES_SHOWN else "")


def instead_of(what: str, name: str, address: str) -> Whereabouts | None:
    """Why there is no folder of a name at an address; None if there is one."""
    names = inside(address)
    if name in names:
        return None
    return Whereabouts(f"{address} has no {what} {name}, but {listed(names)}" if names else empty(address))


def empty(address: str) -> str:
    return f"{address} is empty, or not there"


def of_hours(what: str, address: str) -> Whereabouts:
    """The first and the last folder ``yyyy/mm/dd/hh`` below an address. Looks into single folders only, at most ten."""
    first, last = edges(address, HOUR_PARTS, str.isdecimal)
    if not first:
        names = inside(address, ("folder", "file"))
        there = f"{address} has no folder of an hour, but {listed(names)}" if names else empty(address)
        return Whereabouts(there)
    return Whereabouts(f"there are {what} from {'/'.join(first)} to {'/'.join(last)}", is_any=True)


def edges(address: str, depth: int, counts: Callable[[str], bool] = bool) -> tuple[list[str], list[str]]:
    """The first and the last of nested folders below an address, as their parts; [] if there is none that counts."""
    found = []
    for edge in (0, -1):
        place, names = address, list[str]()
        while len(names) < depth and (there := [name for name in map(store.name_of, inside(place)) if counts(name)]):
            names.append(there[edge])
            place = store.join(place, there[edge])
        found.append(names)
    return found[0], found[1]


def without_files(address: str, endings: str) -> Whereabouts:
    """That no file at an address has one of some endings, and what is there."""
    names = inside(address, ("folder", "file", "other"))
    instead = f", but {listed(names)}" if names else "; it is empty, or not there"
    return Whereabouts(f"{address} has no file that ends in {endings}{instead}")
