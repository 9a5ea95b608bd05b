"""The demo's datasets, where poses go in them, and what the App opens on."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from fo_pose_plugin.dataset.labels import PoseFields
from fo_pose_plugin.errors import FieldError, RunError
from fo_pose_plugin.tasks.estimate_poses import (
    EstimatePlan,
    EstimateRequest,
    plan_estimate,
)

if TYPE_CHECKING:
    import fiftyone as fo

__all__ = [
    "DATASET_NAME",
    "POSE_FIELD",
    "WHOLEBODY_FIELD",
    "add_photos",
    "dataset_name",
    "is_done",
    "open_dataset",
    "plan_poses",
    "save_doubtful_view",
    "show_first",
]

# Of drawings; each folder of photos has a dataset of its own.
DATASET_NAME = "drawn-people"
PHOTOS_NAME = "fo-pose-demo"
POSE_FIELD, WHOLEBODY_FIELD = "poses", "poses_wholebody"
DOUBTFUL = "doubtful first"
MOST_FIELDS = 20


def dataset_name(images: Path | None) -> str:
    """Name the dataset of the drawings, or that of a folder of photos: each folder has one of its own."""
    if images is None:
        return DATASET_NAME
    path = images.absolute()
    word = re.sub(r"[^a-z0-9]+", "-", path.name.lower()).strip("-") or "photos"
    return f"{PHOTOS_NAME}-{word}-{hashlib.sha256(str(path).encode()).hexdigest()[:6]}"


def open_dataset(name: str) -> fo.Dataset:
    """Open the demo's dataset, or make it."""
    import fiftyone as fo

    if fo.dataset_exists(name):
        return fo.load_dataset(name)
    dataset = fo.Dataset(name, persistent=True)
    # A colour per person, the same for box and pose, instead of one for each field.
    dataset.app_config.color_scheme = fo.ColorScheme(color_by="instance")
    dataset.save()
    return dataset


def add_photos(dataset: fo.Dataset, photos: Iterable[Path]) -> None:
    """Add the photos that are not in a dataset yet."""
    import fiftyone as fo

    known = set(dataset.values("filepath"))
    # FiftyOne keeps paths without "..": what it makes of one is what is known.
    samples = [fo.Sample(filepath=str(path)) for path in photos]
    new = [sample for sample in samples if sample.filepath not in known]
    if new:
        dataset.add_samples(new, progress=False)
        # Else the App reads each photo's size from its file whenever the grid shows it.
        dataset.exists("metadata", bool=False).compute_metadata(progress=False)


def plan_poses(
    dataset: fo.Dataset,
    model: str,
    *,
    boxes: str | None = None,
    detector: str | None = None,
    first_field: str = POSE_FIELD,
) -> EstimatePlan:
    """Plan to go on in the first field that is empty or was filled in the very same way.

    So another model's poses stand beside the ones that are there, and nothing is replaced.

    Args:
        dataset: The demo's.
        model: A model by name.
        boxes: A field with the people's boxes, or None.
        detector: A detector by name, where there is no such field; without one each photo is taken as one
            person.
        first_field: Where the poses go if nothing else is there.

    Raises:
        PoseError: If it cannot be done.
    """
    refused: FieldError | RunError | None = None
    for pose_field in _pose_fields(first_field, model):
        request = EstimateRequest(
            model=model,
            boxes=boxes,
            detector=detector,
            whole_image=boxes is None and detector is None,
            pose_field=pose_field,
            flip_test=boxes is not None,
            resume=True,
        )
        try:
            return plan_estimate(dataset, request)
        except (FieldError, RunError) as error:
            refused = error
    raise FieldError(f"none of {MOST_FIELDS} fields can take the poses: {refused}") from refused


def save_doubtful_view(dataset: fo.Dataset, pose_field: str) -> str:
    """Keep a view whose first images hold the poses of which the model is least sure.

    Returns:
        The view's name in the App's address.
    """
    from fiftyone import ViewField as F

    least_sure = F(f"{pose_field}.keypoints").map(F("score")).min()
    if not dataset.has_saved_view(DOUBTFUL):
        dataset.save_view(
            DOUBTFUL,
            dataset.sort_by(least_sure),
            description=f"The image with the lowest score of a person in {pose_field} comes first",
        )
    return DOUBTFUL.replace(" ", "-")


def show_first(dataset: fo.Dataset, fields: list[str]) -> None:
    """Have the App paint these fields at first; the others are one click away in its sidebar."""
    import fiftyone as fo

    if dataset.app_config.active_fields is None:
        dataset.app_config.active_fields = fo.ActiveFields(paths=fields, exclude=False)
        dataset.save()


def is_done(plan: EstimatePlan) -> bool:
    """Whether every image holds poses; one that failed holds none, and is tried again by each demo."""
    return plan.held == plan.total


def _pose_fields(first: str, model: str) -> Iterator[str]:
    yield first
    named = PoseFields(f"poses_by_{re.sub(r'[^A-Za-z0-9]+', '_', model)}"[:50]).poses
    yield named
    yield from (f"{named}_{number}" for number in range(2, MOST_FIELDS))
