"""The keypoints of MMPose's data sets, read without the code that the package reads them with."""

from __future__ import annotations

import importlib.util
import runpy
from pathlib import Path

import pytest

from fo_pose_plugin.core.skeleton import Skeleton


def mmpose_skeleton(data_set: str) -> Skeleton:
    """Read a data set's keypoints from the files that come with MMPose."""
    spec = importlib.util.find_spec("mmpose")
    if spec is None or spec.origin is None:
        pytest.fail("MMPose is not installed: make brings it")
    folder = Path(spec.origin).parent / ".mim" / "configs" / "_base_" / "datasets"
    info = runpy.run_path(str(folder / f"{data_set}.py"))["dataset_info"]
    points = [info["keypoint_info"][index] for index in sorted(info["keypoint_info"])]
    names = [point["name"] for point in points]
    return Skeleton.from_metainfo(
        {
            "name": info["dataset_name"],
            "keypoint_names": names,
            "edges": [
                [names.index(name) for name in line["link"]] for line in info["skeleton_info"].values()
            ],
            "flip_indices": [names.index(point["swap"] or point["name"]) for point in points],
            "sigmas": info["sigmas"],
        }
    )
