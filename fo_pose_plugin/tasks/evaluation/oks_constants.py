"""The OKS constants (sigmas) of keypoints, by their names."""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from fo_pose_plugin.core.skeleton import Skeleton, plain_name
from fo_pose_plugin.dataset.runs import list_runs
from fo_pose_plugin.errors import InputError, ModelError
from fo_pose_plugin.models.catalog import find_model
from fo_pose_plugin.models.mmpose_models import all_cards

if TYPE_CHECKING:
    import fiftyone as fo

__all__ = ["find_oks_sigmas"]

# Where several data sets have a keypoint of one name, these come first.
FIRST = ("coco", "coco_wholebody")


def find_oks_sigmas(
    dataset: fo.Dataset, pred_field: str, skeleton: Skeleton, given: Mapping[str, float] | None
) -> tuple[float, ...]:
    """Find the constants of a skeleton's keypoints.

    What is given comes first; then the model that filled the field; then the skeleton of MMPose's data sets
    that has all the names.

    Args:
        dataset: Its runs name the model.
        pred_field: The field with the predictions.
        skeleton: The keypoints that are compared.
        given: Constants by keypoint name, or None.

    Raises:
        InputError: If a constant is not known, or one that is given is not positive or of no keypoint.
    """
    names = [plain_name(name) for name in skeleton.keypoint_names]
    stated = {plain_name(name): value for name, value in (given or {}).items()}
    wrong = {
        name: value
        for name, value in (given or {}).items()
        if plain_name(name) not in names or not (math.isfinite(value) and value > 0)
    }
    if wrong:
        raise InputError(
            f"oks_sigmas has {wrong}, expected a positive number for each keypoint of "
            f"{', '.join(skeleton.keypoint_names)}"
        )
    missing = [name for name in skeleton.keypoint_names if plain_name(name) not in stated]
    for known in (*_of_models(dataset, pred_field), *_of_data_sets()):
        if {plain_name(name) for name in missing} <= set(known):
            return tuple(stated.get(name) or known[name] for name in names)
    if missing:
        raise InputError(
            f"no OKS constant is known for {', '.join(missing[:6])}{' ...' if len(missing) > 6 else ''} of "
            f"field {pred_field!r}: pass oks_sigmas={{{missing[0]!r}: 0.05, ...}}"
        )
    return tuple(stated[name] for name in names)


def _of_models(dataset: fo.Dataset, pred_field: str) -> list[Mapping[str, float]]:
    """Give the constants of the models that filled a field and are still known, the newest first."""
    found: list[Mapping[str, float]] = []
    for run in reversed(list_runs(dataset, pred_field).values()):
        name = run.get("settings", {}).get("model")
        try:
            skeleton = find_model(str(name)).network.skeleton
        except ModelError:
            continue
        if skeleton.oks_sigmas is not None:
            found.append(_by_name(skeleton.keypoint_names, skeleton.oks_sigmas))
    return found


@functools.cache
def _of_data_sets() -> tuple[Mapping[str, float], ...]:
    networks = [card.network for card in all_cards().values() if card.network is not None]
    skeletons = {network.skeleton.name: network.skeleton for network in networks}
    ordered = [skeletons[name] for name in FIRST if name in skeletons]
    ordered += [skeletons[name] for name in sorted(skeletons) if name not in FIRST]
    return tuple(
        _by_name(skeleton.keypoint_names, skeleton.oks_sigmas)
        for skeleton in ordered
        if skeleton.oks_sigmas is not None
    )


def _by_name(names: Sequence[str], oks_sigmas: Sequence[float]) -> dict[str, float]:
    return dict(zip(map(plain_name, names), oks_sigmas, strict=True))
