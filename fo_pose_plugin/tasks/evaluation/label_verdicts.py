"""Verdicts in the shape of labels: errors beside each field's own keypoints, and FiftyOne's matches."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from fo_pose_plugin.core.evaluated_people import ImagePeople
from fo_pose_plugin.dataset.evaluations import LabelVerdict, SampleVerdicts
from fo_pose_plugin.dataset.shared_keypoints import SharedKeypoints
from fo_pose_plugin.tasks.evaluation.pairs import ImageVerdicts, PersonVerdict

__all__ = ["fiftyone_matches", "sample_verdicts"]

PERSON = "person"


def sample_verdicts(verdicts: Sequence[ImageVerdicts], shared: SharedKeypoints) -> list[SampleVerdicts]:
    """Put each person's errors beside the keypoints that its own field has."""
    truth_at, truth_count = shared.in_truth, shared.truth_count
    predicted_at, predicted_count = shared.in_predictions, shared.prediction_count
    return [
        SampleVerdicts(
            sample_id=one.sample_id,
            predictions=tuple(_label(person, predicted_at, predicted_count) for person in one.predictions),
            truths=tuple(_label(person, truth_at, truth_count) for person in one.truths),
        )
        for one in verdicts
    ]


def _label(person: PersonVerdict, positions: Sequence[int], count: int) -> LabelVerdict:
    errors: list[float | None] | None = None
    if person.errors_px is not None:
        errors = [None] * count
        for position, error in zip(positions, person.errors_px.tolist(), strict=True):
            errors[position] = error if np.isfinite(error) else None
    return LabelVerdict(
        label_id=person.label_id,
        verdict=person.verdict,
        matched_id=person.matched_id,
        oks=person.oks,
        errors_px=None if errors is None else tuple(errors),
        size_px=person.size_px,
    )


def fiftyone_matches(
    images: Sequence[ImagePeople], verdicts: Sequence[ImageVerdicts]
) -> list[tuple[Any, ...]]:
    """Give FiftyOne's (truth, prediction, OKS, score, truth's id, prediction's id), None for nobody."""
    return [match for image, one in zip(images, verdicts, strict=True) for match in _matches(image, one)]


def _matches(image: ImagePeople, verdicts: ImageVerdicts) -> Iterator[tuple[Any, ...]]:
    scores = {one.label_id: one.score for one in image.predictions}
    for person in verdicts.predictions:
        score = scores.get(person.label_id)
        if person.verdict == "tp":
            yield PERSON, PERSON, person.oks, score, person.matched_id, person.label_id
        elif person.verdict == "fp":
            yield None, PERSON, None, score, None, person.label_id
    for person in verdicts.truths:
        if person.verdict == "fn":
            yield PERSON, None, None, None, person.label_id, None
