"""The skeletons of MMPose's data sets, found by their keypoints' names, without OpenMMLab."""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from types import MappingProxyType

from fo_pose_plugin.core.skeleton import Skeleton
from fo_pose_plugin.errors import ConfigError
from fo_pose_plugin.models.mmpose_models import PATH

__all__ = ["find_skeleton", "known_skeletons"]


@functools.cache
def known_skeletons() -> Mapping[str, Skeleton]:
    """Give the skeletons by the data sets' names in MMPose, such as ``coco`` and ``coco_wholebody``.

    One that contradicts itself is left out, as DeepFashion2's does, where mirroring twice is not the
    identity.

    Raises:
        ConfigError: If the file that comes with the package cannot be read.
    """
    try:
        metainfo = json.loads(PATH.read_text(encoding="utf-8"))["metainfo"]
    except (OSError, KeyError, ValueError) as error:
        raise ConfigError(f"{PATH} cannot be read: install fo-pose-plugin anew") from error
    skeletons = {}
    for name, found in metainfo.items():
        with suppress(ConfigError):
            skeletons[name] = Skeleton.from_metainfo(found)
    return MappingProxyType(skeletons)


def find_skeleton(keypoint_names: Sequence[str]) -> Skeleton | None:
    """Find the data set that has exactly these keypoints in this order; None where there is none."""
    wanted = tuple(keypoint_names)
    return next((found for found in known_skeletons().values() if found.keypoint_names == wanted), None)
