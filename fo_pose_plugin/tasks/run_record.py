"""Begin and end a run in the dataset: its fields, its record, what it replaces and what it leaves."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING

from fo_pose_plugin.dataset import labels
from fo_pose_plugin.dataset.fiftyone_internals import all_samples, dataset_id, root_dataset
from fo_pose_plugin.dataset.patience import patiently
from fo_pose_plugin.dataset.references import named_files
from fo_pose_plugin.dataset.replaced import forget_replaced, keep_replaced
from fo_pose_plugin.dataset.runs import RunRecord, RunStatus
from fo_pose_plugin.dataset.signal_labels import declare_signals
from fo_pose_plugin.heatmaps.store import HeatmapStore, default_root
from fo_pose_plugin.models import catalog
from fo_pose_plugin.tasks.estimate_poses import EstimatePlan
from fo_pose_plugin.tasks.kept_files import remove_unreferenced

if TYPE_CHECKING:
    import fiftyone as fo

__all__ = ["begin_run", "end_run", "keep_what_is_replaced"]

# FiftyOne shares one dataset among the threads of a process, such as two runs in the App's server.
DECLARING = threading.Lock()


def begin_run(plan: EstimatePlan) -> RunRecord:
    """Declare the fields and register the run, before the first sample is written.

    Raises:
        RunError: If another run goes on in the field.
    """
    dataset = root_dataset(plan.samples)
    with DECLARING:
        # Another process may have added fields since; what is in memory here would overwrite them.
        dataset.reload()
        labels.declare_fields(
            dataset, plan.fields, detector=plan.detector is not None, heatmaps=plan.request.keep_heatmaps
        )
        if plan.request.signals:
            declare_signals(dataset, plan.fields, details=False)
        labels.set_skeleton(dataset, plan.fields.poses, plan.model.network.skeleton)
        return _open_record(plan, dataset)


def _open_record(plan: EstimatePlan, dataset: fo.Dataset) -> RunRecord:
    if plan.resumed_run is not None:
        return RunRecord.take_up(dataset, plan.resumed_run)
    details = catalog.run_details(plan.model, plan.detector) | {
        "box_source": plan.source.describe(),
        "overwrite": plan.request.overwrite,
        "replaces": False,
        "samples": plan.total,
    }
    record = RunRecord.start(dataset, plan.fields.poses, plan.settings, details)
    record.check_alone()
    return record


def keep_what_is_replaced(plan: EstimatePlan, record: RunRecord) -> None:
    """Copy the poses that an overwriting run is about to replace, so that it can be undone until it ends."""
    if record.config["details"].get("overwrite") and not record.config["details"].get("replaces"):
        keep_replaced(plan.samples, plan.fields)
        record.note(replaces=True)


def end_run(
    plan: EstimatePlan,
    record: RunRecord,
    status: RunStatus,
    failures: Mapping[str, str],
    message: str | None,
) -> None:
    """Store how a run ended, and delete what only an unfinished one needs.

    Args:
        plan: Its plan.
        record: Its record.
        status: How it ended.
        failures: Messages of this call by sample id.
        message: What ended it, if it failed.
    """
    dataset = root_dataset(plan.samples)
    if plan.resumed_run is not None:
        failures = _failures_now(plan)
    counts = patiently(lambda: _counts_now(dataset, plan, record.run_id))
    record.finish(status, {**counts, "failed": len(failures)}, failures, message)
    if status == "completed":
        _tidy(dataset, plan, record.run_id)


def _counts_now(dataset: fo.Dataset, plan: EstimatePlan, run_id: str) -> dict[str, int]:
    """Count what bears the run's id, whoever of several calls wrote it."""
    from fiftyone import ViewField as F

    if not dataset.has_field(plan.fields.poses):
        return {"samples": 0, "people": 0}
    own = all_samples(dataset).match(F(f"{plan.fields.poses}.run_id") == run_id)
    return {"samples": len(own), "people": own.count(f"{plan.fields.poses}.keypoints")}


def _failures_now(plan: EstimatePlan) -> dict[str, str]:
    failed = plan.samples.exists(plan.fields.error)
    ids, messages = patiently(lambda: failed.values(["id", plan.fields.error]))
    return dict(zip(ids, messages, strict=True))


def _tidy(dataset: fo.Dataset, plan: EstimatePlan, run_id: str) -> None:
    """Delete the files that were replaced, and those that a killed process wrote but did not name."""
    candidates = [*forget_replaced(dataset, plan.fields)]
    if plan.resumed_run is not None or plan.request.overwrite:
        store = HeatmapStore(default_root())
        fields = plan.fields
        named = set(named_files(all_samples(dataset), fields.poses, fields.heatmap))
        written = map(str, store.files_of_run(dataset_id(dataset), run_id))
        candidates += [path for path in written if path not in named]
    remove_unreferenced(candidates)
