"""An evaluation of poses as FiftyOne knows evaluations: listed, loaded, renamed and deleted like its own.

FiftyOne finds these classes by the names that it stores, so that they must stand at the top of a module that
imports FiftyOne; ``dataset/evaluations.py`` imports it where it is used. The type is "detection", so that the
App's Model Evaluation panel and `to_evaluation_patches` take it: a person is found, missed, or of nobody.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from fiftyone.utils.eval.detection import DetectionEvaluation, DetectionEvaluationConfig, DetectionResults

from fo_pose_plugin.core.evaluation_report import EvaluationReport

__all__ = [
    "LABEL_SUFFIXES",
    "SAMPLE_SUFFIXES",
    "PoseEvaluation",
    "PoseEvaluationConfig",
    "PoseEvaluationResults",
]

METHOD = "fo-pose"
PERSON = "person"
MISSING = "(none)"
# Subfields of each person in both fields, and fields of the sample.
LABEL_SUFFIXES = ("", "_id", "_oks", "_error_px", "_size_px")
SAMPLE_SUFFIXES = ("_tp", "_fp", "_fn")


class PoseEvaluationConfig(DetectionEvaluationConfig):
    """The settings of an evaluation of poses.

    Args:
        pred_field: The field with the predictions.
        gt_field: The field with the truth.
        iou: The OKS from which a person counts as found.
        settings: Whatever else decided the result.
    """

    def __init__(
        self,
        pred_field: str,
        gt_field: str,
        iou: float | None = None,
        settings: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        kwargs.pop("classwise", None)
        super().__init__(pred_field, gt_field, iou=iou, classwise=False, **kwargs)
        self.settings = dict(settings or {})

    @property
    def method(self) -> str:
        """The name by which `list_evaluations` can filter."""
        return METHOD


class PoseEvaluation(DetectionEvaluation):
    """What FiftyOne asks of an evaluation: its fields, and to rename or delete them."""

    def get_fields(self, samples: Any, eval_key: str, include_custom_metrics: bool = True) -> list[str]:  # noqa: ARG002
        """List the fields that belong to an evaluation, whether they are there or not."""
        fields = [f"{eval_key}{suffix}" for suffix in SAMPLE_SUFFIXES]
        for field in (self.config.pred_field, self.config.gt_field):
            fields += [f"{field}.keypoints.{eval_key}{suffix}" for suffix in LABEL_SUFFIXES]
        return fields

    def rename(self, samples: Any, eval_key: str, new_eval_key: str) -> None:
        """Rename what is there: a field of poses may be gone."""
        dataset = samples._dataset
        old, new = self.get_fields(dataset, eval_key), self.get_fields(dataset, new_eval_key)
        present = {a: b for a, b in zip(old, new, strict=True) if dataset.get_field(a) is not None}
        if present:
            dataset.rename_sample_fields(present)
        samples._rename_sidebar_group(eval_key, new_eval_key)

    def cleanup(self, samples: Any, eval_key: str) -> None:
        """Delete what is there."""
        dataset = samples._dataset
        present = [name for name in self.get_fields(dataset, eval_key) if dataset.get_field(name) is not None]
        if present:
            dataset.delete_sample_fields(present, error_level=1)
        samples._delete_empty_sidebar_group(eval_key)


class PoseEvaluationResults(DetectionResults):
    """What `load_evaluation_results` gives: FiftyOne's own numbers, and the report as ``report_values``.

    Args:
        samples: What was evaluated.
        config: The settings.
        eval_key: The key.
        matches: FiftyOne's tuples (truth, prediction, OKS, score, truth's id, prediction's id).
        report_values: `EvaluationReport.as_dict`.
    """

    def __init__(
        self,
        samples: Any,
        config: PoseEvaluationConfig,
        eval_key: str,
        matches: Sequence[tuple[Any, ...]],
        report_values: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        kwargs.setdefault("classes", [PERSON])
        kwargs.setdefault("missing", MISSING)
        super().__init__(samples, config, eval_key, matches, **kwargs)
        self.report_values = dict(report_values or {})

    @property
    def pose_report(self) -> EvaluationReport:
        """The whole report; FiftyOne's ``report()`` has precision and recall at one OKS only."""
        return EvaluationReport.from_dict(self.report_values)

    def mAP(self) -> float | None:  # noqa: N802 - FiftyOne's name
        """COCO's average precision of all keypoints."""
        return self.pose_report.ap

    def mAR(self) -> float | None:  # noqa: N802 - FiftyOne's name
        """COCO's average recall of all keypoints."""
        return self.pose_report.ar

    def attributes(self) -> list[str]:
        """What is stored."""
        names: list[str] = super().attributes()
        return names if "report_values" in names else [*names, "report_values"]

    @classmethod
    def _from_dict(
        cls, d: dict[str, Any], samples: Any, config: PoseEvaluationConfig, eval_key: str, **kwargs: Any
    ) -> PoseEvaluationResults:
        values = d.get("report_values")
        found: PoseEvaluationResults = super()._from_dict(
            d, samples, config, eval_key, report_values=values, **kwargs
        )
        return found
