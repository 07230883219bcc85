"""Does retention of one endpoint file delete what the same file, or another one, keeps? Then it deletes nothing."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from model_monitor.config.endpoint import Endpoint, Schedule
from model_monitor.config.yaml_files import expanded
from model_monitor.store.addresses import NAME

DERIVED = ("_own", "_merged", "_explained", "_states", "_awaiting")  # folders of output with one for each schedule
SOURCE = "capture.uri"
MOST_READ = 4 << 20  # bytes of a file that is no valid endpoint file
WORD = re.compile(r"""[^\s"'\[\]{},]+""")
VALUE = re.compile(r"""[:,\[{-][ \t]+["']?(?=([^\n"'#\[\]{},]*[^\s"'#\[\]{},]))""")  # which may have spaces in it
ESCAPED = re.compile(r"\\[xuU]")
ALIASES = {"gcs": "gs", "abfss": "abfs"}


@dataclass(frozen=True)
class Place:
    """A file or folder. ``key`` says what an endpoint file calls it; ``above`` are the folders on a disk at and above
    it, as device and inode, which no spelling hides."""

    key: str
    address: str
    above: tuple[tuple[int, int], ...] = ()

    @classmethod
    def at(cls, key: str, address: str) -> Place:
        path = canonical(address)
        folders = [] if "://" in path else [Path(path), *Path(path).parents]
        return cls(key, path, tuple(filter(None, map(identity, folders))))

    def is_in(self, folder: Place) -> bool:
        if f"{self.address}/".startswith(f"{folder.address}/"):
            return True
        return "://" not in folder.address and identity(Path(folder.address)) in self.above


def identity(path: Path) -> tuple[int, int] | None:
    """Which folder or file of a disk it is; None if it isn't there."""
    try:
        status = path.stat()
    except (OSError, ValueError):
        return None
    return status.st_dev, status.st_ino


def canonical(address: str) -> str:
    """One spelling of an address: without doubled slashes, dots, links, a query and ``file://``.

    >>> canonical("GCS://lake//a/?retry_limit_seconds=9"), canonical("abfs://c@account.dfs.core.windows.net/a")
    ('gs://lake/a', 'abfs://account/c/a')
    """
    scheme, mark, rest = address.partition("://")
    if not mark or scheme.lower() == "file":
        return os.path.realpath(rest if mark else address)
    scheme = ALIASES.get(scheme.lower(), scheme.lower())
    place, _, path = rest.partition("?")[0].partition("/")
    user, _, host = place.rpartition("@")
    root = [host.partition(".")[0], user] if scheme == "abfs" else [host]
    return f"{scheme}://{'/'.join(filter(None, [*root, *path.split('/')]))}"


def captures_of(endpoint: Endpoint) -> Place | None:
    """The folder of an endpoint's capture files; None if its requests come from a source that is not its own."""
    if not endpoint.source.expires:
        return None
    return Place.at("the captures", f"{canonical(endpoint.capture.uri)}/{endpoint.endpoint}/{endpoint.variant}")


def emptied(endpoint: Endpoint) -> Iterator[Place]:
    """The folders in which retention deletes."""
    if captures := captures_of(endpoint):
        yield captures
    output, variant = canonical(endpoint.output), f"{endpoint.endpoint}/{endpoint.variant}"
    names = [s.name for s in endpoint.schedules]
    own = [f"{kind}/{endpoint.endpoint}/{name}" for kind in DERIVED for name in names]
    merged = [variant] if endpoint.source.names_endpoint else names
    for path in (f"_rows/{variant}", *own, *(f"merge/{name}" for name in merged)):
        yield Place.at("derived rows", f"{output}/{path}")


def kept(endpoint: Endpoint) -> Iterator[Place]:
    """What an endpoint file names and retention does not delete."""
    yield Place.at("output", endpoint.output)
    if not endpoint.source.expires:
        path = "output" if endpoint.capture.kind == "batch" else f"{endpoint.capture.path or ''}/"
        fixed = path.partition("%")[0].rpartition("/")[0] if "/" in path else path
        yield Place.at(SOURCE, f"{canonical(endpoint.capture.uri)}/{fixed}")
        if endpoint.capture.data:
            yield Place.at("capture.data", endpoint.capture.data)
    for schedule in endpoint.schedules:
        yield from kept_by(schedule, endpoint)


def kept_by(s: Schedule, endpoint: Endpoint) -> Iterator[Place]:
    """What a schedule names and retention does not delete."""
    folder = f"{endpoint.endpoint}/{s.name}" if endpoint.source.names_endpoint else s.name
    addresses = {
        "the folder of reports": f"{canonical(endpoint.output)}/{folder}",
        "ground_truth.uri": s.ground_truth and s.ground_truth.uri,
        "baseline.dataset": s.baseline.dataset,
        "baseline.statistics": s.baseline.statistics,
        "baseline.constraints": s.baseline.constraints,
        "preprocess.script": s.preprocess and s.preprocess.script,
        "postprocess": s.postprocess,
        "explain.background": s.explain and s.explain.background,
        "explain.model.artefact": s.explain and s.explain.model.artefact,
    }
    yield from (Place.at(f"{key} of '{s.name}'", at) for key, at in addresses.items() if isinstance(at, str))


def overlap(folders: Iterable[Place], places: Iterable[Place]) -> tuple[Place, Place] | None:
    """A folder and a place in it; None if there is none."""
    folders = list(folders)
    return next(((folder, place) for place in places for folder in folders if place.is_in(folder)), None)


def held_back(endpoints: Mapping[Path, Endpoint], files: Iterable[Path]) -> dict[Path, str]:
    """The endpoint files that may delete nothing now, with the reason and the remedy: another file keeps what they
    would delete, or can't be read and may."""
    expiring = {path: list(emptied(e)) for path, e in endpoints.items() if e.retention_days is not None}
    if not expiring:
        return {}
    reasons = sharing(endpoints, expiring)
    for file in files:
        words = frozenset[str]() if file in endpoints else words_in(file)
        places = [Place.at(word, at) for word in words or () if (at := address_in(word, file.parent))]
        for path, folders in expiring.items():
            name = endpoints[path].endpoint
            if words is None:
                why = f"{file} may keep what it deletes"
            elif any(match[0] == name for word in words for match in re.finditer(NAME, word)):
                why = f"{file} also names endpoint '{name}'"
            elif found := overlap(folders, places):
                why = f"{file} names {found[1].key}, in which it deletes"
            else:
                continue
            reasons.setdefault(path, f"{path}: {why}. Nothing is deleted until it can be read")
    return reasons


def words_in(file: Path) -> frozenset[str] | None:
    """What may be names and addresses in a file that can't be read as an endpoint file; none if it is no such file;
    None if that can't be told: it can't be opened, is too long, or has escapes or variables that are not set."""
    try:
        if not file.is_file():  # reading from a pipe would wait
            return frozenset()
        with file.open("rb") as stream:
            content = stream.read(MOST_READ + 1)
    except OSError:
        return None
    text = content.replace(b"\0", b"").decode("utf-8", "replace")  # in UTF-16 each other byte is 0
    if "capture" not in text and "schedules" not in text and len(content) <= MOST_READ:
        return frozenset()
    try:
        text = expanded(text)
    except KeyError:
        return None
    if len(content) > MOST_READ or ESCAPED.search(text):
        return None
    return frozenset(WORD.findall(text)) | frozenset(VALUE.findall(text))


def address_in(word: str, folder: Path) -> str | None:
    """The address that a word may be; None if it is none."""
    if "/" not in word or len(word) > 4096:
        return None
    return word if "://" in word else str(folder / word)


def sharing(endpoints: Mapping[Path, Endpoint], expiring: Mapping[Path, list[Place]]) -> dict[Path, str]:
    """The files whose endpoint would delete captures that another file's keeps longer, or what another file keeps below
    them; each with the remedy."""
    reasons = {}
    captures = {path: captures_of(endpoint) for path, endpoint in endpoints.items()}
    places = {path: [*kept(e), Place.at("the file itself", str(path))] for path, e in endpoints.items()}
    for path, folders in expiring.items():
        for other in endpoints.keys() - {path}:
            days, theirs, ours = endpoints[other].retention_days, captures[other], captures[path]
            is_inside = bool(theirs and ours and theirs.is_in(ours))
            is_same = bool(is_inside and theirs and ours and ours.is_in(theirs))
            if is_same and (days is None or days > (endpoints[path].retention_days or 0)):
                reasons[path] = (
                    f"{path}: retention_days is {endpoints[path].retention_days}, and {other} reads the same captures "
                    f"and keeps them {f'{days} days' if days else 'all'}; set the same in both. Nothing is deleted "
                    "until then"
                )
            nested = [theirs] if theirs and is_inside and not is_same else []
            around = [place for place in places[other] if place.key == SOURCE and ours and ours.is_in(place)]
            if found := overlap(folders, [*places[other], *nested]):
                words = f"what is below {found[0].address}, and {found[1].key} in {other} is there"
            elif around:
                words = f"what is below {around[0].address}, and {SOURCE} in {other} reads all there"
            else:
                continue
            reasons[path] = (
                f"{path}: retention deletes {words}; give it a folder of its own. Nothing is deleted until then"
            )
    return reasons
