"""The keypoints that two fields have in common, told by their names."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from fo_pose_plugin.core.skeleton import Skeleton, mirrored_indices, plain_name
from fo_pose_plugin.dataset.labels import read_skeleton
from fo_pose_plugin.errors import FieldError

if TYPE_CHECKING:
    import fiftyone as fo

__all__ = ["SharedKeypoints", "share_keypoints"]


@dataclass(frozen=True, slots=True)
class SharedKeypoints:
    """K keypoints that both fields have, in the truth's order.

    Args:
        skeleton: The K.
        in_truth: K positions among the truth's keypoints.
        in_predictions: K positions among the predictions' keypoints.
        truth_count: How many keypoints the truth has.
        prediction_count: How many the predictions have.
    """

    skeleton: Skeleton
    in_truth: tuple[int, ...]
    in_predictions: tuple[int, ...]
    truth_count: int
    prediction_count: int

    @property
    def is_all(self) -> bool:
        """Whether neither field has a keypoint that the other lacks."""
        return len(self.skeleton) == self.truth_count == self.prediction_count


def share_keypoints(samples: fo.Dataset | fo.DatasetView, pred_field: str, gt_field: str) -> SharedKeypoints:
    """Pair the keypoints of two fields by name; where only one field names them, by position.

    Raises:
        FieldError: If a field does not hold keypoints, neither has names, or they share none.
    """
    predicted, truth = _names(samples, pred_field), _names(samples, gt_field)
    if predicted is None and truth is None:
        raise FieldError(
            f"neither {pred_field!r} nor {gt_field!r} has a skeleton with names, so that it cannot be told "
            f"which keypoints belong together: set dataset.skeletons[{gt_field!r}] = "
            "fo.KeypointSkeleton(labels=[...], edges=[...])"
        )
    truth_skeleton = truth or predicted
    predicted_skeleton = predicted or truth
    if truth_skeleton is None or predicted_skeleton is None:  # one of them is there, see above
        raise FieldError(f"{pred_field!r} and {gt_field!r} have no skeleton")
    positions = {plain_name(name): i for i, name in enumerate(predicted_skeleton.keypoint_names)}
    shared = [
        (i, positions[plain_name(name)])
        for i, name in enumerate(truth_skeleton.keypoint_names)
        if plain_name(name) in positions
    ]
    if not shared:
        raise FieldError(
            f"{pred_field!r} and {gt_field!r} share no keypoint name: "
            f"{_some(predicted_skeleton)} against {_some(truth_skeleton)}. Choose fields of one skeleton, or "
            "name the keypoints alike in dataset.skeletons"
        )
    return SharedKeypoints(
        _reduced(truth_skeleton, [i for i, _ in shared]),
        tuple(i for i, _ in shared),
        tuple(j for _, j in shared),
        len(truth_skeleton),
        len(predicted_skeleton),
    )


def _names(samples: fo.Dataset | fo.DatasetView, field: str) -> Skeleton | None:
    import fiftyone as fo

    found = samples.get_field(field)
    if found is None or getattr(found, "document_type", None) is not fo.Keypoints:
        kinds = samples.get_field_schema(ftype=fo.EmbeddedDocumentField, embedded_doc_type=fo.Keypoints)
        what = "there is no field" if found is None else "there are no keypoints (fo.Keypoints) in field"
        raise FieldError(f"{what} {field!r}; fields with keypoints: {', '.join(kinds) or 'none'}")
    known = samples.skeletons.get(field) or samples.default_skeleton
    return read_skeleton(samples, field) if known is not None and known.labels else None


def _reduced(skeleton: Skeleton, kept: list[int]) -> Skeleton:
    names = tuple(skeleton.keypoint_names[i] for i in kept)
    new = {old: i for i, old in enumerate(kept)}
    edges = tuple((new[a], new[b]) for a, b in skeleton.edges if a in new and b in new)
    return Skeleton(skeleton.name, names, edges, mirrored_indices(names))


def _some(skeleton: Skeleton) -> str:
    names = skeleton.keypoint_names
    return f"{', '.join(names[:4])}{' ...' if len(names) > 4 else ''} ({len(names)})"
