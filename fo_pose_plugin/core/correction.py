"""A person's pose as someone corrected or accepted it: what it is made of, and how edits change it.

Coordinate space: rel, relative to the image, as FiftyOne stores points; what is told apart here is told apart
on any photo (`SAME_REL` is a thousandth of a pixel in 10,000).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias, get_args

import numpy as np
import numpy.typing as npt

from fo_pose_plugin.errors import CorrectionError

__all__ = [
    "ORIGINS",
    "SAME_REL",
    "STATUSES",
    "EditedPose",
    "Origin",
    "PointChange",
    "Status",
    "merge_changes",
    "same_pose",
    "status_after",
    "swap_points",
    "weaker_keypoints",
]

Float64: TypeAlias = npt.NDArray[np.float64]
Origin: TypeAlias = Literal["model", "human"]
Status: TypeAlias = Literal["accepted", "corrected", "added", "rejected"]
Box: TypeAlias = tuple[float, float, float, float]

ORIGINS: tuple[Origin, ...] = get_args(Origin)
STATUSES: tuple[Status, ...] = get_args(Status)
SAME_REL = 1e-7
# A point may lie beside the image, where a limb leaves it; much farther away it is a mistake.
FARTHEST_REL = 10.0


@dataclass(frozen=True, slots=True, eq=False)
class EditedPose:
    """K keypoints of one person, and their box.

    Args:
        points_rel: (K, 2) float64; both NaN where the keypoint is absent.
        visible: (K,) COCO's 0 (absent), 1 (occluded), 2 (visible); 0 exactly where the point is NaN.
        origin: (K,) who put the point there: "model" or "human".
        bbox_rel: ``x, y, width, height``, or None.

    Raises:
        CorrectionError: If they contradict each other.
    """

    points_rel: Float64
    visible: tuple[int, ...]
    origin: tuple[Origin, ...]
    bbox_rel: Box | None = None

    def __post_init__(self) -> None:
        points = self.points_rel
        k = len(self.visible)
        if points.shape != (k, 2) or len(self.origin) != k:
            raise CorrectionError(
                f"a pose has {points.shape} points, {k} values of visible and {len(self.origin)} of origin; "
                "expected as many of each"
            )
        if any(level not in {0, 1, 2} for level in self.visible):
            raise CorrectionError(f"visible is {list(self.visible)}, expected 0, 1 or 2 for each keypoint")
        if any(one not in ORIGINS for one in self.origin):
            raise CorrectionError(f"origin is {list(self.origin)}, expected {' or '.join(ORIGINS)}")
        finite = np.isfinite(points)
        if np.isinf(points).any() or (finite[:, 0] != finite[:, 1]).any():
            raise CorrectionError("a point has one coordinate that is no finite number: give both, or none")
        wrong = [i for i, level in enumerate(self.visible) if (level > 0) != bool(finite[i, 0])]
        if wrong:
            raise CorrectionError(
                f"keypoint {wrong[0]} has visible {self.visible[wrong[0]]} and the point "
                f"{points[wrong[0]].tolist()}: 0 goes with no point, 1 and 2 with one"
            )
        _check_box(self.bbox_rel)

    def __len__(self) -> int:
        return len(self.visible)


@dataclass(frozen=True, slots=True)
class PointChange:
    """What becomes of one keypoint.

    Args:
        point_rel: Where it goes; None where it is absent.
        visible: COCO's 0, 1 or 2.
        origin: Who says so.
    """

    point_rel: tuple[float, float] | None
    visible: int
    origin: Origin = "human"


def merge_changes(
    base: EditedPose, changes: Mapping[int, PointChange], bbox_rel: Box | None = None
) -> EditedPose:
    """Put changed keypoints into a pose; all others stay, to the last digit.

    A point that is moved to where it is already keeps its digits too: pixels and relative positions do not
    convert without loss.

    Args:
        base: What the changes were made on; not modified.
        changes: By keypoint index.
        bbox_rel: The new box; None leaves it.

    Raises:
        CorrectionError: If there is no such keypoint, or the result contradicts itself.
    """
    points = base.points_rel.copy()
    visible, origin = list(base.visible), list(base.origin)
    for index, change in changes.items():
        if not 0 <= index < len(base):
            raise CorrectionError(f"there is no keypoint {index}: the pose has {len(base)}, counted from 0")
        wanted = np.array((np.nan, np.nan) if change.point_rel is None else change.point_rel, np.float64)
        if change.point_rel is not None and not (np.abs(wanted) <= FARTHEST_REL).all():
            raise CorrectionError(f"keypoint {index} lies more than ten image sizes away from the image")
        if not _same(points[index], wanted):
            points[index] = wanted
        visible[index], origin[index] = change.visible, change.origin
    if bbox_rel is not None and not (np.abs(bbox_rel) <= FARTHEST_REL).all():
        raise CorrectionError("the person's box lies more than ten image sizes away from the image")
    box = base.bbox_rel if bbox_rel is None or _same_box(base.bbox_rel, bbox_rel) else bbox_rel
    return EditedPose(points, tuple(visible), tuple(origin), box)


def swap_points(pose: EditedPose, order: Sequence[int], prediction: EditedPose | None = None) -> EditedPose:
    """Exchange keypoints, such as left and right.

    Args:
        pose: Not modified.
        order: K indices: from where each keypoint is taken; applied twice it must be the identity.
        prediction: What the model says; a keypoint that is back where it says is the model's again, and every
            other one that was exchanged is a human's.
    """
    moved = [k for k, source in enumerate(order) if source != k]
    points = pose.points_rel[list(order)]
    visible = tuple(pose.visible[source] for source in order)
    origin: list[Origin] = list(pose.origin)
    for k in moved:
        back = prediction is not None and _same_keypoint(prediction, k, points[k], visible[k])
        origin[k] = prediction.origin[k] if prediction is not None and back else "human"
    return replace(pose, points_rel=points, visible=visible, origin=tuple(origin))


def weaker_keypoints(confidence: npt.ArrayLike, chosen: int) -> tuple[int, ...]:
    """Give a keypoint and all that are at most as confident: one key makes them absent.

    People whom the image's edge cuts off have many such keypoints, which the model places all the same.

    Args:
        confidence: (K,); what is not known counts as 0.
        chosen: A keypoint's index.
    """
    known = np.nan_to_num(np.asarray(confidence, np.float64))
    return tuple(int(k) for k in np.flatnonzero(known <= known[chosen]))


def same_pose(one: EditedPose, other: EditedPose, *, boxes: bool = True) -> bool:
    """Whether two poses have the same points and visibilities, and the same box; whoever put them there."""
    if len(one) != len(other) or one.visible != other.visible:
        return False
    if boxes and not _same_box(one.bbox_rel, other.bbox_rel):
        return False
    return _same(one.points_rel, other.points_rel)


def status_after(
    pose: EditedPose, prediction: EditedPose | None, *, rejected: bool = False, before: Status | None = None
) -> Status:
    """Tell a pose's status: where nothing differs from the prediction it is accepted, else corrected.

    Args:
        pose: As it is to be kept.
        prediction: What it was made from; None where it was made from none, or where that is gone.
        rejected: Whether the person is taken out.
        before: The status so far, which tells an added person from one whose prediction is gone.
    """
    if rejected:
        return "rejected"
    if prediction is not None:
        return "accepted" if same_pose(pose, prediction) else "corrected"
    return "corrected" if before in {"accepted", "corrected"} else "added"


def _same_keypoint(pose: EditedPose, k: int, point: Float64, visible: int) -> bool:
    return pose.visible[k] == visible and _same(pose.points_rel[k], point)


def _same(one: Float64, other: Float64) -> bool:
    return bool(np.allclose(one, other, rtol=0, atol=SAME_REL, equal_nan=True))


def _same_box(one: Box | None, other: Box | None) -> bool:
    if one is None or other is None:
        return one is other
    return bool(np.allclose(one, other, rtol=0, atol=SAME_REL))


def _check_box(box: Box | None) -> None:
    if box is None:
        return
    if len(box) != 4 or not np.isfinite(box).all() or min(box[2:]) <= 0:
        raise CorrectionError(
            f"a person's box is {list(box)}, expected x, y, width and height relative to the image, "
            "width and height above 0"
        )
