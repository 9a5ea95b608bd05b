"""A person in space: proportions and a pose give 133 keypoints in COCO-WholeBody's order."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fo_pose_plugin.demo.drawn_people.face import EYES, face_points
from fo_pose_plugin.demo.drawn_people.hands import hand_points
from fo_pose_plugin.demo.drawn_people.poses import Leg, Pose
from fo_pose_plugin.demo.drawn_people.space import FloatArray, across, rotation, unit

__all__ = ["FACE", "FEET", "HANDS", "KEYPOINTS", "SIDES", "Figure", "Proportions", "make_figure"]

KEYPOINTS = 133
FACE = slice(23, 91)
# Left, then right.
FEET = (slice(17, 20), slice(20, 23))
HANDS = (slice(91, 112), slice(112, 133))
SIDES = (1, -1)
CAMERA_PITCH = -7.0  # seen a little from above


@dataclass(frozen=True, slots=True)
class Proportions:
    """Lengths of a body in its own unit; widths are halves."""

    torso: float
    shoulders: float
    waist: float
    hips: float
    upper_arm: float
    forearm: float
    thigh: float
    shin: float
    neck: float
    head_width: float
    head_height: float
    hand: float
    foot: float
    bulk: float  # thickness of limbs

    @classmethod
    def random(cls, rng: np.random.Generator) -> Proportions:
        """Draw somebody's."""
        head, build = rng.uniform(0.6, 0.72), rng.uniform(0.88, 1.15)
        return cls(
            torso=rng.uniform(1.75, 2.1),
            shoulders=rng.uniform(0.66, 0.82) * build,
            waist=rng.uniform(0.5, 0.62) * build,
            hips=rng.uniform(0.34, 0.42) * build,
            upper_arm=rng.uniform(1.0, 1.2),
            forearm=rng.uniform(0.9, 1.08),
            thigh=rng.uniform(1.3, 1.55),
            shin=rng.uniform(1.25, 1.5),
            neck=rng.uniform(0.2, 0.3),
            head_width=head * rng.uniform(0.8, 0.88),
            head_height=head,
            hand=rng.uniform(0.66, 0.78),
            foot=rng.uniform(0.62, 0.74),
            bulk=build,
        )


@dataclass(frozen=True, slots=True)
class Figure:
    """A person in the viewer's space: x and y as in the image, a greater z is nearer.

    Args:
        points: (133, 3).
        body: What the person is made of.
        pose: How it holds itself.
        neck: Where the neck begins (3,).
        head: The head's centre (3,).
        torso_axes: (3, 3), columns: the torso's left, down, front.
        head_axes: (3, 3), columns: the head's left, down, front.
        face_normals: (68,), how far each point of the face looks at the viewer: 1 straight, below 0 away.
    """

    points: FloatArray
    body: Proportions
    pose: Pose
    neck: FloatArray
    head: FloatArray
    torso_axes: FloatArray
    head_axes: FloatArray
    face_normals: FloatArray

    def __repr__(self) -> str:
        return f"Figure({self.pose.posture!r}, points {self.points.shape})"


def make_figure(rng: np.random.Generator, pose: Pose) -> Figure:
    """Give a random body a pose."""
    body = Proportions.random(rng)
    torso = rotation(pitch=pose.lean, roll=pose.tilt)
    neck = torso @ np.array([0.0, -body.torso, 0.0])
    points = np.zeros((KEYPOINTS, 3))
    for index, side in enumerate(SIDES):
        _put_arm(
            rng, points, index, neck + torso @ np.array([side * body.shoulders, 0.2, 0.0]), torso, body, pose
        )
        _put_leg(points, index, side, body, pose.legs[index])
    turned = torso @ rotation(yaw=pose.head_turn, pitch=pose.head_nod, roll=pose.head_tilt)
    radii = np.array([body.head_width, body.head_height, body.head_width])
    head = neck + turned @ np.array([0.0, -body.neck - 0.86 * body.head_height, 0.1])
    face = face_points(rng)
    points[FACE] = head + (face * radii) @ turned.T
    points[0] = points[FACE][30]
    for index, side in enumerate(SIDES):
        points[1 + index] = points[FACE][list(EYES[index])].mean(0)
        points[3 + index] = head + turned @ (np.array([side * 1.03, 0.08, -0.08]) * radii)
    view = rotation(pitch=CAMERA_PITCH, roll=pose.roll) @ rotation(yaw=pose.turn)
    normals = (face / np.linalg.norm(face, axis=1, keepdims=True)) @ (view @ turned).T
    return Figure(
        points=points @ view.T,
        body=body,
        pose=pose,
        neck=view @ neck,
        head=view @ head,
        torso_axes=view @ torso,
        head_axes=view @ turned,
        face_normals=normals[:, 2],
    )


def _put_arm(
    rng: np.random.Generator,
    points: FloatArray,
    index: int,
    shoulder: FloatArray,
    torso: FloatArray,
    body: Proportions,
    pose: Pose,
) -> None:
    """Put shoulder, elbow, wrist and hand where the arm's angles have them."""
    side, arm = SIDES[index], pose.arms[index]
    lift, front, bent = np.radians([arm.lift, arm.front, arm.elbow])
    upper = torso @ np.array(
        [side * np.sin(lift) * np.cos(front), np.cos(lift), np.sin(lift) * np.sin(front)]
    )
    # Elbows bend to the front, upwards and inwards.
    inwards = across(torso @ np.array([-0.35 * side, -0.55, 0.75]), upper)
    forearm = upper * np.cos(bent) + inwards * np.sin(bent)
    elbow = shoulder + upper * body.upper_arm
    wrist = elbow + forearm * body.forearm
    points[5 + index], points[7 + index], points[9 + index] = shoulder, elbow, wrist
    points[HANDS[index]] = hand_points(rng, wrist, forearm, arm, body.hand, side)


def _put_leg(points: FloatArray, index: int, side: int, body: Proportions, leg: Leg) -> None:
    """Put hip, knee, ankle and foot where the leg's angles have them."""
    swing, spread, bent, toes = np.radians([leg.swing, leg.spread, leg.knee, leg.toes])
    hip = np.array([side * body.hips, 0.0, 0.0])
    thigh = unit(np.array([side * np.sin(spread), np.cos(swing), np.sin(swing)]))
    backwards = across(np.array([0.0, np.sin(swing), -np.cos(swing)]), thigh)
    shin = thigh * np.cos(bent) + backwards * np.sin(bent)
    knee = hip + thigh * body.thigh
    ankle = knee + shin * body.shin
    forwards = across(thigh * np.sin(bent) - backwards * np.cos(bent), shin)
    outwards = unit(np.cross(shin, forwards))
    outwards = outwards if outwards[0] * side > 0 else -outwards
    pointing = forwards * np.cos(toes) + outwards * np.sin(toes) + shin * 0.12
    outwards = across(outwards, unit(pointing))
    sole = ankle + shin * 0.24
    points[11 + index], points[13 + index], points[15 + index] = hip, knee, ankle
    points[FEET[index]] = [
        sole + pointing * body.foot - outwards * 0.12,
        sole + pointing * body.foot * 0.86 + outwards * 0.15,
        sole - pointing * 0.2,
    ]
