"""Errors of every kind put into human labels, the same for the same seed."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TypeAlias

import numpy as np

REPOSITORY = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(REPOSITORY))

from benchmarks.label_errors_images import Photo  # noqa: E402
from fo_pose_plugin.core.evaluated_people import Truth  # noqa: E402
from fo_pose_plugin.core.skeleton import Skeleton  # noqa: E402

__all__ = ["BETWEEN", "KINDS", "MISSING", "Planted", "spoil"]

SPOILT = 1 / 3
ELIGIBLE_KEYPOINTS = 5
OFF_TOLERANCES = (1.5, 6.0)


@dataclass(frozen=True, slots=True)
class Planted:
    """An error that was put into a label."""

    kind: str
    label_id: str
    keypoints: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Victim:
    """A label that is about to be spoilt."""

    truth: Truth
    tolerances: np.ndarray
    skeleton: Skeleton
    size_wh: tuple[int, int]
    chosen: np.random.Generator

    def any_keypoint(self) -> int:
        """Choose one that is annotated."""
        return int(self.chosen.choice(np.flatnonzero(self.truth.visible > 0)))


Spoilt: TypeAlias = tuple[Truth, tuple[int, ...]] | None


def _swap(victim: Victim, names: tuple[str, ...]) -> Spoilt:
    truth, flipped = victim.truth, np.array(victim.skeleton.flip_indices)
    part = np.array([any(n in name for n in names) for name in victim.skeleton.keypoint_names])
    part &= (truth.visible > 0) & (truth.visible[flipped] > 0) & (flipped != np.arange(len(flipped)))
    points, visible = truth.points_px.copy(), truth.visible.copy()
    points[part], visible[part] = truth.points_px[flipped][part], truth.visible[flipped][part]
    far = np.hypot(*(points - truth.points_px).T) > OFF_TOLERANCES[0] * victim.tolerances
    if not (far & part).any():
        return None
    return replace(truth, points_px=points, visible=visible), tuple(np.flatnonzero(part).tolist())


def _move(victim: Victim) -> Spoilt:
    k = victim.any_keypoint()
    angle = victim.chosen.uniform(0, 2 * np.pi)
    reach = victim.chosen.uniform(*OFF_TOLERANCES) * victim.tolerances[k]
    points = victim.truth.points_px.copy()
    points[k] += reach * np.array([np.cos(angle), np.sin(angle)])
    if not ((points[k] >= 0) & (points[k] < victim.size_wh)).all():
        return None
    return replace(victim.truth, points_px=points), (k,)


def _forget(victim: Victim) -> Spoilt:
    k = victim.any_keypoint()
    visible = victim.truth.visible.copy()
    visible[k] = 0
    return replace(victim.truth, visible=visible), (k,)


def _hide(victim: Victim) -> Spoilt:
    k = victim.any_keypoint()
    visible = victim.truth.visible.copy()
    visible[k] = 3 - visible[k]
    return replace(victim.truth, visible=visible), (k,)


KINDS: dict[str, Callable[[Victim], Spoilt]] = {
    "swapped_person": partial(_swap, names=("",)),
    "swapped_arms": partial(_swap, names=("shoulder", "elbow", "wrist")),
    "swapped_legs": partial(_swap, names=("hip", "knee", "ankle")),
    "wrong_position": _move,
    "missing_keypoint": _forget,
    "wrong_visibility": _hide,
}
BETWEEN, MISSING = "swapped_between_people", "missing_person"


def spoil(
    photo: Photo, chosen: np.random.Generator, skeleton: Skeleton, sigmas: np.ndarray
) -> tuple[Photo, list[Planted]]:
    """Put one error into each of some of an image's labels."""
    truths = list(photo.truths)
    planted: list[Planted] = []
    eligible = [
        i for i, t in enumerate(truths) if not t.crowd and (t.visible > 0).sum() >= ELIGIBLE_KEYPOINTS
    ]
    for i in [i for i in eligible if chosen.random() < SPOILT]:
        if any(truths[i].label_id == p.label_id for p in planted):
            continue
        kind = str(chosen.choice([*KINDS, BETWEEN, MISSING]))
        tolerances = 2 * sigmas * np.sqrt(truths[i].area_px)
        if kind == MISSING:
            planted.append(Planted(kind, truths[i].label_id, ()))
            truths[i] = replace(truths[i], label_id="gone")
            continue
        if kind == BETWEEN:
            near = [j for j in eligible if j != i and truths[j].label_id not in {p.label_id for p in planted}]
            near = [j for j in near if truths[j].label_id != "gone"]
            if not near:
                continue
            center = truths[i].points_px[truths[i].visible > 0].mean(axis=0)
            j = min(
                near,
                key=lambda j: float(
                    np.hypot(*(truths[j].points_px[truths[j].visible > 0].mean(axis=0) - center))
                ),
            )
            both = (truths[i].visible > 0) & (truths[j].visible > 0)
            both &= np.hypot(*(truths[i].points_px - truths[j].points_px).T) > OFF_TOLERANCES[0] * tolerances
            if not both.any():
                continue
            k = int(chosen.choice(np.flatnonzero(both)))
            a, b = truths[i].points_px.copy(), truths[j].points_px.copy()
            a[k], b[k] = truths[j].points_px[k], truths[i].points_px[k]
            truths[i], truths[j] = replace(truths[i], points_px=a), replace(truths[j], points_px=b)
            planted += [Planted(kind, truths[i].label_id, (k,)), Planted(kind, truths[j].label_id, (k,))]
            continue
        done = KINDS[kind](Victim(truths[i], tolerances, skeleton, photo.size_wh, chosen))
        if done is not None:
            truths[i] = done[0]
            planted.append(Planted(kind, truths[i].label_id, done[1]))
    kept = tuple(t for t in truths if t.label_id != "gone")
    return replace(photo, truths=kept), planted
