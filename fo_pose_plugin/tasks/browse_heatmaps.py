"""Look at one sample's people one by one: each person's crop and all heatmaps, without the model.

Spaces, in xy order with the origin at the centre of the top-left pixel:
    image_px    the photo as it is shown (EXIF rotation applied)
    heatmap_px  a model's output
    picture_px  the picture of a person's crop that is given here
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import numpy.typing as npt

from fo_pose_plugin.core.crop import Crop, crop_affine
from fo_pose_plugin.core.skeleton import Skeleton
from fo_pose_plugin.dataset.fiftyone_internals import all_samples, read_run_config
from fo_pose_plugin.dataset.labels import read_skeleton
from fo_pose_plugin.dataset.runs import list_runs
from fo_pose_plugin.errors import FieldError, HeatmapError, ImageReadError, InputError
from fo_pose_plugin.heatmaps import overlay, pictures
from fo_pose_plugin.inference.crops import cut_crops
from fo_pose_plugin.inference.images import read_image
from fo_pose_plugin.tasks.kept_heatmaps import load_heatmaps

if TYPE_CHECKING:
    import fiftyone as fo

__all__ = [
    "HeatmapPictures",
    "PersonOutline",
    "PersonPicture",
    "SamplePeople",
    "fields_with_heatmaps",
    "list_people",
    "read_person",
]

UInt8: TypeAlias = npt.NDArray[np.uint8]
Float64: TypeAlias = npt.NDArray[np.float64]

PICTURE_HEIGHT_PX = 384
THUMBNAIL_HEIGHT_PX = 64
# Small people are enlarged at least to this, so that the affine's rounding stays invisible.
LEAST_HEIGHT_PX = 96
MAX_SUPERSAMPLING = 4
MAX_THUMBNAILS = 200


@dataclass(frozen=True, slots=True, repr=False)
class PersonOutline:
    """One person of the list.

    Args:
        label_id: The Keypoint's id.
        score: The person's, or None where no run made them.
        thumbnail: A small JPEG of the crop, or None where it cannot be made.
    """

    label_id: str
    score: float | None
    thumbnail: bytes | None


@dataclass(frozen=True, slots=True)
class SamplePeople:
    """Whom a sample holds in a pose field.

    Args:
        pose_fields: Every field that may hold poses with heatmaps, those of the newest runs first.
        pose_field: The one that was read.
        skeleton: Its skeleton.
        people: In the field's order.
    """

    pose_fields: tuple[str, ...]
    pose_field: str
    skeleton: Skeleton
    people: tuple[PersonOutline, ...]


@dataclass(frozen=True, slots=True)
class HeatmapPictures:
    """One person's heatmaps.

    Args:
        atlas: All K maps.
        scale_max: The value of a peak that the model is certain of: 1, or 255 for Megvii.
        heatmap_to_picture: (2, 3) affine from heatmap_px to picture_px.
        note: What whoever looks should know, or None.
    """

    atlas: pictures.HeatmapAtlas
    scale_max: float
    heatmap_to_picture: Float64
    note: str | None = None


@dataclass(frozen=True, slots=True, repr=False)
class PersonPicture:
    """One person: the crop as the model saw it, and what it found there.

    Args:
        jpeg: The crop.
        size_wh: Its size, picture_px.
        points: K points, picture_px; None where there is no point.
        confidence: K numbers; None where there is none.
        heatmaps: The heatmaps, or None where they cannot be shown.
        problem: Why not, or None.
    """

    jpeg: bytes
    size_wh: tuple[int, int]
    points: tuple[tuple[float, float] | None, ...]
    confidence: tuple[float | None, ...]
    heatmaps: HeatmapPictures | None
    problem: str | None = None


def list_people(dataset: fo.Dataset, sample_id: str, pose_field: str | None = None) -> SamplePeople:
    """List a sample's people as they stand in the database, whatever a view shows of them.

    Args:
        dataset: The dataset.
        sample_id: The sample.
        pose_field: The field with the poses; None for the first in which the sample holds people.

    Raises:
        InputError: If there is no such sample.
        FieldError: If there is no such field, none that may hold heatmaps, or it has no skeleton.
    """
    fields = fields_with_heatmaps(dataset)
    wanted = fields if pose_field is None else (pose_field,)
    if not wanted:
        raise FieldError(
            f"dataset {dataset.name!r} has no poses with heatmaps: run estimate_poses with keep_heatmaps"
        )
    _check_fields(dataset, wanted)
    sample = _read_sample(dataset, sample_id, wanted)
    field = next((field for field in wanted if sample[field] and sample[field].keypoints), wanted[0])
    skeleton = read_skeleton(dataset, field)
    keypoints = sample[field].keypoints if sample[field] else []
    thumbnails = _thumbnails(sample.filepath, keypoints)
    people = tuple(
        PersonOutline(keypoint.id, _number(_attribute(keypoint, "score")), thumbnail)
        for keypoint, thumbnail in zip(keypoints, thumbnails, strict=True)
    )
    return SamplePeople(fields, field, skeleton, people)


def read_person(dataset: fo.Dataset, sample_id: str, pose_field: str, label_id: str) -> PersonPicture:
    """Read one person from the database and the kept files.

    Args:
        dataset: The dataset.
        sample_id: The sample.
        pose_field: The field with the poses.
        label_id: The person's Keypoint.

    Returns:
        The person; where only the heatmaps cannot be shown, ``problem`` says why.

    Raises:
        InputError: If there is no such sample or person.
        FieldError: If there is no such field, or the person is none that a run made.
        ImageReadError: If the image cannot be read.
    """
    _check_fields(dataset, [pose_field])
    sample = _read_sample(dataset, sample_id, [pose_field], label_id)
    (keypoint,) = sample[pose_field].keypoints
    crop = _crop_of(keypoint)
    if crop is None:
        raise FieldError(f"person {label_id} in {pose_field!r} was made by no run: there is no crop to show")
    image = read_image(sample.filepath)
    picture, to_picture = _cut_picture(image, crop, PICTURE_HEIGHT_PX)
    heatmaps, problem = None, None
    try:
        heatmaps = _read_heatmaps(dataset, sample, pose_field, crop, to_picture)
    except HeatmapError as error:
        problem = str(error)
    size_wh = (image.shape[1], image.shape[0])
    return PersonPicture(
        jpeg=pictures.encode_jpeg(picture),
        size_wh=(picture.shape[1], picture.shape[0]),
        points=tuple(_to_picture(point, size_wh, to_picture) for point in keypoint.points),
        confidence=tuple(_number(value) for value in keypoint.confidence or [None] * len(keypoint.points)),
        heatmaps=heatmaps,
        problem=problem,
    )


def fields_with_heatmaps(dataset: fo.Dataset) -> tuple[str, ...]:
    """Name the fields whose schema has a place for heatmaps, those that runs filled last first."""
    import fiftyone as fo

    schema = dataset.get_field_schema(ftype=fo.EmbeddedDocumentField, embedded_doc_type=fo.Keypoints)
    filled = [str(config.get("pose_field")) for config in reversed(list_runs(dataset).values())]
    return tuple(
        field
        for field in dict.fromkeys([*filled, *schema])
        if field in schema and dataset.get_field(f"{field}.heatmaps_path") is not None
    )


def _check_fields(dataset: fo.Dataset, fields: Sequence[str]) -> None:
    for field in fields:
        read_skeleton(dataset, field)


def _read_sample(
    dataset: fo.Dataset, sample_id: str, fields: Sequence[str], label_id: str | None = None
) -> fo.SampleView:
    """Read a sample anew, with one person only where a label is named.

    A view's samples are read from the database each time; the dataset's own may be old ones.
    """
    view = all_samples(dataset).select(sample_id)
    if not len(view):
        raise InputError(f"dataset {dataset.name!r} has no sample {sample_id}; was it deleted?")
    view = view.select_fields(list(fields))
    if label_id is not None:
        view = view.select_labels(ids=[label_id], fields=list(fields))
        if not len(view):
            raise InputError(
                f"sample {sample_id} has no person {label_id} in {fields[0]}; were the poses replaced?"
            )
    return view.first()


def _read_heatmaps(
    dataset: fo.Dataset, sample: fo.SampleView, pose_field: str, crop: Crop, to_picture: Float64
) -> HeatmapPictures:
    (maps,) = load_heatmaps(sample, pose_field)
    keypoints = len(sample[pose_field].keypoints[0].points)
    if len(maps) != keypoints:
        raise HeatmapError(
            f"the file holds {len(maps)} heatmaps and the person {keypoints} keypoints: run estimate_poses "
            "again with overwrite"
        )
    details = (read_run_config(dataset, str(sample[pose_field].run_id)) or {}).get("details")
    codec = details.get("codec") if isinstance(details, Mapping) else None
    note = None
    if codec is None:
        note = "The run's record is gone: the maps may be painted half a heatmap pixel off."
    megvii = codec == "megvii"
    to_image = overlay.heatmap_to_image_affine(
        crop,
        (maps.shape[2], maps.shape[1]),
        udp=codec in {"udp", "udp_combined"},
        peak_shift_px=overlay.MEGVII_PEAK_SHIFT_PX if megvii else 0.0,
    )
    return HeatmapPictures(
        pictures.pack_atlas(maps), 255.0 if megvii else 1.0, _compose(to_picture, to_image), note
    )


def _thumbnails(filepath: str, keypoints: Sequence[fo.Keypoint]) -> list[bytes | None]:
    crops = [_crop_of(keypoint) for keypoint in keypoints]
    if not any(crops[:MAX_THUMBNAILS]):
        return [None] * len(crops)
    try:
        image = read_image(filepath)
    except ImageReadError:
        return [None] * len(crops)  # whoever looks at a person is told why
    return [
        pictures.encode_jpeg(_cut_picture(image, crop, THUMBNAIL_HEIGHT_PX)[0])
        if crop is not None and index < MAX_THUMBNAILS
        else None
        for index, crop in enumerate(crops)
    ]


def _cut_picture(image: UInt8, crop: Crop, most_height_px: int) -> tuple[UInt8, Float64]:
    """Cut a crop out as the model saw it, larger.

    Returns:
        The picture, (h, w, 3), and the (2, 3) affine from image_px to picture_px.
    """
    crop_width, crop_height = crop.scale_wh
    height = min(max(round(crop_height), LEAST_HEIGHT_PX), most_height_px)
    width = min(max(round(height * crop_width / crop_height), 1), 2 * most_height_px)
    # Sampled finer than it is shown, and averaged: large people would be full of jagged edges.
    finer = min(max(math.ceil(crop_height / height), 1), MAX_SUPERSAMPLING)
    fine_wh = (width * finer, height * finer)
    (fine,) = cut_crops(image, [crop], fine_wh, udp=False)
    affine = crop_affine(crop, fine_wh, udp=False)
    affine[:, 2] += 0.5
    affine /= finer
    affine[:, 2] -= 0.5
    return pictures.shrink(fine, finer), affine


def _compose(second: Float64, first: Float64) -> Float64:
    """Give the (2, 3) affine that applies ``first`` and then ``second``."""
    composed: Float64 = (np.vstack([second, (0, 0, 1)]) @ np.vstack([first, (0, 0, 1)]))[:2]
    return composed


def _to_picture(
    point_rel: Sequence[float], image_size_wh: tuple[int, int], to_picture: Float64
) -> tuple[float, float] | None:
    point = np.array([*np.multiply(point_rel, image_size_wh), 1.0])
    if not np.isfinite(point).all():
        return None
    x, y = to_picture @ point
    return float(x), float(y)


def _crop_of(keypoint: fo.Keypoint) -> Crop | None:
    values = _attribute(keypoint, "crop")
    numbers = [_number(value) for value in values] if isinstance(values, Sequence) else []
    if len(numbers) != 4 or any(value is None for value in numbers):
        return None
    cx, cy, w, h = (float(value or 0) for value in numbers)
    return Crop((cx, cy), (w, h)) if min(w, h) > 0 else None


def _attribute(keypoint: fo.Keypoint, name: str) -> object:
    return keypoint[name] if keypoint.has_field(name) else None


def _number(value: object) -> float | None:
    """Give a finite number, and None for whatever else stands in the database."""
    if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
        return float(value)
    return None
