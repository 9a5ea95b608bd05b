"""A plugin that only the harness's own test loads: it is copied into a plugins folder as ``__init__.py``."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fiftyone.operators as foo
from fiftyone.operators import types

NAME = "@fo-pose-tests/dummy"
MANIFEST = f"name: '{NAME}'\nfiftyone:\n  version: '*'\noperators: [dummy_form, dummy_run, dummy_stop]\n"

# A file, since the App executes this module anew for every request: an event made here is never the same.
STOP_REQUESTED = Path(__file__).with_name("stop_requested")


class DummyForm(foo.Operator):
    @property
    def config(self) -> foo.OperatorConfig:
        return foo.OperatorConfig(
            "dummy_form", label="Dummy form", dynamic=True, allow_delegated_execution=True
        )

    def resolve_input(self, ctx: Any) -> types.Property:
        inputs = types.Object()
        models = types.DropdownView()
        models.add_choice("tiny", label="Tiny", description="17 keypoints", caption="body")
        models.add_choice("large", label="Large", description="133 keypoints", caption="wholebody")
        inputs.enum("model", models.values(), label="Model", default="tiny", required=True, view=models)
        towns = types.AutocompleteView()
        for town in ("Aachen", "Bonn", "Celle"):
            towns.add_choice(town.lower(), label=town)
        inputs.enum("town", towns.values(), label="Town", view=towns)
        sources = types.RadioGroup()
        sources.add_choice("field", label="A field", description="boxes that are there")
        sources.add_choice("image", label="The whole image", description="one person")
        inputs.enum("source", sources.values(), label="Boxes", default="field", view=sources)
        inputs.bool("flip", label="Flip test", default=False)
        inputs.float("part", label="Part", default=0.5, min=0, max=1, view=types.SliderView())
        name = inputs.str("name", label="Name", default="poses", required=True)
        if ctx.params.get("name") == "id":
            name.invalid = True
            name.error_message = "id is taken"
        inputs.view("count", types.Notice(label=f"{len(ctx.target_view())} images"))
        return types.Property(inputs, view=types.View(label="Dummy title"))

    def execute(self, ctx: Any) -> dict[str, Any]:
        return {"count": len(ctx.target_view()), "params": repr(sorted(ctx.params.items()))}

    def resolve_output(self, ctx: Any) -> types.Property:
        outputs = types.Object()
        outputs.int("count", label="Images")
        outputs.str("params", label="Parameters")
        return types.Property(outputs, view=types.View(label="Dummy result"))


class DummyRun(foo.Operator):
    @property
    def config(self) -> foo.OperatorConfig:
        return foo.OperatorConfig("dummy_run", label="Dummy run", execute_as_generator=True)

    def resolve_input(self, ctx: Any) -> types.Property:
        inputs = types.Object()
        inputs.int("steps", label="Steps", default=3)
        inputs.bool("with_stop", label="With stop", default=False)
        inputs.bool("silent", label="Silent", default=False)
        return types.Property(inputs)

    def execute(self, ctx: Any) -> Iterator[Any]:
        STOP_REQUESTED.unlink(missing_ok=True)
        steps, done = ctx.params["steps"], 0
        while done < steps and not STOP_REQUESTED.exists():
            time.sleep(0.4)
            done += 1
            yield self._progress(ctx, done, steps)
        yield ctx.ops.notify(f"ended after {done}", variant="success")
        outputs = types.Object()
        outputs.int("done", label="Done steps")
        yield ctx.ops.show_output(types.Property(outputs).to_json(), {"done": done})

    def _progress(self, ctx: Any, done: int, steps: int) -> Any:
        label = f"{done} of {steps} images"
        if not ctx.params["with_stop"]:
            return ctx.ops.set_progress(label=label, progress=done / steps)
        outputs = types.Object()
        outputs.float("progress", view=types.ProgressView(label=label))
        outputs.view("stop", types.Button(label="Stop", operator=f"{NAME}/dummy_stop"))
        return ctx.ops.show_output(types.Property(outputs).to_json(), {"progress": done / steps})


class DummyStop(foo.Operator):
    @property
    def config(self) -> foo.OperatorConfig:
        return foo.OperatorConfig("dummy_stop", label="Dummy stop", unlisted=True)

    def execute(self, ctx: Any) -> None:
        STOP_REQUESTED.touch()


def register(plugin: Any) -> None:
    for operator in (DummyForm, DummyRun, DummyStop):
        plugin.register(operator)
