"""Who belongs to whom: the verdict on each person, and the errors of those that are paired.

People that COCO matched at the chosen OKS are pairs. Of the rest of an image the nearest are paired as long
as their OKS is at least .1, so that a badly placed pose is measured rather than forgotten: it stays a false
positive beside a missed person. The bound is that of Ronchi and Perona, ICCV 2017.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from fo_pose_plugin.core.evaluated_people import ImagePeople, Prediction, Truth
from fo_pose_plugin.core.keypoint_accuracy import PairedKeypoints
from fo_pose_plugin.core.oks import keypoint_similarities
from fo_pose_plugin.tasks.evaluation.coco_sums import ImageMatches

__all__ = ["LEAST_PAIR_OKS", "ImageVerdicts", "PersonVerdict", "Verdict", "judge", "paired_keypoints"]

Float64: TypeAlias = npt.NDArray[np.float64]
Verdict: TypeAlias = Literal["tp", "fp", "fn", "ignored"]

LEAST_PAIR_OKS = 0.1


@dataclass(frozen=True, slots=True, eq=False)
class PersonVerdict:
    """What is written on a person's label.

    Args:
        label_id: The label's id.
        verdict: "tp", "fp", "fn", or "ignored" for what does not count.
        matched_id: The other label's id where the two are a true positive.
        oks: Of the pair; None for a person without partner.
        errors_px: (K,) NaN where the truth is not labelled, infinite where nothing was predicted there.
        size_px: Square root of the truth's area.
    """

    label_id: str
    verdict: Verdict
    matched_id: str | None = None
    oks: float | None = None
    errors_px: Float64 | None = None
    size_px: float | None = None


@dataclass(frozen=True, slots=True)
class ImageVerdicts:
    """The verdicts on one image.

    Args:
        sample_id: The sample's id.
        truths: One per person of the truth.
        predictions: One per predicted person, suppressed ones too.
        pairs: Indices (truth, prediction) of the image's people that are paired and count.
        lonely: Indices of truths that count and have no partner.
    """

    sample_id: str
    truths: tuple[PersonVerdict, ...]
    predictions: tuple[PersonVerdict, ...]
    pairs: tuple[tuple[int, int], ...]
    lonely: tuple[int, ...]


def judge(images: Sequence[ImagePeople], matches: Sequence[ImageMatches]) -> list[ImageVerdicts]:
    """Give every person a verdict and, where there is one, a partner."""
    return [_judge_image(image, match) for image, match in zip(images, matches, strict=True)]


def _judge_image(image: ImagePeople, match: ImageMatches) -> ImageVerdicts:
    counted = [i for i in range(len(image.truths)) if not match.truth_ignored[i]]
    pairs = {i: match.truths[i] for i in counted if match.truths[i] >= 0}
    met = frozenset(pairs)
    wrong = [
        j
        for j in range(len(image.predictions))
        if match.predictions[j] < 0 and not match.prediction_ignored[j]
    ]
    pairs |= dict(_nearest(match.oks, [i for i in counted if i not in met], wrong))
    partners = {j: i for i, j in pairs.items()}
    truths = []
    for i, truth in enumerate(image.truths):
        verdict: Verdict = "ignored" if match.truth_ignored[i] else ("tp" if i in met else "fn")
        truths.append(_verdict(image, match, truth.label_id, verdict, i, pairs.get(i)))
    predictions = []
    for j, prediction in enumerate(image.predictions):
        verdict = "ignored" if match.prediction_ignored[j] else ("fp" if match.predictions[j] < 0 else "tp")
        predictions.append(_verdict(image, match, prediction.label_id, verdict, partners.get(j), j))
    predictions += [PersonVerdict(label_id, "ignored") for label_id in image.suppressed]
    lonely = tuple(i for i in counted if i not in pairs)
    return ImageVerdicts(image.sample_id, tuple(truths), tuple(predictions), tuple(pairs.items()), lonely)


def _nearest(oks: Float64, truths: Sequence[int], predictions: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Pair the nearest first."""
    near = sorted(
        ((oks[j, i], i, j) for i in truths for j in predictions if oks[j, i] >= LEAST_PAIR_OKS), reverse=True
    )
    taken_truths, taken_predictions = set(), set()
    for _, i, j in near:
        if i not in taken_truths and j not in taken_predictions:
            taken_truths.add(i)
            taken_predictions.add(j)
            yield i, j


def _verdict(
    image: ImagePeople, match: ImageMatches, label_id: str, verdict: Verdict, i: int | None, j: int | None
) -> PersonVerdict:
    if i is None or j is None:
        return PersonVerdict(label_id, verdict)
    truth, prediction = image.truths[i], image.predictions[j]
    other = prediction.label_id if label_id == truth.label_id else truth.label_id
    return PersonVerdict(
        label_id=label_id,
        verdict=verdict,
        matched_id=other if verdict == "tp" else None,
        oks=float(match.oks[j, i]),
        errors_px=_errors(truth, prediction),
        size_px=math.sqrt(truth.area_px),
    )


def _errors(truth: Truth, prediction: Prediction) -> Float64:
    distances = np.hypot(*(prediction.points_px - truth.points_px).T)
    errors: Float64 = np.where(truth.visible > 0, np.nan_to_num(distances, nan=np.inf), np.nan)
    return errors


def paired_keypoints(
    images: Sequence[ImagePeople], verdicts: Sequence[ImageVerdicts], oks_sigmas: Sequence[float]
) -> tuple[PairedKeypoints, Float64]:
    """Collect the errors of all pairs.

    Returns:
        P pairs, and the sizes in px of the people that have no partner.
    """
    truths, errors, lonely = [], [], []
    for image, verdict in zip(images, verdicts, strict=True):
        for i, _ in verdict.pairs:
            truths.append(image.truths[i])
            errors.append(verdict.truths[i].errors_px)
        lonely += [math.sqrt(image.truths[i].area_px) for i in verdict.lonely]
    errors_px = np.array(errors, np.float64).reshape(len(truths), len(oks_sigmas))
    areas = np.array([truth.area_px for truth in truths], np.float64)
    sides = np.array([max(truth.bbox_xywh[2:]) for truth in truths], np.float64)
    pairs = PairedKeypoints(
        errors_px=errors_px,
        similarities=keypoint_similarities(errors_px, oks_sigmas, areas),
        size_px=np.sqrt(areas),
        longer_side_px=np.where(sides > 0, sides, np.nan),
        head_px=np.array([truth.head_px for truth in truths], np.float64),
    )
    return pairs, np.array(lonely, np.float64)
