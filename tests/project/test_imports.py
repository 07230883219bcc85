"""Importing costs little and goes one way; the layers themselves are import-linter's contracts in pyproject.toml."""

from __future__ import annotations

import subprocess
import sys
from functools import cache
from graphlib import TopologicalSorter

import grimp
import pytest

HEAVY = ("numpy", "pandas", "pyarrow", "scipy", "great_expectations", "airflow", "sqlalchemy", "alembic")
LONGEST = 9  # rooms, or modules of one package, on a chain of imports


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


def packages() -> list[str]:
    return sorted({"model_monitor", *(m.rpartition(".")[0] for m in modules() if "." in m)})


def children(package: str) -> Graph:
    """A package's modules and packages, and those of each other that they, or modules below them, import."""
    imports: Graph = {}
    for module, imported in modules().items():
        if child := child_of(package, module):
            others = {child_of(package, other) for other in imported} - {child, None}
            imports.setdefault(child, set()).update(filter(None, others))
    return imports


def child_of(package: str, module: str) -> str | None:
    """The part of a module's name below a package; None outside it."""
    below = module.removeprefix(f"{package}.")
    return None if below == module else below.partition(".")[0]


def longest_chain(graph: Graph) -> list[str]:
    """The longest chain of imports, from the importing end. Raises CycleError if there is a circle."""
    chains: dict[str, list[str]] = {}
    for module in TopologicalSorter(graph).static_order():
        chains[module] = [module, *max((chains[other] for other in graph.get(module, ())), key=len, default=[])]
    return max(chains.values(), key=len)


def test_no_modules_import_each_other_in_a_circle() -> None:
    graph = modules()
    assert any(graph.values())
    TopologicalSorter(graph).prepare()


@pytest.mark.parametrize("package", packages())
def test_a_chain_of_imports_is_short(package: str) -> None:
    """Of the rooms in the package, of the modules and packages in a room, and so on."""
    chain = longest_chain(children(package))
    assert len(chain) <= LONGEST, chain


def test_boto3_and_opentelemetry_are_imported_when_metrics_are_sent_and_not_before() -> None:
    code = "import sys, model_monitor.jobs; print([name for name in ('boto3', 'opentelemetry') if name in sys.modules])"
    seen = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert seen.stdout.strip() == "[]"
