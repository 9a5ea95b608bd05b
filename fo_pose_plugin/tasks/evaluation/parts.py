"""The parts of the body that COCO-WholeBody evaluates apart, for any skeleton that has them."""

from __future__ import annotations

from fo_pose_plugin.core.skeleton import Skeleton

__all__ = ["keypoint_parts"]

NAMES = {"body": "body", "feet": "foot", "face": "face"}


def keypoint_parts(skeleton: Skeleton) -> dict[str, tuple[int, ...]]:
    """Give each part's keypoints, and all of them at last.

    Returns:
        ``body``, ``foot``, ``face``, ``lefthand``, ``righthand`` as far as there are such keypoints, and
        ``wholebody``; only ``all`` for a skeleton of one group.
    """
    everything = tuple(range(len(skeleton)))
    groups = skeleton.groups
    if len(groups) == 1 or "body" not in groups:
        return {"all": everything}
    parts = {NAMES[name]: members for name, members in groups.items() if name in NAMES}
    for side in ("left", "right"):
        hand = tuple(
            i for i in groups.get("hands", ()) if skeleton.keypoint_names[i].lower().startswith(side)
        )
        if hand:
            parts[f"{side}hand"] = hand
    return {**parts, "wholebody": everything}
