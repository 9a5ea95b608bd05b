"""Look at some keypoints: views by confidence and by group that keep every person.

Thresholds are for views: nothing here changes a label.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fo_pose_plugin.core.skeleton import Skeleton
from fo_pose_plugin.dataset.fiftyone_internals import view_stages
from fo_pose_plugin.dataset.labels import PoseFields, read_skeleton
from fo_pose_plugin.dataset.runs import list_runs
from fo_pose_plugin.errors import FieldError, InputError

if TYPE_CHECKING:
    import fiftyone as fo

__all__ = ["CONFIDENT", "add_saved_views", "keypoint_choices", "remove_saved_views", "show_keypoints"]

# MMPose's own threshold for a keypoint that counts in a person's score.
CONFIDENT = 0.2


def show_keypoints(
    samples: fo.Dataset | fo.DatasetView,
    pose_field: str = "poses",
    keypoints: str | Iterable[str] | None = None,
    min_confidence: float | None = None,
) -> fo.DatasetView:
    """Show some keypoints only; every sample and every person stays in the view.

    Args:
        samples: A dataset or view.
        pose_field: The field with the poses.
        keypoints: Names of keypoints or groups (body, feet, face, hands), or None for all.
        min_confidence: Keypoints with a lower score are hidden; None hides none.

    Raises:
        FieldError: If the field holds no poses with named keypoints.
        KeypointNameError: If the skeleton has no such keypoint or group.
        InputError: If the confidence is no finite number.
    """
    from fiftyone import ViewField as F

    skeleton = read_skeleton(samples, pose_field)
    chosen = skeleton.resolve(keypoints)
    view = samples.view()
    if min_confidence is not None:
        if not -float("inf") < min_confidence < float("inf"):
            raise InputError(
                f"min_confidence is {min_confidence}, expected a finite number such as {CONFIDENT}"
            )
        view = view.filter_keypoints(
            pose_field, filter=F("confidence") >= float(min_confidence), only_matches=False
        )
    if len(chosen) < len(skeleton):
        names = [skeleton.keypoint_names[index] for index in chosen]
        view = view.filter_keypoints(pose_field, labels=names, only_matches=False)
    return view


def keypoint_choices(dataset: fo.Dataset) -> dict[str, list[str]]:
    """Give each field with named keypoints the groups and keypoints that `show_keypoints` takes.

    The fields that runs have filled come first, the newest before the others.
    """
    filled = [str(config["pose_field"]) for config in reversed(list_runs(dataset).values())]
    choices = {}
    for field in dict.fromkeys([*filled, *dataset.skeletons]):
        try:
            skeleton = read_skeleton(dataset, field)
        except FieldError:
            continue  # a skeleton or a run left behind by a field that was renamed or deleted
        choices[field] = [*skeleton.groups, *skeleton.keypoint_names]
    return choices


def add_saved_views(dataset: fo.Dataset, pose_field: str, skeleton: Skeleton) -> tuple[str, ...]:
    """Save views of the confident points, of all points, and of each group, where no view of that name is.

    Args:
        dataset: The dataset.
        pose_field: The field; where it is not ``poses`` the views' names tell it.
        skeleton: Its skeleton.

    Returns:
        The names of the views that were added.
    """
    from fiftyone.core.utils import to_slug

    # "Confident Points" would have the same address in the App, so that FiftyOne refuses both.
    taken = {to_slug(name) for name in dataset.list_saved_views()}
    added = []
    for wanted in _wanted_views(pose_field, skeleton):
        if to_slug(wanted.name) not in taken:
            view = show_keypoints(dataset, pose_field, wanted.keypoints, wanted.min_confidence)
            dataset.save_view(wanted.name, view, description=wanted.description)
            added.append(wanted.name)
    return tuple(added)


def remove_saved_views(dataset: fo.Dataset, pose_field: str) -> tuple[str, ...]:
    """Delete the views that `add_saved_views` saved for a field, but those that someone changed since.

    Returns:
        The names of the views that are gone.
    """
    try:
        skeleton = read_skeleton(dataset, pose_field)
    except FieldError:
        return ()
    dataset.reload()  # views that another process has saved
    there = set(dataset.list_saved_views())
    gone = []
    for wanted in _wanted_views(pose_field, skeleton):
        if wanted.name in there:
            view = show_keypoints(dataset, pose_field, wanted.keypoints, wanted.min_confidence)
            if view_stages(dataset.load_saved_view(wanted.name)) == view_stages(view):
                dataset.delete_saved_view(wanted.name)
                gone.append(wanted.name)
    return tuple(gone)


@dataclass(frozen=True, slots=True)
class _WantedView:
    name: str
    description: str
    keypoints: str | None = None
    min_confidence: float | None = None


def _wanted_views(pose_field: str, skeleton: Skeleton) -> list[_WantedView]:
    suffix = "" if pose_field == PoseFields("poses").poses else f" ({pose_field})"
    confident = f"Keypoints of {pose_field} with a score of at least {CONFIDENT:g}"
    views = [
        _WantedView(f"confident points{suffix}", confident, min_confidence=CONFIDENT),
        _WantedView(f"all points{suffix}", f"All keypoints of {pose_field}"),
    ]
    groups = skeleton.groups
    if len(groups) > 1:
        views += [_WantedView(f"{g} points{suffix}", f"Keypoints of {pose_field}: {g}", g) for g in groups]
    return views
