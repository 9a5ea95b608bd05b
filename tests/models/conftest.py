"""An empty registry of one's own for tests of what is kept in it."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture
def own_registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Point the registry at an empty folder, which is returned."""
    home = tmp_path / "own_registry"
    monkeypatch.setenv("FO_POSE_HOME", str(home))
    return home
