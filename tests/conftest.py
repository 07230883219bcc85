"""What all tests share: the folder of the tests on the path, and data that may or may not be there."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

TESTS = Path(__file__).parent
sys.path.insert(0, str(TESTS))

settings.register_profile("project", deadline=None, suppress_health_check=[HealthCheck.too_slow], max_examples=60)
settings.load_profile("project")


@pytest.fixture(scope="session")
def original() -> Path:
    """Real inputs and outputs of the original service."""
    folder = TESTS.parent.parent / "shared/data/churn"
    if not folder.is_dir():
        pytest.skip("the original's data is not on this machine")
    return folder
