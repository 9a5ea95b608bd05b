"""One sample on its way through a run: from its file and boxes to the people cut out of it."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import numpy.typing as npt

from fo_pose_plugin.core.crop import crop_from_box, xywh_rel_to_xyxy_px
from fo_pose_plugin.dataset import labels
from fo_pose_plugin.dataset.boxes import PersonBox
from fo_pose_plugin.errors import BoxError, ImageReadError, ShapeError
from fo_pose_plugin.inference.detection import find_people
from fo_pose_plugin.inference.estimator import ImageCrops, cut_people
from fo_pose_plugin.inference.images import read_ahead, read_image

if TYPE_CHECKING:
    import fiftyone as fo

    from fo_pose_plugin.models.person_detector import PersonDetector
    from fo_pose_plugin.models.pose_network import NetworkSpec

__all__ = ["LoadedJob", "SampleJob", "cut_jobs", "load_jobs", "with_instances"]

UInt8: TypeAlias = npt.NDArray[np.uint8]

READ_WORKERS = 4
READ_AHEAD = 16
DETECTOR_BATCH = 4
DETECTOR_BATCH_GPU = 16
# What stands in for photos that could not be fetched is a pixel, or a line of them.
MIN_SIDE_PX = 2


@dataclass(slots=True)
class SampleJob:
    """What is known of one sample so far.

    Args:
        sample_id: The sample's id.
        filepath: Its image.
        boxes: Its people; a detector fills them in.
        known_ids: The ids that its poses had before, by ``box_id``.
        image_size_wh: Of the image as it is shown, once it was read.
        detections: What a detector found.
        errors: What went wrong with it or one of its people.
        failed: Whether the sample as a whole could not be used.
    """

    sample_id: str
    filepath: str
    boxes: list[PersonBox]
    known_ids: dict[str, str]
    image_size_wh: tuple[int, int] = (0, 0)
    detections: fo.Detections | None = None
    errors: list[str] = field(default_factory=list)
    failed: bool = False


@dataclass(frozen=True, slots=True)
class LoadedJob:
    """A job whose image was read: the people cut out, or the image where a detector is to find them."""

    job: SampleJob
    image_bgr: UInt8 | None = None
    crops: ImageCrops[SampleJob] | None = None


def load_jobs(
    jobs: Iterable[SampleJob], spec: NetworkSpec, *, with_images: bool
) -> Generator[LoadedJob, None, None]:
    """Read images ahead in threads; where the boxes are known, cut the people out there too.

    Args:
        jobs: The jobs.
        spec: The network's.
        with_images: Whether a detector needs the image.
    """

    def load(job: SampleJob) -> LoadedJob:
        if job.failed:
            return LoadedJob(job, crops=_no_people(job, spec))
        try:
            image = read_image(job.filepath)
        except ImageReadError as error:
            job.errors.append(str(error))
            job.failed = True
            return LoadedJob(job, crops=_no_people(job, spec))
        job.image_size_wh = width, height = (image.shape[1], image.shape[0])
        if min(width, height) < MIN_SIDE_PX:
            job.errors.append(
                f"image {job.filepath} has {width}x{height} pixels, too few to show anyone: put the photo in "
                "its place, or delete the sample"
            )
            job.failed = True
            return LoadedJob(job, crops=_no_people(job, spec))
        return LoadedJob(job, image) if with_images else LoadedJob(job, crops=_cut(job, image, spec))

    yield from read_ahead(jobs, load, workers=READ_WORKERS, ahead=READ_AHEAD)


def cut_jobs(
    loaded: Iterable[LoadedJob], detector: PersonDetector | None, threshold: float, spec: NetworkSpec
) -> Iterator[ImageCrops[SampleJob]]:
    """Give the people cut out of each image, in order; a detector finds them some images at a time."""
    stream = iter(loaded)
    batch_size = 1
    if detector is not None:
        batch_size = DETECTOR_BATCH_GPU if detector.device.startswith("cuda") else DETECTOR_BATCH
    while batch := list(islice(stream, batch_size)):
        waiting = [(item.job, item.image_bgr) for item in batch if item.image_bgr is not None]
        if detector is not None and waiting:
            found, fitting = find_people(detector, [image for _, image in waiting], min_score=threshold)
            batch_size = min(batch_size, fitting)
            for (job, _), people in zip(waiting, found, strict=True):
                job.detections, job.boxes = labels.make_boxes(people, job.image_size_wh)
        for item in batch:
            if item.crops is not None:
                yield item.crops
            elif item.image_bgr is not None:
                yield _cut(item.job, item.image_bgr, spec)


def _no_people(job: SampleJob, spec: NetworkSpec) -> ImageCrops[SampleJob]:
    width, height = spec.input_size_wh
    return ImageCrops(job, (), np.empty((0, height, width, 3), np.uint8))


def _cut(job: SampleJob, image: UInt8, spec: NetworkSpec) -> ImageCrops[SampleJob]:
    """Cut the job's people out; a box that cannot be used is noted and left out, the others go on."""
    usable, corners = [], []
    for box in job.boxes:
        try:
            bbox_xyxy = xywh_rel_to_xyxy_px(box.bbox_rel, job.image_size_wh)
            # Padded, and in the network's float32, a box may still turn out to be none.
            crop_from_box(bbox_xyxy, spec.input_size_wh, spec.padding)
        except BoxError as error:
            job.errors.append(_about(box, str(error)))
        except ShapeError:
            given = len(box.bbox_rel)
            what = f"a box has {given} numbers, expected x, y, width, height relative to the image"
            job.errors.append(_about(box, what))
        else:
            usable.append(box)
            corners.append(bbox_xyxy)
    job.boxes = usable
    return cut_people(job, image, corners, spec)


def _about(box: PersonBox, what: str) -> str:
    if box.box_id is None:
        return what
    return f"{what} (Detection {box.box_id}): mend or delete that box"


def with_instances(boxes: list[PersonBox]) -> tuple[list[PersonBox], dict[str, str]]:
    """Give an instance to each box that has none, so that box and pose are linked in the App.

    Returns:
        The boxes, and the ids of the new instances by Detection id.
    """
    import fiftyone as fo

    linked: list[PersonBox] = []
    new: dict[str, str] = {}
    for box in boxes:
        if box.instance_id is None and box.box_id is not None:
            new[box.box_id] = fo.Instance().id
            linked.append(replace(box, instance_id=new[box.box_id]))
        else:
            linked.append(box)
    return linked, new
