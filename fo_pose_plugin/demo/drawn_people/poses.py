"""How a drawn person holds itself: angles, drawn at random around what gives each posture its name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np

__all__ = ["POSTURES", "Arm", "Leg", "Pose", "Posture", "random_pose"]

Posture: TypeAlias = Literal[
    "standing", "walking", "waving", "arms up", "dancing", "sitting", "bending", "lying"
]
POSTURES: dict[Posture, float] = {
    "standing": 0.26,
    "walking": 0.2,
    "waving": 0.11,
    "arms up": 0.1,
    "dancing": 0.08,
    "sitting": 0.13,
    "bending": 0.07,
    "lying": 0.05,
}


@dataclass(frozen=True, slots=True)
class Arm:
    """An arm's angles in degrees.

    Args:
        lift: Of the upper arm from hanging (0) over level (90) to upright (180).
        front: Where it is lifted to: 0 sideways, 90 to the front, below 0 to the back.
        elbow: 0 is stretched.
        turn: Of the hand about the forearm.
        curl: Of the fingers: 0 is a flat hand, 1 nearly a fist.
    """

    lift: float
    front: float
    elbow: float
    turn: float
    curl: float


@dataclass(frozen=True, slots=True)
class Leg:
    """A leg's angles in degrees.

    Args:
        swing: Of the thigh to the front.
        spread: Of the thigh sideways.
        knee: 0 is stretched.
        toes: How far the foot points outwards.
    """

    swing: float
    spread: float
    knee: float
    toes: float


@dataclass(frozen=True, slots=True)
class Pose:
    """A posture in angles (degrees).

    Args:
        posture: Its name.
        turn: Of the whole person: 0 faces the viewer, 90 the image's right, 180 is seen from behind.
        lean: Of the torso to the front.
        tilt: Of the torso sideways.
        roll: Of the whole person in the image; 90 lies.
        head_turn: Of the head to the person's left.
        head_nod: Of the head to the front.
        head_tilt: Of the head sideways.
        arms: The left and the right one.
        legs: The left and the right one.
    """

    posture: Posture
    turn: float
    lean: float
    tilt: float
    roll: float
    head_turn: float
    head_nod: float
    head_tilt: float
    arms: tuple[Arm, Arm]
    legs: tuple[Leg, Leg]


def random_pose(rng: np.random.Generator, posture: Posture | None = None) -> Pose:
    """Draw a pose; without a posture, one of POSTURES by its weight."""
    if posture is None:
        weights = np.array(list(POSTURES.values()))
        posture = list(POSTURES)[int(rng.choice(len(weights), p=weights / weights.sum()))]
    step = float(rng.choice([-1.0, 1.0])) * rng.uniform(0.5, 1.2) if posture == "walking" else 0.0
    raised = int(rng.integers(2))
    lean = {"bending": rng.uniform(35, 75), "walking": rng.uniform(0, 10), "sitting": rng.normal(5, 7)}
    return Pose(
        posture=posture,
        turn=_turn(rng, posture),
        lean=float(lean.get(posture, rng.normal(2, 4))),
        tilt=float(rng.normal(0, 12 if posture == "dancing" else 4)),
        roll=float(rng.choice([-1, 1]) * rng.normal(88, 6) if posture == "lying" else rng.normal(0, 4)),
        head_turn=float(np.clip(rng.normal(0, 20), -55, 55)),
        head_nod=float(np.clip(rng.normal(-25 if posture == "bending" else 0, 7), -35, 20)),
        head_tilt=float(rng.normal(0, 8)),
        arms=(_arm(rng, posture, raised == 0, -step), _arm(rng, posture, raised == 1, step)),
        legs=(_leg(rng, posture, step), _leg(rng, posture, -step)),
    )


def _turn(rng: np.random.Generator, posture: Posture) -> float:
    """Draw which side is seen: mostly the front, some profiles, some backs."""
    kind = rng.random()
    side = float(rng.choice([-1, 1]))
    if posture == "bending":  # from the front the head would hide the rest
        return side * float(rng.uniform(35, 95))
    if kind < (0.5 if posture == "walking" else 0.82):
        return float(np.clip(rng.normal(0, 28), -70, 70))
    return side * float(rng.uniform(60, 105) if kind < 0.91 else rng.uniform(140, 220))


def _arm(rng: np.random.Generator, posture: Posture, raised: bool, step: float) -> Arm:
    lift, front = abs(rng.normal(14, 9)) + 4, rng.uniform(-25, 40)
    elbow = abs(rng.normal(20, 16))
    if posture == "walking":
        lift, front, elbow = 8 + 32 * abs(step), (75 if step > 0 else -75), rng.uniform(15, 75)
    elif posture == "arms up" or (posture == "waving" and raised):
        lift, front = rng.uniform(105, 170), rng.uniform(-10, 35)
        elbow = rng.uniform(5, 80)
    elif posture == "dancing":
        lift, front, elbow = rng.uniform(30, 150), rng.uniform(-20, 60), rng.uniform(0, 110)
    elif posture == "sitting":
        lift, front, elbow = rng.uniform(12, 45), rng.uniform(20, 80), rng.uniform(20, 85)
    elif posture == "bending":
        lift, front, elbow = rng.uniform(40, 90), rng.uniform(60, 95), rng.uniform(0, 45)
    elif posture == "lying":
        lift, elbow = rng.uniform(10, 120), rng.uniform(0, 90)
    elif rng.random() < 0.3:  # a hand on the hip, before the chest, held out
        lift, front, elbow = rng.uniform(25, 75), rng.uniform(-20, 75), rng.uniform(40, 120)
    return Arm(
        float(lift), float(front), float(elbow), float(rng.normal(0, 30)), float(rng.uniform(0.0, 0.6))
    )


def _leg(rng: np.random.Generator, posture: Posture, step: float) -> Leg:
    swing, spread, knee = rng.normal(2, 4), abs(rng.normal(5, 4)) + 1, abs(rng.normal(4, 5))
    if posture == "walking":
        swing, knee = 26 * step + rng.normal(0, 4), (10 if step > 0 else 34) * abs(step) + rng.uniform(0, 10)
    elif posture == "sitting":
        swing, spread, knee = rng.normal(78, 7), rng.uniform(2, 22), rng.normal(80, 10)
    elif posture == "dancing":
        swing, spread, knee = rng.uniform(-15, 45), rng.uniform(5, 32), rng.uniform(0, 70)
    elif posture == "bending":
        swing, knee = rng.uniform(0, 25), rng.uniform(0, 35)
    elif posture == "lying":
        swing, knee = rng.uniform(0, 55), rng.uniform(0, 75)
    return Leg(float(swing), float(spread), float(max(knee, 0)), float(rng.normal(14, 10)))
