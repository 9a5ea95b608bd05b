"""Evaluations in a dataset: their fields, what is written on the people, and their stored results."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fo_pose_plugin.core.evaluation_report import EvaluationReport
from fo_pose_plugin.dataset.fiftyone_internals import update_label_lists
from fo_pose_plugin.errors import EvaluationError, FieldError

if TYPE_CHECKING:
    import fiftyone as fo

    from fo_pose_plugin.dataset.evaluation_method import PoseEvaluationConfig

__all__ = [
    "LabelVerdict",
    "SampleVerdicts",
    "check_eval_key",
    "evaluation_config",
    "list_pose_evaluations",
    "load_report",
    "register_evaluation",
    "store_evaluation",
    "write_verdicts",
]

COUNT_CHUNK = 5000


@dataclass(frozen=True, slots=True)
class LabelVerdict:
    """What is written on one person's label.

    Args:
        label_id: The label's id.
        verdict: "tp", "fp", "fn" or "ignored".
        matched_id: The other label's id, or None.
        oks: Of the pair, or None.
        errors_px: One per keypoint of the label's own skeleton; None where it is not defined.
        size_px: Square root of the person's area, or None.
    """

    label_id: str
    verdict: str
    matched_id: str | None
    oks: float | None
    errors_px: tuple[float | None, ...] | None
    size_px: float | None

    def attributes(self, eval_key: str) -> dict[str, Any]:
        """Name the values as the label has them."""
        return {
            eval_key: self.verdict,
            f"{eval_key}_id": self.matched_id,
            f"{eval_key}_oks": self.oks,
            f"{eval_key}_error_px": None if self.errors_px is None else list(self.errors_px),
            f"{eval_key}_size_px": self.size_px,
        }


@dataclass(frozen=True, slots=True)
class SampleVerdicts:
    """What is written on one sample.

    Args:
        sample_id: Its id.
        predictions: Of the field with predictions.
        truths: Of the field with the truth.
    """

    sample_id: str
    predictions: tuple[LabelVerdict, ...]
    truths: tuple[LabelVerdict, ...]


def check_eval_key(
    dataset: fo.Dataset, eval_key: str, pred_field: str, gt_field: str, *, overwrite: bool
) -> None:
    """Check that an evaluation may be written under a key.

    Raises:
        EvaluationError: If the key is no name, or taken and not to be overwritten.
        FieldError: If a field of that name is something else, or what is to be written on is read-only.
    """
    if not eval_key.isidentifier() or not eval_key.isascii() or eval_key.startswith("_"):
        raise EvaluationError(
            f"eval_key={eval_key!r} is no name: use letters, digits and underscores, such as 'eval'"
        )
    dataset.reload()  # another process may have evaluated
    if eval_key in dataset.list_evaluations():
        if not overwrite:
            raise EvaluationError(
                f"there is an evaluation {eval_key!r} already: choose another eval_key, pass overwrite=True "
                f"to replace it, or delete it with dataset.delete_evaluation({eval_key!r})"
            )
    else:
        own = _fields(eval_key, pred_field, gt_field)
        taken = [name for name in own if dataset.get_field(name) is not None]
        if taken:
            raise FieldError(
                f"field {taken[0]!r} is there already and no evaluation's: choose another eval_key than "
                f"{eval_key!r}"
            )
    for field in (pred_field, gt_field):
        if dataset.get_field(field).read_only or dataset.get_field(f"{field}.keypoints").read_only:
            raise FieldError(
                f"field {field!r} is read-only, so that nothing can be written on its people: make it "
                "writable, or pass eval_key=None to compute only"
            )


def _fields(eval_key: str, pred_field: str, gt_field: str) -> dict[str, tuple[Any, Any]]:
    """Name every field that an evaluation writes, with its type."""
    import fiftyone as fo

    from fo_pose_plugin.dataset.evaluation_method import SAMPLE_SUFFIXES

    fields: dict[str, tuple[Any, Any]] = {f"{eval_key}{end}": (fo.IntField, None) for end in SAMPLE_SUFFIXES}
    for field in (pred_field, gt_field):
        path = f"{field}.keypoints.{eval_key}"
        fields |= {
            path: (fo.StringField, None),
            f"{path}_id": (fo.StringField, None),
            f"{path}_oks": (fo.FloatField, None),
            # Of no type: a list of floats with None in it makes `sample.save()` fail.
            f"{path}_error_px": (fo.ListField, None),
            f"{path}_size_px": (fo.FloatField, None),
        }
    return fields


def evaluation_config(
    pred_field: str, gt_field: str, oks_threshold: float, settings: Mapping[str, Any]
) -> PoseEvaluationConfig:
    """Make the settings that FiftyOne stores."""
    from fo_pose_plugin.dataset.evaluation_method import PoseEvaluationConfig

    return PoseEvaluationConfig(pred_field, gt_field, iou=oks_threshold, settings=dict(settings))


def register_evaluation(
    samples: fo.Dataset | fo.DatasetView, eval_key: str, config: PoseEvaluationConfig
) -> None:
    """List the evaluation and declare its fields; one of the same key goes with all that it wrote."""
    dataset = samples._root_dataset
    if eval_key in dataset.list_evaluations():
        dataset.delete_evaluation(eval_key)
    config.build().register_run(samples, eval_key, overwrite=False)
    for path, (kind, subkind) in _fields(eval_key, config.pred_field, config.gt_field).items():
        dataset.add_sample_field(path, kind, subfield=subkind)


def write_verdicts(
    dataset: fo.Dataset, eval_key: str, pred_field: str, gt_field: str, verdicts: Sequence[SampleVerdicts]
) -> int:
    """Write on every person and sample.

    Returns:
        On how many samples a field was left as it is, since its people changed meanwhile.
    """
    _write_counts(dataset, eval_key, verdicts)
    left = 0
    for field, chosen in ((pred_field, "predictions"), (gt_field, "truths")):
        by_sample = {verdict.sample_id: getattr(verdict, chosen) for verdict in verdicts}
        left += update_label_lists(dataset, field, _positions(dataset, field, eval_key, by_sample))
    return left


def _positions(
    dataset: fo.Dataset, field: str, eval_key: str, by_sample: Mapping[str, Iterable[LabelVerdict]]
) -> dict[str, dict[int, tuple[str, dict[str, Any]]]]:
    """Tell where in the whole list each label stands: a view may show only some of them."""
    view = dataset.select([sample_id for sample_id, verdicts in by_sample.items() if verdicts])
    changes: dict[str, dict[int, tuple[str, dict[str, Any]]]] = {}
    for sample_id, label_ids in zip(*view.values(["id", f"{field}.keypoints.id"]), strict=True):
        places = {label_id: position for position, label_id in enumerate(label_ids or ())}
        found = {
            places[verdict.label_id]: (verdict.label_id, verdict.attributes(eval_key))
            for verdict in by_sample[sample_id]
            if verdict.label_id in places
        }
        if found:
            changes[sample_id] = found
    return changes


def _write_counts(dataset: fo.Dataset, eval_key: str, verdicts: Sequence[SampleVerdicts]) -> None:
    for name, chosen in (("tp", "predictions"), ("fp", "predictions"), ("fn", "truths")):
        for begin in range(0, len(verdicts), COUNT_CHUNK):
            counts = {
                one.sample_id: sum(verdict.verdict == name for verdict in getattr(one, chosen))
                for one in verdicts[begin : begin + COUNT_CHUNK]
            }
            dataset.set_values(
                f"{eval_key}_{name}", counts, key_field="id", validate=False, expand_schema=False
            )


def store_evaluation(
    samples: fo.Dataset | fo.DatasetView,
    eval_key: str,
    config: PoseEvaluationConfig,
    matches: Sequence[tuple[Any, ...]],
    report: EvaluationReport,
) -> None:
    """Store the results, and put the counts into a group of the App's sidebar."""
    from fo_pose_plugin.dataset.evaluation_method import PoseEvaluationResults

    method = config.build()
    metrics = {
        f"fo_pose/{name}": {"key": name, "value": value, "label": name, "lower_is_better": False}
        for name, value in (("AP50", report.main.ap50), ("AP75", report.main.ap75))
        if value is not None
    }
    results = PoseEvaluationResults(
        samples, config, eval_key, matches, report.as_dict(), custom_metrics=metrics, backend=method
    )
    method.save_run_results(samples, eval_key, results)
    method.add_fields_to_sidebar_group(samples, eval_key)


def list_pose_evaluations(dataset: fo.Dataset) -> list[str]:
    """List the keys of the evaluations of poses whose results are there, the newest first."""
    from fo_pose_plugin.dataset.evaluation_method import METHOD

    infos = {key: dataset.get_evaluation_info(key) for key in dataset.list_evaluations()}
    ours = [
        key
        for key, info in infos.items()
        if info.config.method == METHOD and dataset.has_evaluation(key) and _has_results(dataset, key)
    ]
    return sorted(ours, key=lambda key: infos[key].timestamp, reverse=True)


def _has_results(dataset: fo.Dataset, eval_key: str) -> bool:
    return bool(dataset._doc.evaluations[eval_key].results)


def load_report(dataset: fo.Dataset, eval_key: str) -> EvaluationReport:
    """Load the report of an evaluation, under the names that it and its fields have now.

    Raises:
        EvaluationError: If there is no such evaluation of poses, or it did not come to its end.
    """
    from fo_pose_plugin.dataset.evaluation_method import METHOD

    dataset.reload()  # another process may have evaluated
    if not dataset.has_evaluation(eval_key):
        known = ", ".join(list_pose_evaluations(dataset)) or "none; evaluate_poses makes one"
        raise EvaluationError(f"there is no evaluation {eval_key!r}; evaluations of poses: {known}")
    config = dataset.get_evaluation_info(eval_key).config
    results = dataset.load_evaluation_results(eval_key, cache=False) if config.method == METHOD else None
    if results is None:
        raise EvaluationError(
            f"evaluation {eval_key!r} is none of poses, or did not come to its end: run evaluate_poses again"
        )
    report: EvaluationReport = results.pose_report
    return dataclasses.replace(report, eval_key=eval_key)
