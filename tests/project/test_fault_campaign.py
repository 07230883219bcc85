"""The campaign of faults (docs/reliability.md), small: some mutations of each kind of input, kills and doubled runs."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.faults import commands, endpoints, processes
from support.faults.outcomes import Outcome
from support.faults.worlds import Built, World

SEEDS = range(8)
FEW = range(2)
WORLDS = [*commands.WORLDS, *endpoints.WORLDS]
QUICK = ["data-quality of csv", "data-quality of parquet", "endpoint files", "events", "import-sagemaker"]


def faults(world: World, folder: Path, seeds: range) -> dict[int, tuple[str, Outcome]]:
    built = Built.of(world, folder / "world")
    found = {seed: built.run(seed) for seed in seeds}
    return {seed: case for seed, case in found.items() if case[1].faults}


@pytest.mark.parametrize("world", WORLDS, ids=lambda world: world.name)
def test_a_file_that_is_changed_is_judged_or_refused_with_a_sentence(tmp_path: Path, world: World) -> None:
    assert not faults(world, tmp_path, SEEDS)


@pytest.mark.parametrize("name", QUICK)
def test_a_few_changed_files_are_judged_or_refused(tmp_path: Path, name: str) -> None:
    assert not faults(next(world for world in WORLDS if world.name == name), tmp_path, FEW)


@pytest.mark.parametrize(
    ("run", "modes"), [(processes.kill, ("",)), (processes.twice, ("",)), (processes.late, ("early", "late"))]
)
def test_killed_and_doubled_runs_end_with_the_bytes_of_one_run(run: processes.Campaign, modes: tuple[str, ...]) -> None:
    assert not processes.campaign(run, 2, seed=5, workers=1, modes=modes)


def test_the_campaign_notices_what_it_looks_for(tmp_path: Path) -> None:
    outcome = Outcome()
    outcome.call(lambda: {}["version"])
    outcome.refuse("token=hunter2")
    outcome.refuse("x" * 100_000)
    commands.write_dataset(tmp_path / "a.csv", endpoints.rows(10))
    told = {"records": 9, "rows": 9, "rejected": 0, "judged": 9}
    commands.counted(outcome, tmp_path / "a.csv", told)
    assert [kind for kind, _ in outcome.faults] == ["traceback", "told", "told", "uncounted"]
