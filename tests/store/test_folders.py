"""Is all of a folder deleted that can be?"""

from __future__ import annotations

from pathlib import Path

import pytest

from model_monitor.errors import StoreError
from model_monitor.store.folders import Entry, folder_at


def test_one_file_that_is_refused_does_not_keep_its_neighbours(tmp_path: Path) -> None:
    folder = folder_at(str(tmp_path))
    (tmp_path / "a").mkdir()
    (tmp_path / "b").touch()
    with pytest.raises(StoreError, match="1 of 3 files can't be deleted"):
        folder.delete(["a", "b", "gone"])
    assert folder.inside() == [Entry("a", "folder")]
