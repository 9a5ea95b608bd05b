"""Which samples a run goes through, and what of them is done already."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING

from fo_pose_plugin.dataset.boxes import WHOLE_IMAGE_REL, PersonBox, read_boxes
from fo_pose_plugin.dataset.fiftyone_internals import all_samples, field_names, filters_labels, root_dataset
from fo_pose_plugin.dataset.patience import patiently
from fo_pose_plugin.dataset.runs import RunRecord
from fo_pose_plugin.dataset.writer import edits_of
from fo_pose_plugin.errors import RunError
from fo_pose_plugin.tasks.estimate_poses import EstimatePlan
from fo_pose_plugin.tasks.sample_jobs import SampleJob

if TYPE_CHECKING:
    import fiftyone as fo

__all__ = ["lost_samples", "read_jobs", "samples_to_do"]

CHUNK_SAMPLES = 64
# A query may be 16 MB long, which is some 700,000 ids.
IDS_PER_QUERY = 50_000


def samples_to_do(plan: EstimatePlan, record: RunRecord) -> list[str]:
    """List the ids of the samples that a run has yet to do, in the plan's order.

    The list is made once: what happens to the dataset meanwhile does not change what a run goes through.

    Args:
        plan: The plan.
        record: Its run. Of one that is resumed, what it finished is left out and what failed is tried again.
    """
    from fiftyone import ViewField as F

    samples = plan.samples
    if plan.resumed_run is not None:
        fields = plan.fields
        own = F(f"{fields.poses}.run_id") == record.run_id
        failed = F(fields.error).exists()
        to_do = ~F(fields.poses).exists() | (own & failed)
        if record.config["details"].get("replaces"):
            # What it set out to replace, and nothing that another run has written since.
            to_do |= F(fields.replaced.poses).exists() & ~own
        samples = samples.match(to_do)
    ids: list[str] = patiently(lambda: samples.values("id"))
    return ids


def lost_samples(plan: EstimatePlan, record: RunRecord, ids: list[str]) -> list[str]:
    """List those of the samples that a run has done of which the database knows nothing.

    Args:
        plan: The plan.
        record: Its run.
        ids: What it has done.
    """
    from fiftyone import ViewField as F

    fields = plan.fields
    known = (F(f"{fields.poses}.run_id") == record.run_id) | F(fields.error).exists()
    everything = all_samples(root_dataset(plan.samples))
    lost: list[str] = []
    for start in range(0, len(ids), IDS_PER_QUERY):
        unknown = everything.select(ids[start : start + IDS_PER_QUERY]).match(~known)
        lost += patiently(partial(unknown.values, "id"))
    return lost


def read_jobs(plan: EstimatePlan, ids: list[str]) -> Iterator[SampleJob]:
    """Read samples some at a time, each as a job; one that is gone since gives a failed job.

    Args:
        plan: The plan.
        ids: From `samples_to_do`.
    """
    waiting = iter(ids)
    while chunk := list(islice(waiting, CHUNK_SAMPLES)):
        yield from patiently(partial(_read, plan, chunk))


def _read(plan: EstimatePlan, ids: list[str]) -> list[SampleJob]:
    everything = all_samples(root_dataset(plan.samples))
    boxes_field = plan.source.name if plan.source.kind == "field" else None
    # Boxes are those that the view shows; poses that it hides are replaced too, and keep their ids.
    hides_boxes = boxes_field is not None and filters_labels(plan.samples, boxes_field)
    shown = (plan.samples if hides_boxes else everything).select(ids)
    samples = {s.id: s for s in shown.select_fields([boxes_field] if boxes_field else [])}
    if boxes_field is not None and boxes_field not in field_names(root_dataset(plan.samples)):
        # Read from memory, such a field gives no boxes, and everyone would be taken for nobody.
        raise RunError(
            f"field {boxes_field!r} with the boxes was renamed or deleted while the run went on: rename it "
            "back and resume the run, or begin a new one"
        )
    held: dict[str, fo.Keypoints | None] = {}
    if plan.request.overwrite or plan.resumed_run is not None:
        poses = plan.fields.poses
        held = {s.id: s[poses] for s in everything.select(ids).select_fields(poses)}
    return [_job(plan, samples[key], held.get(key)) if key in samples else _lost(key) for key in ids]


def _job(plan: EstimatePlan, sample: fo.SampleView, held: fo.Keypoints | None) -> SampleJob:
    boxes = [PersonBox(WHOLE_IMAGE_REL)] if plan.source.kind == "whole_image" else []
    if plan.source.kind == "field" and plan.source.name is not None:
        boxes = read_boxes(sample[plan.source.name], plan.source.labels)
    people = held.keypoints if held is not None else []
    # A person whom another tool added has no such attribute.
    known = {k["box_id"]: k.id for k in people if k.has_field("box_id") and k["box_id"]}
    job = SampleJob(sample.id, sample.filepath, boxes, known)
    message = edits_of(held)
    if message is not None:
        job.errors.append(message)
        job.failed = True
    return job


def _lost(sample_id: str) -> SampleJob:
    message = "the sample was deleted, or has left the view, while the run went on"
    return SampleJob(sample_id, "", [], {}, errors=[message], failed=True)
