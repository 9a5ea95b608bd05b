"""What people see: a form in, one task called, a message out."""

from __future__ import annotations

from typing import Any

__all__ = ["register"]


def register(plugin: Any) -> None:
    """Register every operator with FiftyOne's plugin context; fiftyone.yml must name each of them."""
    from fo_pose_plugin.app.operators.accept_poses import AcceptPoses
    from fo_pose_plugin.app.operators.clean_up import CleanUp
    from fo_pose_plugin.app.operators.delete_poses import DeletePoses, UndoRun
    from fo_pose_plugin.app.operators.discard_corrections import (
        DiscardCorrections,
        RestoreCorrections,
    )
    from fo_pose_plugin.app.operators.estimate_poses import EstimatePoses
    from fo_pose_plugin.app.operators.evaluate_poses import EvaluatePoses
    from fo_pose_plugin.app.operators.export_poses import ExportPoses
    from fo_pose_plugin.app.operators.find_label_errors import FindLabelErrors
    from fo_pose_plugin.app.operators.fit_confidence import FitConfidence
    from fo_pose_plugin.app.operators.import_poses import ImportPoses
    from fo_pose_plugin.app.operators.preview_auto_accept import PreviewAutoAccept
    from fo_pose_plugin.app.operators.read_heatmaps import ReadHeatmaps
    from fo_pose_plugin.app.operators.read_pose_editor import (
        ReadPoseEditor,
        ReadPoseEvidence,
        ReadReviewProgress,
    )
    from fo_pose_plugin.app.operators.reestimate_pose import ReestimatePose
    from fo_pose_plugin.app.operators.review_queue import ReviewQueueOperator
    from fo_pose_plugin.app.operators.save_pose_edits import SavePoseEdits
    from fo_pose_plugin.app.operators.show_heatmaps import ShowHeatmaps
    from fo_pose_plugin.app.operators.show_keypoints import ShowKeypoints
    from fo_pose_plugin.app.operators.stop_estimate_poses import StopEstimatePoses
    from fo_pose_plugin.app.panels.pose_evaluation import PoseEvaluationPanel

    for operator in (
        EstimatePoses,
        StopEstimatePoses,
        ShowKeypoints,
        ShowHeatmaps,
        ReadHeatmaps,
        DeletePoses,
        UndoRun,
        CleanUp,
        ReviewQueueOperator,
        FitConfidence,
        PreviewAutoAccept,
        ExportPoses,
        ImportPoses,
        EvaluatePoses,
        FindLabelErrors,
        ReadPoseEditor,
        ReadPoseEvidence,
        ReadReviewProgress,
        SavePoseEdits,
        ReestimatePose,
        AcceptPoses,
        DiscardCorrections,
        RestoreCorrections,
        PoseEvaluationPanel,
    ):
        plugin.register(operator)
