"""Fit the chance that a keypoint is right to people whose truth is known, and give it to everyone."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import numpy.typing as npt

from fo_pose_plugin.core.calibration import (
    Calibration,
    CalibrationMethod,
    Reliability,
    fit_calibration,
    reliability,
)
from fo_pose_plugin.dataset.fiftyone_internals import all_samples, root_dataset
from fo_pose_plugin.dataset.labels import PoseFields
from fo_pose_plugin.dataset.probabilities import (
    ScoredPerson,
    load_calibration,
    read_scored_people,
    store_calibration,
    write_probabilities,
)
from fo_pose_plugin.errors import InputError
from fo_pose_plugin.tasks.estimate_poses import check_media
from fo_pose_plugin.tasks.known_truth import KnownPerson, known_people

if TYPE_CHECKING:
    import fiftyone as fo

__all__ = ["ConfidenceReport", "apply_confidence", "fit_confidence"]

Float64: TypeAlias = npt.NDArray[np.float64]
FOLDS = 5


@dataclass(frozen=True, slots=True)
class ConfidenceReport:
    """What was fitted, and how well it holds on images that it was not fitted to.

    Args:
        pose_field: The predictions.
        gt_field: The truth.
        score: What is turned into a probability: "doubt" or "confidence".
        method: How: "isotonic" or "platt".
        images: Labelled images with predictions.
        people: People on them whose truth is known.
        keypoints: Their labelled keypoints.
        wrong: How many of these are off by more than 2 x sigma x sqrt(area).
        before: How the score itself does, taken for a probability.
        after: How the probabilities do, each image's from a fit to the others.
        written: People who have probabilities now, labelled or not.
        run_key: Under which the curve is kept with the dataset.
    """

    pose_field: str
    gt_field: str
    score: str
    method: CalibrationMethod
    images: int
    people: int
    keypoints: int
    wrong: int
    before: Reliability
    after: Reliability
    written: int
    run_key: str


@dataclass(frozen=True, slots=True)
class _Examples:
    """Labelled keypoints: (M,) score, right or not, and fold of their image."""

    scores: Float64
    right: npt.NDArray[np.bool_]
    folds: npt.NDArray[np.int64]
    kind: str
    images: int
    people: int


def fit_confidence(
    samples: fo.Dataset | fo.DatasetView,
    pose_field: str,
    gt_field: str,
    *,
    method: CalibrationMethod | None = None,
) -> ConfidenceReport:
    """Fit the chance that a keypoint is right, and write it for everyone as ``probability``.

    Right is what is within 2 x sigma x sqrt(area) of the truth: a keypoint similarity of at least .61. The
    score that is turned into a probability is ``1 - keypoint_doubt`` where doubt is known, and else the
    confidence. The curve is kept with the dataset; `apply_confidence` gives it to poses that come later.

    Args:
        samples: A dataset or view, of which any part is labelled.
        pose_field: The field with the poses.
        gt_field: The field with the truth.
        method: ``isotonic``, ``platt``, or None for what suits the number of keypoints.

    Returns:
        What was fitted, with its calibration error on images that it was not fitted to.

    Raises:
        InputError: If too few keypoints have a known truth, or no OKS constants are known.
        FieldError: If a field holds no keypoints, or they have no names in common.
        MediaTypeError: If the samples are no plain images.
    """
    check_media(samples)
    fields, dataset = PoseFields(pose_field), root_dataset(samples)
    examples = _examples(samples, fields, gt_field)
    calibration = fit_calibration(examples.scores, examples.right, method)
    after = reliability(_out_of_fold(examples, calibration.method), examples.right)
    before = reliability(np.clip(examples.scores, 0, 1), examples.right)
    counts = {
        "images": examples.images,
        "people": examples.people,
        "keypoints": len(examples.right),
        "wrong": int((~examples.right).sum()),
    }
    details = {
        "gt_field": gt_field,
        "score": examples.kind,
        **counts,
        "before": asdict(before),
        "after": asdict(after),
    }
    key = store_calibration(dataset, fields, calibration, details)
    written = _write(dataset, fields, calibration, examples.kind)
    return ConfidenceReport(
        pose_field,
        gt_field,
        examples.kind,
        calibration.method,
        **counts,
        before=before,
        after=after,
        written=written,
        run_key=key,
    )


def apply_confidence(dataset: fo.Dataset, pose_field: str = "poses") -> int:
    """Write ``probability`` anew for everyone in a field, by the curve that `fit_confidence` has kept.

    Returns:
        How many people have probabilities now.

    Raises:
        FieldError: If no curve is kept for the field.
    """
    fields = PoseFields(pose_field)
    calibration, details = load_calibration(dataset, fields)
    return _write(dataset, fields, calibration, str(details.get("score")))


def _examples(samples: fo.Dataset | fo.DatasetView, fields: PoseFields, gt_field: str) -> _Examples:
    unsized = samples.exists("metadata.width", bool=False)
    if len(unsized):
        unsized.compute_metadata(skip_failures=True, progress=False)
    known = known_people(samples, fields.poses, gt_field)
    scored = {person.label_id: person for person in read_scored_people(samples, fields)}
    kind = "doubt" if all(_has_doubt(scored.get(one.label_id)) for one in known) else "confidence"
    people = [(one, scores) for one in known if (scores := _scores(one, scored, kind)) is not None]
    if not people:
        raise InputError(
            f"nobody in {fields.poses!r} has a known truth in {gt_field!r}: estimate poses on images whose "
            f"people are labelled there, or choose another field"
        )
    return _Examples(
        np.concatenate([scores for _, scores in people]),
        np.concatenate([one.right for one, _ in people]),
        np.concatenate([np.full(len(one.right), _fold(one.sample_id)) for one, _ in people]),
        kind,
        len({one.sample_id for one, _ in people}),
        len(people),
    )


def _has_doubt(person: ScoredPerson | None) -> bool:
    return person is not None and bool(person.keypoint_doubts)


def _scores(known: KnownPerson, scored: Mapping[str, ScoredPerson], kind: str) -> Float64 | None:
    person = scored.get(known.label_id)
    scores = None if person is None else person.scores(kind)
    if not scores or not len(known.keypoints) or known.keypoints.max() >= len(scores):
        return None
    chosen: Float64 = np.asarray(scores, np.float64)[known.keypoints]
    return chosen


def _fold(sample_id: str) -> int:
    """Give an image's fold, the same in every run."""
    return zlib.crc32(sample_id.encode()) % FOLDS


def _out_of_fold(examples: _Examples, method: CalibrationMethod) -> Float64:
    """Give each keypoint's probability by a curve that was fitted to other images."""
    chances = np.empty(len(examples.scores))
    for fold in range(FOLDS):
        own = examples.folds == fold
        if not own.any():
            continue
        try:
            others = fit_calibration(examples.scores[~own], examples.right[~own], method)
        except InputError as error:
            raise InputError(
                f"the labelled people are on too few images to tell how well probabilities hold: {error}"
            ) from error
        chances[own] = others(examples.scores[own])
    return chances


def _write(dataset: fo.Dataset, fields: PoseFields, calibration: Calibration, kind: str) -> int:
    people: list[tuple[ScoredPerson, Sequence[float]]] = []
    for person in read_scored_people(all_samples(dataset), fields):
        scores: Any = person.scores(kind)
        if scores:
            people.append((person, calibration(scores).tolist()))
    if not write_probabilities(dataset, fields, people):
        return len(people)
    # Some people have changed while this went on: only what is there now counts.
    return sum(bool(one.probabilities) for one in read_scored_people(all_samples(dataset), fields))
