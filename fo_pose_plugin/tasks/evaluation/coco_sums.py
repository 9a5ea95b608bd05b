"""COCO's keypoint metrics, summed by pycocotools itself; whole-body parts as xtcocotools sums them.

The two differ in three points, and in a part both are the same otherwise (pycocotools 2.0.12 and xtcocotools
1.14.3 read side by side):
    - a part's keypoints and sigmas are evaluated alone; a person without labelled keypoints in it is ignored;
    - a prediction whose scores in the part are all 0 or less is left out;
    - a part is ranked by its own score where there is one (``foot_score``), and else by the person's; area
      and box are the person's in every part, and a prediction's area is what its body spans.
"""

from __future__ import annotations

import contextlib
import copy
import io
import threading
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from fo_pose_plugin.core.evaluated_people import ImagePeople
from fo_pose_plugin.core.evaluation_report import KeypointAP, PrecisionCurve
from fo_pose_plugin.tasks.evaluation.coco_matching import match_image
from fo_pose_plugin.tasks.evaluation.coco_oks import ImageOks

__all__ = ["ImageMatches", "PartSums", "sum_part"]

Float64: TypeAlias = npt.NDArray[np.float64]

PERSON = 1
MEDIUM, LARGE = 1, 2
CURVES = (0.5, 0.75)
# pycocotools prints, and what keeps it from that is the whole process's.
SILENCING = threading.Lock()


@dataclass(frozen=True, slots=True)
class ImageMatches:
    """How the people of one image met at one OKS threshold.

    Args:
        truths: For each truth the index of its prediction, or -1.
        predictions: For each prediction the index of its truth, or -1.
        truth_ignored: For each truth whether it does not count.
        prediction_ignored: For each prediction whether it does not count.
        oks: (predictions, truths); -1 for predictions beyond the 20 best.
    """

    truths: tuple[int, ...]
    predictions: tuple[int, ...]
    truth_ignored: tuple[bool, ...]
    prediction_ignored: tuple[bool, ...]
    oks: Float64


@dataclass(frozen=True, slots=True)
class PartSums:
    """What was summed for one part of the body.

    Args:
        ap: The ten metrics.
        curves: Precision over recall at OKS .50 and .75.
        matches: One per image, in their order; none where they were not asked for.
    """

    ap: KeypointAP
    curves: tuple[PrecisionCurve, ...]
    matches: tuple[ImageMatches, ...]


def sum_part(
    images: Sequence[ImageOks],
    indices: Sequence[int],
    *,
    name: str = "all",
    leave_out_unseen: bool = False,
    oks_threshold: float | None = None,
) -> PartSums:
    """Sum COCO's metrics for some of the keypoints.

    Args:
        images: All images; their order decides between equal scores, as the ids do in a COCO file.
        indices: The part's keypoints.
        name: The part's, by which predictions are ranked.
        leave_out_unseen: Whether a prediction with no score above 0 in the part is left out (xtcocotools).
        oks_threshold: One of COCO's ten, for ``matches``; None where they are not needed.
    """
    from pycocotools.cocoeval import COCOeval

    part = np.array(indices, dtype=np.intp)
    summing = COCOeval(None, None, "keypoints")
    params = summing.params
    params.imgIds, params.catIds = list(range(len(images))), [PERSON]
    most = params.maxDets[-1]
    ranked = [_rank(image, part, name, leave_out_unseen) for image in images]
    _fill(summing, images, part, name, ranked)
    # What `evaluate` does after reading files; only the latter has to be done otherwise.
    summing.ious = {
        (index, PERSON): image.oks(order[:most], part) if order and image.people.truths else []
        for index, (image, order) in enumerate(zip(images, ranked, strict=True))
    }
    summing.evalImgs = _evaluate(summing)
    summing._paramsEval = copy.deepcopy(params)
    with SILENCING, contextlib.redirect_stdout(io.StringIO()):
        summing.accumulate()
    matches: tuple[ImageMatches, ...] = ()
    if oks_threshold is not None:
        step = int(np.argmin(np.abs(params.iouThrs - oks_threshold)))
        matches = tuple(
            _matches(summing.evalImgs[i], summing.ious[i, PERSON], ranked[i][:most], image.people, step)
            for i, image in enumerate(images)
        )
    precision, recall = summing.eval["precision"][..., 0, :, 0], summing.eval["recall"][:, 0, :, 0]
    return PartSums(_metrics(precision, recall, params.iouThrs), _curves(precision, params.iouThrs), matches)


def _rank(image: ImageOks, part: npt.NDArray[np.intp], name: str, leave_out_unseen: bool) -> list[int]:
    """Give the predictions that take part, the best first; of equal ones the first, as pycocotools sorts."""
    predictions = image.people.predictions
    kept = [
        index
        for index in range(len(predictions))
        if not leave_out_unseen or (image.scores[index, part] > 0).any()
    ]
    return sorted(kept, key=lambda index: -predictions[index].score_of(name))


def _fill(
    summing: Any,
    images: Sequence[ImageOks],
    part: npt.NDArray[np.intp],
    name: str,
    ranked: Sequence[Sequence[int]],
) -> None:
    """Give pycocotools the people as it has them after reading files, but for their keypoints."""
    truths, predictions = defaultdict(list), defaultdict(list)
    next_truth = next_prediction = 1  # 0 means "no match" there
    for index, (image, order) in enumerate(zip(images, ranked, strict=True)):
        for truth in image.people.truths:
            labelled = bool((truth.visible[part] > 0).any())
            truths[index, PERSON].append(
                {
                    "id": next_truth,
                    "area": truth.area_px,
                    "iscrowd": int(truth.crowd),
                    "ignore": truth.crowd or not labelled,
                }
            )
            next_truth += 1
        for one in order:
            score = image.people.predictions[one].score_of(name)
            predictions[index, PERSON].append(
                {"id": next_prediction, "score": score, "area": image.areas_px[one]}
            )
            next_prediction += 1
    summing._gts, summing._dts = truths, predictions


def _evaluate(summing: Any) -> list[dict[str, Any] | None]:
    """Match every image's people, in each class of sizes.

    Where all people of an image are of a class the result is the one of all sizes; where none is, nobody
    counts, and pycocotools leaves out an image for which there is None.
    """
    params = summing.params
    thresholds, most = params.iouThrs.tolist(), params.maxDets[-1]
    evaluated: list[dict[str, Any] | None] = []
    for low, high in params.areaRng:
        for image in params.imgIds:
            truths, predictions = summing._gts[image, PERSON], summing._dts[image, PERSON][:most]
            inside = [low <= person["area"] <= high for person in (*truths, *predictions)]
            first = len(evaluated) < len(params.imgIds)
            if not first and all(inside):
                evaluated.append(evaluated[image])
            elif first or any(inside):
                oks = summing.ious[image, PERSON]
                evaluated.append(match_image(truths, predictions, oks, thresholds, (low, high)))
            else:
                evaluated.append(None)
    return evaluated


def _matches(
    evaluated: dict[str, Any] | None,
    ious: Any,
    in_order: Sequence[int],
    people: ImagePeople,
    step: int,
) -> ImageMatches:
    truth_count, predictions = len(people.truths), len(people.predictions)
    oks = np.full((predictions, truth_count), -1.0)
    truths_to, predictions_to = [-1] * truth_count, [-1] * predictions
    truth_ignored, prediction_ignored = [False] * truth_count, [True] * predictions
    if evaluated is None:
        return ImageMatches((), (), (), (), oks)
    # pycocotools sorts ignored truths last.
    first_truth = min(evaluated["gtIds"], default=1)
    truth_order = [truth_id - first_truth for truth_id in evaluated["gtIds"]]
    if len(ious):
        oks[list(in_order)] = ious
    for position, index in enumerate(truth_order):
        truth_ignored[index] = bool(evaluated["gtIgnore"][position])
    prediction_of_id = dict(zip(evaluated["dtIds"], in_order, strict=True))
    for position, index in enumerate(truth_order):
        matched = int(evaluated["gtMatches"][step, position])
        truths_to[index] = prediction_of_id.get(matched, -1)
    for position, index in enumerate(in_order):
        matched = int(evaluated["dtMatches"][step, position])
        predictions_to[index] = matched - first_truth if matched else -1
        prediction_ignored[index] = bool(evaluated["dtIgnore"][step, position])
    return ImageMatches(
        tuple(truths_to), tuple(predictions_to), tuple(truth_ignored), tuple(prediction_ignored), oks
    )


def _metrics(precision: Float64, recall: Float64, thresholds: Float64) -> KeypointAP:
    """Average as pycocotools' ``summarize`` does, which prints.

    Args:
        precision: (10, 101, 3) over OKS thresholds, recalls and sizes; -1 where nobody counts.
        recall: (10, 3).
        thresholds: (10,).
    """
    at50, at75 = (np.flatnonzero(np.isclose(thresholds, thr)) for thr in CURVES)
    return KeypointAP(
        ap=_mean(precision[:, :, 0]),
        ap50=_mean(precision[at50, :, 0]),
        ap75=_mean(precision[at75, :, 0]),
        ap_medium=_mean(precision[:, :, MEDIUM]),
        ap_large=_mean(precision[:, :, LARGE]),
        ar=_mean(recall[:, 0]),
        ar50=_mean(recall[at50, 0]),
        ar75=_mean(recall[at75, 0]),
        ar_medium=_mean(recall[:, MEDIUM]),
        ar_large=_mean(recall[:, LARGE]),
    )


def _mean(values: Float64) -> float | None:
    counted = values[values > -1]
    return float(counted.mean()) if counted.size else None


def _curves(precision: Float64, thresholds: Float64) -> tuple[PrecisionCurve, ...]:
    curves = []
    for thr in CURVES:
        values = precision[int(np.argmin(np.abs(thresholds - thr))), :, 0]
        if (values > -1).all():
            curves.append(PrecisionCurve(thr, tuple(values.tolist())))
    return tuple(curves)
