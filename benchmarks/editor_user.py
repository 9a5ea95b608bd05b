"""The scripted user of `make study-editor`: corrects one person, and counts what it takes.

They have the truth in mind and see what the screen shows: the points, and the candidates of each. A drag, a
key press and a click count one each. Coordinate space: image_px.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from fo_pose_plugin.core.correction import EditedPose, swap_points, weaker_keypoints
from fo_pose_plugin.core.limbs import descendants, limb_parents, move_limb, swapped_order
from fo_pose_plugin.core.skeleton import Skeleton

__all__ = ["Actions", "ShownPerson", "by_dragging", "with_fewest_actions", "with_least_aiming"]

Float64: TypeAlias = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class ShownPerson:
    """One person on the screen, and what the user knows of them.

    Args:
        points: (K, 2) as predicted; NaN where absent.
        truth: (K, 2).
        visible: (K,) what should be: 0 is not annotated, 1 occluded, 2 visible.
        tolerance: (K,) how far a point may be off.
        candidates: K lists of places, the strongest first.
        confidence: (K,)
    """

    points: Float64
    truth: Float64
    visible: tuple[int, ...]
    tolerance: Float64
    candidates: tuple[Float64, ...]
    confidence: Float64

    def right(self, points: Float64, k: int) -> bool:
        """Whether a keypoint is where it should be; one that is not annotated may be anywhere."""
        if self.visible[k] == 0:
            return True
        return bool(np.hypot(*(points[k] - self.truth[k])) <= self.tolerance[k])  # NaN is not

    def wrong(self, points: Float64) -> list[int]:
        """The keypoints that are not."""
        return [k for k in range(len(points)) if not self.right(points, k)]


@dataclass(slots=True)
class Actions:
    """What it took.

    Args:
        drags: Of a point, or of a limb.
        places: Absent points that are placed: chosen by a key and put by a click.
        keys: That move points: swaps, candidates, and choosing the next keypoint for them.
        touched: The keypoints that are chosen by the way, so that visibility needs one key less.
        hides_weaker: Whether a key makes a chosen keypoint and all weaker ones absent, where that pays.
    """

    drags: int = 0
    places: int = 0
    keys: int = 0
    touched: set[int] = field(default_factory=set)
    hides_weaker: bool = False

    @property
    def moving(self) -> int:
        """All that puts points right."""
        return self.drags + 2 * self.places + self.keys

    @property
    def aimed(self) -> int:
        """What needs a steady hand: drags and clicks."""
        return self.drags + self.places

    def visibility(self, person: ShownPerson) -> int:
        """What setting every keypoint's visibility takes: a click to choose it, and a key."""
        one_by_one = sum(self._levels(person, set()))
        if not self.hides_weaker:
            return one_by_one
        plans = [one_by_one]
        for chosen in range(len(person.confidence)):
            hidden = set(weaker_keypoints(person.confidence, chosen)) - self.touched
            plans.append(2 + sum(self._levels(person, hidden)))
        return min(plans)

    def _levels(self, person: ShownPerson, hidden: set[int]) -> Iterator[int]:
        """Give what each keypoint takes; one that was hidden and is annotated is chosen and reset."""
        for k, level in enumerate(person.visible):
            shown = k not in hidden and bool(np.isfinite(person.points[k]).all())
            if k in hidden and level:
                yield 2 if level == 2 else 3
            elif level == 1 or (level == 0 and shown):
                yield 1 if k in self.touched else 2


def by_dragging(person: ShownPerson) -> Actions:
    """Drag each wrong point to its place."""
    actions = Actions()
    for k in person.wrong(person.points):
        if np.isfinite(person.points[k]).all():
            actions.drags += 1
        else:
            actions.places += 1
        actions.touched.add(k)
    return actions


def with_fewest_actions(person: ShownPerson, skeleton: Skeleton) -> Actions:
    """Swap where that helps, then move limbs or points: the plan with the fewest actions."""
    plans = [_moved(person, skeleton, points, swaps) for swaps, points in _swapped(person, skeleton)]
    return min(plans, key=lambda plan: (plan.moving, plan.visibility(person)))


def with_least_aiming(person: ShownPerson, skeleton: Skeleton) -> Actions:
    """Swap where that helps, then take candidates by key where one is right, and drag what is left."""
    plans = []
    for swaps, swapped in _swapped(person, skeleton):
        points = swapped.copy()
        keys, touched = swaps, set()
        for k in person.wrong(points):
            presses = _candidate(person, k)
            if presses is not None:
                points[k] = person.candidates[k][presses]
                keys += 1 + max(presses, 1)  # choosing the keypoint, and S until it is there
                touched.add(k)
        plan = _moved(person, skeleton, points, keys)
        plan.touched |= touched
        plans.append(plan)
    return min(plans, key=lambda plan: (plan.aimed, plan.moving))


def _candidate(person: ShownPerson, k: int) -> int | None:
    for place, xy in enumerate(person.candidates[k]):
        if np.hypot(*(xy - person.truth[k])) <= person.tolerance[k]:
            return place
    return None


def _swapped(person: ShownPerson, skeleton: Skeleton) -> Iterator[tuple[int, Float64]]:
    """Give the person after each choice of swaps, and how many keys it took."""
    seen = np.isfinite(person.points).all(axis=1)
    visible = tuple(2 if one else 0 for one in seen.tolist())
    start = EditedPose(person.points, visible, ("model",) * len(visible))
    for chosen in itertools.product((False, True), repeat=3):
        pose = start
        for limbs, wanted in zip((None, "arms", "legs"), chosen, strict=True):
            if wanted:
                pose = swap_points(pose, swapped_order(skeleton, limbs))
        yield sum(chosen), pose.points_rel


def _moved(person: ShownPerson, skeleton: Skeleton, points: Float64, keys: int) -> Actions:
    """Put everything right by moving limbs and points, tree by tree of what hangs together."""
    parents = limb_parents(skeleton.keypoint_names)
    actions = Actions(keys=keys, hides_weaker=True)
    for root, above in enumerate(parents):
        if above is None:
            tree = descendants(parents, root)
            if any(not person.right(points, k) for k in tree):
                _best(person, parents, points, tree, actions)
    return actions


def _best(
    person: ShownPerson,
    parents: Sequence[int | None],
    points: Float64,
    tree: Sequence[int],
    actions: Actions,
) -> None:
    """Add the fewest moves that put a tree right; parents are moved before what hangs on them."""
    annotated = [k for k in sorted(tree, key=lambda k: _depth(parents, k)) if person.visible[k]]
    wrong = [k for k in annotated if not person.right(points, k)]
    for moves in range(1, len(wrong)):
        for chosen in itertools.combinations(annotated, moves):
            for limbs in itertools.product((True, False), repeat=moves):
                own = Actions()
                now = points
                for k, limb in zip(chosen, limbs, strict=True):
                    now = _put(person, parents, now, k, own, limb=limb)
                if all(person.right(now, k) for k in annotated):
                    _add(actions, own)
                    return
    for k in wrong:
        points = _put(person, parents, points, k, actions, limb=False)


def _put(
    person: ShownPerson,
    parents: Sequence[int | None],
    points: Float64,
    k: int,
    actions: Actions,
    *,
    limb: bool,
) -> Float64:
    """Put one keypoint where it should be, alone or with what hangs on it, and count it."""
    actions.touched.add(k)
    if np.isfinite(points[k]).all():
        actions.drags += 1
        if limb:
            return move_limb(points, parents, k, person.truth[k])
    else:
        actions.places += 1
    moved = points.copy()
    moved[k] = person.truth[k]
    return moved


def _add(actions: Actions, more: Actions) -> None:
    actions.drags += more.drags
    actions.places += more.places
    actions.touched |= more.touched


def _depth(parents: Sequence[int | None], k: int) -> int:
    above = parents[k]
    return 0 if above is None else 1 + _depth(parents, above)
