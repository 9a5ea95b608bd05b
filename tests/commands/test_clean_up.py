from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import fiftyone as fo
import pytest

import fo_pose_plugin as fop
from fo_pose_plugin import cli
from tests.tiny_models import BODY, noise_dataset, register_tiny_models


def test_it_tells_first_and_deletes_when_asked(
    make_dataset: Callable[..., fo.Dataset],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("FO_POSE_HEATMAPS", str(tmp_path / "store"))
    register_tiny_models(BODY)
    dataset = noise_dataset(make_dataset(), tmp_path, [1])
    fop.estimate_poses(dataset, BODY, boxes="boxes", progress=False)
    dataset.delete()
    capsys.readouterr()
    assert cli.main(["clean-up"]) == 0
    out = capsys.readouterr().out
    assert f"in {tmp_path / 'store'}:" in out
    assert "a deleted dataset" in out
    assert "clean-up --delete" in out
    assert len(list((tmp_path / "store").rglob("*.heatmaps"))) == 1
    assert cli.main(["clean-up", "--delete"]) == 0
    assert "deleted 2 files" in capsys.readouterr().out
    assert list((tmp_path / "store").rglob("*.heatmaps")) == []
    assert cli.main(["clean-up"]) == 0
    assert "--delete" not in capsys.readouterr().out
