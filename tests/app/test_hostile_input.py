"""Hostile values in every parameter of every operator, and hostile text where an operator shows it."""

from __future__ import annotations

import html
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import fiftyone as fo
import fiftyone.operators as foo
import pytest
from fiftyone.operators.executor import ExecutionContext, Executor
from fiftyone.plugins.context import build_plugin_contexts

import fo_pose_plugin as fop
from fo_pose_plugin.commands.terminal import readable
from fo_pose_plugin.errors import PoseError
from tests.app.driver import AppPage
from tests.tiny_models import BODY, noise_dataset, register_tiny_models

PLUGIN = "@fo-pose/fo_pose_plugin"
SECRET = "s3cret-of-the-canary"
MARKUP = "<img src=x onerror=window.hacked=1>"
# What the SDK takes and a form may not show; an operator must not let it through either.
SDK_PARAMETERS = ("device", "runtime", "path", "config", "checkpoint", "heatmaps_path")


@pytest.fixture(autouse=True, scope="module")
def tiny_body() -> None:
    register_tiny_models(BODY)


@pytest.fixture
def dataset(make_dataset: Callable[..., fo.Dataset], tmp_path: Path) -> fo.Dataset:
    folder = tmp_path / "photos"
    folder.mkdir()
    dataset = noise_dataset(make_dataset("hostile"), folder, [1, 2])
    fop.estimate_poses(dataset, BODY, boxes="boxes", progress=False)
    return dataset


def operators() -> list[foo.Operator]:
    (plugin,) = [context for context in build_plugin_contexts() if context.name == PLUGIN]
    assert not plugin.errors
    # A panel is called by its methods' names, by FiftyOne: it has no parameters of its own.
    return [made for made in plugin.instances if not isinstance(made, foo.Panel)]


def context(operator: foo.Operator, dataset: fo.Dataset, params: dict[str, Any]) -> ExecutionContext:
    """What FiftyOne hands an operator that Python or a worker runs."""
    request = {"dataset_name": dataset.name, "view": [], "params": params}
    return ExecutionContext(request, executor=Executor(), operator_uri=operator.uri)


def parameters_of(operator: foo.Operator, dataset: fo.Dataset) -> set[str]:
    """The names of a form's inputs, at any depth, and those of the SDK."""
    found = set(SDK_PARAMETERS)

    def collect(described: Any) -> Iterator[str]:
        if isinstance(described, dict):
            for name, value in described.get("properties", {}).items():
                yield name
                yield from collect(value)
            yield from collect(described.get("type"))

    form = operator.resolve_input(context(operator, dataset, {}))
    found.update(collect(form.to_json() if form is not None else {}))
    return found


def snapshot(folder: Path) -> dict[str, int]:
    return {str(file): file.stat().st_mtime_ns for file in folder.rglob("*") if file.is_file()}


def test_no_parameter_of_any_operator_is_a_path(dataset: fo.Dataset, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    canary = outside / "canary.json"
    canary.write_text(SECRET)
    before = snapshot(outside)
    climb = "../" * 20 + str(canary).lstrip("/")
    hostile = [str(canary), climb, {"path": [climb]}]
    # Outside the App's server no token is wanted, so that everything gets as far as it can.
    tried = 0
    for operator in operators():
        for name in parameters_of(operator, dataset):
            for value in hostile:
                ctx = context(operator, dataset, {"sample_id": dataset.first().id, name: value})
                said = []
                for way in (operator.resolve_input, operator.execute):
                    try:
                        result = way(ctx)
                        said.append(str(list(result) if isinstance(result, Iterator) else result))
                    except PoseError as error:
                        said.append(str(error))
                    if not dataset.has_field("poses"):  # a named field to delete is no path
                        fop.estimate_poses(dataset, BODY, boxes="boxes", progress=False)
                assert not any(SECRET in text for text in said), (operator.name, name, said)
                assert snapshot(outside) == before, (operator.name, name, value)
                tried += 1
    assert tried > 150
    assert canary.read_text() == SECRET


@pytest.mark.slow
def test_names_and_labels_are_shown_as_text(
    app: AppPage, make_dataset: Callable[..., fo.Dataset], tmp_path: Path
) -> None:
    folder = tmp_path / "photos"
    folder.mkdir()
    dataset = noise_dataset(make_dataset(f"{MARKUP} & b"), folder, [1, 2, 1])
    broken = dataset.last()
    # A slash may not stand in a name; this one needs none to be dangerous.
    broken.filepath = str(folder / f"{MARKUP}\x1b[31m\x07.jpg")
    Path(broken.filepath).write_text(SECRET)
    broken.save()
    first = dataset.first()
    first.boxes.detections[0].label = MARKUP
    first.save()
    app.open(dataset.name)
    form = app.open_operator("Estimate poses")
    form.choose("Model", BODY)
    form.execute()
    summary = app.wait_for_output()
    app.screenshot("hostile_names")
    assert MARKUP in html.unescape(summary)
    assert SECRET not in summary
    app.close_dialogs()
    app.open_sample(0)
    app.page.wait_for_timeout(1000)
    assert app.page.evaluate("window.hacked") is None
    assert not [line for line in app.console if "page error" in line]
    assert readable(broken.filepath).isprintable()
