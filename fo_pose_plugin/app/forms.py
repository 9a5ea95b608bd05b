"""Operators' parameters: the one place that reads dictionaries which come from outside.

FiftyOne's server has no login, so that whatever arrives here may come from anyone: each value is checked
for its type, and none of them is a path, an address or code.
"""

from __future__ import annotations

import contextlib
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fo_pose_plugin.errors import InputError
from fo_pose_plugin.tasks.estimate_poses import EstimateRequest
from fo_pose_plugin.tasks.evaluation.request import OKS_THRESHOLDS, EvaluationRequest

__all__ = [
    "BOX_SOURCES",
    "DEFAULT_POSE_FIELD",
    "MODEL_TASKS",
    "HeatmapsRequest",
    "model_parameter",
    "read_estimate_request",
    "read_evaluation_request",
    "read_flag",
    "read_heatmaps_request",
    "read_id",
    "read_number",
    "read_text",
    "read_texts",
]

BOX_SOURCES = ("boxes", "detector", "whole_image")
MODEL_TASKS = ("body", "wholebody", "hand", "face", "animal", "other")
MAX_TEXT = 200
MAX_TEXTS = 500
# All crops of a batch are held in memory.
MAX_BATCH_SIZE = 4096
DEFAULT_POSE_FIELD = "poses"


def read_text(params: Mapping[str, Any], name: str) -> str | None:
    """Read a text; empty means None.

    Raises:
        InputError: If it is no text, too long, or holds control characters.
    """
    value = params.get(name)
    if value is None or value == "":
        return None
    return _checked_text(value, name)


def read_texts(params: Mapping[str, Any], name: str) -> list[str]:
    """Read a list of texts; one text counts as a list of one.

    Raises:
        InputError: If it is neither, too long, or a text is too long or holds control characters.
    """
    value = params.get(name)
    if value is None or value == "":
        return []
    if isinstance(value, str):
        value = [value]
    if not isinstance(value, list) or len(value) > MAX_TEXTS:
        raise InputError(f"{name} is {_shown(value)}, expected a list of at most {MAX_TEXTS} texts")
    return [_checked_text(item, name) for item in value]


def _checked_text(value: Any, name: str) -> str:
    if not isinstance(value, str) or len(value) > MAX_TEXT or not value.isprintable():
        raise InputError(
            f"{name} is {_shown(value)}, expected a text of at most {MAX_TEXT} printable characters"
        )
    return value


def read_number(params: Mapping[str, Any], name: str) -> float | None:
    """Read a number.

    Raises:
        InputError: If it is none, not finite, or too large for a float.
    """
    value = params.get(name)
    if value is None or value == "":
        return None
    number = math.nan
    if isinstance(value, int | float) and not isinstance(value, bool):
        with contextlib.suppress(OverflowError):
            number = float(value)
    if not math.isfinite(number):
        raise InputError(f"{name} is {_shown(value)}, expected a number")
    return number


def _shown(value: Any) -> str:
    """Quote the beginning of a value that came from outside; a number may have millions of digits."""
    huge = isinstance(value, int) and value.bit_length() > 64
    return "a huge number" if huge else repr(str(value)[:40])


def read_flag(params: Mapping[str, Any], name: str, default: bool) -> bool:
    """Read a choice of yes or no; nothing means the default.

    Raises:
        InputError: If it is something else.
    """
    value = params.get(name, default)
    if value is None:
        return default
    if not isinstance(value, bool):
        raise InputError(f"{name} is {_shown(value)}, expected true or false")
    return value


def model_parameter(task: str | None) -> str:
    """Name the parameter that holds the model chosen for a task.

    Raises:
        InputError: If there is no such task.
    """
    if task is None:
        return "model"
    if task not in MODEL_TASKS:
        raise InputError(f"task is {task!r}, expected one of {', '.join(MODEL_TASKS)}")
    return f"model_{task}"


def read_estimate_request(params: Mapping[str, Any]) -> EstimateRequest:
    """Read the parameters of `estimate_poses`; they bear the names of the SDK's arguments.

    The form adds three choices: ``task`` says which of ``model_body``, ``model_wholebody`` ... counts where
    there is no ``model``; ``box_source`` which of boxes, detector and whole_image; and ``held_poses`` is
    "resume" or "overwrite".

    Raises:
        InputError: If a value has the wrong type, or no model was chosen.
    """
    model = read_text(params, "model") or read_text(params, model_parameter(read_text(params, "task")))
    if model is None:
        raise InputError("no model was chosen; fo-pose models list --all names those there are")
    source = read_text(params, "box_source")
    if source is not None and source not in BOX_SOURCES:
        raise InputError(f"box_source is {source!r}, expected one of {', '.join(BOX_SOURCES)}")
    held = read_text(params, "held_poses")
    if held not in {None, "resume", "overwrite"}:
        raise InputError(f"held_poses is {held!r}, expected resume or overwrite")
    batch_size = read_number(params, "batch_size")
    if batch_size is not None and (batch_size != int(batch_size) or batch_size > MAX_BATCH_SIZE):
        raise InputError(f"batch_size is {batch_size:g}, expected a whole number of at most {MAX_BATCH_SIZE}")
    threshold = read_number(params, "box_threshold")
    device = read_text(params, "device")
    return EstimateRequest(
        model=model,
        boxes=read_text(params, "boxes") if source in {None, "boxes"} else None,
        detector=read_text(params, "detector") if source in {None, "detector"} else None,
        whole_image=source == "whole_image" or (source is None and read_flag(params, "whole_image", False)),
        pose_field=read_text(params, "pose_field") or DEFAULT_POSE_FIELD,
        keep_heatmaps=read_flag(params, "keep_heatmaps", True),
        flip_test=read_flag(params, "flip_test", False),
        box_threshold=0.3 if threshold is None else threshold,
        batch_size=None if batch_size is None else int(batch_size),
        device=None if device == "auto" else device,
        runtime=read_text(params, "runtime"),
        resume=held == "resume" or read_flag(params, "resume", False),
        signals=read_flag(params, "signals", False),
        overwrite=held == "overwrite" or read_flag(params, "overwrite", False),
    )


@dataclass(frozen=True, slots=True)
class HeatmapsRequest:
    """What the panel "Heatmaps" asks for.

    Args:
        sample_id: The open sample.
        pose_field: The field with the poses; None leaves the choice.
        label_id: One person of it; None lists them.
    """

    sample_id: str
    pose_field: str | None
    label_id: str | None


def read_heatmaps_request(params: Mapping[str, Any]) -> HeatmapsRequest:
    """Read the parameters of `read_heatmaps`.

    Raises:
        InputError: If no sample is named, a person without a field, or a value is no id or name.
    """
    sample_id, label_id = read_id(params, "sample_id"), read_id(params, "label_id")
    pose_field = read_text(params, "pose_field")
    if sample_id is None:
        raise InputError("no sample was named: sample_id is missing")
    if label_id is not None and pose_field is None:
        raise InputError("a person was named and no field: pose_field is missing")
    return HeatmapsRequest(sample_id, pose_field, label_id)


def read_id(params: Mapping[str, Any], name: str) -> str | None:
    """Read the id of a sample or label; nothing means None.

    Raises:
        InputError: If it is none.
    """
    text = read_text(params, name)
    if text is not None and not re.fullmatch(r"[0-9a-f]{24}", text):
        raise InputError(f"{name} is {_shown(text)}, expected 24 hexadecimal digits")
    return text


def read_evaluation_request(params: Mapping[str, Any]) -> EvaluationRequest:
    """Read the parameters of `evaluate_poses`; they bear the names of the SDK's arguments.

    Raises:
        InputError: If a value has the wrong type or is outside its range, or a field is missing.
    """
    pred_field, gt_field = read_text(params, "pred_field"), read_text(params, "gt_field")
    if pred_field is None or gt_field is None:
        raise InputError("two fields are needed: pred_field with the predictions, gt_field with the truth")
    threshold = read_text(params, "oks_threshold")
    known = {f"{value:.2f}": value for value in OKS_THRESHOLDS}
    if threshold is not None and threshold not in known:
        raise InputError(f"oks_threshold is {threshold!r}, expected one of {', '.join(known)}")
    nms = read_number(params, "oks_nms")
    return EvaluationRequest(
        pred_field=pred_field,
        gt_field=gt_field,
        eval_key=read_text(params, "eval_key") or "eval",
        overwrite=read_flag(params, "overwrite", False),
        oks_threshold=known[threshold] if threshold else 0.5,
        rescore=read_flag(params, "rescore", False),
        oks_nms=0.9 if nms is None and read_flag(params, "suppress", False) else nms,
    )
