"""Write poses, corrections or the best of both to a COCO file, an image at a time."""

from __future__ import annotations

import time
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

from fo_pose_plugin.core.annotation import BODY_NAMES, PARTS, WHOLEBODY_KEYPOINTS
from fo_pose_plugin.core.skeleton import Skeleton
from fo_pose_plugin.dataset.labels import PoseFields, read_skeleton
from fo_pose_plugin.errors import FieldError, InputError
from fo_pose_plugin.formats.atomic_file import check_writable
from fo_pose_plugin.tasks.estimate_poses import check_media
from fo_pose_plugin.tasks.exchange_progress import ExchangeProgress, follow
from fo_pose_plugin.tasks.export_run import ExportPlan, ExportReport, export_steps

if TYPE_CHECKING:
    import fiftyone as fo

__all__ = [
    "FORMATS",
    "WHAT",
    "ExportReport",
    "ExportRequest",
    "begin_export",
    "export_poses",
    "exportable_fields",
]

Format = Literal["coco", "coco_wholebody", "coco_results", "coco_wholebody_results"]
What = Literal["poses", "corrections", "best"]
FORMATS: tuple[str, ...] = get_args(Format)
WHAT: tuple[str, ...] = get_args(What)


@dataclass(frozen=True, slots=True)
class ExportRequest:
    """What to export, as plain values; see `export_poses`.

    Raises:
        InputError: If a value is none of those that are known.
    """

    pose_field: str = "poses"
    format: str = "coco"
    what: str = "poses"
    min_confidence: float | None = None
    images_root: Path | None = None
    overwrite: bool = False

    def __post_init__(self) -> None:
        if self.format not in FORMATS:
            raise InputError(f"format={self.format!r} is none of {', '.join(FORMATS)}")
        if self.what not in WHAT:
            raise InputError(f"what={self.what!r} is none of {', '.join(WHAT)}")
        if self.min_confidence is not None and not -float("inf") < self.min_confidence < float("inf"):
            raise InputError(f"min_confidence is {self.min_confidence}, expected a finite number such as 0.3")


def export_poses(
    samples: fo.Dataset | fo.DatasetView,
    path: str | Path,
    pose_field: str = "poses",
    format: Format = "coco",  # noqa: A002
    *,
    what: What = "poses",
    min_confidence: float | None = None,
    images_root: str | Path | None = None,
    overwrite: bool = False,
    progress: bool | None = None,
) -> ExportReport:
    """Write a field's people to a COCO file; see docs/exchange.md.

    What a view shows is exported. Images whose field was never filled are left out, those with nobody on them
    are listed. The file appears when it is complete; whatever goes wrong leaves none, or the one that was
    there.

    Args:
        samples: A dataset or view of images.
        path: The file to write; its folder must be there.
        pose_field: A field of keypoints: poses, or ground truth.
        format: ``coco`` (annotations), ``coco_wholebody`` (with foot, face and hand fields), or
            ``coco_results`` and ``coco_wholebody_results`` (lists of predictions with scores).
        what: ``poses`` takes the field itself; ``corrections`` what people made of it
            (``<pose_field>_corrected``, without what they rejected); ``best`` the correction of a person
            where there is one and else the prediction.
        min_confidence: Predicted keypoints with less are written as not labelled, and predicted people
            without
            any other are left out. People's corrections are taken as they are. None takes all.
        images_root: File names are written relative to this folder; None takes the folder that all images
            share.
        overwrite: Whether to replace a file that is there.
        progress: True or False for a bar on the terminal, None for FiftyOne's setting.

    Returns:
        What was written, and what was left out.

    Raises:
        FieldError: If the field holds no keypoints, has no skeleton with names, or not the format's.
        ExportError: If the file is there, or cannot be written.
        InputError: If a value is unknown, or an image lies outside ``images_root``.
        MediaTypeError: If the samples are no plain images.
    """
    import fiftyone as fo

    root = None if images_root is None else Path(images_root).absolute()
    request = ExportRequest(pose_field, format, what, min_confidence, root, overwrite)
    steps = begin_export(samples, Path(path), request)
    return follow(steps, fo.config.show_progress_bars if progress is None else progress)


def begin_export(
    samples: fo.Dataset | fo.DatasetView, path: Path, request: ExportRequest
) -> Generator[ExchangeProgress, None, ExportReport]:
    """Do what `export_poses` says, giving the progress on the way; errors of the request come at once."""
    check_media(samples)
    skeleton = _skeleton_of(samples, request)
    path = path.absolute()
    check_writable(path, overwrite=request.overwrite)
    names = {"poses": (request.pose_field, None), "corrections": (None, _corrected(request))}
    predicted, corrected = names.get(request.what, (request.pose_field, _corrected(request)))
    if corrected is not None and samples.get_field(corrected) is None:
        if predicted is None:
            raise FieldError(
                f"there is no field {corrected!r}: nothing in {request.pose_field!r} was corrected or "
                "accepted yet"
            )
        corrected = None
    plan = ExportPlan(
        path=path,
        predicted=predicted,
        corrected=corrected,
        keypoint_names=tuple(BODY_NAMES) if _has_parts(request) else skeleton.keypoint_names,
        edges=_edges(skeleton, request),
        parts=_has_parts(request),
        results=request.format.endswith("results"),
        min_confidence=request.min_confidence,
        images_root=request.images_root,
        overwrite=request.overwrite,
    )
    return export_steps(samples, plan, time.monotonic())


def exportable_fields(samples: fo.Dataset | fo.DatasetView) -> dict[str, bool]:
    """List the fields of named keypoints, each with whether its skeleton is COCO-WholeBody's.

    Corrections are exported by the field that they belong to.
    """
    import fiftyone as fo

    schema = samples.get_field_schema(ftype=fo.EmbeddedDocumentField, embedded_doc_type=fo.Keypoints)
    found = {}
    for name in schema:
        if name.removesuffix("_corrected") in schema and name.endswith("_corrected"):
            continue
        try:
            found[name] = _is_wholebody(read_skeleton(samples, name))
        except FieldError:
            continue
    return found


def _corrected(request: ExportRequest) -> str:
    return PoseFields(request.pose_field).corrected


def _has_parts(request: ExportRequest) -> bool:
    return request.format.startswith("coco_wholebody")


def _is_wholebody(skeleton: Skeleton) -> bool:
    return len(skeleton) == WHOLEBODY_KEYPOINTS and list(skeleton.keypoint_names[:17]) == BODY_NAMES


def _skeleton_of(samples: Any, request: ExportRequest) -> Skeleton:
    field = _corrected(request) if request.what == "corrections" else request.pose_field
    try:
        skeleton = read_skeleton(samples, field)
    except FieldError:  # corrections are drawn with the skeleton of what they correct, where they have none
        skeleton = read_skeleton(samples, request.pose_field)
    if _has_parts(request) and not _is_wholebody(skeleton):
        raise FieldError(
            f"field {request.pose_field!r} has {len(skeleton)} keypoints that are not COCO-WholeBody's 133: "
            "export "
            f"it as {'coco_results' if request.format.endswith('results') else 'coco'}"
        )
    return skeleton


def _edges(skeleton: Skeleton, request: ExportRequest) -> tuple[tuple[int, int], ...]:
    """Give the edges; of COCO-WholeBody's those of the body, whose keypoints its category names."""
    last = PARTS["body"][1] if _has_parts(request) else len(skeleton)
    return tuple((a, b) for a, b in skeleton.edges if a < last and b < last)
