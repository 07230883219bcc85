"""The folder of a static site: it takes the place of an earlier one whole, and of nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from model_monitor.errors import ConfigError, StoreError

LIST = "files.txt"  # which files the command wrote, below who made them
MAKER = "made by model-monitor dashboard"


@contextmanager
def replaced(folder: Path) -> Iterator[Path]:
    """A new folder, which at the end is ``folder``; after an error that is as it was. Raises ConfigError if there is
    anything that an earlier call did not write, StoreError if the disk refuses."""
    folder = folder.absolute()
    refuse_others(folder)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(prefix=f".{folder.name}-", dir=folder.parent) as working:
            new = Path(working) / "new"
            new.mkdir()
            yield new
            (new / LIST).write_text("\n".join([MAKER, *sorted(files_in(new))]), "utf-8")
            refuse_others(folder)
            if folder.exists():
                folder.rename(Path(working) / "old")
            new.rename(folder)
    except OSError as error:
        raise StoreError(f"{folder} can't be written: {error}") from error


def refuse_others(folder: Path) -> None:
    """Raises ConfigError unless there is nothing, an empty folder, or all of it was written by this command."""
    if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
        raise ConfigError(f"{folder} is no folder; name a new one, or an earlier output of this command")
    if not folder.is_dir() or not any(folder.iterdir()):
        return
    others = sorted(files_in(folder) - listed(folder))
    if others:
        raise ConfigError(
            f"{folder} holds what this command did not write, such as {others[0]}; name a new folder, or move that away"
        )


def listed(folder: Path) -> set[str]:
    """The files that an earlier call wrote; none if the folder does not say so."""
    try:
        maker, *files = (folder / LIST).read_text("utf-8").splitlines()
    except (OSError, ValueError):
        return set()
    return {LIST, *files} if maker == MAKER else set()


def files_in(folder: Path) -> set[str]:
    """Everything in a folder that is no folder, by its path in it."""
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_symlink() or not path.is_dir()}
