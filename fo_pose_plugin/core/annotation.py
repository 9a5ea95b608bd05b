"""People as annotation files know them, whatever the file's format.

Coordinate space: image_px, the origin at the image's top-left corner.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TypeAlias

from fo_pose_plugin.errors import ShapeError

__all__ = [
    "AREA_OF_BOX",
    "BODY_NAMES",
    "BOXED_PARTS",
    "PARTS",
    "PART_NAMES",
    "SCORED_PARTS",
    "WHOLEBODY_KEYPOINTS",
    "Box",
    "PersonAnnotation",
    "Point",
    "extent",
]

Point: TypeAlias = tuple[float, float]
Box: TypeAlias = tuple[float, float, float, float]  # x, y, width, height

# Where an area is asked for and there is none but the box's, as in MMPose's CrowdPose metric.
AREA_OF_BOX = 0.53

BODY_NAMES = [
    *("nose", "left_eye", "right_eye", "left_ear", "right_ear"),
    *("left_shoulder", "right_shoulder", "left_elbow", "right_elbow", "left_wrist", "right_wrist"),
    *("left_hip", "right_hip", "left_knee", "right_knee", "left_ankle", "right_ankle"),
]
# COCO-WholeBody's parts in the order of its 133 keypoints: first and one past the last.
PARTS = MappingProxyType(
    {"body": (0, 17), "foot": (17, 23), "face": (23, 91), "lefthand": (91, 112), "righthand": (112, 133)}
)
PART_NAMES = ("foot", "face", "lefthand", "righthand")
BOXED_PARTS = ("face", "lefthand", "righthand")
# What xtcocotools ranks by a score of its own; the body is ranked by the person's.
SCORED_PARTS = ("wholebody", *PART_NAMES)
WHOLEBODY_KEYPOINTS = 133


@dataclass(frozen=True, slots=True, repr=False)
class PersonAnnotation:
    """One person of K keypoints.

    Args:
        points_px: K pairs; (0, 0) by COCO's custom where a keypoint is not labelled.
        visibility: K numbers, COCO's v: 0 not labelled, 1 labelled and hidden, 2 seen. Some files hold
            fractions, which count as labelled.
        label: The category's name.
        bbox_px: The person's box, or None.
        area_px: The annotated area (of the outline where the file has one), px^2, or None.
        num_keypoints: How many keypoints the file says are labelled, or None.
        iscrowd: Whether this is a group of people and no single one.
        coco_id: The annotation's id, or None.
        score: A prediction's score, or None.
        keypoint_scores: K numbers of a prediction, or None.
        part_scores: For those of SCORED_PARTS that have another score than the person.
        part_valid: For each of PART_NAMES that the file has, whether it is annotated.
        part_boxes_px: The boxes of face and hands, where the file has them.
        points_rel: K pairs relative to the image, where pixels cannot tell them to the last digit.
        bbox_rel: The same for the box.
    """

    points_px: tuple[Point, ...]
    visibility: tuple[float, ...]
    label: str = "person"
    bbox_px: Box | None = None
    area_px: float | None = None
    num_keypoints: int | None = None
    iscrowd: bool = False
    coco_id: int | None = None
    score: float | None = None
    keypoint_scores: tuple[float, ...] | None = None
    part_scores: Mapping[str, float] = field(default_factory=dict)
    part_valid: Mapping[str, bool] = field(default_factory=dict)
    part_boxes_px: Mapping[str, Box] = field(default_factory=dict)
    points_rel: tuple[Point, ...] | None = None
    bbox_rel: Box | None = None

    def __post_init__(self) -> None:
        k = len(self.points_px)
        for name in ("visibility", "keypoint_scores", "points_rel"):
            values = getattr(self, name)
            if values is not None and len(values) != k:
                raise ShapeError(name, (len(values),), f"({k},)")

    def __repr__(self) -> str:
        return f"PersonAnnotation({self.label!r}, {len(self)} keypoints, {self.labelled} labelled)"

    def __len__(self) -> int:
        return len(self.points_px)

    @property
    def labelled(self) -> int:
        """How many keypoints have a v above 0."""
        return sum(v > 0 for v in self.visibility)

    @property
    def area_or_substitute_px(self) -> float:
        """The area; where there is none, 0.53 of the box's, and else of what the keypoints span."""
        if self.area_px is not None:
            return self.area_px
        _, _, width, height = self.bbox_px or extent(self.points_px, self.visibility)
        return AREA_OF_BOX * max(width, 0.0) * max(height, 0.0)

    def outside(self, size_wh: tuple[int, int]) -> int:
        """Count the labelled keypoints that lie outside an image."""
        w, h = size_wh
        return sum(
            not (0 <= x <= w and 0 <= y <= h)
            for (x, y), v in zip(self.points_px, self.visibility, strict=True)
            if v > 0
        )


def extent(points_px: Sequence[Point], visibility: Sequence[float]) -> Box:
    """Give the smallest box that holds all labelled keypoints; zeros where there is none."""
    labelled = [point for point, v in zip(points_px, visibility, strict=True) if v > 0]
    if not labelled:
        return (0.0, 0.0, 0.0, 0.0)
    x, y = min(p[0] for p in labelled), min(p[1] for p in labelled)
    return (x, y, max(p[0] for p in labelled) - x, max(p[1] for p in labelled) - y)
