"""The real models, registered once for all tests on real photos."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.real_models import register_real_models


@pytest.fixture(scope="session")
def registered_models(shared_data: Path) -> None:
    """Register the models of ``tests.real_models``."""
    register_real_models(shared_data)
