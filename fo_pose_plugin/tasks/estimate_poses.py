"""Estimate the poses of every person in a dataset or view.

In three steps that the SDK, the App and the command line share: a request (plain values) is checked and
becomes a plan (what will be read, run and written), and the plan is carried out by ``tasks.estimation_run``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

from fo_pose_plugin.core.wording import n_images, n_people
from fo_pose_plugin.dataset.boxes import BoxSource, box_fields, count_people, resolve_box_source
from fo_pose_plugin.dataset.field_checks import check_pose_field
from fo_pose_plugin.dataset.fiftyone_internals import is_generated_view, root_dataset
from fo_pose_plugin.dataset.labels import PoseFields
from fo_pose_plugin.dataset.runs import check_idle, find_resumable
from fo_pose_plugin.errors import FieldError, MediaTypeError, ModelError
from fo_pose_plugin.models import catalog
from fo_pose_plugin.tasks.models import DownloadProgress, check_usable

if TYPE_CHECKING:
    import fiftyone as fo

__all__ = [
    "EstimatePlan",
    "EstimateReport",
    "EstimateRequest",
    "Progress",
    "box_fields",
    "check_media",
    "count_people",
    "estimate_poses",
    "held_poses",
    "plan_estimate",
]

RUNTIMES = ("torch",)
ProgressCallback: TypeAlias = "Callable[[Progress], None]"


@dataclass(frozen=True, slots=True)
class EstimateRequest:
    """What someone asks for; see `estimate_poses` for the meaning of each value."""

    model: str
    boxes: str | None = None
    detector: str | None = None
    whole_image: bool = False
    pose_field: str = "poses"
    keep_heatmaps: bool = True
    flip_test: bool = False
    box_threshold: float = 0.3
    batch_size: int | None = None
    device: str | None = None
    runtime: str | None = None
    resume: bool = False
    overwrite: bool = False
    signals: bool = False


@dataclass(frozen=True, slots=True)
class EstimatePlan:
    """A checked request.

    Args:
        request: The request.
        samples: The dataset or view.
        fields: Where results go.
        model: The pose model; without an entry where its weights must be fetched first.
        detector: The detector, where boxes come from one; likewise.
        source: Where boxes come from.
        settings: What a resumed run must share.
        total: How many samples there are.
        held: How many of them hold poses already.
        resumed_run: The run to take up, or None for a new one.
    """

    request: EstimateRequest
    samples: fo.Dataset | fo.DatasetView
    fields: PoseFields
    model: catalog.KnownModel
    detector: catalog.KnownDetector | None
    source: BoxSource
    settings: dict[str, Any]
    total: int
    held: int
    resumed_run: str | None = None


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run is.

    Args:
        stage: What it does now, in words.
        done: Samples that are finished or skipped.
        total: Samples there are.
        people: People estimated so far.
        failed: Samples that failed so far.
        seconds: Since the first sample.
        run_id: The run's key in the dataset; empty until it has begun.
        download: How far a download is, while weights are downloaded.
    """

    stage: str
    done: int
    total: int
    people: int = 0
    failed: int = 0
    seconds: float = 0.0
    run_id: str = ""
    download: DownloadProgress | None = None

    @property
    def fraction(self) -> float:
        """From 0 to 1; of the download, while there is one."""
        if self.download is not None:
            return self.download.fraction or 0.0
        return self.done / self.total if self.total else 1.0

    @property
    def people_per_second(self) -> float:
        """The mean rate so far; 0 before the first person."""
        return self.people / self.seconds if self.seconds > 0 else 0.0

    def describe(self) -> str:
        """Say it in one line."""
        if self.download is not None:
            return f"{self.stage}, {self.download.describe()}"
        if not self.run_id:
            return self.stage
        people = f", {n_people(self.people)} ({self.people_per_second:.1f}/s)" if self.people else ""
        failed = f", {self.failed:,} failed" if self.failed else ""
        return f"{self.stage}: {self.done:,} of {n_images(self.total)}{people}{failed}"


@dataclass(frozen=True, slots=True)
class EstimateReport:
    """How a run went.

    Args:
        samples: Samples whose poses were written in this call.
        people: People on them.
        skipped: Samples that an interrupted run had finished before.
        failures: Messages by sample id; a sample of which only some boxes failed is among ``samples`` too.
        seconds: What it took, loading included.
        run_id: The run's key in the dataset.
        stopped: Whether someone stopped it before the end.
        saved_views: Names of the saved views it added.
    """

    samples: int
    people: int
    skipped: int
    failures: dict[str, str] = field(default_factory=dict)
    seconds: float = 0.0
    run_id: str = ""
    stopped: bool = False
    saved_views: tuple[str, ...] = ()


def plan_estimate(samples: fo.Dataset | fo.DatasetView, request: EstimateRequest) -> EstimatePlan:
    """Check a request against the samples, without loading a model.

    Raises:
        MediaTypeError: If the samples are no plain images.
        UnknownModelError: If there is no such model or detector.
        BoxSourceError: If not exactly one source of boxes was named, or it cannot be used.
        FieldError: If the pose field is something else, holds another skeleton, or holds poses and neither
            ``resume`` nor ``overwrite`` was asked for.
        RunError: If a run goes on in the field, or ``resume`` was asked for and the run before used other
            settings.
        ModelError: If device, runtime or batch size cannot be.
    """
    check_media(samples)
    if request.runtime not in {None, *RUNTIMES}:
        raise ModelError(f"runtime={request.runtime!r} is unknown, expected one of {', '.join(RUNTIMES)}")
    if request.batch_size is not None and request.batch_size < 1:
        raise ModelError(f"batch_size is {request.batch_size}, expected 1 or more people per forward pass")
    if request.resume and request.overwrite:
        raise FieldError(
            "resume and overwrite exclude each other: continue the run before, or replace its poses"
        )
    fields = PoseFields(request.pose_field)
    model = catalog.find_model(request.model)
    if model.entry is None:
        check_usable(model.spec)
    source = resolve_box_source(
        samples,
        boxes=request.boxes,
        detector=request.detector,
        whole_image=request.whole_image,
        box_threshold=request.box_threshold,
    )
    detector = catalog.find_detector(source.name) if source.kind == "detector" and source.name else None
    filled = check_pose_field(samples, fields, model.network.skeleton)
    held = held_poses(samples, fields.poses) if filled else 0
    settings = _settings(request, model, detector, source)
    check_idle(root_dataset(samples), fields.poses)
    resumed_run = None
    # What a run was made with can be compared once the weights are here: then it is planned again.
    undecided = request.resume and (model.entry is None or (detector is not None and detector.entry is None))
    if request.resume and not undecided:
        resumed_run = find_resumable(root_dataset(samples), fields.poses, settings)
    if held and resumed_run is None and not request.overwrite and not undecided:
        ways = "for resume to finish the run before, for overwrite to replace its poses,"
        if request.resume:
            ways = "for overwrite to replace them (the record of their run is gone, so it cannot be resumed),"
        raise FieldError(
            f"{held:,} of the {len(samples):,} samples hold poses in field {fields.poses!r} already: ask "
            f"{ways} or choose another field"
        )
    return EstimatePlan(
        request, samples, fields, model, detector, source, settings, len(samples), held, resumed_run
    )


def held_poses(samples: fo.Dataset | fo.DatasetView, pose_field: str) -> int:
    """Count the samples that hold something in a field, 0 where there is no such field."""
    return len(samples.exists(pose_field)) if samples.has_field(pose_field) else 0


def check_media(samples: fo.Dataset | fo.DatasetView) -> None:
    """Refuse whatever is no plain image, and name the way.

    Raises:
        MediaTypeError: For videos, groups, patches, clips, frames and 3D.
    """
    if is_generated_view(samples):
        raise MediaTypeError(
            "this is a view of patches, frames or clips made from other samples: run on the dataset itself, "
            "or make it a dataset of its own first with view.clone('name')"
        )
    media = samples.media_type
    if media == "video":
        raise MediaTypeError(
            "these are videos: make images of their frames first, "
            "frames = dataset.to_frames(sample_frames=True).clone('name'), and run on that dataset"
        )
    if media == "group" and samples.group_slices is None:  # made by view.group_by
        raise MediaTypeError(
            "this view groups its samples: run on the dataset itself, or take the groups apart "
            "with view.flatten()"
        )
    if media == "group":
        raise MediaTypeError(
            "this is a grouped dataset: choose the slice that holds the images, "
            f"dataset.select_group_slices('...'), one of {', '.join(map(repr, samples.group_slices))}"
        )
    if media not in {"image", None}:
        raise MediaTypeError(f"the samples are of media type {media!r}, expected images")


def _settings(
    request: EstimateRequest,
    model: catalog.KnownModel,
    detector: catalog.KnownDetector | None,
    source: BoxSource,
) -> dict[str, Any]:
    """Collect what decides the result: a resumed run must share it; batch size and device do not matter."""
    return {
        "model": model.spec.name,
        "config_sha256": None if model.entry is None else model.entry.config_sha256,
        "weights_sha256": None if model.entry is None else model.entry.checkpoint_sha256,
        "flip_test": request.flip_test,
        "keep_heatmaps": request.keep_heatmaps,
        "boxes": source.kind,
        "boxes_from": source.name,
        "box_threshold": source.threshold,
        "box_labels": None if source.labels is None else list(source.labels),
        "detector_sha256": None
        if detector is None or detector.entry is None
        else detector.entry.checkpoint_sha256,
    }


def estimate_poses(
    samples: fo.Dataset | fo.DatasetView,
    model: str,
    *,
    boxes: str | None = None,
    detector: str | None = None,
    whole_image: bool = False,
    pose_field: str = "poses",
    keep_heatmaps: bool = True,
    flip_test: bool = False,
    box_threshold: float = 0.3,
    batch_size: int | None = None,
    device: str | None = None,
    runtime: str | None = None,
    resume: bool = False,
    overwrite: bool = False,
    signals: bool = False,
    progress: bool | ProgressCallback | None = None,
) -> EstimateReport:
    """Give every person in every image the keypoints of a top-down heatmap model.

    Exactly one of ``boxes``, ``detector`` and ``whole_image`` says where the people are.

    Args:
        samples: A dataset or view of images.
        model: A model's name (`list_models`). Weights that are not here are downloaded first.
        boxes: A Detections field. Where some of its boxes are labelled "person" only those are taken;
            crowd boxes never are.
        detector: A detector's name (`list_detectors`); its boxes are kept in ``<pose_field>_boxes``.
        whole_image: Take the image as one box.
        pose_field: Where the poses go; companions derive their names from it.
        keep_heatmaps: Whether to keep the heatmaps on disk and paint them over the image.
        flip_test: Average with the mirrored crop: a little better, half as fast.
        box_threshold: Least confidence of a detector's box.
        batch_size: People per forward pass; None for what suits the device.
        device: ``cpu``, ``cuda``, ``cuda:1`` ...; None for the first GPU and else the CPU.
        runtime: ``torch``, which is also the default.
        resume: Finish the newest run on this field: what it completed is skipped, what failed is tried again.
        overwrite: Replace poses that the field holds already.
        signals: Also say how doubtful each keypoint and person is, and why (see `compute_signals`, which
            does the same later from kept heatmaps).
        progress: True or False for a bar on the terminal, a function for each `Progress`, None for FiftyOne's
            own setting.

    Returns:
        What was done. Failures of single images are in it and in ``<pose_field>_error``; they do not raise.

    Raises:
        PoseError: Before anything is written, if the request cannot be carried out (see `plan_estimate`).
        KeyboardInterrupt: On Ctrl-C; what was done is written and `resume` continues.
    """
    from fo_pose_plugin.tasks.estimation_run import run_with_progress

    plan = plan_estimate(
        samples,
        EstimateRequest(
            model=model,
            boxes=boxes,
            detector=detector,
            whole_image=whole_image,
            pose_field=pose_field,
            keep_heatmaps=keep_heatmaps,
            flip_test=flip_test,
            box_threshold=box_threshold,
            batch_size=batch_size,
            device=device,
            runtime=runtime,
            resume=resume,
            overwrite=overwrite,
            signals=signals,
        ),
    )
    return run_with_progress(plan, progress)
