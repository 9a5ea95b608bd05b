"""Hold human labels against kept heatmaps, and say which look wrong and what would be right."""

from __future__ import annotations

import time
from collections.abc import Generator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from fo_pose_plugin.core.evaluated_people import ImagePeople
from fo_pose_plugin.core.label_errors import (
    KINDS,
    LEAST_STRENGTH,
    ErrorKind,
    LabelError,
    describe_error,
    find_image_errors,
)
from fo_pose_plugin.core.label_evidence import PersonEvidence
from fo_pose_plugin.core.wording import n_images
from fo_pose_plugin.dataset.evaluated_people import read_people
from fo_pose_plugin.dataset.fiftyone_internals import root_dataset
from fo_pose_plugin.dataset.label_error_labels import FoundError, check_writable, write_errors
from fo_pose_plugin.dataset.labels import PoseFields
from fo_pose_plugin.dataset.overlays import KeptPerson, KeptPoses, check_overlay_field, read_kept_poses
from fo_pose_plugin.dataset.shared_keypoints import SharedKeypoints, share_keypoints
from fo_pose_plugin.errors import InputError, PoseError
from fo_pose_plugin.tasks.estimate_poses import check_media
from fo_pose_plugin.tasks.evaluation.oks_constants import find_oks_sigmas
from fo_pose_plugin.tasks.kept_heatmaps import read_people_heatmaps
from fo_pose_plugin.tasks.painted_overlays import image_size, person_crop

if TYPE_CHECKING:
    import fiftyone as fo

__all__ = ["LabelErrorsProgress", "LabelErrorsReport", "find_label_errors", "search_samples"]

CHUNK_SAMPLES = 64


@dataclass(frozen=True, slots=True)
class LabelErrorsReport:
    """What was found.

    Args:
        errors: The strongest first.
        samples: Samples that were searched.
        people: Labels on them.
        without_poses: Samples with labels and no poses, of which nothing can be said.
        failures: Why a sample was not searched, by its id.
        seconds: What it took.
    """

    errors: tuple[FoundError, ...]
    samples: int
    people: int
    without_poses: int = 0
    failures: dict[str, str] = field(default_factory=dict)
    seconds: float = 0.0

    @property
    def counts(self) -> dict[str, int]:
        """How many of each kind there are."""
        kinds = [error.kind for error in self.errors]
        return {kind: kinds.count(kind) for kind in KINDS if kind in kinds}

    def view(self, samples: fo.Dataset | fo.DatasetView) -> fo.DatasetView:
        """Give the samples with errors, the strongest first."""
        return samples.select(list(dict.fromkeys(error.sample_id for error in self.errors)), ordered=True)


@dataclass(frozen=True, slots=True)
class LabelErrorsProgress:
    """How far it is, in samples."""

    done: int
    total: int
    found: int = 0

    @property
    def fraction(self) -> float:
        """From 0 to 1."""
        return self.done / self.total if self.total else 1.0

    def describe(self) -> str:
        """Say it in one line."""
        return (
            f"holding labels against heatmaps: {self.done:,} of {n_images(self.total)}, {self.found:,} found"
        )


def find_label_errors(
    samples: fo.Dataset | fo.DatasetView,
    gt_field: str,
    pose_field: str = "poses",
    *,
    kinds: Sequence[ErrorKind] | None = None,
    min_strength: float = LEAST_STRENGTH,
    oks_sigmas: Mapping[str, float] | None = None,
    write: bool = True,
    progress: bool | None = None,
) -> LabelErrorsReport:
    """Find labels that a model's heatmaps speak against: swaps, wrong places, what is missing.

    Run `estimate_poses` in the labels' own boxes for errors within people, and with a detector, into another
    field, for people whom nobody annotated. Nothing is corrected. Labels in doubt get ``label_error`` (in
    words), ``label_error_strength`` (0 to 1) and ``label_error_fix``; points are not touched. What an earlier
    search wrote on these samples is replaced. docs/label-errors.md says what the search is worth.

    Args:
        samples: A dataset or view of images.
        gt_field: The field with the labels, fo.Keypoints.
        pose_field: A field of poses whose heatmaps were kept.
        kinds: Only these kinds; None for all.
        min_strength: What is weaker is left out; 0 to 1.
        oks_sigmas: OKS constants by keypoint name, where they are not known.
        write: Whether to write on the labels.
        progress: True or False for a bar on the terminal, None for FiftyOne's setting.

    Raises:
        FieldError: If a field does not hold what it should, they share no keypoint, or is read-only.
        InputError: If a kind is not known, or a value is outside its range.
        MediaTypeError: If the samples are no plain images.
    """
    import fiftyone as fo

    steps = search_samples(
        samples,
        gt_field,
        pose_field,
        kinds=kinds,
        min_strength=min_strength,
        oks_sigmas=oks_sigmas,
        write=write,
    )
    shown = fo.config.show_progress_bars if progress is None else progress
    with closing(steps), fo.ProgressBar(total=len(samples), quiet=not shown, iters_str="images") as bar:
        while True:
            try:
                bar.set_iteration(next(steps).done)
            except StopIteration as end:
                report: LabelErrorsReport = end.value
                return report


def search_samples(
    samples: fo.Dataset | fo.DatasetView,
    gt_field: str,
    pose_field: str,
    *,
    kinds: Sequence[ErrorKind] | None = None,
    min_strength: float = LEAST_STRENGTH,
    oks_sigmas: Mapping[str, float] | None = None,
    write: bool = True,
) -> Generator[LabelErrorsProgress, None, LabelErrorsReport]:
    """Do what `find_label_errors` says, giving the progress; errors of the request come first."""
    chosen = tuple(KINDS if kinds is None else kinds)
    unknown = [kind for kind in chosen if kind not in KINDS]
    if unknown or not chosen:
        raise InputError(f"kinds is {list(chosen)}, expected some of {', '.join(KINDS)}")
    if not 0 <= min_strength <= 1:
        raise InputError(f"min_strength is {min_strength}, expected 0 to 1")
    check_media(samples)
    dataset, fields = root_dataset(samples), PoseFields(pose_field)
    if gt_field == pose_field:
        raise InputError(f"field {gt_field!r} cannot be held against itself: choose labels and poses")
    shared = share_keypoints(samples, pose_field, gt_field)
    check_overlay_field(dataset, fields)
    if write:
        check_writable(dataset, gt_field, pose_field)
    sigmas = find_oks_sigmas(dataset, pose_field, shared.skeleton, oks_sigmas)
    search = _Search(dataset, fields, gt_field, shared, sigmas, frozenset(chosen), min_strength)
    return search.carry_out(samples, write=write)


class _Search:
    """Goes through the samples of one pair of fields."""

    def __init__(
        self,
        dataset: fo.Dataset,
        fields: PoseFields,
        gt_field: str,
        shared: SharedKeypoints,
        sigmas: tuple[float, ...],
        kinds: frozenset[ErrorKind],
        min_strength: float,
    ) -> None:
        self.dataset = dataset
        self.fields = fields
        self.gt_field = gt_field
        self.shared = shared
        self.sigmas = sigmas
        self.kinds = kinds
        self.min_strength = min_strength
        self.failures: dict[str, str] = {}

    def carry_out(
        self, samples: fo.Dataset | fo.DatasetView, *, write: bool
    ) -> Generator[LabelErrorsProgress, None, LabelErrorsReport]:
        began = time.monotonic()
        ids: list[str] = samples.values("id")
        errors: list[FoundError] = []
        searched = people = without = 0
        yield LabelErrorsProgress(0, len(ids))
        for start in range(0, len(ids), CHUNK_SAMPLES):
            chunk = ids[start : start + CHUNK_SAMPLES]
            images, oddities = read_people(
                samples.select(chunk), self.fields.poses, self.gt_field, self.shared
            )
            without += oddities.without_predictions
            kept = {one.sample_id: one for one in read_kept_poses(samples, self.fields, chunk)}
            done, found = [], []
            for sample_id in oddities.without_size:  # nor is there a crop, so that nobody was found there
                if (one := kept.get(sample_id)) is not None and one.people is not None:
                    done.append(sample_id)
                else:
                    without += 1
            for image in images:
                own = self._search_image(image, kept.get(image.sample_id))
                if own is not None:
                    done.append(image.sample_id)
                    people += len(image.truths)
                    found += own
            if write:
                write_errors(self.dataset, self.gt_field, self.fields.poses, done, found)
            searched += len(done)
            errors += found
            yield LabelErrorsProgress(min(start + CHUNK_SAMPLES, len(ids)), len(ids), len(errors))
        errors.sort(key=lambda error: -error.strength)
        return LabelErrorsReport(
            errors=tuple(errors),
            samples=searched,
            people=people,
            without_poses=without,
            failures=self.failures,
            seconds=time.monotonic() - began,
        )

    def _search_image(self, image: ImagePeople, kept: KeptPoses | None) -> list[FoundError] | None:
        """Search one image; None where nothing can be said of it."""
        if kept is None or kept.people is None:
            return None
        try:
            evidence, size_wh = self._evidence(image, kept)
        except PoseError as error:
            self.failures[image.sample_id] = str(error)
            return None
        found = find_image_errors(
            image.truths, evidence, self.shared.skeleton, self.sigmas, size_wh, self.min_strength
        )
        return [self._told(image, error, size_wh) for error in found if error.kind in self.kinds]

    def _evidence(self, image: ImagePeople, kept: KeptPoses) -> tuple[list[PersonEvidence], tuple[int, int]]:
        people = [person for person in kept.people or () if not person.edited]
        if not people:
            return [], (1, 1)
        header, heatmaps = read_people_heatmaps(
            kept,
            people,
            dataset=self.dataset,
            pose_field=self.fields.poses,
            keypoints=self.shared.prediction_count,
        )
        crops = [person_crop(person) for person in people]
        size_wh = image_size(people, crops, kept.filepath)
        predictions = {prediction.label_id: prediction for prediction in image.predictions}
        evidence = [
            PersonEvidence(
                label_id=person.label_id,
                bbox_xywh=_box_px(person, size_wh),
                points_px=predictions[person.label_id].points_px,
                heatmaps=maps[list(self.shared.in_predictions)],
                crop=crop,
                score=predictions[person.label_id].score,
                scale_max=header.scale_max,
            )
            for person, crop, maps in zip(people, crops, heatmaps, strict=True)
            if person.label_id in predictions
        ]
        return evidence, size_wh

    def _told(self, image: ImagePeople, error: LabelError, size_wh: tuple[int, int]) -> FoundError:
        names = self.shared.skeleton.keypoint_names
        wide = np.array(size_wh, np.float64)
        fix: dict[str, Any] = {
            "keypoints": [names[k] for k in error.keypoints],
            "points": [(np.array(point) / wide).tolist() for point in error.fixed_px],
        }
        if error.fixed_visible is not None:
            fix["visible"] = error.fixed_visible
        return FoundError(
            sample_id=image.sample_id,
            label_id=error.truth_id,
            prediction_id=error.prediction_id,
            other_id=error.other_id,
            kind=error.kind,
            strength=round(error.strength, 4),
            why=describe_error(error, names),
            fix=fix,
        )


def _box_px(person: KeptPerson, size_wh: tuple[int, int]) -> tuple[float, float, float, float]:
    x, y, w, h = person.bounding_box or (0.0, 0.0, 1.0, 1.0)
    return (x * size_wh[0], y * size_wh[1], w * size_wh[0], h * size_wh[1])
