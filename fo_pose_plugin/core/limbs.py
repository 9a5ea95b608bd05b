"""Which keypoint hangs on which: limbs, so that one move or one swap takes all that belongs together.

Everything is told by the keypoints' names, as COCO, COCO-WholeBody, MPII, CrowdPose, AI Challenger, JHMDB,
PoseTrack and the hand data sets spell them. Coordinate spaces: any; points are only shifted and permuted.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from fo_pose_plugin.core.skeleton import Skeleton
from fo_pose_plugin.errors import InputError, ShapeError

__all__ = ["LIMB_NAMES", "descendants", "limb_indices", "limb_parents", "move_limb", "swapped_order"]

Float64: TypeAlias = npt.NDArray[np.float64]

LIMB_NAMES = ("arms", "legs")

_SIDE = re.compile(r"left|right")
_FINGER = re.compile(r"^(.*?(?:thumb|forefinger|index|middle|ring|pinky|little)\D*?)_?(\d)$")
_FACE = re.compile(r"^face[-_ ]?\d+$")
# What each kind of keypoint hangs on, the nearest first; the side stays the same where there is one.
_HANGS_ON: tuple[tuple[re.Pattern[str], tuple[str, ...]], ...] = (
    (re.compile(r"(toe|heel)"), ("SIDE_ankle",)),
    (re.compile(r"hand_root"), ("SIDE_wrist",)),
    (re.compile(r"ankle"), ("SIDE_knee",)),
    (re.compile(r"knee"), ("SIDE_hip",)),
    (re.compile(r"wrist"), ("SIDE_elbow",)),
    (re.compile(r"elbow"), ("SIDE_shoulder",)),
    (re.compile(r"(eye|ear)$"), ("nose",)),
    (re.compile(r"^(head_top|top_head|head)$"), ("upper_neck", "neck", "head_bottom")),
    (re.compile(r"^upper_neck$"), ("thorax",)),
    (re.compile(r"^thorax$"), ("pelvis",)),
    (re.compile(r"shoulder"), ("thorax",)),
    (re.compile(r"hip$"), ("pelvis",)),
)
_LIMBS = {
    "arms": re.compile(r"shoulder|elbow|wrist|hand|thumb|finger|pinky|index"),
    "legs": re.compile(r"hip|knee|ankle|toe|heel|foot"),
}


def limb_parents(keypoint_names: Sequence[str]) -> tuple[int | None, ...]:
    """Tell for each keypoint which one it hangs on.

    A wrist hangs on the elbow of its side, that on the shoulder; fingers on the hand's root or the wrist;
    toes and heel on the ankle; eyes, ears and the face on the nose; where there is a thorax or a pelvis,
    shoulders and hips hang on them.

    Args:
        keypoint_names: K names.

    Returns:
        K indices; None for a root, and for a name that says nothing. Following them never leads back.
    """
    places = {name.lower(): index for index, name in enumerate(keypoint_names)}
    return tuple(
        next((places[above] for above in _hangs_on(name.lower()) if above in places), None)
        for name in keypoint_names
    )


def _hangs_on(name: str) -> list[str]:
    side = _SIDE.search(name)
    prefix = f"{side.group()}_" if side else ""
    finger = _FINGER.match(name)
    if finger:
        number = int(finger.group(2))
        if number > 1:
            digit = name[: finger.start(2)]
            return [f"{digit}{number - 1}"]
        return [f"{prefix}hand_root", f"{prefix}wrist", "wrist"]
    if _FACE.match(name):
        return ["nose"]
    for pattern, above in _HANGS_ON:
        if pattern.search(name):
            return [one.replace("SIDE_", prefix) for one in above]
    return []


def descendants(parents: Sequence[int | None], index: int) -> tuple[int, ...]:
    """Give a keypoint and all that hang on it, in the skeleton's order.

    Raises:
        InputError: If there is no such keypoint.
    """
    if not 0 <= index < len(parents):
        raise InputError(f"there is no keypoint {index}: there are {len(parents)}, counted from 0")
    found = {index}
    waiting = [index]
    while waiting:
        above = waiting.pop()
        below = [k for k, parent in enumerate(parents) if parent == above and k not in found]
        found.update(below)
        waiting.extend(below)
    return tuple(sorted(found))


def move_limb(
    points: npt.ArrayLike, parents: Sequence[int | None], index: int, to_xy: Sequence[float]
) -> Float64:
    """Move a keypoint to a place, and all that hang on it by as much.

    Args:
        points: (K, 2); NaN stays NaN, except of the keypoint itself, which is placed.
        parents: As `limb_parents` gives them.
        index: The keypoint.
        to_xy: Where it goes.

    Returns:
        (K, 2) float64. The input is not modified.
    """
    moved: Float64 = np.array(points, dtype=np.float64)
    if moved.shape != (len(parents), 2):
        raise ShapeError("points", moved.shape, f"({len(parents)}, 2)")
    step = np.asarray(to_xy, np.float64) - moved[index]
    if np.isfinite(step).all():
        moved[list(descendants(parents, index))] += step
    moved[index] = to_xy
    return moved


def limb_indices(keypoint_names: Sequence[str]) -> dict[str, tuple[int, ...]]:
    """Give the keypoints of both arms, with the hands, and of both legs, with the feet."""
    return {
        limb: tuple(k for k, name in enumerate(keypoint_names) if _LIMBS[limb].search(name.lower()))
        for limb in LIMB_NAMES
    }


def swapped_order(skeleton: Skeleton, limbs: str | None = None) -> tuple[int, ...]:
    """Say from where each keypoint is taken when left and right are swapped; doing it twice is the identity.

    Args:
        skeleton: Its mirrored pairs count.
        limbs: "arms" or "legs" for these alone; None for the whole person.

    Raises:
        InputError: If it is neither, or the skeleton has no such pair.
    """
    if limbs is not None and limbs not in LIMB_NAMES:
        raise InputError(f"limbs is {limbs!r}, expected one of {', '.join(LIMB_NAMES)}, or None for all")
    chosen = set(range(len(skeleton)) if limbs is None else limb_indices(skeleton.keypoint_names)[limbs])
    order = tuple(mirror if k in chosen else k for k, mirror in enumerate(skeleton.flip_indices))
    if order == tuple(range(len(skeleton))):
        what = "keypoints" if limbs is None else limbs
        raise InputError(f"the skeleton {skeleton.name!r} has no left and right {what} to swap")
    return order
