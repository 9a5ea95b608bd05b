"""The names that users hold the package to, and that they are what the documentation says."""

from __future__ import annotations

import dataclasses
import inspect
import typing

import pytest

import fo_pose_plugin as fop

NAMES = [
    "AutoAcceptPreview",
    "CleanUpReport",
    "ConfidenceReport",
    "CorrectionCounts",
    "CorrectionsReport",
    "DeleteReport",
    "DetectorSpec",
    "EstimateReport",
    "EvaluationComparison",
    "EvaluationReport",
    "ExportReport",
    "ImportReport",
    "LabelErrorsReport",
    "ModelSpec",
    "Progress",
    "ShowHeatmapsReport",
    "SignalsReport",
    "accept_poses",
    "add_detector",
    "add_model",
    "apply_confidence",
    "auto_accept_preview",
    "clean_up",
    "compare_evaluations",
    "compute_signals",
    "correct_pose",
    "corrections_history",
    "count_corrections",
    "delete_poses",
    "discard_corrections",
    "download_detector",
    "download_model",
    "estimate_poses",
    "evaluate_poses",
    "export_poses",
    "false_positives",
    "find_label_errors",
    "fit_confidence",
    "import_poses",
    "keypoints_off",
    "list_detectors",
    "list_models",
    "load_evaluation",
    "load_heatmaps",
    "missed_people",
    "remove_detector",
    "remove_model",
    "reset_poses",
    "restore_corrections",
    "review_queue",
    "show_heatmaps",
    "show_keypoints",
    "swap_left_right",
    "undo_run",
    "worst_poses",
]


def parameters(function: object) -> list[tuple[str, str, object]]:
    """List a function's parameters: name, ``*`` before those that go by name only, and default."""
    found = []
    for parameter in inspect.signature(function).parameters.values():  # type: ignore[arg-type]
        kind = "*" if parameter.kind is parameter.KEYWORD_ONLY else ""
        default = "required" if parameter.default is parameter.empty else parameter.default
        found.append((parameter.name, kind, default))
    return found


def test_the_names_are_pinned() -> None:
    assert fop.__all__ == NAMES
    assert sorted(NAMES) == NAMES
    assert set(NAMES) <= set(dir(fop))


@pytest.mark.parametrize("name", NAMES)
def test_every_name_is_there_and_described(name: str) -> None:
    found = getattr(fop, name)
    assert found.__name__ == name
    assert found.__module__.startswith("fo_pose_plugin.")
    assert inspect.getdoc(found)


def test_what_is_not_there_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="module 'fo_pose_plugin' has no attribute 'estimate_pose'"):
        _ = fop.estimate_pose  # type: ignore[attr-defined]
    assert not hasattr(fop, "__wrapped__")


def test_names_for_type_checkers_are_those_for_everyone() -> None:
    """Each name of ``__all__`` is imported under TYPE_CHECKING from where it is imported lazily."""
    import ast

    tree = ast.parse(inspect.getsource(fop))
    stated = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("fo_pose_plugin."):
            stated |= {alias.name: node.module for alias in node.names}
    assert stated == {name: f"fo_pose_plugin.{home}" for name, home in fop._HOMES.items()}
    assert sorted(stated) == NAMES


def test_estimate_poses_is_called_as_documented() -> None:
    assert parameters(fop.estimate_poses) == [
        ("samples", "", "required"),
        ("model", "", "required"),
        ("boxes", "*", None),
        ("detector", "*", None),
        ("whole_image", "*", False),
        ("pose_field", "*", "poses"),
        ("keep_heatmaps", "*", True),
        ("flip_test", "*", False),
        ("box_threshold", "*", 0.3),
        ("batch_size", "*", None),
        ("device", "*", None),
        ("runtime", "*", None),
        ("resume", "*", False),
        ("overwrite", "*", False),
        ("signals", "*", False),
        ("progress", "*", None),
    ]


def test_the_other_functions_are_called_as_documented() -> None:
    assert parameters(fop.show_keypoints) == [
        ("samples", "", "required"),
        ("pose_field", "", "poses"),
        ("keypoints", "", None),
        ("min_confidence", "", None),
    ]
    assert parameters(fop.load_heatmaps) == [("sample", "", "required"), ("pose_field", "", "poses")]
    assert parameters(fop.list_models) == [("task", "", None)]
    assert parameters(fop.list_detectors) == []
    for download in (fop.download_model, fop.download_detector):
        assert parameters(download) == [("name", "", "required"), ("progress", "", None)]
    for add in (fop.add_model, fop.add_detector):
        assert parameters(add) == [
            ("name", "", "required"),
            ("config", "", "required"),
            ("checkpoint", "", "required"),
            ("overwrite", "*", False),
            ("allow_custom_imports", "*", False),
        ]


def test_values_are_frozen_and_have_the_documented_parts() -> None:
    parts = {
        fop.ModelSpec: "name task keypoints input_size_wh codec weights ap",
        fop.DetectorSpec: "name weights",
        fop.EstimateReport: "samples people skipped failures seconds run_id",
        fop.Progress: "stage done total people failed seconds run_id",
    }
    for value, names in parts.items():
        assert set(names.split()) <= {field.name for field in dataclasses.fields(value)}
        assert value.__dataclass_params__.frozen  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", [name for name in NAMES if name.islower()])
def test_functions_are_fully_annotated(name: str) -> None:
    signature = inspect.signature(getattr(fop, name))
    assert signature.return_annotation is not inspect.Signature.empty
    assert all(p.annotation is not inspect.Parameter.empty for p in signature.parameters.values())


def test_the_version_is_that_of_the_distribution() -> None:
    from importlib.metadata import version

    assert fop.__version__ == version("fo-pose-plugin")
    assert typing.get_type_hints(fop.ModelSpec)["ap"] == float | None


def test_deleting_is_called_as_documented() -> None:
    assert parameters(fop.delete_poses) == [
        ("dataset", "", "required"),
        ("pose_field", "", "poses"),
        ("discard_edits", "*", False),
    ]
    assert parameters(fop.undo_run) == [
        ("dataset", "", "required"),
        ("run_id", "", "required"),
        ("discard_edits", "*", False),
    ]
    assert parameters(fop.clean_up) == [("dry_run", "", True)]


def test_exchange_is_called_as_documented() -> None:
    assert parameters(fop.export_poses) == [
        ("samples", "", "required"),
        ("path", "", "required"),
        ("pose_field", "", "poses"),
        ("format", "", "coco"),
        ("what", "*", "poses"),
        ("min_confidence", "*", None),
        ("images_root", "*", None),
        ("overwrite", "*", False),
        ("progress", "*", None),
    ]
    assert parameters(fop.import_poses) == [
        ("dataset", "", "required"),
        ("path", "", "required"),
        ("pose_field", "", "required"),
        ("images", "*", None),
        ("boxes", "*", True),
        ("overwrite", "*", False),
        ("progress", "*", None),
    ]


def test_evaluating_is_called_as_documented() -> None:
    assert parameters(fop.evaluate_poses) == [
        ("samples", "", "required"),
        ("pred_field", "", "required"),
        ("gt_field", "", "required"),
        ("eval_key", "", "eval"),
        ("overwrite", "*", False),
        ("oks_threshold", "*", 0.5),
        ("rescore", "*", False),
        ("oks_nms", "*", None),
        ("oks_sigmas", "*", None),
        ("pck_thresholds", "*", (0.05, 0.1, 0.2)),
        ("progress", "*", None),
    ]
    assert parameters(fop.keypoints_off) == [
        ("samples", "", "required"),
        ("eval_key", "", "eval"),
        ("keypoints", "", None),
        ("more_than", "", 0.1),
        ("more_than_px", "", None),
    ]


def test_correcting_is_called_as_documented() -> None:
    assert parameters(fop.correct_pose) == [
        ("sample", "", "required"),
        ("label_id", "", None),
        ("pose_field", "", "poses"),
        ("keypoints", "*", None),
        ("visible", "*", None),
        ("bounding_box", "*", None),
        ("status", "*", None),
        ("edited_by", "*", None),
    ]
    assert parameters(fop.swap_left_right) == [
        ("sample", "", "required"),
        ("label_id", "", "required"),
        ("pose_field", "", "poses"),
        ("limbs", "*", None),
        ("edited_by", "*", None),
    ]
    assert parameters(fop.accept_poses) == [
        ("samples", "", "required"),
        ("pose_field", "", "poses"),
        ("p", "*", None),
        ("least_visible", "*", 5),
        ("min_confidence", "*", 0.2),
        ("edited_by", "*", None),
    ]
    for take_away in (fop.reset_poses, fop.discard_corrections):
        assert parameters(take_away) == [
            ("samples", "", "required"),
            ("pose_field", "", "poses"),
            ("label_ids", "", None),
            ("edited_by", "*", None),
        ]
    assert parameters(fop.restore_corrections) == [
        ("dataset", "", "required"),
        ("pose_field", "", "poses"),
        ("history_key", "", None),
        ("edited_by", "*", None),
    ]
