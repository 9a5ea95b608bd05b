"""The choices of a model and of a detector: what is here first, and each with what it costs and gives."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from fiftyone.operators import types

from fo_pose_plugin.app.forms import MODEL_TASKS, model_parameter, read_text
from fo_pose_plugin.tasks.models import (
    DetectorSpec,
    ModelSpec,
    best_first,
    list_detectors,
    list_models,
    obstacle,
)

__all__ = ["add_detector_choice", "add_model_choice", "size_text"]

_TASK_LABELS = {
    "body": ("Body", "People: arms, legs, the head's main points"),
    "wholebody": ("Whole body", "People with hands, feet and face"),
    "hand": ("Hands", "One hand per box"),
    "face": ("Faces", "One face per box"),
    "animal": ("Animals", "One animal per box"),
    "other": ("Something else", "Clothes, and whatever is none of the above"),
}


def add_model_choice(params: Mapping[str, Any], inputs: types.Object) -> None:
    """Ask for a task and for one of its models, or for any model where the caller named one.

    Args:
        params: What was chosen so far. Python's callers name ``model``; the form asks for a task, and then
            for a model under a name of the task's own, so that each task keeps its choice.
        inputs: The form.
    """
    usable = [spec for spec in best_first(list_models()) if spec.problem is None]
    tasks = [task for task in MODEL_TASKS if any(spec.task == task for spec in usable)]
    if params.get("model") is not None or len(tasks) == 1:
        _add_models(params, inputs, "model", usable)
        return
    task = _add_tasks(params, inputs, tasks, usable)
    _add_models(params, inputs, model_parameter(task), [spec for spec in usable if spec.task == task])


def _add_tasks(
    params: Mapping[str, Any], inputs: types.Object, tasks: Sequence[str], usable: Sequence[ModelSpec]
) -> str:
    """Ask what the keypoints are to be of; give the answer so far."""
    here = [task for task in tasks if any(spec.is_here for spec in usable if spec.task == task)]
    default = "body" if "body" in here or not here else here[0]
    choices = types.DropdownView()
    for task in tasks:
        label, description = _TASK_LABELS[task]
        of_task = [spec for spec in usable if spec.task == task]
        count = sum(spec.is_here for spec in of_task)
        caption = f"{len(of_task):,} models, {f'{count:,}' if count else 'none'} of them here"
        choices.add_choice(task, label=label, description=description, caption=caption)
    inputs.enum(
        "task", choices.values(), default=default, required=True, label="Keypoints of what?", view=choices
    )
    chosen = read_text(params, "task") or default
    return chosen if chosen in tasks else default


def _add_models(
    params: Mapping[str, Any], inputs: types.Object, name: str, specs: Sequence[ModelSpec]
) -> None:
    chosen = read_text(params, name) or _default(specs).name
    told = [f"{_model_text(spec)}; {_weights_text(spec)}" for spec in specs if spec.name == chosen]
    choices = types.AutocompleteView(
        allow_user_input=False, allow_clearing=False, allow_duplicates=False, caption="".join(told)
    )
    for spec in specs:
        choices.add_choice(
            spec.name, label=spec.name, description=_model_text(spec), caption=_weights_text(spec)
        )
    inputs.enum(
        name,
        choices.values(),
        default=_default(specs).name,
        required=True,
        label="Model",
        description="What every person gets. Type a part of its name: hrnet, vitpose, 384x288, crowdpose ...",
        view=choices,
    )


def _default(specs: Sequence[ModelSpec]) -> ModelSpec:
    """Choose what is here, or else the most precise of those that a plain computer can run."""
    light = [spec for spec in specs if spec.speed in {"fast", "medium"} and spec.needs is None]
    return specs[0] if specs[0].is_here or not light else light[0]


def _model_text(spec: ModelSpec) -> str:
    parts = ", ".join(f"{group} {count}" for group, count in spec.groups.items())
    width, height = spec.input_size_wh
    words = [f"{spec.keypoints} keypoints" + (f" ({parts})" if len(spec.groups) > 1 else "")]
    if spec.ap is not None:
        words.append(f"AP {spec.ap:.3f}" + (f" on {spec.dataset}" if spec.dataset else ""))
    if spec.speed is not None:
        words.append(spec.speed)
    return ", ".join([*words, f"{width}x{height} input"])


def add_detector_choice(inputs: types.Object) -> None:
    """Ask for a detector."""
    specs = best_first(list_detectors())
    choices = types.DropdownView()
    for spec in specs:
        words = [f"{spec.classes} classes" if spec.classes > 1 else "people only"]
        if spec.box_ap is not None:
            words.append(f"box AP {spec.box_ap:.1f}")
        if spec.speed is not None:
            words.append(spec.speed)
        choices.add_choice(
            spec.name, label=spec.name, description=", ".join(words), caption=_weights_text(spec)
        )
    inputs.enum("detector", choices.values(), default=specs[0].name, label="Detector", view=choices)


def _weights_text(spec: ModelSpec | DetectorSpec) -> str:
    if spec.is_here:
        found = "weights here"
    elif spec.registered:
        found = "its weights are not where they were"
    else:
        found = f"{size_text((spec.size_mb or 0) * 1e6)} to download"
    hindered = obstacle(spec)
    return f"{found}; {hindered}" if hindered else found


def size_text(size_bytes: float) -> str:
    """Say a download's size."""
    return f"{size_bytes / 1e9:,.1f} GB" if size_bytes >= 1e9 else f"{size_bytes / 1e6:,.0f} MB"
