"""Environments made of nothing but package metadata, which is all that is looked at."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest


@pytest.fixture
def only_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    """Let nothing be installed but the packages named, e.g. ``only_installed("mmcv==2.2.0")``."""
    site = tmp_path / "site-packages"

    def install(*packages: str) -> Path:
        for package in packages:
            name, _, version = package.partition("==")
            metadata = site / f"{name.replace('-', '_')}-{version}.dist-info" / "METADATA"
            metadata.parent.mkdir(parents=True)
            metadata.write_text(
                f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n", encoding="utf-8"
            )
        site.mkdir(exist_ok=True)
        monkeypatch.setattr(sys, "path", [str(site)])
        return site

    return install
