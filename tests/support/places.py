"""Where things are."""

from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
INCLUDE = PROJECT / "include"
SHARED = PROJECT.parent / "shared"
