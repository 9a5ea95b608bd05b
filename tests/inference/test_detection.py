"""Detectors that find less memory than they want."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pytest
import torch

from fo_pose_plugin.errors import ModelError
from fo_pose_plugin.inference.detection import find_people
from fo_pose_plugin.models.person_detector import DetectedPeople

UInt8 = npt.NDArray[np.uint8]


class SmallDetector:
    """Finds one person in each image, whose box tells the image's first pixel."""

    device = "cuda:0"

    def __init__(self, room: int) -> None:
        self.room = room
        self.batches: list[int] = []

    def detect(self, images_bgr: Sequence[UInt8], *, min_score: float) -> list[DetectedPeople]:
        self.batches.append(len(images_bgr))
        if len(images_bgr) > self.room:
            raise torch.OutOfMemoryError("CUDA out of memory")
        boxes = [np.array([[0, 0, image[0, 0, 0], 9]], np.float32) for image in images_bgr]
        return [DetectedPeople(box, np.full(1, min_score, np.float32)) for box in boxes]


def images(count: int) -> list[UInt8]:
    return [np.full((4, 6, 3), number + 1, np.uint8) for number in range(count)]


@pytest.mark.parametrize(("room", "fitting"), [(16, 7), (7, 7), (4, 3), (3, 2), (1, 1)])
def test_too_little_memory_halves_the_batch_and_changes_nothing_else(room: int, fitting: int) -> None:
    detector = SmallDetector(room)
    found, fitted = find_people(detector, images(7), min_score=0.25)  # type: ignore[arg-type]
    assert [int(people.bbox_xyxy[0, 2]) for people in found] == [1, 2, 3, 4, 5, 6, 7]
    assert fitted == fitting


def test_an_image_for_which_there_is_no_memory_is_an_error_in_words() -> None:
    words = "cuda:0 has too little memory to find people in one image of 6x4 pixels; .*device='cpu'"
    with pytest.raises(ModelError, match=words):
        find_people(SmallDetector(0), images(3), min_score=0.3)  # type: ignore[arg-type]
