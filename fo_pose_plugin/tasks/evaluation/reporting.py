"""From sums and verdicts to the report."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from fo_pose_plugin.core.evaluated_people import ImagePeople
from fo_pose_plugin.core.evaluation_report import EvaluationReport
from fo_pose_plugin.core.keypoint_accuracy import by_size, measure
from fo_pose_plugin.dataset.evaluated_people import AREA_OF_BOX, Oddities
from fo_pose_plugin.dataset.shared_keypoints import SharedKeypoints
from fo_pose_plugin.tasks.evaluation.coco_sums import PartSums
from fo_pose_plugin.tasks.evaluation.pairs import ImageVerdicts, paired_keypoints
from fo_pose_plugin.tasks.evaluation.request import EvaluationRequest

__all__ = ["make_report"]

SHOWN_NAMES = 6


def make_report(
    images: Sequence[ImagePeople],
    request: EvaluationRequest,
    shared: SharedKeypoints,
    sigmas: tuple[float, ...],
    sums: Mapping[str, PartSums],
    verdicts: Sequence[ImageVerdicts],
    oddities: Oddities,
) -> EvaluationReport:
    """Put together what was summed and measured; ``seconds`` is not known yet."""
    pairs, lonely = paired_keypoints(images, verdicts, sigmas)
    skeleton, thresholds = shared.skeleton, request.pck_thresholds
    groups = {"all keypoints": tuple(range(len(skeleton)))}
    if len(skeleton.groups) > 1:
        groups |= skeleton.groups
    said = [person.verdict for one in verdicts for person in one.truths]
    predicted = [person.verdict for one in verdicts for person in one.predictions]
    return EvaluationReport(
        eval_key=request.eval_key,
        pred_field=request.pred_field,
        gt_field=request.gt_field,
        samples=len(images),
        people=len(said) - said.count("ignored"),
        predictions=len(predicted) - predicted.count("ignored"),
        tp=predicted.count("tp"),
        fp=predicted.count("fp"),
        fn=said.count("fn"),
        ignored=said.count("ignored") + predicted.count("ignored"),
        oks_threshold=request.oks_threshold,
        parts={name: part.ap for name, part in sums.items()},
        groups=tuple(measure(name, members, pairs, thresholds) for name, members in groups.items()),
        keypoints=tuple(
            measure(name, [index], pairs, thresholds) for index, name in enumerate(skeleton.keypoint_names)
        ),
        pck_thresholds=thresholds,
        sizes=by_size(pairs, lonely),
        curves=list(sums.values())[-1].curves,
        notes=tuple(_notes(shared, oddities, len(pairs), len(lonely))),
        seconds=0.0,
    )


def _notes(shared: SharedKeypoints, oddities: Oddities, paired: int, lonely: int) -> Iterator[str]:
    if not shared.is_all:
        names = shared.skeleton.keypoint_names
        yield (
            f"compared are the {len(names)} keypoints that both fields name "
            f"({', '.join(names[:SHOWN_NAMES])}{' ...' if len(names) > SHOWN_NAMES else ''}); "
            f"the predictions have {shared.prediction_count}, the truth {shared.truth_count}"
        )
    if oddities.without_truth:
        yield f"{oddities.without_truth:,} images without ground truth (None) were left out"
    if oddities.without_predictions:
        yield (
            f"{oddities.without_predictions:,} images have no predictions (None): their people count as "
            "missed; evaluate samples.exists(pred_field) to leave them out"
        )
    if oddities.without_size:
        yield (
            f"{len(oddities.without_size):,} images were left out, since their size is not known and they "
            "cannot be read"
        )
    if oddities.area_of_box:
        yield (
            f"{oddities.area_of_box:,} people have no area_px: {AREA_OF_BOX} x the area of their box was "
            "taken, as MMPose does"
        )
    if oddities.area_of_points:
        yield (
            f"{oddities.area_of_points:,} people have neither area_px nor a box: {AREA_OF_BOX} x the area "
            "that their keypoints span was taken, which makes OKS smaller"
        )
    if oddities.unmeasurable:
        yield (
            f"{oddities.unmeasurable:,} people are ignored: no area, no box, and their keypoints span none"
        )
    if lonely:
        yield (
            f"errors of keypoints are those of {paired:,} people; {lonely:,} have no prediction near enough "
            "(OKS of at least .1) and are in no PCK and no mean error"
        )
