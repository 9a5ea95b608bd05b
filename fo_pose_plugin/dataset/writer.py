"""Write labels in chunks: companion fields first, poses last."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from fo_pose_plugin.dataset.fiftyone_internals import all_samples, field_names
from fo_pose_plugin.dataset.labels import PoseFields, is_edited
from fo_pose_plugin.dataset.patience import patiently
from fo_pose_plugin.errors import RunError

if TYPE_CHECKING:
    import fiftyone as fo

__all__ = ["ChunkWriter", "SampleResult", "edits_of"]

CHUNK_SAMPLES = 64


@dataclass(frozen=True, slots=True)
class SampleResult:
    """What a run found for one sample.

    Args:
        sample_id: The sample's id.
        poses: Its poses; None where it failed as a whole.
        boxes: What the detector found, if one ran.
        heatmap: The overlay, if heatmaps are kept.
        error: Why the sample, or one of its people, failed.
        new_instances: Ids of instances for the user's boxes that had none, by Detection id.
    """

    sample_id: str
    poses: fo.Keypoints | None
    boxes: fo.Detections | None = None
    heatmap: fo.Heatmap | None = None
    error: str | None = None
    new_instances: dict[str, str] = field(default_factory=dict)


class ChunkWriter:
    """Collects results and writes them in bulk.

    Poses are written last: a sample that bears its run's id is complete, so that an interrupted run can be
    taken up again by what the dataset says.

    Args:
        dataset: The dataset; its schema must declare the fields.
        fields: The pose field and its companions.
        boxes_field: The user's field whose boxes get an instance, or None.
        replaces: Whether samples may hold poses already. What another tool has edited is left as it is, also
            when that happened while the run went on; ``left`` then says so.
    """

    def __init__(
        self,
        dataset: fo.Dataset,
        fields: PoseFields,
        *,
        boxes_field: str | None = None,
        replaces: bool = False,
    ) -> None:
        self.left: dict[str, str] = {}
        self._dataset = dataset
        self._fields = fields
        self._boxes_field = boxes_field
        self._replaces = replaces
        self._waiting: list[SampleResult] = []

    def __len__(self) -> int:
        """How many results are not written yet."""
        return len(self._waiting)

    def add(self, result: SampleResult) -> bool:
        """Take one result; write when a chunk is full.

        Returns:
            Whether it was written.
        """
        self._waiting.append(result)
        if len(self._waiting) < CHUNK_SAMPLES:
            return False
        self.flush()
        return True

    def flush(self) -> None:
        """Write what is waiting; a database that is away for a moment is waited for.

        Raises:
            RunError: If a field was renamed or deleted meanwhile, or the database is away for long.
        """
        if self._waiting:
            patiently(self._write)
            self._waiting = []

    def _write(self) -> None:
        self._check_fields()
        results = self._leave_edited(self._waiting) if self._replaces else self._waiting
        self._write_instances(results)
        self._set(self._fields.boxes, ((r.sample_id, r.boxes) for r in results if r.boxes is not None))
        if self._dataset.has_field(self._fields.heatmap):
            # An overlay of poses that are replaced must not stay beside others.
            painted = (r for r in results if r.heatmap or (self._replaces and r.poses is not None))
            self._set(self._fields.heatmap, ((r.sample_id, r.heatmap) for r in painted))
        self._set(self._fields.error, ((r.sample_id, r.error) for r in results))
        self._set(self._fields.poses, ((r.sample_id, r.poses) for r in results if r.poses is not None))

    def _check_fields(self) -> None:
        """Writing into a field that is gone would store what nobody sees."""
        needed = {self._fields.poses, self._fields.error}
        if self._boxes_field is not None:
            needed.add(self._boxes_field)
        gone = needed - field_names(self._dataset)
        if gone:
            raise RunError(
                f"field {', '.join(sorted(gone))} was renamed or deleted while the run went on: rename it "
                "back and resume the run, or begin a new one"
            )

    def _leave_edited(self, results: list[SampleResult]) -> list[SampleResult]:
        view = all_samples(self._dataset).select([r.sample_id for r in results if r.poses is not None])
        for sample in view.select_fields(self._fields.poses):
            message = edits_of(sample[self._fields.poses])
            if message is not None:
                self.left[sample.id] = message
        return [
            SampleResult(r.sample_id, None, error=self.left[r.sample_id]) if r.sample_id in self.left else r
            for r in results
        ]

    def _set(self, name: str, values: Iterable[tuple[str, Any]]) -> None:
        by_id = dict(values)
        if by_id:
            # Measured: three times faster than saving samples one by one; the schema is declared before.
            self._dataset.set_values(name, by_id, key_field="id", validate=False, expand_schema=False)

    def _write_instances(self, results: Iterable[SampleResult]) -> None:
        import fiftyone as fo

        if self._boxes_field is None:
            return
        values = [
            {"sample_id": r.sample_id, "label_id": box_id, "value": fo.Instance(id=instance_id)}
            for r in results
            for box_id, instance_id in r.new_instances.items()
        ]
        if values:
            self._dataset.set_label_values(f"{self._boxes_field}.detections.instance", values, validate=False)


def edits_of(poses: fo.Keypoints | None) -> str | None:
    """Say why poses may not be replaced: another tool edited them; None where they may."""
    edited = sum(map(is_edited, poses.keypoints)) if poses is not None else 0
    if not edited:
        return None
    people = "1 person was" if edited == 1 else f"{edited} people were"
    return f"left as it is: {people} edited by another tool, and a run never replaces edits"
