"""Importing costs little and goes one way; the layers themselves are import-linter's contracts in pyproject.toml."""

from __future__ import annotations

import subprocess
import sys
from functools import cache
from graphlib import TopologicalSorter

import grimp
import pytest
from support.places import INCLUDE

PACKAGE = INCLUDE / "model_monitor"
HEAVY = ("numpy", "pandas", "pyarrow", "scipy", "airflow")
ROOMS = sorted(path.name for path in PACKAGE.iterdir() if (path / "__init__.py").exists())
LONGEST = 9  # modules, or rooms, on a chain of imports


@pytest.mark.parametrize("module", ["model_monitor", "model_monitor.config", "model_monitor.__main__"])
def test_importing_what_dags_and_the_shell_need_loads_nothing_heavy(module: str) -> None:
    code = f"import sys, {module}; print([name for name in {HEAVY!r} if name in sys.modules])"
    seen = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert seen.stdout.strip() == "[]"


Graph = dict[str, set[str]]


@cache
def modules() -> Graph:
    """Each module of the package and those it imports, also in functions and for type checkers."""
    graph = grimp.build_graph("model_monitor", cache_dir=None)
    return {module: graph.find_modules_directly_imported_by(module) for module in graph.modules}


def rooms() -> Graph:
    """Each room, or file beside the rooms, and those that its modules import."""
    imports: Graph = {}
    for module, imported in modules().items():
        imports.setdefault(room_of(module), set()).update(map(room_of, imported))
    return {room: others - {room} for room, others in imports.items()}


def inside(room: str) -> Graph:
    """The modules of a room and which of each other they import."""
    within = {module for module in modules() if room_of(module) == room}
    return {module: modules()[module] & within for module in within}


def room_of(module: str) -> str:
    return ".".join(module.split(".")[:2])


def longest_chain(graph: Graph) -> list[str]:
    """The longest chain of imports, from the importing end. Raises CycleError if there is a circle."""
    chains: dict[str, list[str]] = {}
    for module in TopologicalSorter(graph).static_order():
        chains[module] = [module, *max((chains[other] for other in graph[module]), key=len, default=[])]
    return max(chains.values(), key=len)


def test_no_modules_import_each_other_in_a_circle() -> None:
    TopologicalSorter(modules()).prepare()


def test_a_chain_of_rooms_is_short() -> None:
    chain = longest_chain(rooms())
    assert len(chain) <= LONGEST, chain


@pytest.mark.parametrize("room", ROOMS)
def test_a_chain_of_modules_inside_a_room_is_short(room: str) -> None:
    chain = longest_chain(inside(f"model_monitor.{room}"))
    assert len(chain) <= LONGEST, chain
