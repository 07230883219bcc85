"""A stream of river: the baseline and healthy windows from one concept, then windows a quarter of whose rows are of
another. The answer is a column beside the others.

    make_river.py FOLDER STREAM WINDOWS ROWS      so many healthy windows, and as many changed ones
"""

import random
import sys
from itertools import islice
from pathlib import Path

from onset_files import write
from river.datasets import synth

QUARTER, BASELINE = 0.25, 20_000
STREAMS = {
    "RandomRBF": [lambda seed, model=model: synth.RandomRBF(seed_model=model, seed_sample=seed) for model in (42, 43)],
    "Agrawal": [lambda seed, kind=kind: synth.Agrawal(classification_function=kind, seed=seed) for kind in (0, 1)],
    "SEA": [lambda seed, kind=kind: synth.SEA(variant=kind, seed=seed) for kind in (1, 2)],
    "LED": [lambda seed, noise=noise: synth.LED(noise_percentage=noise, seed=seed) for noise in (0.1, 0.4)],
    "Waveform": [lambda seed, noise=noise: synth.Waveform(seed=seed, has_noise=noise) for noise in (False, True)],
}


def taken(stream, rows):
    """Rows of a stream as lists, with its answer as a text."""
    return [[*x.values(), f"class {y}"] for x, y in islice(stream, rows)]


folder, name, windows, rows = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
before, after = STREAMS[name]
names = [f"x{i}" for i in range(len(next(iter(before(0)))[0]))] + ["answer"]
drawn = [taken(before(1000 + i), rows) for i in range(2 * windows)]
chance = random.Random(0)
for i in range(windows, 2 * windows):
    others = taken(after(3000 + i), rows)
    drawn[i] = [other if chance.random() < QUARTER else row for row, other in zip(drawn[i], others, strict=True)]
write(folder, names, taken(before(1), BASELINE), drawn, [[]] * windows + [["any"]] * windows)
