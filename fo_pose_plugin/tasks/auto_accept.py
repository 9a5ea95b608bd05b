"""What could be accepted without looking: people whose every visible keypoint is probably right.

Nothing here accepts anyone. It counts, says how many errors are to be expected, and shows who it would be.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from fo_pose_plugin.core.wording import n_people
from fo_pose_plugin.dataset.fiftyone_internals import root_dataset
from fo_pose_plugin.dataset.labels import PoseFields
from fo_pose_plugin.dataset.probabilities import ScoredPerson, load_calibration, read_scored_people
from fo_pose_plugin.dataset.review_people import reviewed_ids
from fo_pose_plugin.dataset.saved_views import save_own_view
from fo_pose_plugin.errors import FieldError, InputError
from fo_pose_plugin.tasks.estimate_poses import check_media
from fo_pose_plugin.tasks.show_keypoints import CONFIDENT

if TYPE_CHECKING:
    import fiftyone as fo

__all__ = ["AutoAcceptPreview", "auto_accept_preview", "fitted_fields", "save_preview"]

# By its description a preview that was saved before is known.
PREVIEW_VIEW = "People whom an auto-accept rule would accept; nobody is accepted yet"

LEAST_VISIBLE = 5


@dataclass(frozen=True, slots=True)
class AutoAcceptPreview:
    """What a rule would accept.

    Args:
        p: The least probability that every visible keypoint must have.
        people: People who have probabilities and are not reviewed yet.
        accepted: How many of them the rule would accept.
        keypoints: Their visible keypoints.
        expected_errors: How many of these are to be expected wrong: the sum of what their probabilities lack
            of 1.
        images: On how many images they are.
        reviewed: People that someone has accepted, corrected or rejected already: left out.
        unknown: People without probabilities: left out.
        label_ids: Whom it would accept.
    """

    p: float
    people: int
    accepted: int
    keypoints: int
    expected_errors: float
    images: int
    reviewed: int
    unknown: int
    label_ids: tuple[str, ...] = ()

    def describe(self) -> str:
        """Say it in one line."""
        if not self.accepted:
            return f"p >= {self.p:g}: nobody of {n_people(self.people)}"
        share = 100 * self.expected_errors / self.keypoints
        return (
            f"p >= {self.p:g}: {self.accepted:,} of {n_people(self.people)}, {self.keypoints:,} visible "
            f"keypoints, of which about {self.expected_errors:,.1f} are wrong ({share:.1f} %)"
        )

    def view(self, samples: fo.Dataset | fo.DatasetView, pose_field: str) -> fo.DatasetView:
        """Show whom the rule would accept, and nobody else; by id, so that a saved view stays as it is."""
        return samples.select_labels(ids=list(self.label_ids), fields=pose_field)


def auto_accept_preview(
    samples: fo.Dataset | fo.DatasetView,
    pose_field: str = "poses",
    p: float = 0.95,
    *,
    least_visible: int = LEAST_VISIBLE,
    min_confidence: float = CONFIDENT,
) -> AutoAcceptPreview:
    """Say whom the rule "every visible keypoint is right with a probability of at least p" would accept.

    Nobody is accepted by this.

    Args:
        samples: A dataset or view; of a view that hides people only those that it shows count.
        pose_field: The field with the poses, to which `fit_confidence` has given probabilities.
        p: From 0 to 1.
        least_visible: How many keypoints must be visible; all of a skeleton that has fewer.
        min_confidence: A keypoint is visible if its confidence is at least this.

    Raises:
        FieldError: If the field has no probabilities.
        InputError: If p is not within 0 and 1, or least_visible below 1.
        MediaTypeError: If the samples are no plain images.
    """
    check_media(samples)
    if not 0 <= p <= 1:
        raise InputError(f"p is {p}, expected a probability from 0 to 1, such as 0.95")
    if least_visible < 1:
        raise InputError(f"least_visible is {least_visible}, expected at least 1 keypoint")
    fields, dataset = PoseFields(pose_field), root_dataset(samples)
    if not dataset.has_field(pose_field):
        raise FieldError(f"there is no field {pose_field!r} with poses")
    load_calibration(dataset, fields)  # which says what to do where there is none
    done = reviewed_ids(dataset, fields)
    people = keypoints = reviewed = unknown = 0
    expected, chosen, images = 0.0, [], set()
    for person in read_scored_people(samples, fields):
        if person.label_id in done:
            reviewed += 1
            continue
        if not person.probabilities:
            unknown += 1
            continue
        people += 1
        visible = _visible(person, min_confidence)
        if len(visible) >= min(least_visible, len(person.probabilities)) and min(visible) >= p:
            chosen.append(person.label_id)
            images.add(person.sample_id)
            keypoints += len(visible)
            expected += float(np.sum(1 - np.asarray(visible)))
    return AutoAcceptPreview(
        float(p), people, len(chosen), keypoints, expected, len(images), reviewed, unknown, tuple(chosen)
    )


def save_preview(
    samples: fo.Dataset | fo.DatasetView, preview: AutoAcceptPreview, pose_field: str, name: str
) -> str:
    """Save a view of whom a rule would accept, in the place of such a view; see `save_own_view`."""
    return save_own_view(root_dataset(samples), name, preview.view(samples, pose_field), PREVIEW_VIEW)


def fitted_fields(dataset: fo.Dataset) -> list[str]:
    """List the fields that `fit_confidence` has given probabilities."""
    import fiftyone as fo

    schema = dataset.get_field_schema(ftype=fo.EmbeddedDocumentField, embedded_doc_type=fo.Keypoints)
    return [name for name in schema if _is_fitted(dataset, name)]


def _is_fitted(dataset: fo.Dataset, name: str) -> bool:
    try:
        load_calibration(dataset, PoseFields(name))
    except FieldError:
        return False
    return True


def _visible(person: ScoredPerson, min_confidence: float) -> Sequence[float]:
    """Give the probabilities of the keypoints that are visible; all where there is no confidence."""
    chances = person.probabilities or ()
    if person.confidence is None or len(person.confidence) != len(chances):
        return chances
    return [chance for chance, seen in zip(chances, person.confidence, strict=True) if seen >= min_confidence]
