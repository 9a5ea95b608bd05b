"""Carry an export out: first the images' names and sizes, then their people, each in one pass."""

from __future__ import annotations

import itertools
import os
import re
import time
from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any

from fo_pose_plugin.core.annotation import PersonAnnotation
from fo_pose_plugin.core.wording import n_images
from fo_pose_plugin.dataset.fiftyone_internals import raw_samples, root_dataset
from fo_pose_plugin.dataset.pose_records import person_of
from fo_pose_plugin.errors import ImageReadError, InputError
from fo_pose_plugin.formats import coco_entries
from fo_pose_plugin.formats.atomic_file import write_atomically
from fo_pose_plugin.formats.json_writer import JsonWriter
from fo_pose_plugin.tasks.exchange_folders import shown_size
from fo_pose_plugin.tasks.exchange_progress import ExchangeProgress
from fo_pose_plugin.tasks.sample_sizes import SIZE_PATHS, sample_size

if TYPE_CHECKING:
    import fiftyone as fo

__all__ = ["ExportPlan", "ExportReport", "export_steps"]

# Reading names and sizes takes about a third of the time.
SHARE_OF_IMAGES = 0.3
SAMPLES_PER_STEP = 50
REJECTED = "rejected"
PERSON = "person"


@dataclass(frozen=True, slots=True)
class ExportPlan:
    """An export that was checked.

    Args:
        path: The file, absolute.
        predicted: The field whose people are exported, or None.
        corrected: The field whose people come before those, or None.
        keypoint_names: The category's.
        edges: The category's, from 0.
        parts: Whether the people's keypoints are spread over COCO-WholeBody's fields.
        results: Whether to write a list of results.
        min_confidence: See `export_poses`.
        images_root: See `export_poses`.
        overwrite: See `export_poses`.
    """

    path: Path
    predicted: str | None
    corrected: str | None
    keypoint_names: tuple[str, ...]
    edges: tuple[tuple[int, int], ...]
    parts: bool
    results: bool
    min_confidence: float | None
    images_root: Path | None
    overwrite: bool

    @property
    def fields(self) -> tuple[str, ...]:
        """The fields that hold the people."""
        return tuple(name for name in (self.predicted, self.corrected) if name is not None)


@dataclass(frozen=True, slots=True)
class ExportReport:
    """What an export wrote.

    Args:
        path: The file.
        samples: Images in it, those with nobody on them too.
        people: People in it.
        left_out: People that were rejected, or of whom no keypoint was confident enough.
        unlabelled: Samples that were left out because the field was never filled.
        failures: Samples that were left out because of their image, by id, and why.
        size_bytes: The file's size.
        seconds: How long it took.
    """

    path: str
    samples: int
    people: int
    left_out: int
    unlabelled: int
    failures: Mapping[str, str]
    size_bytes: int
    seconds: float

    @property
    def size(self) -> str:
        """The file's size in words."""
        return shown_size(self.size_bytes)


@dataclass(slots=True)
class _Images:
    """What the first pass found: sample ids in order, with file paths, image ids and sizes."""

    paths: dict[str, str] = field(default_factory=dict)
    sizes: dict[str, tuple[int, int]] = field(default_factory=dict)
    ids: dict[str, int] = field(default_factory=dict)
    labels: set[str] = field(default_factory=set)
    annotation_ids: set[int] = field(default_factory=set)
    failures: dict[str, str] = field(default_factory=dict)
    unlabelled: int = 0


@dataclass(slots=True)
class _Count:
    people: int = 0
    left_out: int = 0


def export_steps(
    samples: fo.Dataset | fo.DatasetView, plan: ExportPlan, began: float
) -> Generator[ExchangeProgress, None, ExportReport]:
    """Write the file, giving the progress on the way."""
    images = yield from _read_images(samples, plan)
    names = _file_names(images.paths, plan.images_root)
    categories = {label: index for index, label in enumerate(_ordered(images.labels), start=1)}
    with write_atomically(plan.path, overwrite=plan.overwrite) as out:
        writer = JsonWriter(out)
        if plan.results:
            writer.begin_list()
        else:
            _write_head(writer, samples, images, names, plan, categories)
            writer.begin_list("annotations")
        count = yield from _write_people(writer, samples, plan, images, categories)
        writer.end_list()
        writer.end()
    return ExportReport(
        path=str(plan.path),
        samples=len(images.ids),
        people=count.people,
        left_out=count.left_out,
        unlabelled=images.unlabelled,
        failures=images.failures,
        size_bytes=plan.path.stat().st_size,
        seconds=time.monotonic() - began,
    )


def _read_images(
    samples: fo.Dataset | fo.DatasetView, plan: ExportPlan
) -> Generator[ExchangeProgress, None, _Images]:
    """Learn what stands before the people in the file: names, sizes, ids and categories."""
    images, total = _Images(), max(len(samples), 1)
    known_ids: dict[str, int] = {}
    paths = [*SIZE_PATHS, "coco_id"]
    for name in plan.fields:
        paths += [f"{name}.keypoints.{what}" for what in ("bounding_box", "crop", "label", "coco_id")]
        paths.append(f"{name}._cls")  # is there although nobody is
    for done, sample in enumerate(raw_samples(samples, paths)):
        if done % SAMPLES_PER_STEP == 0:
            yield _progress("reading images", done, total, 0.0, SHARE_OF_IMAGES)
        people = [person for name in plan.fields for person in _keypoints(sample.get(name))]
        if all(sample.get(name) is None for name in plan.fields):
            images.unlabelled += 1
            continue
        sample_id = str(sample["_id"])
        try:
            images.sizes[sample_id] = sample_size(sample, people)
        except ImageReadError as error:
            images.failures[sample_id] = str(error)
            continue
        images.paths[sample_id] = sample["filepath"]
        if _is_id(sample.get("coco_id")):
            known_ids[sample_id] = sample["coco_id"]
        images.labels.update(str(person.get("label") or PERSON) for person in people)
        images.annotation_ids.update(p["coco_id"] for p in people if _is_id(p.get("coco_id")))
    images.ids = _image_ids(images.paths, known_ids)
    return images


def _image_ids(paths: Mapping[str, str], known: Mapping[str, int]) -> dict[str, int]:
    """Give each sample an image id: its own, else the number it is called by, as COCO's are, else the next.

    An id that several samples bear is the first one's.
    """
    found = dict(known)
    stems = {sample_id: PurePath(path).stem for sample_id, path in paths.items()}
    if not known and all(re.fullmatch(r"[0-9]{1,15}", stem) for stem in stems.values()):
        found = {sample_id: int(stem) for sample_id, stem in stems.items()}
    ids: dict[str, int] = {}
    taken: set[int] = set()
    following = itertools.count(max(found.values(), default=0) + 1)
    for sample_id in paths:
        image_id = found.get(sample_id)
        ids[sample_id] = next(following) if image_id is None or image_id in taken else image_id
        taken.add(ids[sample_id])
    return ids


def _file_names(paths: Mapping[str, str], root: Path | None) -> dict[str, str]:
    """Give each image's name below the folder that all share, or a given one, with slashes.

    Raises:
        InputError: If an image lies elsewhere.
    """
    folders = {os.path.dirname(path) for path in paths.values()}  # noqa: PTH120 - 100,000 of them
    base = str(root) if root is not None else os.path.commonpath(folders) if folders else ""
    names = {}
    for sample_id, path in paths.items():
        if not PurePath(path).is_relative_to(base):
            raise InputError(
                f"image {path} does not lie below images_root={base}: name a folder that holds all"
            )
        names[sample_id] = PurePath(path).relative_to(base).as_posix()
    return names


def _write_head(
    writer: JsonWriter,
    samples: fo.Dataset | fo.DatasetView,
    images: _Images,
    names: Mapping[str, str],
    plan: ExportPlan,
    categories: Mapping[str, int],
) -> None:
    writer.part(
        "info", {"description": f"{plan.fields[-1]} of FiftyOne dataset {root_dataset(samples).name}"}
    )
    listed = [
        coco_entries.category_of(label, category_id, plan.keypoint_names, plan.edges)
        for label, category_id in categories.items()
    ]
    writer.part("categories", listed)
    writer.begin_list("images")
    for sample_id, image_id in images.ids.items():
        width, height = images.sizes[sample_id]
        writer.entry({"id": image_id, "file_name": names[sample_id], "width": width, "height": height})
    writer.end_list()


def _write_people(
    writer: JsonWriter,
    samples: fo.Dataset | fo.DatasetView,
    plan: ExportPlan,
    images: _Images,
    categories: Mapping[str, int],
) -> Generator[ExchangeProgress, None, _Count]:
    count, total = _Count(), max(len(samples), 1)
    taken: set[int] = set()
    following = itertools.count(max(images.annotation_ids, default=0) + 1)
    for done, sample in enumerate(raw_samples(samples, plan.fields)):
        if done % SAMPLES_PER_STEP == 0:
            yield _progress("writing people", done, total, SHARE_OF_IMAGES, 1.0)
        sample_id = str(sample["_id"])
        if sample_id not in images.ids:
            continue
        for person in _people_of(sample, plan, images.sizes[sample_id], count):
            count.people += 1
            place = (images.ids[sample_id], categories.get(person.label, 1))
            if plan.results:
                writer.entry(coco_entries.result_of(person, *place, parts=plan.parts))
                continue
            own = person.coco_id
            annotation_id = next(following) if own is None or own in taken else own
            taken.add(annotation_id)
            writer.entry(coco_entries.annotation_of(person, annotation_id, *place, parts=plan.parts))
    return count


def _people_of(
    sample: Mapping[str, Any], plan: ExportPlan, size_wh: tuple[int, int], count: _Count
) -> Iterator[PersonAnnotation]:
    """Give a sample's people: corrections first, then predictions that nobody has corrected or rejected."""
    corrected = _keypoints(sample.get(plan.corrected)) if plan.corrected is not None else []
    replaced = {person.get("source_id") for person in corrected}
    for values in corrected:
        if values.get("status") == REJECTED:
            count.left_out += 1
        else:
            yield person_of(values, size_wh)
    predicted = _keypoints(sample.get(plan.predicted)) if plan.predicted is not None else []
    for values in predicted:
        if str(values.get("_id")) in replaced:
            continue
        person = person_of(values, size_wh, min_confidence=plan.min_confidence)
        # Whoever has no keypoint is ground truth that evaluations ignore; in results they would be a mistake.
        if not person.labelled and (plan.results or plan.min_confidence is not None):
            count.left_out += 1
        else:
            yield person


def _keypoints(label: Mapping[str, Any] | None) -> list[dict[str, Any]]:
    return list((label or {}).get("keypoints") or ())


def _ordered(labels: set[str]) -> list[str]:
    """Order the categories: "person" is 1, as in COCO."""
    return sorted(labels or {PERSON}, key=lambda label: (label != PERSON, label))


def _is_id(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _progress(stage: str, done: int, total: int, begin: float, end: float) -> ExchangeProgress:
    return ExchangeProgress(stage, begin + (end - begin) * done / total, f"{done:,} of {n_images(total)}")
