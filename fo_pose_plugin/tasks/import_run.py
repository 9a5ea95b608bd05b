"""Carry an import out: the file's images are matched, its people read and sorted, and then written."""

from __future__ import annotations

import time
from collections.abc import Generator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, final

from fo_pose_plugin.core.annotation import PARTS, PersonAnnotation
from fo_pose_plugin.core.wording import n_images
from fo_pose_plugin.dataset.annotation_writer import AnnotationWriter, check_import_fields
from fo_pose_plugin.dataset.labels import PoseFields, set_skeleton
from fo_pose_plugin.dataset.pose_records import keypoint_values
from fo_pose_plugin.errors import AnnotationError
from fo_pose_plugin.formats import coco
from fo_pose_plugin.formats.coco_reader import is_results, read_entries
from fo_pose_plugin.formats.json_stream import JsonFile
from fo_pose_plugin.tasks.annotation_spool import AnnotationSpool, open_spool
from fo_pose_plugin.tasks.exchange_progress import ExchangeProgress
from fo_pose_plugin.tasks.import_plan import ImportPlan, Target, plan_annotations, plan_results
from fo_pose_plugin.tasks.problems import Problem, Problems

if TYPE_CHECKING:
    import fiftyone as fo

__all__ = ["ImportReport", "ImportRun"]

PERSON = "person"
PEOPLE_PER_STEP = 500
SAMPLES_PER_STEP = 64
# Shares of the time: the lists of images, the people, and writing.
LISTED, READ = 0.1, 0.4


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What an import did.

    Args:
        samples: Samples whose field was written, those with nobody on them too.
        people: People in them.
        added: Samples that were added to the dataset.
        pose_field: The field.
        boxes_field: The field of the people's boxes, or None.
        problems: What was left out, or is odd, each kind with its count and its first cases.
        not_kept: How many annotations have something that is not imported, such as outlines, by its name.
        seconds: How long it took.
    """

    samples: int
    people: int
    added: int
    pose_field: str
    boxes_field: str | None
    problems: tuple[Problem, ...]
    not_kept: Mapping[str, int]
    seconds: float

    @property
    def left_out(self) -> int:
        """How many images, people and categories were left out."""
        return sum(problem.count for problem in self.problems if problem.is_left_out)


@final
class ImportRun:
    """One import.

    Args:
        dataset: The dataset.
        file: The open file.
        fields: The pose field and its companions.
        images: The folder of images that may be added, or None.
        boxes: Whether to write the people's boxes.
        overwrite: Whether to replace what the field holds for the file's images.
    """

    def __init__(
        self,
        dataset: fo.Dataset,
        file: JsonFile,
        fields: PoseFields,
        images: Path | None,
        *,
        boxes: bool,
        overwrite: bool,
    ) -> None:
        self._dataset = dataset
        self._file = file
        self._fields = fields
        self._images = images
        self._boxes = boxes
        self._overwrite = overwrite
        self._problems = Problems()
        self._not_kept: dict[str, int] = {}
        self._ids: set[int] = set()

    def steps(self, began: float) -> Generator[ExchangeProgress, None, ImportReport]:
        """Import, giving the progress on the way; nothing is written before the whole file was read."""
        yield ExchangeProgress("reading the list of images", 0.0)
        results = is_results(self._file)
        if results:
            plan = plan_results(self._dataset, self._file, self._fields.poses, self._problems)
        else:
            plan = plan_annotations(self._dataset, self._file, self._images, self._problems)
        boxes = self._boxes and not results  # results have none
        names = plan.skeleton.keypoint_names
        check_import_fields(self._dataset, self._fields, names, boxes=boxes, overwrite=self._overwrite)
        with open_spool() as spool:
            yield from self._read_people(plan, spool)
            sample_ids = self._add_images(plan)
            set_skeleton(self._dataset, self._fields.poses, plan.skeleton)
            samples = yield from self._write(
                plan, spool, sample_ids, AnnotationWriter(self._dataset, self._fields, boxes=boxes)
            )
            people = len(spool)
        return ImportReport(
            samples=samples,
            people=people,
            added=sum(target.sample_id is None for target in plan.targets.values()),
            pose_field=self._fields.poses,
            boxes_field=self._fields.boxes if boxes else None,
            problems=tuple(self._problems),
            not_kept=dict(self._not_kept),
            seconds=time.monotonic() - began,
        )

    def _read_people(
        self, plan: ImportPlan, spool: AnnotationSpool
    ) -> Generator[ExchangeProgress, None, None]:
        for number, raw in enumerate(read_entries(self._file, results=plan.results)):
            if number % PEOPLE_PER_STEP == 0:
                fraction = LISTED + (READ - LISTED) * self._file.fraction
                yield ExchangeProgress("reading people", fraction, f"{number:,}")
            try:
                image_id, person = self._person(plan, raw)
            except AnnotationError as error:
                self._problems.add(f"{error.kind}: left out", error.detail)
                continue
            target = plan.targets[image_id]
            self._note(plan, raw, person, target)
            values = keypoint_values(person, target.size_wh, predicted=plan.results)
            spool.add(str(image_id), values)

    def _person(self, plan: ImportPlan, raw: Mapping[str, Any]) -> tuple[int, PersonAnnotation]:
        """Read an entry.

        Raises:
            AnnotationError: If it belongs to no image or category that is imported, or cannot be read.
        """
        image_id, category, own = raw.get("image_id"), raw.get("category_id"), raw.get("id")
        named = f"annotation {own}" if isinstance(own, int) else f"an annotation of image {image_id!r:.40}"
        if not isinstance(image_id, int) or image_id not in plan.targets:
            listed = isinstance(image_id, int) and image_id in plan.listed
            if listed:
                raise AnnotationError("people on images that are left out", named)
            owner = "the dataset does not have" if plan.results else "the file does not list"
            raise AnnotationError(f"people on images that {owner}", named)
        if plan.results:
            return image_id, coco.parse_result(raw, PERSON, plan.keypoints)
        labels = plan.labels or {}
        if not isinstance(category, int) or category not in labels:
            known = isinstance(category, int) and category in plan.known_categories
            what = "categories with other keypoints, or none" if known else "unknown categories"
            raise AnnotationError(f"annotations of {what}", named)
        if isinstance(own, int) and own in self._ids:
            raise AnnotationError("annotation ids that come twice, of which the first is taken", named)
        person = coco.parse_person(raw, labels[category], plan.keypoints)
        if person.coco_id is not None:
            self._ids.add(person.coco_id)
        return image_id, person

    def _note(
        self, plan: ImportPlan, raw: Mapping[str, Any], person: PersonAnnotation, target: Target
    ) -> None:
        """Count what is odd of a person that is imported, and what of it is not."""
        named = f"annotation {person.coco_id}" if person.coco_id is not None else f"image {raw['image_id']}"
        outside = person.outside(target.size_wh)
        if outside:
            self._problems.add("people with keypoints outside the image: kept", named)
        if plan.results:
            return
        last = PARTS["body"][1] if coco.has_parts(raw) else len(person)
        labelled = sum(v > 0 for v in person.visibility[:last])
        if person.num_keypoints not in {None, labelled}:
            self._problems.add(
                "people whose num_keypoints is not the number of labelled keypoints: kept", named
            )
        for name in raw.keys() - coco.KEPT_KEYS:
            self._not_kept[name] = self._not_kept.get(name, 0) + 1

    def _add_images(self, plan: ImportPlan) -> dict[int, str]:
        """Add the samples that are missing, and give the sample of each image."""
        import fiftyone as fo

        new = {image_id: t for image_id, t in plan.targets.items() if t.sample_id is None}
        samples = [
            fo.Sample(filepath=t.filepath, metadata=fo.ImageMetadata(width=t.size_wh[0], height=t.size_wh[1]))
            for t in new.values()
        ]
        added = self._dataset.add_samples(samples, progress=False) if samples else []
        known = {i: t.sample_id for i, t in plan.targets.items() if t.sample_id is not None}
        return known | dict(zip(new, map(str, added), strict=True))

    def _write(
        self,
        plan: ImportPlan,
        spool: AnnotationSpool,
        sample_ids: Mapping[int, str],
        writer: AnnotationWriter,
    ) -> Generator[ExchangeProgress, None, int]:
        remaining = dict(sample_ids)
        total = max(len(remaining), 1)
        if plan.results:  # nobody is said to be absent from the other images
            total = max(len(spool), 1)
        done = 0
        for image, people in spool.by_sample():
            image_id = int(image)
            writer.add(remaining.pop(image_id), None if plan.results else image_id, people)
            done += 1
            if done % SAMPLES_PER_STEP == 0:
                yield ExchangeProgress(
                    "writing", READ + (1 - READ) * min(done / total, 1), f"{n_images(done)}"
                )
        if not plan.results:
            for image_id, sample_id in remaining.items():
                writer.add(sample_id, image_id, [])
                done += 1
        writer.flush()
        return done
