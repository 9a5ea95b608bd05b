"""Pre-label people's poses in FiftyOne with MMPose's top-down heatmap models.

Importing this package loads nothing else: torch, FiftyOne and OpenMMLab come with the first call that
needs them.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fo_pose_plugin.core.evaluation_report import EvaluationReport
    from fo_pose_plugin.models.catalog import (
        DetectorSpec,
        ModelSpec,
        add_detector,
        add_model,
        list_detectors,
        list_models,
        remove_detector,
        remove_model,
    )
    from fo_pose_plugin.tasks.accept_poses import accept_poses
    from fo_pose_plugin.tasks.auto_accept import AutoAcceptPreview, auto_accept_preview
    from fo_pose_plugin.tasks.clean_up import CleanUpReport, clean_up
    from fo_pose_plugin.tasks.compare_evaluations import (
        EvaluationComparison,
        compare_evaluations,
        load_evaluation,
    )
    from fo_pose_plugin.tasks.compute_signals import SignalsReport, compute_signals
    from fo_pose_plugin.tasks.correct_poses import correct_pose, swap_left_right
    from fo_pose_plugin.tasks.correction_report import (
        CorrectionCounts,
        CorrectionsReport,
        count_corrections,
    )
    from fo_pose_plugin.tasks.delete_poses import DeleteReport, delete_poses, undo_run
    from fo_pose_plugin.tasks.discard_corrections import (
        corrections_history,
        discard_corrections,
        reset_poses,
        restore_corrections,
    )
    from fo_pose_plugin.tasks.estimate_poses import EstimateReport, Progress, estimate_poses
    from fo_pose_plugin.tasks.evaluate_poses import evaluate_poses
    from fo_pose_plugin.tasks.evaluation_views import (
        false_positives,
        keypoints_off,
        missed_people,
        worst_poses,
    )
    from fo_pose_plugin.tasks.export_poses import ExportReport, export_poses
    from fo_pose_plugin.tasks.find_label_errors import LabelErrorsReport, find_label_errors
    from fo_pose_plugin.tasks.fit_confidence import ConfidenceReport, apply_confidence, fit_confidence
    from fo_pose_plugin.tasks.import_poses import ImportReport, import_poses
    from fo_pose_plugin.tasks.kept_heatmaps import load_heatmaps
    from fo_pose_plugin.tasks.models import download_detector, download_model
    from fo_pose_plugin.tasks.review_queue import review_queue
    from fo_pose_plugin.tasks.show_heatmaps import ShowHeatmapsReport, show_heatmaps
    from fo_pose_plugin.tasks.show_keypoints import show_keypoints

__version__ = "0.1.0"

__all__ = [
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

_HOMES = {
    "EvaluationReport": "core.evaluation_report",
    "DetectorSpec": "models.catalog",
    "ModelSpec": "models.catalog",
    "add_detector": "models.catalog",
    "add_model": "models.catalog",
    "list_detectors": "models.catalog",
    "list_models": "models.catalog",
    "remove_detector": "models.catalog",
    "remove_model": "models.catalog",
    "accept_poses": "tasks.accept_poses",
    "AutoAcceptPreview": "tasks.auto_accept",
    "auto_accept_preview": "tasks.auto_accept",
    "CleanUpReport": "tasks.clean_up",
    "clean_up": "tasks.clean_up",
    "EvaluationComparison": "tasks.compare_evaluations",
    "compare_evaluations": "tasks.compare_evaluations",
    "load_evaluation": "tasks.compare_evaluations",
    "SignalsReport": "tasks.compute_signals",
    "compute_signals": "tasks.compute_signals",
    "correct_pose": "tasks.correct_poses",
    "swap_left_right": "tasks.correct_poses",
    "CorrectionCounts": "tasks.correction_report",
    "CorrectionsReport": "tasks.correction_report",
    "count_corrections": "tasks.correction_report",
    "DeleteReport": "tasks.delete_poses",
    "delete_poses": "tasks.delete_poses",
    "undo_run": "tasks.delete_poses",
    "corrections_history": "tasks.discard_corrections",
    "discard_corrections": "tasks.discard_corrections",
    "reset_poses": "tasks.discard_corrections",
    "restore_corrections": "tasks.discard_corrections",
    "EstimateReport": "tasks.estimate_poses",
    "Progress": "tasks.estimate_poses",
    "estimate_poses": "tasks.estimate_poses",
    "evaluate_poses": "tasks.evaluate_poses",
    "false_positives": "tasks.evaluation_views",
    "keypoints_off": "tasks.evaluation_views",
    "missed_people": "tasks.evaluation_views",
    "worst_poses": "tasks.evaluation_views",
    "ExportReport": "tasks.export_poses",
    "export_poses": "tasks.export_poses",
    "ImportReport": "tasks.import_poses",
    "import_poses": "tasks.import_poses",
    "ConfidenceReport": "tasks.fit_confidence",
    "apply_confidence": "tasks.fit_confidence",
    "fit_confidence": "tasks.fit_confidence",
    "LabelErrorsReport": "tasks.find_label_errors",
    "find_label_errors": "tasks.find_label_errors",
    "load_heatmaps": "tasks.kept_heatmaps",
    "download_detector": "tasks.models",
    "download_model": "tasks.models",
    "review_queue": "tasks.review_queue",
    "ShowHeatmapsReport": "tasks.show_heatmaps",
    "show_heatmaps": "tasks.show_heatmaps",
    "show_keypoints": "tasks.show_keypoints",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
