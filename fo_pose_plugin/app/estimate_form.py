"""The form of `estimate_poses`: what will run on what, and what will be written where."""

from __future__ import annotations

from typing import Any

from fiftyone.operators import types

from fo_pose_plugin.app.choices import add_dropdown
from fo_pose_plugin.app.forms import BOX_SOURCES, read_estimate_request, read_text
from fo_pose_plugin.app.model_choices import add_detector_choice, add_model_choice, size_text
from fo_pose_plugin.app.page import refuse
from fo_pose_plugin.core.wording import n_images, n_people
from fo_pose_plugin.errors import FieldError, InputError, MediaTypeError, PoseError
from fo_pose_plugin.tasks.estimate_poses import (
    EstimatePlan,
    box_fields,
    check_media,
    count_people,
    held_poses,
    plan_estimate,
)
from fo_pose_plugin.tasks.fetch_weights import missing_bytes
from fo_pose_plugin.tasks.install import install_command, missing_openmmlab
from fo_pose_plugin.tasks.kept_heatmaps import expected_bytes

__all__ = ["build"]


def build(ctx: Any) -> types.Property:
    """Build the form from what was chosen so far."""
    inputs = types.Object()
    if _installed(inputs):
        try:
            samples = ctx.target_view()
            check_media(samples)
            _fields(ctx, inputs, samples)
        except MediaTypeError as error:
            refuse(inputs, "These samples cannot be used", str(error))
        except InputError as error:  # no browser sends such values
            refuse(inputs, "These values cannot be used", str(error))
    return types.Property(inputs, view=types.View(label="Estimate poses"))


def _installed(inputs: types.Object) -> bool:
    missing = missing_openmmlab()
    if missing:
        refuse(
            inputs,
            f"OpenMMLab is not complete: {', '.join(missing)}",
            f"Run this in a terminal, then start FiftyOne anew:  {install_command()}",
        )
    return not missing


def _fields(ctx: Any, inputs: types.Object, samples: Any) -> None:
    add_model_choice(ctx.params, inputs)
    _box_fields(ctx, inputs, samples)
    _options(inputs)
    inputs.str(
        "pose_field",
        default="poses",
        label="Field",
        description="Where the poses go; a name of its own for each model keeps their results side by side",
    )
    _held(ctx, inputs, samples)
    _outlook(ctx, inputs, samples)


def _box_fields(ctx: Any, inputs: types.Object, samples: Any) -> None:
    fields = box_fields(samples)
    usable = {"boxes": bool(fields), "detector": True, "whole_image": True}
    given = [source for source in BOX_SOURCES if ctx.params.get(source)]
    default = next(source for source in (*given, *BOX_SOURCES) if usable[source])
    sources = types.RadioGroup()
    if fields:
        sources.add_choice("boxes", label="Boxes of a field", description="One pose per box")
    sources.add_choice(
        "detector", label="A detector", description="Finds the people first, and keeps its boxes"
    )
    sources.add_choice("whole_image", label="The whole image", description="One person fills each image")
    inputs.enum(
        "box_source",
        sources.values(),
        default=default,
        label="Where are the people?",
        view=sources,
    )
    chosen = read_text(ctx.params, "box_source") or default
    if chosen == "boxes" and fields:
        add_dropdown(inputs, "boxes", "Field with boxes", fields, required=False)
    if chosen == "detector":
        add_detector_choice(inputs)
        inputs.float(
            "box_threshold",
            default=0.3,
            min=0,
            max=1,
            label="Least confidence of a box",
            description="Lower finds more people, and more that are none",
        )


def _options(inputs: types.Object) -> None:
    inputs.bool(
        "flip_test",
        default=False,
        label="Flip test",
        description="Average with the mirrored crop: a little better, half as fast",
        view=types.CheckboxView(),
    )
    inputs.bool(
        "keep_heatmaps",
        default=True,
        label="Keep the heatmaps",
        description="On disk, to be browsed later and painted over the image",
        view=types.CheckboxView(),
    )
    inputs.bool(
        "signals",
        default=True,
        label="Say how doubtful each pose is",
        description="By its heatmaps, and why: for the review queue",
        view=types.CheckboxView(),
    )


def _held(ctx: Any, inputs: types.Object, samples: Any) -> None:
    """Offer what to do with poses that the field holds already."""
    field = read_text(ctx.params, "pose_field") or "poses"
    held = held_poses(samples, field)
    if not held:
        return
    choices = types.RadioGroup()
    choices.add_choice("resume", label="Finish the run before", description="Leaves alone what it has done")
    choices.add_choice(
        "overwrite", label="Replace them", description=f"The poses of {n_images(held)} are replaced"
    )
    inputs.enum(
        "held_poses",
        choices.values(),
        default="overwrite" if ctx.params.get("overwrite") else "resume",
        label=f"{held:,} of these images hold poses in {field!r} already",
        view=choices,
    )
    if read_text(ctx.params, "held_poses") == "overwrite":
        inputs.view(
            "replaces",
            types.Warning(
                label=f"The poses of {n_images(held)} in {field!r} will be gone",
                description="What is replaced is kept until the run has ended. Poses that another tool "
                "edited stay as they are, and so do corrections.",
            ),
        )


def _outlook(ctx: Any, inputs: types.Object, samples: Any) -> None:
    """Say what will happen, or what stands against it."""
    try:
        plan = plan_estimate(samples, read_estimate_request(_with_defaults(ctx, inputs)))
    except FieldError as error:
        refuse(inputs, "The field cannot be used", str(error))
    except InputError as error:
        refuse(inputs, "Something is still missing", str(error))
    except PoseError as error:
        refuse(inputs, "This cannot be run", str(error))
    else:
        inputs.view("outlook", types.Notice(label=_headline(plan), description=_description(plan)))


def _with_defaults(ctx: Any, inputs: types.Object) -> dict[str, Any]:
    """Fill in what the form shows but the browser has not sent yet."""
    shown = {name: prop.default for name, prop in inputs.properties.items() if prop.default is not None}
    return {**shown, **{name: value for name, value in ctx.params.items() if value is not None}}


def _headline(plan: EstimatePlan) -> str:
    people = count_people(plan.samples, plan.source)
    found = "as many people as the detector finds" if people is None else n_people(people)
    return f"{n_images(plan.total)}, {found}: {plan.model.spec.keypoints} keypoints each"


def _space(plan: EstimatePlan) -> str:
    people = count_people(plan.samples, plan.source)
    if people == 0:
        return ""
    size = expected_bytes(people or 1, plan.model.spec.keypoints, plan.model.network.codec)
    if people is None:
        return f" and on disk, about {size / 1e3:,.0f} kB for each person"
    return f" and on disk, about {size / 1e6:,.1f} MB"


def _description(plan: EstimatePlan) -> str:
    fields = plan.fields
    written = [f"poses in {fields.poses!r}", f"errors in {fields.error!r}"]
    if plan.detector is not None:
        written.append(f"boxes in {fields.boxes!r}")
    if plan.request.keep_heatmaps:
        written.append(f"heatmaps in {fields.heatmap!r}{_space(plan)}")
    where = ", ".join(written)
    lacking = missing_bytes(plan)
    first = f"First it downloads about {size_text(lacking)} of weights. " if lacking else ""
    return (
        f"{first}{plan.model.spec.describe()}. People: {plan.source.describe()}. Written: {where}; "
        "saved views where they are missing."
    )
