"""The keypoints of a model: names, edges, mirrored pairs, groups and OKS sigmas."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fo_pose_plugin.errors import ConfigError, KeypointNameError

__all__ = ["GROUP_NAMES", "Skeleton", "mirrored_indices", "plain_name"]

GROUP_NAMES = ("body", "feet", "face", "hands")

# Body-only models keep nose, eyes and ears in the body, as COCO-WholeBody does. MMPose numbers the
# face's contour "face-0" and so on; Halpe, COCO-WholeBody and InterHand name toes and fingers alike.
_GROUP_PATTERNS = (
    ("face", re.compile(r"^face[-_ ]?\d+$")),
    ("hands", re.compile(r"(hand|thumb|forefinger|index|middle_finger|ring_finger|pinky|little_finger)")),
    ("feet", re.compile(r"(toe|heel)")),
)
# These number their keypoints "kpt-0" and so on, which says nothing by itself.
_FACE_DATA_SETS = frozenset({"300vw", "300w", "300wlp", "aflw", "cofw", "lapa", "wflw"})


@dataclass(frozen=True, slots=True)
class Skeleton:
    """K keypoints in the model's order.

    Args:
        name: The data set's name in MMPose, e.g. ``coco`` or ``coco_wholebody``.
        keypoint_names: K distinct names.
        edges: Pairs of keypoint indices that are joined by a line.
        flip_indices: K indices: where each keypoint's mirror image stands. Mirroring twice is the identity.
        oks_sigmas: K positive numbers, the keypoints' OKS constants; None where the data set has none.
    """

    name: str
    keypoint_names: tuple[str, ...]
    edges: tuple[tuple[int, int], ...]
    flip_indices: tuple[int, ...]
    oks_sigmas: tuple[float, ...] | None = None

    def __post_init__(self) -> None:
        k = len(self.keypoint_names)
        if k == 0 or len(set(self.keypoint_names)) != k:
            raise ConfigError(
                f"skeleton {self.name!r} needs distinct keypoint names, got {self.keypoint_names}"
            )
        if any(not 0 <= i < k for edge in self.edges for i in edge):
            raise ConfigError(f"skeleton {self.name!r} has edges beyond its {k} keypoints: {self.edges}")
        if sorted(self.flip_indices) != list(range(k)) or any(
            self.flip_indices[j] != i for i, j in enumerate(self.flip_indices)
        ):
            raise ConfigError(
                f"skeleton {self.name!r}: mirroring twice is not the identity: {self.flip_indices}"
            )
        if self.oks_sigmas is not None and len(self.oks_sigmas) != k:
            raise ConfigError(f"skeleton {self.name!r} has {len(self.oks_sigmas)} sigmas for {k} keypoints")

    def __repr__(self) -> str:
        return f"Skeleton({self.name!r}, {len(self)} keypoints, {len(self.edges)} edges)"

    def __len__(self) -> int:
        return len(self.keypoint_names)

    @classmethod
    def from_metainfo(cls, metainfo: Mapping[str, Any]) -> Skeleton:
        """Read what ``models.configs.pose_metainfo`` gives.

        Raises:
            ConfigError: If a part is missing or contradicts another.
        """
        try:
            return cls(
                name=str(metainfo["name"]),
                keypoint_names=tuple(map(str, metainfo["keypoint_names"])),
                edges=tuple((int(a), int(b)) for a, b in metainfo["edges"]),
                flip_indices=tuple(map(int, metainfo["flip_indices"])),
                oks_sigmas=tuple(map(float, metainfo["sigmas"])) if metainfo.get("sigmas") else None,
            )
        except KeyError as error:
            raise ConfigError(
                f"the model's metainfo has no {error}; its keys are {sorted(metainfo)}"
            ) from error

    @property
    def groups(self) -> dict[str, tuple[int, ...]]:
        """The keypoint indices of each group that this skeleton has, in the order of GROUP_NAMES."""
        return dict(_groups_of(self.name, self.keypoint_names))

    def resolve(self, keypoints: str | Iterable[str] | None) -> tuple[int, ...]:
        """Turn names of keypoints or groups, in any mixture, into indices in the skeleton's order.

        Args:
            keypoints: One name, several, or None for all.

        Raises:
            KeypointNameError: If a name is neither a keypoint nor a group of this skeleton.
        """
        if keypoints is None:
            return tuple(range(len(self)))
        wanted: Sequence[str] = [keypoints] if isinstance(keypoints, str) else list(keypoints)
        groups = self.groups
        chosen: set[int] = set()
        for name in wanted:
            if name in groups:
                chosen.update(groups[name])
            elif name in self.keypoint_names:
                chosen.add(self.keypoint_names.index(name))
            else:
                raise KeypointNameError(
                    f"{name!r} is neither a keypoint nor a group of the skeleton {self.name!r}; "
                    f"groups: {', '.join(groups)}; keypoints: {', '.join(self.keypoint_names)}"
                )
        return tuple(sorted(chosen))


def plain_name(name: str) -> str:
    """Give what "Left Wrist", "left-wrist" and "left_wrist" have in common."""
    return re.sub(r"[\s_-]+", "_", name.strip().lower())


def mirrored_indices(keypoint_names: Sequence[str]) -> tuple[int, ...]:
    """Tell each keypoint's mirror image by its name: left_x and right_x belong together.

    Returns:
        K indices; a keypoint without a partner is its own mirror image.
    """
    positions = {name.lower(): index for index, name in enumerate(keypoint_names)}
    swap = {"left": "right", "right": "left"}
    return tuple(
        positions.get(re.sub(r"left|right", lambda side: swap[side.group()], name.lower()), index)
        for index, name in enumerate(keypoint_names)
    )


@functools.lru_cache(maxsize=256)
def _groups_of(name: str, keypoint_names: tuple[str, ...]) -> tuple[tuple[str, tuple[int, ...]], ...]:
    """Group keypoints; a form asks this of hundreds of models, which share a few skeletons."""
    members: dict[str, list[int]] = {}
    for index, keypoint in enumerate(keypoint_names):
        members.setdefault(_group_of(name, keypoint.lower()), []).append(index)
    body = [keypoint_names[index].lower() for index in members.get("body", ())]
    if "hands" in members and body and all("wrist" in keypoint for keypoint in body):
        # Nothing but hands: there the wrist is the root of the fingers, not the end of an arm.
        members["hands"] = sorted(members["hands"] + members.pop("body"))
    return tuple((group, tuple(members[group])) for group in GROUP_NAMES if group in members)


def _group_of(name: str, keypoint: str) -> str:
    if name in _FACE_DATA_SETS:
        return "face"
    return next((group for group, pattern in _GROUP_PATTERNS if pattern.search(keypoint)), "body")
