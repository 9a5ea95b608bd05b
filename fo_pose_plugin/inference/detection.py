"""Run a person detector over images, fewer at a time where the device's memory does not suffice."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from fo_pose_plugin.errors import ModelError
from fo_pose_plugin.models.device_memory import free_memory, lacks_memory, way_out
from fo_pose_plugin.models.person_detector import DetectedPeople, PersonDetector

__all__ = ["find_people"]

UInt8: TypeAlias = npt.NDArray[np.uint8]


def find_people(
    detector: PersonDetector, images_bgr: Sequence[UInt8], *, min_score: float
) -> tuple[list[DetectedPeople], int]:
    """Find the people in several images.

    Args:
        detector: The detector.
        images_bgr: At least one image, each (H, W, 3) uint8.
        min_score: Boxes below it are left out.

    Returns:
        One result per image, in order, and how many images the device's memory held at a time.

    Raises:
        ModelError: If it does not hold one.
    """
    try:
        return detector.detect(images_bgr, min_score=min_score), len(images_bgr)
    except (RuntimeError, MemoryError) as error:
        if not lacks_memory(error):
            raise
        if len(images_bgr) == 1:
            height, width = images_bgr[0].shape[:2]
            raise ModelError(
                f"{detector.device} has too little memory to find people in one image of {width}x{height} "
                f"pixels; close what else uses it, or {way_out(detector.device)}"
            ) from error
    free_memory()
    half = (len(images_bgr) + 1) // 2
    first, fitting = find_people(detector, images_bgr[:half], min_score=min_score)
    second, fitting_too = find_people(detector, images_bgr[half:], min_score=min_score)
    return first + second, min(fitting, fitting_too)
