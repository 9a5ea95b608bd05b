"""Carry out an estimation plan: read ahead, detect, cut, estimate, write in chunks, and keep the record."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import ExitStack, closing
from typing import TYPE_CHECKING, Any

import numpy as np

from fo_pose_plugin.core.pose import ImagePoses
from fo_pose_plugin.core.verdicts import judge
from fo_pose_plugin.dataset import labels
from fo_pose_plugin.dataset.fiftyone_internals import root_dataset
from fo_pose_plugin.dataset.overlays import make_overlay
from fo_pose_plugin.dataset.runs import RunRecord, RunStatus
from fo_pose_plugin.dataset.signal_labels import add_signals, signals_of
from fo_pose_plugin.dataset.writer import ChunkWriter, SampleResult
from fo_pose_plugin.errors import HeatmapError
from fo_pose_plugin.inference.estimator import PoseEstimator
from fo_pose_plugin.inference.images import read_ahead
from fo_pose_plugin.models import catalog
from fo_pose_plugin.tasks.download_bar import DownloadBar
from fo_pose_plugin.tasks.estimate_poses import EstimatePlan, EstimateReport, Progress, ProgressCallback
from fo_pose_plugin.tasks.fetch_weights import fetch_missing
from fo_pose_plugin.tasks.kept_heatmaps import HeatmapKeeper
from fo_pose_plugin.tasks.painted_overlays import legend
from fo_pose_plugin.tasks.run_record import begin_run, end_run, keep_what_is_replaced
from fo_pose_plugin.tasks.run_samples import lost_samples, read_jobs, samples_to_do
from fo_pose_plugin.tasks.sample_jobs import SampleJob, cut_jobs, load_jobs, with_instances
from fo_pose_plugin.tasks.show_keypoints import add_saved_views

if TYPE_CHECKING:
    from fo_pose_plugin.models.person_detector import PersonDetector

__all__ = ["run_plan", "run_with_progress"]

FINISH_WORKERS = 2
FINISH_AHEAD = 8
SECONDS_BETWEEN_WRITES = 2.0
SECONDS_BETWEEN_REPORTS = 0.3
ROUNDS = 3


def run_with_progress(plan: EstimatePlan, progress: bool | ProgressCallback | None) -> EstimateReport:
    """Carry out a plan to its end, with a bar on the terminal or a call for each step."""
    run = run_plan(plan)
    if callable(progress):
        return _drive(run, progress)
    import fiftyone as fo

    shown = fo.config.show_progress_bars if progress is None else progress
    with DownloadBar(shown) as downloads, ExitStack() as opened:
        bar: Any = None

        def show(state: Progress) -> None:
            nonlocal bar
            if state.download is not None:
                downloads.show(state.stage, state.download)
                return
            downloads.close()
            if bar is None and state.run_id:
                bar = fo.ProgressBar(total=plan.total, quiet=not shown, iters_str="images")
                opened.enter_context(bar)
            if bar is not None:
                bar.set_iteration(state.done)

        return _drive(run, show)


def _drive(
    run: Generator[Progress, None, EstimateReport], callback: Callable[[Progress], None]
) -> EstimateReport:
    with closing(run):
        while True:
            try:
                state = next(run)
            except StopIteration as end:
                report: EstimateReport = end.value
                return report
            callback(state)


def run_plan(plan: EstimatePlan) -> Generator[Progress, None, EstimateReport]:
    """Carry out a plan, giving its progress on the way; weights that are missing are downloaded first.

    However it ends - Ctrl-C, an error, the caller's `close` - what was estimated is written, the run's
    record says how it ended, and ``resume`` can take it up.
    """
    ready = yield from fetch_missing(plan)
    return (yield from _Run(ready).carry_out())


class _Run:
    """The state of one run: its counts, and what it writes to."""

    def __init__(self, plan: EstimatePlan) -> None:
        self.plan = plan
        self.dataset = root_dataset(plan.samples)
        self.links_boxes = self._may_link_boxes()
        self.started = self.first_sample = time.monotonic()
        self.failures: dict[str, str] = {}
        self.finished = self.written = self.people = self.skipped = 0
        self.lost: set[str] = set()
        self.stopped = False

    def carry_out(self) -> Generator[Progress, None, EstimateReport]:
        plan = self.plan
        yield Progress("loading the model", 0, plan.total)
        network = catalog.load_network(plan.model, device=plan.request.device)
        detector = None
        if plan.detector is not None:
            yield Progress("loading the detector", 0, plan.total)
            detector = catalog.load_detector(plan.detector, device=plan.request.device)
        estimator = PoseEstimator(
            network,
            flip_test=plan.request.flip_test,
            batch_size=plan.request.batch_size,
            keep_heatmaps=plan.request.keep_heatmaps,
            signals=plan.request.signals,
        )
        record = begin_run(plan)
        self.first_sample = time.monotonic()
        boxes_field = plan.source.name if self.links_boxes else None
        replaces = plan.request.overwrite or plan.resumed_run is not None
        writer = ChunkWriter(self.dataset, plan.fields, boxes_field=boxes_field, replaces=replaces)
        status: RunStatus = "failed"
        message: str | None = None
        try:
            keep_what_is_replaced(plan, record)
            ids = samples_to_do(plan, record)
            self.skipped = plan.total - len(ids)
            yield self._progress("estimating poses", record)
            for _ in range(ROUNDS):
                yield from self._go_through(ids, estimator, detector, writer, record)
                # A database that was killed has forgotten what it had confirmed a moment before.
                ids = [] if self.stopped else lost_samples(plan, record, ids)
                if not ids:
                    break
                self.lost.update(ids)
            status = "stopped" if self.stopped else "completed"
        except (KeyboardInterrupt, GeneratorExit):
            status = "stopped"
            raise
        except Exception as error:
            message = f"{type(error).__name__}: {error}"
            raise
        finally:
            self._close(writer, record, status, message)
        views = add_saved_views(self.dataset, plan.fields.poses, network.spec.skeleton)
        yield self._progress("done", record)
        return EstimateReport(
            samples=self.written,
            people=self.people,
            skipped=self.skipped,
            failures=self.failures,
            seconds=time.monotonic() - self.started,
            run_id=record.run_id,
            stopped=self.stopped,
            saved_views=views,
        )

    def _go_through(
        self,
        ids: list[str],
        estimator: PoseEstimator,
        detector: PersonDetector | None,
        writer: ChunkWriter,
        record: RunRecord,
    ) -> Generator[Progress, None, None]:
        """Estimate and write samples, from their ids to the database."""
        plan, spec = self.plan, self.plan.model.network
        with closing(load_jobs(read_jobs(plan, ids), spec, with_images=detector is not None)) as loaded:
            cut = cut_jobs(loaded, detector, plan.source.threshold or 0.0, spec)
            with closing(self._results(estimator.estimate(cut), record)) as results:
                yield from self._write(results, writer, record)
        writer.flush()

    def _close(self, writer: ChunkWriter, record: RunRecord, status: RunStatus, message: str | None) -> None:
        """Write what is left and how the run ended; called on every way out."""
        try:
            writer.flush()
        finally:
            for sample_id, why in writer.left.items():
                if sample_id not in self.failures:  # edited after it was read
                    self.failures[sample_id] = why
                    self.written -= 1
            if not self.dataset.deleted:
                end_run(self.plan, record, status, self.failures, message)

    def _may_link_boxes(self) -> bool:
        """Whether the user's boxes may be given an instance: there is such a field, and it is writable."""
        source = self.plan.source
        if source.kind != "field" or source.name is None:
            return False
        return not getattr(self.dataset.get_field(source.name), "read_only", False)

    def _results(
        self, estimated: Iterable[tuple[SampleJob, ImagePoses]], record: RunRecord
    ) -> Generator[tuple[SampleResult, int], None, None]:
        """Keep heatmaps and make labels, in threads while the network goes on; give each with its people."""
        plan = self.plan
        keeper = None
        if plan.request.keep_heatmaps:
            keeper = HeatmapKeeper.for_run(self.dataset, record.run_id, plan.model.network.codec)

        def finish(item: tuple[SampleJob, ImagePoses]) -> tuple[SampleResult, int]:
            job, poses = item
            return self._finish(job, poses, record.run_id, keeper), len(poses)

        yield from read_ahead(estimated, finish, workers=FINISH_WORKERS, ahead=FINISH_AHEAD)

    def _finish(
        self, job: SampleJob, poses: ImagePoses, run_id: str, keeper: HeatmapKeeper | None
    ) -> SampleResult:
        if job.failed:
            return SampleResult(job.sample_id, None, error="; ".join(job.errors))
        path, heatmap = None, None
        if keeper is not None and len(poses):
            try:
                kept = keeper.keep(job.sample_id, poses, job.image_size_wh)
            except HeatmapError as error:
                # The poses themselves are good; resume tries the sample again.
                job.errors.append(f"heatmaps were not kept: {error}")
            else:
                path = str(kept.heatmaps)
                heatmap = make_overlay(
                    kept.overlay, legend(poses.keypoint_scores.shape[1]), keeper.codec.kind
                )
        boxes, new_instances = with_instances(job.boxes) if self.links_boxes else (job.boxes, {})
        label = labels.make_poses(
            poses, boxes, job.image_size_wh, run_id, known_ids=job.known_ids, heatmaps_path=path
        )
        if poses.signals is not None:
            sizes_wh = [np.multiply(box.bbox_rel[2:], job.image_size_wh) for box in boxes]
            spec = self.plan.model.network
            verdicts = judge(poses.signals, spec.skeleton, sizes_wh, poses.crops, spec.codec.heatmap_size_wh)
            add_signals(label, signals_of(verdicts, details=False))
        return SampleResult(
            job.sample_id,
            label,
            boxes=job.detections,
            heatmap=heatmap,
            error="; ".join(job.errors) or None,
            new_instances=new_instances,
        )

    def _write(
        self, results: Iterable[tuple[SampleResult, int]], writer: ChunkWriter, record: RunRecord
    ) -> Iterator[Progress]:
        last_write = last_report = time.monotonic()
        for result, people in results:
            flushed = writer.add(result)
            counts = result.sample_id not in self.lost  # or it was counted before
            self.finished += counts
            if result.error is not None:
                self.failures[result.sample_id] = result.error
            if result.poses is not None:
                self.written += counts
                self.people += people if counts else 0
            now = time.monotonic()
            if not flushed and now - last_write > SECONDS_BETWEEN_WRITES:
                writer.flush()
                flushed = True
            if flushed:
                last_write = now
                if record.stop_requested():
                    self.stopped = True
                    return
            if now - last_report > SECONDS_BETWEEN_REPORTS:
                last_report = now
                yield self._progress("estimating poses", record)

    def _progress(self, stage: str, record: RunRecord) -> Progress:
        return Progress(
            stage,
            self.skipped + self.finished,
            self.plan.total,
            people=self.people,
            failed=len(self.failures),
            seconds=time.monotonic() - self.first_sample,
            run_id=record.run_id,
        )
