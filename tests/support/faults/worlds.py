"""Small worlds: a folder of good files, the verbs that read them, and what must hold when one file is changed."""

from __future__ import annotations

import os
import random
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from support.faults.mutations import mutated
from support.faults.outcomes import Outcome

Files = dict[str, tuple[bytes, int]]  # content and time of change, by path below the world's folder


@dataclass(frozen=True)
class World:
    """``build`` writes the files and runs the verbs once; ``judge`` runs them again, after one file changed.

    ``lasting`` are parts of the names of files that no case changes.
    """

    name: str
    build: Callable[[Path], None]
    judge: Callable[[Path, Outcome, str], None]
    lasting: tuple[str, ...] = ()
    swapped: bool = True  # whether another file may take a file's place


@dataclass
class Built:
    """A world that was built once, below a folder of its own, and is put back before each case."""

    world: World
    root: Path
    files: Files = field(default_factory=dict)

    @classmethod
    def of(cls, world: World, root: Path) -> Built:
        root.mkdir(parents=True)
        world.build(root)
        return cls(world, root, files_below(root))

    def run(self, seed: int) -> tuple[str, Outcome]:
        """The file that is changed, and what comes of it."""
        chance = random.Random(f"{self.world.name} {seed}")
        kinds: dict[str, list[str]] = {}  # as many cases of each kind of file
        for name in sorted(self.files):
            if not any(part in name for part in self.world.lasting):
                kinds.setdefault(kind_of(name), []).append(name)
        name = chance.choice(kinds[chance.choice(sorted(kinds))])
        others = [content for content, _ in self.files.values() if len(content) < 100_000 and self.world.swapped]
        content = mutated(self.files[name][0], name, chance, others)
        self.restore()
        (self.root / name).write_bytes(content)
        outcome = Outcome()
        self.world.judge(self.root, outcome, name)
        return kind_of(name), outcome

    def restore(self) -> None:
        shutil.rmtree(self.root)
        for name, (content, changed) in self.files.items():
            path = self.root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
            os.utime(path, ns=(changed, changed))


def kind_of(name: str) -> str:
    """What a file is, for the table: its first folder below ``out``, and its name without numbers."""
    parts = Path(name).parts
    own = "".join(c for c in parts[-1] if not c.isdigit()).lstrip("-")
    return "/".join([*[p for p in parts[:2] if p.startswith(("_", "out", "merge"))], own])


def files_below(root: Path) -> Files:
    return {
        str(path.relative_to(root)): (path.read_bytes(), path.stat().st_mtime_ns)
        for path in sorted(root.rglob("*"))
        if path.is_file()
    }
