"""Windows of numbers and texts, of which the later ones differ a little: for those who have no peer at hand.

make_simulated.py FOLDER WINDOWS ROWS      so many healthy windows, and as many changed ones
"""

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from onset_files import write

BASELINE, COLUMNS = 20_000, 6


def drawn(chance: np.random.Generator, rows: int, shift: float = 0.0) -> list[list[float | str]]:
    numbers = chance.normal(size=(rows, COLUMNS)).round(6)
    numbers[:, 0] += shift
    texts = chance.choice(["a", "b", "c"], rows, p=[0.6, 0.3, 0.1])
    return [[*row, text] for row, text in zip(numbers.tolist(), texts.tolist(), strict=True)]


def windows_of(chance: np.random.Generator, count: int, rows: int) -> Iterator[list[list[float | str]]]:
    for shift in (0.0, 0.3):
        yield from (drawn(chance, rows, shift) for _ in range(count))


if __name__ == "__main__":
    folder, count, rows = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    chance = np.random.default_rng(0)
    names = [*(f"x{i}" for i in range(COLUMNS)), "answer"]
    baseline = drawn(chance, BASELINE)
    write(folder, names, baseline, windows_of(chance, count, rows), [[]] * count + [["x0"]] * count)
