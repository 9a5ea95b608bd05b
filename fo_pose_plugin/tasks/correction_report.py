"""How many corrections there are, and what an action has done to them, in numbers and words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fo_pose_plugin.core.correction import STATUSES
from fo_pose_plugin.core.wording import n_images, n_people
from fo_pose_plugin.dataset.corrections import keypoints_of
from fo_pose_plugin.dataset.fiftyone_internals import raw_documents
from fo_pose_plugin.dataset.labels import PoseFields
from fo_pose_plugin.errors import FieldError

if TYPE_CHECKING:
    import fiftyone as fo

__all__ = ["CorrectionCounts", "CorrectionsReport", "count_corrections"]


@dataclass(frozen=True, slots=True)
class CorrectionsReport:
    """What was done.

    Args:
        people: Whose correction was made, taken away or brought back.
        samples: On how many samples.
        left: People who were left as they are: reviewed by someone meanwhile, or not to be edited.
        history_key: What `restore_corrections` takes to undo it; None where nothing was done.
    """

    people: int
    samples: int
    left: int
    history_key: str | None

    def describe(self, done: str) -> str:
        """Say it in one line.

        Args:
            done: What was done, such as "accepted".
        """
        left = f"; {self.left:,} left as they are" if self.left else ""
        return f"{n_people(self.people)} on {n_images(self.samples)} {done}{left}"


@dataclass(frozen=True, slots=True)
class CorrectionCounts:
    """How many corrections there are.

    Args:
        by_status: By status; one that another tool has written counts as "corrected".
        samples: On how many samples.
        source_gone: Of them those whose prediction is not there any more.
    """

    by_status: Mapping[str, int]
    samples: int
    source_gone: int

    @property
    def people(self) -> int:
        """All of them."""
        return sum(self.by_status.values())

    def describe(self) -> str:
        """Say it in one line."""
        if not self.people:
            return "no corrections"
        kinds = ", ".join(f"{count:,} {status}" for status, count in self.by_status.items() if count)
        gone = f"; of {self.source_gone:,} the prediction is gone" if self.source_gone else ""
        return f"{n_people(self.people)} on {n_images(self.samples)} ({kinds}{gone})"


def count_corrections(samples: fo.Dataset | fo.DatasetView, pose_field: str = "poses") -> CorrectionCounts:
    """Count the corrections on some samples; those whose prediction is gone are told apart.

    Raises:
        FieldError: If there is no such field.
    """
    fields = PoseFields(pose_field)
    if not samples.has_field(pose_field):
        raise FieldError(f"there is no field {pose_field!r} with poses")
    counts: dict[str, int] = dict.fromkeys(STATUSES, 0)
    on_samples = gone = 0
    if samples.has_field(fields.corrected):
        for document in raw_documents(samples, [fields.poses, fields.corrected]):
            people = keypoints_of(document, fields.corrected)
            on_samples += bool(people)
            predicted = {str(person.get("_id")) for person in keypoints_of(document, fields.poses)}
            for person in people:
                status, source_id = person.get("status"), person.get("source_id")
                counts[status if status in STATUSES else "corrected"] += 1
                gone += source_id is not None and source_id not in predicted
    return CorrectionCounts(counts, on_samples, gone)
