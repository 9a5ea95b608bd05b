"""Measure poses against ground truth: COCO's metrics, PCK and errors, written back on every person."""

from __future__ import annotations

import time
from collections.abc import Generator, Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING

from fo_pose_plugin.core.evaluated_people import ImagePeople
from fo_pose_plugin.core.evaluation_report import EvaluationReport
from fo_pose_plugin.dataset import evaluations
from fo_pose_plugin.dataset.evaluated_people import Oddities, read_people
from fo_pose_plugin.dataset.fiftyone_internals import root_dataset
from fo_pose_plugin.dataset.runs import list_runs
from fo_pose_plugin.dataset.shared_keypoints import SharedKeypoints, share_keypoints
from fo_pose_plugin.errors import EvaluationError
from fo_pose_plugin.tasks.estimate_poses import check_media
from fo_pose_plugin.tasks.evaluation.coco_oks import prepare_oks
from fo_pose_plugin.tasks.evaluation.coco_sums import PartSums, sum_part
from fo_pose_plugin.tasks.evaluation.label_verdicts import fiftyone_matches, sample_verdicts
from fo_pose_plugin.tasks.evaluation.oks_constants import find_oks_sigmas
from fo_pose_plugin.tasks.evaluation.pairs import ImageVerdicts, judge
from fo_pose_plugin.tasks.evaluation.parts import keypoint_parts
from fo_pose_plugin.tasks.evaluation.reporting import make_report
from fo_pose_plugin.tasks.evaluation.request import PCK_THRESHOLDS, EvaluationRequest
from fo_pose_plugin.tasks.evaluation.scoring import rescore, suppress

if TYPE_CHECKING:
    import fiftyone as fo

__all__ = [
    "EvaluationProgress",
    "EvaluationRequest",
    "evaluate_poses",
    "evaluate_samples",
    "evaluation_fields",
    "plan_evaluation",
]

TRUTH_WORDS = ("truth", "true", "gt", "annot", "corrected")


@dataclass(frozen=True, slots=True)
class EvaluationProgress:
    """How far an evaluation is.

    Args:
        fraction: 0 to 1.
        stage: What is being done, in words.
    """

    fraction: float
    stage: str

    def describe(self) -> str:
        """Say it in one line."""
        return self.stage


def evaluate_poses(
    samples: fo.Dataset | fo.DatasetView,
    pred_field: str,
    gt_field: str,
    eval_key: str | None = "eval",
    *,
    overwrite: bool = False,
    oks_threshold: float = 0.5,
    rescore: bool = False,
    oks_nms: float | None = None,
    oks_sigmas: Mapping[str, float] | None = None,
    pck_thresholds: Sequence[float] = PCK_THRESHOLDS,
    progress: bool | None = None,
) -> EvaluationReport:
    """Compare predicted poses with the truth, as COCO does and keypoint by keypoint.

    Written on every person of both fields: ``<eval_key>`` ("tp", "fp", "fn" or "ignored"), ``<eval_key>_id``
    (whom it matches), ``<eval_key>_oks``, ``<eval_key>_error_px`` (one number per keypoint) and
    ``<eval_key>_size_px``; on every sample ``<eval_key>_tp``, ``_fp`` and ``_fn``. The evaluation is listed
    by ``dataset.list_evaluations()``; docs/evaluation.md says what each number is.

    Args:
        samples: A dataset or view of images. Images whose ground truth is None are left out.
        pred_field: The field with the predictions (``fo.Keypoints``).
        gt_field: The field with the truth (``fo.Keypoints``); its people may have ``visible``, ``area_px``,
            ``bounding_box``, ``iscrowd`` and ``head_size_px``.
        eval_key: The evaluation's name; None writes nothing.
        overwrite: Replace an evaluation of that name.
        oks_threshold: From which OKS a person counts as found, one of 0.5, 0.55 ... 0.95. COCO's averages do
            not depend on it.
        rescore: Multiply each person's score by the mean keypoint score above .2, as MMPose does. Poses that
            this plugin estimated are scored like that already.
        oks_nms: Of predictions with a mutual OKS above it the best is kept; MMPose's is 0.9.
        oks_sigmas: OKS constants by keypoint name, for keypoints that MMPose's data sets do not have.
        pck_thresholds: Shares of the box's longer side.
        progress: True or False for a bar on the terminal, None for FiftyOne's setting.

    Raises:
        FieldError: If a field has no keypoints, the two share no keypoint, or a field cannot be written.
        EvaluationError: If there is nothing to compare, or the key is taken.
        InputError: If a value is outside its range, or an OKS constant is not known.
        MediaTypeError: If the samples are no plain images.
    """
    import fiftyone as fo

    request = EvaluationRequest(
        pred_field,
        gt_field,
        eval_key,
        overwrite,
        oks_threshold,
        rescore,
        oks_nms,
        oks_sigmas,
        tuple(map(float, pck_thresholds)),
    )
    steps = evaluate_samples(samples, request)
    shown = fo.config.show_progress_bars if progress is None else progress
    with closing(steps), fo.ProgressBar(total=100, quiet=not shown, iters_str="%") as bar:
        while True:
            try:
                bar.set_iteration(round(100 * next(steps).fraction))
            except StopIteration as end:
                report: EvaluationReport = end.value
                return report


def evaluate_samples(
    samples: fo.Dataset | fo.DatasetView, request: EvaluationRequest
) -> Generator[EvaluationProgress, None, EvaluationReport]:
    """Do what `evaluate_poses` says, giving the progress on the way; errors of the request come at once."""
    shared = share_keypoints(samples, request.pred_field, request.gt_field)
    return _evaluate(samples, request, shared, _prepare(samples, request, shared))


def _prepare(
    samples: fo.Dataset | fo.DatasetView, request: EvaluationRequest, shared: SharedKeypoints
) -> tuple[float, ...]:
    """Check what can be checked without reading people, and give the OKS constants."""
    check_media(samples)
    dataset = root_dataset(samples)
    sigmas = find_oks_sigmas(dataset, request.pred_field, shared.skeleton, request.oks_sigmas)
    if request.eval_key is not None:
        evaluations.check_eval_key(
            dataset, request.eval_key, request.pred_field, request.gt_field, overwrite=request.overwrite
        )
    return sigmas


def _evaluate(
    samples: fo.Dataset | fo.DatasetView,
    request: EvaluationRequest,
    shared: SharedKeypoints,
    sigmas: tuple[float, ...],
) -> Generator[EvaluationProgress, None, EvaluationReport]:
    began = time.monotonic()
    yield EvaluationProgress(0.0, "reading the people")
    images, oddities = _read(samples, request, shared)
    if request.rescore:
        images = rescore(images)
    if request.oks_nms is not None:
        images = suppress(images, sigmas, request.oks_nms)
    sums = yield from _sum(images, request, shared, sigmas)
    verdicts = judge(images, list(sums.values())[-1].matches)
    report = make_report(images, request, shared, sigmas, sums, verdicts, oddities)
    if request.eval_key is None:
        return replace(report, seconds=time.monotonic() - began)
    yield EvaluationProgress(0.7, "writing on the people")
    return _write(samples, request, shared, images, verdicts, report, began)


def _read(
    samples: fo.Dataset | fo.DatasetView, request: EvaluationRequest, shared: SharedKeypoints
) -> tuple[list[ImagePeople], Oddities]:
    images, oddities = read_people(samples, request.pred_field, request.gt_field, shared)
    if oddities.without_size:
        unsized = root_dataset(samples).select(oddities.without_size)
        # One worker: FiftyOne would start processes, which the App's server is no place for.
        unsized.compute_metadata(num_workers=1, skip_failures=True, progress=False)
        images, oddities = read_people(samples, request.pred_field, request.gt_field, shared)
    if not images:
        if oddities.without_size:
            raise EvaluationError(
                f"the size of none of {len(oddities.without_size)} images is known: they cannot be read, and "
                "have no metadata"
            )
        raise EvaluationError(
            f"no sample of {oddities.without_truth} has ground truth in {request.gt_field!r}: there is "
            "nothing to evaluate; choose another field or view"
        )
    if not oddities.with_both:
        raise EvaluationError(
            f"no sample has both: {len(images)} have ground truth in {request.gt_field!r}, and none of these "
            f"has predictions in {request.pred_field!r}; estimate poses on them first"
        )
    if not any(image.truths for image in images):
        raise EvaluationError(
            f"field {request.gt_field!r} has no person on these {len(images)} images: there is nothing to "
            "compare with"
        )
    return images, oddities


def _sum(
    images: Sequence[ImagePeople],
    request: EvaluationRequest,
    shared: SharedKeypoints,
    sigmas: tuple[float, ...],
) -> Generator[EvaluationProgress, None, dict[str, PartSums]]:
    """Sum COCO's metrics part by part; all keypoints together are the last part."""
    parts, sums = keypoint_parts(shared.skeleton), {}
    everything = list(parts)[-1]
    prepared = prepare_oks(images, sigmas, parts.get("body", parts[everything]))
    for index, (name, indices) in enumerate(parts.items()):
        yield EvaluationProgress(0.1 + 0.6 * index / len(parts), f"COCO's metrics: {name}")
        sums[name] = sum_part(
            prepared,
            indices,
            name=name,
            leave_out_unseen=len(parts) > 1,
            oks_threshold=request.oks_threshold if name == everything else None,
        )
    return sums


def _write(
    samples: fo.Dataset | fo.DatasetView,
    request: EvaluationRequest,
    shared: SharedKeypoints,
    images: Sequence[ImagePeople],
    verdicts: Sequence[ImageVerdicts],
    report: EvaluationReport,
    began: float,
) -> EvaluationReport:
    if request.eval_key is None:
        return report
    dataset, key = root_dataset(samples), request.eval_key
    own = {"eval_key", "overwrite"}
    settings = {name: value for name, value in asdict(request).items() if name not in own}
    settings["pck_thresholds"] = list(request.pck_thresholds)
    config = evaluations.evaluation_config(
        request.pred_field, request.gt_field, request.oks_threshold, settings
    )
    evaluations.register_evaluation(samples, key, config)
    left = evaluations.write_verdicts(
        dataset, key, request.pred_field, request.gt_field, sample_verdicts(verdicts, shared)
    )
    if left:
        note = f"the people of {left:,} images changed meanwhile: on them nothing was written"
        report = replace(report, notes=(*report.notes, note))
    report = replace(report, seconds=time.monotonic() - began)
    evaluations.store_evaluation(samples, key, config, fiftyone_matches(images, verdicts), report)
    return report


def evaluation_fields(dataset: fo.Dataset) -> tuple[list[str], list[str]]:
    """Suggest fields: predictions with what runs filled first, truth with what looks like it first.

    Returns:
        The same fields of keypoints twice, the likeliest predictions first and the likeliest truth first.
    """
    import fiftyone as fo

    schema = dataset.get_field_schema(ftype=fo.EmbeddedDocumentField, embedded_doc_type=fo.Keypoints)
    filled = [str(run["pose_field"]) for run in reversed(list_runs(dataset).values())]
    by_model = [name for name in dict.fromkeys(filled) if name in schema]
    others = [name for name in schema if name not in by_model]
    truth_like = [name for name in others if any(word in name.lower() for word in TRUTH_WORDS)]
    made = by_model or [name for name in others if name not in truth_like]
    predictions = [*made, *(name for name in others if name not in made)]
    truths = [*truth_like, *(name for name in others if name not in truth_like), *by_model]
    return predictions, truths


def plan_evaluation(samples: fo.Dataset | fo.DatasetView, request: EvaluationRequest) -> str:
    """Say in a sentence what an evaluation would compare; what is wrong with it is raised.

    Raises:
        InputError: Whatever `evaluate_poses` would refuse before it reads the people.
    """
    shared = share_keypoints(samples, request.pred_field, request.gt_field)
    _prepare(samples, request, shared)
    return (
        f"{len(samples):,} images: the people in '{request.pred_field}' are compared with those in "
        f"'{request.gt_field}' by {len(shared.skeleton)} keypoints"
        f"{'' if shared.is_all else ' that both fields have'}"
    )
