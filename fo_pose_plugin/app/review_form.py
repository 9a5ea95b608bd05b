"""The form of `review_queue`: which poses, how many images, worst first or varied."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fiftyone.operators import types

from fo_pose_plugin.app.choices import add_dropdown, add_keypoint_names
from fo_pose_plugin.app.forms import read_flag, read_number, read_text, read_texts
from fo_pose_plugin.core.wording import n_images, n_people
from fo_pose_plugin.errors import InputError
from fo_pose_plugin.tasks.review_queue import people_judged, queue_choices

__all__ = ["QueueRequest", "add_queue_fields", "read_queue_request"]

DEFAULT_IMAGES = 50
MAX_IMAGES = 100_000
DEFAULT_VIEW = "review queue"
DEFAULT_FIELD = "poses"


@dataclass(frozen=True, slots=True)
class QueueRequest:
    """What someone asks for; see `tasks.review_queue` for the meaning of each value.

    Args:
        view_name: Under which the queue is saved.
    """

    pose_field: str
    n: int | None
    diverse: bool
    keypoints: list[str] | None
    view_name: str


def read_queue_request(params: Mapping[str, Any]) -> QueueRequest:
    """Read the parameters of `review_queue`.

    Raises:
        InputError: If a value has the wrong type or size.
    """
    number = read_number(params, "n")
    if number is not None and (number != int(number) or not 1 <= number <= MAX_IMAGES):
        raise InputError(f"n is {number:g}, expected a whole number from 1 to {MAX_IMAGES:,}")
    return QueueRequest(
        pose_field=read_text(params, "pose_field") or DEFAULT_FIELD,
        n=None if number is None else int(number),
        diverse=read_flag(params, "diverse", False),
        keypoints=read_texts(params, "keypoints") or None,
        view_name=read_text(params, "view_name") or DEFAULT_VIEW,
    )


def add_queue_fields(ctx: Any, inputs: types.Object, samples: Any) -> None:
    """Add the inputs, and say what will happen.

    Raises:
        InputError: If a value cannot be used.
    """
    choices = queue_choices(ctx.dataset)
    add_dropdown(inputs, "pose_field", "Poses", choices)
    first = next(iter(choices))
    field = read_text(ctx.params, "pose_field") or first
    inputs.int(
        "n",
        default=DEFAULT_IMAGES,
        min=1,
        max=MAX_IMAGES,
        label="Images",
        description="At most so many; empty takes all",
    )
    inputs.bool(
        "diverse",
        default=False,
        label="Varied",
        description="Images that differ in pose and in what is doubtful, instead of the worst alone",
        view=types.CheckboxView(),
    )
    add_keypoint_names(inputs, choices.get(field, ()), "none takes all")
    inputs.str(
        "view_name",
        default=DEFAULT_VIEW,
        label="Saved view",
        description="The queue is kept under this name, in the place of a queue that bears it",
    )
    request = read_queue_request({"pose_field": first, "n": DEFAULT_IMAGES, **_given(ctx.params)})
    _outlook(inputs, samples, field, request)


def _given(params: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in params.items() if value is not None}


def _outlook(inputs: types.Object, samples: Any, field: str, request: QueueRequest) -> None:
    people, judged = people_judged(samples, field)
    if not people:
        prop = inputs.view("outlook", types.Error(label=f"Nobody is in {field!r} on these images"))
        prop.invalid = True
        return
    order = "varied" if request.diverse else "the most doubtful first"
    images = "All images" if request.n is None else f"At most {n_images(request.n)}"
    first = ""
    if judged < people:
        lacking = people - judged
        first = (
            f"First the kept heatmaps of {n_people(lacking)} whose doubt is not known yet are read: about "
            f"{lacking / 500:,.0f} s. "
            if lacking > 2500
            else f"First the kept heatmaps of {n_people(lacking)} whose doubt is not known yet are read. "
        )
    inputs.view(
        "outlook",
        types.Notice(
            label=f"{images} with {n_people(people)}, {order}",
            description=f"{first}People whom someone has accepted or corrected are left out. Why a person is "
            "doubted stands in their label, as 'why'.",
        ),
    )
