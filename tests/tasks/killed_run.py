"""What `test_kills` runs in processes that are forked from one where all this is imported."""

from __future__ import annotations

import time
from typing import Any

import fiftyone as fo

import fo_pose_plugin as fop
from fo_pose_plugin.dataset import writer
from fo_pose_plugin.models import openmmlab, pose_network

openmmlab.prepare()


def resume(dataset: str, model: str, field: str, pause_s: float) -> None:
    """Resume a run, or begin it: small chunks and a slow network give many moments to be killed at."""
    writer.CHUNK_SAMPLES = 4
    heatmaps = pose_network.PoseNetwork.heatmaps

    def slowly(self: Any, *arguments: Any, **options: Any) -> Any:
        time.sleep(pause_s)
        return heatmaps(self, *arguments, **options)

    pose_network.PoseNetwork.heatmaps = slowly  # type: ignore[method-assign]
    fop.estimate_poses(
        fo.load_dataset(dataset),
        model,
        boxes="boxes",
        pose_field=field,
        resume=True,
        batch_size=1,
        progress=False,
    )
