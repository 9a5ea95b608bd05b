"""What MMPose does to predictions before COCO's sums: rescoring and OKS-NMS."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np

from fo_pose_plugin.core.evaluated_people import ImagePeople
from fo_pose_plugin.core.oks import extent_area, oks_nms
from fo_pose_plugin.core.pose import person_scores

__all__ = ["rescore", "suppress"]


def rescore(images: Sequence[ImagePeople]) -> list[ImagePeople]:
    """Take each person's score for the box's, and multiply it by the mean keypoint score above .2.

    Source: MMPose's ``CocoMetric``, ``score_mode="bbox_keypoint"``.
    """
    rescored = []
    for image in images:
        if image.predictions:
            keypoint_scores = np.stack([one.keypoint_scores for one in image.predictions])
            scores = person_scores(keypoint_scores, [one.score for one in image.predictions])
            predictions = tuple(
                dataclasses.replace(one, score=float(score), part_scores={})
                for one, score in zip(image.predictions, scores, strict=True)
            )
            image = dataclasses.replace(image, predictions=predictions)
        rescored.append(image)
    return rescored


def suppress(images: Sequence[ImagePeople], oks_sigmas: Sequence[float], thr: float) -> list[ImagePeople]:
    """Keep the best of several predictions of one person.

    The area is the crop's that the model saw, else what the keypoints span, as in MMPose's ``CocoMetric``.
    """
    kept_images = []
    for image in images:
        points = [np.nan_to_num(one.points_px, nan=0.0) for one in image.predictions]
        areas = [
            one.crop_area_px or extent_area(xy) for one, xy in zip(image.predictions, points, strict=True)
        ]
        scores = [one.score for one in image.predictions]
        kept = oks_nms(points, areas, scores, oks_sigmas, thr) if points else ()
        gone = set(range(len(points))) - set(kept)
        kept_images.append(
            dataclasses.replace(
                image,
                predictions=tuple(image.predictions[i] for i in kept),
                suppressed=tuple(image.predictions[i].label_id for i in sorted(gone)),
            )
        )
    return kept_images
