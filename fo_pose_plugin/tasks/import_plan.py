"""What a file of annotations means in a dataset: which samples, which skeleton, which categories."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any

from fo_pose_plugin.core.annotation import BODY_NAMES, WHOLEBODY_KEYPOINTS
from fo_pose_plugin.core.skeleton import Skeleton
from fo_pose_plugin.dataset.annotation_writer import IMAGE_ID
from fo_pose_plugin.dataset.fiftyone_internals import raw_samples
from fo_pose_plugin.errors import FormatError, ImageReadError
from fo_pose_plugin.formats import coco
from fo_pose_plugin.formats.coco import CocoImage
from fo_pose_plugin.formats.coco_reader import CocoHeader, read_entries, read_header
from fo_pose_plugin.formats.json_stream import JsonFile
from fo_pose_plugin.models.known_skeletons import known_skeletons
from fo_pose_plugin.tasks.image_matching import ImageIndex, path_below
from fo_pose_plugin.tasks.problems import Problems
from fo_pose_plugin.tasks.sample_sizes import SIZE_PATHS, sample_size

if TYPE_CHECKING:
    import fiftyone as fo

__all__ = ["ImportPlan", "Target", "plan_annotations", "plan_results"]

PERSON = "person"


@dataclass(frozen=True, slots=True)
class Target:
    """Where an image's people go.

    Args:
        sample_id: The sample; None where it is to be added.
        filepath: The image's file.
        size_wh: What the people's pixels are relative to.
    """

    sample_id: str | None
    filepath: str
    size_wh: tuple[int, int]


@dataclass(frozen=True, slots=True)
class ImportPlan:
    """What is to be imported.

    Args:
        results: Whether the file is a list of results.
        targets: By image id.
        listed: The ids of all images that the file lists; empty for results.
        keypoints: How many keypoints people have.
        skeleton: Their names and edges.
        labels: The categories that are imported, by id; None takes all as "person".
        known_categories: The ids of all categories of the file.
    """

    results: bool
    targets: Mapping[int, Target]
    listed: frozenset[int]
    keypoints: int
    skeleton: Skeleton
    labels: Mapping[int, str] | None
    known_categories: frozenset[int]


def plan_annotations(
    dataset: fo.Dataset, file: JsonFile, images: Path | None, problems: Problems
) -> ImportPlan:
    """Plan the import of a file of annotations.

    Raises:
        FormatError: If it lists no images, or no category with keypoints.
    """
    header = read_header(file)
    for kind, example in header.problems:
        problems.add(kind, example)
    return ImportPlan(
        results=False,
        targets=_match(dataset, header.images, images, problems),
        listed=frozenset(header.images),
        keypoints=header.keypoints,
        skeleton=_file_skeleton(header),
        labels={i: category.name for i, category in header.categories.items()},
        known_categories=frozenset(header.all_categories),
    )


def plan_results(dataset: fo.Dataset, file: JsonFile, pose_field: str, problems: Problems) -> ImportPlan:
    """Plan the import of a list of results: its images are known by their ids alone.

    Raises:
        FormatError: If it is empty, or its number of keypoints is no known skeleton's.
    """
    first = next(iter(read_entries(file, results=True)), None)
    if first is None:
        raise FormatError(f"{file.name} is an empty list: there is nothing to import")
    flat = first.get("keypoints")
    if not isinstance(flat, list) or not flat or len(flat) % 3:
        raise FormatError(f"{file.name}: its first result has no keypoints of three numbers each")
    keypoints = WHOLEBODY_KEYPOINTS if coco.has_parts(first) else len(flat) // 3
    return ImportPlan(
        results=True,
        targets=_by_image_id(dataset, problems),
        listed=frozenset(),
        keypoints=keypoints,
        skeleton=_skeleton_of_results(dataset, pose_field, keypoints),
        labels=None,
        known_categories=frozenset(),
    )


def _file_skeleton(header: CocoHeader) -> Skeleton:
    names, edges = header.keypoint_names, header.edges
    if header.keypoints != len(names):
        known = known_skeletons()["coco_wholebody"]
        names, edges = known.keypoint_names, known.edges
    return _skeleton(names, edges)


def _skeleton_of_results(dataset: fo.Dataset, pose_field: str, keypoints: int) -> Skeleton:
    own = dataset.skeletons.get(pose_field) or dataset.default_skeleton
    if own is not None and len(own.labels or ()) == keypoints:
        return _skeleton(own.labels, [(a, b) for line in own.edges or () for a, b in pairwise(line)])
    known = {len(BODY_NAMES): "coco", WHOLEBODY_KEYPOINTS: "coco_wholebody"}
    if keypoints not in known:
        raise FormatError(
            f"the results have {keypoints} keypoints, and nothing says which: set "
            f"dataset.skeletons[{pose_field!r}] = "
            "fo.KeypointSkeleton(labels=[...], edges=[...]) first"
        )
    return known_skeletons()[known[keypoints]]


def _skeleton(names: Iterable[str], edges: Iterable[tuple[int, int]]) -> Skeleton:
    """Make a skeleton whose sides do not matter here."""
    listed = tuple(names)
    return Skeleton("file", listed, tuple(edges), tuple(range(len(listed))))


def _match(
    dataset: fo.Dataset, images: Mapping[int, CocoImage], folder: Path | None, problems: Problems
) -> dict[int, Target]:
    """Find the images' samples; those that have none are looked for in the folder."""
    samples = {str(sample["_id"]): sample for sample in raw_samples(dataset, SIZE_PATHS)}
    index = ImageIndex(
        ((sample_id, sample["filepath"]) for sample_id, sample in samples.items()),
        (image.file_name for image in images.values()),
    )
    targets: dict[int, Target] = {}
    taken: set[str] = set()
    for image_id, image in images.items():
        found = index.find(image.file_name)
        if len(found) > 1:
            problems.add("images that several samples may be: left out", image.file_name)
            continue
        target = (
            _sample_target(samples[found[0]], image, problems)
            if found
            else _new_target(image, folder, problems)
        )
        if target is None:
            continue
        if target.filepath in taken:
            problems.add("images that the file lists twice: the first is taken", image.file_name)
            continue
        taken.add(target.filepath)
        targets[image_id] = target
    return targets


def _sample_target(sample: Mapping[str, Any], image: CocoImage, problems: Problems) -> Target | None:
    size_wh = image.size_wh
    metadata = sample.get("metadata") or {}
    known = (metadata.get("width"), metadata.get("height"))
    if size_wh is not None and None not in known and known != size_wh:
        problems.add(
            "images that have another size in the file than in the dataset: placed relative to the file's",
            f"{image.file_name}: {size_wh[0]}x{size_wh[1]}, not {known[0]}x{known[1]}",
        )
    try:
        return Target(str(sample["_id"]), sample["filepath"], size_wh or sample_size(sample))
    except ImageReadError:
        problems.add("images whose size neither the file nor the image tells: left out", image.file_name)
        return None


def _new_target(image: CocoImage, folder: Path | None, problems: Problems) -> Target | None:
    if folder is None:
        problems.add("images that the dataset does not have: left out", image.file_name)
        return None
    path = path_below(folder.absolute(), image.file_name)
    if path is None:
        problems.add("images whose names lead out of the images' folder: left out", image.file_name)
        return None
    if not path.is_file():
        problems.add("images missing on disk: left out", image.file_name)
        return None
    try:
        return Target(None, str(path), image.size_wh or sample_size({"filepath": str(path)}))
    except ImageReadError:
        problems.add("images whose size neither the file nor the image tells: left out", image.file_name)
        return None


def _by_image_id(dataset: fo.Dataset, problems: Problems) -> dict[int, Target]:
    """Find samples by image id: their own, or as COCO does the number that their files are called by."""
    samples = list(raw_samples(dataset, [*SIZE_PATHS, IMAGE_ID]))
    own = [sample.get(IMAGE_ID) for sample in samples]
    if not any(isinstance(image_id, int) for image_id in own):
        stems = [PurePath(sample["filepath"]).stem for sample in samples]
        own = [int(stem) if re.fullmatch(r"[0-9]{1,15}", stem) else None for stem in stems]
    targets: dict[int, Target] = {}
    for sample, image_id in zip(samples, own, strict=True):
        if not isinstance(image_id, int):
            continue
        if image_id in targets:
            problems.add("image ids that several samples bear: the first is taken", str(image_id))
            continue
        try:
            targets[image_id] = Target(str(sample["_id"]), sample["filepath"], sample_size(sample))
        except ImageReadError as error:
            problems.add("images whose size cannot be told: left out", str(error))
    return targets
