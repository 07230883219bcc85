"""Importing costs little, and goes one way."""

from __future__ import annotations

import ast
import subprocess
import sys

import pytest
from support.places import INCLUDE

PACKAGE = INCLUDE / "model_monitor"
HEAVY = ("numpy", "pandas", "pyarrow", "scipy", "airflow")


@pytest.mark.parametrize("module", ["model_monitor", "model_monitor.config", "model_monitor.__main__"])
def test_importing_what_dags_and_the_shell_need_loads_nothing_heavy(module: str) -> None:
    code = f"import sys, {module}; print([name for name in {HEAVY!r} if name in sys.modules])"
    seen = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert seen.stdout.strip() == "[]"


LAYERS = {
    "core": (),
    "monitors": ("core",),
    "engines": ("core",),
    "rows": ("core", "engines"),
    "results": ("core", "monitors"),
}


@pytest.mark.parametrize("room", LAYERS)
def test_imports_point_one_way(room: str) -> None:
    """Modules beside the rooms that a room may use: errors, addresses and store, which import no room; the version."""
    allowed = {room, *LAYERS[room], "errors", "addresses", "store", "__version__"}
    for path in (PACKAGE / room).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("model_monitor"):
                parts = (node.module or "").split(".")
                names = {parts[1]} if len(parts) > 1 else {alias.name for alias in node.names}
                assert names <= allowed, f"{path.name} imports {names - allowed}"
