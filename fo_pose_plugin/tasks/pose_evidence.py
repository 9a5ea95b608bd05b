"""The heatmaps of one person as the pose editor uses them: a picture of all, and their peaks as candidates.

Coordinate spaces: heatmaps are heatmap_px; candidates and ``heatmap_to_image`` are those of the editor,
continuous image_px as labels have them (relative times the image's size).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import numpy.typing as npt

from fo_pose_plugin.core.candidates import heatmap_candidates
from fo_pose_plugin.core.crop import Crop
from fo_pose_plugin.core.label_evidence import LEAST_BOX_IOU, pair_boxes
from fo_pose_plugin.core.skeleton import Skeleton
from fo_pose_plugin.dataset.corrections import SamplePeople, read_people
from fo_pose_plugin.dataset.fiftyone_internals import read_run_config
from fo_pose_plugin.dataset.labels import PoseFields, read_skeleton
from fo_pose_plugin.dataset.overlays import KeptPerson
from fo_pose_plugin.errors import HeatmapError, InputError
from fo_pose_plugin.heatmaps import overlay, pictures
from fo_pose_plugin.tasks.browse_heatmaps import fields_with_heatmaps
from fo_pose_plugin.tasks.editor_sample import pixel_size
from fo_pose_plugin.tasks.kept_heatmaps import read_heatmaps
from fo_pose_plugin.tasks.painted_overlays import codec_scale, person_crop

if TYPE_CHECKING:
    import fiftyone as fo

__all__ = ["Candidate", "PoseEvidence", "evidence_of", "read_pose_evidence"]

Float32: TypeAlias = npt.NDArray[np.float32]
Float64: TypeAlias = npt.NDArray[np.float64]
Box: TypeAlias = tuple[float, float, float, float]

# So near to the highest pixel the model's own decoding of it lies, which is what was shown before.
SAME_PEAK_PX = 1.5
RECORD_GONE = "The run's record is gone: the maps may be painted half a heatmap pixel off."


@dataclass(frozen=True, slots=True)
class Candidate:
    """One place where a keypoint may be.

    Args:
        xy: Where, image_px.
        value: The peak's height, of the codec's scale.
        share: The peak's height, of the map's highest.
    """

    xy: tuple[float, float]
    value: float
    share: float


@dataclass(frozen=True, slots=True)
class PoseEvidence:
    """What the model's heatmaps say of a person.

    Args:
        atlas: All K maps.
        scale_max: The value of a peak that the model is certain of: 1, or 255 for Megvii.
        heatmap_to_image: (2, 3) affine from heatmap_px to image_px.
        candidates: K tuples, each the strongest first.
        note: What whoever looks should know, or None.
        witness: Whose heatmaps these are, where not the person's own.
    """

    atlas: pictures.HeatmapAtlas
    scale_max: float
    heatmap_to_image: Float64
    candidates: tuple[tuple[Candidate, ...], ...]
    note: str | None = None
    witness: str | None = None


def read_pose_evidence(dataset: fo.Dataset, sample_id: str, pose_field: str, label_id: str) -> PoseEvidence:
    """Read a person's kept heatmaps; for one who has none, those of the nearest person who has.

    Args:
        dataset: The dataset.
        sample_id: The sample.
        pose_field: The field with the person.
        label_id: Their label.

    Raises:
        InputError: If there is no such sample or person.
        FieldError: If there is no such field.
        HeatmapError: If there are no heatmaps, or their file is missing, damaged or not where it may be.
    """
    skeleton = read_skeleton(dataset, pose_field)
    people = read_people(dataset, PoseFields(pose_field), sample_id)
    person = people.source(label_id)
    if person is None:
        raise InputError(
            f"sample {sample_id} has no person {label_id} in {pose_field}; were the poses replaced?"
        )
    if people.heatmaps_path is not None and isinstance(person.get("heatmap_index"), int):
        return _kept(dataset, people, person, range(len(skeleton)))
    return _witness(dataset, people, person, pose_field, skeleton)


def evidence_of(
    heatmaps: Float32,
    crop: Crop,
    codec: str | None,
    points_px: Sequence[tuple[float, float] | None],
    *,
    witness: str | None = None,
) -> PoseEvidence:
    """Turn one person's heatmaps into what the editor shows.

    Args:
        heatmaps: (K, h, w).
        crop: The person's.
        codec: The codec's kind; None where it is not known.
        points_px: K points that the model read from them, or None: the highest candidate is that point.
        witness: See `PoseEvidence`.
    """
    scale_max = codec_scale("megvii" if codec == "megvii" else "msra")
    affine = overlay.heatmap_to_image_affine(
        crop,
        (heatmaps.shape[2], heatmaps.shape[1]),
        udp=codec in {"udp", "udp_combined"},
        peak_shift_px=overlay.MEGVII_PEAK_SHIFT_PX if codec == "megvii" else 0.0,
    )
    reach = SAME_PEAK_PX * max(affine[0, 0], affine[1, 1])
    found = []
    for peaks, point in zip(heatmap_candidates(heatmaps, scale_max=scale_max), points_px, strict=True):
        places = [affine @ (*peak.xy, 1.0) for peak in peaks]
        if places and point is not None and np.hypot(*(places[0] - point)) <= reach:
            places[0] = np.asarray(point)
        found.append(
            tuple(
                Candidate((float(x), float(y)), peak.value, peak.share)
                for peak, (x, y) in zip(peaks, places, strict=True)
            )
        )
    note = RECORD_GONE if codec is None else None
    return PoseEvidence(pictures.pack_atlas(heatmaps), scale_max, affine, tuple(found), note, witness)


def _kept(
    dataset: fo.Dataset,
    people: SamplePeople,
    person: Mapping[str, Any],
    order: Sequence[int | None],
    witness: str | None = None,
) -> PoseEvidence:
    """Read the heatmaps of a person of a run, those of ``order``: None gives an empty one."""
    path = str(people.heatmaps_path)
    _, heatmaps = read_heatmaps(
        path,
        sample_id=people.sample_id,
        dataset=dataset,
        run_id=people.run_id,
        people=[int(person["heatmap_index"])],
    )
    maps = heatmaps[0]
    points = person.get("points") or []
    if len(maps) != len(points) or any(index is not None and index >= len(maps) for index in order):
        raise HeatmapError(
            f"{path} holds {len(maps)} heatmaps and the person {len(points)} keypoints: run estimate_poses "
            "again with overwrite"
        )
    (width, height), _, _ = pixel_size(people)
    crop = person_crop(KeptPerson(None, person.get("crop"), None))
    empty = np.zeros_like(maps[0])
    chosen = np.stack([empty if index is None else maps[index] for index in order])
    points_px = [None if index is None else _point_px(points[index], width, height) for index in order]
    return evidence_of(chosen, crop, _codec(dataset, people.run_id), points_px, witness=witness)


def _witness(
    dataset: fo.Dataset,
    people: SamplePeople,
    person: Mapping[str, Any],
    pose_field: str,
    skeleton: Skeleton,
) -> PoseEvidence:
    """Find the person of another field, with kept heatmaps, whose box overlaps best."""
    own = box_of(person)
    fields = [name for name in fields_with_heatmaps(dataset) if name != pose_field]
    for name in fields if own is not None else ():
        others = read_people(dataset, PoseFields(name), people.sample_id)
        kept = [one for one in others.sources if isinstance(one.get("heatmap_index"), int)]
        # All labels take part: who is nearer to another one is that one's witness.
        labels = [str(one.get("_id")) for one in people.sources]
        pairs = pair_boxes([box_of(one) for one in people.sources], [box_of(one) for one in kept])
        index = pairs.get(labels.index(str(person["_id"])))
        if index is None or others.heatmaps_path is None:
            continue
        names = read_skeleton(dataset, name).keypoint_names
        order = [names.index(one) if one in names else None for one in skeleton.keypoint_names]
        if all(one is None for one in order):
            continue
        said = f"heatmaps of the nearest person in {name!r}"
        return _kept(dataset, others, kept[index], order, said)
    raise HeatmapError(
        f"this person of {pose_field!r} has no heatmaps, and nobody with kept heatmaps overlaps the box by "
        f"{LEAST_BOX_IOU:g} or more: run estimate_poses with keep_heatmaps on the boxes of {pose_field!r}"
    )


def box_of(person: Mapping[str, Any]) -> Box | None:
    """Give a person's box, relative; what the points span where the label has none."""
    box = person.get("bounding_box")
    if isinstance(box, list) and len(box) == 4 and np.isfinite(box).all() and min(box[2:]) > 0:
        return (float(box[0]), float(box[1]), float(box[2]), float(box[3]))
    points = np.array(person.get("points") or (), dtype=np.float64).reshape(-1, 2)
    points = points[np.isfinite(points).all(axis=1)]
    if not len(points):
        return None
    (x, y), (x2, y2) = points.min(axis=0), points.max(axis=0)
    return (float(x), float(y), float(x2 - x), float(y2 - y))


def _codec(dataset: fo.Dataset, run_id: str | None) -> str | None:
    details = (read_run_config(dataset, str(run_id)) or {}).get("details")
    codec = details.get("codec") if isinstance(details, Mapping) else None
    return codec if isinstance(codec, str) else None


def _point_px(point: Sequence[float], width: int, height: int) -> tuple[float, float] | None:
    x, y = float(point[0]) * width, float(point[1]) * height
    return (x, y) if np.isfinite((x, y)).all() else None
