"""The 21 points of a hand in COCO-WholeBody's order: wrist, then four from each finger's base to its tip."""

from __future__ import annotations

import numpy as np

from fo_pose_plugin.demo.drawn_people.poses import Arm
from fo_pose_plugin.demo.drawn_people.space import FloatArray, across, unit

__all__ = ["hand_points"]

# Of each finger but the thumb: its base's offset towards the thumb, and its length, in hand lengths.
FINGERS = ((0.2, 0.46), (0.07, 0.51), (-0.07, 0.47), (-0.2, 0.37))


def hand_points(
    rng: np.random.Generator, wrist: FloatArray, forearm: FloatArray, arm: Arm, length: float, side: int
) -> FloatArray:
    """Put a hand at the end of a forearm.

    Args:
        rng: For the fingers.
        wrist: Where (3,).
        forearm: Its direction (3,).
        arm: Turn of the hand and curl of the fingers.
        length: From wrist to the middle finger's tip.
        side: 1 for the left hand, -1 for the right one.

    Returns:
        (21, 3).
    """
    along = unit(forearm + rng.normal(0, 0.15, 3))
    thumb = across(np.array([-0.25 * side, -0.25, 1.0]), along)
    palm = np.cross(thumb, along) * side  # towards the body where the arm hangs
    turn = np.radians(arm.turn) * side
    thumb, palm = thumb * np.cos(turn) + palm * np.sin(turn), palm * np.cos(turn) - thumb * np.sin(turn)
    points = np.zeros((21, 3))
    away = rng.uniform(0.75, 1.1)  # how far the thumb is spread
    for place, (forth, aside) in enumerate(((0.16, 0.17), (0.28, 0.31), (0.38, 0.43), (0.47, 0.54))):
        points[1 + place] = along * forth + thumb * aside * away
    fan = rng.uniform(0.5, 1.2)
    for finger, (offset, reach) in enumerate(FINGERS):
        base = along * 0.49 + thumb * offset
        direction = unit(along + thumb * offset * fan)
        for place in range(4):
            part = place / 3
            bent = arm.curl * part * 1.1
            step = direction * np.cos(bent) + palm * np.sin(bent)
            points[5 + 4 * finger + place] = base + step * reach * part
    placed: FloatArray = wrist + points * length
    return placed
