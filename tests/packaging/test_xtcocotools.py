"""The digits that tests/tasks/evaluation compares with are what xtcocotools, built from source, gives."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from tests.mmpose_skeletons import mmpose_skeleton
from tests.packaging.conftest import Environment
from tests.tasks.evaluation import whole_body_cases

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


def test_the_frozen_digits_are_xtcocotools_own(
    xtcocotools: Environment, shared_data: Path, tmp_path: Path
) -> None:
    sigmas = tmp_path / "sigmas.json"
    sigmas.write_text(json.dumps(mmpose_skeleton("coco_wholebody").oks_sigmas))
    for name, frozen in whole_body_cases.frozen_digits().items():
        _, results = whole_body_cases.case(shared_data, name)
        path = tmp_path / "results.json"
        path.write_text(json.dumps(results))
        said = xtcocotools.run(
            xtcocotools.python,
            whole_body_cases.SCRIPT,
            shared_data / whole_body_cases.FILE,
            path,
            sigmas,
        )
        stats = json.loads(said.splitlines()[-1])
        assert list(stats) == list(frozen)
        for part, values in frozen.items():
            np.testing.assert_allclose(stats[part], values, rtol=0, atol=1e-9, err_msg=f"{name} {part}")
