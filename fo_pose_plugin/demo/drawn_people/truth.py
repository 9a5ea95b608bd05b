"""What can be seen of a drawn person: read from the canvas's map after the last thing was painted."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fo_pose_plugin.demo.drawn_people.body import FACE, FEET, HANDS, KEYPOINTS, Figure
from fo_pose_plugin.demo.drawn_people.canvas import BACKGROUND
from fo_pose_plugin.demo.drawn_people.painting import ARMS, HEAD, LEGS, PARTS, TORSO
from fo_pose_plugin.demo.drawn_people.poses import Posture
from fo_pose_plugin.demo.drawn_people.space import FloatArray

__all__ = ["HIDDEN", "UNLABELLED", "VISIBLE", "DrawnPerson", "see_person"]

UNLABELLED, HIDDEN, VISIBLE = 0, 1, 2
# Faces and hands of which less is seen are not labelled, as in COCO-WholeBody.
LEAST_OF_FACE, LEAST_OF_HAND = 0.5, 0.4
AWAY = -0.3  # a face's point that looks away from the viewer by more is hidden
BEHIND = 0.3  # a shoulder or hip that is farther behind the torso's middle, in units


@dataclass(frozen=True, slots=True)
class DrawnPerson:
    """One person's ground truth.

    Args:
        points: (133, 2) image_px, also of what is hidden or outside.
        visible: (133,) as in COCO: 2 seen, 1 hidden, 0 not labelled (outside, or of a face or hand that
            is hardly seen).
        bbox_xyxy: (4,) image_px, around what is seen.
        area: Pixels of what is seen.
        height: Of the standing person, px.
        posture: How it holds itself.
    """

    points: FloatArray
    visible: npt.NDArray[np.int64]
    bbox_xyxy: FloatArray
    area: int
    height: float
    posture: Posture

    def __repr__(self) -> str:
        seen = int((self.visible[:17] == VISIBLE).sum())
        return f"DrawnPerson({self.posture!r}, {self.height:.0f} px tall, {seen} of 17 keypoints seen)"


def see_person(
    parts: npt.NDArray[np.uint8], figure: Figure, points: FloatArray, height: float, first_part: int
) -> DrawnPerson | None:
    """Look up what is seen of a person.

    Args:
        parts: The canvas's map (H, W).
        figure: The person.
        points: Its keypoints, image_px (133, 2).
        height: Of the standing person, px.
        first_part: See `paint_person`.

    Returns:
        Its truth, or None where nothing of it is seen.
    """
    own = (parts >= first_part) & (parts < first_part + PARTS)
    area = int(own.sum())
    if area == 0:
        return None
    rows, columns = np.flatnonzero(own.any(1)), np.flatnonzero(own.any(0))
    bbox = np.array([columns[0], rows[0], columns[-1] + 1, rows[-1] + 1], np.float64)
    visible = _visibility(parts, figure, points, first_part)
    return DrawnPerson(points, visible, bbox, area, height, figure.pose.posture)


def _visibility(
    parts: npt.NDArray[np.uint8], figure: Figure, points: FloatArray, first_part: int
) -> npt.NDArray[np.int64]:
    image_height, image_width = parts.shape
    inside = ((points >= -0.5) & (points < [image_width - 0.5, image_height - 0.5])).all(1)
    shown = np.zeros(KEYPOINTS, bool)
    # A point counts as seen where one of the nine pixels around it shows the part that it lies on.
    padded = np.pad(parts, 1, constant_values=BACKGROUND)
    columns, rows = np.round(points[inside]).astype(int).T
    around = np.stack([padded[rows + down, columns + right] for down in range(3) for right in range(3)])
    allowed = _own_parts()[inside]
    numbers = around.astype(int) - first_part
    known = (numbers >= 0) & (numbers < PARTS)
    shown[inside] = (known & allowed[np.arange(len(allowed)), np.clip(numbers, 0, PARTS - 1)]).any(0)
    shown &= ~_turned_away(figure)
    visible = np.where(inside, np.where(shown, VISIBLE, HIDDEN), UNLABELLED)
    for group, least in ((FACE, LEAST_OF_FACE), (HANDS[0], LEAST_OF_HAND), (HANDS[1], LEAST_OF_HAND)):
        if (visible[group] == VISIBLE).mean() < least:
            visible[group] = UNLABELLED
    return visible


def _own_parts() -> npt.NDArray[np.bool_]:
    """Tell on which parts (133, PARTS) each keypoint lies."""
    table = np.zeros((KEYPOINTS, PARTS), bool)
    table[:5, HEAD] = True
    table[FACE, HEAD] = True
    for side in range(2):
        table[[5 + side, 11 + side], TORSO] = True
        table[[5 + side, 7 + side, 9 + side], ARMS[side]] = True
        table[[11 + side, 13 + side, 15 + side], LEGS[side]] = True
        table[HANDS[side], ARMS[side]] = True
        table[FEET[side], LEGS[side]] = True
    return table


def _turned_away(figure: Figure) -> npt.NDArray[np.bool_]:
    """Tell which keypoints (133,) are on a side of head or torso that the viewer does not see."""
    away = np.zeros(KEYPOINTS, bool)
    away[FACE] = figure.face_normals < AWAY
    looking = float(figure.head_axes[2, 2])
    away[:3] = figure.face_normals[[30, 45, 36]] < AWAY
    left_ear = float(figure.head_axes[2, 0])
    away[3:5] = np.array([left_ear, -left_ear]) - 0.25 * looking < -0.5
    for side in (5, 11):
        middle = figure.points[side : side + 2, 2].mean()
        away[side : side + 2] = figure.points[side : side + 2, 2] < middle - BEHIND
    return away
